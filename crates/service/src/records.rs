//! Records: put and get (spec/03).

use std::{sync::atomic::Ordering, time::Duration};

use millpond_engine::{Append, AppendError, Appended, Class, ReadError, ReadLimit, StorageFailure};
use millpond_model::{
    Bounds, CursorType, PartitionId, PlacedRecord, Placement, PolicyAction, ProjectId, SequenceNumber,
    StreamSelector,
};
use millpond_state::State;

use crate::{
    CursorPosition, Error, RecordError, RecordsPage, Service,
    error::contradiction,
    flow::Of,
    metrics::Moved,
    placement::{Batches, places},
    resolve,
};

/// Where a record is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its partition.
    pub partition: PartitionId,
    /// Its place in the partition.
    pub sequence_number: SequenceNumber,
}

impl Service {
    /// Appends records; answers for each in the order given (spec/03 §1, §2).
    ///
    /// The records of one partition get consecutive numbers in the order given. A record that names no
    /// place goes to the next ACTIVE partition in turn; the turn goes on from request to request.
    ///
    /// # Errors
    /// `TooManyRecords`, `StreamNotFound`, `AccessDenied`, `RequestTooLarge`, `TooManyRequests`, `Overloaded`,
    /// `Storage`: nothing was appended. Everything else concerns one record and is in the answer, also that
    /// the partition is written too fast.
    pub async fn put_records(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        records: Vec<PlacedRecord>,
    ) -> Result<Vec<Result<Placed, RecordError>>, Error> {
        let begin = self.clock.monotonic();
        self.check_number(&records)?;
        let steps = records.iter().filter(|record| record.placement == Placement::Anywhere).count() as u64;
        let turn = self.turn.fetch_add(steps, Ordering::Relaxed);
        let look = |state: &State| {
            let stream = resolve::stream_for(state, project, selector, PolicyAction::PutRecords)?;
            let of = Of {
                stream: stream.id,
                kind: stream.spec.stream_type,
                scales: stream.spec.auto_scale.enabled,
            };
            Ok((of, places(stream, &records, turn, self.settings.limits.record_bytes)))
        };
        let (of, mut places) = self.look(look).await?;
        let stream = of.stream;
        self.flow.check_request(of.kind, &records)?;
        let _open = self.flow.begin(stream)?;
        let limited = self.flow.admit_put(of, &records, &mut places, begin);
        let Batches { appends, slots } = Batches::group(stream, records, places);
        let moved: Vec<Moved> = appends.iter().map(moved).collect();
        let appended =
            if appends.is_empty() { Vec::new() } else { self.engine.records.append(appends).await };
        if appended.iter().any(|result| matches!(result, Err(AppendError::UnknownPartition(_)))) {
            // The stream was deleted in between, with all that was appended; or its log is damaged,
            // which the records concerned answer for themselves.
            if let gone @ Error::StreamNotFound { .. } = self.log_missing(stream, selector) {
                return Err(gone);
            }
        }
        let stored = moved.into_iter().zip(&appended).filter(|(_, result)| result.is_ok());
        let stored: Vec<Moved> = stored.map(|(moved, _)| moved).collect();
        let overloaded = appended.iter().any(|result| matches!(result, Err(AppendError::Overloaded)));
        self.flow.count_put(of, &stored, self.clock.monotonic());
        self.count_put(stream, &stored, limited || overloaded, begin);
        Ok(slots
            .into_iter()
            .map(|slot| {
                let slot = slot?;
                let first = outcome(appended.get(slot.batch))?.first;
                Ok(Placed { partition: slot.partition, sequence_number: first.plus(slot.offset) })
            })
            .collect())
    }

