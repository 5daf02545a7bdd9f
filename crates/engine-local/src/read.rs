//! Reading: from the tail in memory, else from segments.

use std::{io, sync::Arc, time::Duration};

use millpond_engine::{Class, Page, ReadError, ReadLimit};
use millpond_model::{Bounds, PartitionRef, SequenceNumber, Timestamp};
use millpond_seglog::{
    batch::{Batch, BatchHeader},
    index::{IndexEntry, last_where},
    segment::{SEGMENT_HEADER_LEN, SegmentError, Walk, check_header},
};

use crate::{
    failure,
    files::Part,
    partition::{Oldest, PartitionLog, Segment, number},
    record::{PageBuilder, Records},
    store::Store,
};

/// Bytes read at a time: at least, at most.
const CHUNK_BYTES: (u64, u64) = (64 * 1024, 1024 * 1024);

impl Store {
    /// The partition, or the error that says there is none.
    pub(crate) fn log(&self, of: PartitionRef) -> Result<Arc<PartitionLog>, ReadError> {
        self.partition(of).ok_or(ReadError::UnknownPartition(of))
    }

    /// The readable range at this moment.
    pub(crate) async fn bounds_of(self: &Arc<Self>, log: &Arc<PartitionLog>) -> Result<Bounds, ReadError> {
        let cutoff = self.cutoff_ms(log.partition).ok_or(ReadError::UnknownPartition(log.partition))?;
        let from_memory = log.lock().expire(cutoff);
        match from_memory {
            Oldest::Known(bounds) => Ok(bounds),
            Oldest::In(_) => {
                let (store, log) = (Arc::clone(self), Arc::clone(log));
                blocking(move || store.expire(&log, cutoff)).await
            }
        }
    }

    /// Moves the partition's oldest record to the first that arrived at `cutoff_ms` or later.
    pub(crate) fn expire(&self, log: &PartitionLog, cutoff_ms: i64) -> Result<Bounds, ReadError> {
        loop {
            let (segment, oldest) = {
                let mut inner = log.lock();
                match inner.expire(cutoff_ms) {
                    Oldest::Known(bounds) => return Ok(bounds),
                    Oldest::In(segment) => (segment, inner.oldest),
                }
            };
            let kept = |header: &BatchHeader| header.arrival_ms >= cutoff_ms && header.end() > oldest;
            let early = |entry: &IndexEntry| entry.arrival_ms < cutoff_ms || entry.base <= oldest;
            let found = match self.find_batch(log, &segment, early, kept) {
                // The segment was taken away meanwhile, because everything in it had expired.
                Err(ReadError::Trimmed(_)) => continue,
                // Whoever reads there is told. Nothing expires before it can be seen that it may.
                Err(ReadError::Storage(failure)) if failure.class() == Class::Corrupt => {
                    return Ok(log.lock().bounds());
                }
                found => found?,
            };
            let mut inner = log.lock();
            match found {
                Some(batch) => drop(inner.settle(batch.header().base.max(oldest), batch.header().arrival_ms)),
                // The segment's last batch arrived later than that by its row; then it was just removed.
                None => inner.oldest = inner.oldest.max(segment.end),
            }
        }
    }

