//! The engine as others see it, and its threads.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use millpond_engine::{
    AdminError, Append, AppendError, Appended, Class, Clock, Engine, Entropy, LogConfig, Page, ProposeError,
    ReadError, ReadLevel, ReadLimit, RecordLog, StateLog, StateView, StorageFailure,
};
use millpond_model::{Bounds, PartitionRef, SequenceNumber, StreamId, Timestamp};
use millpond_seglog::disk::{Disk, Lock};
use millpond_state::{LogPosition, Outcome, Proposal};
use parking_lot::{Condvar, Mutex};

use crate::{
    OpenError, Settings, Stats,
    commit::{Committer, Wishes},
    log_op::LogOp,
    queue::Queue,
    recover::{self, Opened},
    room,
};

/// An open data directory.
///
/// Dropping it is like the death of the process: what was acknowledged is durable, and the next start
/// recovers it from the journal. [`LocalEngine::close`] leaves nothing to recover.
pub struct LocalEngine {
    committer: Arc<Committer>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    recovered_frames: u64,
    /// Given back when everything else is.
    _lock: Box<dyn Lock>,
}

impl LocalEngine {
    /// Opens the directory, or makes one, and recovers what the last process left.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[expect(clippy::needless_pass_by_value, reason = "the engine keeps what it is opened with")]
    pub fn open(
        disk: Arc<dyn Disk>,
        root: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let Opened { store, journal, lock, recovered } =
            recover::open(&disk, root, (&clock, &entropy), settings)?;
        let committer = Arc::new(Committer {
            queue: Queue::new(settings.queue_bytes_max, settings.group_bytes_max),
            store,
            journal: Mutex::new(journal),
            released: Condvar::new(),
            wishes: Mutex::new(Wishes { stop: !settings.threads, ..Wishes::default() }),
            wished: Condvar::new(),
            stopping: Condvar::new(),
        });
        let threads = if settings.threads { spawn(&committer).map_err(OpenError::Io)? } else { Vec::new() };
        tracing::debug!(frames = recovered.frames, torn = recovered.torn, "the data directory is open");
        Ok(Self { committer, threads: Mutex::new(threads), recovered_frames: recovered.frames, _lock: lock })
    }

    /// The two logs.
    pub fn engine(&self) -> Engine {
        Engine {
            records: Arc::clone(&self.committer) as Arc<dyn RecordLog>,
            state: Arc::clone(&self.committer) as _,
        }
    }

    /// Counters since the directory was opened.
    pub fn stats(&self) -> &Stats {
        &self.committer.store.stats
    }

    /// How many frames of the journal were told again when the directory was opened; 0 after a clean stop.
    pub fn recovered_frames(&self) -> u64 {
        self.recovered_frames
    }

    /// Waits until the engine stops by itself, because a write or a sync failed. It takes nothing from then
    /// on; open the directory again to go on from what is on disk.
    pub async fn failed(&self) -> StorageFailure {
        self.committer.store.failed().await
    }

    /// Sets a mark now: everything durable leaves the journal.
    ///
    /// # Errors
    /// The failure that stopped the engine.
    pub fn mark(&self) -> Result<(), StorageFailure> {
        self.committer.store.failure().map_or(Ok(()), Err)?;
        self.committer.mark()?;
        if !self.committer.store.settings.threads {
            self.committer.store.room.make_reserve();
        }
        Ok(())
    }

    /// Takes expired segments away now; their files go with the next mark.
    ///
    /// # Errors
    /// The failure that stopped the engine.
    pub fn retain(&self) -> Result<(), StorageFailure> {
        self.committer.store.failure().map_or(Ok(()), Err)?;
        self.committer.retain();
        Ok(())
    }

    /// Whether writes are refused because there is no room on the disk, as of the last one.
    pub fn lacks_space(&self) -> bool {
        self.committer.store.room.refuses()
    }

    /// Whether no record expires at the moment because the clock is not believed.
    pub fn doubts_clock(&self) -> bool {
        self.committer.store.aging.is_suspended()
    }

    /// The partitions of which stored records are known to be damaged: they take no more.
    pub fn damaged(&self) -> Vec<PartitionRef> {
        self.committer.store.damaged()
    }

    /// Finishes what was asked so far, sets a last mark, and closes the directory. Blocks on the disk. On a
    /// full disk there may be no last mark; then the next start has something to recover, and that is all.
    ///
    /// # Errors
    /// The failure that kept it from leaving nothing to recover; nothing acknowledged is lost then either.
    pub fn close(&self) -> Result<(), StorageFailure> {
        self.committer.queue.close();
        self.join();
        match self.mark() {
            Err(failure) if room::is_shortage(&failure) && self.committer.store.failure().is_none() => {
                let error = &failure as &dyn std::error::Error;
                tracing::warn!(error, "the disk is full: the next start recovers from the journal");
                Ok(())
            }
            marked => marked,
        }
    }

