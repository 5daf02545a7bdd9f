//! Transfer tasks: what delivers a stream's records to another system (spec/09).

use std::{str::FromStr, sync::Arc};

use crate::{DataType, InvalidAttribute, TaskName, limits, stream::words};

words! {
    /// Where a transfer task delivers to (spec/09 §2). These are the only words that answers show:
    /// one client knows no others.
    Destination, "destination type", "OBS, MRS, DLI, DWS or CLOUDTABLE" {
        /// Objects in a bucket.
        Obs = "OBS",
        /// Files in the HDFS of a cluster.
        Mrs = "MRS",
        /// A table of Data Lake Insight.
        Dli = "DLI",
        /// A table of a data warehouse.
        Dws = "DWS",
        /// `HBase` or `OpenTSDB`.
        CloudTable = "CLOUDTABLE",
    }
}
words! {
    /// Whether a transfer task is to deliver. Only what users command: a task in trouble would have
    /// further states (spec/09 §5).
    TaskState, "transfer task state", "RUNNING or PAUSED" {
        /// Created or started.
        Running = "RUNNING",
        /// Stopped.
        Paused = "PAUSED",
    }
}
words! {
    /// Where a transfer task begins in each partition (spec/09 §9).
    ConsumerStrategy, "consumer strategy", "LATEST or TRIM_HORIZON" {
        /// With the first record behind its creation.
        Latest = "LATEST",
        /// With the oldest record.
        TrimHorizon = "TRIM_HORIZON",
    }
}
words! {
    /// What the delivered files hold (spec/09 §8). `carbon` is refused, not unknown.
    FileType, "destination file type", "text or parquet" {
        /// The records as they are.
        Text = "text",
        /// Columns by the stream's schema.
        Parquet = "parquet",
    }
}

impl Destination {
    /// Whether a stream of such records can be delivered here (spec/09 §2.7).
    pub const fn takes(self, data: DataType, files: FileType) -> bool {
        match (data, files) {
            (DataType::Json, _) => true,
            (_, FileType::Parquet) => false,
            (DataType::Csv, FileType::Text) => !matches!(self, Self::CloudTable),
            (DataType::Blob | DataType::File, FileType::Text) => matches!(self, Self::Obs | Self::Mrs),
        }
    }

    /// Whether the stream must have a schema: its columns are those of the destination (spec/09 §2.4, §8).
    pub const fn needs_schema(self, files: FileType) -> bool {
        matches!((self, files), (Self::Dli, _) | (_, FileType::Parquet))
    }
}

/// The text exceeds 16 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a descriptor has at most {} bytes", limits::TASK_DESCRIPTOR_BYTES_MAX)]
pub struct DescriptorTooLong;

/// What a client said about the destination of a transfer task: a JSON object, each member as it was
/// sent, because some clients compare what comes back with what they sent (spec/09 §4.2). At most
/// 16 KiB. The edge has checked it; nothing here reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor(Arc<str>);

impl Descriptor {
    /// Takes the text.
    ///
    /// # Errors
    /// `DescriptorTooLong` above 16 KiB.
    pub fn new(json: &str) -> Result<Self, DescriptorTooLong> {
        let fits = json.len() <= limits::TASK_DESCRIPTOR_BYTES_MAX;
        fits.then(|| Self(json.into())).ok_or(DescriptorTooLong)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A transfer task to be created, or to become of one (spec/09 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its name, unique in the stream.
    pub name: TaskName,
    /// Where it delivers to; never changes.
    pub destination: Destination,
    /// Where it begins; never changes.
    pub consumer_strategy: ConsumerStrategy,
    /// What the files hold.
    pub file_type: FileType,
    /// Everything the client said about the destination.
    pub descriptor: Descriptor,
    /// Stored and echoed; nothing is documented of it.
    pub exception_strategy: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_destinations_match_as_documented() {
        use DataType::{Blob, Csv, File, Json};
        use Destination::{CloudTable, Dli, Dws, Mrs, Obs};
        let check = |data: DataType, text: &[Destination], parquet: bool| {
            for destination in [Obs, Mrs, Dli, Dws, CloudTable] {
                let expected = text.contains(&destination);
                assert_eq!(destination.takes(data, FileType::Text), expected, "{data:?} {destination:?}");
                assert_eq!(destination.takes(data, FileType::Parquet), parquet, "{data:?} {destination:?}");
            }
        };
        check(Blob, &[Obs, Mrs], false);
        check(File, &[Obs, Mrs], false);
        check(Csv, &[Obs, Mrs, Dli, Dws], false);
        check(Json, &[Obs, Mrs, Dli, Dws, CloudTable], true);
        let needing = [Obs, Mrs, Dli, Dws, CloudTable].map(|to| to.needs_schema(FileType::Text));
        assert_eq!(needing, [false, false, true, false, false]);
        assert!(Obs.needs_schema(FileType::Parquet));
    }

    #[test]
    fn descriptors_are_bounded() {
        assert!(Descriptor::new(&"x".repeat(16 * 1024)).is_ok());
        assert_eq!(Descriptor::new(&"x".repeat(16 * 1024 + 1)), Err(DescriptorTooLong));
    }
}
