//! Proposals, as the log keeps them.

use millpond_model::{AppId, PartitionCount, PartitionId};
use prost::{Message, Oneof};

use super::{
    DecodeError,
    groups::{self, GroupMemberTwin, JoinGroupTwin, MemberEventTwin, RemoveMembersTwin, TickGroupTwin},
    metrics::{self, RecordMetricsTwin},
    parts::{self, SpecTwin, UpdateTwin},
    sharing::{self, DeleteTagsTwin, PoliciesTwin, PutTagsTwin},
    task::{CreateTaskTwin, SetTaskStateTwin, TaskKeyTwin, UpdateTaskTwin},
};
use crate::{Actor, CheckpointCommit, Command, CommandId, Expected, GroupEvent, LogPosition, Proposal};

#[derive(Clone, PartialEq, Message)]
struct ProposalTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(
        oneof = "CommandTwin",
        tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 21, 22, 23, 24, 30, 31, 32, 33, 34, 40, 41, 42, 43"
    )]
    command: Option<CommandTwin>,
}

#[derive(Clone, PartialEq, Oneof)]
enum CommandTwin {
    #[prost(bytes, tag = "2")]
    InitDeployment(Vec<u8>),
    #[prost(message, tag = "3")]
    CreateStream(CreateStreamTwin),
    #[prost(message, tag = "4")]
    UpdateStream(UpdateStreamTwin),
    #[prost(message, tag = "5")]
    SetPartitions(SetPartitionsTwin),
    #[prost(message, tag = "6")]
    ExpirePartitions(ExpirePartitionsTwin),
    #[prost(bytes, tag = "7")]
    DeleteStream(Vec<u8>),
    #[prost(message, tag = "8")]
    CreateApp(CreateAppTwin),
    #[prost(bytes, tag = "9")]
    DeleteApp(Vec<u8>),
    #[prost(message, tag = "10")]
    CommitCheckpoints(CommitCheckpointsTwin),
    #[prost(message, tag = "11")]
    DeleteCheckpoints(DeleteCheckpointsTwin),
    #[prost(message, tag = "20")]
    JoinGroup(JoinGroupTwin),
    #[prost(message, tag = "21")]
    SyncGroup(MemberEventTwin),
    #[prost(message, tag = "22")]
    LeaveGroup(MemberEventTwin),
    #[prost(message, tag = "23")]
    TickGroup(TickGroupTwin),
    #[prost(message, tag = "24")]
    RemoveMembers(RemoveMembersTwin),
    #[prost(message, tag = "40")]
    CreateTask(CreateTaskTwin),
    #[prost(message, tag = "41")]
    UpdateTask(UpdateTaskTwin),
    #[prost(message, tag = "42")]
    SetTaskState(SetTaskStateTwin),
    #[prost(message, tag = "43")]
    DeleteTask(TaskKeyTwin),
    #[prost(message, tag = "30")]
    PutTags(PutTagsTwin),
    #[prost(message, tag = "31")]
    DeleteTags(DeleteTagsTwin),
    #[prost(message, tag = "32")]
    AddPolicies(PoliciesTwin),
    #[prost(message, tag = "33")]
    DeletePolicies(PoliciesTwin),
    #[prost(message, tag = "34")]
    RecordMetrics(RecordMetricsTwin),
}

#[derive(Clone, PartialEq, Message)]
struct CreateStreamTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(string, tag = "2")]
    project: String,
    #[prost(message, optional, tag = "3")]
    spec: Option<SpecTwin>,
    #[prost(uint32, optional, tag = "4")]
    partition_quota: Option<u32>,
    #[prost(uint32, optional, tag = "5")]
    stream_quota: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct UpdateStreamTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    update: Option<UpdateTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct SetPartitionsTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(uint32, tag = "2")]
    target: u32,
    #[prost(uint32, tag = "3")]
    prepared: u32,
    #[prost(uint32, optional, tag = "4")]
    partition_quota: Option<u32>,
    #[prost(bool, tag = "5")]
    automatic: bool,
    #[prost(uint32, optional, tag = "6")]
    expected_active: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct ExpirePartitionsTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    closed: Vec<ClosedTwin>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ClosedTwin {
    #[prost(uint32, tag = "1")]
    partition: u32,
    #[prost(uint64, tag = "2")]
    at: u64,
}

