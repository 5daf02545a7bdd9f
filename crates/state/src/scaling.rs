//! How a stream's partitions open and close (spec/02 §4).
//!
//! ```text
//!   up:    DELETED (lowest index first) ─▶ then EXPIRED ─▶ then new ones at the end
//!   down:  the ACTIVE ones with the highest index become DELETED
//!   both:  the ACTIVE ones, in index order, share the key space anew
//! ```

use std::collections::VecDeque;

use millpond_model::{
    HashRange, PartitionCount, PartitionId, PartitionStatus, ProjectId, StreamId, StreamSpec, Timestamp,
    hash_ranges, limits::SCALING_HISTORY_MAX,
};

use crate::{LogPosition, Partition, ScalingChange, Stream, stream::count};

impl Stream {
    pub(crate) fn create(
        id: StreamId,
        project: ProjectId,
        spec: StreamSpec,
        position: LogPosition,
        time: Timestamp,
    ) -> Self {
        let initial = spec.partitions.get();
        let mut stream = Self {
            id,
            project,
            spec,
            created: time,
            modified: time,
            partitions: Vec::new(),
            active: Vec::new(),
            scaling: VecDeque::new(),
            policies: Vec::new(),
        };
        stream.append_partitions(initial, position, time);
        stream.share_key_space();
        stream
    }

    /// How many partitions, of any status, the stream would have with `target` ACTIVE ones.
    pub(crate) fn partitions_needed(&self, target: PartitionCount) -> u32 {
        target.get().max(count(self.partitions.len()))
    }

    pub(crate) fn scale(
        &mut self,
        target: PartitionCount,
        automatic: bool,
        position: LogPosition,
        time: Timestamp,
    ) -> (u32, u32) {
        let before = self.active_count();
        let after = target.get();
        if after > before {
            self.open(after - before, position, time);
        } else {
            self.close(before - after, position, time);
        }
        if after != before {
            self.share_key_space();
            self.remember(ScalingChange { time, before, after, automatic });
            self.modified = time;
        }
        (before, after)
    }

    pub(crate) fn expire(
        &mut self,
        closed: &[(PartitionId, LogPosition)],
        position: LogPosition,
        time: Timestamp,
    ) -> u32 {
        let mut expired = 0;
        for partition in &mut self.partitions {
            let seen = closed.iter().any(|&(id, at)| id == partition.id && at == partition.changed_at);
            if seen && partition.status == PartitionStatus::Deleted {
                partition.turn(PartitionStatus::Expired, position, time);
                expired += 1;
            }
        }
        expired
    }

    fn open(&mut self, mut missing: u32, position: LogPosition, time: Timestamp) {
        for reusable in [PartitionStatus::Deleted, PartitionStatus::Expired] {
            for partition in &mut self.partitions {
                if missing > 0 && partition.status == reusable {
                    partition.turn(PartitionStatus::Active, position, time);
                    missing -= 1;
                }
            }
        }
        self.append_partitions(missing, position, time);
    }

    fn close(&mut self, mut surplus: u32, position: LogPosition, time: Timestamp) {
        for partition in self.partitions.iter_mut().rev() {
            if surplus > 0 && partition.status == PartitionStatus::Active {
                partition.turn(PartitionStatus::Deleted, position, time);
                surplus -= 1;
            }
        }
    }

    fn append_partitions(&mut self, number: u32, position: LogPosition, time: Timestamp) {
        let whole = hash_ranges(1).next().expect("one partition has one range");
        for _ in 0..number {
            let id = PartitionId::new(count(self.partitions.len()));
            let status = PartitionStatus::Active;
            self.partitions.push(Partition { id, status, range: whole, changed_at: position, changed: time });
        }
    }

    /// Gives the ACTIVE partitions equal shares and lists them.
    pub(crate) fn share_key_space(&mut self) {
        let active = |p: &&mut Partition| p.status == PartitionStatus::Active;
        let ranges: Vec<HashRange> =
            hash_ranges(count(self.partitions.iter_mut().filter(active).count())).collect();
        self.active.clear();
        for (partition, range) in self.partitions.iter_mut().filter(active).zip(ranges) {
            partition.range = range;
            self.active.push(partition.id);
        }
        assert!(!self.active.is_empty(), "a stream always has an ACTIVE partition");
    }

    fn remember(&mut self, change: ScalingChange) {
        if self.scaling.len() == SCALING_HISTORY_MAX {
            self.scaling.pop_front();
        }
        self.scaling.push_back(change);
    }
}

impl Partition {
    fn turn(&mut self, status: PartitionStatus, position: LogPosition, time: Timestamp) {
        (self.status, self.changed_at, self.changed) = (status, position, time);
    }
}
