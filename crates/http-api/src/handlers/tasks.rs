//! Transfer tasks (spec/09 §1 to §5): kept, started and stopped as commanded. Nothing delivers yet, so
//! that every answer says that nothing was transferred.

use millpond_model::{TaskSelector, TaskSpec};
use millpond_service::{PartitionDescription, Task, TaskDescription};
use millpond_wire::{
    Refusal,
    v2::{
        streams::PartitionInfo,
        tasks::{
            DescribeTaskResponse, DestinationDescription, EmptyTaskLogResponse, ListTasksQuery,
            ListTasksResponse, TaskAction, TaskActionRequest, TaskInfo, TaskLogRequest, TaskPartition,
            TransferTaskRequest,
        },
    },
};

use crate::{answer::Answer, call::Call, error::ApiError};

/// `POST …/transfer-tasks`: 201 without a body.
pub(crate) async fn create(call: Call) -> Result<Answer, ApiError> {
    let spec = spec(&call).await?;
    call.service().create_task(call.project(), &call.stream(None)?, spec).await?;
    Ok(Answer::created())
}

/// `PUT …/transfer-tasks`: 200 without a body. The descriptor names the task.
pub(crate) async fn update(call: Call) -> Result<Answer, ApiError> {
    let spec = spec(&call).await?;
    call.service().update_task(call.project(), &call.stream(None)?, spec).await?;
    Ok(Answer::ok())
}

/// What members may be has to wait until the stream is found, so their refusals do too (spec/09 §3).
async fn spec(call: &Call) -> Result<TaskSpec, ApiError> {
    match call.json::<TransferTaskRequest<'_>>()?.described()?.into_spec(call.limits().tasks) {
        Ok(spec) => Ok(spec),
        Err(refusal) => {
            call.service().require_stream(call.project(), &call.stream(None)?).await?;
            Err(refusal.into())
        }
    }
}

/// `GET …/transfer-tasks`.
pub(crate) async fn list(call: Call) -> Result<Answer, ApiError> {
    let ListTasksQuery { limit, start_after } = ListTasksQuery::parse(&call.query)?;
    let stream = call.stream(None)?;
    let list = call.service().list_tasks(call.project(), &stream, start_after.as_deref(), limit).await?;
    let tasks: Vec<TaskInfo> = list.tasks.iter().map(info).collect();
    Ok(Answer::json(&ListTasksResponse {
        total_number: list.total,
        quota: list.quota,
        details: tasks.clone(),
        tasks,
        has_more_tasks: list.has_more,
    }))
}

/// `GET …/transfer-tasks/{task}`.
pub(crate) async fn describe(call: Call) -> Result<Answer, ApiError> {
    let described = call.service().describe_task(call.project(), &call.stream(None)?, &task(&call)?).await?;
    let TaskDescription { task, stream_name, partitions } = described;
    let stream_id = task.key.stream.to_string();
    Ok(Answer::json(&DescribeTaskResponse {
        stream_name: stream_name.to_string(),
        stream_id: stream_id.clone(),
        stream_id_camel: stream_id,
        task: info(&task),
        exception_strategy: task.spec.exception_strategy.as_deref().map(str::to_owned),
        partitions: partitions.iter().map(|of| partition(&task, of)).collect(),
        description: DestinationDescription {
            destination: task.spec.destination,
            descriptor: task.spec.descriptor,
        },
    }))
}

/// `DELETE …/transfer-tasks/{task}`: 204.
pub(crate) async fn delete(call: Call) -> Result<Answer, ApiError> {
    call.service().delete_task(call.project(), &call.stream(None)?, &task(&call)?).await?;
    Ok(Answer::no_content())
}

/// `POST …/transfer-tasks/action`: 200 without a body; the very next answer shows the new state.
pub(crate) async fn action(call: Call) -> Result<Answer, ApiError> {
    let TaskAction { state, tasks } = call.json::<TaskActionRequest<'_>>()?.into_action()?;
    call.service().set_task_state(call.project(), &call.stream(None)?, &tasks, state).await?;
    Ok(Answer::ok())
}

/// `POST /v1/transfertasklog/{task}`: nothing was delivered, so that the log of every task is empty.
pub(crate) async fn log(call: Call) -> Result<Answer, ApiError> {
    call.json::<TaskLogRequest<'_>>()?.check()?;
    call.service().require_task(call.project(), &task(&call)?).await?;
    Ok(Answer::json(&EmptyTaskLogResponse::default()))
}

/// `GET /v1/obs/buckets`: those that the credentials of the deployment can see (spec/09 §6.2). It has none.
pub(crate) async fn buckets(_: Call) -> Result<Answer, ApiError> {
    Ok(Answer::json(&[(); 0]))
}

/// The task that the path names.
fn task(call: &Call) -> Result<TaskSelector, Refusal> {
    TaskSelector::new(call.parameter("task")).ok_or_else(|| Refusal::missing("task_name"))
}

fn info(task: &Task) -> TaskInfo {
    TaskInfo {
        task_id: task.key.task.to_string(),
        task_name: task.spec.name.to_string(),
        state: task.state.as_str().to_owned(),
        destination_type: task.spec.destination.as_str().to_owned(),
        create_time: task.created.as_millis(),
        last_transfer_timestamp: 0,
    }
}

fn partition(task: &Task, partition: &PartitionDescription) -> TaskPartition {
    let PartitionDescription { id, status, range, bounds } = *partition;
    let info = PartitionInfo::new(id, status, range, bounds.unwrap_or_default());
    TaskPartition::untouched(task.state, info)
}
