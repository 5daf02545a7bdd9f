//! The streams that have logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use millpond_engine::LogConfig;
use millpond_model::{PartitionId, PartitionRef, StreamId, Timestamp};

use crate::{log_op::LogOp, partition::PartitionLog};

/// The streams that have logs, and where in the journal their last change stands.
#[derive(Default)]
pub(crate) struct Logs {
    pub(crate) streams: BTreeMap<StreamId, StreamLogs>,
    /// Position of the last operation applied.
    pub(crate) applied: u64,
    /// Streams changed since the last mark.
    pub(crate) changed: BTreeSet<StreamId>,
    /// Streams dropped since the last mark, with their partitions: rows and files go with it.
    pub(crate) dropped: Vec<(StreamId, Vec<Arc<PartitionLog>>)>,
}

pub(crate) struct StreamLogs {
    pub(crate) config: LogConfig,
    /// Records that arrived before this have expired, whatever the retention is by now.
    pub(crate) floor_ms: i64,
    pub(crate) partitions: Vec<Arc<PartitionLog>>,
}

/// What an operation would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Change,
    /// Everything is as asked already.
    Nothing,
    UnknownStream,
    UnknownPartition,
}

impl Logs {
    pub(crate) fn partition(&self, partition: PartitionRef) -> Option<&Arc<PartitionLog>> {
        self.streams.get(&partition.stream)?.partitions.get(index(partition.partition))
    }

    pub(crate) fn config(&self, stream: StreamId) -> Option<LogConfig> {
        self.streams.get(&stream).map(|logs| logs.config)
    }

    /// Arrivals before this are out of retention at `now`; `None` when the stream is gone.
    pub(crate) fn cutoff_ms(&self, stream: StreamId, now: Timestamp) -> Option<i64> {
        self.streams.get(&stream).map(|logs| logs.cutoff_ms(now))
    }

    pub(crate) fn effect(&self, op: &LogOp) -> Effect {
        match (op, self.streams.get(&op.stream())) {
            (LogOp::Create { .. }, None) | (LogOp::Drop { .. }, Some(_)) => Effect::Change,
            (LogOp::Create { .. }, Some(_)) | (LogOp::Drop { .. }, None) => Effect::Nothing,
            (LogOp::Trim { .. }, None) => Effect::UnknownPartition,
            (_, None) => Effect::UnknownStream,
            (LogOp::AddPartitions { total, .. }, Some(logs)) => {
                change_if(index_of(*total) > logs.partitions.len())
            }
            (LogOp::Configure { config, .. }, Some(logs)) => change_if(*config != logs.config),
            (LogOp::Trim { partition, before }, Some(_)) => match self.partition(*partition) {
                None => Effect::UnknownPartition,
                Some(log) => change_if(before.get() > log.lock().oldest),
            },
        }
    }

    pub(crate) fn apply(&mut self, op: &LogOp, position: u64) {
        self.applied = position;
        self.changed.insert(op.stream());
        match op {
            LogOp::Create { stream, partitions, config } => {
                self.streams.entry(*stream).or_insert_with(|| {
                    let mut logs = StreamLogs { config: *config, floor_ms: i64::MIN, partitions: Vec::new() };
                    logs.grow(*stream, *partitions);
                    logs
                });
            }
            LogOp::AddPartitions { stream, total } => {
                if let Some(logs) = self.streams.get_mut(stream) {
                    logs.grow(*stream, *total);
                }
            }
            LogOp::Configure { stream, config, floor_ms } => {
                if let Some(logs) = self.streams.get_mut(stream) {
                    logs.config = *config;
                    logs.floor_ms = logs.floor_ms.max(*floor_ms);
                }
            }
            LogOp::Trim { partition, before } => {
                if let Some(log) = self.partition(*partition) {
                    log.trim(before.get());
                }
            }
            LogOp::Drop { stream } => {
                let Some(logs) = self.streams.remove(stream) else { return };
                for log in &logs.partitions {
                    log.lock().dropped = true;
                    log.arrived.notify_waiters();
                }
                self.dropped.push((*stream, logs.partitions));
            }
        }
    }
}

impl StreamLogs {
    /// Arrivals before this are out of retention at `now`.
    pub(crate) fn cutoff_ms(&self, now: Timestamp) -> i64 {
        now.minus(self.config.retention.as_duration()).as_millis().max(self.floor_ms)
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.partitions.len()).expect("a stream has at most 2^32 partitions")
    }

    fn grow(&mut self, stream: StreamId, total: u32) {
        for i in self.partitions.len()..index_of(total) {
            let partition = PartitionId::new(u32::try_from(i).expect("below the total"));
            self.partitions.push(Arc::new(PartitionLog::empty(PartitionRef { stream, partition })));
        }
    }
}

fn change_if(change: bool) -> Effect {
    if change { Effect::Change } else { Effect::Nothing }
}

fn index(partition: PartitionId) -> usize {
    index_of(partition.index())
}

fn index_of(n: u32) -> usize {
    usize::try_from(n).expect("32 bits fit the address space")
}
