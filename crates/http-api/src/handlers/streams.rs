//! Streams and partitions (spec/02).

use millpond_model::{StreamSelector, StreamSpec};
use millpond_service::{
    PartitionChange, PartitionDescription, PartitionPage, ScalingChange, StreamDescription, StreamSummary,
};
use millpond_wire::v2::streams::{
    ChangePartitionCountResponse, CreateStreamRequest, CsvProperties, DescribeStreamQuery,
    DescribeStreamResponse, ListStreamsQuery, ListStreamsResponse, PartitionInfo, ScalingEntry,
    ScalingLogResponse, StreamChange, StreamInfo, TagEntry, UpdateAttributesResponse, UpdateStreamRequest,
};

use crate::{answer::Answer, call::Call, error::ApiError};

/// A stream that exists takes records at once and until it is gone.
const RUNNING: &str = "RUNNING";

/// `POST /streams`: 201 without a body.
pub(crate) async fn create(call: Call) -> Result<Answer, ApiError> {
    let spec = call.json::<CreateStreamRequest>()?.into_spec(call.limits())?;
    call.service().create_stream(call.project(), spec).await?;
    Ok(Answer::created())
}

/// `GET /streams`: the list, or with a `stream_id` that stream.
pub(crate) async fn list(call: Call) -> Result<Answer, ApiError> {
    let ListStreamsQuery { limit, start_after, stream_id } =
        ListStreamsQuery::parse(&call.query, call.limits().streams_page)?;
    if let Some(selector) = StreamSelector::new(None, stream_id.as_deref()) {
        return describe_selected(&call, &selector).await;
    }
    let list = call.service().list_streams(call.project(), start_after.as_deref(), limit).await?;
    Ok(Answer::json(&ListStreamsResponse {
        total_number: list.total.into(),
        stream_names: list.streams.iter().map(|stream| stream.spec.name.to_string()).collect(),
        has_more_streams: list.has_more,
        stream_info_list: list.streams.iter().map(info).collect(),
    }))
}

/// `GET /streams/{stream}`.
pub(crate) async fn describe(call: Call) -> Result<Answer, ApiError> {
    let query = DescribeStreamQuery::parse(&call.query, call.limits().partitions_page)?;
    let selector = call.stream(query.stream_id.as_deref())?;
    describe_selected(&call, &selector).await
}

async fn describe_selected(call: &Call, selector: &StreamSelector) -> Result<Answer, ApiError> {
    let query = DescribeStreamQuery::parse(&call.query, call.limits().partitions_page)?;
    let page = PartitionPage { after: query.start_after, limit: query.limit };
    let description = call.service().describe_stream(call.project(), selector, page).await?;
    Ok(Answer::json(&described(description)))
}

/// `PUT /v2/{project_id}/streams/{stream}`: a new partition count, nothing else.
pub(crate) async fn change_partition_count(call: Call) -> Result<Answer, ApiError> {
    let target = call.json::<UpdateStreamRequest>()?.target()?;
    let change = call.service().change_partition_count(call.project(), &call.stream(None)?, target).await?;
    Ok(partitions_changed(&change))
}

/// `GET /streams/{stream}/update_partition_counts`: how the partition count has changed.
pub(crate) async fn scaling_log(call: Call) -> Result<Answer, ApiError> {
    let log = call.service().scaling_log(call.project(), &call.stream(None)?).await?;
    Ok(Answer::json(&ScalingLogResponse {
        stream_id: log.id.to_string(),
        stream_name: log.name.to_string(),
        update_partition_counts: log.changes.iter().map(scaled).collect(),
    }))
}

/// `PUT /v3/{project_id}/streams/{stream}`: attributes, or a new partition count when one is given.
pub(crate) async fn update(call: Call) -> Result<Answer, ApiError> {
    let (service, project, stream) = (call.service(), call.project(), call.stream(None)?);
    match call.json::<UpdateStreamRequest>()?.into_change(call.limits())? {
        StreamChange::Partitions(target) => {
            Ok(partitions_changed(&service.change_partition_count(project, &stream, target).await?))
        }
        StreamChange::Attributes(update) => {
            let name = service.update_stream(project, &stream, update).await?;
            Ok(Answer::json(&UpdateAttributesResponse {
                stream_name: name.to_string(),
                target_data_type: None,
            }))
        }
    }
}

