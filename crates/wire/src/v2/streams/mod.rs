//! Streams and partitions (spec/02).

mod create;
mod query;
mod tags;
mod update;
mod view;

pub use create::{CreateStreamRequest, CsvProperties};
pub use query::{DescribeStreamQuery, ListStreamsQuery};
pub use tags::TagEntry;
pub(in crate::v2) use tags::tags as unique_tags;
pub use update::{ChangePartitionCountResponse, StreamChange, UpdateAttributesResponse, UpdateStreamRequest};
pub use view::{
    AutoScaleView, DescribeStreamResponse, ListStreamsResponse, PartitionInfo, ScalingEntry,
    ScalingLogResponse, StreamInfo,
};

use millpond_model::{DataType, RetentionHours, RetentionLimits, limits};

use crate::Refusal;

/// A bound of automatic scaling: 0 when absent or 0.
fn auto_scale_bound(name: &str, value: Option<i64>) -> Result<u32, Refusal> {
    let max = limits::STREAM_PARTITIONS_MAX;
    let value = value.unwrap_or(0);
    let bound = u32::try_from(value).ok().filter(|&bound| bound <= max);
    bound.ok_or_else(|| Refusal::invalid_expecting(name, value, &format!("1 to {max}")))
}

/// Hours to keep records; `None` when absent or 0.
fn retention(value: Option<i64>, within: RetentionLimits) -> Result<Option<RetentionHours>, Refusal> {
    let Some(hours) = value.filter(|&hours| hours != 0) else { return Ok(None) };
    let RetentionLimits { min, max, .. } = within;
    let expected = format!("{min} to {max} hours");
    let refusal = || Refusal::invalid_expecting("data_duration", hours, &expected);
    let admitted = u32::try_from(hours).ok().filter(|hours| (min..=max).contains(hours));
    let retention = admitted.and_then(|hours| RetentionHours::new(hours).ok());
    retention.map(Some).ok_or_else(refusal)
}

fn data_type(text: Option<&str>) -> Result<Option<DataType>, Refusal> {
    text.map(|text| word("data_type", text)).transpose()
}

fn data_schema(text: Option<String>) -> Result<Option<std::sync::Arc<str>>, Refusal> {
    match text {
        Some(text) if text.len() > limits::DATA_SCHEMA_BYTES_MAX => {
            let expected = format!("at most {} bytes", limits::DATA_SCHEMA_BYTES_MAX);
            Err(Refusal::unfit("data_schema", &expected))
        }
        text => Ok(text.map(Into::into)),
    }
}

/// One of the words that an attribute may be.
fn word<T>(name: &str, text: &str) -> Result<T, Refusal>
where
    T: std::str::FromStr<Err = millpond_model::InvalidAttribute>,
{
    text.parse().map_err(|error: T::Err| Refusal::invalid_expecting(name, text, error.expected))
}
