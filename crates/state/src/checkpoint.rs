//! Checkpoints: the position an app reached in a partition, with its recent history.

use std::collections::VecDeque;

use millpond_model::{
    AppId, CheckpointType, Metadata, PartitionId, PartitionRef, SequenceNumber, StreamId, Timestamp,
    limits::CHECKPOINT_HISTORY_MAX,
};

use crate::{Actor, CheckpointCommit, Committed, Expected, LogPosition};

/// What a checkpoint is stored under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointKey {
    /// The app.
    pub app: AppId,
    /// The stream's incarnation, so that a name used again never finds old positions.
    pub stream: StreamId,
    /// The partition.
    pub partition: PartitionId,
    /// The kind.
    pub kind: CheckpointType,
}

impl CheckpointKey {
    /// The partition within its stream.
    pub fn partition_ref(&self) -> PartitionRef {
        PartitionRef { stream: self.stream, partition: self.partition }
    }
}

/// A committed position, the newest of its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Newest last; never empty, at most `CHECKPOINT_HISTORY_MAX`.
    history: VecDeque<CheckpointChange>,
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointChange {
    /// The position, as given.
    pub sequence_number: SequenceNumber,
    /// The free text, as given.
    pub metadata: Metadata,
    /// Grows with every commit of this checkpoint and is never given twice, not even after the
    /// checkpoint was deleted and committed anew.
    pub version: u64,
    /// Where in the log the commit stands.
    pub position: LogPosition,
    /// When it was committed, by the time of the log.
    pub time: Timestamp,
    /// Who committed it.
    pub actor: Actor,
}

impl Checkpoint {
    /// A checkpoint with this first change.
    pub(crate) fn first(change: CheckpointChange) -> Self {
        Self { history: VecDeque::from([change]) }
    }

    /// From its history, newest last; `None` when that is empty.
    pub(crate) fn from_history(history: VecDeque<CheckpointChange>) -> Option<Self> {
        (!history.is_empty()).then_some(Self { history })
    }

    pub(crate) fn push(&mut self, change: CheckpointChange) {
        if self.history.len() == CHECKPOINT_HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(change);
    }

    /// The commit in force.
    pub fn current(&self) -> &CheckpointChange {
        self.history.back().expect("a checkpoint has at least one change")
    }

    /// The last commits, newest first, the one in force included.
    pub fn history(&self) -> impl Iterator<Item = &CheckpointChange> {
        self.history.iter().rev()
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &CheckpointChange> {
        self.history.iter()
    }
}

impl From<&CheckpointChange> for Committed {
    fn from(change: &CheckpointChange) -> Self {
        Self {
            sequence_number: change.sequence_number,
            version: change.version,
            actor: change.actor.clone(),
            time: change.time,
        }
    }
}

impl Expected {
    /// Whether `stored` is what the commit expects.
    pub(crate) fn holds(self, stored: Option<&Checkpoint>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => stored.is_none(),
            Self::Version(version) => stored.is_some_and(|c| c.current().version == version),
            Self::SequenceNumber(number) => stored.is_some_and(|c| c.current().sequence_number == number),
        }
    }
}

impl CheckpointCommit {
    pub(crate) fn key(&self, app: AppId) -> CheckpointKey {
        CheckpointKey { app, stream: self.stream, partition: self.partition, kind: self.kind }
    }
}
