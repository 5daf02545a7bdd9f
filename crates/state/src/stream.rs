//! Streams and their partitions.

use std::collections::VecDeque;

use millpond_model::{
    HashRange, PartitionId, PartitionStatus, PolicyRule, ProjectId, StreamId, StreamSpec, StreamUpdate,
    Timestamp,
};

use crate::LogPosition;

/// A stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its id.
    pub id: StreamId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Its attributes; `spec.partitions` is the number it was created with, not the present one.
    pub spec: StreamSpec,
    /// When it was created, by the time of the log.
    pub created: Timestamp,
    /// When it was last changed, by the time of the log.
    pub modified: Timestamp,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) active: Vec<PartitionId>,
    pub(crate) scaling: VecDeque<ScalingChange>,
    pub(crate) policies: Vec<PolicyRule>,
}

/// A partition as the catalogue knows it; its records are the record log's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its index.
    pub id: PartitionId,
    /// Its status.
    pub status: PartitionStatus,
    /// Its share of the key space; the last one it had, once it is closed.
    pub range: HashRange,
    /// Where in the log its status last changed.
    pub changed_at: LogPosition,
    /// When it did, by the time of the log.
    pub changed: Timestamp,
}

/// One change of the partition count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingChange {
    /// When, by the time of the log.
    pub time: Timestamp,
    /// ACTIVE partitions before.
    pub before: u32,
    /// ACTIVE partitions after.
    pub after: u32,
    /// Whether automatic scaling asked.
    pub automatic: bool,
}

impl Stream {
    /// All partitions ever created, in index order; never empty.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The partition of that index.
    pub fn partition(&self, id: PartitionId) -> Option<&Partition> {
        self.partitions.get(usize::try_from(id.index()).ok()?)
    }

    /// The ACTIVE partitions in index order; never empty. Position `i` has the `i`th share of the key
    /// space.
    pub fn active(&self) -> &[PartitionId] {
        &self.active
    }

    /// How many partitions are ACTIVE.
    pub fn active_count(&self) -> u32 {
        count(self.active.len())
    }

    /// How many partitions are ACTIVE or DELETED.
    pub fn readable_count(&self) -> u32 {
        count(self.partitions.iter().filter(|p| p.status.is_readable()).count())
    }

    /// The last changes of the partition count, oldest first.
    pub fn scaling_history(&self) -> impl DoubleEndedIterator<Item = &ScalingChange> + Clone {
        self.scaling.iter()
    }

    pub(crate) fn update(&mut self, update: StreamUpdate, time: Timestamp) {
        let StreamUpdate {
            retention,
            data_type,
            data_schema,
            auto_scale_enabled,
            auto_scale_min,
            auto_scale_max,
        } = update;
        let spec = &mut self.spec;
        spec.retention = retention.unwrap_or(spec.retention);
        spec.data_type = data_type.unwrap_or(spec.data_type);
        spec.data_schema = data_schema.or_else(|| spec.data_schema.take());
        spec.auto_scale.enabled = auto_scale_enabled.unwrap_or(spec.auto_scale.enabled);
        spec.auto_scale.min = auto_scale_min.unwrap_or(spec.auto_scale.min);
        spec.auto_scale.max = auto_scale_max.unwrap_or(spec.auto_scale.max);
        self.modified = time;
    }
}

pub(crate) fn count(len: usize) -> u32 {
    u32::try_from(len).expect("a stream has at most 2^32 partitions")
}
