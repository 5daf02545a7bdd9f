//! What the engine knows, apart from the journal: logs, state, files, view.
//!
//! Publishing happens in the order of the journal, under its lock while the engine runs and alone while it
//! recovers; everything here is therefore at one position of the journal whenever that lock is free.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use millpond_engine::{Class, Clock, Entropy, StorageFailure};
use millpond_model::{PartitionRef, Timestamp};
use millpond_seglog::{batch::Batch, disk::Disk, journal::Stamp};
use millpond_state::{LogPosition, Outcome, Proposal, RowKey, State};
use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::watch;

use crate::{
    Settings, aging::AgingClock, files::Files, layout::Layout, log_op::LogOp, logs::Logs, maintain::Dropped,
    partition::PartitionLog, room::Room, view::View,
};

/// Even when nothing changes a mark is set now and then: a start believes the clock only near the last one.
const MARK_AGE_MAX: Duration = Duration::from_mins(10);

pub(crate) struct Store {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    pub(crate) files: Files,
    pub(crate) view: View,
    pub(crate) logs: RwLock<Logs>,
    pub(crate) state: RwLock<State>,
    /// Rows of the state that changed since the last mark.
    pub(crate) state_changed: Mutex<BTreeSet<RowKey>>,
    /// Partitions trimmed since the last mark.
    pub(crate) trimmed: Mutex<Vec<Arc<PartitionLog>>>,
    pub(crate) unwritten: Mutex<Unwritten>,
    /// Tells that `unwritten` shrank.
    pub(crate) written: Condvar,
    /// Held by whoever writes segments, sets a mark, or removes files.
    pub(crate) behind: Mutex<Behind>,
    pub(crate) stats: Stats,
    pub(crate) room: Room,
    pub(crate) aging: AgingClock,
    /// While a backup copies files none is removed: the streams dropped meanwhile.
    pub(crate) pinned: Mutex<Option<Dropped>>,
    failure: OnceLock<StorageFailure>,
    failed: watch::Sender<bool>,
}

/// Partitions whose tails are not all in segments.
#[derive(Default)]
pub(crate) struct Unwritten {
    pub(crate) partitions: Vec<Arc<PartitionLog>>,
    pub(crate) bytes: u64,
}

/// What the next mark has to make durable and to keep.
#[derive(Default)]
pub(crate) struct Behind {
    /// Partitions whose rows changed.
    pub(crate) partitions: BTreeMap<PartitionRef, Arc<PartitionLog>>,
    /// Segments written to, and those taken out of their partitions.
    pub(crate) segments: BTreeSet<(PartitionRef, u64)>,
    /// Segments to be removed once the view no longer has them.
    pub(crate) doomed: Vec<(PartitionRef, u64)>,
    /// Partitions that have a new file or directory.
    pub(crate) new_files: BTreeSet<PartitionRef>,
    /// Batches in memory, oldest first: whose, where they end, how long they are.
    pub(crate) tails: VecDeque<(Arc<PartitionLog>, u64, u64)>,
    pub(crate) tail_bytes: u64,
    /// Position of the last mark, and when it was set.
    pub(crate) marked: Option<(u64, Duration)>,
}

/// Rows, segments and new files that a mark leaves to the next one.
pub(crate) type Deferred =
    (BTreeMap<PartitionRef, Arc<PartitionLog>>, BTreeSet<(PartitionRef, u64)>, BTreeSet<PartitionRef>);

impl Behind {
    /// Takes out what belongs to partitions for which `now` does not hold.
    pub(crate) fn defer(&mut self, now: impl Fn(&PartitionRef) -> bool) -> Deferred {
        let (partitions, later_partitions) =
            std::mem::take(&mut self.partitions).into_iter().partition(|(of, _)| now(of));
        let (segments, later_segments) =
            std::mem::take(&mut self.segments).into_iter().partition(|(of, _)| now(of));
        let (new_files, later_files) =
            std::mem::take(&mut self.new_files).into_iter().partition(|of| now(of));
        (self.partitions, self.segments, self.new_files) = (partitions, segments, new_files);
        (later_partitions, later_segments, later_files)
    }

