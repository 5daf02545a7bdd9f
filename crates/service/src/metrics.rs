//! What is measured of streams (spec/11).
//!
//! ```text
//!   put, get ──▶ Meter: this minute │ minutes that are over ──▶ RecordMetrics ──▶ state, seven days
//!                         └────────────┬────────────┘                              │
//!   a question ◀───────────────────────┴───────────────────────────────────────────┘
//! ```
//!
//! What is under way from the meter to the state is counted exactly once: a batch keeps the name of its
//! command, and whoever asks counts it only as long as the state has not folded that command in. A
//! process that dies without a word loses its last minute.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use millpond_engine::ProposeError;
use millpond_model::{Minute, PartitionId, ProjectId, StreamId, StreamSelector};
use millpond_state::{Command, CommandId, MetricCounts, MinuteMetrics, Proposal, RECENT_LIFE, State};
use parking_lot::Mutex;

use crate::{CursorPosition, Error, Service, resolve};

/// Most minutes that wait for housekeeping; the oldest are lost first.
const MINUTES_MAX: usize = 60;

/// How long a batch is proposed again: the state remembers a command only a little longer.
const BATCH_LIFE: Duration = RECENT_LIFE.saturating_sub(Duration::from_mins(5));

/// Most bytes of one batch, by the two estimates below; a command holds 64 KiB.
const BATCH_BYTES_MAX: usize = 60_000;
/// A stream's id, its minute and ten counts at their longest.
const STREAM_BYTES: usize = 160;
/// A partition's index and four counts at their longest.
const PARTITION_BYTES: usize = 60;

/// What happened in each minute of a range, one entry a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSeries {
    /// The first minute.
    pub first: Minute,
    /// The minutes from the first one on, without a gap; empty when the range is.
    pub counts: Vec<MetricCounts>,
}

impl MetricSeries {
    /// The minutes with what happened in each.
    pub fn iter(&self) -> impl Iterator<Item = (Minute, &MetricCounts)> {
        (self.first.number()..).map(Minute::new).zip(&self.counts)
    }

    fn new(first: Minute, last: Minute) -> Self {
        let minutes = (u64::from(last.number()) + 1).saturating_sub(u64::from(first.number()));
        let minutes = usize::try_from(minutes).unwrap_or(usize::MAX);
        Self { first, counts: vec![MetricCounts::default(); minutes] }
    }

    fn add(&mut self, minute: Minute, counts: &MetricCounts) {
        let place = minute.number().checked_sub(self.first.number()).map(usize::try_from);
        let Some(Ok(place)) = place else { return };
        if let Some(sum) = self.counts.get_mut(place) {
            sum.add(counts);
        }
    }
}

/// Records and bytes of one partition.
pub(crate) type Moved = (PartitionId, u64, u64);

/// What this process has measured and the state does not have yet.
#[derive(Default)]
pub(crate) struct Meter(Mutex<Measured>);

#[derive(Default)]
struct Measured {
    minutes: BTreeMap<Minute, BTreeMap<StreamId, OfStream>>,
    batches: VecDeque<Batch>,
}

#[derive(Default)]
struct OfStream {
    whole: MetricCounts,
    partitions: BTreeMap<PartitionId, MetricCounts>,
}

#[derive(Clone)]
struct Batch {
    id: CommandId,
    /// When it was made, on the clock that never goes back.
    made: Duration,
    measured: Vec<MinuteMetrics>,
}

impl Meter {
    fn count(&self, minute: Minute, stream: StreamId, count: impl FnOnce(&mut OfStream)) {
        let mut measured = self.0.lock();
        let minutes = &mut measured.minutes;
        if !minutes.contains_key(&minute) && minutes.len() >= MINUTES_MAX {
            tracing::warn!("nobody collects the metrics: the oldest minute is lost");
            minutes.pop_first();
        }
        count(minutes.entry(minute).or_default().entry(stream).or_default());
    }

    /// Makes batches of all minutes before `end`, and forgets batches that could not be stored in time.
    fn seal(&self, end: Option<Minute>, made: Duration, mut id: impl FnMut() -> CommandId) {
        let mut measured = self.0.lock();
        let rest = end.map(|end| measured.minutes.split_off(&end)).unwrap_or_default();
        let over = std::mem::replace(&mut measured.minutes, rest);
        let before = measured.batches.len();
        measured.batches.retain(|batch| made.saturating_sub(batch.made) <= BATCH_LIFE);
        let lost = before - measured.batches.len();
        if lost > 0 {
            tracing::warn!(batches = lost, "metrics are lost that could not be stored for minutes");
        }
        let batches = batches(over).into_iter().map(|measured| Batch { id: id(), made, measured });
        measured.batches.extend(batches);
    }

