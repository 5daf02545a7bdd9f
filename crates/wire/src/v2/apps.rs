//! Consumer apps (spec/05).

use millpond_model::{
    AppName, Bounds, CheckpointType, Metadata, PageLimits, PartitionId, PartitionStatus, SequenceNumber,
};
use serde::{Deserialize, Serialize};

use super::{checkpoint_type, lenient, partition_id};
use crate::{Query, Refusal};

/// The body of `POST /apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAppRequest {
    /// 1 to 200 of `A-Z a-z 0-9 _ -`.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
}

impl CreateAppRequest {
    /// The name.
    ///
    /// # Errors
    /// `DIS.4200` when it is absent, not a name, or longer than `chars_max`.
    pub fn name(&self, chars_max: usize) -> Result<AppName, Refusal> {
        let text = self.app_name.as_deref();
        let expected = format!("1 to {chars_max} of A-Z a-z 0-9 _ -");
        let refusal = || Refusal::invalid_expecting("app_name", text.unwrap_or("null"), &expected);
        // A name has only letters of one byte.
        let fitting = text.filter(|text| text.len() <= chars_max);
        fitting.and_then(|text| text.parse().ok()).ok_or_else(refusal)
    }
}

/// Parameters of `GET /apps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAppsQuery {
    /// Most apps of the page.
    pub limit: u32,
    /// The page begins behind this name, which need not exist.
    pub start_after: Option<String>,
    /// Only apps that have a checkpoint in this stream.
    pub stream_name: Option<String>,
}

impl ListAppsQuery {
    /// # Errors
    /// `DIS.4200` when the limit is not a number.
    pub fn parse(query: &Query, page: PageLimits) -> Result<Self, Refusal> {
        Ok(Self {
            limit: query.limit("limit", page)?,
            start_after: query.get("start_app_name").map(str::to_owned),
            stream_name: query.get_any(&["stream_name", "stream-name"]).map(str::to_owned),
        })
    }
}

/// An app: the answer of `GET /apps/{app}`, and an entry of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppInfo {
    /// Id of this incarnation.
    pub app_id: String,
    /// Name.
    pub app_name: String,
    /// Milliseconds since the epoch.
    pub create_time: i64,
    /// Streams in which the app has a checkpoint.
    pub commit_checkpoint_stream_names: Vec<String>,
}

/// Answer of `GET /apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListAppsResponse {
    /// Whether another page follows.
    pub has_more_app: bool,
    /// Apps that pass the filter, not those of the page.
    pub total_number: u64,
    /// The page, in byte order.
    pub apps: Vec<AppInfo>,
}

/// Parameters of `GET /apps/{app}/streams/{stream}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumingStateQuery {
    /// The kind of checkpoint.
    pub checkpoint_type: CheckpointType,
    /// Most partitions of the page: 100 unless asked otherwise, 1 to 1000.
    pub limit: u32,
    /// The page begins behind this partition. A bare `0` means from the start: one client always
    /// sends it (spec/05 §5).
    pub start_after: Option<PartitionId>,
    /// Finds the stream when the path does not.
    pub stream_id: Option<String>,
}

impl ConsumingStateQuery {
    /// # Errors
    /// `DIS.4200` for another checkpoint type or a limit that is not a number; `DIS.4201` when the
    /// start is not a partition id.
    pub fn parse(query: &Query, page: PageLimits) -> Result<Self, Refusal> {
        let start = query.get_any(&["start_partition_id", "start_partitionId"]).filter(|&text| text != "0");
        Ok(Self {
            checkpoint_type: checkpoint_type(query.get("checkpoint_type"))?,
            limit: query.limit("limit", page)?,
            start_after: start.map(|text| partition_id(Some(text))).transpose()?,
            stream_id: query.get_any(&["stream_id", "stream-id"]).map(str::to_owned),
        })
    }
}

/// Answer of `GET /apps/{app}/streams/{stream}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumingStateResponse {
    /// Whether another page follows.
    pub has_more: bool,
    /// The stream.
    pub stream_name: String,
    /// The app.
    pub app_name: String,
    /// One entry for each readable partition, committed or not.
    pub partition_consuming_states: Vec<PartitionConsumingState>,
}

/// How far an app is in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartitionConsumingState {
    /// The bare index, as text: one client takes no number.
    pub partition_id: String,
    /// The checkpoint; `-1` when there is none.
    pub sequence_number: String,
    /// Next number to be assigned.
    pub latest_offset: u64,
    /// Oldest number still kept.
    pub earliest_offset: u64,
    /// `LAST_READ`.
    pub checkpoint_type: String,
    /// `ACTIVE` or `DELETED`.
    pub status: String,
    /// What was committed with the position; absent when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub metadata: String,
}

