//! Failures in the words of the traits.

use std::sync::Arc;

use millpond_engine::{Class, StorageFailure};
use millpond_model::PartitionRef;
use millpond_seglog::segment::SegmentError;

/// The engine has been closed, or is being closed.
pub(crate) fn closed() -> StorageFailure {
    StorageFailure::new(Class::Refused, "the engine is closed")
}

pub(crate) fn of<E>(class: Class, what: impl Into<Arc<str>>, source: E) -> StorageFailure
where
    E: std::error::Error + Send + Sync + 'static,
{
    StorageFailure::caused_by(class, what, Arc::new(source) as Arc<dyn std::error::Error + Send + Sync>)
}

/// Stored records of the partition are damaged: nothing is appended behind them.
pub(crate) fn damaged(partition: PartitionRef) -> StorageFailure {
    let what = format!("stored records of partition {partition} are damaged; see `millpond check`");
    StorageFailure::new(Class::Corrupt, what)
}

/// The records from `first` up to `next` were given up in a repair.
pub(crate) fn lost(partition: PartitionRef, first: u64, next: u64) -> StorageFailure {
    let which = match next - 1 {
        last if last == first => format!("record {first} of partition {partition} was"),
        last => format!("records {first} to {last} of partition {partition} were"),
    };
    let what = format!("{which} lost and given up in a repair; go on at {next}");
    StorageFailure::new(Class::Corrupt, what)
}

/// A segment could not be read; damage is told apart from a failing system.
pub(crate) fn of_segment(partition: PartitionRef, base: u64, source: SegmentError) -> StorageFailure {
    let class = if source.is_damage() { Class::Corrupt } else { Class::Unknown };
    of(class, format!("segment {base} of partition {partition}"), source)
}
