//! Why a request, or one record of it, was refused.

use std::{fmt::Display, time::Duration};

use millpond_engine::{AdminError, Class, ProposeError, ReadError, StorageFailure};
use millpond_model::{
    AppName, Bounds, ConsumerStrategy, DataType, Destination, InvalidRecord, PartitionId, SequenceNumber,
    StreamName, TaskName, Timestamp, limits,
};
use millpond_state::Rejected;

/// Why a request was refused.
///
/// `stream` and `app` are the texts that the client wrote. The words of `Storage` are for the log only.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The project has no such stream (spec/02 §3), or it was deleted since the cursor was made.
    #[error("the stream {stream} does not exist")]
    StreamNotFound {
        /// What the client wrote; the name in the cursor for reads.
        stream: Box<str>,
    },
    /// The project has a stream of that name.
    #[error("the stream {0} exists already")]
    StreamExists(StreamName),
    /// The project would have more ACTIVE partitions of the stream's type than it may.
    #[error("more than {quota} partitions are needed, which is the project's quota")]
    PartitionQuotaExceeded {
        /// The quota.
        quota: u32,
    },
    /// The project has as many streams as it may.
    #[error("the project has {quota} streams already, which is its quota")]
    StreamQuotaExceeded {
        /// The quota.
        quota: u32,
    },
    /// The partition count was changed as often as it may be within an hour (spec/13 §7.2).
    #[error("the partition count was changed {limit} times within the last hour, which is the limit")]
    ScaledTooOften {
        /// How many changes in this direction an hour may have.
        limit: u32,
    },
    /// The request brings more bytes of data than one may (spec/13 §1).
    #[error("the records have more than {max} bytes of data, which is the limit of a request")]
    RequestTooLarge {
        /// The limit.
        max: u64,
    },
    /// The request brings more records than one may.
    #[error("the request has more than {max} records, which is the limit")]
    TooManyRecords {
        /// The limit.
        max: u64,
    },
    /// As many puts and gets of the stream are under way as may be (spec/13 §4).
    #[error("{max} requests of the stream are under way, which is the limit")]
    TooManyRequests {
        /// The limit.
        max: u32,
    },
    /// The partition was read faster than it may be (spec/13 §4).
    #[error("the partition is read faster than it may be")]
    TrafficLimit,
    /// Automatic scaling would be on without bounds, or with bounds that contradict each other (spec/02 §1).
    #[error("automatic scaling from {min} to {max} partitions is not possible")]
    AutoScaleBounds {
        /// Least partitions; 0 when there is no such bound.
        min: u32,
        /// Most partitions; 0 when there is no such bound.
        max: u32,
    },
    /// The project has no such app.
    #[error("the app {app} does not exist")]
    AppNotFound {
        /// What the client wrote.
        app: Box<str>,
    },
    /// The project has an app of that name.
    #[error("the app {0} exists already")]
    AppExists(AppName),
    /// The project has as many apps as it may.
    #[error("the project has {quota} apps already, which is its quota")]
    AppQuotaExceeded {
        /// The quota.
        quota: u32,
    },
    /// The stream has no such transfer task.
    #[error("the transfer task {task} does not exist")]
    TaskNotFound {
        /// What the client wrote.
        task: Box<str>,
    },
    /// The stream has a transfer task of that name.
    #[error("the transfer task {0} exists already")]
    TaskExists(TaskName),
    /// The stream has as many transfer tasks as it may.
    #[error("the stream has {quota} transfer tasks already, which is its quota")]
    TaskQuotaExceeded {
        /// The quota.
        quota: u32,
    },
    /// An update names another destination than the transfer task has (spec/09 §6.0).
    #[error("the transfer task delivers to {}, which cannot change", .0.as_str())]
    TaskDestinationFixed(Destination),
    /// An update names another start than the transfer task had (spec/09 §6.0).
    #[error("the transfer task was created with {}, which cannot change", .0.as_str())]
    TaskStartFixed(ConsumerStrategy),
    /// Such records cannot be delivered to such a destination (spec/09 §2.7).
    #[error("{} records cannot be delivered to {} as asked", .data_type.as_str(), .destination.as_str())]
    TaskSourceUnfit {
        /// What the stream holds.
        data_type: DataType,
        /// Where it was to go.
        destination: Destination,
    },
    /// The stream has no schema, from which the destination would take its columns (spec/09 §2.7).
    #[error("the stream has no data schema")]
    TaskSchemaMissing,
    /// The stream is another project's, and no rule allows this (spec/12 §5).
    #[error("the stream {stream} is another project's")]
    AccessDenied {
        /// What the client wrote; the name in the cursor for reads.
        stream: Box<str>,
    },
    /// A request about permission rules names one stream and the id of another (spec/12 §4).
    #[error("the id is not that of the stream")]
    StreamIdMismatch,
    /// The stream would have more permission rules than it may.
    #[error("a stream has at most {} permission rules", limits::STREAM_POLICIES_MAX)]
    TooManyPolicies,
    /// A tag route names a stream that the project does not have (spec/10 §3).
    #[error("the stream to be tagged does not exist")]
    TaggedStreamNotFound,
    /// The stream has no tag of that key.
    #[error("the stream has no such tag")]
    TagNotFound,
    /// The stream would have more tags than it may (spec/10 §2).
    #[error("the stream would have more tags than it may")]
    TooManyTags,
    /// The app's group has live members (spec/05 §4).
    #[error("the app {app} is in use: its group has members")]
    AppInUse {
        /// What the client wrote.
        app: Box<str>,
    },
    /// The group has a member for each partition of its streams already (spec/13 §8).
    #[error("the group has {quota} members already, which is its quota")]
    ConsumerQuotaExceeded {
        /// The quota.
        quota: u32,
    },
    /// What stood in the partition id's place was none; the edge knows the text.
    #[error("not a partition id")]
    InvalidPartitionId,
    /// The stream has no such partition.
    #[error("the stream {stream} has no partition {partition}")]
    PartitionNotFound {
        /// What the client wrote.
        stream: Box<str>,
        /// The partition.
        partition: PartitionId,
    },
    /// The partition is closed and its last record has left retention.
    #[error("the partition {partition} of the stream {stream} is expired")]
    PartitionExpired {
        /// What the client wrote.
        stream: Box<str>,
        /// The partition.
        partition: PartitionId,
    },
    /// What stood in the sequence number's place was none; the edge knows the text.
    #[error("not a sequence number")]
    InvalidSequenceNumber,
    /// The number is outside `bounds.oldest` to `bounds.high_water`, both included (spec/04 §3, spec/06 §5).
    #[error("the number {given} is outside {} to {}", .bounds.oldest, .bounds.high_water)]
    SequenceNumberOutOfRange {
        /// What the client asked for.
        given: SequenceNumber,
        /// What it may ask for.
        bounds: Bounds,
    },
    /// The time lies before retention. The client may ask again with exactly `limit` (spec/04 §3).
    #[error("the timestamp lies before {limit}")]
    TimestampExpired {
        /// The present time less the retention.
        limit: Timestamp,
    },
    /// The cursor is older than cursors get (spec/04 §5).
    #[error("the cursor is too old: get a new one")]
    CursorExpired {
        /// How old they get.
        life: Duration,
    },
    /// The cursor stands above every record, where none of ours can stand.
    #[error("the cursor is not one of this service: get a new one")]
    InvalidCursor,
    /// The record at the cursor has left retention meanwhile.
    #[error("the record at the cursor has left retention: get a new cursor")]
    PositionExpired,
    /// The consumer group is distributing its partitions (spec/06 §6).
    #[error("the consumer group is rebalancing")]
    GroupRebalancing,
    /// The consumer group has no such member.
    #[error("the consumer group has no member {client_id}")]
    MemberUnknown {
        /// The id the client gave.
        client_id: Box<str>,
    },
    /// The generation is not the group's present one, or the partition is another member's.
    #[error("the generation is not the present one of the consumer group")]
    IllegalGeneration,
    /// The request's attributes exceed what one command may hold.
    #[error("the attributes are too large: shorten them")]
    TooLarge,
    /// Too much is waiting already; nothing was kept, try again later.
    #[error("too many requests are waiting")]
    Overloaded,
    /// The storage failed; the failure's class says whether the change may have been kept.
    #[error("the storage failed")]
    Storage(#[source] StorageFailure),
}

