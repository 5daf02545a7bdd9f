//! The use cases over the engine in memory, a clock that stands still, and seeded randomness.

mod apps;
mod auto_scaling;
mod checkpoints;
mod cursors;
mod failures;
mod faulty;
mod flow;
mod groups;
mod housekeeping;
mod isolation;
mod metrics;
mod policies;
mod quotas;
mod records;
mod scaling;
mod streams;
mod tags;
mod tasks;

use std::{sync::Arc, time::Duration};

use millpond_engine::{
    Append, Engine, LogConfig, ManualClock, ReadLimit, SeededEntropy, memory::MemoryEngine,
};
use millpond_model::{
    AppName, AppSelector, CheckpointType, Metadata, NewRecord, PartitionCount, PartitionId, PartitionRef,
    PlacedRecord, Placement, ProjectId, SequenceNumber, StreamId, StreamSelector, StreamSpec, Timestamp,
};

use crate::{
    Actor, CommitCheckpoint, CursorPosition, CursorStart, Error, PartitionPage, Placed, RecordError, Service,
    Settings, StoredCheckpoint,
};

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Everything from the first page on.
const ALL: PartitionPage = PartitionPage { after: None, limit: 1000 };

/// A service that has just been opened on an empty engine, and its project `p`.
struct World {
    service: Arc<Service>,
    engine: Engine,
    clock: Arc<ManualClock>,
    project: ProjectId,
}

impl World {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let engine = MemoryEngine::engine(clock.clone());
        Self::on(engine, clock, settings).await
    }

    async fn on(engine: Engine, clock: Arc<ManualClock>, settings: Settings) -> Self {
        let entropy = Arc::new(SeededEntropy::new(7));
        let service = Service::open(engine.clone(), clock.clone(), entropy, settings).await.unwrap();
        Self { service: Arc::new(service), engine, clock, project: project("p") }
    }

    /// The service of a process that starts after this one died.
    async fn reopened(&self) -> Self {
        let entropy = Arc::new(SeededEntropy::new(8));
        let settings = Settings::default();
        let service = Service::open(self.engine.clone(), self.clock.clone(), entropy, settings).await;
        Self {
            service: Arc::new(service.unwrap()),
            engine: self.engine.clone(),
            clock: self.clock.clone(),
            project: self.project.clone(),
        }
    }

    async fn create(&self, name: &str, partitions: u32) -> StreamId {
        self.service.create_stream(&self.project, spec(name, partitions)).await.unwrap();
        self.id(name)
    }

    fn id(&self, name: &str) -> StreamId {
        self.engine.state.view().stream_named(&self.project, name).unwrap().id
    }

    async fn create_app(&self, name: &str) {
        self.service.create_app(&self.project, app_name(name)).await.unwrap();
    }

    async fn scale(&self, name: &str, target: u32) -> Result<(u32, u32), Error> {
        let target = PartitionCount::new(target).unwrap();
        let change = self.service.change_partition_count(&self.project, &stream(name), target).await?;
        Ok((change.before, change.after))
    }

    /// Puts `count` records into one partition.
    async fn fill(&self, name: &str, partition: u32, count: usize) {
        let records = vec![into_partition(partition, "x"); count];
        let placed = self.put(name, records).await.unwrap();
        assert!(placed.iter().all(Result::is_ok), "{placed:?}");
    }

    /// Puts records behind the back of the service, also into a closed partition.
    async fn fill_log(&self, stream: StreamId, partition: u32, count: usize) {
        let partition = PartitionRef { stream, partition: PartitionId::new(partition) };
        let records = vec![NewRecord::of("x"); count];
        let results = self.engine.records.append(vec![Append { partition, records }]).await;
        assert!(results[0].is_ok());
    }

    async fn put(
        &self,
        name: &str,
        records: Vec<PlacedRecord>,
    ) -> Result<Vec<Result<Placed, RecordError>>, Error> {
        self.service.put_records(&self.project, &stream(name), records).await
    }

    async fn open(&self, name: &str, partition: u32, start: CursorStart) -> Result<CursorPosition, Error> {
        let partition = PartitionId::new(partition);
        self.service.open_cursor(&self.project, &stream(name), partition, start).await
    }

    /// The texts of the records behind the cursor, and the position to go on.
    async fn get(&self, cursor: &CursorPosition) -> Result<(Vec<String>, CursorPosition), Error> {
        let page = self.service.get_records(&self.project, cursor, ReadLimit::records(1000)).await?;
        let text = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
        Ok((page.records.iter().map(|record| text(&record.data)).collect(), page.next))
    }

    async fn commit(&self, name: &str, app: &str, partition: u32, number: u64) -> Result<(), Error> {
        let commit = commit_of(name, app, partition, number);
        self.service.commit_checkpoint(&self.project, commit, &Actor::new("k")).await
    }

    async fn stored(&self, name: &str, app: &str, partition: u32) -> Result<Option<u64>, Error> {
        let query = crate::CheckpointQuery {
            stream: stream(name),
            app: app_selector(app),
            partition: PartitionId::new(partition),
            kind: CheckpointType::LastRead,
        };
        let stored = self.service.get_checkpoint(&self.project, &query).await?;
        Ok(stored.map(|StoredCheckpoint { sequence_number, .. }| sequence_number.get()))
    }

    /// The statuses of all partitions, each by its first letter.
    async fn statuses(&self, name: &str) -> String {
        let described = self.service.describe_stream(&self.project, &stream(name), ALL).await.unwrap();
        described
            .partitions
            .iter()
            .map(|partition| partition.status.as_str().chars().next().unwrap())
            .collect()
    }

    /// The streams that have records in the engine.
    async fn logs(&self) -> Vec<StreamId> {
        self.engine.records.streams().await.unwrap()
    }
}

/// Lets the other tasks run until the condition holds.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if holds().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the condition never held");
}

fn project(text: &str) -> ProjectId {
    text.parse().unwrap()
}

fn stream(text: &str) -> StreamSelector {
    StreamSelector::new(Some(text), None).unwrap()
}

fn app_selector(text: &str) -> AppSelector {
    AppSelector::new(text).unwrap()
}

fn app_name(text: &str) -> AppName {
    text.parse().unwrap()
}

fn spec(name: &str, partitions: u32) -> StreamSpec {
    StreamSpec::new(name.parse().unwrap(), PartitionCount::new(partitions).unwrap())
}

fn number(number: u64) -> SequenceNumber {
    SequenceNumber::new(number).unwrap()
}

fn record(text: &str, placement: Placement) -> PlacedRecord {
    PlacedRecord { record: NewRecord::of(text.to_owned()), placement }
}

fn into_partition(partition: u32, text: &str) -> PlacedRecord {
    record(text, Placement::Partition(PartitionId::new(partition)))
}

fn commit_of(name: &str, app: &str, partition: u32, position: u64) -> CommitCheckpoint {
    CommitCheckpoint {
        stream: stream(name),
        app: app_selector(app),
        partition: Some(PartitionId::new(partition)),
        sequence_number: Some(number(position)),
        metadata: Metadata::default(),
        kind: CheckpointType::LastRead,
        member: None,
    }
}

/// The error's variant: what `Debug` writes before its first field.
fn variant<T>(result: &Result<T, Error>) -> String {
    let shown = match result {
        Ok(_) => "Ok".to_owned(),
        Err(error) => format!("{error:?}"),
    };
    shown.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