impl PartitionConsumingState {
    /// The state of one partition.
    pub fn new(
        partition: PartitionId,
        status: PartitionStatus,
        bounds: Bounds,
        checkpoint: Option<(SequenceNumber, &Metadata)>,
    ) -> Self {
        Self {
            partition_id: partition.bare(),
            sequence_number: checkpoint.map_or_else(|| "-1".to_owned(), |(number, _)| number.to_string()),
            latest_offset: bounds.high_water.get(),
            earliest_offset: bounds.oldest.get(),
            checkpoint_type: CheckpointType::LastRead.to_string(),
            status: status.as_str().to_owned(),
            metadata: checkpoint.map(|(_, metadata)| metadata.as_str().to_owned()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PlusReading, v2::parse_body};

    const PAGE: PageLimits = PageLimits { default: 100, max: 1000 };

    #[test]
    fn names() {
        let check = |body: &str, expected: Result<&str, &str>| {
            let name = parse_body::<CreateAppRequest>(body.as_bytes()).and_then(|request| request.name(4));
            let name = name.as_ref().map(AppName::as_str).map_err(Refusal::code_str);
            assert_eq!(name, expected, "{body}");
        };
        check(r#"{"app_name":"app1"}"#, Ok("app1"));
        check(r#"{"app_name":"apple"}"#, Err("DIS.4200"));
        check(r#"{"app_name":""}"#, Err("DIS.4200"));
        check(r#"{"app_name":"a b"}"#, Err("DIS.4200"));
        check("{}", Err("DIS.4200"));
        check("", Err("DIS.4202"));
    }

    #[test]
    fn a_bare_zero_starts_from_the_first_partition() {
        let check = |raw: &str, start: Option<u32>, limit: u32| {
            let query = Query::parse(raw, PlusReading::Space).unwrap();
            let parsed = ConsumingStateQuery::parse(&query, PAGE).unwrap();
            assert_eq!((parsed.start_after, parsed.limit), (start.map(PartitionId::new), limit), "{raw}");
        };
        check("checkpoint_type=LAST_READ&limit=10&start_partition_id=0", None, 10);
        check("start_partition_id=", None, 100);
        check("start_partition_id=1", Some(1), 100);
        check("start_partition_id=shardId-0000000000&limit=5000", Some(0), 1000);
    }

    #[test]
    fn another_checkpoint_type_is_refused() {
        let query = Query::parse("checkpoint_type=X", PlusReading::Space).unwrap();
        let refusal = ConsumingStateQuery::parse(&query, PAGE).unwrap_err();
        assert_eq!(refusal.message(), "Invalid request. [Invalid checkpoint_type X.]");
    }

    #[test]
    fn answers_have_the_documented_members_in_order() {
        let number = |n| SequenceNumber::new(n).unwrap();
        let bounds = Bounds { oldest: number(0), high_water: number(2) };
        let metadata: Metadata = "m".parse().unwrap();
        let state = |checkpoint| {
            PartitionConsumingState::new(PartitionId::new(2), PartitionStatus::Active, bounds, checkpoint)
        };
        let response = ConsumingStateResponse {
            has_more: false,
            stream_name: "orders".into(),
            app_name: "app1".into(),
            partition_consuming_states: vec![state(None), state(Some((number(1), &metadata)))],
        };
        let json = serde_json::to_string(&response).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"has_more":false,"stream_name":"orders","app_name":"app1","partition_consuming_states":["#,
                r#"{"partition_id":"2","sequence_number":"-1","latest_offset":2,"earliest_offset":0,"#,
                r#""checkpoint_type":"LAST_READ","status":"ACTIVE"},"#,
                r#"{"partition_id":"2","sequence_number":"1","latest_offset":2,"earliest_offset":0,"#,
                r#""checkpoint_type":"LAST_READ","status":"ACTIVE","metadata":"m"}]}"#,
            )
        );
        assert_eq!(serde_json::from_str::<ConsumingStateResponse>(&json).unwrap(), response);

        let app =
            AppInfo { app_id: "ID".into(), app_name: "app1".into(), create_time: 1, ..AppInfo::default() };
        let list = ListAppsResponse { has_more_app: false, total_number: 1, apps: vec![app] };
        assert_eq!(
            serde_json::to_string(&list).unwrap(),
            concat!(
                r#"{"has_more_app":false,"total_number":1,"apps":[{"app_id":"ID","app_name":"app1","#,
                r#""create_time":1,"commit_checkpoint_stream_names":[]}]}"#,
            )
        );
    }
}
