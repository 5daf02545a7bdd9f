//! Consumer apps (spec/05).

use millpond_model::StreamSelector;
use millpond_service::{AppDescription, PartitionConsumption, PartitionPage};
use millpond_wire::v2::apps::{
    AppInfo, ConsumingStateQuery, ConsumingStateResponse, CreateAppRequest, ListAppsQuery, ListAppsResponse,
    PartitionConsumingState,
};

use crate::{answer::Answer, call::Call, error::ApiError};

/// `POST /apps`: 201 without a body; one client takes none, not even `{}`.
pub(crate) async fn create(call: Call) -> Result<Answer, ApiError> {
    let request: CreateAppRequest = call.json()?;
    call.service().create_app(call.project(), request.name(call.limits().app_name_chars)?).await?;
    Ok(Answer::created())
}

/// `GET /apps`.
pub(crate) async fn list(call: Call) -> Result<Answer, ApiError> {
    let ListAppsQuery { limit, start_after, stream_name } =
        ListAppsQuery::parse(&call.query, call.limits().apps_page)?;
    let stream = StreamSelector::new(stream_name.as_deref(), None);
    let list =
        call.service().list_apps(call.project(), start_after.as_deref(), limit, stream.as_ref()).await?;
    Ok(Answer::json(&ListAppsResponse {
        has_more_app: list.has_more,
        total_number: list.total.into(),
        apps: list.apps.iter().map(app).collect(),
    }))
}

/// `GET /apps/{app}`.
pub(crate) async fn describe(call: Call) -> Result<Answer, ApiError> {
    let description = call.service().describe_app(call.project(), &call.app()?).await?;
    Ok(Answer::json(&app(&description)))
}

/// `DELETE /apps/{app}`: 204.
pub(crate) async fn delete(call: Call) -> Result<Answer, ApiError> {
    call.service().delete_app(call.project(), &call.app()?).await?;
    Ok(Answer::no_content())
}

/// `GET /apps/{app}/streams/{stream}`.
pub(crate) async fn consuming_state(call: Call) -> Result<Answer, ApiError> {
    let query = ConsumingStateQuery::parse(&call.query, call.limits().consumption_page)?;
    let stream = call.stream(query.stream_id.as_deref())?;
    let page = PartitionPage { after: query.start_after, limit: query.limit };
    let state = call.service().consuming_state(call.project(), &call.app()?, &stream, page).await?;
    Ok(Answer::json(&ConsumingStateResponse {
        has_more: state.has_more,
        stream_name: state.stream.to_string(),
        app_name: state.app.to_string(),
        partition_consuming_states: state.partitions.iter().map(partition).collect(),
    }))
}

fn app(app: &AppDescription) -> AppInfo {
    AppInfo {
        app_id: app.id.to_string(),
        app_name: app.name.to_string(),
        create_time: app.created.as_millis(),
        commit_checkpoint_stream_names: app.streams.iter().map(ToString::to_string).collect(),
    }
}

fn partition(state: &PartitionConsumption) -> PartitionConsumingState {
    let checkpoint = state.checkpoint.as_ref().map(|stored| (stored.sequence_number, &stored.metadata));
    PartitionConsumingState::new(state.partition, state.status, state.bounds, checkpoint)
}
