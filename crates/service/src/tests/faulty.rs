//! An engine that fails when told to.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use millpond_engine::{
    AdminError, Append, AppendError, Appended, Engine, LogConfig, ManualClock, Page, ProposeError, ReadError,
    ReadLevel, ReadLimit, RecordLog, StateLog, StateView, memory::MemoryEngine,
};
use millpond_model::{Bounds, PartitionRef, SequenceNumber, StreamId, Timestamp};
use millpond_state::{LogPosition, Outcome, Proposal};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// The memory engine with failures in front of it. Each list is used up from its head; `None` lets one
/// call through.
pub(super) struct Faulty {
    inner: Engine,
    /// For each batch.
    pub(super) append: Mutex<VecDeque<Option<AppendError>>>,
    /// For each command.
    pub(super) propose: Mutex<VecDeque<Option<ProposeError>>>,
    /// For each drop of a stream.
    pub(super) drop: Mutex<VecDeque<Option<AdminError>>>,
    /// For each question for bounds.
    pub(super) bounds: Mutex<VecDeque<Option<ReadError>>>,
    /// Commands wait here; many may pass unless a test takes the permits away.
    pub(super) gate: Semaphore,
    /// The same for appends.
    pub(super) append_gate: Semaphore,
}

impl Faulty {
    pub(super) fn new(clock: Arc<ManualClock>) -> (Arc<Self>, Engine) {
        let faulty = Arc::new(Self {
            inner: MemoryEngine::engine(clock),
            append: Mutex::default(),
            propose: Mutex::default(),
            drop: Mutex::default(),
            bounds: Mutex::default(),
            gate: Semaphore::new(1000),
            append_gate: Semaphore::new(1000),
        });
        let engine = Engine { records: faulty.clone(), state: faulty.clone() };
        (faulty, engine)
    }
}

fn next<E>(failures: &Mutex<VecDeque<Option<E>>>) -> Result<(), E> {
    failures.lock().pop_front().flatten().map_or(Ok(()), Err)
}

#[async_trait]
impl RecordLog for Faulty {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let _permit = self.append_gate.acquire().await.unwrap();
        let mut results = Vec::new();
        for batch in batches {
            results.push(match next(&self.append) {
                Ok(()) => self.inner.records.append(vec![batch]).await.remove(0),
                Err(failure) => Err(failure),
            });
        }
        results
    }

    async fn read(
        &self,
        of: PartitionRef,
        from: SequenceNumber,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Page, ReadError> {
        self.inner.records.read(of, from, limit, wait).await
    }

    async fn bounds(&self, of: PartitionRef) -> Result<Bounds, ReadError> {
        next(&self.bounds)?;
        self.inner.records.bounds(of).await
    }

    async fn find_time(&self, of: PartitionRef, at: Timestamp) -> Result<SequenceNumber, ReadError> {
        self.inner.records.find_time(of, at).await
    }

    async fn create(&self, stream: StreamId, partitions: u32, config: LogConfig) -> Result<(), AdminError> {
        self.inner.records.create(stream, partitions, config).await
    }

    async fn add_partitions(&self, stream: StreamId, total: u32) -> Result<(), AdminError> {
        self.inner.records.add_partitions(stream, total).await
    }

    async fn configure(&self, stream: StreamId, config: LogConfig) -> Result<(), AdminError> {
        self.inner.records.configure(stream, config).await
    }

    async fn trim(&self, of: PartitionRef, before: SequenceNumber) -> Result<(), AdminError> {
        self.inner.records.trim(of, before).await
    }

    async fn drop_stream(&self, stream: StreamId) -> Result<(), AdminError> {
        next(&self.drop)?;
        self.inner.records.drop_stream(stream).await
    }

    async fn streams(&self) -> Result<Vec<StreamId>, AdminError> {
        self.inner.records.streams().await
    }
}

#[async_trait]
impl StateLog for Faulty {
    async fn propose(&self, proposal: Proposal) -> Result<Outcome, ProposeError> {
        let _permit = self.gate.acquire().await.unwrap();
        next(&self.propose)?;
        self.inner.state.propose(proposal).await
    }

    async fn barrier(&self, level: ReadLevel) -> Result<LogPosition, ProposeError> {
        self.inner.state.barrier(level).await
    }

    fn view(&self) -> StateView<'_> {
        self.inner.state.view()
    }
}
