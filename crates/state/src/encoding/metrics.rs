//! Measured minutes, in commands and in rows.

use std::collections::BTreeMap;

use millpond_model::{Minute, PartitionId};
use prost::Message;

use super::{DecodeError, parts};
use crate::{Command, MetricCounts, MinuteMetrics};

/// Counts, of which most are zero and then take no bytes.
#[derive(Clone, Copy, PartialEq, Message)]
struct CountsTwin {
    #[prost(uint64, tag = "1")]
    put_bytes: u64,
    #[prost(uint64, tag = "2")]
    get_bytes: u64,
    #[prost(uint64, tag = "3")]
    put_records: u64,
    #[prost(uint64, tag = "4")]
    get_records: u64,
    #[prost(uint64, tag = "5")]
    put_requests: u64,
    #[prost(uint64, tag = "6")]
    get_requests: u64,
    #[prost(uint64, tag = "7")]
    put_micros: u64,
    #[prost(uint64, tag = "8")]
    get_micros: u64,
    #[prost(uint64, tag = "9")]
    put_throttled: u64,
    #[prost(uint64, tag = "10")]
    get_throttled: u64,
}

impl From<&MetricCounts> for CountsTwin {
    fn from(counts: &MetricCounts) -> Self {
        Self {
            put_bytes: counts.put_bytes,
            get_bytes: counts.get_bytes,
            put_records: counts.put_records,
            get_records: counts.get_records,
            put_requests: counts.put_requests,
            get_requests: counts.get_requests,
            put_micros: counts.put_micros,
            get_micros: counts.get_micros,
            put_throttled: counts.put_throttled,
            get_throttled: counts.get_throttled,
        }
    }
}

impl From<CountsTwin> for MetricCounts {
    fn from(twin: CountsTwin) -> Self {
        Self {
            put_bytes: twin.put_bytes,
            get_bytes: twin.get_bytes,
            put_records: twin.put_records,
            get_records: twin.get_records,
            put_requests: twin.put_requests,
            get_requests: twin.get_requests,
            put_micros: twin.put_micros,
            get_micros: twin.get_micros,
            put_throttled: twin.put_throttled,
            get_throttled: twin.get_throttled,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RecordMetricsTwin {
    #[prost(message, repeated, tag = "1")]
    measured: Vec<MeasuredTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct MeasuredTwin {
    #[prost(bytes = "vec", tag = "1")]
    stream: Vec<u8>,
    #[prost(uint32, tag = "2")]
    minute: u32,
    #[prost(message, optional, tag = "3")]
    whole: Option<CountsTwin>,
    #[prost(message, repeated, tag = "4")]
    partitions: Vec<PartitionTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct PartitionTwin {
    #[prost(uint32, tag = "1")]
    partition: u32,
    #[prost(message, optional, tag = "2")]
    counts: Option<CountsTwin>,
}

pub(super) fn record_twin(measured: &[MinuteMetrics]) -> RecordMetricsTwin {
    let partition = |(partition, counts): &(PartitionId, MetricCounts)| PartitionTwin {
        partition: partition.index(),
        counts: Some(counts.into()),
    };
    let one = |measured: &MinuteMetrics| MeasuredTwin {
        stream: measured.stream.as_bytes().to_vec(),
        minute: measured.minute.number(),
        whole: (measured.whole != MetricCounts::default()).then(|| (&measured.whole).into()),
        partitions: measured.partitions.iter().map(partition).collect(),
    };
    RecordMetricsTwin { measured: measured.iter().map(one).collect() }
}

pub(super) fn record_command(twin: &RecordMetricsTwin) -> Result<Command, DecodeError> {
    let counts = |twin: Option<CountsTwin>| twin.unwrap_or_default().into();
    let partition = |twin: &PartitionTwin| (PartitionId::new(twin.partition), counts(twin.counts));
    let one = |twin: &MeasuredTwin| {
        Ok(MinuteMetrics {
            stream: parts::stream_id(&twin.stream)?,
            minute: Minute::new(twin.minute),
            whole: counts(twin.whole),
            partitions: twin.partitions.iter().map(partition).collect(),
        })
    };
    Ok(Command::RecordMetrics { measured: twin.measured.iter().map(one).collect::<Result<_, _>>()? })
}

/// One hour of a stream or a partition.
#[derive(Clone, PartialEq, Message)]
struct BlockRow {
    #[prost(message, repeated, tag = "1")]
    minutes: Vec<MinuteTwin>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct MinuteTwin {
    /// Minutes since the hour of the key began.
    #[prost(uint32, tag = "1")]
    minute: u32,
    #[prost(message, optional, tag = "2")]
    counts: Option<CountsTwin>,
}

pub(crate) fn encode_block(minutes: &BTreeMap<u32, MetricCounts>) -> Vec<u8> {
    let twin = |(&minute, counts): (&u32, &MetricCounts)| MinuteTwin { minute, counts: Some(counts.into()) };
    BlockRow { minutes: minutes.iter().map(twin).collect() }.encode_to_vec()
}

pub(crate) fn decode_block(bytes: &[u8]) -> Result<BTreeMap<u32, MetricCounts>, DecodeError> {
    let bad = DecodeError::new("metrics row");
    let minutes = BlockRow::decode(bytes).map_err(|_| bad)?.minutes;
    let one = |twin: MinuteTwin| match twin.minute {
        0..60 => Ok((twin.minute, twin.counts.unwrap_or_default().into())),
        _ => Err(bad),
    };
    minutes.into_iter().map(one).collect()
}