#[derive(Clone, PartialEq, Message)]
struct CreateAppTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(string, tag = "2")]
    project: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(uint32, optional, tag = "4")]
    app_quota: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct CommitCheckpointsTwin {
    #[prost(bytes = "vec", tag = "1")]
    app: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    commits: Vec<CommitTwin>,
    #[prost(string, tag = "3")]
    actor: String,
    #[prost(message, optional, tag = "4")]
    member: Option<GroupMemberTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct CommitTwin {
    #[prost(bytes = "vec", tag = "1")]
    stream: Vec<u8>,
    #[prost(uint32, tag = "2")]
    partition: u32,
    #[prost(uint32, tag = "3")]
    kind: u32,
    #[prost(uint64, tag = "4")]
    sequence_number: u64,
    #[prost(string, tag = "5")]
    metadata: String,
    #[prost(oneof = "ExpectedTwin", tags = "6, 7, 8")]
    expected: Option<ExpectedTwin>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
enum ExpectedTwin {
    #[prost(bool, tag = "6")]
    Absent(bool),
    #[prost(uint64, tag = "7")]
    Version(u64),
    #[prost(uint64, tag = "8")]
    SequenceNumber(u64),
}

#[derive(Clone, PartialEq, Message)]
struct DeleteCheckpointsTwin {
    #[prost(bytes = "vec", tag = "1")]
    app: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    stream: Vec<u8>,
    #[prost(uint32, optional, tag = "3")]
    partition: Option<u32>,
    #[prost(uint32, tag = "4")]
    kind: u32,
}

/// The proposal in bytes.
pub fn encode_proposal(proposal: &Proposal) -> Vec<u8> {
    let command = Some(command_twin(&proposal.command));
    ProposalTwin { id: proposal.id.get().to_le_bytes().to_vec(), command }.encode_to_vec()
}

/// Reads a proposal.
///
/// # Errors
/// `DecodeError` when the bytes are damaged or hold a command that this version does not know. A log with
/// such a command must not be folded any further.
pub fn decode_proposal(bytes: &[u8]) -> Result<Proposal, DecodeError> {
    let bad = DecodeError::new("command");
    let twin = ProposalTwin::decode(bytes).map_err(|_| bad)?;
    let id: [u8; 16] = twin.id.try_into().map_err(|_| bad)?;
    Ok(Proposal {
        id: CommandId::from_random(u128::from_le_bytes(id)),
        command: command(twin.command.ok_or(bad)?)?,
    })
}

fn command_twin(command: &Command) -> CommandTwin {
    match command {
        Command::InitDeployment { secret } => CommandTwin::InitDeployment(secret.to_vec()),
        Command::CreateStream { id, project, spec, partition_quota, stream_quota } => {
            CommandTwin::CreateStream(CreateStreamTwin {
                id: id.as_bytes().to_vec(),
                project: project.as_str().into(),
                spec: Some(spec.into()),
                partition_quota: *partition_quota,
                stream_quota: *stream_quota,
            })
        }
        Command::UpdateStream { id, update } => CommandTwin::UpdateStream(UpdateStreamTwin {
            id: id.as_bytes().to_vec(),
            update: Some(update.into()),
        }),
        Command::SetPartitions { id, target, prepared, partition_quota, automatic, expected_active } => {
            CommandTwin::SetPartitions(SetPartitionsTwin {
                id: id.as_bytes().to_vec(),
                target: target.get(),
                prepared: *prepared,
                partition_quota: *partition_quota,
                automatic: *automatic,
                expected_active: *expected_active,
            })
        }
        Command::ExpirePartitions { id, closed } => CommandTwin::ExpirePartitions(ExpirePartitionsTwin {
            id: id.as_bytes().to_vec(),
            closed: closed.iter().map(|(p, at)| ClosedTwin { partition: p.index(), at: at.get() }).collect(),
        }),
        Command::DeleteStream { id } => CommandTwin::DeleteStream(id.as_bytes().to_vec()),
        Command::CreateApp { id, project, name, app_quota } => CommandTwin::CreateApp(CreateAppTwin {
            id: id.as_bytes().to_vec(),
            project: project.as_str().into(),
            name: name.as_str().into(),
            app_quota: *app_quota,
        }),
        Command::DeleteApp { id } => CommandTwin::DeleteApp(id.as_bytes().to_vec()),
        Command::CommitCheckpoints { app, commits, member, actor } => {
            CommandTwin::CommitCheckpoints(CommitCheckpointsTwin {
                app: app.as_bytes().to_vec(),
                commits: commits.iter().map(commit_twin).collect(),
                actor: actor.as_str().into(),
                member: member.as_ref().map(Into::into),
            })
        }
        Command::DeleteCheckpoints { app, stream, partition, kind } => {
            CommandTwin::DeleteCheckpoints(DeleteCheckpointsTwin {
                app: app.as_bytes().to_vec(),
                stream: stream.as_bytes().to_vec(),
                partition: partition.map(PartitionId::index),
                kind: parts::kind_number(*kind),
            })
        }
        Command::Group { app, event } => group_twin(*app, event),
        Command::CreateTask { key, spec, task_quota } => {
            CommandTwin::CreateTask(CreateTaskTwin::new(key, spec, *task_quota))
        }
        Command::UpdateTask { key, spec } => CommandTwin::UpdateTask(UpdateTaskTwin::new(key, spec)),
        Command::SetTaskState { stream, tasks, state } => {
            CommandTwin::SetTaskState(SetTaskStateTwin::new(*stream, tasks, *state))
        }
        Command::DeleteTask { key } => CommandTwin::DeleteTask(key.into()),
        Command::PutTags { id, tags, tag_quota } => {
            CommandTwin::PutTags(sharing::put_tags_twin(*id, tags, *tag_quota))
        }
        Command::DeleteTags { id, keys } => CommandTwin::DeleteTags(sharing::delete_tags_twin(*id, keys)),
        Command::AddPolicies { id, rules } => CommandTwin::AddPolicies(sharing::policies_twin(*id, rules)),
        Command::DeletePolicies { id, rules } => {
            CommandTwin::DeletePolicies(sharing::policies_twin(*id, rules))
        }
        Command::RecordMetrics { measured } => CommandTwin::RecordMetrics(metrics::record_twin(measured)),
    }
}

fn group_twin(app: AppId, event: &GroupEvent) -> CommandTwin {
    match event {
        GroupEvent::Join { client, subscription, rebalance_timeout, accelerate } => CommandTwin::JoinGroup(
            groups::join_twin(app, client, subscription, *rebalance_timeout, *accelerate),
        ),
        GroupEvent::Sync { client } => CommandTwin::SyncGroup(groups::member_twin(app, client)),
        GroupEvent::Leave { client } => CommandTwin::LeaveGroup(groups::member_twin(app, client)),
        GroupEvent::EndPhase { phase_since } => {
            CommandTwin::TickGroup(groups::tick_twin(app, *phase_since, false))
        }
        GroupEvent::ShareAnew { phase_since } => {
            CommandTwin::TickGroup(groups::tick_twin(app, *phase_since, true))
        }
        GroupEvent::RemoveSilent { silent } => CommandTwin::RemoveMembers(groups::remove_twin(app, silent)),
    }
}

fn commit_twin(commit: &CheckpointCommit) -> CommitTwin {
    CommitTwin {
        stream: commit.stream.as_bytes().to_vec(),
        partition: commit.partition.index(),
        kind: parts::kind_number(commit.kind),
        sequence_number: commit.sequence_number.get(),
        metadata: commit.metadata.as_str().into(),
        expected: match commit.expected {
            Expected::Anything => None,
            Expected::Absent => Some(ExpectedTwin::Absent(true)),
            Expected::Version(version) => Some(ExpectedTwin::Version(version)),
            Expected::SequenceNumber(number) => Some(ExpectedTwin::SequenceNumber(number.get())),
        },
    }
}

fn command(twin: CommandTwin) -> Result<Command, DecodeError> {
    let bad = DecodeError::new("command");
    Ok(match twin {
        CommandTwin::InitDeployment(secret) => {
            Command::InitDeployment { secret: secret.try_into().map_err(|_| bad)? }
        }
        CommandTwin::CreateStream(twin) => Command::CreateStream {
            id: parts::stream_id(&twin.id)?,
            project: parts::project(&twin.project)?,
            spec: twin.spec.ok_or(bad)?.try_into()?,
            partition_quota: twin.partition_quota,
            stream_quota: twin.stream_quota,
        },
        CommandTwin::UpdateStream(twin) => Command::UpdateStream {
            id: parts::stream_id(&twin.id)?,
            update: twin.update.ok_or(bad)?.try_into()?,
        },
        CommandTwin::SetPartitions(twin) => Command::SetPartitions {
            id: parts::stream_id(&twin.id)?,
            target: PartitionCount::new(twin.target).map_err(|_| bad)?,
            prepared: twin.prepared,
            partition_quota: twin.partition_quota,
            automatic: twin.automatic,
            expected_active: twin.expected_active,
        },
        CommandTwin::ExpirePartitions(twin) => {
            let closed = |twin: &ClosedTwin| (PartitionId::new(twin.partition), LogPosition::new(twin.at));
            Command::ExpirePartitions {
                id: parts::stream_id(&twin.id)?,
                closed: twin.closed.iter().map(closed).collect(),
            }
        }
        CommandTwin::DeleteStream(id) => Command::DeleteStream { id: parts::stream_id(&id)? },
        CommandTwin::CreateApp(twin) => Command::CreateApp {
            id: parts::app_id(&twin.id)?,
            project: parts::project(&twin.project)?,
            name: parts::parse("app name", &twin.name)?,
            app_quota: twin.app_quota,
        },
        CommandTwin::DeleteApp(id) => Command::DeleteApp { id: parts::app_id(&id)? },
        CommandTwin::CommitCheckpoints(twin) => Command::CommitCheckpoints {
            app: parts::app_id(&twin.app)?,
            commits: twin.commits.iter().map(commit).collect::<Result<_, _>>()?,
            member: twin.member.map(TryInto::try_into).transpose()?,
            actor: Actor::new(&twin.actor),
        },
        CommandTwin::DeleteCheckpoints(twin) => Command::DeleteCheckpoints {
            app: parts::app_id(&twin.app)?,
            stream: parts::stream_id(&twin.stream)?,
            partition: twin.partition.map(PartitionId::new),
            kind: parts::kind(twin.kind)?,
        },
        CommandTwin::JoinGroup(twin) => groups::join(twin)?,
        CommandTwin::SyncGroup(twin) => groups::sync(&twin)?,
        CommandTwin::LeaveGroup(twin) => groups::leave(&twin)?,
        CommandTwin::TickGroup(twin) => groups::tick(&twin)?,
        CommandTwin::RemoveMembers(twin) => groups::remove(&twin)?,
        CommandTwin::CreateTask(twin) => twin.command()?,
        CommandTwin::UpdateTask(twin) => twin.command()?,
        CommandTwin::SetTaskState(twin) => twin.command()?,
        CommandTwin::DeleteTask(twin) => Command::DeleteTask { key: twin.try_into()? },
        CommandTwin::PutTags(twin) => sharing::put_tags(&twin)?,
        CommandTwin::DeleteTags(twin) => sharing::delete_tags(twin)?,
        CommandTwin::AddPolicies(twin) => sharing::add_policies(&twin)?,
        CommandTwin::DeletePolicies(twin) => sharing::delete_policies(&twin)?,
        CommandTwin::RecordMetrics(twin) => metrics::record_command(&twin)?,
    })
}

fn commit(twin: &CommitTwin) -> Result<CheckpointCommit, DecodeError> {
    Ok(CheckpointCommit {
        stream: parts::stream_id(&twin.stream)?,
        partition: PartitionId::new(twin.partition),
        kind: parts::kind(twin.kind)?,
        sequence_number: parts::sequence_number(twin.sequence_number)?,
        metadata: parts::metadata(&twin.metadata)?,
        expected: match twin.expected {
            None => Expected::Anything,
            Some(ExpectedTwin::Absent(_)) => Expected::Absent,
            Some(ExpectedTwin::Version(version)) => Expected::Version(version),
            Some(ExpectedTwin::SequenceNumber(number)) => {
                Expected::SequenceNumber(parts::sequence_number(number)?)
            }
        },
    })
}
