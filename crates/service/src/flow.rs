//! Flow control: how much a partition takes and gives in a second (spec/13 §1, §4).
//!
//! ```text
//!   put:  record by record, in order ─▶ bytes and records left? ─▶ taken, or refused with all that
//!                                                                  follow it into the same partition
//!   get:  is anything left? ─▶ read ─▶ what was read is charged, also when it was more than was left
//! ```
//!
//! What is not limited has no bucket and takes no lock. A bucket that is full again is the same as none
//! and is dropped, so that what is kept is bounded by the partitions used within the last moments.

mod bucket;
mod settings;
mod shard;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    time::Duration,
};

use millpond_model::{PartitionId, PlacedRecord, StreamId, StreamType};
use parking_lot::Mutex;

pub use bucket::Bucket;
pub use settings::{FlowSettings, Throughput};
use shard::Shard;

use crate::{Error, RecordError, metrics::Moved, placement::Place};

/// Parts that are locked apart from each other. A stream is in one of them.
const SHARDS: usize = 16;

/// How far back [`Flow::usage`] looks.
pub const USAGE_SPAN: Duration = window::SPAN;

/// How busy a stream was within the last minute, all partitions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of data stored, in the mean of the last minute.
    pub put_bytes_per_second: u64,
    /// Records stored, in the mean of the last minute.
    pub put_records_per_second: u64,
    /// Bytes of data read, in the mean of the last minute.
    pub get_bytes_per_second: u64,
    /// Whether flow control refused a record or a read within the last minute.
    pub throttled_within_last_minute: bool,
}

/// The stream that is written or read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of {
    pub stream: StreamId,
    pub kind: StreamType,
    /// Whether automatic scaling wants to know how busy it is, also where nothing is limited.
    pub scales: bool,
}

/// Flow control of one process.
#[derive(Debug)]
pub struct Flow {
    settings: FlowSettings,
    shards: [Mutex<Shard>; SHARDS],
    /// Puts and gets under way, where their number is limited.
    open: Mutex<BTreeMap<StreamId, u32>>,
}

/// A put or get under way; counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Open<'a> {
    flow: &'a Flow,
    stream: StreamId,
}

impl Flow {
    /// Nothing has been used yet.
    pub fn new(settings: FlowSettings) -> Self {
        Self { settings, shards: Default::default(), open: Mutex::default() }
    }

    /// How busy the stream was in the minute before `now`, on the clock that never goes back.
    ///
    /// For automatic scaling (spec/13 §7.3). A stream is measured while flow control is on for its type
    /// or its automatic scaling is; of others, and of streams that were idle for a minute, all is 0.
    /// The numbers are of the stream as a whole: divide by its ACTIVE partitions to compare them with
    /// [`Flow::bandwidth`].
    pub fn usage(&self, stream: StreamId, now: Duration) -> Usage {
        let shard = self.shard(stream).lock();
        let Some(traffic) = shard.streams.get(&stream) else { return Usage::default() };
        let moved = traffic.window.per_second(now);
        Usage {
            put_bytes_per_second: moved.put_bytes,
            put_records_per_second: moved.put_records,
            get_bytes_per_second: moved.get_bytes,
            throttled_within_last_minute: traffic.was_throttled(now),
        }
    }

    /// What one ACTIVE partition of such a stream is good for: what is configured, and the documented
    /// number where nothing is limited. Every member is set.
    pub fn bandwidth(&self, of: StreamType) -> Throughput {
        let configured = self.throughput(of);
        let documented = match of {
            StreamType::Common => Throughput::COMMON,
            StreamType::Advanced => Throughput::ADVANCED,
        };
        Throughput {
            put_bytes: configured.put_bytes.or(documented.put_bytes),
            put_records: configured.put_records.or(documented.put_records),
            get_bytes: configured.get_bytes.or(documented.get_bytes),
            request_bytes: configured.request_bytes.or(documented.request_bytes),
        }
    }

    /// Whether puts into partitions of such streams can be refused for their rate.
    pub fn limits_puts(&self, of: StreamType) -> bool {
        self.throughput(of).limits_puts()
    }

    /// Drops what is idle. Harmless at any moment; without it, what is idle goes when something else is
    /// used.
    pub(crate) fn sweep(&self, now: Duration) {
        for shard in &self.shards {
            shard.lock().sweep(now, &self.settings);
        }
    }

