//! Twins that commands and rows share.

use std::str::FromStr;

use millpond_model::{
    AppId, AutoScale, CheckpointType, CompressionFormat, DataType, Metadata, PartitionCount, ProjectId,
    RetentionHours, SequenceNumber, StreamId, StreamSpec, StreamUpdate, Tag,
};

use super::DecodeError;

pub(super) fn parse<T: FromStr>(what: &'static str, text: &str) -> Result<T, DecodeError> {
    text.parse().map_err(|_| DecodeError::new(what))
}

pub(super) fn project(text: &str) -> Result<ProjectId, DecodeError> {
    parse("project id", text)
}

pub(super) fn stream_id(bytes: &[u8]) -> Result<StreamId, DecodeError> {
    StreamId::from_bytes(bytes).map_err(|_| DecodeError::new("stream id"))
}

pub(super) fn app_id(bytes: &[u8]) -> Result<AppId, DecodeError> {
    AppId::from_bytes(bytes).map_err(|_| DecodeError::new("app id"))
}

pub(super) fn sequence_number(number: u64) -> Result<SequenceNumber, DecodeError> {
    SequenceNumber::new(number).map_err(|_| DecodeError::new("sequence number"))
}

pub(super) fn metadata(text: &str) -> Result<Metadata, DecodeError> {
    parse("metadata", text)
}

pub(super) const fn kind_number(kind: CheckpointType) -> u32 {
    match kind {
        CheckpointType::LastRead => 1,
    }
}

pub(super) fn kind(number: u32) -> Result<CheckpointType, DecodeError> {
    if number == 1 { Ok(CheckpointType::LastRead) } else { Err(DecodeError::new("checkpoint type")) }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TagTwin {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

pub(super) fn tag_twins(tags: &[Tag]) -> Vec<TagTwin> {
    tags.iter().map(|tag| TagTwin { key: tag.key().into(), value: tag.value().into() }).collect()
}

pub(super) fn tags(
    twins: &[TagTwin],
    new: impl Fn(&str, &str) -> Result<Tag, millpond_model::InvalidTag>,
) -> Result<Vec<Tag>, DecodeError> {
    twins.iter().map(|twin| new(&twin.key, &twin.value).map_err(|_| DecodeError::new("tag"))).collect()
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SpecTwin {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    partitions: u32,
    #[prost(string, tag = "3")]
    stream_type: String,
    #[prost(string, tag = "4")]
    data_type: String,
    #[prost(uint32, tag = "5")]
    retention_hours: u32,
    #[prost(bool, tag = "6")]
    auto_scale_enabled: bool,
    #[prost(uint32, tag = "7")]
    auto_scale_min: u32,
    #[prost(uint32, tag = "8")]
    auto_scale_max: u32,
    #[prost(string, optional, tag = "9")]
    data_schema: Option<String>,
    #[prost(string, optional, tag = "10")]
    csv_delimiter: Option<String>,
    #[prost(string, optional, tag = "11")]
    compression_format: Option<String>,
    #[prost(message, repeated, tag = "12")]
    tags: Vec<TagTwin>,
    #[prost(message, repeated, tag = "13")]
    sys_tags: Vec<TagTwin>,
}

impl From<&StreamSpec> for SpecTwin {
    fn from(spec: &StreamSpec) -> Self {
        Self {
            name: spec.name.as_str().into(),
            partitions: spec.partitions.get(),
            stream_type: spec.stream_type.as_str().into(),
            data_type: spec.data_type.as_str().into(),
            retention_hours: spec.retention.get(),
            auto_scale_enabled: spec.auto_scale.enabled,
            auto_scale_min: spec.auto_scale.min,
            auto_scale_max: spec.auto_scale.max,
            data_schema: spec.data_schema.as_deref().map(Into::into),
            csv_delimiter: spec.csv_delimiter.as_deref().map(Into::into),
            compression_format: spec.compression_format.map(|format| format.as_str().into()),
            tags: tag_twins(&spec.tags),
            sys_tags: tag_twins(&spec.sys_tags),
        }
    }
}

impl TryFrom<SpecTwin> for StreamSpec {
    type Error = DecodeError;

    fn try_from(twin: SpecTwin) -> Result<Self, DecodeError> {
        let format = |text: &str| parse::<CompressionFormat>("compression format", text);
        Ok(Self {
            name: parse("stream name", &twin.name)?,
            partitions: PartitionCount::new(twin.partitions)
                .map_err(|_| DecodeError::new("partition count"))?,
            stream_type: parse("stream type", &twin.stream_type)?,
            data_type: parse("data type", &twin.data_type)?,
            retention: retention(twin.retention_hours)?,
            auto_scale: AutoScale {
                enabled: twin.auto_scale_enabled,
                min: twin.auto_scale_min,
                max: twin.auto_scale_max,
            },
            data_schema: twin.data_schema.map(Into::into),
            csv_delimiter: twin.csv_delimiter.map(Into::into),
            compression_format: twin.compression_format.as_deref().map(format).transpose()?,
            tags: tags(&twin.tags, Tag::new)?,
            sys_tags: tags(&twin.sys_tags, Tag::system)?,
        })
    }
}

fn retention(hours: u32) -> Result<RetentionHours, DecodeError> {
    RetentionHours::new(hours).map_err(|_| DecodeError::new("retention"))
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UpdateTwin {
    #[prost(uint32, optional, tag = "1")]
    retention_hours: Option<u32>,
    #[prost(string, optional, tag = "2")]
    data_type: Option<String>,
    #[prost(string, optional, tag = "3")]
    data_schema: Option<String>,
    #[prost(bool, optional, tag = "4")]
    auto_scale_enabled: Option<bool>,
    #[prost(uint32, optional, tag = "5")]
    auto_scale_min: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    auto_scale_max: Option<u32>,
}

impl From<&StreamUpdate> for UpdateTwin {
    fn from(update: &StreamUpdate) -> Self {
        Self {
            retention_hours: update.retention.map(RetentionHours::get),
            data_type: update.data_type.map(|data_type| data_type.as_str().into()),
            data_schema: update.data_schema.as_deref().map(Into::into),
            auto_scale_enabled: update.auto_scale_enabled,
            auto_scale_min: update.auto_scale_min,
            auto_scale_max: update.auto_scale_max,
        }
    }
}

impl TryFrom<UpdateTwin> for StreamUpdate {
    type Error = DecodeError;

    fn try_from(twin: UpdateTwin) -> Result<Self, DecodeError> {
        Ok(Self {
            retention: twin.retention_hours.map(retention).transpose()?,
            data_type: twin
                .data_type
                .as_deref()
                .map(|text| parse::<DataType>("data type", text))
                .transpose()?,
            data_schema: twin.data_schema.map(Into::into),
            auto_scale_enabled: twin.auto_scale_enabled,
            auto_scale_min: twin.auto_scale_min,
            auto_scale_max: twin.auto_scale_max,
        })
    }
}
