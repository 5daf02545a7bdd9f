//! Tags of streams (spec/10).

use millpond_model::Tag;
use millpond_service::TaggedStream;
use millpond_wire::{
    Code,
    v2::{
        streams::TagEntry,
        tags::{
            BatchTagsRequest, CreateTagRequest, FindStreamsRequest, FindStreamsResponse, FoundStream,
            ProjectTagsResponse, StreamTagsResponse, TagBatch, TagValues,
        },
    },
};

use crate::{answer::Answer, call::Call, error::ApiError};

/// The one kind of thing that has tags.
const STREAM: &str = "stream";

/// `POST /stream/{stream_id}/tags`: 204.
pub(crate) async fn create(call: Call) -> Result<Answer, ApiError> {
    let stream = tagged(&call)?;
    let tags = call.json::<CreateTagRequest>()?.into_tags()?;
    call.service().put_tags(call.project(), stream, tags).await?;
    Ok(Answer::no_content())
}

/// `GET /stream/{stream_id}/tags`.
pub(crate) async fn list(call: Call) -> Result<Answer, ApiError> {
    let tags = call.service().stream_tags(call.project(), tagged(&call)?).await?;
    Ok(Answer::json(&StreamTagsResponse { tags: entries(&tags) }))
}

/// `POST /stream/{stream_id}/tags/action`: 204.
pub(crate) async fn batch(call: Call) -> Result<Answer, ApiError> {
    let stream = tagged(&call)?;
    let (service, project) = (call.service(), call.project());
    match call.json::<BatchTagsRequest>()?.into_batch(call.limits().stream_tags)? {
        TagBatch::Put(tags) => service.put_tags(project, stream, tags).await?,
        TagBatch::Delete(keys) => drop(service.delete_tags(project, stream, keys).await?),
    }
    Ok(Answer::no_content())
}

/// `DELETE /stream/{stream_id}/tags/{key}`: 204.
pub(crate) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let stream = tagged(&call)?;
    call.service().delete_tag(call.project(), stream, call.parameter("key")).await?;
    Ok(Answer::no_content())
}

/// `GET /stream/tags`: the tags of all streams.
pub(crate) async fn list_all(call: Call) -> Result<Answer, ApiError> {
    let tags = call.service().project_tags(call.project()).await?;
    let tags = tags.into_iter().map(|(key, values)| TagValues {
        key: key.into(),
        values: values.into_iter().map(Into::into).collect(),
    });
    Ok(Answer::json(&ProjectTagsResponse { tags: tags.collect() }))
}

/// `POST /stream/resource_instances/action`: a page of streams, or only their number.
pub(crate) async fn find(call: Call) -> Result<Answer, ApiError> {
    let search = call.json::<FindStreamsRequest>()?.into_search(call.limits().found_page)?;
    let (offset, limit) = search.page.map_or((0, 0), |page| (page.offset, page.limit));
    let found = call.service().find_by_tags(call.project(), &search.filter, offset, limit).await?;
    let resources = search.page.map(|_| found.streams.iter().map(resource).collect());
    Ok(Answer::json(&FindStreamsResponse { resources, total_count: found.total }))
}

/// The stream in the path, once it is clear that the path means a stream.
fn tagged(call: &Call) -> Result<&str, ApiError> {
    let resource = call.parameter("resource");
    if resource != STREAM {
        let text = format!("{resource}. Expected: {STREAM}");
        return Err(Code::TagResourceTypeInvalid.about(text).into());
    }
    Ok(call.parameter("stream"))
}

fn resource(stream: &TaggedStream) -> FoundStream {
    FoundStream {
        resource_id: stream.id.to_string(),
        resource_name: stream.name.to_string(),
        resource_detail: None,
        tags: entries(&stream.tags),
    }
}

fn entries(tags: &[Tag]) -> Vec<TagEntry> {
    tags.iter().map(TagEntry::from).collect()
}
