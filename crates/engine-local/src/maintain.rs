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
use millpond_seglog::{
    disk::{File, SyncFailed},
    journal::Mark,
};
use millpond_state::RowKey;

use crate::{
    commit::Committer,
    failure,
    files::Part,
    partition::PartitionLog,
    queue::Work,
    room,
    rows::{self, LogsRow, PartitionRow},
    store::{Behind, Deferred, Store},
    view::{Change, Changes},
};

/// How often to look whether something is due.
const TICK: Duration = Duration::from_secs(1);

/// Segments are written this much later than they could be, so that many groups cost one write; readers are
/// served from memory until then …
const GATHER: Duration = Duration::from_millis(10);
/// … unless so much waits for its segment.
const GATHER_BYTES: u64 = 4 * 1024 * 1024;

/// Synced bytes leave the system's memory in multiples of this, which no page is larger than.
const LET_GO_BYTES: u64 = 64 * 1024;

/// Bytes of loaded indexes above which those of closed segments are dropped.
const INDEX_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The changes of the logs that a mark takes along.
struct LogChanges {
    applied: u64,
    /// The streams there are, with the number of their partitions.
    known: BTreeMap<StreamId, u32>,
    changed: BTreeSet<StreamId>,
    rows: Vec<Change>,
    dropped: Vec<(StreamId, Vec<Arc<PartitionLog>>)>,
}

impl Committer {
    /// Makes everything durable outside the journal, keeps how far it goes, and frees journal files.
    ///
    /// A mark that found no room is put off: nothing was synced in vain, and the journal has everything. After
    /// any other failure there is never another mark: what a failed sync left behind must not be trusted.
    pub(crate) fn mark(&self) -> Result<(), StorageFailure> {
        let mut behind = self.store.behind.lock();
        self.store.failure().map_or(Ok(()), Err)?;
        let mark = self.journal.lock().mark();
        if behind.is_marked(mark.position, self.store.clock.monotonic()) {
            self.released.notify_all();
            return Ok(());
        }
        let dropped = match self.with_room(|| self.store.set_mark(mark, &mut behind)) {
            Ok(dropped) => dropped,
            Err(failure) => {
                self.fail_behind(failure.clone());
                return Err(failure);
            }
        };
        self.journal.lock().release(&mark);
        self.released.notify_all();
        self.store.remove_files(&mut behind, dropped);
        Ok(())
    }

    /// Does work behind the acknowledgement, with the reserve if need be; when it is done nothing is short.
    pub(crate) fn with_room<T>(
        &self,
        work: impl FnMut() -> Result<T, StorageFailure>,
    ) -> Result<T, StorageFailure> {
        let done = self.store.room.with_reserve(work);
        if done.is_ok() {
            self.store.room.set_short(false);
        }
        done
    }

    /// What a failure behind the acknowledgement means: a shortage passes, anything else stops the engine.
    pub(crate) fn fail_behind(&self, failure: StorageFailure) {
        if !room::is_shortage(&failure) {
            return self.stop(failure);
        }
        tracing::debug!(error = &failure as &dyn std::error::Error, "put off until there is more room");
        self.store.room.set_short(true);
        self.wake_all();
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
            if wishes.only_writes() && self.store.unwritten.lock().bytes < GATHER_BYTES {
                self.stopping.wait_for(&mut wishes, GATHER);
            }
            if wishes.stop || self.store.failure().is_some() {
                return;
            }
            let (write, mut mark) = (std::mem::take(&mut wishes.write), std::mem::take(&mut wishes.mark));
            let (prepare, exposed) = (wishes.prepare.take(), wishes.exposed);
            drop(wishes);
            let write = write || self.store.room.is_short();
            self.store.room.make_reserve();
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
        if let Err(failure) = self.with_room(|| self.store.write_behind(&mut behind)) {
            self.fail_behind(failure);
        }
    }

    /// Stops the engine for good.
    pub(crate) fn stop(&self, failure: StorageFailure) {
        self.store.fail(failure);
        self.wake_all();
    }

    /// Lets everybody look again who waits for segments or for a mark.
    fn wake_all(&self) {
        // Under the locks, so that nobody is between looking and waiting.
        drop(self.store.unwritten.lock());
        self.store.written.notify_all();
        drop(self.journal.lock());
        self.released.notify_all();
    }

