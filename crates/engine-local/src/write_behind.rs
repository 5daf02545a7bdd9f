//! Writing batches to segments, behind the acknowledgement.

use std::{io, sync::Arc};

use millpond_engine::{Class, StorageFailure};
use millpond_seglog::{
    batch::Batch,
    index::IndexEntry,
    segment::{SEGMENT_HEADER_LEN, encode_header},
};

use crate::{
    failure,
    files::Part,
    index::{IndexRule, Loaded},
    partition::{PartitionLog, Segment},
    store::{Behind, Store},
};

/// Bytes gathered for one write.
const WRITE_BYTES: usize = 4 * 1024 * 1024;

/// A segment is closed when its first record is older than this part of the retention …
const ROLL_PART_OF_RETENTION: i64 = 48;
/// … but not before it is this old.
const ROLL_AGE_MIN_MS: i64 = 10 * 60 * 1000;

/// What of a partition is in no segment yet, and the segment it goes on in.
pub(crate) struct Taken {
    batches: Vec<Batch>,
    active: Option<Segment>,
}

impl Taken {
    pub(crate) fn of(log: &PartitionLog) -> Self {
        let mut inner = log.lock();
        inner.queued = false;
        let batches = inner.unwritten().cloned().collect();
        Self { batches, active: inner.segments.last().filter(|segment| !segment.is_lost()).cloned() }
    }
}

impl Store {
    /// Writes every tail that is not in segments yet. After a failure the rest waits: what is in no segment
    /// is in the journal.
    pub(crate) fn write_behind(&self, behind: &mut Behind) -> Result<(), StorageFailure> {
        let mut partitions = std::mem::take(&mut self.unwritten.lock().partitions).into_iter();
        while let Some(log) = partitions.next() {
            if let Err(failure) = self.write_partition(&log, behind) {
                log.lock().queued = true;
                let mut unwritten = self.unwritten.lock();
                unwritten.partitions.push(log);
                unwritten.partitions.extend(partitions);
                return Err(failure);
            }
        }
        self.forget_tails(behind);
        Ok(())
    }

    fn write_partition(&self, log: &Arc<PartitionLog>, behind: &mut Behind) -> Result<(), StorageFailure> {
        self.write_taken(log, Taken::of(log), behind)
    }

    /// Writes what was taken of a partition. More may have been published since, and its stream dropped.
    pub(crate) fn write_taken(
        &self,
        log: &Arc<PartitionLog>,
        Taken { batches, active }: Taken,
        behind: &mut Behind,
    ) -> Result<(), StorageFailure> {
        let still = self.partition(log.partition);
        if still.is_none_or(|still| !Arc::ptr_eq(&still, log)) {
            // Its stream was dropped, durably: nobody reads these, and they need no room. All of them, also
            // those that came after the batches were taken; none comes any more.
            let mut inner = log.lock();
            let bytes = byte_len(inner.unwritten());
            inner.tail.clear();
            drop(inner);
            self.count_written(bytes);
            return Ok(());
        }
        let bytes = byte_len(&batches);
        let mut writer = SegmentWriter { store: self, log, active, closed: Vec::new(), fresh: Vec::new() };
        let retention = self.logs.read().config(log.partition.stream).map(|c| c.retention.as_duration());
        let retention_ms = retention.and_then(|r| i64::try_from(r.as_millis()).ok()).unwrap_or(i64::MAX);
        writer.write(&batches, retention_ms).map_err(|e| {
            failure::of(
                Class::Unknown,
                format!("segments of partition {} could not be written", log.partition),
                e,
            )
        })?;
        let SegmentWriter { active, closed, fresh, .. } = writer;
        behind.partitions.insert(log.partition, Arc::clone(log));
        behind.new_files.extend((!fresh.is_empty()).then_some(log.partition));
        let mut inner = log.lock();
        for segment in closed.into_iter().chain(active) {
            behind.segments.insert((log.partition, segment.base));
            inner.written = segment.end;
            match inner.segments.last_mut().filter(|last| last.base == segment.base) {
                Some(last) => *last = segment,
                None => inner.segments.push(segment),
            }
        }
        drop(inner);
        for batch in batches {
            let bytes = batch.bytes().len() as u64;
            behind.tails.push_back((Arc::clone(log), batch.header().end(), bytes));
            behind.tail_bytes += bytes;
        }
        self.count_written(bytes);
        Ok(())
    }

    fn count_written(&self, bytes: u64) {
        self.unwritten.lock().bytes -= bytes;
        self.written.notify_all();
    }

    /// Drops the oldest written batches from memory, down to the limit.
    fn forget_tails(&self, behind: &mut Behind) {
        while behind.tail_bytes > self.settings.tail_bytes_max {
            let Some((log, end, bytes)) = behind.tails.pop_front() else { break };
            behind.tail_bytes -= bytes;
            let mut inner = log.lock();
            while inner.tail.front().is_some_and(|batch| batch.header().end() <= end) {
                inner.tail.pop_front();
            }
        }
    }
}

fn byte_len<'a>(batches: impl IntoIterator<Item = &'a Batch>) -> u64 {
    batches.into_iter().map(|batch| batch.bytes().len() as u64).sum()
}

struct SegmentWriter<'a> {
    store: &'a Store,
    log: &'a PartitionLog,
    active: Option<Segment>,
    closed: Vec<Segment>,
    /// Segments that were begun.
    fresh: Vec<u64>,
}

