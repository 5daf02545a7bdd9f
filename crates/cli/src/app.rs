//! `millpond app`.

use millpond_model::{AppName, SequenceNumber, StreamName};
use millpond_wire::v2::apps::{ConsumingStateResponse, PartitionConsumingState};
use serde::Serialize;
use serde_json::json;

use crate::{
    confirm,
    exit::{Exit, exit_codes, help},
    failure::Outcome,
    global::GlobalArgs,
    output::{Column, Kind},
    session::Session,
};

pub(crate) const HELP: &str = help!(
    "\
Examples:
  millpond app create billing
  millpond app list
  millpond app list --stream orders        only apps with a checkpoint there
  millpond app describe billing
  millpond app lag billing                 how far it is, in all its streams
  millpond app lag billing -s orders -o json
  millpond app delete billing              with its checkpoints; asks for the name

The lag is the number of records between the checkpoint and the end of a partition. It takes the
checkpoint for the number of the next record to read, which is what `millpond tail --app` commits."
);

const APPS: &[Column] = &[
    Column::text("NAME", "app_name"),
    Column::text("ID", "app_id"),
    Column::of("CREATED", "create_time", Kind::Time),
    Column::text("STREAMS", "commit_checkpoint_stream_names"),
    Column::text("DELETED", "deleted"),
];

const LIST: &[Column] = APPS.split_at(4).0;

const LAG: &[Column] = &[
    Column::text("STREAM", "stream_name"),
    Column::of("PARTITION", "partition_id", Kind::Number),
    Column::text("STATE", "state"),
    Column::of("COMMITTED", "committed", Kind::Number),
    Column::of("OLDEST", "oldest", Kind::Number),
    Column::of("HEAD", "head", Kind::Number),
    Column::of("LAG", "lag", Kind::Number),
    Column::text("STATUS", "partition_status"),
    Column::text("METADATA", "metadata"),
];

/// `millpond app`.
#[derive(Debug, clap::Args)]
pub struct AppArgs {
    #[command(subcommand)]
    pub(crate) command: AppCommand,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// The verbs of `millpond app`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AppCommand {
    /// Create an app.
    Create {
        /// Its name: 1 to 200 of A-Z a-z 0-9 _ -.
        app: AppName,
    },
    /// List all apps of the project.
    #[command(visible_alias = "ls")]
    List {
        /// Only apps that have a checkpoint in this stream.
        #[arg(short, long)]
        stream: Option<StreamName>,
    },
    /// Show an app.
    #[command(visible_alias = "get")]
    Describe {
        /// Its name or id.
        app: AppName,
    },
    /// Show for every partition how far an app is.
    Lag {
        /// Its name or id.
        app: AppName,
        /// Only this stream [default: all in which it has a checkpoint].
        #[arg(short, long)]
        stream: Option<StreamName>,
    },
    /// Delete an app with its checkpoints.
    #[command(visible_alias = "rm")]
    Delete {
        /// Its name or id.
        app: AppName,
    },
}

/// How far an app is in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Progress {
    app_name: String,
    stream_name: String,
    partition_id: String,
    /// `none` without a checkpoint, `behind` before the end, `ok` at it.
    state: &'static str,
    /// Number of the next record to read.
    committed: Option<u64>,
    oldest: u64,
    head: u64,
    /// Records to be read; all that are kept when there is no checkpoint.
    lag: u64,
    partition_status: String,
    metadata: String,
}

impl Progress {
    /// One entry for each partition of an answer.
    fn of(state: ConsumingStateResponse) -> Vec<Self> {
        let ConsumingStateResponse { app_name, stream_name, partition_consuming_states, .. } = state;
        let one = |state| Self::of_partition(&app_name, &stream_name, state);
        partition_consuming_states.into_iter().map(one).collect()
    }

    fn of_partition(app: &str, stream: &str, state: PartitionConsumingState) -> Self {
        let committed = state.sequence_number.parse::<SequenceNumber>().ok().map(SequenceNumber::get);
        let (oldest, head) = (state.earliest_offset, state.latest_offset);
        let lag = head.saturating_sub(committed.unwrap_or(oldest).max(oldest));
        Self {
            app_name: app.to_owned(),
            stream_name: stream.to_owned(),
            partition_id: state.partition_id,
            state: match (committed, lag) {
                (None, _) => "none",
                (Some(_), 0) => "ok",
                (Some(_), _) => "behind",
            },
            committed,
            oldest,
            head,
            lag,
            partition_status: state.status,
            metadata: state.metadata,
        }
    }
}

/// Runs a verb.
pub(crate) async fn run(command: AppCommand, session: &mut Session) -> Outcome {
    match command {
        AppCommand::Create { app } => {
            session.client.create_app(&app).await?;
            let created = session.client.describe_app(&app).await?;
            session.out.item(&created, APPS)?;
        }
        AppCommand::List { stream } => {
            let apps = session.client.list_apps(stream).all().await?;
            session.out.list(&apps, LIST)?;
            if apps.is_empty() {
                session.out.note("There are no apps; `millpond app create NAME` makes one.");
            }
        }
        AppCommand::Describe { app } => {
            let described = session.client.describe_app(&app).await?;
            session.out.item(&described, APPS)?;
        }
        AppCommand::Lag { app, stream } => lag(&app, stream, session).await?,
        AppCommand::Delete { app } => {
            confirm::deletion(session, app.as_str(), &format!("the app {app} with its checkpoints"))?;
            session.client.delete_app(&app).await?;
            session.out.item(&json!({"app_name": app.as_str(), "deleted": true}), APPS)?;
        }
    }
    Ok(Exit::Ok)
}

async fn lag(
    app: &AppName,
    stream: Option<StreamName>,
    session: &mut Session,
) -> Result<(), crate::failure::Failure> {
    let streams = if let Some(stream) = stream {
        vec![stream]
    } else {
        let described = session.client.describe_app(app).await?;
        described.commit_checkpoint_stream_names.iter().filter_map(|name| name.parse().ok()).collect()
    };
    let mut partitions = Vec::new();
    for stream in &streams {
        partitions.extend(Progress::of(session.client.consuming_state(app, stream).await?));
    }
    session.out.list(&partitions, LAG)?;
    if streams.is_empty() {
        session
            .out
            .note(format_args!("{app} has no checkpoint yet; name a stream with -s to see its partitions."));
    } else if session.out.format() == crate::output::Format::Table {
        let behind: u64 = partitions.iter().map(|partition| partition.lag).sum();
        session.out.note(format_args!("{behind} records behind"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_counts_from_the_next_record_to_read() {
        let check = |number: &str, expected: (&str, Option<u64>, u64)| {
            let state = PartitionConsumingState {
                partition_id: "0".into(),
                sequence_number: number.into(),
                earliest_offset: 10,
                latest_offset: 25,
                ..PartitionConsumingState::default()
            };
            let lag = Progress::of_partition("a", "s", state);
            assert_eq!((lag.state, lag.committed, lag.lag), expected, "{number}");
        };
        check("-1", ("none", None, 15));
        check("10", ("behind", Some(10), 15));
        check("24", ("behind", Some(24), 1));
        check("25", ("ok", Some(25), 0));
        check("5", ("behind", Some(5), 15));
    }
}