/// `PUT /v2/{project_id}/streams/{stream}/update`: attributes.
pub(crate) async fn update_attributes(call: Call) -> Result<Answer, ApiError> {
    let update = call.json::<UpdateStreamRequest>()?.into_update(call.limits())?;
    let data_type = update.data_type;
    let name = call.service().update_stream(call.project(), &call.stream(None)?, update).await?;
    let target_data_type = data_type.map(|data_type| data_type.as_str().to_owned());
    Ok(Answer::json(&UpdateAttributesResponse { stream_name: name.to_string(), target_data_type }))
}

/// `DELETE /streams/{stream}`: 204.
pub(crate) async fn delete(call: Call) -> Result<Answer, ApiError> {
    call.service().delete_stream(call.project(), &call.stream(None)?).await?;
    Ok(Answer::no_content())
}

fn partitions_changed(change: &PartitionChange) -> Answer {
    Answer::json(&ChangePartitionCountResponse {
        stream_name: change.name.to_string(),
        current_partition_count: change.before,
        target_partition_count: change.after,
    })
}

fn info(stream: &StreamSummary) -> StreamInfo {
    let StreamSummary { id, spec, created, active, .. } = stream;
    StreamInfo {
        stream_id: id.to_string(),
        stream_name: spec.name.to_string(),
        create_time: created.as_millis(),
        retention_period: spec.retention.get(),
        status: RUNNING.to_owned(),
        stream_type: spec.stream_type.as_str().to_owned(),
        data_type: spec.data_type.as_str().to_owned(),
        partition_count: *active,
        auto_scale: spec.auto_scale.into(),
        tags: spec.tags.iter().map(TagEntry::from).collect(),
        sys_tags: spec.sys_tags.iter().map(TagEntry::from).collect(),
    }
}

fn described(description: StreamDescription) -> DescribeStreamResponse {
    let StreamDescription { summary, partitions, has_more, scaling } = description;
    let StreamSummary { id, spec, created, modified, active, readable } = summary;
    let csv_properties = csv_properties(&spec);
    DescribeStreamResponse {
        stream_id: id.to_string(),
        stream_name: spec.name.to_string(),
        create_time: created.as_millis(),
        last_modified_time: modified.as_millis(),
        retention_period: spec.retention.get(),
        status: RUNNING.to_owned(),
        stream_type: spec.stream_type.as_str().to_owned(),
        data_type: spec.data_type.as_str().to_owned(),
        data_schema: spec.data_schema.as_deref().map(str::to_owned),
        compression_format: spec.compression_format.map(|format| format.as_str().to_owned()),
        csv_properties,
        writable_partition_count: active,
        readable_partition_count: readable,
        partitions: partitions.iter().map(partition).collect(),
        has_more_partitions: has_more,
        update_partition_counts: scaling.iter().map(scaled).collect(),
        tags: spec.tags.iter().map(TagEntry::from).collect(),
        sys_tags: spec.sys_tags.iter().map(TagEntry::from).collect(),
        auto_scale: spec.auto_scale.into(),
    }
}

fn csv_properties(spec: &StreamSpec) -> Option<CsvProperties> {
    spec.csv_delimiter.as_deref().map(|delimiter| CsvProperties { delimiter: Some(delimiter.to_owned()) })
}

fn partition(partition: &PartitionDescription) -> PartitionInfo {
    // An EXPIRED partition has no bounds, and none are shown.
    let PartitionDescription { id, status, range, bounds } = *partition;
    PartitionInfo::new(id, status, range, bounds.unwrap_or_default())
}

fn scaled(change: &ScalingChange) -> ScalingEntry {
    ScalingEntry {
        create_timestamp: change.time.as_millis(),
        src_partition_count: change.before,
        target_partition_count: change.after,
        auto_scale: change.automatic,
    }
}
