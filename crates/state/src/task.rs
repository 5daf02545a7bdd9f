//! Transfer tasks of streams (spec/09): what was asked for. Nothing here says what was delivered.

use millpond_model::{StreamId, TaskId, TaskName, TaskSpec, TaskState, Timestamp};

use crate::{Done, Outcome, Rejected, RowKey, State};

/// Names a transfer task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its id.
    pub task: TaskId,
}

/// A transfer task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its stream and id.
    pub key: TaskKey,
    /// What it shall do.
    pub spec: TaskSpec,
    /// What was last commanded.
    pub state: TaskState,
    /// When it was created, by the time of the log.
    pub created: Timestamp,
}

/// Changes.
impl State {
    pub(crate) fn create_task(
        &mut self,
        key: TaskKey,
        spec: TaskSpec,
        quota: u32,
        created: Timestamp,
        changed: &mut Vec<RowKey>,
    ) -> Outcome {
        if !self.streams.contains_key(&key.stream) {
            return Err(Rejected::StreamNotFound);
        }
        if self.tasks_of(key.stream).count() >= quota as usize {
            return Err(Rejected::QuotaExceeded { quota });
        }
        if self.tasks.contains_key(&key) || self.task_named(key.stream, &spec.name).is_some() {
            return Err(Rejected::TaskExists);
        }
        changed.push(RowKey::Task(key));
        self.tasks.insert(key, Task { key, spec, state: TaskState::Running, created });
        Ok(Done::Changed)
    }

    pub(crate) fn update_task(&mut self, key: TaskKey, spec: TaskSpec, changed: &mut Vec<RowKey>) -> Outcome {
        let task = self.tasks.get_mut(&key).ok_or(Rejected::TaskNotFound(key))?;
        let fixed = |spec: &TaskSpec| (spec.name.clone(), spec.destination, spec.consumer_strategy);
        if fixed(&task.spec) != fixed(&spec) {
            return Err(Rejected::TaskFixed);
        }
        task.spec = spec;
        changed.push(RowKey::Task(key));
        Ok(Done::Changed)
    }

    /// All of the tasks, or none.
    pub(crate) fn set_task_state(
        &mut self,
        stream: StreamId,
        tasks: &[TaskId],
        state: TaskState,
        changed: &mut Vec<RowKey>,
    ) -> Outcome {
        let keys = || tasks.iter().map(|&task| TaskKey { stream, task });
        if let Some(unknown) = keys().find(|key| !self.tasks.contains_key(key)) {
            return Err(Rejected::TaskNotFound(unknown));
        }
        for key in keys() {
            if let Some(task) = self.tasks.get_mut(&key) {
                task.state = state;
                changed.push(RowKey::Task(key));
            }
        }
        Ok(Done::Changed)
    }

    pub(crate) fn delete_task(&mut self, key: TaskKey, changed: &mut Vec<RowKey>) -> Outcome {
        self.tasks.remove(&key).ok_or(Rejected::TaskNotFound(key))?;
        changed.push(RowKey::Task(key));
        Ok(Done::Changed)
    }

    /// What becomes of the tasks of a stream that is deleted.
    pub(crate) fn remove_tasks_of(&mut self, stream: StreamId, changed: &mut Vec<RowKey>) {
        let keys: Vec<TaskKey> = self.tasks_of(stream).map(|task| task.key).collect();
        for key in keys {
            self.tasks.remove(&key);
            changed.push(RowKey::Task(key));
        }
    }
}

/// Questions.
impl State {
    /// The task of that key.
    pub fn task(&self, key: &TaskKey) -> Option<&Task> {
        self.tasks.get(key)
    }

    /// The tasks of a stream, in the order of their ids.
    pub fn tasks_of(&self, stream: StreamId) -> impl Iterator<Item = &Task> {
        let first = TaskKey { stream, task: TaskId::from_random(0) };
        self.tasks.range(first..).map(|(_, task)| task).take_while(move |task| task.key.stream == stream)
    }

    /// The task of that name in the stream.
    pub fn task_named(&self, stream: StreamId, name: &TaskName) -> Option<&Task> {
        self.tasks_of(stream).find(|task| task.spec.name == *name)
    }
}
