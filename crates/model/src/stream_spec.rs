//! What a client asks a stream to be.

use std::sync::Arc;

use crate::{
    AutoScale, CompressionFormat, DataType, PartitionCount, RetentionHours, StreamName, StreamType, Tag,
};

/// A stream to be created (spec/02 §1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// Its name, unique in the project.
    pub name: StreamName,
    /// How many partitions it starts with.
    pub partitions: PartitionCount,
    /// Capacity class.
    pub stream_type: StreamType,
    /// What the producer says its records are.
    pub data_type: DataType,
    /// How long records are kept.
    pub retention: RetentionHours,
    /// Automatic scaling.
    pub auto_scale: AutoScale,
    /// Avro schema text; at most 32 KiB, not checked.
    pub data_schema: Option<Arc<str>>,
    /// Delimiter of CSV records; echoed, never used.
    pub csv_delimiter: Option<Arc<str>>,
    /// Compression of dumps.
    pub compression_format: Option<CompressionFormat>,
    /// At most ten, keys unique.
    pub tags: Vec<Tag>,
    /// The platform's tags.
    pub sys_tags: Vec<Tag>,
}

impl StreamSpec {
    /// A stream with the defaults of spec/02 §1.
    pub fn new(name: StreamName, partitions: PartitionCount) -> Self {
        Self {
            name,
            partitions,
            stream_type: StreamType::Common,
            data_type: DataType::Blob,
            retention: RetentionHours::default(),
            auto_scale: AutoScale::default(),
            data_schema: None,
            csv_delimiter: None,
            compression_format: None,
            tags: Vec::new(),
            sys_tags: Vec::new(),
        }
    }
}

/// A change of attributes; what is absent stays (spec/02 §6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamUpdate {
    /// New retention.
    pub retention: Option<RetentionHours>,
    /// New data type.
    pub data_type: Option<DataType>,
    /// New schema text.
    pub data_schema: Option<Arc<str>>,
    /// Switch automatic scaling.
    pub auto_scale_enabled: Option<bool>,
    /// New lower bound of automatic scaling.
    pub auto_scale_min: Option<u32>,
    /// New upper bound of automatic scaling.
    pub auto_scale_max: Option<u32>,
}
