//! What can be asked of the state.

use millpond_model::{
    AppId, AppName, CheckpointType, ClientId, Metadata, PartitionCount, PartitionId, PolicyRule, ProjectId,
    SequenceNumber, StreamId, StreamSpec, StreamUpdate, Tag, TaskId, TaskSpec, TaskState,
};

use crate::{Actor, CommandId, GroupEvent, LogPosition, MinuteMetrics, TaskKey};

/// A command on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its name: proposing the same one twice applies it once and answers both times alike.
    pub id: CommandId,
    /// What is asked.
    pub command: Command,
}

/// A change of anything that is not a record.
///
/// Ids are chosen by whoever proposes, from randomness the state has no access to. Quotas are settings
/// of the proposing server and travel with the command, so that the check is part of the fold; `None`
/// is no quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Fixes the deployment's secret if none is fixed yet; answers with the one in force.
    InitDeployment {
        /// 32 random bytes.
        secret: [u8; 32],
    },
    /// Creates a stream; the record log was created under the same id before.
    CreateStream {
        /// Its new id.
        id: StreamId,
        /// The project it belongs to.
        project: ProjectId,
        /// What it shall be.
        spec: StreamSpec,
        /// Most ACTIVE partitions of its type that the project may have (spec/02 §1).
        partition_quota: Option<u32>,
        /// Most streams that the project may have.
        stream_quota: Option<u32>,
    },
    /// Changes attributes.
    UpdateStream {
        /// Which stream.
        id: StreamId,
        /// What changes.
        update: StreamUpdate,
    },
    /// Changes the number of ACTIVE partitions (spec/02 §4).
    SetPartitions {
        /// Which stream.
        id: StreamId,
        /// How many shall be ACTIVE.
        target: PartitionCount,
        /// How many partitions the record log was prepared for; too few is refused with the number that
        /// is needed.
        prepared: u32,
        /// As for `CreateStream`.
        partition_quota: Option<u32>,
        /// Whether automatic scaling asks; then the stream's settings have to allow the target.
        automatic: bool,
        /// How many must be ACTIVE for the change to happen; any number when absent.
        expected_active: Option<u32>,
    },
    /// Marks closed partitions EXPIRED whose records have all left retention.
    ExpirePartitions {
        /// Which stream.
        id: StreamId,
        /// Which partitions, each with the position at which it was seen to have been closed; one that
        /// was opened or closed since is left alone.
        closed: Vec<(PartitionId, LogPosition)>,
    },
    /// Deletes a stream with all its checkpoints; the record log is dropped afterwards.
    DeleteStream {
        /// Which stream.
        id: StreamId,
    },
    /// Creates a transfer task, which runs at once (spec/09 §5).
    CreateTask {
        /// Its stream and its new id.
        key: TaskKey,
        /// What it shall do.
        spec: TaskSpec,
        /// Most tasks the stream may have.
        task_quota: u32,
    },
    /// Describes a transfer task anew; name, destination and start must stay (spec/09 §6.0).
    UpdateTask {
        /// Which task.
        key: TaskKey,
        /// What it shall do.
        spec: TaskSpec,
    },
    /// Starts or stops transfer tasks of a stream: all of them, or none.
    SetTaskState {
        /// Which stream.
        stream: StreamId,
        /// Which tasks.
        tasks: Vec<TaskId>,
        /// What they shall be.
        state: TaskState,
    },
    /// Deletes a transfer task.
    DeleteTask {
        /// Which task.
        key: TaskKey,
    },
    /// Creates an app.
    CreateApp {
        /// Its new id.
        id: AppId,
        /// The project it belongs to.
        project: ProjectId,
        /// Its name, unique in the project.
        name: AppName,
        /// Most apps the project may have.
        app_quota: Option<u32>,
    },
    /// Deletes an app with all its checkpoints.
    DeleteApp {
        /// Which app.
        id: AppId,
    },
    /// Commits positions of one app: all of them, or none.
    CommitCheckpoints {
        /// Which app.
        app: AppId,
        /// The positions.
        commits: Vec<CheckpointCommit>,
        /// The group member on whose behalf they are committed, if there is one (spec/06 §6).
        member: Option<GroupMember>,
        /// Who commits.
        actor: Actor,
    },
    /// Deletes checkpoints of an app in a stream; deleting none is no error (spec/06 §4).
    DeleteCheckpoints {
        /// Which app.
        app: AppId,
        /// Which stream.
        stream: StreamId,
        /// Which partition; all of them when absent.
        partition: Option<PartitionId>,
        /// Which kind.
        kind: CheckpointType,
    },
    /// Adds tags to a stream, in place of those with the same keys: all of them, or none (spec/10 §3).
    PutTags {
        /// Which stream.
        id: StreamId,
        /// The tags.
        tags: Vec<Tag>,
        /// Most tags the stream may have.
        tag_quota: u32,
    },
    /// Deletes tags of a stream by their keys; deleting none is no error.
    DeleteTags {
        /// Which stream.
        id: StreamId,
        /// The keys.
        keys: Vec<Box<str>>,
    },
    /// Adds permission rules to a stream: all of them, or none (spec/12 §4).
    AddPolicies {
        /// Which stream.
        id: StreamId,
        /// The rules.
        rules: Vec<PolicyRule>,
    },
    /// Deletes permission rules of a stream; deleting none is no error.
    DeletePolicies {
        /// Which stream.
        id: StreamId,
        /// The rules, in whatever spelling.
        rules: Vec<PolicyRule>,
    },
    /// Adds what was measured; what belongs to no stream any more is left out (spec/11).
    RecordMetrics {
        /// The minutes.
        measured: Vec<MinuteMetrics>,
    },
    /// Something happens to the group of an app (spec/07 §4).
    Group {
        /// Which app.
        app: AppId,
        /// What.
        event: GroupEvent,
    },
}

/// The group member on whose behalf a commit is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id.
    pub client: ClientId,
    /// The generation it speaks of; no group has a negative one.
    pub generation: i64,
}

/// One position to be committed.
///
/// The number is opaque: some programs commit the last record they read, others the next one they
/// want. It is kept as given (spec/06 §5). Whoever proposes has checked that it lies within the
/// partition's readable range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointCommit {
    /// Which stream.
    pub stream: StreamId,
    /// Which partition.
    pub partition: PartitionId,
    /// Which kind.
    pub kind: CheckpointType,
    /// The position.
    pub sequence_number: SequenceNumber,
    /// Free text.
    pub metadata: Metadata,
    /// What must be stored at the moment for the commit to happen.
    pub expected: Expected,
}

/// The condition of a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// None: the last writer wins, as in the cloud service.
    #[default]
    Anything,
    /// No checkpoint is stored.
    Absent,
    /// The stored one has this version.
    Version(u64),
    /// The stored one has this position.
    SequenceNumber(SequenceNumber),
}
