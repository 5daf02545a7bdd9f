//! Behind the acknowledgement: marks, retention, and the files that go with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use millpond_engine::{Class, StorageFailure};
use millpond_model::{PartitionRef, StreamId};
use millpond_seglog::journal::Mark;

use crate::{
    commit::Committer,
    failure,
    files::Part,
    partition::PartitionLog,
    queue::Work,
    rows::{self, LogsRow, PartitionRow},
    store::{Behind, Store},
    view::{Change, Changes},
};

/// How often to look whether something is due.
const TICK: Duration = Duration::from_secs(1);

/// Bytes of loaded indexes above which those of closed segments are dropped.
const INDEX_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The changes of the logs that a mark takes along.
struct LogChanges {
    applied: u64,
    /// The streams there are, with the number of their partitions.
    known: BTreeMap<StreamId, u32>,
    rows: Vec<Change>,
    dropped: Vec<(StreamId, Vec<Arc<PartitionLog>>)>,
}

impl Committer {
    /// Makes everything durable outside the journal, keeps how far it goes, and frees journal files.
    ///
    /// After a failure there is never another mark: what a failed sync left behind must not be trusted, and
    /// what the failed mark had taken along would be missing.
    pub(crate) fn mark(&self) -> Result<(), StorageFailure> {
        let mut behind = self.store.behind.lock();
        self.store.failure().map_or(Ok(()), Err)?;
        let mark = self.journal.lock().mark();
        if behind.is_marked(mark.position) {
            self.released.notify_all();
            return Ok(());
        }
        let dropped =
            self.store.set_mark(mark, &mut behind).inspect_err(|failure| self.stop(failure.clone()))?;
        self.journal.lock().release(&mark);
        self.released.notify_all();
        self.store.remove_files(&mut behind, dropped);
        Ok(())
    }

    /// Works behind the acknowledgement until the engine stops.
    pub(crate) fn maintain(&self) {
        let clock = &self.store.clock;
        let (mut marked, mut retained) = (clock.monotonic(), clock.monotonic());
        let mut groups = 0;
        loop {
            let mut wishes = self.wishes.lock();
            if !wishes.write && !wishes.mark && wishes.prepare.is_none() && !wishes.stop {
                self.wished.wait_for(&mut wishes, TICK);
            }
            if wishes.stop || self.store.failure().is_some() {
                return;
            }
            let (write, mut mark) = (std::mem::take(&mut wishes.write), std::mem::take(&mut wishes.mark));
            let (prepare, exposed) = (wishes.prepare.take(), wishes.exposed);
            drop(wishes);
            if let Some(preparation) = prepare {
                self.make_ready(preparation);
            }
            if exposed && !write && groups == self.store.stats.groups() {
                // A full queue will bring a group by itself.
                let _a_full_queue_needs_none = self.queue.push(Work::Barrier { reply: None });
            }
            groups = self.store.stats.groups();
            let now = clock.monotonic();
            if now.saturating_sub(retained) >= self.store.settings.retention_interval {
                retained = now;
                self.retain();
                mark = true;
            }
            if mark || now.saturating_sub(marked) >= self.store.settings.mark_interval {
                marked = now;
                let _failure_stopped_the_engine = self.mark();
            } else if write {
                self.write_behind();
            }
        }
    }

    pub(crate) fn make_ready(&self, preparation: millpond_seglog::journal::Preparation) {
        let slot = preparation.slot();
        let prepared = preparation.run();
        let mut journal = self.journal.lock();
        match prepared {
            Ok(prepared) => journal.add(prepared),
            Err(error) => {
                journal.preparation_failed(slot);
                tracing::warn!(%error, "no journal file could be made ready ahead of need; is the disk full?");
            }
        }
    }

    /// Writes every tail that is not in segments yet, unless the engine stopped.
    pub(crate) fn write_behind(&self) {
        let mut behind = self.store.behind.lock();
        if self.store.failure().is_some() {
            return;
        }
        if let Err(failure) = self.store.write_behind(&mut behind) {
            self.stop(failure);
        }
    }

    /// Stops the engine for good.
    pub(crate) fn stop(&self, failure: StorageFailure) {
        self.store.fail(failure);
        // Under the lock, so that the committer is not between looking for a failure and waiting.
        drop(self.journal.lock());
        self.released.notify_all();
    }

