//! What became of a command.

use millpond_model::{PartitionRef, SequenceNumber, Timestamp};

use crate::{Actor, TaskKey};

/// What became of a command. Both sides are final: the same command proposed again has the same outcome.
pub type Outcome = Result<Done, Rejected>;

/// The command changed the state, or found it as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing more to say.
    Changed,
    /// The deployment's secret in force.
    Deployment([u8; 32]),
    /// The partition count: before and after.
    Partitions {
        /// ACTIVE partitions before.
        before: u32,
        /// ACTIVE partitions now.
        after: u32,
    },
    /// Versions of the committed checkpoints, in the order of the command.
    Committed(Vec<u64>),
    /// How many things were deleted or marked.
    Count(u32),
}

/// The command was refused and changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A stream of that name exists in the project.
    #[error("a stream of that name exists")]
    StreamExists,
    /// No stream has that id.
    #[error("the stream does not exist")]
    StreamNotFound,
    /// The project would have more ACTIVE partitions, or more apps, than its quota allows.
    #[error("the quota of {quota} would be exceeded")]
    QuotaExceeded {
        /// The quota.
        quota: u32,
    },
    /// The project has as many streams as its quota allows.
    #[error("the quota of {quota} streams would be exceeded")]
    StreamQuotaExceeded {
        /// The quota.
        quota: u32,
    },
    /// The record log has too few partitions.
    #[error("the record log needs {needed} partitions first")]
    NotPrepared {
        /// Partitions the record log must have.
        needed: u32,
    },
    /// Another number of partitions is ACTIVE than the change expects.
    #[error("{active} partitions are ACTIVE, and the change was decided for another number")]
    PartitionsChanged {
        /// How many are ACTIVE.
        active: u32,
    },
    /// Automatic scaling is off, or its bounds do not admit the number it asks for.
    #[error("the stream does not allow automatic scaling to that number")]
    AutoScaleForbids,
    /// An app of that name exists in the project.
    #[error("an app of that name exists")]
    AppExists,
    /// No app has that id.
    #[error("the app does not exist")]
    AppNotFound,
    /// The stream has no such partition.
    #[error("the partition {0} does not exist")]
    PartitionNotFound(PartitionRef),
    /// The partition is EXPIRED.
    #[error("the partition {0} is expired")]
    PartitionExpired(PartitionRef),
    /// The stream would have more tags than it may (spec/10 §2).
    #[error("the stream would have more tags than it may")]
    TooManyTags,
    /// The stream would have more permission rules than it may.
    #[error("a stream has at most {} permission rules", millpond_model::limits::STREAM_POLICIES_MAX)]
    TooManyPolicies,
    /// The stream has a transfer task of that name.
    #[error("a transfer task of that name exists")]
    TaskExists,
    /// The stream has no such transfer task.
    #[error("the transfer task {} does not exist", .0.task)]
    TaskNotFound(TaskKey),
    /// The transfer task has another name, destination or start, which never change.
    #[error("the name, destination and start of a transfer task cannot change")]
    TaskFixed,
    /// The app's group has members (spec/05 §4).
    #[error("the app has group members")]
    AppInUse,
    /// The group of the committing member shares out its partitions (spec/06 §6).
    #[error("the group is rebalancing")]
    GroupRebalancing,
    /// The group has no such member.
    #[error("the group has no such member")]
    MemberUnknown,
    /// The group has another generation, or the partition is another member's.
    #[error("the generation is not the group's")]
    IllegalGeneration,
    /// The condition of a commit does not hold.
    #[error("another checkpoint is stored than the one expected for {partition}")]
    Conflict {
        /// Which partition's checkpoint.
        partition: PartitionRef,
        /// What is stored instead; `None` when nothing is.
        stored: Option<Committed>,
    },
}

/// A stored checkpoint in short: what it says and who wrote it when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The position.
    pub sequence_number: SequenceNumber,
    /// Its version.
    pub version: u64,
    /// Who committed it.
    pub actor: Actor,
    /// When, by the time of the log.
    pub time: Timestamp,
}