    pub(crate) fn committer(&self) -> &Committer {
        &self.committer
    }

    fn join(&self) {
        let mut threads = std::mem::take(&mut *self.threads.lock()).into_iter();
        // The first thread commits; the second one serves it until it is done.
        let outcomes = [
            threads.next().map(JoinHandle::join),
            {
                self.committer.wishes.lock().stop = true;
                self.committer.wished.notify_all();
                self.committer.stopping.notify_all();
                threads.next().map(JoinHandle::join)
            },
            threads.next().map(JoinHandle::join),
        ];
        if outcomes.into_iter().flatten().any(|outcome| outcome.is_err()) {
            tracing::error!("a thread of the engine panicked");
        }
    }
}

impl Drop for LocalEngine {
    fn drop(&mut self) {
        self.committer.queue.abandon();
        self.join();
    }
}

fn spawn(committer: &Arc<Committer>) -> std::io::Result<Vec<JoinHandle<()>>> {
    let thread = |name: &str, work: fn(&Committer)| {
        let committer = Arc::clone(committer);
        std::thread::Builder::new().name(name.into()).spawn(move || work_until_panic(&committer, work))
    };
    Ok(vec![
        thread("journal", Committer::serve)?,
        thread("segments", Committer::maintain)?,
        thread("scrub", Committer::scrub)?,
    ])
}

/// Does the work of a thread. Should it panic, an invariant is broken: the engine stops, and says so, rather
/// than leave everybody waiting.
fn work_until_panic(committer: &Committer, work: fn(&Committer)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(committer))) {
        committer.stop(StorageFailure::new(Class::Fatal, "a thread of the engine panicked"));
        committer.queue.abandon();
        resume_unwind(panic);
    }
}

impl Committer {
    /// Commits groups until the queue is closed.
    fn serve(&self) {
        while let Some(group) = self.queue.next_group() {
            self.commit(group);
            self.wait_for_segments();
        }
    }

    /// Without threads: does what waits, on the caller's.
    pub(crate) fn turn(&self) {
        while let Some(group) = self.queue.try_next_group() {
            self.commit(group);
            if let Some(preparation) = { self.wishes.lock().prepare.take() } {
                self.make_ready(preparation);
            }
            if self.store.unwritten.lock().bytes > self.store.settings.unwritten_bytes_max {
                self.write_behind();
            }
        }
    }
}

#[async_trait]
impl RecordLog for Committer {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        Committer::append(self, batches).await
    }

    async fn read(
        &self,
        of: PartitionRef,
        from: SequenceNumber,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Page, ReadError> {
        self.store.read_page(of, from, limit, wait).await
    }

    async fn bounds(&self, of: PartitionRef) -> Result<Bounds, ReadError> {
        let log = self.store.log(of)?;
        self.store.bounds_of(&log).await
    }

    async fn find_time(&self, of: PartitionRef, at: Timestamp) -> Result<SequenceNumber, ReadError> {
        self.store.find_time_in(of, at).await
    }

    async fn create(&self, stream: StreamId, partitions: u32, config: LogConfig) -> Result<(), AdminError> {
        self.change(LogOp::Create { stream, partitions, config }).await
    }

    async fn add_partitions(&self, stream: StreamId, total: u32) -> Result<(), AdminError> {
        self.change(LogOp::AddPartitions { stream, total }).await
    }

    async fn configure(&self, stream: StreamId, config: LogConfig) -> Result<(), AdminError> {
        if self.store.logs.read().config(stream) == Some(config) {
            return Ok(());
        }
        self.change(LogOp::Configure { stream, config, floor_ms: i64::MIN }).await
    }

    async fn trim(&self, of: PartitionRef, before: SequenceNumber) -> Result<(), AdminError> {
        self.change(LogOp::Trim { partition: of, before }).await
    }

    async fn drop_stream(&self, stream: StreamId) -> Result<(), AdminError> {
        self.change(LogOp::Drop { stream }).await
    }

    async fn streams(&self) -> Result<Vec<StreamId>, AdminError> {
        Ok(self.store.logs.read().streams.keys().copied().collect())
    }
}

#[async_trait]
impl StateLog for Committer {
    async fn propose(&self, proposal: Proposal) -> Result<Outcome, ProposeError> {
        Committer::propose(self, proposal).await
    }

    async fn barrier(&self, level: ReadLevel) -> Result<LogPosition, ProposeError> {
        match level {
            ReadLevel::Local | ReadLevel::Fresh => Ok(self.store.state.read().applied()),
            ReadLevel::Strict => Committer::barrier(self).await,
        }
    }

    fn view(&self) -> StateView<'_> {
        StateView::new(self.store.state.read())
    }
}
