//! Transfer tasks as answers show them (spec/09 §4).

use millpond_model::{Descriptor, Destination, TaskState};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::members::Members;
use crate::v2::streams::PartitionInfo;

/// Answer of `GET …/transfer-tasks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ListTasksResponse {
    /// All tasks of the stream, not of the page.
    pub total_number: u32,
    /// How many the stream may have.
    pub quota: u32,
    /// The page, in byte order.
    pub tasks: Vec<TaskInfo>,
    /// Whether another page follows.
    pub has_more_tasks: bool,
    /// The same tasks once more: one client reads them here.
    pub details: Vec<TaskInfo>,
}

/// A task in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskInfo {
    /// Id of this incarnation.
    pub task_id: String,
    /// Name.
    pub task_name: String,
    /// `RUNNING` or `PAUSED`.
    pub state: String,
    /// `OBS` and the like.
    pub destination_type: String,
    /// Milliseconds since the epoch.
    pub create_time: i64,
    /// Milliseconds since the epoch; 0 before the first transfer.
    pub last_transfer_timestamp: i64,
}

/// Answer of `GET …/transfer-tasks/{task}`.
#[derive(Clone, Debug, Serialize)]
pub struct DescribeTaskResponse {
    /// The stream.
    pub stream_name: String,
    /// Its id.
    pub stream_id: String,
    /// Its id again, in the other spelling of the samples.
    #[serde(rename = "streamId")]
    pub stream_id_camel: String,
    /// The task as in a list.
    #[serde(flatten)]
    pub task: TaskInfo,
    /// As it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception_strategy: Option<String>,
    /// The readable partitions, by index.
    pub partitions: Vec<TaskPartition>,
    /// What was said about the destination.
    #[serde(flatten)]
    pub description: DestinationDescription,
}

/// A partition of a described task: what the documented sample shows, and what the documented table
/// does (spec/09 §4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskPartition {
    #[serde(rename = "partitionId")]
    id: String,
    state: String,
    discard: u64,
    last_transfer_timestamp: i64,
    last_transfer_offset: u64,
    #[serde(flatten)]
    partition: PartitionInfo,
}

impl TaskPartition {
    /// A partition of which nothing has been transferred.
    pub fn untouched(state: TaskState, partition: PartitionInfo) -> Self {
        let (id, state) = (partition.partition_id.clone(), state.as_str().to_owned());
        Self { id, state, partition, ..Self::default() }
    }
}

/// What was said about the destination, under the names by which clients know it; two of them miss a
/// letter in the documents, and one client has a spelling of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationDescription {
    /// Where the task delivers to.
    pub destination: Destination,
    /// What was said.
    pub descriptor: Descriptor,
}

impl DestinationDescription {
    fn names(&self) -> &'static [&'static str] {
        match self.destination {
            Destination::Obs => &["obs_destination_description"],
            Destination::Mrs => &["mrs_destination_description"],
            Destination::Dli => &["dli_destination_description"],
            Destination::Dws => &["dws_destination_descripton", "dws_destination_description"],
            Destination::CloudTable => &[
                "cloudtable_destination_descripton",
                "cloudtable_destination_description",
                "cloud_table_destination_description",
            ],
        }
    }

    /// Every member as it was sent. Those that were not get their defaults, except the nine that one
    /// client compares with what it sent (spec/09 §4.2).
    fn members(&self) -> serde_json::Result<Members<'_>> {
        let mut members = Members::reread(self.descriptor.as_str())?;
        let texts: &[(&str, &str)] = match self.destination {
            Destination::Obs | Destination::Dli => &[],
            Destination::Mrs => &[("hdfs_prefix_folder", "")],
            Destination::Dws => &[("dws_table_columns", "")],
            Destination::CloudTable => &[("cloudtable_row_key_delimiter", "."), ("backup_file_prefix", "")],
        };
        for (name, default) in texts {
            members.default(name, default);
        }
        let retry_seconds = if self.destination == Destination::Obs { 0 } else { 1800 };
        // A client that writes numbers as texts reads them as texts.
        match members.raw("deliver_time_interval") {
            Some(text) if text.starts_with('"') => {
                members.default("retry_duration", retry_seconds.to_string());
            }
            _ => members.default("retry_duration", retry_seconds),
        }
        Ok(members)
    }
}

impl Serialize for DestinationDescription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.members().map_err(serde::ser::Error::custom)?;
        let mut map = serializer.serialize_map(Some(self.names().len()))?;
        for name in self.names() {
            map.serialize_entry(name, &members)?;
        }
        map.end()
    }
}