    /// The first batch of a segment that `wanted` holds for, behind the last entry that is `early`.
    fn find_batch(
        &self,
        log: &PartitionLog,
        segment: &Segment,
        early: impl Fn(&IndexEntry) -> bool,
        wanted: impl Fn(&BatchHeader) -> bool,
    ) -> Result<Option<Batch>, ReadError> {
        let bad = |e| bad_segment(log, segment, e);
        let index = self.index_of(log, segment).map_err(bad)?;
        let file = self.open_segment(log, segment).map_err(bad)?;
        let mut walk = walk_from(log, segment, &*file, last_where(&index, early), CHUNK_BYTES.0);
        while let Some(batch) = walk.next_batch().map_err(bad)? {
            if wanted(batch.header()) {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// One page, waiting for the first record if there is none yet.
    pub(crate) async fn read_page(
        self: &Arc<Self>,
        of: PartitionRef,
        from: SequenceNumber,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Page, ReadError> {
        let log = self.log(of)?;
        let deadline = tokio::time::sleep(wait);
        tokio::pin!(deadline);
        loop {
            let arrived = log.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let bounds = self.bounds_of(&log).await?;
            if from != bounds.high_water || wait.is_zero() {
                return self.read_now(&log, bounds, from, limit).await;
            }
            tokio::select! {
                () = &mut arrived => {}
                () = &mut deadline => return Ok(PageBuilder::new(of, from.get(), limit).finish()),
            }
            if log.lock().dropped {
                return Err(ReadError::UnknownPartition(of));
            }
        }
    }

    async fn read_now(
        self: &Arc<Self>,
        log: &Arc<PartitionLog>,
        bounds: Bounds,
        from: SequenceNumber,
        limit: ReadLimit,
    ) -> Result<Page, ReadError> {
        if from < bounds.oldest {
            return Err(ReadError::Trimmed(bounds));
        }
        if from > bounds.high_water {
            return Err(ReadError::Beyond(bounds));
        }
        let mut page = PageBuilder::new(log.partition, from.get(), limit);
        if from == bounds.high_water || take_tail(log, &mut page)? {
            return Ok(page.finish());
        }
        let (store, log) = (Arc::clone(self), Arc::clone(log));
        blocking(move || store.read_segments(&log, page)).await
    }

    /// Goes on with a page in segments, and in memory behind them.
    fn read_segments(&self, log: &PartitionLog, mut page: PageBuilder) -> Result<Page, ReadError> {
        loop {
            let segment = {
                let inner = log.lock();
                if page.next() < inner.oldest {
                    return Err(ReadError::Trimmed(inner.bounds()));
                }
                inner.segment_of(page.next()).cloned()
            };
            let Some(segment) = segment else {
                // Behind the segments, or removed since; memory has the rest if there is any.
                take_tail(log, &mut page)?;
                return Ok(page.finish());
            };
            match self.take_segment(log, &segment, &mut page) {
                Ok(true) => {}
                Ok(false) => return Ok(page.finish()),
                // What lies before the damage is given; the next read begins at it.
                Err(_) if !page.is_empty() => return Ok(page.finish()),
                Err(e) => return Err(e),
            }
        }
    }

    /// Takes what fits of a segment; says whether more may follow behind it.
    fn take_segment(
        &self,
        log: &PartitionLog,
        segment: &Segment,
        page: &mut PageBuilder,
    ) -> Result<bool, ReadError> {
        if segment.is_lost() {
            let next = log.lock().behind_loss(page.next());
            return Err(ReadError::Storage(failure::lost(log.partition, page.next(), next)));
        }
        let bad = |e| bad_segment(log, segment, e);
        let index = self.index_of(log, segment).map_err(bad)?;
        let file = self.open_segment(log, segment).map_err(bad)?;
        let start = last_where(&index, |entry| entry.base <= page.next());
        let chunk = page.bytes_left().clamp(CHUNK_BYTES.0, CHUNK_BYTES.1);
        let mut walk = walk_from(log, segment, &*file, start, chunk);
        while let Some(batch) = walk.next_batch().map_err(bad)? {
            if batch.header().end() > page.next() && !page.take(&batch).map_err(ReadError::Storage)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The first readable position whose record's time is `at` or later.
    pub(crate) async fn find_time_in(
        self: &Arc<Self>,
        of: PartitionRef,
        at: Timestamp,
    ) -> Result<SequenceNumber, ReadError> {
        let log = self.log(of)?;
        loop {
            let bounds = self.bounds_of(&log).await?;
            let (store, log) = (Arc::clone(self), Arc::clone(&log));
            match blocking(move || store.search(&log, bounds, at.as_millis())).await {
                // Retention took a segment away meanwhile: the search begins behind it.
                Err(ReadError::Trimmed(_)) => {}
                found => return found,
            }
        }
    }

    fn search(&self, log: &PartitionLog, bounds: Bounds, at_ms: i64) -> Result<SequenceNumber, ReadError> {
        let oldest = bounds.oldest.get();
        let (segments, tail): (Vec<Segment>, Vec<Batch>) = {
            let inner = log.lock();
            let may_hold = |segment: &&Segment| segment.end > oldest && segment.time_max_ms >= at_ms;
            (inner.segments.iter().filter(may_hold).cloned().collect(), inner.unwritten().cloned().collect())
        };
        let wanted = |header: &BatchHeader| header.end() > oldest && header.time_max_ms >= at_ms;
        for segment in &segments {
            if segment.is_lost() {
                // One of them may have been the first: whoever reads there is told that they are lost.
                return Ok(number(segment.base.max(oldest)));
            }
            if let Some(found) = self.search_segment(log, segment, oldest, at_ms)? {
                return Ok(found);
            }
        }
        for batch in tail.iter().filter(|batch| wanted(batch.header())) {
            if let Some(found) = search_batch(log, batch, oldest, at_ms)? {
                return Ok(found);
            }
        }
        Ok(bounds.high_water)
    }

    fn search_segment(
        &self,
        log: &PartitionLog,
        segment: &Segment,
        oldest: u64,
        at_ms: i64,
    ) -> Result<Option<SequenceNumber>, ReadError> {
        let bad = |e| bad_segment(log, segment, e);
        let index = self.index_of(log, segment).map_err(bad)?;
        let file = self.open_segment(log, segment).map_err(bad)?;
        // No record before such an entry is late enough, or readable.
        let start = last_where(&index, |entry| entry.time_max_before_ms < at_ms || entry.base <= oldest);
        let mut walk = walk_from(log, segment, &*file, start, CHUNK_BYTES.0);
        while let Some(batch) = walk.next_batch().map_err(bad)? {
            let header = batch.header();
            if header.end() <= oldest || header.time_max_ms < at_ms {
                continue;
            }
            if let Some(found) = search_batch(log, &batch, oldest, at_ms)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A segment's index, loaded if no reader needed it yet.
    fn index_of(&self, log: &PartitionLog, segment: &Segment) -> Result<Arc<Vec<IndexEntry>>, SegmentError> {
        if let Some(index) = &segment.index {
            return Ok(Arc::clone(index));
        }
        let index = Arc::new(self.load_index(log.partition, segment)?.entries);
        let mut inner = log.lock();
        // A segment that grew since has entries that were not loaded.
        let same = |stored: &&mut Segment| stored.base == segment.base && stored.len == segment.len;
        if let Some(stored) = inner.segments.iter_mut().find(same) {
            stored.index.get_or_insert_with(|| Arc::clone(&index));
        }
        Ok(index)
    }

    fn open_segment(
        &self,
        log: &PartitionLog,
        segment: &Segment,
    ) -> Result<Arc<dyn millpond_seglog::disk::File>, SegmentError> {
        let file = self.files.existing(log.partition, segment.base, Part::Records)?;
        check_header(&*file, log.owner, segment.base)?;
        Ok(file)
    }
}

/// What a failure with a segment means; one that was removed meanwhile is no failure.
pub(crate) fn bad_segment(log: &PartitionLog, segment: &Segment, source: SegmentError) -> ReadError {
    let missing = matches!(&source, SegmentError::Io(e) if e.kind() == io::ErrorKind::NotFound);
    let mut inner = log.lock();
    if missing && inner.dropped {
        return ReadError::UnknownPartition(log.partition);
    }
    if missing && inner.oldest >= segment.end {
        return ReadError::Trimmed(inner.bounds());
    }
    let failure = failure::of_segment(log.partition, segment.base, source);
    if failure.class() == Class::Corrupt && inner.note_damage(segment.base) {
        tracing::error!(error = &failure as &dyn std::error::Error, partition = %log.partition, "stored records are damaged");
    }
    ReadError::Storage(failure)
}

/// Takes what fits from memory if the next record is there; says whether it was.
fn take_tail(log: &PartitionLog, page: &mut PageBuilder) -> Result<bool, ReadError> {
    let inner = log.lock();
    let Some(batches) = inner.tail_from(page.next()) else { return Ok(false) };
    let batches: Vec<Batch> = within(batches, page.bytes_left());
    drop(inner);
    for batch in &batches {
        if !page.take(batch).map_err(ReadError::Storage)? {
            break;
        }
    }
    Ok(true)
}

/// Enough of the batches to hold `bytes` of data, the last one perhaps more.
fn within<'a>(batches: impl Iterator<Item = &'a Batch>, bytes: u64) -> Vec<Batch> {
    let (mut taken, mut taken_bytes) = (Vec::new(), 0);
    for batch in batches {
        taken.push(batch.clone());
        // A batch's own bytes exceed those of its data; twice as many are surely enough of them.
        taken_bytes += batch.bytes().len() as u64;
        if taken_bytes > bytes.saturating_mul(2).max(CHUNK_BYTES.0) {
            break;
        }
    }
    taken
}

fn walk_from<'a>(
    log: &PartitionLog,
    segment: &Segment,
    file: &'a dyn millpond_seglog::disk::File,
    start: Option<IndexEntry>,
    chunk: u64,
) -> Walk<'a> {
    let (place, base) =
        start.map_or((SEGMENT_HEADER_LEN as u64, segment.base), |entry| (entry.place, entry.base));
    Walk::new(file, log.owner, place, base, segment.len, usize::try_from(chunk).unwrap_or(usize::MAX))
}

fn search_batch(
    log: &PartitionLog,
    batch: &Batch,
    oldest: u64,
    at_ms: i64,
) -> Result<Option<SequenceNumber>, ReadError> {
    let mut records = Records::of(batch);
    let bad = |e| ReadError::Storage(failure::of(Class::Corrupt, format!("partition {}", log.partition), e));
    while let Some(record) = records.next_record().map_err(bad)? {
        if record.sequence_number.get() >= oldest && record.timestamp().as_millis() >= at_ms {
            return Ok(Some(record.sequence_number));
        }
    }
    Ok(None)
}

/// Runs file work off the threads that serve requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let lost = |e| ReadError::Storage(failure::of(Class::Unknown, "reading was interrupted", e));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(lost(e)))
}
