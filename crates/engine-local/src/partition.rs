//! One partition's log: what is in segments, what is only in memory, and the readable range.
//!
//! ```text
//!     oldest              written                    high_water            next
//!        │ segment │ segment │ tail: durable, being written │ in the journal │
//!        ├─────────┴─────────┼──────────────────────────────┼────────────────┤
//!                      └ some of the tail is kept for readers after it was written
//! ```

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use millpond_model::{Bounds, PartitionRef, SequenceNumber};
use millpond_seglog::{Owner, batch::Batch, index::IndexEntry};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::layout;

/// Arrival of the oldest record when it is not known: it has to be looked up.
pub(crate) const UNKNOWN_ARRIVAL: i64 = i64::MIN;

pub(crate) struct PartitionLog {
    pub(crate) partition: PartitionRef,
    pub(crate) owner: Owner,
    /// Wakes readers that wait at the high-water mark.
    pub(crate) arrived: Notify,
    inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    /// Number the next batch gets.
    pub(crate) next: u64,
    /// First number that is not durable.
    pub(crate) high_water: u64,
    /// First number that is not in a segment.
    pub(crate) written: u64,
    /// First number that is readable.
    pub(crate) oldest: u64,
    /// When the record `oldest` arrived, or `UNKNOWN_ARRIVAL`.
    pub(crate) oldest_arrival_ms: i64,
    /// When the last batch arrived.
    pub(crate) last_arrival_ms: i64,
    /// In the order of their numbers; the last one takes more.
    pub(crate) segments: Vec<Segment>,
    /// The newest batches, adjacent, the last one ending at `high_water`.
    pub(crate) tail: VecDeque<Batch>,
    /// Whether the partition waits for its tail to be written.
    pub(crate) queued: bool,
    /// Whether the stream was dropped.
    pub(crate) dropped: bool,
    /// The segments, by their first numbers, that are known to be damaged.
    pub(crate) damaged: BTreeSet<u64>,
}

/// One segment.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// Number of its first record: its name.
    pub(crate) base: u64,
    /// Number behind its last record.
    pub(crate) end: u64,
    /// Bytes written, the header included.
    pub(crate) len: u64,
    pub(crate) first_arrival_ms: i64,
    pub(crate) last_arrival_ms: i64,
    /// The latest time of any record.
    pub(crate) time_max_ms: i64,
    /// Bytes, from the first on, that the system was told not to keep in memory.
    pub(crate) let_go: u64,
    /// Byte of the last batch that has an index entry.
    pub(crate) indexed_place: u64,
    /// Bytes of the index file; `None` when not looked up since the start.
    pub(crate) index_len: Option<u64>,
    /// The index, once a reader needed it.
    pub(crate) index: Option<Arc<Vec<IndexEntry>>>,
}

impl Segment {
    /// Records that were given up in a repair: numbers without a file. When they arrived, and the latest of
    /// their times, are known as bounds only.
    pub(crate) fn lost(base: u64, end: u64, arrival_ms: i64, time_max_ms: i64) -> Self {
        Self {
            base,
            end,
            len: 0,
            first_arrival_ms: arrival_ms,
            last_arrival_ms: arrival_ms,
            time_max_ms,
            let_go: 0,
            indexed_place: 0,
            index_len: None,
            index: None,
        }
    }

    /// Whether its records were given up in a repair. Any other segment has at least a header.
    pub(crate) fn is_lost(&self) -> bool {
        self.len == 0
    }
}

impl PartitionLog {
    /// A partition that never had a record.
    pub(crate) fn empty(partition: PartitionRef) -> Self {
        Self::with(partition, 0, 0, UNKNOWN_ARRIVAL, Vec::new())
    }

