//! Consumer groups (spec/07). Their members are written in camel case, unlike all others.

use std::collections::BTreeMap;

use millpond_model::{ClientId, PartitionId, RebalanceTimeout, limits};
use serde::{Deserialize, Serialize};

use super::lenient;
use crate::Refusal;

/// The body of `POST /apps/{group}/consumers`. The group it names is that of the path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinGroupRequest {
    /// The group.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Who joins.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Streams by name.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub interested_stream: Vec<String>,
    /// Streams by id.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub interested_stream_id_list: Vec<String>,
    /// A regular expression for names of streams.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub stream_pattern: Option<String>,
    /// Whether a group that was empty starts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerate_assign_enabled: Option<bool>,
    /// How long the others shall wait for this member.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub rebalance_timeout_ms: Option<i64>,
}

impl JoinGroupRequest {
    /// Who joins.
    ///
    /// # Errors
    /// `DIS.4200` when it is absent or no client id.
    pub fn client(&self) -> Result<ClientId, Refusal> {
        client(self.client_id.as_deref().unwrap_or_default())
    }

    /// How long the others shall wait: the usual time when the body names none.
    pub fn rebalance_timeout(&self) -> RebalanceTimeout {
        self.rebalance_timeout_ms.map(RebalanceTimeout::from_millis).unwrap_or_default()
    }
}

/// The body of a sync and of a heartbeat. Group and client are those of the path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberRequest {
    /// The member.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The group.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// The generation that the member knows; −1 when it knows none.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
}

impl MemberRequest {
    /// The generation; −1, which no group ever has, when the body names none.
    pub fn generation(&self) -> i64 {
        self.generation.unwrap_or(-1)
    }
}

/// The client that a path or a body names.
///
/// # Errors
/// `DIS.4200` when it is absent or no client id.
pub fn client(text: &str) -> Result<ClientId, Refusal> {
    if text.is_empty() {
        return Err(Refusal::missing("clientId"));
    }
    let expected = format!("1 to {} bytes without control characters", limits::CLIENT_ID_BYTES_MAX);
    text.parse().map_err(|_| Refusal::invalid_expecting("clientId", text, &expected))
}

/// What became of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JoinState {
    /// The client is a member.
    Ok,
    /// A stream is missing or named twice, or none is named.
    ErrSubscription,
    /// There is no such app.
    GroupNotExist,
}

/// Answer of a join. One client reads the delay without looking whether it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinGroupResponse {
    /// What became of it.
    pub state: JoinState,
    /// When the member should sync.
    pub sync_delayed_time_ms: u64,
    /// What it reads; replaces a pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Vec<Box<str>>>,
}

/// What a sync leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SyncState {
    /// The share is there.
    Ok,
    /// Others still have to join: try again.
    Waiting,
    /// The round goes on without the member: join.
    Rejoin,
    /// There is no such app.
    GroupNotExist,
}

/// Answer of a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncGroupResponse {
    /// What it leads to.
    pub state: SyncState,
    /// The round; there with `OK` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Partition indices by stream; there with `OK` only, empty when the member has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<BTreeMap<Box<str>, Vec<u32>>>,
}

impl SyncGroupResponse {
    /// Without a share.
    pub fn without(state: SyncState) -> Self {
        Self { state, generation: None, assignment: None }
    }

    /// With a share.
    pub fn ready(generation: u32, assignment: BTreeMap<Box<str>, Vec<PartitionId>>) -> Self {
        let indices = |partitions: Vec<PartitionId>| partitions.into_iter().map(PartitionId::index).collect();
        let assignment = assignment.into_iter().map(|(stream, share)| (stream, indices(share)));
        Self { state: SyncState::Ok, generation: Some(generation), assignment: Some(assignment.collect()) }
    }
}

/// What a member is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HeartbeatState {
    /// Join.
    Joining,
    /// Sync.
    Syncing,
    /// Go on.
    Stable,
    /// There is no such app.
    GroupNotExist,
}

