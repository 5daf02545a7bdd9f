//! Cursors: from what a client asks for to a position (spec/04).

use std::time::Duration;

use millpond_engine::ReadError;
use millpond_model::{
    Bounds, CursorType, PartitionId, PartitionRef, PolicyAction, ProjectId, Record, RetentionHours,
    SequenceNumber, StreamId, StreamName, StreamSelector, Timestamp, limits,
};

use crate::{Error, Service, resolve};

/// Where a client asks to start (spec/04 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorStart {
    /// With the record of this number; with the oldest one when absent.
    AtSequenceNumber(Option<SequenceNumber>),
    /// With the record behind it; with the oldest one when absent.
    AfterSequenceNumber(Option<SequenceNumber>),
    /// With the oldest record.
    TrimHorizon,
    /// With the next record to be written.
    Latest,
    /// With the first record at or after this time.
    AtTimestamp(Timestamp),
}

impl CursorStart {
    /// Its type.
    pub fn kind(self) -> CursorType {
        match self {
            Self::AtSequenceNumber(_) => CursorType::AtSequenceNumber,
            Self::AfterSequenceNumber(_) => CursorType::AfterSequenceNumber,
            Self::TrimHorizon => CursorType::TrimHorizon,
            Self::Latest => CursorType::Latest,
            Self::AtTimestamp(_) => CursorType::AtTimestamp,
        }
    }
}

/// What a cursor says: everything needed to read on, on any node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorPosition {
    /// The stream's incarnation.
    pub stream_id: StreamId,
    /// Its name when the cursor was opened; an echo only.
    pub stream_name: StreamName,
    /// The partition.
    pub partition: PartitionId,
    /// What the client asked for; an echo only. `AtSequenceNumber` after a read.
    pub kind: CursorType,
    /// The first number to read.
    pub position: SequenceNumber,
    /// When it was opened: the start of its five minutes.
    pub opened: Timestamp,
}

/// Records, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsPage {
    /// The records, numbered without a gap from the cursor on.
    pub records: Vec<Record>,
    /// The cursor behind them, opened now.
    pub next: CursorPosition,
}

impl CursorPosition {
    /// Whether it is older than cursors get (spec/04 §5). One from the future, by another node's clock, is
    /// not.
    pub fn is_expired(&self, now: Timestamp, life: Duration) -> bool {
        self.opened < now.minus(life)
    }

    pub(crate) fn partition_ref(&self) -> PartitionRef {
        PartitionRef { stream: self.stream_id, partition: self.partition }
    }
}

impl Service {
    /// Opens a cursor (spec/04 §1 to §3).
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied`, `PartitionNotFound`, `PartitionExpired`,
    /// `SequenceNumberOutOfRange`, `TimestampExpired`, `Overloaded`, `Storage`; looked for in this order.
    pub async fn open_cursor(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        partition: PartitionId,
        start: CursorStart,
    ) -> Result<CursorPosition, Error> {
        let (stream_id, stream_name, retention) = self
            .look(|state| {
                let stream = resolve::stream_for(state, project, selector, PolicyAction::GetRecords)?;
                resolve::readable_partition(stream, partition, selector)?;
                Ok((stream.id, stream.spec.name.clone(), stream.spec.retention))
            })
            .await?;
        let of = PartitionRef { stream: stream_id, partition };
        let opened = self.clock.now();
        let missing = |error| match error {
            ReadError::UnknownPartition(_) => self.log_missing(stream_id, selector),
            error => error.into(),
        };
        let position = if let CursorStart::AtTimestamp(at) = start {
            check_time(at, opened, retention)?;
            self.engine.records.find_time(of, at).await.map_err(missing)?
        } else {
            let bounds = self.engine.records.bounds(of).await.map_err(missing)?;
            position_within(bounds, start)?
        };
        Ok(CursorPosition { stream_id, stream_name, partition, kind: start.kind(), position, opened })
    }
}

/// A time is refused once it lies more than five minutes below the retention limit; what is printed is
/// the limit itself, so that a client that repeats it a moment later succeeds.
fn check_time(at: Timestamp, now: Timestamp, retention: RetentionHours) -> Result<(), Error> {
    let limit = now.minus(retention.as_duration());
    if at < limit.minus(GRACE) { Err(Error::TimestampExpired { limit }) } else { Ok(()) }
}

const GRACE: Duration = Duration::from_millis(limits::TIMESTAMP_GRACE_MS.unsigned_abs());

/// The position of a start by number: `E` is `bounds.oldest`, `N` is `bounds.high_water`. A time says
/// nothing about numbers, so the oldest one would do.
fn position_within(bounds: Bounds, start: CursorStart) -> Result<SequenceNumber, Error> {
    let within = |given: SequenceNumber, position: Option<SequenceNumber>| {
        let position = position.filter(|&position| bounds.admits(position));
        position.ok_or(Error::SequenceNumberOutOfRange { given, bounds })
    };
    match start {
        CursorStart::AtSequenceNumber(Some(given)) => within(given, Some(given)),
        CursorStart::AfterSequenceNumber(Some(given)) => {
            within(given, SequenceNumber::new(given.get() + 1).ok())
        }
        CursorStart::Latest => Ok(bounds.high_water),
        CursorStart::AtSequenceNumber(None)
        | CursorStart::AfterSequenceNumber(None)
        | CursorStart::TrimHorizon
        | CursorStart::AtTimestamp(_) => Ok(bounds.oldest),
    }
}
