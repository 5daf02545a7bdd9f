//! What was measured in each minute of the last seven days (spec/11).
//!
//! ```text
//!   hour ─┬─ stream ─┬─ as a whole    │ :00 … │ :01 … │ :07 … │    one block, one row
//!         │          ├─ partition 0   │ :00 … │ :07 … │          only minutes in which
//!         │          └─ partition 3   │ :01 … │                  something happened
//!         └─ stream ─── as a whole    │ :59 … │
//! ```
//!
//! A block is kept as the bytes of its row, so that a quiet hour costs nothing and a busy one about
//! 2 KiB. The oldest blocks go first: those behind the seven days, those of a stream that has too many,
//! and those of anybody when there are too many in all.

use std::collections::BTreeMap;

use millpond_model::{Metric, Minute, PartitionId, StreamId, Timestamp, limits::METRICS_MINUTES_MAX};

use crate::encoding::{DecodeError, metrics as twin};

/// Most bytes of blocks of one stream: 100 busy partitions for the whole seven days.
pub const METRICS_STREAM_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most bytes of blocks of all streams.
pub const METRICS_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What a block takes beside its bytes: its key and its place in the map.
const BLOCK_OVERHEAD: usize = 96;

/// Minutes of an hour.
const HOUR: u32 = 60;

/// What happened in a minute, or in several.
///
/// The requests, their time and the refusals are counted of streams only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricCounts {
    /// Bytes of data written.
    pub put_bytes: u64,
    /// Bytes of data read.
    pub get_bytes: u64,
    /// Records written.
    pub put_records: u64,
    /// Records read.
    pub get_records: u64,
    /// Put requests that succeeded.
    pub put_requests: u64,
    /// Get requests that succeeded.
    pub get_requests: u64,
    /// Microseconds that these put requests took together.
    pub put_micros: u64,
    /// Microseconds that these get requests took together.
    pub get_micros: u64,
    /// Put requests refused because there was too much to do.
    pub put_throttled: u64,
    /// Get requests refused because there was too much to do.
    pub get_throttled: u64,
}

impl MetricCounts {
    /// Adds what happened besides.
    pub fn add(&mut self, more: &Self) {
        let sums = [
            (&mut self.put_bytes, more.put_bytes),
            (&mut self.get_bytes, more.get_bytes),
            (&mut self.put_records, more.put_records),
            (&mut self.get_records, more.get_records),
            (&mut self.put_requests, more.put_requests),
            (&mut self.get_requests, more.get_requests),
            (&mut self.put_micros, more.put_micros),
            (&mut self.get_micros, more.get_micros),
            (&mut self.put_throttled, more.put_throttled),
            (&mut self.get_throttled, more.get_throttled),
        ];
        for (sum, value) in sums {
            *sum = sum.saturating_add(value);
        }
    }

    /// The value of one metric (spec/11 §2): a sum, or the mean of a latency in milliseconds, rounded.
    pub fn value(&self, metric: Metric) -> u64 {
        let mean = |micros: u64, requests: u64| {
            let divisor = requests.saturating_mul(1000);
            micros.saturating_add(divisor / 2).checked_div(divisor).unwrap_or(0)
        };
        match metric {
            Metric::PutBytes => self.put_bytes,
            Metric::GetBytes => self.get_bytes,
            Metric::PutRecords => self.put_records,
            Metric::GetRecords => self.get_records,
            Metric::PutLatency => mean(self.put_micros, self.put_requests),
            Metric::GetLatency => mean(self.get_micros, self.get_requests),
            Metric::PutRequests => self.put_requests,
            Metric::GetRequests => self.get_requests,
            Metric::PutThrottled => self.put_throttled,
            Metric::GetThrottled => self.get_throttled,
        }
    }
}

/// What happened to a stream in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteMetrics {
    /// Which stream.
    pub stream: StreamId,
    /// Which minute.
    pub minute: Minute,
    /// The stream as a whole.
    pub whole: MetricCounts,
    /// Those of its partitions to which something happened.
    pub partitions: Vec<(PartitionId, MetricCounts)>,
}

/// What a block is stored under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricsKey {
    /// Hours since 1970-01-01T00:00:00Z. The first part of the order, so that the oldest come first.
    pub hour: u32,
    /// The stream.
    pub stream: StreamId,
    /// The partition; the stream as a whole when absent.
    pub partition: Option<PartitionId>,
}

/// The blocks of all streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metrics {
    blocks: BTreeMap<MetricsKey, Box<[u8]>>,
    // Derived from the blocks.
    weights: BTreeMap<StreamId, usize>,
    weight: usize,
}