/// Answer of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatResponse {
    /// What the member is to do.
    pub state: HeartbeatState,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::parse_body;

    #[test]
    fn joins_are_read_as_the_adapter_writes_them() {
        let body = r#"{"groupId":"g1","clientId":"c1","interestedStream":["s1"],"accelerateAssignEnabled":false,"rebalanceTimeoutMs":20000}"#;
        let request: JoinGroupRequest = parse_body(body.as_bytes()).unwrap();
        assert_eq!(request.client().unwrap().as_str(), "c1");
        assert_eq!(request.interested_stream, ["s1"]);
        assert_eq!(request.rebalance_timeout(), RebalanceTimeout::default());
        assert_eq!(serde_json::to_string(&request).unwrap(), body);

        let body = r#"{"projectId":"p","clientId":"c","interestedStream":null,"interestedStreamIdList":["x"],"streamPattern":"","accelerateAssignEnabled":null,"rebalanceTimeoutMs":"5000"}"#;
        let request: JoinGroupRequest = parse_body(body.as_bytes()).unwrap();
        assert_eq!(
            (request.interested_stream.len(), &*request.interested_stream_id_list),
            (0, &["x".to_owned()][..])
        );
        assert_eq!((request.stream_pattern.as_deref(), request.accelerate_assign_enabled), (None, None));
        assert_eq!(request.rebalance_timeout().as_millis(), 5000);
    }

    #[test]
    fn clients_have_an_id() {
        let check = |text: &str, message: &str| {
            assert_eq!(client(text).unwrap_err().message(), message);
        };
        check("", "Invalid request. [Invalid clientId null.]");
        check(
            "a\nb",
            "Invalid request. [Invalid clientId a?b. Expected: 1 to 255 bytes without control characters.]",
        );
        let request: MemberRequest = parse_body(b"{}").unwrap();
        assert_eq!(request.generation(), -1);
    }

    #[test]
    fn answers_have_the_documented_members() {
        let check = |answer: String, expected: &str| assert_eq!(answer, expected);
        let join =
            |state, subscription| JoinGroupResponse { state, sync_delayed_time_ms: 3000, subscription };
        let text = |answer: &JoinGroupResponse| serde_json::to_string(answer).unwrap();
        check(
            text(&join(JoinState::Ok, Some(vec!["s1".into()]))),
            r#"{"state":"OK","syncDelayedTimeMs":3000,"subscription":["s1"]}"#,
        );
        check(
            text(&join(JoinState::ErrSubscription, None)),
            r#"{"state":"ERR_SUBSCRIPTION","syncDelayedTimeMs":3000}"#,
        );
        check(
            text(&join(JoinState::GroupNotExist, None)),
            r#"{"state":"GROUP_NOT_EXIST","syncDelayedTimeMs":3000}"#,
        );
        let text = |answer: &SyncGroupResponse| serde_json::to_string(answer).unwrap();
        let share = BTreeMap::from([("s1".into(), vec![PartitionId::new(0), PartitionId::new(1)])]);
        check(
            text(&SyncGroupResponse::ready(1, share)),
            r#"{"state":"OK","generation":1,"assignment":{"s1":[0,1]}}"#,
        );
        check(
            text(&SyncGroupResponse::ready(2, BTreeMap::new())),
            r#"{"state":"OK","generation":2,"assignment":{}}"#,
        );
        check(text(&SyncGroupResponse::without(SyncState::Waiting)), r#"{"state":"WAITING"}"#);
        check(text(&SyncGroupResponse::without(SyncState::Rejoin)), r#"{"state":"REJOIN"}"#);
        let beat = HeartbeatResponse { state: HeartbeatState::GroupNotExist };
        check(serde_json::to_string(&beat).unwrap(), r#"{"state":"GROUP_NOT_EXIST"}"#);
    }
}
