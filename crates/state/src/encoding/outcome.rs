//! Outcomes, as the remembered commands keep them.

use millpond_model::{PartitionId, PartitionRef, Timestamp};
use prost::Oneof;

use super::{DecodeError, parts, task::TaskKeyTwin};
use crate::{Actor, Committed, Done, Outcome, Rejected};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OutcomeTwin {
    #[prost(
        oneof = "Kind",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 30, 31, 40, 41, 42"
    )]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Kind {
    #[prost(message, tag = "1")]
    Changed(Empty),
    #[prost(bytes, tag = "2")]
    Deployment(Vec<u8>),
    #[prost(message, tag = "3")]
    Partitions(PartitionsTwin),
    #[prost(message, tag = "4")]
    Committed(VersionsTwin),
    #[prost(uint32, tag = "5")]
    Count(u32),
    #[prost(message, tag = "6")]
    StreamExists(Empty),
    #[prost(message, tag = "7")]
    StreamNotFound(Empty),
    #[prost(uint32, tag = "8")]
    QuotaExceeded(u32),
    #[prost(uint32, tag = "9")]
    NotPrepared(u32),
    #[prost(message, tag = "10")]
    AppExists(Empty),
    #[prost(message, tag = "11")]
    AppNotFound(Empty),
    #[prost(message, tag = "12")]
    PartitionNotFound(PartitionTwin),
    #[prost(message, tag = "13")]
    PartitionExpired(PartitionTwin),
    #[prost(message, tag = "14")]
    Conflict(ConflictTwin),
    #[prost(uint32, tag = "15")]
    PartitionsChanged(u32),
    #[prost(message, tag = "16")]
    AutoScaleForbids(Empty),
    #[prost(uint32, tag = "17")]
    StreamQuotaExceeded(u32),
    #[prost(message, tag = "20")]
    AppInUse(Empty),
    #[prost(message, tag = "21")]
    GroupRebalancing(Empty),
    #[prost(message, tag = "22")]
    MemberUnknown(Empty),
    #[prost(message, tag = "23")]
    IllegalGeneration(Empty),
    #[prost(message, tag = "40")]
    TaskExists(Empty),
    #[prost(message, tag = "41")]
    TaskNotFound(TaskKeyTwin),
    #[prost(message, tag = "42")]
    TaskFixed(Empty),
    #[prost(message, tag = "30")]
    TooManyTags(Empty),
    #[prost(message, tag = "31")]
    TooManyPolicies(Empty),
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Empty {}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct PartitionsTwin {
    #[prost(uint32, tag = "1")]
    before: u32,
    #[prost(uint32, tag = "2")]
    after: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct VersionsTwin {
    #[prost(uint64, repeated, tag = "1")]
    versions: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PartitionTwin {
    #[prost(bytes = "vec", tag = "1")]
    stream: Vec<u8>,
    #[prost(uint32, tag = "2")]
    partition: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConflictTwin {
    #[prost(message, optional, tag = "1")]
    partition: Option<PartitionTwin>,
    #[prost(message, optional, tag = "2")]
    stored: Option<CommittedTwin>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CommittedTwin {
    #[prost(uint64, tag = "1")]
    sequence_number: u64,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(string, tag = "3")]
    actor: String,
    #[prost(int64, tag = "4")]
    time_ms: i64,
}

impl From<&PartitionRef> for PartitionTwin {
    fn from(partition: &PartitionRef) -> Self {
        Self { stream: partition.stream.as_bytes().to_vec(), partition: partition.partition.index() }
    }
}

impl TryFrom<PartitionTwin> for PartitionRef {
    type Error = DecodeError;

    fn try_from(twin: PartitionTwin) -> Result<Self, DecodeError> {
        Ok(Self { stream: parts::stream_id(&twin.stream)?, partition: PartitionId::new(twin.partition) })
    }
}

impl From<&Outcome> for OutcomeTwin {
    fn from(outcome: &Outcome) -> Self {
        let kind = match outcome {
            Ok(Done::Changed) => Kind::Changed(Empty {}),
            Ok(Done::Deployment(secret)) => Kind::Deployment(secret.to_vec()),
            Ok(Done::Partitions { before, after }) => {
                Kind::Partitions(PartitionsTwin { before: *before, after: *after })
            }
            Ok(Done::Committed(versions)) => Kind::Committed(VersionsTwin { versions: versions.clone() }),
            Ok(Done::Count(count)) => Kind::Count(*count),
            Err(Rejected::StreamExists) => Kind::StreamExists(Empty {}),
            Err(Rejected::StreamNotFound) => Kind::StreamNotFound(Empty {}),
            Err(Rejected::QuotaExceeded { quota }) => Kind::QuotaExceeded(*quota),
            Err(Rejected::StreamQuotaExceeded { quota }) => Kind::StreamQuotaExceeded(*quota),
            Err(Rejected::NotPrepared { needed }) => Kind::NotPrepared(*needed),
            Err(Rejected::PartitionsChanged { active }) => Kind::PartitionsChanged(*active),
            Err(Rejected::AutoScaleForbids) => Kind::AutoScaleForbids(Empty {}),
            Err(Rejected::AppExists) => Kind::AppExists(Empty {}),
            Err(Rejected::AppNotFound) => Kind::AppNotFound(Empty {}),
            Err(Rejected::AppInUse) => Kind::AppInUse(Empty {}),
            Err(Rejected::GroupRebalancing) => Kind::GroupRebalancing(Empty {}),
            Err(Rejected::MemberUnknown) => Kind::MemberUnknown(Empty {}),
            Err(Rejected::IllegalGeneration) => Kind::IllegalGeneration(Empty {}),
            Err(Rejected::PartitionNotFound(partition)) => Kind::PartitionNotFound(partition.into()),
            Err(Rejected::PartitionExpired(partition)) => Kind::PartitionExpired(partition.into()),
            Err(Rejected::TooManyTags) => Kind::TooManyTags(Empty {}),
            Err(Rejected::TooManyPolicies) => Kind::TooManyPolicies(Empty {}),
            Err(Rejected::TaskExists) => Kind::TaskExists(Empty {}),
            Err(Rejected::TaskNotFound(key)) => Kind::TaskNotFound(key.into()),
            Err(Rejected::TaskFixed) => Kind::TaskFixed(Empty {}),
            Err(Rejected::Conflict { partition, stored }) => Kind::Conflict(ConflictTwin {
                partition: Some(partition.into()),
                stored: stored.as_ref().map(|stored| CommittedTwin {
                    sequence_number: stored.sequence_number.get(),
                    version: stored.version,
                    actor: stored.actor.as_str().into(),
                    time_ms: stored.time.as_millis(),
                }),
            }),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<OutcomeTwin> for Outcome {
    type Error = DecodeError;

    fn try_from(twin: OutcomeTwin) -> Result<Self, DecodeError> {
        let bad = DecodeError::new("outcome");
        Ok(match twin.kind.ok_or(bad)? {
            Kind::Changed(Empty {}) => Ok(Done::Changed),
            Kind::Deployment(secret) => Ok(Done::Deployment(secret.try_into().map_err(|_| bad)?)),
            Kind::Partitions(PartitionsTwin { before, after }) => Ok(Done::Partitions { before, after }),
            Kind::Committed(VersionsTwin { versions }) => Ok(Done::Committed(versions)),
            Kind::Count(count) => Ok(Done::Count(count)),
            Kind::StreamExists(Empty {}) => Err(Rejected::StreamExists),
            Kind::StreamNotFound(Empty {}) => Err(Rejected::StreamNotFound),
            Kind::QuotaExceeded(quota) => Err(Rejected::QuotaExceeded { quota }),
            Kind::StreamQuotaExceeded(quota) => Err(Rejected::StreamQuotaExceeded { quota }),
            Kind::NotPrepared(needed) => Err(Rejected::NotPrepared { needed }),
            Kind::PartitionsChanged(active) => Err(Rejected::PartitionsChanged { active }),
            Kind::AutoScaleForbids(Empty {}) => Err(Rejected::AutoScaleForbids),
            Kind::AppExists(Empty {}) => Err(Rejected::AppExists),
            Kind::AppNotFound(Empty {}) => Err(Rejected::AppNotFound),
            Kind::AppInUse(Empty {}) => Err(Rejected::AppInUse),
            Kind::GroupRebalancing(Empty {}) => Err(Rejected::GroupRebalancing),
            Kind::MemberUnknown(Empty {}) => Err(Rejected::MemberUnknown),
            Kind::IllegalGeneration(Empty {}) => Err(Rejected::IllegalGeneration),
            Kind::PartitionNotFound(partition) => Err(Rejected::PartitionNotFound(partition.try_into()?)),
            Kind::PartitionExpired(partition) => Err(Rejected::PartitionExpired(partition.try_into()?)),
            Kind::TooManyTags(Empty {}) => Err(Rejected::TooManyTags),
            Kind::TooManyPolicies(Empty {}) => Err(Rejected::TooManyPolicies),
            Kind::TaskExists(Empty {}) => Err(Rejected::TaskExists),
            Kind::TaskNotFound(twin) => Err(Rejected::TaskNotFound(twin.try_into()?)),
            Kind::TaskFixed(Empty {}) => Err(Rejected::TaskFixed),
            Kind::Conflict(twin) => Err(Rejected::Conflict {
                partition: twin.partition.ok_or(bad)?.try_into()?,
                stored: twin.stored.as_ref().map(committed).transpose()?,
            }),
        })
    }
}

fn committed(twin: &CommittedTwin) -> Result<Committed, DecodeError> {
    Ok(Committed {
        sequence_number: parts::sequence_number(twin.sequence_number)?,
        version: twin.version,
        actor: Actor::new(&twin.actor),
        time: Timestamp::from_millis(twin.time_ms),
    })
}
