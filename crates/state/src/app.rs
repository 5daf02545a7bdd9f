//! Consumer apps.

use millpond_model::{AppId, AppName, ProjectId, Timestamp};

/// A named consumer; its checkpoints are kept per stream and partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Its name.
    pub name: AppName,
    /// When it was created, by the time of the log.
    pub created: Timestamp,
}
