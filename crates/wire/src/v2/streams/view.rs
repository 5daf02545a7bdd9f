//! Streams as answers show them (spec/02 §2, §3, §5).

use millpond_model::{AutoScale, Bounds, HashRange, PartitionId, PartitionStatus};
use serde::{Deserialize, Serialize};

use super::{CsvProperties, TagEntry};

/// Answer of `GET /streams`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStreamsResponse {
    /// All streams of the project, not of the page.
    pub total_number: u64,
    /// The page, in byte order.
    pub stream_names: Vec<String>,
    /// Whether another page follows.
    pub has_more_streams: bool,
    /// The same streams in the same order.
    #[serde(default)]
    pub stream_info_list: Vec<StreamInfo>,
}

/// A stream in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamInfo {
    /// Id of this incarnation.
    pub stream_id: String,
    /// Name.
    pub stream_name: String,
    /// Milliseconds since the epoch.
    pub create_time: i64,
    /// Hours.
    pub retention_period: u32,
    /// `RUNNING` and the like.
    pub status: String,
    /// `COMMON` or `ADVANCED`.
    pub stream_type: String,
    /// `BLOB` and the like.
    pub data_type: String,
    /// ACTIVE partitions.
    pub partition_count: u32,
    /// Automatic scaling.
    #[serde(flatten)]
    pub auto_scale: AutoScaleView,
    /// The user's tags.
    pub tags: Vec<TagEntry>,
    /// The platform's tags.
    pub sys_tags: Vec<TagEntry>,
}

/// Automatic scaling: `false, 0, 0` when off (spec/02 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoScaleView {
    /// Whether it is on.
    pub auto_scale_enabled: bool,
    /// Least partitions.
    pub auto_scale_min_partition_count: u32,
    /// Most partitions.
    pub auto_scale_max_partition_count: u32,
}

impl From<AutoScale> for AutoScaleView {
    fn from(auto_scale: AutoScale) -> Self {
        let AutoScale { enabled, min, max } = auto_scale;
        if !enabled {
            return Self::default();
        }
        Self {
            auto_scale_enabled: true,
            auto_scale_min_partition_count: min,
            auto_scale_max_partition_count: max,
        }
    }
}

/// Answer of `GET /streams/{name or id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DescribeStreamResponse {
    /// Id of this incarnation.
    pub stream_id: String,
    /// Name.
    pub stream_name: String,
    /// Milliseconds since the epoch.
    pub create_time: i64,
    /// Milliseconds since the epoch.
    pub last_modified_time: i64,
    /// Hours.
    pub retention_period: u32,
    /// `RUNNING` and the like.
    pub status: String,
    /// `COMMON` or `ADVANCED`; one client sizes its batches by it.
    pub stream_type: String,
    /// `BLOB` and the like.
    pub data_type: String,
    /// Avro schema text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_schema: Option<String>,
    /// Compression of dumps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression_format: Option<String>,
    /// How CSV records are separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv_properties: Option<CsvProperties>,
    /// ACTIVE partitions.
    pub writable_partition_count: u32,
    /// ACTIVE and DELETED partitions.
    pub readable_partition_count: u32,
    /// A page, by index.
    pub partitions: Vec<PartitionInfo>,
    /// Whether another page follows.
    pub has_more_partitions: bool,
    /// Changes of the partition count, newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_partition_counts: Vec<ScalingEntry>,
    /// The user's tags.
    pub tags: Vec<TagEntry>,
    /// The platform's tags.
    pub sys_tags: Vec<TagEntry>,
    /// Automatic scaling.
    #[serde(flatten)]
    pub auto_scale: AutoScaleView,
}

/// A partition of a described stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartitionInfo {
    /// `ACTIVE`, `DELETED` or `EXPIRED`.
    pub status: String,
    /// `shardId-` and ten digits.
    pub partition_id: String,
    /// `[start : end]`, both included.
    pub hash_range: String,
    /// `[first : next]`, the end excluded; absent for an EXPIRED partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number_range: Option<String>,
    /// Always empty: partitions are never split or merged.
    pub parent_partitions: String,
}

impl PartitionInfo {
    /// A partition as it stands.
    pub fn new(id: PartitionId, status: PartitionStatus, range: HashRange, bounds: Bounds) -> Self {
        let Bounds { oldest, high_water } = bounds;
        Self {
            status: status.as_str().to_owned(),
            partition_id: id.to_string(),
            hash_range: range.to_string(),
            sequence_number_range: status.is_readable().then(|| format!("[{oldest} : {high_water}]")),
            parent_partitions: String::new(),
        }
    }

    /// The readable range; `None` for an EXPIRED partition and for text of another form.
    pub fn bounds(&self) -> Option<Bounds> {
        let range = self.sequence_number_range.as_deref()?.strip_prefix('[')?.strip_suffix(']')?;
        let (oldest, high_water) = range.split_once(':')?;
        Some(Bounds { oldest: oldest.trim().parse().ok()?, high_water: high_water.trim().parse().ok()? })
    }
}

/// A change of the partition count. Result code and message are left out: clients disagree about
/// their types (spec/02 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScalingEntry {
    /// Milliseconds since the epoch.
    pub create_timestamp: i64,
    /// Before.
    pub src_partition_count: u32,
    /// After.
    pub target_partition_count: u32,
    /// Whether the service did it by itself.
    pub auto_scale: bool,
}

