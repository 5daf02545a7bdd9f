//! Rows, as a table keeps them.

use std::collections::VecDeque;

use millpond_model::{
    AppId, HashKey, HashRange, PartitionId, PartitionStatus, StreamId, StreamSpec, Timestamp,
};
use prost::Message;

use super::{
    DecodeError,
    outcome::OutcomeTwin,
    parts::{self, SpecTwin},
    sharing::{self, RuleTwin},
};
use crate::{
    Actor, App, Checkpoint, CheckpointChange, CommandId, LogPosition, Partition, ScalingChange, Stream,
    recent::{Recent, RecentCommand},
    state::Meta,
};

#[derive(Clone, PartialEq, Message)]
struct MetaRow {
    #[prost(uint64, tag = "1")]
    applied: u64,
    #[prost(int64, tag = "2")]
    time_ms: i64,
    #[prost(uint64, tag = "3")]
    version_floor: u64,
    #[prost(bytes = "vec", optional, tag = "4")]
    secret: Option<Vec<u8>>,
}

pub(crate) fn encode_meta(meta: &Meta) -> Vec<u8> {
    MetaRow {
        applied: meta.applied.get(),
        time_ms: meta.time.as_millis(),
        version_floor: meta.version_floor,
        secret: meta.secret.map(|secret| secret.to_vec()),
    }
    .encode_to_vec()
}

pub(crate) fn decode_meta(bytes: &[u8]) -> Result<Meta, DecodeError> {
    let bad = DecodeError::new("meta row");
    let row = MetaRow::decode(bytes).map_err(|_| bad)?;
    Ok(Meta {
        applied: LogPosition::new(row.applied),
        time: Timestamp::from_millis(row.time_ms),
        version_floor: row.version_floor,
        secret: row.secret.map(<[u8; 32]>::try_from).transpose().map_err(|_| bad)?,
    })
}

#[derive(Clone, PartialEq, Message)]
struct RecentRow {
    #[prost(message, repeated, tag = "1")]
    commands: Vec<RecentTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct RecentTwin {
    #[prost(uint64, tag = "1")]
    position: u64,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(int64, tag = "3")]
    time_ms: i64,
    #[prost(message, optional, tag = "4")]
    outcome: Option<OutcomeTwin>,
}

pub(crate) fn encode_recent(recent: &Recent) -> Vec<u8> {
    let twin = |(position, command): (LogPosition, &RecentCommand)| RecentTwin {
        position: position.get(),
        id: command.id.get().to_le_bytes().to_vec(),
        time_ms: command.time.as_millis(),
        outcome: Some((&command.outcome).into()),
    };
    RecentRow { commands: recent.iter().map(twin).collect() }.encode_to_vec()
}

pub(crate) fn decode_recent(bytes: &[u8]) -> Result<Recent, DecodeError> {
    let bad = DecodeError::new("row of recent commands");
    let mut recent = Recent::default();
    for twin in RecentRow::decode(bytes).map_err(|_| bad)?.commands {
        let id: [u8; 16] = twin.id.try_into().map_err(|_| bad)?;
        let command = RecentCommand {
            id: CommandId::from_random(u128::from_le_bytes(id)),
            time: Timestamp::from_millis(twin.time_ms),
            outcome: twin.outcome.ok_or(bad)?.try_into()?,
        };
        recent.insert(LogPosition::new(twin.position), command).then_some(()).ok_or(bad)?;
    }
    Ok(recent)
}

