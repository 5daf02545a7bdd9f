//! Rows of the view, in bytes: fixed places, little endian.

use millpond_engine::LogConfig;
use millpond_model::{PartitionId, PartitionRef, RetentionHours, StreamId};
use millpond_seglog::journal::Mark;

use crate::partition::Segment;

/// What the view keeps of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionRow {
    pub(crate) written: u64,
    pub(crate) oldest: u64,
    pub(crate) last_arrival_ms: i64,
}

/// What the view keeps of a stream's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogsRow {
    pub(crate) config: LogConfig,
    pub(crate) floor_ms: i64,
    pub(crate) partitions: u32,
}

pub(crate) fn partition_key(partition: PartitionRef) -> Vec<u8> {
    [partition.stream.as_bytes().as_slice(), &partition.partition.index().to_le_bytes()].concat()
}

pub(crate) fn segment_key(partition: PartitionRef, base: u64) -> Vec<u8> {
    let mut key = partition_key(partition);
    key.extend(base.to_le_bytes());
    key
}

pub(crate) fn decode_partition_key(key: &[u8]) -> Option<PartitionRef> {
    let (stream, partition) = key.split_last_chunk::<4>()?;
    let stream = StreamId::from_bytes(stream).ok()?;
    Some(PartitionRef { stream, partition: PartitionId::new(u32::from_le_bytes(*partition)) })
}

pub(crate) fn decode_segment_key(key: &[u8]) -> Option<(PartitionRef, u64)> {
    let (partition, base) = key.split_last_chunk::<8>()?;
    Some((decode_partition_key(partition)?, u64::from_le_bytes(*base)))
}

fn words<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let (chunks, []) = bytes.as_chunks::<8>() else { return None };
    let words: Vec<u64> = chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
    words.try_into().ok()
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(crate) fn encode_mark(mark: &Mark) -> Vec<u8> {
    bytes(&[mark.file_no, mark.salt, mark.offset, mark.position, mark.group])
}

pub(crate) fn decode_mark(row: &[u8]) -> Option<Mark> {
    let [file_no, salt, offset, position, group] = words(row)?;
    Some(Mark { file_no, salt, offset, position, group })
}

pub(crate) fn encode_partition(row: &PartitionRow) -> Vec<u8> {
    bytes(&[row.written, row.oldest, row.last_arrival_ms.cast_unsigned()])
}

pub(crate) fn decode_partition(row: &[u8]) -> Option<PartitionRow> {
    let [written, oldest, last_arrival] = words(row)?;
    Some(PartitionRow { written, oldest, last_arrival_ms: last_arrival.cast_signed() })
}

pub(crate) fn encode_logs(row: LogsRow) -> Vec<u8> {
    bytes(&[u64::from(row.config.retention.get()), row.floor_ms.cast_unsigned(), u64::from(row.partitions)])
}

pub(crate) fn decode_logs(row: &[u8]) -> Option<LogsRow> {
    let [retention, floor, partitions] = words(row)?;
    let retention = RetentionHours::new(u32::try_from(retention).ok()?).ok()?;
    Some(LogsRow {
        config: LogConfig { retention },
        floor_ms: floor.cast_signed(),
        partitions: u32::try_from(partitions).ok()?,
    })
}

pub(crate) fn encode_segment(segment: &Segment) -> Vec<u8> {
    bytes(&[
        segment.end,
        segment.len,
        segment.first_arrival_ms.cast_unsigned(),
        segment.last_arrival_ms.cast_unsigned(),
        segment.time_max_ms.cast_unsigned(),
    ])
}

pub(crate) fn decode_segment(base: u64, row: &[u8]) -> Option<Segment> {
    let [end, len, first_arrival, last_arrival, time_max] = words(row)?;
    Some(Segment {
        base,
        end,
        len,
        first_arrival_ms: first_arrival.cast_signed(),
        last_arrival_ms: last_arrival.cast_signed(),
        time_max_ms: time_max.cast_signed(),
        // Whatever the system has of it in memory, somebody read.
        let_go: len,
        indexed_place: len,
        index_len: None,
        index: None,
    })
}
