//! `POST …/transfer-tasks/action`: start and stop.

use millpond_model::{TaskSelector, TaskState, limits};
use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    v2::lenient::{self, Text},
};

/// The body of a request that starts or stops tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskActionRequest<'a> {
    /// `start` or `stop`.
    #[serde(default, borrow)]
    pub action: Text<'a>,
    /// Which tasks.
    #[serde(default, borrow, deserialize_with = "lenient::list")]
    pub tasks: Vec<TaskReference<'a>>,
}

/// One task of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReference<'a> {
    /// Its id, or its name: one client learns no ids (spec/09 §4.1).
    #[serde(default, borrow)]
    pub id: Text<'a>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskAction {
    /// What the tasks shall be.
    pub state: TaskState,
    /// 1 to 100 tasks.
    pub tasks: Vec<TaskSelector>,
}

impl TaskActionRequest<'_> {
    /// What is asked.
    ///
    /// # Errors
    /// `DIS.4200` for another action, no task, more than 100, or one without an id.
    pub fn into_action(self) -> Result<TaskAction, Refusal> {
        let state = match self.action.0.to_ascii_lowercase().as_str() {
            "start" => TaskState::Running,
            "stop" => TaskState::Paused,
            "" => return Err(Refusal::missing("action")),
            _ => return Err(Refusal::invalid_expecting("action", &self.action.0, "start or stop")),
        };
        if self.tasks.is_empty() {
            return Err(Refusal::missing("tasks"));
        }
        if self.tasks.len() > limits::TASK_ACTION_MAX {
            return Err(Refusal::unfit("tasks", &format!("at most {} tasks", limits::TASK_ACTION_MAX)));
        }
        let task = |task: &TaskReference<'_>| TaskSelector::new(&task.id.0);
        let tasks = self.tasks.iter().map(|of| task(of).ok_or_else(|| Refusal::missing("id")));
        Ok(TaskAction { state, tasks: tasks.collect::<Result<_, _>>()? })
    }
}
