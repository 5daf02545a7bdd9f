//! Commands, and the one pure function that folds them: streams, apps, checkpoints, groups.
//!
//! Everything that is not a record is a [`Command`] in a totally ordered log. [`State::apply`] folds
//! the log: its outcome depends on the state, the command, its position and its time, and on nothing
//! else. No clock, no randomness, no order of a hash map, no floating point. Both engines call this one
//! function, so compare-and-set, idempotent retry and history behave alike on each of them.
//!
//! ```text
//!   log:    … │ 41 CreateStream │ 42 CommitCheckpoints │ 43 DeleteApp │ …
//!                      │                  │                   │
//!   fold:   State ── apply ──▶ State ── apply ──▶ State ── apply ──▶ State
//!                      └ Applied { outcome, rows that changed }
//! ```
//!
//! A state can be written out as rows ([`State::row`]) and read back ([`State::from_rows`]); folding the
//! rest of the log onto that gives the same bytes as folding the whole log.
#![forbid(unsafe_code)]

mod app;
mod checkpoint;
mod command;
mod encoding;
mod groups;
mod metrics;
mod outcome;
mod policies;
mod position;
mod recent;
mod rows;
mod scaling;
mod state;
mod stream;
mod tags;
mod task;
#[cfg(test)]
mod tests;

pub use app::App;
pub use checkpoint::{Checkpoint, CheckpointChange, CheckpointKey};
pub use command::{CheckpointCommit, Command, Expected, GroupMember, Proposal};
pub use encoding::{DecodeError, decode_proposal, encode_proposal};
pub use groups::{
    Assignment, Group, GroupEvent, Heartbeat, InvalidSubscription, Member, Overdue, Phase, StreamPattern,
    Subscription, SyncStep, Timer, Watch,
};
pub use metrics::{METRICS_BYTES_MAX, METRICS_STREAM_BYTES_MAX, MetricCounts, MetricsKey, MinuteMetrics};
pub use outcome::{Committed, Done, Outcome, Rejected};
pub use position::{Actor, CommandId, LogPosition};
pub use recent::{RECENT_COMMANDS_MAX, RECENT_LIFE};
pub use rows::RowKey;
pub use state::{Applied, State};
pub use stream::{Partition, ScalingChange, Stream};
pub use task::{Task, TaskKey};

/// Most bytes of an encoded proposal: larger ones are refused before they reach a log.
pub const PROPOSAL_BYTES_MAX: usize = 64 * 1024;
