//! The record plane: ordered, durable partition logs.

use std::time::Duration;

use async_trait::async_trait;
use millpond_model::{
    Bounds, NewRecord, PartitionRef, Record, RetentionHours, SequenceNumber, StreamId, Timestamp, limits,
};

use crate::StorageFailure;

/// Ordered, durable partition logs. What passes the conformance suite is an engine; nothing above this
/// trait may ask which one it has.
///
/// Invariants, by the numbers the suite uses:
/// * **I1** numbers in a partition grow by exactly 1 per acknowledged record from 0 on, and are never
///   given twice, also after a crash, a trim, or a restart;
/// * **I2** an `Appended` record survives the death of the process;
/// * **I3** a failed append keeps a batch whole or not at all;
/// * **I4** the records of one batch keep their order and get consecutive numbers;
/// * **I5** nothing is readable that could still disappear;
/// * **I6** a read starts exactly where it was asked to, or says why not;
/// * **I7** arrival times never go back within a partition, and `find_time` is exact;
/// * **I12** no record younger than the retention is dropped, and an older one is invisible at once.
#[async_trait]
pub trait RecordLog: Send + Sync + 'static {
    /// Appends each batch to its partition, all of them with as few syncs as the engine can; answers in
    /// the order asked. The batches of one call for one partition keep their order.
    ///
    /// `Ok`: durable, and visible to every later `read`. An error concerns its own batch only.
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>>;

    /// Records from `from` on, up to `limit`, never at or past the high-water mark.
    ///
    /// Empty when `from` is the high-water mark and nothing arrives within `wait`, or when the limit has
    /// no room for the next record.
    async fn read(
        &self,
        of: PartitionRef,
        from: SequenceNumber,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Page, ReadError>;

    /// The readable range at this moment. Neither end ever goes back.
    async fn bounds(&self, of: PartitionRef) -> Result<Bounds, ReadError>;

    /// The first readable position whose record's time, as readers see it, is `at` or later; the
    /// high-water mark when there is none. Producers' times may be out of order: the position counts.
    async fn find_time(&self, of: PartitionRef, at: Timestamp) -> Result<SequenceNumber, ReadError>;

    /// Creates the logs of a stream's partitions `0..partitions`. Creating a stream that exists changes
    /// nothing.
    async fn create(&self, stream: StreamId, partitions: u32, config: LogConfig) -> Result<(), AdminError>;

    /// Makes sure that the stream has partitions `0..total`; never takes one away.
    async fn add_partitions(&self, stream: StreamId, total: u32) -> Result<(), AdminError>;

    /// Changes the settings.
    async fn configure(&self, stream: StreamId, config: LogConfig) -> Result<(), AdminError>;

    /// Makes records below `before` unreadable for good. A number below the oldest changes nothing, one
    /// above the high-water mark counts as that.
    async fn trim(&self, of: PartitionRef, before: SequenceNumber) -> Result<(), AdminError>;

    /// Drops a stream with everything in it. Dropping one that is not there changes nothing.
    async fn drop_stream(&self, stream: StreamId) -> Result<(), AdminError>;

    /// The streams that have logs, in the order of their ids.
    async fn streams(&self) -> Result<Vec<StreamId>, AdminError>;
}

/// Records for one partition.
#[derive(Clone, Debug)]
pub struct Append {
    /// Where to.
    pub partition: PartitionRef,
    /// At least one.
    pub records: Vec<NewRecord>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The number of its first record; the others follow without a gap.
    pub first: SequenceNumber,
    /// When the engine took it.
    pub arrival: Timestamp,
}

/// How much one read may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// Most records.
    pub records: u32,
    /// Most bytes of data.
    pub bytes: u64,
    /// Whether the first record is returned even when it alone exceeds `bytes`.
    pub at_least_one: bool,
}

impl ReadLimit {
    /// At most `records`, and as many bytes as one answer holds by default.
    pub fn records(records: u32) -> Self {
        Self { records, bytes: limits::GET_BYTES_DEFAULT, at_least_one: true }
    }
}

/// What a read returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records, numbered without a gap from where the read was asked to start.
    pub records: Vec<Record>,
    /// Where to go on.
    pub next: SequenceNumber,
}

/// Settings of a stream's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Records that arrived longer ago are invisible.
    pub retention: RetentionHours,
}

/// Why a batch was not appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// No such partition.
    #[error("the partition {0} does not exist")]
    UnknownPartition(PartitionRef),
    /// Too much is waiting already; nothing was kept, try again later.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The storage failed; its class says whether the batch may have been kept.
    #[error("the records could not be stored")]
    Storage(#[source] StorageFailure),
}

/// Why nothing can be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// No such partition.
    #[error("the partition {0} does not exist")]
    UnknownPartition(PartitionRef),
    /// The position is below the oldest record still kept.
    #[error("the position is below {}", .0.oldest)]
    Trimmed(Bounds),
    /// The position is above the high-water mark.
    #[error("the position is above {}", .0.high_water)]
    Beyond(Bounds),
    /// The storage failed.
    #[error("the records could not be read")]
    Storage(#[source] StorageFailure),
}

/// Why logs could not be changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AdminError {
    /// No such stream.
    #[error("the stream {0} does not exist")]
    UnknownStream(StreamId),
    /// No such partition.
    #[error("the partition {0} does not exist")]
    UnknownPartition(PartitionRef),
    /// The storage failed.
    #[error("the logs could not be changed")]
    Storage(#[source] StorageFailure),
}