    /// Records from the cursor on, and where to go on (spec/03 §5, spec/04 §5). Answers at once; at the
    /// end of a partition, also of a closed one, the page is empty and the position stays.
    ///
    /// # Errors
    /// `CursorExpired`, `StreamNotFound`, `AccessDenied`, `PartitionNotFound`, `PartitionExpired`,
    /// `TooManyRequests`, `InvalidCursor`, `PositionExpired`, `TrafficLimit`, `Overloaded`, `Storage`; looked
    /// for in this order.
    pub async fn get_records(
        &self,
        project: &ProjectId,
        cursor: &CursorPosition,
        limit: ReadLimit,
    ) -> Result<RecordsPage, Error> {
        let (begin, now) = (self.clock.monotonic(), self.clock.now());
        let life = self.settings.limits.cursor_life;
        if cursor.is_expired(now, life) {
            return Err(Error::CursorExpired { life });
        }
        let named = &cursor.stream_name;
        let look = |state: &State| {
            let stream = resolve::stream_of_cursor(state, project, cursor.stream_id, named)?;
            resolve::readable_partition(stream, cursor.partition, named)?;
            Ok(Of {
                stream: stream.id,
                kind: stream.spec.stream_type,
                scales: stream.spec.auto_scale.enabled,
            })
        };
        let of = self.look(look).await?;
        let _open = self.flow.begin(of.stream)?;
        let partition = cursor.partition_ref();
        let missing = |error| match error {
            ReadError::UnknownPartition(_) => self.log_missing(cursor.stream_id, named),
            error => error.into(),
        };
        if !self.flow.admits_get(of, cursor.partition, begin) {
            // What is wrong with the position is told before that it is not its turn (spec/08 §5).
            let bounds = self.engine.records.bounds(partition).await.map_err(missing)?;
            check_position(bounds, cursor.position)?;
            self.count_refused_read(cursor);
            return Err(Error::TrafficLimit);
        }
        let page = self.engine.records.read(partition, cursor.position, limit, Duration::ZERO).await;
        let page = page.map_err(missing)?;
        let bytes = page.records.iter().map(|record| record.data.len() as u64).sum();
        let read = (cursor.partition, page.records.len() as u64, bytes);
        self.flow.count_get(of, (cursor.partition, bytes), self.clock.monotonic());
        self.count_get(cursor.stream_id, read, begin);
        let kind = CursorType::AtSequenceNumber;
        let next = CursorPosition { kind, position: page.next, opened: now, ..cursor.clone() };
        Ok(RecordsPage { records: page.records, next })
    }

    fn check_number(&self, records: &[PlacedRecord]) -> Result<(), Error> {
        match self.settings.limits.request_records {
            Some(max) if records.len() as u64 > max => Err(Error::TooManyRecords { max }),
            _ => Ok(()),
        }
    }
}

/// What a reader at this position would be told.
fn check_position(bounds: Bounds, position: SequenceNumber) -> Result<(), Error> {
    if position < bounds.oldest {
        Err(Error::PositionExpired)
    } else if position > bounds.high_water {
        Err(Error::InvalidCursor)
    } else {
        Ok(())
    }
}

/// What a batch would bring its partition.
fn moved(append: &Append) -> Moved {
    let bytes = append.records.iter().map(|record| record.data.len() as u64).sum();
    (append.partition.partition, append.records.len() as u64, bytes)
}

/// What became of a record, from what became of its batch.
fn outcome(batch: Option<&Result<Appended, AppendError>>) -> Result<Appended, RecordError> {
    match batch {
        Some(Ok(appended)) => Ok(*appended),
        Some(Err(AppendError::Overloaded)) => Err(RecordError::Overloaded),
        Some(Err(AppendError::Storage(failure))) => Err(RecordError::Storage(failure.clone())),
        Some(Err(AppendError::UnknownPartition(of))) => {
            let what = format!("the record log lacks the partition {of}");
            Err(RecordError::Storage(StorageFailure::new(Class::Corrupt, what)))
        }
        None => Err(unanswered()),
    }
}

fn unanswered() -> RecordError {
    RecordError::Storage(contradiction("the record log gave no answer for a batch"))
}
