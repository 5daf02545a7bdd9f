//! Transfer tasks: what streams are to be delivered where (spec/09 §1 to §5).
//!
//! Tasks are kept, started and stopped here; nothing in this crate delivers. A task's state is what was
//! commanded last, and that of its partitions the same.

use std::fmt::Display;

use millpond_model::{
    ProjectId, StreamId, StreamName, StreamSelector, TaskId, TaskName, TaskSelector, TaskSpec, TaskState,
};
use millpond_state::{Command, Partition, Rejected, State, Stream, Task, TaskKey};

use crate::{Error, PartitionDescription, Service, page::cut, resolve};

/// A page of the transfer tasks of a stream, in the byte order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskList {
    /// The page.
    pub tasks: Vec<Task>,
    /// How many tasks the stream has in all.
    pub total: u32,
    /// How many it may have.
    pub quota: u32,
    /// Whether there are more behind the page.
    pub has_more: bool,
}

/// A transfer task with the partitions it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDescription {
    /// The task.
    pub task: Task,
    /// The name of its stream.
    pub stream_name: StreamName,
    /// The readable partitions of the stream, in index order.
    pub partitions: Vec<PartitionDescription>,
}

impl Service {
    /// Whether the project has such a stream: for requests that are refused for a stream that does not
    /// exist before they are refused for what they say (spec/09 §3).
    ///
    /// # Errors
    /// `StreamNotFound`, `Overloaded`, `Storage`.
    pub async fn require_stream(&self, project: &ProjectId, stream: &StreamSelector) -> Result<(), Error> {
        self.identify(project, stream).await.map(drop)
    }

    /// Whether the project has a task of this id on any of its streams.
    ///
    /// # Errors
    /// `TaskNotFound`, `Overloaded`, `Storage`.
    pub async fn require_task(&self, project: &ProjectId, task: &TaskSelector) -> Result<(), Error> {
        self.look_fresh(|state| {
            let known = task.as_str().parse::<TaskId>().is_ok_and(|task| {
                let mut streams = state.streams_of(project, None);
                streams.any(|stream| state.task(&TaskKey { stream: stream.id, task }).is_some())
            });
            if known { Ok(()) } else { Err(Error::task_not_found(task)) }
        })
        .await
    }

    /// Creates a transfer task; it is RUNNING at once (spec/09 §2, §5).
    ///
    /// # Errors
    /// `StreamNotFound`, `TaskQuotaExceeded`, `TaskExists`, `TaskSourceUnfit`, `TaskSchemaMissing`,
    /// `TooLarge`, `Overloaded`, `Storage`.
    pub async fn create_task(
        &self,
        project: &ProjectId,
        stream: &StreamSelector,
        spec: TaskSpec,
    ) -> Result<(), Error> {
        let task_quota = self.settings.limits.stream_tasks;
        let id = self
            .look_fresh(|state| {
                let found = resolve::stream(state, project, stream)?;
                if count(state, found.id) >= task_quota {
                    return Err(Error::TaskQuotaExceeded { quota: task_quota });
                }
                if state.task_named(found.id, &spec.name).is_some() {
                    return Err(Error::TaskExists(spec.name.clone()));
                }
                check_source(found, &spec)?;
                Ok(found.id)
            })
            .await?;
        let name = spec.name.clone();
        let key = TaskKey { stream: id, task: TaskId::from_random(self.entropy.random()) };
        match self.propose(Command::CreateTask { key, spec, task_quota }).await? {
            Ok(_) => Ok(()),
            Err(Rejected::TaskExists) => Err(Error::TaskExists(name)),
            Err(Rejected::QuotaExceeded { quota }) => Err(Error::TaskQuotaExceeded { quota }),
            Err(rejected) => Err(Error::rejected(&rejected, stream, &"")),
        }
    }

    /// Describes a task anew: the one with the name in `spec` (spec/09 §6.0).
    ///
    /// # Errors
    /// `StreamNotFound`, `TaskNotFound`, `TaskDestinationFixed`, `TaskStartFixed`, `TaskSourceUnfit`,
    /// `TaskSchemaMissing`, `TooLarge`, `Overloaded`, `Storage`.
    pub async fn update_task(
        &self,
        project: &ProjectId,
        stream: &StreamSelector,
        spec: TaskSpec,
    ) -> Result<(), Error> {
        let key = self
            .look_fresh(|state| {
                let found = resolve::stream(state, project, stream)?;
                let task = state.task_named(found.id, &spec.name);
                let task = task.ok_or_else(|| Error::task_not_found(&spec.name))?;
                if task.spec.destination != spec.destination {
                    return Err(Error::TaskDestinationFixed(task.spec.destination));
                }
                if task.spec.consumer_strategy != spec.consumer_strategy {
                    return Err(Error::TaskStartFixed(task.spec.consumer_strategy));
                }
                check_source(found, &spec)?;
                Ok(task.key)
            })
            .await?;
        let name = spec.name.clone();
        self.change_task(Command::UpdateTask { key, spec }, stream, &name).await
    }

