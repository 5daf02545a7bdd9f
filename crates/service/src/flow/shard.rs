//! What is known of the streams in use, in parts that are locked apart from each other.

use std::{collections::BTreeMap, time::Duration};

use millpond_model::{PartitionId, StreamId};

use super::{Bucket, FlowSettings, Throughput, USAGE_SPAN, window::Window};

/// How often a part is looked through for what is idle, when it is used.
const SWEEP: Duration = Duration::from_secs(10);

/// A part of the streams.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) streams: BTreeMap<StreamId, Traffic>,
    swept: Duration,
}

/// What is known of a stream that is in use.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) puts: BTreeMap<PartitionId, PutBuckets>,
    pub(super) gets: BTreeMap<PartitionId, Bucket>,
    pub(super) window: Window,
    /// When something was last refused.
    pub(super) throttled: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PutBuckets {
    bytes: Bucket,
    records: Bucket,
}

impl Shard {
    pub(super) fn sweep_when_due(&mut self, now: Duration, settings: &FlowSettings) {
        if now.saturating_sub(self.swept) >= SWEEP {
            self.sweep(now, settings);
        }
    }

    pub(super) fn sweep(&mut self, now: Duration, settings: &FlowSettings) {
        self.swept = now;
        // The type of a stream is not kept, and the slower rate is the one that a bucket may have.
        let slower = |of: fn(&Throughput) -> Option<u64>| {
            let rates = [of(&settings.common), of(&settings.advanced)];
            rates.into_iter().flatten().min().unwrap_or(u64::MAX)
        };
        let (bytes, records) = (slower(|t| t.put_bytes), slower(|t| t.put_records));
        let reads = slower(|t| t.get_bytes);
        self.streams.retain(|_, traffic| {
            traffic
                .puts
                .retain(|_, put| !put.bytes.is_full(bytes, now) || !put.records.is_full(records, now));
            traffic.gets.retain(|_, bucket| !bucket.is_full(reads, now));
            !traffic.puts.is_empty()
                || !traffic.gets.is_empty()
                || traffic.window.is_recent(now)
                || traffic.was_throttled(now)
        });
    }
}

impl Traffic {
    pub(super) fn was_throttled(&self, now: Duration) -> bool {
        self.throttled.is_some_and(|at| now.saturating_sub(at) <= USAGE_SPAN)
    }
}

impl PutBuckets {
    /// Takes one record of `bytes`, or nothing.
    pub(super) fn take(
        &mut self,
        throughput: &Throughput,
        bytes: u64,
        burst: Duration,
        now: Duration,
    ) -> bool {
        let full_request = throughput.request_bytes.unwrap_or(0);
        let by_bytes = throughput.put_bytes.map(|rate| (rate, saved(rate, burst).max(full_request)));
        let by_records = throughput.put_records.map(|rate| (rate, saved(rate, burst)));
        let fits = by_bytes.is_none_or(|(rate, size)| self.bytes.admits(rate, size, bytes, now))
            && by_records.is_none_or(|(rate, size)| self.records.admits(rate, size, 1, now));
        if fits {
            if let Some((rate, _)) = by_bytes {
                self.bytes.charge(rate, bytes, now);
            }
            if let Some((rate, _)) = by_records {
                self.records.charge(rate, 1, now);
            }
        }
        fits
    }
}

/// What a rate comes to within the burst.
fn saved(rate: u64, burst: Duration) -> u64 {
    u64::try_from(u128::from(rate).saturating_mul(burst.as_nanos()) / 1_000_000_000).unwrap_or(u64::MAX)
}