    /// Takes segments out of sight whose records are all out of retention or trimmed.
    pub(crate) fn retain(&self) {
        let mut behind = self.store.behind.lock();
        let now = self.store.aging.now();
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
    for segment in inner.segments.drain(..gone).collect::<Vec<_>>() {
        inner.damaged.remove(&segment.base);
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

/// Streams that were dropped, with their partitions.
pub(crate) type Dropped = Vec<(StreamId, Vec<Arc<PartitionLog>>)>;

/// What a mark has to keep.
pub(crate) struct PreparedMark {
    changes: Changes,
    keys: BTreeSet<RowKey>,
    changed: BTreeSet<StreamId>,
    dropped: Dropped,
    gone: BTreeSet<StreamId>,
    later: Deferred,
}

impl Store {
    /// Makes everything before `mark` durable outside the journal, and keeps the mark with it.
    ///
    /// After a shortage everything is as before and it can be asked again.
    pub(crate) fn set_mark(&self, mark: Mark, behind: &mut Behind) -> Result<Dropped, StorageFailure> {
        let prepared = self.prepare_mark(mark, behind)?;
        self.keep_mark(prepared, behind)
    }

    /// Writes what is not in segments yet, and gathers what the mark has to keep. Syncs nothing. While the
    /// journal is locked all of it is as of one moment.
    pub(crate) fn prepare_mark(
        &self,
        mark: Mark,
        behind: &mut Behind,
    ) -> Result<PreparedMark, StorageFailure> {
        self.write_behind(behind)?;
        let LogChanges { applied, known, changed, rows: logs, dropped } = self.take_log_changes();
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
        let (keys, state) = self.take_state_changes();
        let aged_ms = self.aging.now().as_millis();
        let changes = Changes { mark, logs_applied: applied, aged_ms, state, logs, partitions, segments };
        Ok(PreparedMark { changes, keys, changed, dropped, gone, later })
    }

    /// Makes durable what was gathered.
    pub(crate) fn keep_mark(
        &self,
        prepared: PreparedMark,
        behind: &mut Behind,
    ) -> Result<Dropped, StorageFailure> {
        let PreparedMark { changes, keys, changed, dropped, gone, later } = prepared;
        let synced = self.sync_segments(behind, &gone);
        let synced = synced.map_err(|e| failure::of(Class::Unknown, "segments could not be synced", e));
        let kept = synced.and_then(|()| {
            let failed = |e| failure::of(Class::Unknown, "the view could not be committed", e);
            self.view.commit(&changes).map_err(failed)
        });
        if let Err(failure) = kept {
            self.state_changed.lock().extend(keys);
            let mut logs = self.logs.write();
            logs.changed.extend(changed);
            logs.dropped.splice(0..0, dropped);
            behind.put_back(later);
            return Err(failure);
        }
        (behind.partitions, behind.segments, behind.new_files) = later;
        behind.marked = Some((changes.mark.position, self.clock.monotonic()));
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
        let rows = changed.iter().copied().map(row).collect();
        let known = logs.streams.iter().map(|(id, stream)| (*id, stream.count())).collect();
        LogChanges { applied: logs.applied, known, changed, rows, dropped: std::mem::take(&mut logs.dropped) }
    }

    fn take_state_changes(&self) -> (BTreeSet<RowKey>, Vec<Change>) {
        let state = self.state.read();
        let changed = std::mem::take(&mut *self.state_changed.lock());
        let rows = changed.iter().map(|key| (key.encode(), state.row(key))).collect();
        (changed, rows)
    }

    fn sync_segments(&self, behind: &Behind, gone: &BTreeSet<StreamId>) -> io::Result<()> {
        let doomed: BTreeSet<_> = behind.doomed.iter().copied().collect();
        for (partition, base) in &behind.segments {
            if !gone.contains(&partition.stream) && !doomed.contains(&(*partition, *base)) {
                match self.files.existing(*partition, *base, Part::Records) {
                    Ok(file) => {
                        file.sync_data().map_err(SyncFailed::mark)?;
                        let_go(behind, (*partition, *base), &*file);
                    }
                    // Known to be lost, and told to whoever reads it.
                    Err(e)
                        if e.kind() == io::ErrorKind::NotFound && self.is_without_file(*partition, *base) => {
                    }
                    Err(e) => return Err(e),
                }
            }
        }
        let mut dirs = BTreeSet::new();
        for partition in behind.new_files.iter().filter(|partition| !gone.contains(&partition.stream)) {
            let dir = self.layout.partition(*partition);
            dirs.extend(dir.parent().map(Path::to_path_buf));
            dirs.insert(dir);
            dirs.insert(self.layout.streams());
        }
        dirs.iter().try_for_each(|dir| self.disk.sync_dir(dir).map_err(SyncFailed::mark))
    }

    /// Removes files that the view no longer has. What cannot be removed now is removed at the next start.
    pub(crate) fn remove_files(&self, behind: &mut Behind, dropped: Dropped) {
        if let Some(later) = self.pinned.lock().as_mut() {
            // A backup copies them; they go when it is done.
            return later.extend(dropped);
        }
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

/// What a mark synced of a segment is not kept in the system's memory: the newest of it is in ours, and whoever
/// reads further behind brings it back, once for all who follow. Otherwise every byte that is ever written
/// takes memory anew, and to find it costs more than to write the byte.
fn let_go(behind: &Behind, (partition, base): (PartitionRef, u64), file: &dyn File) {
    let Some(log) = behind.partitions.get(&partition) else { return };
    let mut inner = log.lock();
    let Some(segment) = inner.segments.iter_mut().rfind(|segment| segment.base == base) else { return };
    let end = segment.len - segment.len % LET_GO_BYTES;
    let from = segment.let_go.next_multiple_of(LET_GO_BYTES);
    if from < end {
        segment.let_go = end;
        drop(inner);
        file.let_go(from, end - from);
    }
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
