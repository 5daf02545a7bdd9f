//! One file per noun. A handler unwraps, calls one method of the service, wraps.

pub(crate) mod apps;
pub(crate) mod checkpoints;
pub(crate) mod cursors;
pub(crate) mod files;
pub(crate) mod records;
pub(crate) mod streams;
pub(crate) mod unavailable;