    fn next(&self) -> Option<Batch> {
        self.0.lock().batches.front().cloned()
    }

    fn stored(&self, id: CommandId) {
        self.0.lock().batches.retain(|batch| batch.id != id);
    }

    /// Adds what `state` does not have. The state cannot change meanwhile: it is being looked at.
    fn add_to(&self, series: &mut MetricSeries, state: &State, of: StreamId, partition: Option<PartitionId>) {
        let measured = self.0.lock();
        for (&minute, streams) in &measured.minutes {
            let Some(stream) = streams.get(&of) else { continue };
            let counts = partition.map_or(Some(&stream.whole), |partition| stream.partitions.get(&partition));
            if let Some(counts) = counts {
                series.add(minute, counts);
            }
        }
        let waiting = measured.batches.iter().filter(|batch| !state.has_applied(batch.id));
        for found in waiting.flat_map(|batch| &batch.measured).filter(|found| found.stream == of) {
            match partition {
                None => series.add(found.minute, &found.whole),
                Some(partition) => {
                    for (_, counts) in found.partitions.iter().filter(|(id, _)| *id == partition) {
                        series.add(found.minute, counts);
                    }
                }
            }
        }
    }
}

/// The minutes in pieces that each fit a command.
fn batches(minutes: BTreeMap<Minute, BTreeMap<StreamId, OfStream>>) -> Vec<Vec<MinuteMetrics>> {
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let per_batch = (BATCH_BYTES_MAX - STREAM_BYTES) / PARTITION_BYTES;
    for (minute, streams) in minutes {
        for (stream, OfStream { mut whole, partitions }) in streams {
            let partitions: Vec<_> = partitions.into_iter().collect();
            // A stream without partitions of its own to tell of still has its requests to tell of.
            let empty: &[_] = &[];
            let pieces = partitions.chunks(per_batch).chain(partitions.is_empty().then_some(empty));
            for piece in pieces {
                let more = STREAM_BYTES + piece.len() * PARTITION_BYTES;
                if bytes + more > BATCH_BYTES_MAX {
                    batches.push(std::mem::take(&mut batch));
                    bytes = 0;
                }
                bytes += more;
                let (whole, partitions) = (std::mem::take(&mut whole), piece.to_vec());
                batch.push(MinuteMetrics { stream, minute, whole, partitions });
            }
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

impl Service {
    /// What happened to a stream, or to one of its partitions, in each minute from `first` to `last`,
    /// both included, up to the present one.
    ///
    /// # Errors
    /// `StreamNotFound`, `PartitionNotFound`, `Overloaded`, `Storage`.
    pub async fn metrics(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        partition: Option<PartitionId>,
        first: Minute,
        last: Minute,
    ) -> Result<MetricSeries, Error> {
        let last = last.min(Minute::of(self.clock.now()));
        self.look_fresh(|state| {
            let stream = resolve::stream(state, project, selector)?;
            if let Some(partition) = partition {
                resolve::partition(stream, partition, selector)?;
            }
            let mut series = MetricSeries::new(first, last);
            if !series.counts.is_empty() {
                for (minute, counts) in state.metrics(stream.id, partition, first, last) {
                    series.add(minute, &counts);
                }
                self.meter.add_to(&mut series, state, stream.id, partition);
            }
            Ok(series)
        })
        .await
    }

    /// Stores what was measured, the running minute included. Called before the engine closes; what is
    /// measured later is lost.
    ///
    /// # Errors
    /// `Overloaded`, `Storage`: some of it is not stored.
    pub async fn flush_metrics(&self) -> Result<(), Error> {
        self.store_metrics(None).await
    }

    /// Stores the minutes that are over.
    pub(crate) async fn store_finished_metrics(&self) -> Result<(), Error> {
        self.store_metrics(Some(Minute::of(self.clock.now()))).await
    }

    async fn store_metrics(&self, end: Option<Minute>) -> Result<(), Error> {
        let id = || CommandId::from_random(self.entropy.random());
        self.meter.seal(end, self.clock.monotonic(), id);
        while let Some(Batch { id, measured, .. }) = self.meter.next() {
            let command = Command::RecordMetrics { measured };
            match self.engine.state.propose(Proposal { id, command }).await {
                Ok(_) => {}
                Err(ProposeError::TooLarge) => tracing::error!("metrics are lost: a batch was too large"),
                Err(error) => return Err(error.into()),
            }
            self.meter.stored(id);
        }
        Ok(())
    }

    /// What was read at the cursor is not sent: there is no room for the answer.
    pub fn count_refused_read(&self, cursor: &CursorPosition) {
        let minute = Minute::of(self.clock.now());
        self.meter.count(minute, cursor.stream_id, |of| of.whole.get_throttled += 1);
    }

    /// A put request has ended: what was stored of it, whether some was refused because there was too much
    /// to do, and when it began.
    pub(crate) fn count_put(&self, stream: StreamId, stored: &[Moved], throttled: bool, begin: Duration) {
        let micros = self.micros_since(begin);
        self.meter.count(Minute::of(self.clock.now()), stream, |of| {
            for &(partition, records, bytes) in stored {
                for counts in [&mut of.whole, of.partitions.entry(partition).or_default()] {
                    counts.put_records += records;
                    counts.put_bytes += bytes;
                }
            }
            if !stored.is_empty() {
                of.whole.put_requests += 1;
                of.whole.put_micros += micros;
            }
            of.whole.put_throttled += u64::from(throttled);
        });
    }

    /// A get request has ended well.
    pub(crate) fn count_get(&self, stream: StreamId, read: Moved, begin: Duration) {
        let (micros, (partition, records, bytes)) = (self.micros_since(begin), read);
        self.meter.count(Minute::of(self.clock.now()), stream, |of| {
            of.whole.get_requests += 1;
            of.whole.get_micros += micros;
            if records > 0 {
                for counts in [&mut of.whole, of.partitions.entry(partition).or_default()] {
                    counts.get_records += records;
                    counts.get_bytes += bytes;
                }
            }
        });
    }

    fn micros_since(&self, begin: Duration) -> u64 {
        let took = self.clock.monotonic().saturating_sub(begin);
        u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use millpond_state::{PROPOSAL_BYTES_MAX, encode_proposal};

    use super::*;

    #[test]
    fn batches_fit_commands_and_lose_nothing() {
        let most = MetricCounts {
            put_bytes: u64::MAX,
            get_bytes: u64::MAX,
            put_records: u64::MAX,
            get_records: u64::MAX,
            ..MetricCounts::default()
        };
        let whole = MetricCounts {
            put_requests: u64::MAX,
            get_requests: u64::MAX,
            put_micros: u64::MAX,
            get_micros: u64::MAX,
            put_throttled: u64::MAX,
            get_throttled: u64::MAX,
            ..most
        };
        let stream = |partitions: u32| OfStream {
            whole,
            partitions: (0..partitions).map(|index| (PartitionId::new(u32::MAX - index), most)).collect(),
        };
        let streams = [0, 1, 2500, 3, 0].into_iter().cycle().take(100).map(stream);
        let streams = (0..).map(StreamId::from_random).zip(streams).collect();
        let batches = batches(BTreeMap::from([(Minute::new(u32::MAX), streams)]));
        let (mut wholes, mut partitions) = (0, 0);
        for measured in batches {
            wholes += measured.iter().filter(|one| one.whole == whole).count();
            partitions += measured.iter().map(|one| one.partitions.len()).sum::<usize>();
            let command = Command::RecordMetrics { measured };
            let proposal = Proposal { id: CommandId::from_random(u128::MAX), command };
            assert!(encode_proposal(&proposal).len() <= PROPOSAL_BYTES_MAX);
        }
        assert_eq!((wholes, partitions), (100, 20 * 2504));
    }

    #[test]
    fn what_nobody_collects_is_bounded() {
        let meter = Meter::default();
        let stream = StreamId::from_random(1);
        for minute in 0..1000 {
            meter.count(Minute::new(minute), stream, |of| of.whole.put_requests += 1);
        }
        assert_eq!(meter.0.lock().minutes.len(), MINUTES_MAX);
        let mut ids = (0..).map(CommandId::from_random);
        meter.seal(None, Duration::ZERO, || ids.next().unwrap());
        assert_eq!(meter.0.lock().batches.len(), 1);
        meter.seal(None, BATCH_LIFE, || ids.next().unwrap());
        assert_eq!(meter.0.lock().batches.len(), 1);
        meter.seal(None, BATCH_LIFE + Duration::from_secs(1), || ids.next().unwrap());
        assert_eq!(meter.0.lock().batches.len(), 0);
    }
}