#[derive(Clone, PartialEq, Message)]
struct StreamRow {
    #[prost(string, tag = "1")]
    project: String,
    #[prost(message, optional, tag = "2")]
    spec: Option<SpecTwin>,
    #[prost(int64, tag = "3")]
    created_ms: i64,
    #[prost(int64, tag = "4")]
    modified_ms: i64,
    #[prost(message, repeated, tag = "5")]
    partitions: Vec<PartitionTwin>,
    #[prost(message, repeated, tag = "6")]
    scaling: Vec<ScalingTwin>,
    #[prost(message, repeated, tag = "10")]
    policies: Vec<RuleTwin>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PartitionTwin {
    #[prost(uint32, tag = "1")]
    status: u32,
    #[prost(uint64, tag = "2")]
    range_start: u64,
    #[prost(uint64, tag = "3")]
    range_end: u64,
    #[prost(uint64, tag = "4")]
    changed_at: u64,
    /// Absent in rows of early versions: not before the stream's last change of the partition count.
    #[prost(int64, optional, tag = "5")]
    changed_ms: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ScalingTwin {
    #[prost(int64, tag = "1")]
    time_ms: i64,
    #[prost(uint32, tag = "2")]
    before: u32,
    #[prost(uint32, tag = "3")]
    after: u32,
    #[prost(bool, tag = "4")]
    automatic: bool,
}

pub(crate) fn encode_stream(stream: &Stream) -> Vec<u8> {
    let partition = |p: &Partition| PartitionTwin {
        status: match p.status {
            PartitionStatus::Active => 1,
            PartitionStatus::Deleted => 2,
            PartitionStatus::Expired => 3,
        },
        range_start: p.range.start.get(),
        range_end: p.range.end.get(),
        changed_at: p.changed_at.get(),
        changed_ms: Some(p.changed.as_millis()),
    };
    let scaling = |change: &ScalingChange| ScalingTwin {
        time_ms: change.time.as_millis(),
        before: change.before,
        after: change.after,
        automatic: change.automatic,
    };
    StreamRow {
        project: stream.project.as_str().into(),
        spec: Some((&stream.spec).into()),
        created_ms: stream.created.as_millis(),
        modified_ms: stream.modified.as_millis(),
        partitions: stream.partitions.iter().map(partition).collect(),
        scaling: stream.scaling.iter().map(scaling).collect(),
        policies: sharing::rule_twins(&stream.policies),
    }
    .encode_to_vec()
}

pub(crate) fn decode_stream(id: StreamId, bytes: &[u8]) -> Result<Stream, DecodeError> {
    let bad = DecodeError::new("stream row");
    let row = StreamRow::decode(bytes).map_err(|_| bad)?;
    let spec: StreamSpec = row.spec.ok_or(bad)?.try_into()?;
    let scaled_ms = row.scaling.last().map_or(row.created_ms, |change| change.time_ms);
    let partitions = (0..).zip(&row.partitions).map(|(index, twin)| partition(index, *twin, scaled_ms));
    let partitions: Vec<Partition> = partitions.collect::<Result<_, _>>()?;
    let is_active = |p: &&Partition| p.status == PartitionStatus::Active;
    let active: Vec<PartitionId> = partitions.iter().filter(is_active).map(|p| p.id).collect();
    if active.is_empty() {
        return Err(bad);
    }
    let change = |twin: &ScalingTwin| ScalingChange {
        time: Timestamp::from_millis(twin.time_ms),
        before: twin.before,
        after: twin.after,
        automatic: twin.automatic,
    };
    Ok(Stream {
        id,
        project: parts::project(&row.project)?,
        spec,
        created: Timestamp::from_millis(row.created_ms),
        modified: Timestamp::from_millis(row.modified_ms),
        partitions,
        active,
        scaling: row.scaling.iter().map(change).collect(),
        policies: sharing::rules(&row.policies)?,
    })
}

fn partition(index: u32, twin: PartitionTwin, scaled_ms: i64) -> Result<Partition, DecodeError> {
    let bad = DecodeError::new("partition");
    Ok(Partition {
        id: PartitionId::new(index),
        status: match twin.status {
            1 => PartitionStatus::Active,
            2 => PartitionStatus::Deleted,
            3 => PartitionStatus::Expired,
            _ => return Err(bad),
        },
        range: HashRange {
            start: HashKey::new(twin.range_start).ok_or(bad)?,
            end: HashKey::new(twin.range_end).ok_or(bad)?,
        },
        changed_at: LogPosition::new(twin.changed_at),
        changed: Timestamp::from_millis(twin.changed_ms.unwrap_or(scaled_ms)),
    })
}

#[derive(Clone, PartialEq, Message)]
struct AppRow {
    #[prost(string, tag = "1")]
    project: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(int64, tag = "3")]
    created_ms: i64,
}

pub(crate) fn encode_app(app: &App) -> Vec<u8> {
    AppRow {
        project: app.project.as_str().into(),
        name: app.name.as_str().into(),
        created_ms: app.created.as_millis(),
    }
    .encode_to_vec()
}

pub(crate) fn decode_app(id: AppId, bytes: &[u8]) -> Result<App, DecodeError> {
    let row = AppRow::decode(bytes).map_err(|_| DecodeError::new("app row"))?;
    Ok(App {
        id,
        project: parts::project(&row.project)?,
        name: parts::parse("app name", &row.name)?,
        created: Timestamp::from_millis(row.created_ms),
    })
}

#[derive(Clone, PartialEq, Message)]
struct CheckpointRow {
    #[prost(message, repeated, tag = "1")]
    history: Vec<ChangeTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct ChangeTwin {
    #[prost(uint64, tag = "1")]
    sequence_number: u64,
    #[prost(string, tag = "2")]
    metadata: String,
    #[prost(uint64, tag = "3")]
    version: u64,
    #[prost(uint64, tag = "4")]
    position: u64,
    #[prost(int64, tag = "5")]
    time_ms: i64,
    #[prost(string, tag = "6")]
    actor: String,
}

pub(crate) fn encode_checkpoint(checkpoint: &Checkpoint) -> Vec<u8> {
    let twin = |change: &CheckpointChange| ChangeTwin {
        sequence_number: change.sequence_number.get(),
        metadata: change.metadata.as_str().into(),
        version: change.version,
        position: change.position.get(),
        time_ms: change.time.as_millis(),
        actor: change.actor.as_str().into(),
    };
    CheckpointRow { history: checkpoint.oldest_first().map(twin).collect() }.encode_to_vec()
}

pub(crate) fn decode_checkpoint(bytes: &[u8]) -> Result<Checkpoint, DecodeError> {
    let bad = DecodeError::new("checkpoint row");
    let row = CheckpointRow::decode(bytes).map_err(|_| bad)?;
    let change = |twin: ChangeTwin| {
        Ok(CheckpointChange {
            sequence_number: parts::sequence_number(twin.sequence_number)?,
            metadata: parts::metadata(&twin.metadata)?,
            version: twin.version,
            position: LogPosition::new(twin.position),
            time: Timestamp::from_millis(twin.time_ms),
            actor: Actor::new(&twin.actor),
        })
    };
    let history: VecDeque<_> = row.history.into_iter().map(change).collect::<Result<_, DecodeError>>()?;
    Checkpoint::from_history(history).ok_or(bad)
}

#[cfg(test)]
mod tests {
    use millpond_model::PartitionCount;

    use super::*;

    #[test]
    fn a_partition_of_an_early_row_changed_no_later_than_the_last_scaling() {
        let (id, position) = (StreamId::from_random(1), LogPosition::new(1));
        let at = Timestamp::from_millis;
        let count = |count| PartitionCount::new(count).unwrap();
        let spec = StreamSpec::new("s".parse().unwrap(), count(2));
        let mut stream = Stream::create(id, "p".parse().unwrap(), spec, position, at(5));
        let early = |stream: &Stream| {
            let mut row = StreamRow::decode(&*encode_stream(stream)).unwrap();
            row.partitions.iter_mut().for_each(|partition| partition.changed_ms = None);
            let stream = decode_stream(id, &row.encode_to_vec()).unwrap();
            stream.partitions().iter().map(|partition| partition.changed.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(early(&stream), [5, 5]);
        stream.scale(count(1), false, position, at(7));
        assert_eq!(early(&stream), [7, 7]);
    }
}