impl Metrics {
    /// Adds what was measured, and drops what no longer has room. Returns the keys that changed.
    pub(crate) fn record(&mut self, measured: &[MinuteMetrics], now: Timestamp) -> Vec<MetricsKey> {
        let mut changed = Vec::new();
        for MinuteMetrics { stream, minute, whole, partitions } in measured {
            let whole = (*whole != MetricCounts::default()).then_some((None, whole));
            let partitions = partitions.iter().map(|(partition, counts)| (Some(*partition), counts));
            for (partition, counts) in whole.into_iter().chain(partitions) {
                let key = MetricsKey { hour: minute.number() / HOUR, stream: *stream, partition };
                self.add(key, minute.number() % HOUR, counts);
                changed.push(key);
            }
        }
        self.drop_surplus(now, METRICS_STREAM_BYTES_MAX, METRICS_BYTES_MAX, &mut changed);
        changed
    }

    fn add(&mut self, key: MetricsKey, minute: u32, counts: &MetricCounts) {
        let mut minutes = self.blocks.get(&key).map(|block| decode(block)).unwrap_or_default();
        minutes.entry(minute).or_default().add(counts);
        self.insert(key, twin::encode_block(&minutes).into());
    }

    fn drop_surplus(&mut self, now: Timestamp, stream_max: usize, max: usize, changed: &mut Vec<MetricsKey>) {
        let oldest = Minute::of(now).number().saturating_sub(METRICS_MINUTES_MAX) / HOUR;
        while let Some(key) = self.first().filter(|key| key.hour < oldest || self.weight > max) {
            self.remove(&key);
            changed.push(key);
        }
        let heavy = |(&stream, &weight): (&StreamId, &usize)| (weight > stream_max).then_some(stream);
        for stream in self.weights.iter().filter_map(heavy).collect::<Vec<_>>() {
            let mut keys = self.keys_of(stream).into_iter();
            while let Some(key) = keys.next().filter(|_| self.weight_of(stream) > stream_max) {
                self.remove(&key);
                changed.push(key);
            }
        }
    }

    /// Drops the blocks of a stream; returns their keys.
    pub(crate) fn remove_stream(&mut self, stream: StreamId) -> Vec<MetricsKey> {
        let keys = self.keys_of(stream);
        for key in &keys {
            self.remove(key);
        }
        keys
    }

    pub(crate) fn insert(&mut self, key: MetricsKey, block: Box<[u8]>) {
        self.remove(&key);
        let weight = weight(&block);
        self.weight += weight;
        *self.weights.entry(key.stream).or_default() += weight;
        self.blocks.insert(key, block);
    }

    fn remove(&mut self, key: &MetricsKey) {
        let Some(block) = self.blocks.remove(key) else { return };
        let weight = weight(&block);
        self.weight -= weight;
        let left = self.weight_of(key.stream) - weight;
        if left == 0 {
            self.weights.remove(&key.stream);
        } else {
            self.weights.insert(key.stream, left);
        }
    }

    fn first(&self) -> Option<MetricsKey> {
        self.blocks.first_key_value().map(|(key, _)| *key)
    }

    fn weight_of(&self, stream: StreamId) -> usize {
        self.weights.get(&stream).copied().unwrap_or(0)
    }

    /// The keys of a stream, oldest first. Jumps from hour to hour, of which there are few.
    fn keys_of(&self, stream: StreamId) -> Vec<MetricsKey> {
        let mut keys = Vec::new();
        if !self.weights.contains_key(&stream) {
            return keys;
        }
        let mut hour = self.first().map(|key| key.hour);
        while let Some(this) = hour {
            let first = MetricsKey { hour: this, stream, partition: None };
            let behind = self.blocks.range(first..).map(|(key, _)| *key);
            let here = behind.take_while(|key| key.hour == this && key.stream == stream);
            keys.extend(here);
            let Some(next) = this.checked_add(1) else { break };
            let next = MetricsKey { hour: next, stream: StreamId::from_random(0), partition: None };
            hour = self.blocks.range(next..).next().map(|(key, _)| key.hour);
        }
        keys
    }

