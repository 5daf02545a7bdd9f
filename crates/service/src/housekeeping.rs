//! What nobody asks for: opening, and clearing up behind crashes and retention.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU64},
};

use millpond_engine::{Clock, Engine, Entropy, LogConfig, ReadError, ReadLevel};
use millpond_model::{PartitionId, PartitionRef, PartitionStatus, StreamId, Timestamp};
use millpond_state::{Command, Done, LogPosition, Rejected, State, Stream};
use parking_lot::Mutex;

use crate::{Error, Flow, Service, Settings, groups::Watches, metrics::Meter, propose};

/// Most partitions that one command marks: a command holds 64 KiB.
const EXPIRED_AT_ONCE_MAX: usize = 1000;

/// What one pass of housekeeping did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Housekeeping {
    /// Partitions that became EXPIRED.
    pub partitions_expired: u32,
    /// Logs dropped that belonged to no stream.
    pub logs_dropped: u32,
    /// Streams that got another number of partitions by automatic scaling.
    pub streams_scaled: u32,
    /// What could not be done. Each failure was logged, and the next pass tries again.
    pub failures: u32,
}

impl Service {
    /// Takes an engine into service: fixes the deployment's secret if this is the first start, and
    /// clears up what a crash between two steps may have left.
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn open(
        engine: Engine,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let secret = fixed_secret(&engine, &*entropy).await?;
        let mut turn = [0; 8];
        entropy.fill(&mut turn);
        let turn = AtomicU64::new(u64::from_le_bytes(turn));
        let creating = Mutex::default();
        let opened = clock.monotonic();
        let (meter, watches) = (Meter::default(), Watches::default());
        let flow = Flow::new(settings.flow.clone());
        let service =
            Self { engine, clock, entropy, settings, secret, opened, creating, turn, watches, meter, flow };
        service.settle().await?;
        Ok(service)
    }

    /// Makes the record logs agree with the state: those without a stream are dropped, the others get
    /// the settings the state has.
    async fn settle(&self) -> Result<(), Error> {
        let logs: BTreeSet<StreamId> = self.engine.records.streams().await?.into_iter().collect();
        let owned = |state: &State| -> Vec<_> { state.streams().map(|s| (s.id, s.spec.retention)).collect() };
        let owned = owned(&self.engine.state.view());
        for &(id, retention) in &owned {
            if logs.contains(&id) {
                self.engine.records.configure(id, LogConfig { retention }).await?;
            } else {
                // Its requests will fail; the other streams are none the worse.
                tracing::error!(stream = %id, "a stream has lost its records: restore them from a backup, or delete it");
            }
        }
        self.drop_orphans(&mut Housekeeping::default()).await;
        Ok(())
    }

    /// Marks closed partitions EXPIRED whose records have all left retention, drops logs that no stream
    /// owns, stores the metrics of the minutes that are over, and scales streams that do so by themselves.
    /// Called from time to time, best once a minute; harmless at any moment.
    pub async fn housekeep(&self) -> Housekeeping {
        let mut done = Housekeeping::default();
        self.drop_orphans(&mut done).await;
        let now = self.clock.now();
        let closed: Vec<_> =
            self.engine.state.view().streams().filter_map(|stream| long_closed(stream, now)).collect();
        for (id, partitions) in closed {
            if let Err(error) = self.expire(id, partitions, &mut done).await {
                done.failed("partitions could not be marked EXPIRED", &error);
            }
        }
        if let Err(error) = self.store_finished_metrics().await {
            done.failed("metrics could not be stored", &error);
        }
        self.scale_streams(&mut done).await;
        self.flow.sweep(self.clock.monotonic());
        done
    }

    /// The order matters: a log that was there before the streams under creation were listed, and is of
    /// none of these, has been published by then or never will be.
    async fn drop_orphans(&self, done: &mut Housekeeping) {
        let logs = match self.engine.records.streams().await {
            Ok(logs) => logs,
            Err(error) => return done.failed("the record logs could not be listed", &error.into()),
        };
        let creating = self.creating.lock().clone();
        if let Err(error) = self.engine.state.barrier(ReadLevel::Fresh).await {
            return done.failed("the newest state could not be seen", &error.into());
        }
        let orphans: Vec<StreamId> = {
            let state = self.engine.state.view();
            let orphan = |id: &StreamId| !creating.contains(id) && state.stream(*id).is_none();
            logs.into_iter().filter(orphan).collect()
        };
        for id in orphans {
            if self.drop_log(id).await {
                tracing::info!(stream = %id, "dropped records that no stream owns");
                done.logs_dropped += 1;
            } else {
                done.failures += 1;
            }
        }
    }

    async fn expire(
        &self,
        id: StreamId,
        closed: Vec<(PartitionId, LogPosition)>,
        done: &mut Housekeeping,
    ) -> Result<(), Error> {
        let mut empty = Vec::new();
        for (partition, seen) in closed {
            match self.engine.records.bounds(PartitionRef { stream: id, partition }).await {
                Ok(bounds) if bounds.is_empty() => empty.push((partition, seen)),
                Ok(_) => {}
                Err(ReadError::UnknownPartition(_)) if self.is_gone(id) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        for some in empty.chunks(EXPIRED_AT_ONCE_MAX) {
            match self.propose(Command::ExpirePartitions { id, closed: some.to_vec() }).await? {
                Ok(Done::Count(expired)) => done.partitions_expired += expired,
                Ok(_) | Err(Rejected::StreamNotFound) => {}
                Err(rejected) => return Err(Error::rejected(&rejected, &id, &"")),
            }
        }
        Ok(())
    }

    fn is_gone(&self, id: StreamId) -> bool {
        self.engine.state.view().stream(id).is_none()
    }
}

/// The partitions of a stream that have been DELETED for longer than its retention. Until then a put that
/// began before they were closed may still be under way, and what it stores has to stay readable.
fn long_closed(stream: &Stream, now: Timestamp) -> Option<(StreamId, Vec<(PartitionId, LogPosition)>)> {
    let limit = now.minus(stream.spec.retention.as_duration());
    let closed = stream.partitions().iter().filter(|p| p.status == PartitionStatus::Deleted);
    let closed: Vec<_> = closed.filter(|p| p.changed < limit).map(|p| (p.id, p.changed_at)).collect();
    (!closed.is_empty()).then_some((stream.id, closed))
}

/// The secret in force: the one that the first start of this deployment fixed.
async fn fixed_secret(engine: &Engine, entropy: &dyn Entropy) -> Result<[u8; 32], Error> {
    engine.state.barrier(ReadLevel::Fresh).await?;
    let fixed = engine.state.view().secret();
    if let Some(secret) = fixed {
        return Ok(secret);
    }
    let mut secret = [0; 32];
    entropy.fill(&mut secret);
    match propose(engine, entropy, Command::InitDeployment { secret }).await? {
        Ok(Done::Deployment(secret)) => Ok(secret),
        outcome => Err(Error::contradiction(format!("unexpected outcome: {:?}", outcome.err()))),
    }
}

impl Housekeeping {
    pub(crate) fn failed(&mut self, what: &'static str, error: &Error) {
        let error = error as &dyn std::error::Error;
        tracing::warn!(error, "{what}; it is tried again");
        self.failures += 1;
    }
}