    /// Takes segments out of sight whose records are all out of retention or trimmed.
    pub(crate) fn retain(&self) {
        let mut behind = self.store.behind.lock();
        let now = self.store.clock.now();
        let logs: Vec<(Arc<PartitionLog>, i64)> = {
            let logs = self.store.logs.read();
            let of = |stream: &crate::logs::StreamLogs| {
                let cutoff_ms = stream.cutoff_ms(now);
                stream.partitions.iter().map(move |log| (Arc::clone(log), cutoff_ms)).collect::<Vec<_>>()
            };
            logs.streams.values().flat_map(of).collect()
        };
        let mut index_bytes = 0;
        for (log, cutoff_ms) in &logs {
            if let Err(e) = self.store.expire(log, *cutoff_ms) {
                // Damage stays where it is and is told to whoever reads it.
                tracing::warn!(error = &e as &dyn std::error::Error, partition = %log.partition, "retention cannot look into a segment");
            }
            take_expired(log, &mut behind);
            index_bytes += index_len(log);
        }
        if index_bytes > INDEX_BYTES_MAX {
            for (log, _) in &logs {
                forget_indexes(log);
            }
        }
    }
}

fn take_expired(log: &Arc<PartitionLog>, behind: &mut Behind) {
    let mut inner = log.lock();
    let oldest = inner.oldest;
    let gone = inner.segments.iter().take_while(|segment| segment.end <= oldest).count();
    for segment in inner.segments.drain(..gone) {
        behind.doomed.push((log.partition, segment.base));
        behind.segments.insert((log.partition, segment.base));
        behind.partitions.insert(log.partition, Arc::clone(log));
    }
}

fn index_len(log: &PartitionLog) -> usize {
    let inner = log.lock();
    let len = |segment: &crate::partition::Segment| segment.index.as_ref().map_or(0, |index| index.len());
    inner.segments.iter().map(len).sum::<usize>() * size_of::<millpond_seglog::index::IndexEntry>()
}

/// Drops the indexes of all segments but the one that still grows.
fn forget_indexes(log: &PartitionLog) {
    let mut inner = log.lock();
    for segment in inner.segments.iter_mut().rev().skip(1) {
        segment.index = None;
    }
}

type Dropped = Vec<(StreamId, Vec<Arc<PartitionLog>>)>;

impl Store {
    /// Makes everything before `mark` durable outside the journal, and keeps the mark with it.
    pub(crate) fn set_mark(&self, mark: Mark, behind: &mut Behind) -> Result<Dropped, StorageFailure> {
        let LogChanges { applied, known, rows: logs, dropped } = self.take_log_changes();
        self.write_behind(behind)?;
        for log in std::mem::take(&mut *self.trimmed.lock()) {
            behind.partitions.insert(log.partition, log);
        }
        let gone: BTreeSet<StreamId> = dropped.iter().map(|(stream, _)| *stream).collect();
        // What was created since the changes of the logs were taken has no row to belong to yet; the
        // journal behind the mark has all of it.
        let exists =
            |of: &PartitionRef| known.get(&of.stream).is_some_and(|count| of.partition.index() < *count);
        let later = behind.defer(|of| exists(of) || gone.contains(&of.stream));
        let (partitions, segments) = partition_changes(behind, &dropped, &gone);
        self.sync_segments(behind, &gone)
            .map_err(|e| failure::of(Class::Unknown, "segments could not be synced", e))?;
        let state = self.take_state_changes();
        let changes = Changes { mark, logs_applied: applied, state, logs, partitions, segments };
        self.view
            .commit(&changes)
            .map_err(|e| failure::of(Class::Unknown, "the view could not be committed", e))?;
        (behind.partitions, behind.segments, behind.new_files) = later;
        behind.marked = Some(mark.position);
        self.stats.count_mark();
        Ok(dropped)
    }

    fn take_log_changes(&self) -> LogChanges {
        let mut logs = self.logs.write();
        let changed = std::mem::take(&mut logs.changed);
        let row = |stream: StreamId| {
            let row = logs.streams.get(&stream).map(|stream| LogsRow {
                config: stream.config,
                floor_ms: stream.floor_ms,
                partitions: stream.count(),
            });
            (stream.as_bytes().to_vec(), row.map(rows::encode_logs))
        };
        let rows = changed.into_iter().map(row).collect();
        let known = logs.streams.iter().map(|(id, stream)| (*id, stream.count())).collect();
        LogChanges { applied: logs.applied, known, rows, dropped: std::mem::take(&mut logs.dropped) }
    }