    pub(crate) fn block(&self, key: &MetricsKey) -> Option<&[u8]> {
        self.blocks.get(key).map(|block| &**block)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = MetricsKey> {
        self.blocks.keys().copied()
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.weights.keys().copied()
    }

    /// What was measured from `first` to `last`, both included, in order; untouched minutes are missing.
    pub(crate) fn between(
        &self,
        stream: StreamId,
        partition: Option<PartitionId>,
        first: Minute,
        last: Minute,
    ) -> Vec<(Minute, MetricCounts)> {
        let hours = first.number() / HOUR..=last.number() / HOUR;
        let minutes = hours.flat_map(|hour| {
            let block = self.block(&MetricsKey { hour, stream, partition });
            let minutes = block.map(decode).unwrap_or_default();
            minutes.into_iter().map(move |(minute, counts)| (Minute::new(hour * HOUR + minute), counts))
        });
        minutes.filter(|(minute, _)| (first..=last).contains(minute)).collect()
    }
}

fn weight(block: &[u8]) -> usize {
    block.len() + BLOCK_OVERHEAD
}

/// The minutes of a block, which was checked when it came in.
fn decode(block: &[u8]) -> BTreeMap<u32, MetricCounts> {
    twin::decode_block(block).expect("a block is checked before it is inserted")
}

/// Checks the bytes of a row.
pub(crate) fn block(bytes: &[u8]) -> Result<Box<[u8]>, DecodeError> {
    twin::decode_block(bytes).map(|_| bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 28_333_333;

    fn stream(n: u128) -> StreamId {
        StreamId::from_random(n)
    }

    fn at(minute: u32) -> Timestamp {
        Timestamp::from_millis(i64::from(minute) * 60_000)
    }

    fn puts(number: u64) -> MetricCounts {
        MetricCounts { put_records: number, ..MetricCounts::default() }
    }

    fn measured(n: u128, minute: u32, number: u64) -> MinuteMetrics {
        let partitions = vec![(PartitionId::new(3), puts(number))];
        MinuteMetrics { stream: stream(n), minute: Minute::new(minute), whole: puts(number), partitions }
    }

    fn between(metrics: &Metrics, n: u128, first: u32, last: u32) -> Vec<(u32, u64)> {
        let found = metrics.between(stream(n), None, Minute::new(first), Minute::new(last));
        found.into_iter().map(|(minute, counts)| (minute.number(), counts.put_records)).collect()
    }

    /// Whether what is derived is what the blocks say.
    fn check_whole(metrics: &Metrics) {
        let mut again = Metrics::default();
        for (key, block) in &metrics.blocks {
            again.insert(*key, block.clone());
        }
        assert_eq!(*metrics, again);
    }

    #[test]
    fn minutes_are_summed_and_read_back() {
        let mut metrics = Metrics::default();
        for (minute, number) in [(NOW - 70, 1), (NOW, 2), (NOW - 1, 3), (NOW, 4)] {
            metrics.record(&[measured(1, minute, number)], at(NOW));
        }
        assert_eq!(between(&metrics, 1, NOW - 100, NOW), [(NOW - 70, 1), (NOW - 1, 3), (NOW, 6)]);
        assert_eq!(between(&metrics, 1, NOW - 70, NOW - 1), [(NOW - 70, 1), (NOW - 1, 3)]);
        assert_eq!(between(&metrics, 2, NOW - 100, NOW), []);
        let of = |partition: u32| {
            let (first, last) = (Minute::new(NOW), Minute::new(NOW));
            metrics.between(stream(1), Some(PartitionId::new(partition)), first, last)
        };
        assert_eq!(of(3), [(Minute::new(NOW), puts(6))]);
        assert_eq!(of(4), []);
        check_whole(&metrics);
    }

    #[test]
    fn old_hours_go() {
        let mut metrics = Metrics::default();
        let old = NOW - METRICS_MINUTES_MAX;
        for minute in [old - 120, old, NOW] {
            metrics.record(&[measured(1, minute, 1)], at(NOW));
        }
        assert_eq!(between(&metrics, 1, old - 200, NOW), [(old, 1), (NOW, 1)]);
        let changed = metrics.record(&[], at(NOW + 120));
        assert_eq!(changed.len(), 2, "{changed:?}");
        assert_eq!(between(&metrics, 1, old - 200, NOW), [(NOW, 1)]);
        check_whole(&metrics);
    }

    #[test]
    fn the_oldest_make_room() {
        let mut metrics = Metrics::default();
        for hour in 0..10 {
            metrics.record(&[measured(1, NOW + hour * HOUR, 1), measured(2, NOW, 1)], at(NOW));
        }
        let one = metrics.weight_of(stream(1)) / 10;
        let mut changed = Vec::new();
        metrics.drop_surplus(at(NOW), 4 * one, usize::MAX, &mut changed);
        assert_eq!(metrics.weight_of(stream(1)), 4 * one);
        assert_eq!(between(&metrics, 1, NOW, NOW + 9 * HOUR).len(), 4);
        assert_eq!(between(&metrics, 2, NOW, NOW), [(NOW, 10)]);
        metrics.drop_surplus(at(NOW), usize::MAX, 3 * one, &mut changed);
        assert!(metrics.weight <= 3 * one);
        assert_eq!(between(&metrics, 2, NOW, NOW), []);
        check_whole(&metrics);
    }

    #[test]
    fn a_stream_goes_with_all_its_blocks() {
        let mut metrics = Metrics::default();
        for (n, minute) in [(1, NOW), (2, NOW), (1, NOW + 600)] {
            metrics.record(&[measured(n, minute, 1)], at(NOW));
        }
        assert_eq!(metrics.remove_stream(stream(1)).len(), 4);
        assert_eq!(metrics.remove_stream(stream(1)).len(), 0);
        assert_eq!(metrics.streams().collect::<Vec<_>>(), [stream(2)]);
        check_whole(&metrics);
    }

    #[test]
    fn latencies_are_rounded_means() {
        let check = |put_micros, put_requests, expected| {
            let counts = MetricCounts { put_requests, put_micros, ..MetricCounts::default() };
            assert_eq!(counts.value(Metric::PutLatency), expected, "{counts:?}");
        };
        check(0, 0, 0);
        check(5, 0, 0);
        check(1499, 1, 1);
        check(1500, 1, 2);
        check(9000, 4, 2);
        check(u64::MAX, u64::MAX, 1);
    }
}
