//! Groups: their commands and their row.

use millpond_model::{AppId, ClientId, PartitionId, RebalanceTimeout, StreamId};
use prost::Message;

use super::{DecodeError, parts};
use crate::{
    Assignment, Command, Group, GroupEvent, GroupMember, LogPosition, Member, Phase, StreamPattern,
    Subscription,
};

const ID_BYTES: usize = 20;

/// Lists of stream ids are their bytes, one after the other.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SubscriptionTwin {
    #[prost(bytes = "vec", tag = "1")]
    by_name: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    by_id: Vec<u8>,
    #[prost(string, optional, tag = "3")]
    pattern: Option<String>,
    #[prost(bytes = "vec", tag = "4")]
    matched: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct JoinGroupTwin {
    #[prost(bytes = "vec", tag = "1")]
    app: Vec<u8>,
    #[prost(string, tag = "2")]
    client: String,
    #[prost(message, optional, tag = "3")]
    subscription: Option<SubscriptionTwin>,
    #[prost(uint32, tag = "4")]
    rebalance_timeout_ms: u32,
    #[prost(bool, tag = "5")]
    accelerate: bool,
}

/// `SyncGroup` and `LeaveGroup`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct MemberEventTwin {
    #[prost(bytes = "vec", tag = "1")]
    app: Vec<u8>,
    #[prost(string, tag = "2")]
    client: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TickGroupTwin {
    #[prost(bytes = "vec", tag = "1")]
    app: Vec<u8>,
    #[prost(uint64, tag = "2")]
    phase_since: u64,
    /// Absent: the time of the phase is up. Present: the shares are not right any more.
    #[prost(bool, tag = "3")]
    share_anew: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RemoveMembersTwin {
    #[prost(bytes = "vec", tag = "1")]
    app: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    silent: Vec<SilentTwin>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SilentTwin {
    #[prost(string, tag = "1")]
    client: String,
    #[prost(uint64, tag = "2")]
    joined_at: u64,
}

/// The member on whose behalf a commit is made.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GroupMemberTwin {
    #[prost(string, tag = "1")]
    client: String,
    #[prost(int64, tag = "2")]
    generation: i64,
}

#[derive(Clone, PartialEq, Message)]
struct GroupRow {
    #[prost(uint32, tag = "1")]
    phase: u32,
    #[prost(uint64, tag = "2")]
    phase_since: u64,
    #[prost(uint32, tag = "3")]
    generation: u32,
    #[prost(message, repeated, tag = "4")]
    members: Vec<MemberTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct MemberTwin {
    #[prost(string, tag = "1")]
    client: String,
    #[prost(message, optional, tag = "2")]
    subscription: Option<SubscriptionTwin>,
    #[prost(uint32, tag = "3")]
    rebalance_timeout_ms: u32,
    #[prost(uint64, tag = "4")]
    joined_at: u64,
    #[prost(bool, tag = "5")]
    joined: bool,
    #[prost(bool, tag = "6")]
    synced: bool,
    #[prost(message, repeated, tag = "7")]
    assignment: Vec<ShareTwin>,
}

#[derive(Clone, PartialEq, Message)]
struct ShareTwin {
    #[prost(bytes = "vec", tag = "1")]
    stream: Vec<u8>,
    #[prost(uint32, repeated, tag = "2")]
    partitions: Vec<u32>,
}

impl From<&Subscription> for SubscriptionTwin {
    fn from(subscription: &Subscription) -> Self {
        let pattern = subscription.pattern();
        Self {
            by_name: joined(subscription.by_name()),
            by_id: joined(subscription.by_id()),
            pattern: pattern.map(|pattern| pattern.text.as_ref().into()),
            matched: pattern.map(|pattern| joined(&pattern.matched)).unwrap_or_default(),
        }
    }
}

impl TryFrom<SubscriptionTwin> for Subscription {
    type Error = DecodeError;

    fn try_from(twin: SubscriptionTwin) -> Result<Self, DecodeError> {
        let matched = ids(&twin.matched)?;
        let pattern = twin.pattern.map(|text| StreamPattern { text: text.into(), matched });
        Self::new(ids(&twin.by_name)?, ids(&twin.by_id)?, pattern)
            .map_err(|_| DecodeError::new("subscription"))
    }
}

fn joined(ids: &[StreamId]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.as_bytes()).collect()
}

fn ids(bytes: &[u8]) -> Result<Vec<StreamId>, DecodeError> {
    bytes.chunks(ID_BYTES).map(parts::stream_id).collect()
}

pub(super) fn join_twin(
    app: AppId,
    client: &ClientId,
    subscription: &Subscription,
    rebalance_timeout: RebalanceTimeout,
    accelerate: bool,
) -> JoinGroupTwin {
    JoinGroupTwin {
        app: app.as_bytes().to_vec(),
        client: client.as_str().into(),
        subscription: Some(subscription.into()),
        rebalance_timeout_ms: rebalance_timeout.as_millis(),
        accelerate,
    }
}

pub(super) fn join(twin: JoinGroupTwin) -> Result<Command, DecodeError> {
    let event = GroupEvent::Join {
        client: client(&twin.client)?,
        subscription: twin.subscription.ok_or(DecodeError::new("command"))?.try_into()?,
        rebalance_timeout: rebalance_timeout(twin.rebalance_timeout_ms),
        accelerate: twin.accelerate,
    };
    Ok(Command::Group { app: parts::app_id(&twin.app)?, event })
}

pub(super) fn member_twin(app: AppId, client: &ClientId) -> MemberEventTwin {
    MemberEventTwin { app: app.as_bytes().to_vec(), client: client.as_str().into() }
}

pub(super) fn sync(twin: &MemberEventTwin) -> Result<Command, DecodeError> {
    let event = GroupEvent::Sync { client: client(&twin.client)? };
    Ok(Command::Group { app: parts::app_id(&twin.app)?, event })
}

pub(super) fn leave(twin: &MemberEventTwin) -> Result<Command, DecodeError> {
    let event = GroupEvent::Leave { client: client(&twin.client)? };
    Ok(Command::Group { app: parts::app_id(&twin.app)?, event })
}

pub(super) fn tick_twin(app: AppId, phase_since: LogPosition, share_anew: bool) -> TickGroupTwin {
    TickGroupTwin { app: app.as_bytes().to_vec(), phase_since: phase_since.get(), share_anew }
}

pub(super) fn tick(twin: &TickGroupTwin) -> Result<Command, DecodeError> {
    let phase_since = LogPosition::new(twin.phase_since);
    let event = if twin.share_anew {
        GroupEvent::ShareAnew { phase_since }
    } else {
        GroupEvent::EndPhase { phase_since }
    };
    Ok(Command::Group { app: parts::app_id(&twin.app)?, event })
}

pub(super) fn remove_twin(app: AppId, silent: &[(ClientId, LogPosition)]) -> RemoveMembersTwin {
    let twin = |(client, at): &(ClientId, LogPosition)| SilentTwin {
        client: client.as_str().into(),
        joined_at: at.get(),
    };
    RemoveMembersTwin { app: app.as_bytes().to_vec(), silent: silent.iter().map(twin).collect() }
}

pub(super) fn remove(twin: &RemoveMembersTwin) -> Result<Command, DecodeError> {
    let silent = |twin: &SilentTwin| Ok((client(&twin.client)?, LogPosition::new(twin.joined_at)));
    let silent = twin.silent.iter().map(silent).collect::<Result<_, DecodeError>>()?;
    Ok(Command::Group { app: parts::app_id(&twin.app)?, event: GroupEvent::RemoveSilent { silent } })
}

fn client(text: &str) -> Result<ClientId, DecodeError> {
    parts::parse("client id", text)
}

fn rebalance_timeout(millis: u32) -> RebalanceTimeout {
    RebalanceTimeout::from_millis(i64::from(millis))
}

impl From<&GroupMember> for GroupMemberTwin {
    fn from(member: &GroupMember) -> Self {
        Self { client: member.client.as_str().into(), generation: member.generation }
    }
}

impl TryFrom<GroupMemberTwin> for GroupMember {
    type Error = DecodeError;

    fn try_from(twin: GroupMemberTwin) -> Result<Self, DecodeError> {
        Ok(Self { client: client(&twin.client)?, generation: twin.generation })
    }
}

pub(crate) fn encode_group(group: &Group) -> Vec<u8> {
    let share = |(stream, partitions): (&StreamId, &Vec<PartitionId>)| ShareTwin {
        stream: stream.as_bytes().to_vec(),
        partitions: partitions.iter().map(|partition| partition.index()).collect(),
    };
    let member = |(client, member): (&ClientId, &Member)| MemberTwin {
        client: client.as_str().into(),
        subscription: Some((&member.subscription).into()),
        rebalance_timeout_ms: member.rebalance_timeout.as_millis(),
        joined_at: member.joined_at.get(),
        joined: member.joined,
        synced: member.synced,
        assignment: member.assignment.iter().map(share).collect(),
    };
    GroupRow {
        phase: match group.phase {
            Phase::Empty => 1,
            Phase::Joining { delayed: true } => 2,
            Phase::Joining { delayed: false } => 3,
            Phase::Syncing => 4,
            Phase::Stable => 5,
        },
        phase_since: group.phase_since.get(),
        generation: group.generation,
        members: group.members.iter().map(member).collect(),
    }
    .encode_to_vec()
}

pub(crate) fn decode_group(bytes: &[u8]) -> Result<Group, DecodeError> {
    let bad = DecodeError::new("group row");
    let row = GroupRow::decode(bytes).map_err(|_| bad)?;
    let group = Group {
        phase: match row.phase {
            1 => Phase::Empty,
            2 => Phase::Joining { delayed: true },
            3 => Phase::Joining { delayed: false },
            4 => Phase::Syncing,
            5 => Phase::Stable,
            _ => return Err(bad),
        },
        phase_since: LogPosition::new(row.phase_since),
        generation: row.generation,
        members: row
            .members
            .into_iter()
            .map(|twin| Ok((client(&twin.client)?, member(twin)?)))
            .collect::<Result<_, DecodeError>>()?,
    };
    if (group.phase == Phase::Empty) == group.members.is_empty() { Ok(group) } else { Err(bad) }
}

fn member(twin: MemberTwin) -> Result<Member, DecodeError> {
    Ok(Member {
        subscription: twin.subscription.ok_or(DecodeError::new("group row"))?.try_into()?,
        rebalance_timeout: rebalance_timeout(twin.rebalance_timeout_ms),
        joined_at: LogPosition::new(twin.joined_at),
        joined: twin.joined,
        synced: twin.synced,
        assignment: assignment(&twin.assignment)?,
    })
}

fn assignment(twins: &[ShareTwin]) -> Result<Assignment, DecodeError> {
    let share = |twin: &ShareTwin| {
        let partitions = twin.partitions.iter().map(|&index| PartitionId::new(index)).collect();
        Ok((parts::stream_id(&twin.stream)?, partitions))
    };
    twins.iter().map(share).collect()
}