/// Bytes gathered for the active segment.
#[derive(Default)]
struct Gathered {
    records: Vec<u8>,
    entries: Vec<IndexEntry>,
}

impl SegmentWriter<'_> {
    fn write(&mut self, batches: &[Batch], retention_ms: i64) -> io::Result<()> {
        let mut gathered = Gathered::default();
        for batch in batches {
            let len = gathered.records.len() as u64;
            if self.active.as_ref().is_none_or(|active| self.is_full(active, len, batch, retention_ms)) {
                self.flush(&mut gathered)?;
                self.begin(batch)?;
            }
            if gathered.records.is_empty() && !self.know_index()? {
                self.begin(batch)?;
            }
            self.gather(batch, &mut gathered);
            if gathered.records.len() >= WRITE_BYTES {
                self.flush(&mut gathered)?;
            }
        }
        self.flush(&mut gathered)
    }

    fn is_full(&self, active: &Segment, gathered: u64, batch: &Batch, retention_ms: i64) -> bool {
        let len = active.len + gathered + batch.bytes().len() as u64;
        let age = batch.header().arrival_ms.saturating_sub(active.first_arrival_ms);
        let has_records = active.end > active.base;
        let aged = age > (retention_ms / ROLL_PART_OF_RETENTION).max(ROLL_AGE_MIN_MS);
        has_records && (len > self.store.settings.segment_bytes_max || aged)
    }

    /// Begins the segment that `batch` is the first of.
    fn begin(&mut self, batch: &Batch) -> io::Result<()> {
        let (partition, header) = (self.log.partition, batch.header());
        self.closed.extend(self.active.take());
        self.store.disk.create_dir(&self.store.layout.partition(partition))?;
        let file = self.store.files.empty(partition, header.base, Part::Records)?;
        self.store.files.empty(partition, header.base, Part::Index)?;
        file.write_at(&encode_header(self.log.owner, header.base, self.store.clock.now().as_millis()), 0)?;
        self.fresh.push(header.base);
        self.active = Some(Segment {
            base: header.base,
            end: header.base,
            len: SEGMENT_HEADER_LEN as u64,
            first_arrival_ms: header.arrival_ms,
            last_arrival_ms: header.arrival_ms,
            time_max_ms: i64::MIN,
            let_go: 0,
            indexed_place: 0,
            index_len: Some(0),
            index: Some(Arc::default()),
        });
        Ok(())
    }

    /// Loads the index of a segment that was begun before the engine was opened, and drops bad entries.
    /// `false`: the segment is damaged, and nothing more shall be written to it.
    fn know_index(&mut self) -> io::Result<bool> {
        let Some(active) = self.active.as_mut().filter(|active| active.index_len.is_none()) else {
            return Ok(true);
        };
        let partition = self.log.partition;
        let Loaded { entries, good_len, damage } =
            self.store.load_index(partition, active).map_err(io::Error::other)?;
        if let Some(damage) = damage {
            tracing::error!(error = &damage as &dyn std::error::Error, %partition, segment = active.base, "stored records are damaged; new ones go to a new segment");
            return Ok(false);
        }
        let file = self.store.files.or_create(partition, active.base, Part::Index)?;
        file.set_len(good_len)?;
        let encoded: Vec<u8> =
            entries.iter().flat_map(|entry| entry.encode(self.log.owner, active.base)).collect();
        let missing = usize::try_from(good_len).ok().and_then(|at| encoded.get(at..)).unwrap_or_default();
        file.write_at(missing, good_len)?;
        active.index_len = Some(encoded.len() as u64);
        active.indexed_place = entries.last().map_or(0, |last| last.place);
        active.index = Some(Arc::new(entries));
        Ok(true)
    }

    fn gather(&mut self, batch: &Batch, gathered: &mut Gathered) {
        let active = self.active.as_mut().expect("a segment was begun");
        let header = batch.header();
        let place = active.len + gathered.records.len() as u64;
        let indexed = (active.indexed_place > 0).then_some(active.indexed_place);
        if IndexRule::new(indexed).wants(place) {
            gathered.entries.push(IndexEntry {
                base: header.base,
                place,
                time_max_before_ms: active.time_max_ms,
                arrival_ms: header.arrival_ms,
            });
            active.indexed_place = place;
        }
        active.end = header.end();
        active.last_arrival_ms = header.arrival_ms;
        active.time_max_ms = active.time_max_ms.max(header.time_max_ms);
        gathered.records.extend_from_slice(batch.bytes());
    }

    fn flush(&mut self, gathered: &mut Gathered) -> io::Result<()> {
        let Some(active) = self.active.as_mut().filter(|_| !gathered.records.is_empty()) else {
            return Ok(());
        };
        let Gathered { records, entries } = std::mem::take(gathered);
        let partition = self.log.partition;
        self.store.files.existing(partition, active.base, Part::Records)?.write_at(&records, active.len)?;
        active.len += records.len() as u64;
        if entries.is_empty() {
            return Ok(());
        }
        let encoded: Vec<u8> =
            entries.iter().flat_map(|entry| entry.encode(self.log.owner, active.base)).collect();
        let at = active.index_len.unwrap_or_default();
        self.store.files.or_create(partition, active.base, Part::Index)?.write_at(&encoded, at)?;
        active.index_len = Some(at + encoded.len() as u64);
        if let Some(index) = &mut active.index {
            Arc::make_mut(index).extend(entries);
        }
        Ok(())
    }
}
