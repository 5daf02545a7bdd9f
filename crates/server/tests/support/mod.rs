//! What the tests of the program share: processes, a plain HTTP client, calls of the API, and a
//! checked load.
#![allow(dead_code, reason = "every test program uses its own part of this")]

pub mod api;
pub mod history;
pub mod http;
pub mod load;
pub mod partitions;
pub mod random;
pub mod register;
pub mod server;

use std::time::Duration;

/// How long anything may take before a test gives up: far above what the slowest machine needs.
pub const PATIENCE: Duration = Duration::from_mins(1);
