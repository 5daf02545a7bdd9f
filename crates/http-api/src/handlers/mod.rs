//! One file per noun. A handler unwraps, calls one method of the service, wraps.

pub(crate) mod apps;
pub(crate) mod checkpoints;
pub(crate) mod cursors;
pub(crate) mod discovery;
pub(crate) mod files;
pub(crate) mod groups;
pub(crate) mod metrics;
pub(crate) mod policies;
pub(crate) mod projects;
pub(crate) mod quotas;
pub(crate) mod records;
pub(crate) mod schema;
pub(crate) mod streams;
pub(crate) mod tags;
pub(crate) mod tasks;
pub(crate) mod tokens;
