//! Streams, partitions, records, cursors, checkpoints: types, validation, limits, routing.
//!
//! Everything here is plain data that cannot be wrong: text is parsed once, at the edge, into a
//! newtype, and the rest of the service takes the newtype. No I/O, no async, no serialization.
//!
//! ```text
//! partition:   oldest                      high_water
//!                 │ readable records            │ next number to be assigned
//!   ──trimmed─────┼─────────────────────────────┼──────────▶ sequence numbers
//! ```
#![forbid(unsafe_code)]

mod checkpoint;
mod cursor;
mod group;
mod ids;
pub mod limits;
mod metric;
mod names;
mod partition;
mod policy;
mod record;
mod request_limits;
mod routing;
mod selector;
mod sequence;
mod stream;
mod stream_spec;
mod tag_filter;
mod time;
mod transfer_task;

pub use checkpoint::{CheckpointType, InvalidCheckpointType, InvalidMetadata, Metadata};
pub use cursor::{CursorType, InvalidCursorType};
pub use group::{ClientId, InvalidClientId, RebalanceTimeout};
pub use ids::{AppId, InvalidId, StreamId, TaskId};
pub use metric::{Metric, Minute};
pub use names::{AppName, InvalidName, ProjectId, StreamName, TaskName};
pub use partition::{HashRange, InvalidPartitionId, PartitionId, PartitionRef, PartitionStatus};
pub use policy::{InvalidPrincipal, PolicyAction, PolicyRule, Principal};
pub use record::{InvalidRecord, NewRecord, PartitionKey, PlacedRecord, Placement, Record};
pub use request_limits::{Limits, PageLimits, RetentionLimits, TaskLimits};
pub use routing::{ExplicitHashKey, HashKey, InvalidHashKey, hash_ranges, partition_for};
pub use selector::{AppSelector, StreamSelector, TaskSelector};
pub use sequence::{Bounds, InvalidSequenceNumber, SequenceNumber};
pub use stream::{
    AutoScale, CompressionFormat, DataType, InvalidAttribute, InvalidTag, PartitionCount, RetentionHours,
    StreamType, Tag,
};
pub use stream_spec::{StreamSpec, StreamUpdate};
pub use tag_filter::{TagCondition, TagFilter};
pub use time::Timestamp;
pub use transfer_task::{
    ConsumerStrategy, Descriptor, DescriptorTooLong, Destination, FileType, TaskSpec, TaskState,
};
