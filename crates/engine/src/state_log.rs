//! The state plane: every change that is not a record, in one order.

use std::ops::Deref;

use async_trait::async_trait;
use millpond_state::{LogPosition, Outcome, Proposal, State};
use parking_lot::RwLockReadGuard;

use crate::StorageFailure;

/// A totally ordered, durable log of commands, and the state they fold into.
///
/// Invariants: **I8** a command proposed twice under one id is applied once and answered alike; **I9**
/// conditions of commits hold at the command's place in the order; **I10** the outcome depends only on
/// state, command, position and time; **I11** commits of group members are checked against their group.
#[async_trait]
pub trait StateLog: Send + Sync + 'static {
    /// Orders the command and folds it in; returns once it is durable and applied here.
    ///
    /// `Ok` holds the command's own outcome, which may be a refusal.
    async fn propose(&self, proposal: Proposal) -> Result<Outcome, ProposeError>;

    /// Waits until `view` shows what the level asks for, and returns the position it shows.
    async fn barrier(&self, level: ReadLevel) -> Result<LogPosition, ProposeError>;

    /// The state as applied here. Everything `propose` has acknowledged here is in it. While the view
    /// lives nothing can be applied: look, copy, drop it.
    fn view(&self) -> StateView<'_>;
}

/// How fresh a view has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadLevel {
    /// As applied here: no waiting.
    Local,
    /// Everything any node acknowledged before the call, as far as the log's own end tells.
    Fresh,
    /// The same, proved by an entry of our own in the log.
    Strict,
}

/// Why a command has no outcome.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProposeError {
    /// The encoded command exceeds 64 KiB; nothing was kept.
    #[error("the command is too large")]
    TooLarge,
    /// Too much is waiting already; nothing was kept, try again later.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The storage failed; its class says whether the command may have been kept.
    #[error("the command could not be stored")]
    Storage(#[source] StorageFailure),
}

/// A look at the state.
pub struct StateView<'a>(RwLockReadGuard<'a, State>);

impl<'a> StateView<'a> {
    /// For engines: a view held by this guard.
    pub fn new(guard: RwLockReadGuard<'a, State>) -> Self {
        Self(guard)
    }
}

impl Deref for StateView<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
