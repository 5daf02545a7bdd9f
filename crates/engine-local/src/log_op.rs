//! Changes of the logs themselves, as the journal keeps them.

use millpond_engine::LogConfig;
use millpond_model::{PartitionId, PartitionRef, RetentionHours, SequenceNumber, StreamId};
use prost::{Message, Oneof};

/// A change of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogOp {
    Create {
        stream: StreamId,
        partitions: u32,
        config: LogConfig,
    },
    AddPartitions {
        stream: StreamId,
        total: u32,
    },
    /// Records that arrived before `floor_ms` had expired by then, and stay so under any retention.
    Configure {
        stream: StreamId,
        config: LogConfig,
        floor_ms: i64,
    },
    Trim {
        partition: PartitionRef,
        before: SequenceNumber,
    },
    Drop {
        stream: StreamId,
    },
}

#[derive(Clone, PartialEq, Message)]
struct OpTwin {
    #[prost(bytes = "vec", tag = "1")]
    stream: Vec<u8>,
    #[prost(oneof = "KindTwin", tags = "2, 3, 4, 5, 6")]
    kind: Option<KindTwin>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
enum KindTwin {
    #[prost(message, tag = "2")]
    Create(CreateTwin),
    #[prost(uint32, tag = "3")]
    AddPartitions(u32),
    #[prost(message, tag = "4")]
    Configure(ConfigureTwin),
    #[prost(message, tag = "5")]
    Trim(TrimTwin),
    #[prost(bool, tag = "6")]
    Drop(bool),
}

#[derive(Clone, Copy, PartialEq, Message)]
struct CreateTwin {
    #[prost(uint32, tag = "1")]
    partitions: u32,
    #[prost(uint32, tag = "2")]
    retention_hours: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ConfigureTwin {
    #[prost(uint32, tag = "1")]
    retention_hours: u32,
    #[prost(sfixed64, tag = "2")]
    floor_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct TrimTwin {
    #[prost(uint32, tag = "1")]
    partition: u32,
    #[prost(uint64, tag = "2")]
    before: u64,
}

impl LogOp {
    pub(crate) fn stream(&self) -> StreamId {
        match self {
            Self::Create { stream, .. }
            | Self::AddPartitions { stream, .. }
            | Self::Configure { stream, .. }
            | Self::Drop { stream } => *stream,
            Self::Trim { partition, .. } => partition.stream,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let kind = match self {
            Self::Create { partitions, config, .. } => KindTwin::Create(CreateTwin {
                partitions: *partitions,
                retention_hours: config.retention.get(),
            }),
            Self::AddPartitions { total, .. } => KindTwin::AddPartitions(*total),
            Self::Configure { config, floor_ms, .. } => KindTwin::Configure(ConfigureTwin {
                retention_hours: config.retention.get(),
                floor_ms: *floor_ms,
            }),
            Self::Trim { partition, before } => {
                KindTwin::Trim(TrimTwin { partition: partition.partition.index(), before: before.get() })
            }
            Self::Drop { .. } => KindTwin::Drop(true),
        };
        OpTwin { stream: self.stream().as_bytes().to_vec(), kind: Some(kind) }.encode_to_vec()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let twin = OpTwin::decode(bytes).ok()?;
        let stream = StreamId::from_bytes(&twin.stream).ok()?;
        let config = |hours| RetentionHours::new(hours).ok().map(|retention| LogConfig { retention });
        Some(match twin.kind? {
            KindTwin::Create(CreateTwin { partitions, retention_hours }) => {
                Self::Create { stream, partitions, config: config(retention_hours)? }
            }
            KindTwin::AddPartitions(total) => Self::AddPartitions { stream, total },
            KindTwin::Configure(ConfigureTwin { retention_hours, floor_ms }) => {
                Self::Configure { stream, config: config(retention_hours)?, floor_ms }
            }
            KindTwin::Trim(TrimTwin { partition, before }) => Self::Trim {
                partition: PartitionRef { stream, partition: PartitionId::new(partition) },
                before: SequenceNumber::new(before).ok()?,
            },
            KindTwin::Drop(_) => Self::Drop { stream },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_read_back() {
        let stream = StreamId::from_random(1);
        let config = LogConfig { retention: RetentionHours::default() };
        let partition = PartitionRef { stream, partition: PartitionId::new(3) };
        for op in [
            LogOp::Create { stream, partitions: 5, config },
            LogOp::AddPartitions { stream, total: 9 },
            LogOp::Configure { stream, config, floor_ms: -5 },
            LogOp::Trim { partition, before: SequenceNumber::ZERO },
            LogOp::Drop { stream },
        ] {
            assert_eq!(LogOp::decode(&op.encode()), Some(op));
        }
        assert_eq!(LogOp::decode(b"\xff\xff"), None);
    }
}
