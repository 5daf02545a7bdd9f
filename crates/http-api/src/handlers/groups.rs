//! Consumer groups (spec/07). What becomes of a call is told in the body, with status 200.

use millpond_model::AppSelector;
use millpond_service::{HeartbeatAnswer, JoinAnswer, JoinGroup, SyncAnswer};
use millpond_wire::{
    Refusal,
    v2::groups::{
        self as wire, HeartbeatResponse, HeartbeatState, JoinGroupRequest, JoinGroupResponse, JoinState,
        MemberRequest, SyncGroupResponse, SyncState,
    },
};

use crate::{answer::Answer, call::Call, error::ApiError};

/// `POST /apps/{group}/consumers`.
pub(crate) async fn join(call: Call) -> Result<Answer, ApiError> {
    let request: JoinGroupRequest = call.json()?;
    let join = JoinGroup {
        client: request.client()?,
        rebalance_timeout: request.rebalance_timeout(),
        accelerate: request.accelerate_assign_enabled.unwrap_or(false),
        streams: boxed(request.interested_stream),
        stream_ids: boxed(request.interested_stream_id_list),
        pattern: request.stream_pattern.map(Into::into),
    };
    let joined = call.service().join_group(call.project(), &group(&call)?, join).await?;
    let without = |state| JoinGroupResponse { state, sync_delayed_time_ms: 0, subscription: None };
    Ok(Answer::json(&match joined {
        JoinAnswer::Joined { subscription, delay } => JoinGroupResponse {
            state: JoinState::Ok,
            sync_delayed_time_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            subscription: Some(subscription),
        },
        JoinAnswer::SubscriptionRefused => without(JoinState::ErrSubscription),
        JoinAnswer::GroupNotFound => without(JoinState::GroupNotExist),
    }))
}

/// `POST /apps/{group}/consumers/{client}/partitions`. The generation in the body does not count: in a
/// new round a client still names the one before (spec/07 §6).
pub(crate) async fn sync(call: Call) -> Result<Answer, ApiError> {
    let _: MemberRequest = call.json()?;
    let client = wire::client(call.parameter("client"))?;
    let answer = call.service().sync_group(call.project(), &group(&call)?, &client).await?;
    Ok(Answer::json(&match answer {
        SyncAnswer::Ready { generation, assignment } => SyncGroupResponse::ready(generation, assignment),
        SyncAnswer::Waiting => SyncGroupResponse::without(SyncState::Waiting),
        SyncAnswer::Rejoin => SyncGroupResponse::without(SyncState::Rejoin),
        SyncAnswer::GroupNotFound => SyncGroupResponse::without(SyncState::GroupNotExist),
    }))
}

/// `POST /apps/{group}/consumers/{client}/heartbeats`.
pub(crate) async fn heartbeat(call: Call) -> Result<Answer, ApiError> {
    let generation = call.json::<MemberRequest>()?.generation();
    let client = wire::client(call.parameter("client"))?;
    let answer = call.service().heartbeat(call.project(), &group(&call)?, &client, generation).await?;
    let state = match answer {
        HeartbeatAnswer::Joining => HeartbeatState::Joining,
        HeartbeatAnswer::Syncing => HeartbeatState::Syncing,
        HeartbeatAnswer::Stable => HeartbeatState::Stable,
        HeartbeatAnswer::GroupNotFound => HeartbeatState::GroupNotExist,
    };
    Ok(Answer::json(&HeartbeatResponse { state }))
}

/// `DELETE /apps/{group}/consumers/{client}`: 204, also when there was none.
pub(crate) async fn leave(call: Call) -> Result<Answer, ApiError> {
    let client = wire::client(call.parameter("client"))?;
    call.service().leave_group(call.project(), &group(&call)?, &client).await?;
    Ok(Answer::no_content())
}

/// The group that the path names: an app, by name or id.
fn group(call: &Call) -> Result<AppSelector, Refusal> {
    AppSelector::new(call.parameter("group")).ok_or_else(|| Refusal::missing("groupId"))
}

fn boxed(texts: Vec<String>) -> Vec<Box<str>> {
    texts.into_iter().map(Into::into).collect()
}
