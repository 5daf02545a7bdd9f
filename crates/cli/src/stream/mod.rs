//! `millpond stream`.

mod args;

use serde_json::json;

pub use self::args::StreamArgs;
use self::args::{CreateArgs, StreamCommand};
use crate::{
    confirm,
    exit::{Exit, exit_codes, help},
    failure::Outcome,
    output::{Column, Kind},
    session::Session,
};

pub(crate) const HELP: &str = help!(
    "\
Examples:
  millpond stream create orders --partitions 4
  millpond stream create orders --retention 72h --tag team=web --if-not-exists
  millpond stream list
  millpond stream ls -o name
  millpond stream describe orders          its partitions with their ranges
  millpond stream scale orders 8
  millpond stream update orders --retention 3d
  millpond stream delete orders            asks for the name; --yes does not"
);

const LIST: &[Column] = &[
    Column::text("NAME", "stream_name"),
    Column::text("STATUS", "status"),
    Column::of("PARTITIONS", "partition_count", Kind::Number),
    Column::text("TYPE", "stream_type"),
    Column::text("DATA", "data_type"),
    Column::of("RETENTION", "retention_period", Kind::Hours),
    Column::of("CREATED", "create_time", Kind::Time),
    Column::of("TAGS", "tags", Kind::Tags),
];

const DESCRIPTION: &[Column] = &[
    Column::text("NAME", "stream_name"),
    Column::text("ID", "stream_id"),
    Column::text("STATUS", "status"),
    Column::text("TYPE", "stream_type"),
    Column::text("DATA", "data_type"),
    Column::of("RETENTION", "retention_period", Kind::Hours),
    Column::text("WRITABLE", "writable_partition_count"),
    Column::text("READABLE", "readable_partition_count"),
    Column::text("AUTOSCALE", "auto_scale_enabled"),
    Column::of("CREATED", "create_time", Kind::Time),
    Column::of("MODIFIED", "last_modified_time", Kind::Time),
    Column::of("TAGS", "tags", Kind::Tags),
    Column::text("SCHEMA", "data_schema"),
];

const PARTITIONS: &[Column] = &[
    Column::text("PARTITION", "partition_id"),
    Column::text("STATUS", "status"),
    Column::text("RECORDS [FIRST : NEXT]", "sequence_number_range"),
    Column::text("KEYS [FIRST : LAST]", "hash_range"),
];

const CHANGE: &[Column] = &[
    Column::text("NAME", "stream_name"),
    Column::text("BEFORE", "current_partition_count"),
    Column::text("NOW", "target_partition_count"),
    Column::text("CREATED", "created"),
    Column::text("UPDATED", "updated"),
    Column::text("DELETED", "deleted"),
];

/// Runs a verb.
pub(crate) async fn run(command: StreamCommand, session: &mut Session) -> Outcome {
    match command {
        StreamCommand::Create(args) => return create(&args, session).await,
        StreamCommand::List => {
            let streams = session.client.list_streams().all().await?;
            session.out.list(&streams, LIST)?;
            if streams.is_empty() {
                session.out.note("There are no streams; `millpond stream create NAME` makes one.");
            }
        }
        StreamCommand::Describe { stream } => {
            let description = session.client.describe_stream(&stream).await?;
            session.out.item(&description, DESCRIPTION)?;
            session.out.detail(&description.partitions, PARTITIONS)?;
        }
        StreamCommand::Scale { stream, partitions } => {
            let change = session.client.scale_stream(&stream, partitions).await?;
            session.out.item(&change, CHANGE)?;
        }
        StreamCommand::Update(args) => {
            session.client.update_stream(&args.stream, &args.request()?).await?;
            session.out.item(&json!({"stream_name": args.stream.as_str(), "updated": true}), CHANGE)?;
        }
        StreamCommand::Delete { stream } => {
            let consequence = format!("the stream {stream} with its records and checkpoints");
            confirm::deletion(session, stream.as_str(), &consequence)?;
            session.client.delete_stream(&stream).await?;
            session.out.item(&json!({"stream_name": stream.as_str(), "deleted": true}), CHANGE)?;
        }
    }
    Ok(Exit::Ok)
}

async fn create(args: &CreateArgs, session: &mut Session) -> Outcome {
    let created = match session.client.create_stream(&args.request()).await {
        Ok(()) => true,
        Err(error) if args.if_not_exists && error.code() == Some("DIS.4307") => false,
        Err(error) => return Err(error.into()),
    };
    session.out.item(&json!({"stream_name": args.stream.as_str(), "created": created}), CHANGE)?;
    Ok(Exit::Ok)
}