    /// Puts back what a mark that was not set had left to the next one.
    pub(crate) fn put_back(&mut self, (partitions, segments, new_files): Deferred) {
        self.partitions.extend(partitions);
        self.segments.extend(segments);
        self.new_files.extend(new_files);
    }

    /// Whether a mark at `position` would keep nothing new but the time.
    pub(crate) fn is_marked(&self, position: u64, now: Duration) -> bool {
        let fresh =
            |(marked, at): (u64, Duration)| marked == position && now.saturating_sub(at) < MARK_AGE_MAX;
        self.marked.is_some_and(fresh) && self.partitions.is_empty() && self.doomed.is_empty()
    }
}

/// Counters since the engine was opened.
#[derive(Debug, Default)]
pub struct Stats {
    groups: AtomicU64,
    frames: AtomicU64,
    journal_bytes: AtomicU64,
    sync_micros: AtomicU64,
    marks: AtomicU64,
    scrubbed_bytes: AtomicU64,
    scrubs: AtomicU64,
}

impl Stats {
    /// Groups written to the journal: one sync each.
    pub fn groups(&self) -> u64 {
        self.groups.load(Ordering::Relaxed)
    }

    /// Batches and commands written to the journal.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Bytes of those.
    pub fn journal_bytes(&self) -> u64 {
        self.journal_bytes.load(Ordering::Relaxed)
    }

    /// Microseconds spent in writing and syncing groups.
    pub fn sync_micros(&self) -> u64 {
        self.sync_micros.load(Ordering::Relaxed)
    }

    /// Marks set: syncs of the segments with a commit of the view.
    pub fn marks(&self) -> u64 {
        self.marks.load(Ordering::Relaxed)
    }

