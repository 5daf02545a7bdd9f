//! Reading everything again, slowly: damage is found before somebody needs what is damaged.
//!
//! The first pass after a start goes quickly, because whatever happened to the files happened while nobody
//! looked; the next ones take half of the interval each.

use std::{sync::Arc, time::Duration};

use millpond_engine::{Class, ReadError};
use millpond_seglog::segment::{SEGMENT_HEADER_LEN, SegmentError, Walk, check_header};

use crate::{
    commit::Committer,
    files::Part,
    partition::{PartitionLog, Segment},
    read::bad_segment,
    store::Store,
};

const MIB: u64 = 1024 * 1024;

/// Bytes per second of the first pass.
const FIRST_RATE: u64 = 64 * MIB;
/// Bytes per second, at least, of the others.
const RATE_MIN: u64 = MIB / 4;
/// Bytes read before a pause.
const STRIDE: usize = 1024 * 1024;
/// The shortest time between two passes.
const PASS_MIN: Duration = Duration::from_hours(1);

/// What a segment turned out to be.
pub(crate) enum Scrubbed {
    Good,
    Damaged,
    /// It was removed meanwhile, or the system failed; the next pass tries again.
    Unread,
    /// The engine stops.
    Stopped,
}

impl Committer {
    /// Verifies all segments again and again until the engine stops.
    pub(crate) fn scrub(&self) {
        let Some(interval) = self.store.settings.scrub_interval else { return };
        let clock = &self.store.clock;
        let mut rate = FIRST_RATE;
        loop {
            let start = clock.monotonic();
            let segments = self.store.all_segments();
            let bytes: u64 = segments.iter().map(|(_, segment)| segment.len).sum();
            for (log, segment) in segments {
                let pause = |read: u64| self.pause(Duration::from_micros(read * 1_000_000 / rate));
                if matches!(self.store.scrub_segment(&log, &segment, pause), Scrubbed::Stopped) {
                    return;
                }
            }
            self.store.stats.count_scrub(bytes);
            let half = (interval / 2).max(PASS_MIN);
            rate = (bytes / half.as_secs().max(1)).max(RATE_MIN);
            if !self.pause(half.saturating_sub(clock.monotonic().saturating_sub(start))) {
                return;
            }
        }
    }

    /// Waits; `false` when the engine stops.
    fn pause(&self, time: Duration) -> bool {
        let mut wishes = self.wishes.lock();
        if !wishes.stop {
            self.stopping.wait_for(&mut wishes, time);
        }
        !wishes.stop && self.store.failure().is_none()
    }
}

impl Store {
    fn all_segments(&self) -> Vec<(Arc<PartitionLog>, Segment)> {
        let logs = self.logs.read();
        let all = logs.streams.values().flat_map(|stream| &stream.partitions);
        let of = |log: &Arc<PartitionLog>| {
            let segments = log.lock().segments.clone();
            let kept = segments.into_iter().filter(|segment| !segment.is_lost());
            kept.map(|segment| (Arc::clone(log), segment)).collect::<Vec<_>>()
        };
        all.flat_map(of).collect()
    }

    /// Reads a segment from its header to its end. After every stride `pause` is told how much was read, and
    /// says whether to go on.
    pub(crate) fn scrub_segment(
        &self,
        log: &PartitionLog,
        segment: &Segment,
        pause: impl Fn(u64) -> bool,
    ) -> Scrubbed {
        match self.verify(log, segment, pause) {
            Ok(true) => Scrubbed::Good,
            Ok(false) => Scrubbed::Stopped,
            Err(e) => match bad_segment(log, segment, e) {
                ReadError::Storage(failure) if failure.class() == Class::Corrupt => Scrubbed::Damaged,
                _ => Scrubbed::Unread,
            },
        }
    }

    fn verify(
        &self,
        log: &PartitionLog,
        segment: &Segment,
        pause: impl Fn(u64) -> bool,
    ) -> Result<bool, SegmentError> {
        let file = self.files.existing(log.partition, segment.base, Part::Records)?;
        check_header(&*file, log.owner, segment.base)?;
        let start = SEGMENT_HEADER_LEN as u64;
        let mut walk = Walk::new(&*file, log.owner, start, segment.base, segment.len, STRIDE);
        let mut paused = start;
        while walk.next_batch()?.is_some() {
            if walk.place() - paused >= STRIDE as u64 {
                if !pause(walk.place() - paused) {
                    return Ok(false);
                }
                paused = walk.place();
            }
        }
        Ok(pause(walk.place() - paused))
    }
}