    fn take_state_changes(&self) -> Vec<Change> {
        let state = self.state.read();
        let changed = std::mem::take(&mut *self.state_changed.lock());
        changed.into_iter().map(|key| (key.encode(), state.row(&key))).collect()
    }

    fn sync_segments(&self, behind: &Behind, gone: &BTreeSet<StreamId>) -> io::Result<()> {
        let doomed: BTreeSet<_> = behind.doomed.iter().copied().collect();
        for (partition, base) in &behind.segments {
            if !gone.contains(&partition.stream) && !doomed.contains(&(*partition, *base)) {
                self.files.existing(*partition, *base, Part::Records)?.sync_data()?;
            }
        }
        let mut dirs = BTreeSet::new();
        for partition in behind.new_files.iter().filter(|partition| !gone.contains(&partition.stream)) {
            let dir = self.layout.partition(*partition);
            dirs.extend(dir.parent().map(Path::to_path_buf));
            dirs.insert(dir);
            dirs.insert(self.layout.streams());
        }
        dirs.iter().try_for_each(|dir| self.disk.sync_dir(dir))
    }

    /// Removes files that the view no longer has. What cannot be removed now is removed at the next start.
    pub(crate) fn remove_files(&self, behind: &mut Behind, dropped: Dropped) {
        for (partition, base) in std::mem::take(&mut behind.doomed) {
            self.files.close(partition, base);
            for path in [self.layout.segment(partition, base), self.layout.index(partition, base)] {
                note(self.disk.remove_file(&path), &path);
            }
        }
        for (stream, logs) in dropped {
            for log in logs {
                let bases: Vec<u64> = log.lock().segments.iter().map(|segment| segment.base).collect();
                for base in bases {
                    self.files.close(log.partition, base);
                }
                self.remove_partition_dir(&self.layout.partition(log.partition));
            }
            let dir = self.layout.streams().join(stream.as_str());
            note(self.disk.remove_dir(&dir), &dir);
        }
    }

    /// Removes a directory with the files in it.
    pub(crate) fn remove_partition_dir(&self, dir: &Path) {
        for name in self.disk.list(dir).unwrap_or_default() {
            let path = dir.join(name);
            note(self.disk.remove_file(&path), &path);
        }
        note(self.disk.remove_dir(dir), dir);
    }
}

fn partition_changes(
    behind: &Behind,
    dropped: &Dropped,
    gone: &BTreeSet<StreamId>,
) -> (Vec<Change>, Vec<Change>) {
    let (mut partitions, mut segments) = (Vec::new(), Vec::new());
    for (partition, log) in
        behind.partitions.iter().filter(|(partition, _)| !gone.contains(&partition.stream))
    {
        let inner = log.lock();
        let row = PartitionRow {
            written: inner.written,
            // A later trim is told again by the journal.
            oldest: inner.oldest.min(inner.written),
            last_arrival_ms: inner.last_arrival_ms,
        };
        partitions.push((rows::partition_key(*partition), Some(rows::encode_partition(&row))));
        for base in bases_of(&behind.segments, *partition) {
            let found = inner.segments.iter().find(|segment| segment.base == base);
            segments.push((rows::segment_key(*partition, base), found.map(rows::encode_segment)));
        }
    }
    for log in dropped.iter().flat_map(|(_, logs)| logs) {
        partitions.push((rows::partition_key(log.partition), None));
        let known = log.lock().segments.iter().map(|segment| segment.base).collect::<Vec<_>>();
        for base in known.into_iter().chain(bases_of(&behind.segments, log.partition)) {
            segments.push((rows::segment_key(log.partition, base), None));
        }
    }
    (partitions, segments)
}

fn bases_of(segments: &BTreeSet<(PartitionRef, u64)>, partition: PartitionRef) -> impl Iterator<Item = u64> {
    segments.range((partition, 0)..=(partition, u64::MAX)).map(|(_, base)| *base)
}

fn note(removed: io::Result<()>, path: &Path) {
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(error = %e, path = %path.display(), "could not be removed; the next start tries again");
        }
        _ => {}
    }
}