    /// A put or get of the stream begins.
    ///
    /// # Errors
    /// `TooManyRequests` when as many are under way as may be.
    pub(crate) fn begin(&self, stream: StreamId) -> Result<Option<Open<'_>>, Error> {
        let Some(max) = self.settings.requests_per_stream else { return Ok(None) };
        let mut open = self.open.lock();
        let number = open.entry(stream).or_default();
        if *number >= max {
            return Err(Error::TooManyRequests { max });
        }
        *number += 1;
        Ok(Some(Open { flow: self, stream }))
    }

    /// Refuses a request that brings more than one may.
    ///
    /// # Errors
    /// `RequestTooLarge`.
    pub(crate) fn check_request(&self, of: StreamType, records: &[PlacedRecord]) -> Result<(), Error> {
        let Some(max) = self.throughput(of).request_bytes else { return Ok(()) };
        let bytes: u64 = records.iter().map(size).sum();
        if bytes > max { Err(Error::RequestTooLarge { max }) } else { Ok(()) }
    }

    /// Refuses the records that exceed the rate of their partitions, each with all that follow it into
    /// the same partition, so that their order is kept. Returns whether there were any.
    pub(crate) fn admit_put(
        &self,
        of: Of,
        records: &[PlacedRecord],
        places: &mut [Place],
        now: Duration,
    ) -> bool {
        let throughput = self.throughput(of.kind);
        if !throughput.limits_puts() {
            return false;
        }
        let mut shard = self.shard(of.stream).lock();
        shard.sweep_when_due(now, &self.settings);
        let traffic = shard.streams.entry(of.stream).or_default();
        let mut full: BTreeSet<PartitionId> = BTreeSet::new();
        for (record, place) in records.iter().zip(places) {
            let Ok(partition) = *place else { continue };
            let buckets = traffic.puts.entry(partition).or_default();
            if full.contains(&partition) || !buckets.take(throughput, size(record), self.settings.burst, now)
            {
                full.insert(partition);
                *place = Err(RecordError::TrafficLimit);
            }
        }
        if !full.is_empty() {
            traffic.throttled = Some(now);
        }
        !full.is_empty()
    }

    /// Whether the partition may be read now.
    pub(crate) fn admits_get(&self, of: Of, partition: PartitionId, now: Duration) -> bool {
        let Some(rate) = self.throughput(of.kind).get_bytes else { return true };
        let mut shard = self.shard(of.stream).lock();
        shard.sweep_when_due(now, &self.settings);
        let Some(traffic) = shard.streams.get_mut(&of.stream) else { return true };
        let Some(bucket) = traffic.gets.get_mut(&partition) else { return true };
        let admitted = bucket.has_any(rate, self.settings.burst, now);
        if !admitted {
            traffic.throttled = Some(now);
        }
        admitted
    }

    /// Data was stored.
    pub(crate) fn count_put(&self, of: Of, stored: &[Moved], now: Duration) {
        if stored.is_empty() || !of.scales && !self.limits_puts(of.kind) {
            return;
        }
        let mut shard = self.shard(of.stream).lock();
        shard.sweep_when_due(now, &self.settings);
        let window = &mut shard.streams.entry(of.stream).or_default().window;
        for &(_, records, bytes) in stored {
            window.put(records, bytes, now);
        }
    }

    /// Data was read: it is charged to the partition.
    pub(crate) fn count_get(&self, of: Of, (partition, bytes): (PartitionId, u64), now: Duration) {
        let rate = self.throughput(of.kind).get_bytes;
        if bytes == 0 || !of.scales && rate.is_none() {
            return;
        }
        let mut shard = self.shard(of.stream).lock();
        shard.sweep_when_due(now, &self.settings);
        let traffic = shard.streams.entry(of.stream).or_default();
        traffic.window.get(bytes, now);
        if let Some(rate) = rate {
            traffic.gets.entry(partition).or_default().charge(rate, bytes, now);
        }
    }

    /// How many buckets there are.
    #[cfg(test)]
    pub(crate) fn buckets(&self) -> usize {
        let of_shard = |shard: &Mutex<Shard>| -> usize {
            shard.lock().streams.values().map(|traffic| traffic.puts.len() + traffic.gets.len()).sum()
        };
        self.shards.iter().map(of_shard).sum()
    }

    /// How many streams are remembered.
    #[cfg(test)]
    pub(crate) fn streams(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().streams.len()).sum()
    }

    fn throughput(&self, of: StreamType) -> &Throughput {
        self.settings.throughput(of)
    }

    fn shard(&self, stream: StreamId) -> &Mutex<Shard> {
        // Ids are random letters and digits; their last bytes spread evenly enough.
        let sum =
            stream.as_bytes().iter().fold(0_usize, |sum, &byte| sum.wrapping_mul(31) + usize::from(byte));
        self.shards.get(sum % SHARDS).expect("a remainder is below its divisor")
    }
}

/// What counts of a record: its data (spec/13 §1).
fn size(record: &PlacedRecord) -> u64 {
    record.record.data.len() as u64
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut number) = self.flow.open.lock().entry(self.stream) {
            *number.get_mut() -= 1;
            if *number.get() == 0 {
                number.remove();
            }
        }
    }
}
