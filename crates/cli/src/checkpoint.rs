//! `millpond checkpoint`.

use millpond_model::{AppName, Metadata, PartitionId, SequenceNumber, StreamName};
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
  millpond checkpoint get billing -s orders              in all partitions
  millpond checkpoint get billing -s orders -p 0
  millpond checkpoint commit billing 90112 -s orders -p 0
  millpond checkpoint delete billing -s orders -p 0      reading then begins at the oldest record
  millpond cp rm billing -s orders --yes                 in all partitions

A position is the number of the next record to read: after record 41 was handled, commit 42. The
server takes any number from the oldest record to the end of the partition, also a smaller one
than before."
);

const CHECKPOINTS: &[Column] = &[
    Column::text("PARTITION", "partition_id"),
    Column::of("POSITION", "sequence_number", Kind::Number),
    Column::text("METADATA", "metadata"),
    Column::text("STREAM", "stream_name"),
    Column::text("APP", "app_name"),
    Column::text("DELETED", "deleted"),
];

const LIST: &[Column] = CHECKPOINTS.split_at(5).0;

/// `millpond checkpoint`.
#[derive(Debug, clap::Args)]
pub struct CheckpointArgs {
    #[command(subcommand)]
    pub(crate) command: CheckpointCommand,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// The verbs of `millpond checkpoint`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Set the position of an app in a partition.
    #[command(visible_alias = "set")]
    Commit {
        /// The app.
        app: AppName,
        /// Number of the next record to read.
        position: SequenceNumber,
        /// The stream.
        #[arg(short, long)]
        stream: StreamName,
        /// The partition: 0 or shardId-0000000000.
        #[arg(short, long)]
        partition: PartitionId,
        /// Text to keep with the position, at most 1000 characters.
        #[arg(long, default_value = "", hide_default_value = true)]
        metadata: Metadata,
    },
    /// Show the positions of an app.
    #[command(visible_alias = "list", alias = "ls")]
    Get {
        /// The app.
        app: AppName,
        /// The stream.
        #[arg(short, long)]
        stream: StreamName,
        /// Only this partition.
        #[arg(short, long)]
        partition: Option<PartitionId>,
    },
    /// Delete the positions of an app.
    #[command(visible_alias = "rm")]
    Delete {
        /// The app.
        app: AppName,
        /// The stream.
        #[arg(short, long)]
        stream: StreamName,
        /// Only this partition.
        #[arg(short, long)]
        partition: Option<PartitionId>,
    },
}

/// A position of an app.
#[derive(Debug, Serialize)]
struct Checkpoint {
    app_name: String,
    stream_name: String,
    partition_id: String,
    /// `null` when there is none.
    sequence_number: Option<String>,
    metadata: String,
}

impl Checkpoint {
    fn new(app: &AppName, stream: &StreamName, partition: PartitionId) -> Self {
        Self {
            app_name: app.to_string(),
            stream_name: stream.to_string(),
            partition_id: partition.to_string(),
            sequence_number: None,
            metadata: String::new(),
        }
    }
}

/// Runs a verb.
pub(crate) async fn run(command: CheckpointCommand, session: &mut Session) -> Outcome {
    match command {
        CheckpointCommand::Commit { app, position, stream, partition, metadata } => {
            session.client.commit_checkpoint(&app, &stream, partition, position, metadata.as_str()).await?;
            let checkpoint = Checkpoint {
                sequence_number: Some(position.to_string()),
                metadata: metadata.as_str().to_owned(),
                ..Checkpoint::new(&app, &stream, partition)
            };
            session.out.item(&checkpoint, CHECKPOINTS)?;
        }
        CheckpointCommand::Get { app, stream, partition: Some(partition) } => {
            let found = session.client.get_checkpoint(&app, &stream, partition).await?;
            let checkpoint = Checkpoint {
                sequence_number: found.position().map(|position| position.to_string()),
                metadata: found.metadata,
                ..Checkpoint::new(&app, &stream, partition)
            };
            session.out.item(&checkpoint, CHECKPOINTS)?;
            if checkpoint.sequence_number.is_none() {
                session.out.note("There is no checkpoint, or its record has left retention.");
            }
        }
        CheckpointCommand::Get { app, stream, partition: None } => list(&app, &stream, session).await?,
        CheckpointCommand::Delete { app, stream, partition } => {
            let of = partition.map_or_else(|| "all partitions".to_owned(), |partition| partition.to_string());
            let consequence = format!("the checkpoint of {app} in {of} of {stream}");
            confirm::deletion(session, app.as_str(), &consequence)?;
            session.client.delete_checkpoint(&app, &stream, partition).await?;
            let deleted = json!({
                "app_name": app.as_str(),
                "stream_name": stream.as_str(),
                "partition_id": partition.map(|partition| partition.to_string()),
                "deleted": true,
            });
            session.out.item(&deleted, CHECKPOINTS)?;
        }
    }
    Ok(Exit::Ok)
}

async fn list(
    app: &AppName,
    stream: &StreamName,
    session: &mut Session,
) -> Result<(), crate::failure::Failure> {
    let state = session.client.consuming_state(app, stream).await?;
    let entry = |state: &millpond_wire::v2::apps::PartitionConsumingState| {
        let partition = state.partition_id.parse().ok()?;
        let position: Option<SequenceNumber> = state.sequence_number.parse().ok();
        Some(Checkpoint {
            sequence_number: position.map(|position| position.to_string()),
            metadata: state.metadata.clone(),
            ..Checkpoint::new(app, stream, partition)
        })
    };
    let checkpoints: Vec<Checkpoint> = state.partition_consuming_states.iter().filter_map(entry).collect();
    session.out.list(&checkpoints, LIST)
}
