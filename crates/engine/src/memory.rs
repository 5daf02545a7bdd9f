//! An engine in memory: the smallest there is, and the oracle of the property tests.
//!
//! It keeps everything for as long as it lives and nothing longer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use millpond_model::{Bounds, PartitionId, PartitionRef, Record, SequenceNumber, StreamId, Timestamp};
use millpond_state::{LogPosition, Outcome, PROPOSAL_BYTES_MAX, Proposal, State, encode_proposal};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::{
    AdminError, Append, AppendError, Appended, Clock, Engine, LogConfig, Page, ProposeError, ReadError,
    ReadLevel, ReadLimit, RecordLog, StateLog, StateView,
};

/// The engine.
pub struct MemoryEngine {
    clock: Arc<dyn Clock>,
    streams: Mutex<BTreeMap<StreamId, StreamLog>>,
    appended: Notify,
    state: RwLock<State>,
}

struct StreamLog {
    config: LogConfig,
    partitions: Vec<PartitionLog>,
}

#[derive(Default)]
struct PartitionLog {
    /// Every record ever appended: the number of a record is its index.
    records: Vec<Record>,
    oldest: usize,
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, streams: Mutex::default(), appended: Notify::new(), state: RwLock::default() }
    }

    /// An empty engine as the service takes it.
    pub fn engine(clock: Arc<dyn Clock>) -> Engine {
        let memory = Arc::new(Self::new(clock));
        Engine { records: Arc::clone(&memory) as Arc<dyn RecordLog>, state: memory }
    }

    /// Runs `look` on a partition whose expired records are already out of sight.
    fn with<T>(&self, of: PartitionRef, look: impl FnOnce(&mut PartitionLog) -> T) -> Option<T> {
        let now = self.clock.now();
        let mut streams = self.streams.lock();
        let stream = streams.get_mut(&of.stream)?;
        let cutoff = now.minus(stream.config.retention.as_duration());
        let log = stream.partitions.get_mut(index(of.partition))?;
        log.expire(cutoff);
        Some(look(log))
    }

    fn append_one(&self, batch: Append) -> Result<Appended, AppendError> {
        let now = self.clock.now();
        self.with(batch.partition, |log| log.append(batch.records, now))
            .ok_or(AppendError::UnknownPartition(batch.partition))
    }

    fn change<T>(&self, id: StreamId, change: impl FnOnce(&mut StreamLog) -> T) -> Result<T, AdminError> {
        self.streams.lock().get_mut(&id).map(change).ok_or(AdminError::UnknownStream(id))
    }
}

fn index(partition: PartitionId) -> usize {
    usize::try_from(partition.index()).unwrap_or(usize::MAX)
}

fn number(index: usize) -> SequenceNumber {
    SequenceNumber::ZERO.plus(u64::try_from(index).expect("an index fits 64 bits"))
}

impl StreamLog {
    fn grow(&mut self, total: u32) {
        let total = self.partitions.len().max(index(PartitionId::new(total)));
        self.partitions.resize_with(total, PartitionLog::default);
    }
}

impl PartitionLog {
    fn bounds(&self) -> Bounds {
        Bounds { oldest: number(self.oldest), high_water: number(self.records.len()) }
    }

    fn expire(&mut self, cutoff: Timestamp) {
        let kept = self.records.iter().skip(self.oldest).take_while(|record| record.arrival < cutoff).count();
        self.oldest += kept;
    }

    fn append(&mut self, records: Vec<millpond_model::NewRecord>, now: Timestamp) -> Appended {
        let first = number(self.records.len());
        let arrival = self.records.last().map_or(now, |last| last.arrival.max(now));
        for new in records {
            let sequence_number = number(self.records.len());
            self.records.push(Record {
                sequence_number,
                arrival,
                data: new.data,
                partition_key: new.partition_key,
                explicit_hash_key: new.explicit_hash_key,
                producer_time: new.timestamp,
            });
        }
        Appended { first, arrival }
    }

