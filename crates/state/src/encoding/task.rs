//! Transfer tasks, as commands and rows keep them.

use millpond_model::{Descriptor, TaskId, TaskSpec, TaskState, Timestamp};
use prost::Message;

use super::{DecodeError, parts};
use crate::{Command, Task, TaskKey};

#[derive(Clone, PartialEq, Message)]
pub(super) struct TaskKeyTwin {
    #[prost(bytes = "vec", tag = "1")]
    stream: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    task: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CreateTaskTwin {
    #[prost(message, optional, tag = "1")]
    key: Option<TaskKeyTwin>,
    #[prost(message, optional, tag = "2")]
    spec: Option<TaskSpecTwin>,
    #[prost(uint32, tag = "3")]
    task_quota: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UpdateTaskTwin {
    #[prost(message, optional, tag = "1")]
    key: Option<TaskKeyTwin>,
    #[prost(message, optional, tag = "2")]
    spec: Option<TaskSpecTwin>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SetTaskStateTwin {
    #[prost(bytes = "vec", tag = "1")]
    stream: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    tasks: Vec<Vec<u8>>,
    #[prost(string, tag = "3")]
    state: String,
}

#[derive(Clone, PartialEq, Message)]
struct TaskSpecTwin {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    destination: String,
    #[prost(string, tag = "3")]
    consumer_strategy: String,
    #[prost(string, tag = "4")]
    file_type: String,
    #[prost(string, tag = "5")]
    descriptor: String,
    #[prost(string, optional, tag = "6")]
    exception_strategy: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct TaskRow {
    #[prost(message, optional, tag = "1")]
    spec: Option<TaskSpecTwin>,
    #[prost(string, tag = "2")]
    state: String,
    #[prost(int64, tag = "3")]
    created_ms: i64,
}

const BAD: DecodeError = DecodeError::new("transfer task");

impl From<&TaskKey> for TaskKeyTwin {
    fn from(key: &TaskKey) -> Self {
        Self { stream: key.stream.as_bytes().to_vec(), task: key.task.as_bytes().to_vec() }
    }
}

impl TryFrom<TaskKeyTwin> for TaskKey {
    type Error = DecodeError;

    fn try_from(twin: TaskKeyTwin) -> Result<Self, DecodeError> {
        Ok(Self { stream: parts::stream_id(&twin.stream)?, task: task_id(&twin.task)? })
    }
}

fn task_id(bytes: &[u8]) -> Result<TaskId, DecodeError> {
    TaskId::from_bytes(bytes).map_err(|_| BAD)
}

impl From<&TaskSpec> for TaskSpecTwin {
    fn from(spec: &TaskSpec) -> Self {
        Self {
            name: spec.name.as_str().into(),
            destination: spec.destination.as_str().into(),
            consumer_strategy: spec.consumer_strategy.as_str().into(),
            file_type: spec.file_type.as_str().into(),
            descriptor: spec.descriptor.as_str().into(),
            exception_strategy: spec.exception_strategy.as_deref().map(Into::into),
        }
    }
}

impl TryFrom<TaskSpecTwin> for TaskSpec {
    type Error = DecodeError;

    fn try_from(twin: TaskSpecTwin) -> Result<Self, DecodeError> {
        Ok(Self {
            name: parts::parse("task name", &twin.name)?,
            destination: parts::parse("destination type", &twin.destination)?,
            consumer_strategy: parts::parse("consumer strategy", &twin.consumer_strategy)?,
            file_type: parts::parse("file type", &twin.file_type)?,
            descriptor: Descriptor::new(&twin.descriptor).map_err(|_| BAD)?,
            exception_strategy: twin.exception_strategy.map(Into::into),
        })
    }
}

impl CreateTaskTwin {
    pub(super) fn new(key: &TaskKey, spec: &TaskSpec, task_quota: u32) -> Self {
        Self { key: Some(key.into()), spec: Some(spec.into()), task_quota }
    }

    pub(super) fn command(self) -> Result<Command, DecodeError> {
        Ok(Command::CreateTask {
            key: self.key.ok_or(BAD)?.try_into()?,
            spec: self.spec.ok_or(BAD)?.try_into()?,
            task_quota: self.task_quota,
        })
    }
}

impl UpdateTaskTwin {
    pub(super) fn new(key: &TaskKey, spec: &TaskSpec) -> Self {
        Self { key: Some(key.into()), spec: Some(spec.into()) }
    }

    pub(super) fn command(self) -> Result<Command, DecodeError> {
        Ok(Command::UpdateTask {
            key: self.key.ok_or(BAD)?.try_into()?,
            spec: self.spec.ok_or(BAD)?.try_into()?,
        })
    }
}

impl SetTaskStateTwin {
    pub(super) fn new(stream: millpond_model::StreamId, tasks: &[TaskId], state: TaskState) -> Self {
        Self {
            stream: stream.as_bytes().to_vec(),
            tasks: tasks.iter().map(|task| task.as_bytes().to_vec()).collect(),
            state: state.as_str().into(),
        }
    }

    pub(super) fn command(&self) -> Result<Command, DecodeError> {
        Ok(Command::SetTaskState {
            stream: parts::stream_id(&self.stream)?,
            tasks: self.tasks.iter().map(|task| task_id(task)).collect::<Result<_, _>>()?,
            state: parts::parse("task state", &self.state)?,
        })
    }
}

pub(crate) fn encode_task(task: &Task) -> Vec<u8> {
    TaskRow {
        spec: Some((&task.spec).into()),
        state: task.state.as_str().into(),
        created_ms: task.created.as_millis(),
    }
    .encode_to_vec()
}

pub(crate) fn decode_task(key: TaskKey, bytes: &[u8]) -> Result<Task, DecodeError> {
    let row = TaskRow::decode(bytes).map_err(|_| BAD)?;
    Ok(Task {
        key,
        spec: row.spec.ok_or(BAD)?.try_into()?,
        state: parts::parse("task state", &row.state)?,
        created: Timestamp::from_millis(row.created_ms),
    })
}
