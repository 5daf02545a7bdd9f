//! The use cases: streams, records, cursors, apps, checkpoints, groups. No HTTP, no files.
//!
//! A [`Service`] takes what the edge has already parsed, looks at the state, asks the engine, and answers
//! in types of the domain. It never learns which engine it has, nor what an error is called on the wire.
//!
//! ```text
//!   put_records ── one look at the state: stream, ACTIVE partitions ──▶ place ──▶ one RecordLog::append
//!   get_records ── cursor's age, stream, partition ──▶ RecordLog::read ──▶ records and the next position
//!   the others  ── look: names become ids ──▶ StateLog::propose ──▶ what became of it
//! ```
//!
//! Two things are kept in two places: a stream is in the state and has a log of records. The order of
//! the two steps makes every crash in between harmless: a log is created before its stream is published
//! and dropped after its stream is deleted, so a stream always has its log. A log without a stream is
//! dropped by [`Service::open`] and [`Service::housekeep`].
//!
//! A service has its engine to itself: no other process creates streams on it at the same time.
#![forbid(unsafe_code)]

mod apps;
mod auto_scaling;
mod checkpoints;
mod cursors;
mod descriptions;
mod error;
pub mod flow;
mod groups;
mod housekeeping;
mod metrics;
mod page;
mod placement;
mod policies;
mod quotas;
mod records;
mod resolve;
mod scaling;
mod settings;
mod streams;
mod tags;
mod tasks;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use millpond_model::{Limits, StreamId};
use millpond_state::{Command, CommandId, Done, Proposal, Rejected};
use parking_lot::Mutex;

pub use apps::{AppDescription, AppList, ConsumingState, PartitionConsumption};
pub use checkpoints::{CheckpointQuery, CommitCheckpoint, DeleteCheckpoints, GroupMember, StoredCheckpoint};
pub use cursors::{CursorPosition, CursorStart, RecordsPage};
pub use descriptions::{PartitionDescription, StreamDescription, StreamList, StreamSummary};
pub use error::{Error, RecordError};
pub use flow::{Flow, FlowSettings, Throughput, Usage};
pub use groups::{HeartbeatAnswer, JoinAnswer, JoinGroup, SyncAnswer};
pub use housekeeping::Housekeeping;
pub use metrics::MetricSeries;
pub use millpond_engine::{Class, Clock, Engine, Entropy, ReadLimit, StorageFailure};
pub use millpond_state::{Actor, MetricCounts, ScalingChange, Task};
pub use page::PartitionPage;
pub use policies::PolicyList;
pub use quotas::{Quota, Quotas};
pub use records::Placed;
pub use scaling::{PartitionChange, ScalingLog, ScalingRate};
pub use settings::Settings;
pub use tags::{ProjectTags, TaggedStream, TaggedStreams};
pub use tasks::{TaskDescription, TaskList};

/// The use cases over one engine. Held in an [`Arc`].
pub struct Service {
    engine: Engine,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Settings,
    secret: [u8; 32],
    /// When it was opened, on the clock that never goes back: it has measured nothing before.
    opened: Duration,
    /// Streams whose log may exist although the state does not know them yet: never dropped.
    creating: Mutex<BTreeSet<StreamId>>,
    /// Where the next record that names no place goes, counted over all requests.
    turn: AtomicU64,
    /// Who of which group was heard of when.
    watches: groups::Watches,
    /// What was measured and is not in the state yet.
    meter: metrics::Meter,
    /// How busy partitions are, where somebody wants to know.
    flow: Flow,
}

impl Service {
    /// The deployment's secret: 32 random bytes, the same ones after every start. What is derived from
    /// it has to name its purpose.
    pub fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// What requests may hold and ask for.
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// How busy partitions are.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The clock that every age is measured with.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    async fn propose(&self, command: Command) -> Result<Result<Done, Rejected>, Error> {
        propose(&self.engine, &*self.entropy, command).await
    }
}

async fn propose(
    engine: &Engine,
    entropy: &dyn Entropy,
    command: Command,
) -> Result<Result<Done, Rejected>, Error> {
    let id = CommandId::from_random(entropy.random());
    Ok(engine.state.propose(Proposal { id, command }).await?)
}
