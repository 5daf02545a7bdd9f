//! Consumer groups: who reads which partitions (spec/07).
//!
//! The members of a group are the clients that consume under one app. They share out the partitions of
//! the streams they subscribe to in rounds, and every round has a generation:
//!
//! ```text
//!            join             all joined, or time is up        all synced, or time is up
//!   Empty ─────────▶ Joining ──────────────────────────▶ Syncing ─────────────────────▶ Stable
//!     ▲                 ▲      generation + 1, shares       │                             │
//!     │ last one left   └───────── join, leave, silence, change of the partitions ────────┘
//! ```
//!
//! A group is part of the [`State`](crate::State): what happens to it is a command, and what it answers
//! follows from it. It knows no clock. A phase that may not last for ever has a [`Timer`], named by the
//! place in the log at which the phase began; whoever sees it run out proposes so, and a second
//! proposal for the same phase finds another one and does nothing. [`Watch`] keeps the time.

mod answers;
mod assignment;
mod events;
mod fold;
mod subscription;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    collections::{BTreeMap, btree_map::Values},
    time::Duration,
};

use millpond_model::{
    ClientId, PartitionId, RebalanceTimeout, StreamId,
    limits::{GROUP_INITIAL_DELAY_MS, MEMBER_SILENCE_MIN_MS},
};

use crate::LogPosition;

pub use answers::{Heartbeat, SyncStep};
pub use events::GroupEvent;
pub(crate) use events::Scene;
pub use subscription::{InvalidSubscription, StreamPattern, Subscription};
pub use watch::{Overdue, Watch};

/// The partitions of a member, by stream; each list in index order and not empty.
pub type Assignment = BTreeMap<StreamId, Vec<PartitionId>>;

/// Where a group stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No members.
    #[default]
    Empty,
    /// Waits for its members to join the round.
    Joining {
        /// It was empty before, and waits a moment so that a fleet can start together.
        delayed: bool,
    },
    /// The partitions are shared out; not every member has fetched its share.
    Syncing,
    /// Every member had the time to fetch its share.
    Stable,
}

/// A group. It outlives its last member, because its generation must never be given again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub(crate) phase: Phase,
    /// Where in the log the phase began.
    pub(crate) phase_since: LogPosition,
    pub(crate) generation: u32,
    pub(crate) members: BTreeMap<ClientId, Member>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub(crate) subscription: Subscription,
    pub(crate) rebalance_timeout: RebalanceTimeout,
    /// Where in the log it joined last: tells one life of a client id from the next.
    pub(crate) joined_at: LogPosition,
    /// Whether it has joined this round.
    pub(crate) joined: bool,
    /// Whether it has fetched its share of this round.
    pub(crate) synced: bool,
    pub(crate) assignment: Assignment,
}

/// The end of a phase that may not last for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Where in the log the phase began.
    pub phase_since: LogPosition,
    /// How long it may last.
    pub length: Duration,
}

impl Group {
    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Where in the log its phase began.
    pub fn phase_since(&self) -> LogPosition {
        self.phase_since
    }

    /// The number of completed rounds since the app was created.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether it has members; they keep its app in use (spec/05 §4).
    pub fn is_live(&self) -> bool {
        !self.members.is_empty()
    }

    /// The member of that id.
    pub fn member(&self, client: &str) -> Option<&Member> {
        self.members.get(client)
    }

    /// The members in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = (&ClientId, &Member)> {
        self.members.iter()
    }

    /// When the present phase ends by itself; `None` for those that last.
    pub fn timer(&self) -> Option<Timer> {
        let length = match self.phase {
            Phase::Empty | Phase::Stable => return None,
            Phase::Joining { delayed: true } => Duration::from_millis(GROUP_INITIAL_DELAY_MS),
            Phase::Joining { delayed: false } | Phase::Syncing => self.patience(),
        };
        Some(Timer { phase_since: self.phase_since, length })
    }

    /// The largest rebalance time-out of the members.
    fn patience(&self) -> Duration {
        self.all().map(|member| member.rebalance_timeout).max().unwrap_or_default().as_duration()
    }

    fn all(&self) -> Values<'_, ClientId, Member> {
        self.members.values()
    }
}

impl Member {
    /// What it subscribes to.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// How long it wants the others to wait for it.
    pub fn rebalance_timeout(&self) -> RebalanceTimeout {
        self.rebalance_timeout
    }

    /// Where in the log it joined last.
    pub fn joined_at(&self) -> LogPosition {
        self.joined_at
    }

    /// Whether it has joined the present round.
    pub fn has_joined(&self) -> bool {
        self.joined
    }

    /// Its partitions; those of the round before, while the group is joining.
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// How long it may be silent before it counts as gone (spec/07 §4).
    pub fn silence_max(&self) -> Duration {
        Duration::from_millis(MEMBER_SILENCE_MIN_MS).max(self.rebalance_timeout.as_duration())
    }
}