    /// A partition as the view knows it.
    pub(crate) fn with(
        partition: PartitionRef,
        written: u64,
        oldest: u64,
        last_arrival_ms: i64,
        segments: Vec<Segment>,
    ) -> Self {
        let inner = Inner {
            next: written,
            high_water: written,
            written,
            oldest,
            oldest_arrival_ms: UNKNOWN_ARRIVAL,
            last_arrival_ms,
            segments,
            tail: VecDeque::new(),
            queued: false,
            dropped: false,
            damaged: BTreeSet::new(),
        };
        Self { partition, owner: layout::owner(partition), arrived: Notify::new(), inner: Mutex::new(inner) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    pub(crate) fn trim(&self, before: u64) {
        let mut inner = self.lock();
        let before = before.min(inner.high_water);
        if before > inner.oldest {
            inner.oldest = before;
            inner.oldest_arrival_ms = UNKNOWN_ARRIVAL;
        }
    }
}

/// Where the first record at or behind the retention limit is to be looked for.
pub(crate) enum Oldest {
    /// It is known.
    Known(Bounds),
    /// It lies in this segment.
    In(Segment),
}

impl Inner {
    pub(crate) fn bounds(&self) -> Bounds {
        assert!(
            self.oldest <= self.high_water && self.written <= self.high_water,
            "a partition's marks are in order"
        );
        Bounds { oldest: number(self.oldest), high_water: number(self.high_water) }
    }

    /// Moves `oldest` over everything that arrived before `cutoff_ms`, as far as memory tells.
    pub(crate) fn expire(&mut self, cutoff_ms: i64) -> Oldest {
        if self.oldest == self.high_water || self.oldest_arrival_ms >= cutoff_ms {
            return Oldest::Known(self.bounds());
        }
        for i in 0..self.segments.len() {
            let Some(segment) = self.segments.get(i) else { break };
            if segment.end <= self.oldest {
                continue;
            }
            if segment.last_arrival_ms < cutoff_ms {
                self.oldest = segment.end;
            } else if segment.first_arrival_ms >= cutoff_ms
                && (segment.base >= self.oldest || segment.is_lost())
            {
                let (base, arrival) = (segment.base.max(self.oldest), segment.first_arrival_ms);
                return self.settle(base, arrival);
            } else {
                return Oldest::In(segment.clone());
            }
        }
        let oldest = self.oldest;
        let kept =
            self.tail.iter().map(Batch::header).find(|h| h.end() > oldest && h.arrival_ms >= cutoff_ms);
        if let Some((base, arrival)) = kept.map(|header| (header.base.max(oldest), header.arrival_ms)) {
            return self.settle(base, arrival);
        }
        self.oldest = self.high_water;
        Oldest::Known(self.bounds())
    }

    /// Says which record is the oldest and when it arrived.
    pub(crate) fn settle(&mut self, oldest: u64, arrival_ms: i64) -> Oldest {
        if oldest >= self.oldest {
            (self.oldest, self.oldest_arrival_ms) = (oldest.min(self.high_water), arrival_ms);
        }
        Oldest::Known(self.bounds())
    }

    /// Notes that a segment is damaged; whether that is news.
    pub(crate) fn note_damage(&mut self, base: u64) -> bool {
        self.segments.iter().any(|segment| segment.base == base && !segment.is_lost())
            && self.damaged.insert(base)
    }

    /// The first number from `number` on that was not given up in a repair.
    pub(crate) fn behind_loss(&self, number: u64) -> u64 {
        let from = self.segments.partition_point(|segment| segment.end <= number);
        let lost = self.segments.iter().skip(from).take_while(|segment| segment.is_lost());
        lost.last().map_or(number, |segment| segment.end)
    }

    /// Gives up the numbers from `next` up to `end`. Everything before must be in segments.
    pub(crate) fn lose(&mut self, end: u64, arrival_ms: i64, time_max_ms: i64) {
        assert!(
            self.written == self.next && self.next == self.high_water && self.next < end,
            "numbers are given up behind everything that is written"
        );
        self.segments.push(Segment::lost(self.next, end, arrival_ms, time_max_ms));
        (self.next, self.high_water, self.written) = (end, end, end);
        // What is in memory must end at the high-water mark.
        self.tail.clear();
    }

    /// The segment that holds record `number`.
    pub(crate) fn segment_of(&self, number: u64) -> Option<&Segment> {
        let i = self.segments.partition_point(|segment| segment.base <= number).checked_sub(1)?;
        self.segments.get(i).filter(|segment| number < segment.end)
    }

    /// The batches in memory from the one that holds `number` on; `None` when that one is not in memory.
    pub(crate) fn tail_from(&self, number: u64) -> Option<impl Iterator<Item = &Batch>> {
        let first = self.tail.front()?.header().base;
        (first <= number).then(|| {
            let start = self.tail.partition_point(|batch| batch.header().end() <= number);
            self.tail.range(start..)
        })
    }

    /// The batches that are in no segment yet.
    pub(crate) fn unwritten(&self) -> impl Iterator<Item = &Batch> {
        // From the end: a long tail is mostly written and not in the processor's cache.
        let newest = self.tail.iter().rev().take_while(|batch| batch.header().base >= self.written).count();
        self.tail.range(self.tail.len() - newest..)
    }
}

pub(crate) fn number(number: u64) -> SequenceNumber {
    SequenceNumber::ZERO.plus(number)
}
