//! Changes of a stream: its partition count (spec/02 §4) and its attributes (spec/02 §6).

use millpond_model::{Limits, PartitionCount, StreamUpdate};
use serde::{Deserialize, Serialize};

use super::{auto_scale_bound, create::partition_count, data_schema, data_type, retention};
use crate::{Refusal, v2::lenient};

/// The body of all three PUT calls; which members count depends on the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateStreamRequest {
    /// Repeats the path, which wins.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub stream_name: Option<String>,
    /// New partition count.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub target_partition_count: Option<i64>,
    /// `DATA_TYPE` or `AUTO_SCALE`; says nothing that the members do not say.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub update_type: Option<String>,
    /// New retention in hours.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub data_duration: Option<i64>,
    /// New data type.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// New schema text.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub data_schema: Option<String>,
    /// Switch automatic scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_enabled: Option<bool>,
    /// New lower bound of automatic scaling.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub auto_scale_min_partition_count: Option<i64>,
    /// New upper bound of automatic scaling.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub auto_scale_max_partition_count: Option<i64>,
}

/// What `PUT /v3/{project_id}/streams/{name}` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamChange {
    /// Another partition count, nothing else.
    Partitions(PartitionCount),
    /// Other attributes.
    Attributes(StreamUpdate),
}

impl UpdateStreamRequest {
    /// Meaning of `PUT /v2/{project_id}/streams/{name}`: the new partition count.
    ///
    /// # Errors
    /// `DIS.4200`; without the member with the text that the real service answers.
    pub fn target(&self) -> Result<PartitionCount, Refusal> {
        partition_count("target_partition_count", self.target_partition_count)
    }

    /// Meaning of `PUT /v2/{project_id}/streams/{name}/update`: the members that are present and not
    /// empty. Whether the bounds of automatic scaling fit those already stored is for the service to
    /// judge.
    ///
    /// # Errors
    /// `DIS.4200` about the first member that cannot be used.
    pub fn into_update(self, within: &Limits) -> Result<StreamUpdate, Refusal> {
        if let Some(other) = self.update_type.filter(|kind| kind != "DATA_TYPE" && kind != "AUTO_SCALE") {
            return Err(Refusal::invalid_expecting("update_type", other, "DATA_TYPE or AUTO_SCALE"));
        }
        let bound =
            |name, value| auto_scale_bound(name, value).map(|bound| Some(bound).filter(|&bound| bound != 0));
        let min = bound("auto_scale_min_partition_count", self.auto_scale_min_partition_count)?;
        let max = bound("auto_scale_max_partition_count", self.auto_scale_max_partition_count)?;
        if let (Some(min), Some(max)) = (min, max)
            && max < min
        {
            let expected = format!("{min} or more, the least partition count");
            return Err(Refusal::invalid_expecting("auto_scale_max_partition_count", max, &expected));
        }
        Ok(StreamUpdate {
            retention: retention(self.data_duration, within.retention)?,
            data_type: data_type(self.data_type.as_deref())?,
            data_schema: data_schema(self.data_schema)?,
            auto_scale_enabled: self.auto_scale_enabled,
            auto_scale_min: min,
            auto_scale_max: max,
        })
    }

    /// Meaning of `PUT /v3/{project_id}/streams/{name}`: attributes, unless a partition count is
    /// given.
    ///
    /// # Errors
    /// As the two above.
    pub fn into_change(self, within: &Limits) -> Result<StreamChange, Refusal> {
        match self.target_partition_count {
            Some(_) => self.target().map(StreamChange::Partitions),
            None => self.into_update(within).map(StreamChange::Attributes),
        }
    }
}

/// Answer to a change of the partition count; never an empty body (spec/00 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePartitionCountResponse {
    /// The stream.
    pub stream_name: String,
    /// The count before the change.
    pub current_partition_count: u32,
    /// The count from now on.
    pub target_partition_count: u32,
}

/// Answer to a change of attributes; never an empty body (spec/00 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateAttributesResponse {
    /// The stream.
    pub stream_name: String,
    /// The data type, when the request named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_data_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use millpond_model::{DataType, RetentionHours};

    use super::*;
    use crate::v2::parse_body;

    fn parse(body: &str) -> UpdateStreamRequest {
        parse_body(body.as_bytes()).unwrap()
    }

    #[test]
    fn targets() {
        let check = |body: &str, expected: Result<u32, &str>| {
            let target = parse(body).target().map(PartitionCount::get);
            let target = target.map_err(|refusal| refusal.message().to_owned());
            assert_eq!(target.as_ref().map_err(String::as_str).copied(), expected, "{body}");
        };
        check(r#"{"stream_name":"s","target_partition_count":4}"#, Ok(4));
        check(
            r#"{"stream_name":"s","data_duration":48}"#,
            Err("Invalid request. [Invalid target_partition_count null.]"),
        );
        check(
            r#"{"target_partition_count":0}"#,
            Err("Invalid request. [Invalid target_partition_count 0. Expected: 1 to 10000.]"),
        );
    }

    #[test]
    fn attributes_that_are_present_are_applied() {
        let check = |body: &str, expected: StreamUpdate| {
            assert_eq!(
                parse(body).into_change(&Limits::default()),
                Ok(StreamChange::Attributes(expected)),
                "{body}"
            );
        };
        check("{}", StreamUpdate::default());
        check(
            r#"{"stream_name":"s","data_duration":48}"#,
            StreamUpdate { retention: Some(RetentionHours::new(48).unwrap()), ..StreamUpdate::default() },
        );
        check(
            r#"{"update_type":"DATA_TYPE","data_type":"JSON","data_schema":"","data_duration":0,
                "auto_scale_enabled":false,"auto_scale_min_partition_count":0}"#,
            StreamUpdate {
                data_type: Some(DataType::Json),
                auto_scale_enabled: Some(false),
                ..StreamUpdate::default()
            },
        );
        let target =
            parse(r#"{"target_partition_count":3,"data_duration":48}"#).into_change(&Limits::default());
        assert_eq!(target, Ok(StreamChange::Partitions(PartitionCount::new(3).unwrap())));
    }

    #[test]
    fn attributes_that_cannot_be_are_refused() {
        for body in [
            r#"{"update_type":"X"}"#,
            r#"{"data_type":"XML"}"#,
            r#"{"data_duration":200}"#,
            r#"{"auto_scale_min_partition_count":4,"auto_scale_max_partition_count":3}"#,
        ] {
            assert_eq!(
                parse(body).into_update(&Limits::default()).unwrap_err().code_str(),
                "DIS.4200",
                "{body}"
            );
        }
    }
}