    fn read(&self, from: SequenceNumber, limit: ReadLimit) -> Result<Page, ReadError> {
        let bounds = self.bounds();
        if from < bounds.oldest {
            return Err(ReadError::Trimmed(bounds));
        }
        if from > bounds.high_water {
            return Err(ReadError::Beyond(bounds));
        }
        let (mut records, mut bytes) = (Vec::new(), 0);
        for record in self.records.iter().skip(usize::try_from(from.get()).unwrap_or(usize::MAX)) {
            bytes += record.data.len() as u64;
            let fits = bytes <= limit.bytes || (limit.at_least_one && records.is_empty());
            if records.len() as u64 >= u64::from(limit.records) || !fits {
                break;
            }
            records.push(record.clone());
        }
        let next = from.plus(records.len() as u64);
        Ok(Page { records, next })
    }
}

#[async_trait]
impl RecordLog for MemoryEngine {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let results = batches.into_iter().map(|batch| self.append_one(batch)).collect();
        self.appended.notify_waiters();
        results
    }

    async fn read(
        &self,
        of: PartitionRef,
        from: SequenceNumber,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Page, ReadError> {
        let read =
            || self.with(of, |log| log.read(from, limit)).unwrap_or(Err(ReadError::UnknownPartition(of)));
        let at_end = |page: &Page| self.with(of, |log| log.bounds().high_water == page.next).unwrap_or(false);
        let deadline = tokio::time::sleep(wait);
        tokio::pin!(deadline);
        loop {
            let appended = self.appended.notified();
            tokio::pin!(appended);
            appended.as_mut().enable();
            let page = read()?;
            if !page.records.is_empty() || wait.is_zero() || !at_end(&page) {
                return Ok(page);
            }
            tokio::select! {
                () = &mut appended => {}
                () = &mut deadline => return Ok(page),
            }
        }
    }

    async fn bounds(&self, of: PartitionRef) -> Result<Bounds, ReadError> {
        self.with(of, |log| log.bounds()).ok_or(ReadError::UnknownPartition(of))
    }

    async fn find_time(&self, of: PartitionRef, at: Timestamp) -> Result<SequenceNumber, ReadError> {
        let find = |log: &mut PartitionLog| {
            let readable = log.records.iter().skip(log.oldest);
            let found = readable.clone().find(|record| record.timestamp() >= at);
            found.map_or(log.bounds().high_water, |record| record.sequence_number)
        };
        self.with(of, find).ok_or(ReadError::UnknownPartition(of))
    }

    async fn create(&self, stream: StreamId, partitions: u32, config: LogConfig) -> Result<(), AdminError> {
        let mut streams = self.streams.lock();
        streams.entry(stream).or_insert_with(|| {
            let mut log = StreamLog { config, partitions: Vec::new() };
            log.grow(partitions);
            log
        });
        Ok(())
    }

    async fn add_partitions(&self, stream: StreamId, total: u32) -> Result<(), AdminError> {
        self.change(stream, |log| log.grow(total))
    }

    async fn configure(&self, stream: StreamId, config: LogConfig) -> Result<(), AdminError> {
        self.change(stream, |log| log.config = config)
    }

    async fn trim(&self, of: PartitionRef, before: SequenceNumber) -> Result<(), AdminError> {
        let before = usize::try_from(before.get()).unwrap_or(usize::MAX);
        let trim = |log: &mut PartitionLog| log.oldest = before.min(log.records.len()).max(log.oldest);
        self.with(of, trim).ok_or(AdminError::UnknownPartition(of))
    }

    async fn drop_stream(&self, stream: StreamId) -> Result<(), AdminError> {
        self.streams.lock().remove(&stream);
        self.appended.notify_waiters();
        Ok(())
    }

    async fn streams(&self) -> Result<Vec<StreamId>, AdminError> {
        Ok(self.streams.lock().keys().copied().collect())
    }
}

#[async_trait]
impl StateLog for MemoryEngine {
    async fn propose(&self, proposal: Proposal) -> Result<Outcome, ProposeError> {
        if encode_proposal(&proposal).len() > PROPOSAL_BYTES_MAX {
            return Err(ProposeError::TooLarge);
        }
        let mut state = self.state.write();
        let position = LogPosition::new(state.applied().get() + 1);
        Ok(state.apply(proposal, position, self.clock.now()).outcome)
    }

    async fn barrier(&self, _level: ReadLevel) -> Result<LogPosition, ProposeError> {
        Ok(self.state.read().applied())
    }

    fn view(&self) -> StateView<'_> {
        StateView::new(self.state.read())
    }
}