/// Why one record of a put was refused; the others are not concerned.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecordError {
    /// The record cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidRecord),
    /// The stream has no such partition, or it is not ACTIVE (spec/03 §2).
    #[error("the partition {0} does not exist or takes no records")]
    PartitionNotFound(PartitionId),
    /// The partition is written faster than it may be, or a record of the same request before this one was
    /// refused for that reason (spec/13 §4). Producers send it again.
    #[error("the partition is written faster than it may be")]
    TrafficLimit,
    /// Too much is waiting already; the record was not kept. Producers send it again.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The storage failed; the record may have been kept, by the failure's class. Producers send it
    /// again.
    #[error("the record could not be stored")]
    Storage(#[source] StorageFailure),
}

impl Error {
    pub(crate) fn stream_not_found(stream: &dyn Display) -> Self {
        Self::StreamNotFound { stream: text(stream) }
    }

    pub(crate) fn access_denied(stream: &dyn Display) -> Self {
        Self::AccessDenied { stream: text(stream) }
    }

    pub(crate) fn app_not_found(app: &dyn Display) -> Self {
        Self::AppNotFound { app: text(app) }
    }

    pub(crate) fn task_not_found(task: &dyn Display) -> Self {
        Self::TaskNotFound { task: text(task) }
    }

    pub(crate) fn partition_not_found(stream: &dyn Display, partition: PartitionId) -> Self {
        Self::PartitionNotFound { stream: text(stream), partition }
    }