/// Answer of `GET /streams/{name or id}/update_partition_counts` (spec/13 §7.1): the entries that a
/// described stream has too, here also when there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScalingLogResponse {
    /// Id of this incarnation.
    pub stream_id: String,
    /// Name.
    pub stream_name: String,
    /// Changes of the partition count, newest last.
    pub update_partition_counts: Vec<ScalingEntry>,
}

#[cfg(test)]
mod tests {
    use millpond_model::{SequenceNumber, hash_ranges};

    use super::*;

    fn partition(status: PartitionStatus, oldest: u64, high_water: u64) -> PartitionInfo {
        let number = |n| SequenceNumber::new(n).unwrap();
        let bounds = Bounds { oldest: number(oldest), high_water: number(high_water) };
        PartitionInfo::new(PartitionId::new(1), status, hash_ranges(1).next().unwrap(), bounds)
    }

    #[test]
    fn a_described_stream_has_the_documented_members_in_order() {
        let response = DescribeStreamResponse {
            stream_id: "ID".into(),
            stream_name: "s".into(),
            create_time: 1,
            last_modified_time: 2,
            retention_period: 24,
            status: "RUNNING".into(),
            stream_type: "COMMON".into(),
            data_type: "BLOB".into(),
            writable_partition_count: 1,
            readable_partition_count: 2,
            partitions: vec![
                partition(PartitionStatus::Active, 3, 7),
                partition(PartitionStatus::Expired, 7, 7),
            ],
            auto_scale: AutoScale { enabled: false, min: 2, max: 3 }.into(),
            ..DescribeStreamResponse::default()
        };
        let json = serde_json::to_string(&response).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"stream_id":"ID","stream_name":"s","create_time":1,"last_modified_time":2,"#,
                r#""retention_period":24,"status":"RUNNING","stream_type":"COMMON","data_type":"BLOB","#,
                r#""writable_partition_count":1,"readable_partition_count":2,"partitions":["#,
                r#"{"status":"ACTIVE","partition_id":"shardId-0000000001","#,
                r#""hash_range":"[0 : 9223372036854775807]","sequence_number_range":"[3 : 7]","parent_partitions":""},"#,
                r#"{"status":"EXPIRED","partition_id":"shardId-0000000001","#,
                r#""hash_range":"[0 : 9223372036854775807]","parent_partitions":""}],"#,
                r#""has_more_partitions":false,"tags":[],"sys_tags":[],"auto_scale_enabled":false,"#,
                r#""auto_scale_min_partition_count":0,"auto_scale_max_partition_count":0}"#,
            )
        );
        assert_eq!(serde_json::from_str::<DescribeStreamResponse>(&json).unwrap(), response);
    }

    #[test]
    fn a_list_has_the_documented_members_in_order() {
        let info = StreamInfo {
            stream_id: "ID".into(),
            stream_name: "a".into(),
            create_time: 1,
            retention_period: 24,
            status: "RUNNING".into(),
            stream_type: "COMMON".into(),
            data_type: "BLOB".into(),
            partition_count: 2,
            auto_scale: AutoScale { enabled: true, min: 2, max: 3 }.into(),
            tags: vec![TagEntry { key: "k".into(), value: "v".into() }],
            sys_tags: vec![],
        };
        let list = ListStreamsResponse {
            total_number: 1,
            stream_names: vec!["a".into()],
            has_more_streams: false,
            stream_info_list: vec![info],
        };
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"total_number":1,"stream_names":["a"],"has_more_streams":false,"stream_info_list":["#,
                r#"{"stream_id":"ID","stream_name":"a","create_time":1,"retention_period":24,"#,
                r#""status":"RUNNING","stream_type":"COMMON","data_type":"BLOB","partition_count":2,"#,
                r#""auto_scale_enabled":true,"auto_scale_min_partition_count":2,"#,
                r#""auto_scale_max_partition_count":3,"tags":[{"key":"k","value":"v"}],"sys_tags":[]}]}"#,
            )
        );
        assert_eq!(serde_json::from_str::<ListStreamsResponse>(&json).unwrap(), list);
    }

    #[test]
    fn a_scaling_log_has_a_list_also_when_it_is_empty() {
        let mut log = ScalingLogResponse {
            stream_id: "ID".into(),
            stream_name: "s".into(),
            update_partition_counts: vec![],
        };
        let json = serde_json::to_string(&log).unwrap();
        assert_eq!(json, r#"{"stream_id":"ID","stream_name":"s","update_partition_counts":[]}"#);
        log.update_partition_counts.push(ScalingEntry {
            create_timestamp: 1,
            src_partition_count: 5,
            target_partition_count: 9,
            auto_scale: true,
        });
        let json = serde_json::to_string(&log).unwrap();
        let entry = concat!(
            r#"[{"create_timestamp":1,"src_partition_count":5,"#,
            r#""target_partition_count":9,"auto_scale":true}]}"#,
        );
        assert!(json.ends_with(entry), "{json}");
        assert_eq!(serde_json::from_str::<ScalingLogResponse>(&json).unwrap(), log);
    }

    #[test]
    fn ranges_are_read_back() {
        let check = |info: PartitionInfo, expected: Option<(u64, u64)>| {
            let bounds = info.bounds().map(|bounds| (bounds.oldest.get(), bounds.high_water.get()));
            assert_eq!(bounds, expected, "{info:?}");
        };
        check(partition(PartitionStatus::Deleted, 3, 7), Some((3, 7)));
        check(partition(PartitionStatus::Expired, 7, 7), None);
        let null = PartitionInfo { sequence_number_range: Some("null".into()), ..PartitionInfo::default() };
        check(null, None);
    }
}