    /// The tasks of a stream behind the name `after`, which need not exist, at most `limit` (spec/09 §4.1).
    ///
    /// # Errors
    /// `StreamNotFound`, `Overloaded`, `Storage`.
    pub async fn list_tasks(
        &self,
        project: &ProjectId,
        stream: &StreamSelector,
        after: Option<&str>,
        limit: u32,
    ) -> Result<TaskList, Error> {
        self.look_fresh(|state| {
            let id = resolve::stream(state, project, stream)?.id;
            let mut tasks: Vec<&Task> = state.tasks_of(id).collect();
            tasks.sort_unstable_by_key(|task| task.spec.name.as_str());
            let behind =
                tasks.into_iter().filter(|task| after.is_none_or(|name| task.spec.name.as_str() > name));
            let (tasks, has_more) = cut(behind.cloned(), limit);
            let quota = self.settings.limits.stream_tasks;
            Ok(TaskList { tasks, total: count(state, id), quota, has_more })
        })
        .await
    }

    /// One task (spec/09 §4.2).
    ///
    /// # Errors
    /// `StreamNotFound`, `TaskNotFound`, `Overloaded`, `Storage`.
    pub async fn describe_task(
        &self,
        project: &ProjectId,
        stream: &StreamSelector,
        task: &TaskSelector,
    ) -> Result<TaskDescription, Error> {
        let look = |state: &State| {
            let found = resolve::stream(state, project, stream)?;
            let readable = found.partitions().iter().filter(|partition| partition.status.is_readable());
            let partitions: Vec<Partition> = readable.copied().collect();
            Ok((find(state, found.id, task)?.clone(), found.spec.name.clone(), partitions))
        };
        let (task, stream_name, partitions) = self.look_fresh(look).await?;
        let bounds = self.bounds_of(task.key.stream, &partitions, stream).await?;
        let partitions = partitions.into_iter().zip(bounds);
        let partitions = partitions
            .map(|(Partition { id, status, range, .. }, bounds)| PartitionDescription {
                id,
                status,
                range,
                bounds,
            })
            .collect();
        Ok(TaskDescription { task, stream_name, partitions })
    }

    /// Starts or stops tasks: all of them, or none. One that is as asked already stays so (spec/09 §5).
    ///
    /// # Errors
    /// `StreamNotFound`, `TaskNotFound`, `Overloaded`, `Storage`.
    pub async fn set_task_state(
        &self,
        project: &ProjectId,
        stream: &StreamSelector,
        tasks: &[TaskSelector],
        state: TaskState,
    ) -> Result<(), Error> {
        let (id, found) = self
            .look_fresh(|state| {
                let id = resolve::stream(state, project, stream)?.id;
                let found = tasks.iter().map(|task| Ok(find(state, id, task)?.key.task));
                Ok((id, found.collect::<Result<Vec<TaskId>, Error>>()?))
            })
            .await?;
        let named = tasks.first().map_or("", TaskSelector::as_str);
        self.change_task(Command::SetTaskState { stream: id, tasks: found, state }, stream, &named).await
    }

    /// Deletes a task.
    ///
    /// # Errors
    /// `StreamNotFound`, `TaskNotFound`, `Overloaded`, `Storage`.
    pub async fn delete_task(
        &self,
        project: &ProjectId,
        stream: &StreamSelector,
        task: &TaskSelector,
    ) -> Result<(), Error> {
        let key = self
            .look_fresh(|state| {
                let id = resolve::stream(state, project, stream)?.id;
                Ok(find(state, id, task)?.key)
            })
            .await?;
        self.change_task(Command::DeleteTask { key }, stream, task).await
    }

    /// A change of a task that was there a moment ago.
    async fn change_task(
        &self,
        command: Command,
        stream: &StreamSelector,
        task: &(dyn Display + Sync),
    ) -> Result<(), Error> {
        match self.propose(command).await? {
            Ok(_) => Ok(()),
            Err(Rejected::TaskNotFound(_)) => Err(Error::task_not_found(task)),
            Err(rejected) => Err(Error::rejected(&rejected, stream, &"")),
        }
    }
}

/// The task of the stream that a request means: by name, then by id.
fn find<'a>(state: &'a State, stream: StreamId, selector: &TaskSelector) -> Result<&'a Task, Error> {
    let text = selector.as_str();
    let by_name = text.parse::<TaskName>().ok().and_then(|name| state.task_named(stream, &name));
    let by_id = || state.task(&TaskKey { stream, task: text.parse().ok()? });
    by_name.or_else(by_id).ok_or_else(|| Error::task_not_found(selector))
}

fn count(state: &State, stream: StreamId) -> u32 {
    u32::try_from(state.tasks_of(stream).count()).unwrap_or(u32::MAX)
}

/// Whether the stream's records can be delivered as asked (spec/09 §2.7).
fn check_source(stream: &Stream, spec: &TaskSpec) -> Result<(), Error> {
    let (destination, file_type) = (spec.destination, spec.file_type);
    let data_type = stream.spec.data_type;
    if !destination.takes(data_type, file_type) {
        return Err(Error::TaskSourceUnfit { data_type, destination });
    }
    if destination.needs_schema(file_type) && stream.spec.data_schema.is_none() {
        return Err(Error::TaskSchemaMissing);
    }
    Ok(())
}