    pub(crate) fn partition_expired(stream: &dyn Display, partition: PartitionId) -> Self {
        Self::PartitionExpired { stream: text(stream), partition }
    }

    /// The state and the record log contradict each other, or a command had an outcome that it cannot
    /// have: stored data is not what it should be.
    pub(crate) fn contradiction(what: impl Into<String>) -> Self {
        Self::Storage(contradiction(what))
    }

    /// What a refused command means for a request about this stream and this app.
    pub(crate) fn rejected(rejected: &Rejected, stream: &dyn Display, app: &dyn Display) -> Self {
        match rejected {
            Rejected::StreamNotFound => Self::stream_not_found(stream),
            Rejected::AppNotFound => Self::app_not_found(app),
            Rejected::AppInUse => Self::AppInUse { app: text(app) },
            Rejected::GroupRebalancing => Self::GroupRebalancing,
            Rejected::IllegalGeneration => Self::IllegalGeneration,
            Rejected::TaskNotFound(key) => Self::task_not_found(&key.task),
            Rejected::PartitionNotFound(at) => Self::partition_not_found(stream, at.partition),
            Rejected::PartitionExpired(at) => Self::partition_expired(stream, at.partition),
            Rejected::QuotaExceeded { quota } => Self::PartitionQuotaExceeded { quota: *quota },
            Rejected::StreamQuotaExceeded { quota } => Self::StreamQuotaExceeded { quota: *quota },
            Rejected::TooManyTags => Self::TooManyTags,
            Rejected::TooManyPolicies => Self::TooManyPolicies,
            Rejected::StreamExists
            | Rejected::AppExists
            | Rejected::MemberUnknown
            | Rejected::TaskExists
            | Rejected::TaskFixed
            | Rejected::NotPrepared { .. }
            | Rejected::PartitionsChanged { .. }
            | Rejected::AutoScaleForbids
            | Rejected::Conflict { .. } => Self::contradiction(format!("unexpected refusal: {rejected}")),
        }
    }

    /// Whether a newer state may answer otherwise.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::StreamNotFound { .. }
                | Self::AccessDenied { .. }
                | Self::AppNotFound { .. }
                | Self::PartitionNotFound { .. }
        )
    }
}

pub(crate) fn contradiction(what: impl Into<String>) -> StorageFailure {
    let what = what.into();
    tracing::error!(what, "stored data contradicts itself");
    StorageFailure::new(Class::Corrupt, what)
}

fn text(shown: &dyn Display) -> Box<str> {
    shown.to_string().into()
}

impl From<ProposeError> for Error {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::TooLarge => Self::TooLarge,
            ProposeError::Overloaded => Self::Overloaded,
            ProposeError::Storage(failure) => Self::Storage(failure),
        }
    }
}

impl From<AdminError> for Error {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::UnknownStream(_) | AdminError::UnknownPartition(_) => {
                Self::contradiction(error.to_string())
            }
            AdminError::Storage(failure) => Self::Storage(failure),
        }
    }
}

/// For reads that cannot be out of range.
impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::UnknownPartition(_) => Self::contradiction(error.to_string()),
            ReadError::Trimmed(_) => Self::PositionExpired,
            ReadError::Beyond(_) => Self::InvalidCursor,
            ReadError::Storage(failure) => Self::Storage(failure),
        }
    }
}