    pub(crate) fn count_group(&self, frames: usize, bytes: usize, sync: std::time::Duration) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.frames.fetch_add(frames as u64, Ordering::Relaxed);
        self.journal_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.sync_micros.fetch_add(u64::try_from(sync.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Bytes of segments that were read again to find damage.
    pub fn scrubbed_bytes(&self) -> u64 {
        self.scrubbed_bytes.load(Ordering::Relaxed)
    }

    /// How often all segments were.
    pub fn scrubs(&self) -> u64 {
        self.scrubs.load(Ordering::Relaxed)
    }

    pub(crate) fn count_scrub(&self, bytes: u64) {
        self.scrubbed_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.scrubs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_mark(&self) {
        self.marks.fetch_add(1, Ordering::Relaxed);
    }
}

impl Store {
    pub(crate) fn new(
        (disk, layout): (Arc<dyn Disk>, Layout),
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
        settings: Settings,
        (view, aged_ms): (View, Option<i64>),
        (logs, state): (Logs, State),
    ) -> Self {
        let aging = if settings.doubts_clock {
            AgingClock::doubting(Arc::clone(&clock), aged_ms)
        } else {
            AgingClock::believing(Arc::clone(&clock))
        };
        Self {
            files: Files::new(Arc::clone(&disk), layout.clone(), settings.open_files_max),
            room: Room::new(Arc::clone(&disk), layout.root(), &settings),
            disk,
            layout,
            clock,
            entropy,
            settings,
            view,
            logs: RwLock::new(logs),
            state: RwLock::new(state),
            state_changed: Mutex::default(),
            trimmed: Mutex::default(),
            unwritten: Mutex::default(),
            written: Condvar::new(),
            behind: Mutex::default(),
            stats: Stats::default(),
            aging,
            pinned: Mutex::default(),
            failure: OnceLock::new(),
            failed: watch::Sender::new(false),
        }
    }

    /// Randomness and time for a journal file.
    pub(crate) fn stamp(&self) -> Stamp {
        let mut salt = [0; 8];
        self.entropy.fill(&mut salt);
        Stamp { salt: u64::from_le_bytes(salt), now_ms: self.clock.now().as_millis() }
    }

    /// Makes a durable batch readable.
    pub(crate) fn publish_batch(&self, log: &Arc<PartitionLog>, batch: Batch) {
        // Counted first: whoever writes the batch may be quicker than this thread, and counts it down.
        self.unwritten.lock().bytes += batch.bytes().len() as u64;
        let mut inner = log.lock();
        assert_eq!(
            batch.header().base,
            inner.high_water,
            "batches are published in the order of their numbers"
        );
        inner.high_water = batch.header().end();
        inner.tail.push_back(batch);
        let enqueue = !std::mem::replace(&mut inner.queued, true);
        drop(inner);
        if enqueue {
            self.unwritten.lock().partitions.push(Arc::clone(log));
        }
        log.arrived.notify_waiters();
    }

    /// Folds durable commands into the state, all at one moment for those who look.
    pub(crate) fn publish_commands(
        &self,
        commands: impl IntoIterator<Item = (Proposal, u64)>,
        time: Timestamp,
    ) -> Vec<Outcome> {
        let mut commands = commands.into_iter().peekable();
        if commands.peek().is_none() {
            return Vec::new();
        }
        let mut state = self.state.write();
        let mut changed = self.state_changed.lock();
        commands
            .map(|(proposal, position)| {
                let applied = state.apply(proposal, LogPosition::new(position), time);
                changed.extend(applied.changed);
                applied.outcome
            })
            .collect()
    }

    /// Applies a durable change of the logs.
    pub(crate) fn publish_op(&self, op: &LogOp, position: u64) {
        let mut logs = self.logs.write();
        logs.apply(op, position);
        if let LogOp::Trim { partition, .. } = op {
            let trimmed = logs.partition(*partition).cloned();
            self.trimmed.lock().extend(trimmed);
        }
    }

    pub(crate) fn partition(&self, partition: PartitionRef) -> Option<Arc<PartitionLog>> {
        self.logs.read().partition(partition).cloned()
    }

    /// Whether a segment may have no file: it is known to be damaged, or was given up.
    pub(crate) fn is_without_file(&self, partition: PartitionRef, base: u64) -> bool {
        let Some(log) = self.partition(partition) else { return false };
        let inner = log.lock();
        let is_lost = |segment: &crate::partition::Segment| segment.base == base && segment.is_lost();
        inner.damaged.contains(&base) || inner.segments.iter().any(is_lost)
    }

    /// The partitions with damaged segments.
    pub(crate) fn damaged(&self) -> Vec<PartitionRef> {
        let logs = self.logs.read();
        let all = logs.streams.values().flat_map(|stream| &stream.partitions);
        all.filter(|log| !log.lock().damaged.is_empty()).map(|log| log.partition).collect()
    }

    /// Arrivals before this are out of retention; `None` when the stream is gone.
    pub(crate) fn cutoff_ms(&self, partition: PartitionRef) -> Option<i64> {
        self.logs.read().cutoff_ms(partition.stream, self.aging.now())
    }

    /// Stops the engine for good: what is in flight fails, nothing more is taken.
    pub(crate) fn fail(&self, failure: StorageFailure) {
        tracing::error!(
            error = &failure as &dyn std::error::Error,
            "the storage failed; restart to recover from disk"
        );
        let _first_one_counts = self.failure.set(failure);
        self.failed.send_replace(true);
        // Under the lock, so that nobody is between looking for a failure and waiting.
        drop(self.unwritten.lock());
        self.written.notify_all();
    }

    /// Why the engine stopped, if it did.
    pub(crate) fn failure(&self) -> Option<StorageFailure> {
        let failure = self.failure.get()?;
        Some(StorageFailure::caused_by(
            Class::Fatal,
            "the engine stopped after a failure",
            Arc::new(failure.clone()) as Arc<dyn std::error::Error + Send + Sync>,
        ))
    }

    /// Waits until the engine stops after a failure.
    pub(crate) async fn failed(&self) -> StorageFailure {
        let mut failed = self.failed.subscribe();
        let _sender_lives_as_long_as_self = failed.wait_for(|failed| *failed).await;
        self.failure().expect("the failure is set before it is told")
    }
}
