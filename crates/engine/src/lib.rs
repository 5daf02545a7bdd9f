//! What the service asks of a storage engine, and nothing about which one it has.
//!
//! An [`Engine`] is two logs. The [`RecordLog`] keeps the records, per partition and in bulk; the
//! [`StateLog`] orders every other change and folds it into one [`State`](millpond_state::State). What
//! passes the suite in [`conformance`] is an engine; [`memory`] is the smallest one and the oracle of the
//! property tests.
#![forbid(unsafe_code)]

#[cfg(feature = "conformance")]
pub mod conformance;
mod env;
mod failure;
pub mod memory;
mod record_log;
mod state_log;

use std::sync::Arc;

pub use env::{Clock, Entropy, ManualClock, OsEntropy, SeededEntropy, SystemClock};
pub use failure::{Class, StorageFailure};
pub use record_log::{
    AdminError, Append, AppendError, Appended, LogConfig, Page, ReadError, ReadLimit, RecordLog,
};
pub use state_log::{ProposeError, ReadLevel, StateLog, StateView};

/// The two logs of one storage engine.
#[derive(Clone)]
pub struct Engine {
    /// The records.
    pub records: Arc<dyn RecordLog>,
    /// Everything else.
    pub state: Arc<dyn StateLog>,
}
