//! Transfer tasks (spec/09): what is asked for, and how it is shown.
//!
//! ```text
//! body ──▶ TransferTaskRequest ──▶ DescribedTask ──▶ TaskSpec { …, descriptor: JSON text }
//!            which descriptor          its members, by a table per destination
//!
//! descriptor ──▶ DestinationDescription: every member as it was sent, and the defaults of the others
//! ```

mod action;
mod cloud_table;
mod log;
mod members;
mod request;
mod rules;
#[cfg(test)]
mod tests;
mod view;

pub use action::{TaskAction, TaskActionRequest, TaskReference};
pub use log::{EmptyTaskLogResponse, TaskLogRequest};
pub use request::{DescribedTask, TransferTaskRequest};
pub use view::{DescribeTaskResponse, DestinationDescription, ListTasksResponse, TaskInfo, TaskPartition};

use millpond_model::PageLimits;

use crate::{Query, Refusal};

/// Tasks on a page: all that a stream may have.
const PAGE: PageLimits = PageLimits { default: 100, max: 100 };

/// Parameters of `GET …/transfer-tasks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTasksQuery {
    /// Most tasks of the page: 100 unless asked otherwise, 1 to 100.
    pub limit: u32,
    /// The page begins behind this name, which need not exist.
    pub start_after: Option<String>,
}

impl ListTasksQuery {
    /// # Errors
    /// `DIS.4200` when the limit is not a number.
    pub fn parse(query: &Query) -> Result<Self, Refusal> {
        let start_after = query.get("start_task_name").map(str::to_owned);
        Ok(Self { limit: query.limit("limit", PAGE)?, start_after })
    }
}
