//! The suite that every engine has to pass, over both traits.
//!
//! An engine writes a [`Fixture`] and calls [`conformance_suite!`](crate::conformance_suite), which runs
//! all of it. The tests are named by the invariant they hold, as the traits number them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a suite of tests may panic")]
#![allow(clippy::missing_errors_doc, reason = "the functions are tests")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use millpond_model::{
    AppId, AppName, CheckpointType, Metadata, NewRecord, PartitionCount, PartitionId, PartitionKey,
    PartitionRef, ProjectId, RebalanceTimeout, Record, RetentionHours, SequenceNumber, StreamId, StreamSpec,
    Timestamp,
};
use millpond_state::{
    Actor, CheckpointCommit, CheckpointKey, Command, CommandId, Done, Expected, Group, GroupEvent,
    GroupMember, LogPosition, Outcome, Phase, Proposal, Rejected, Subscription,
};

use crate::{
    AdminError, Append, AppendError, Appended, Engine, LogConfig, ManualClock, Page, ReadError, ReadLevel,
    ReadLimit,
};

/// What an engine offers its tests.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// A new, empty engine on the given clock.
    async fn create(clock: Arc<ManualClock>) -> Self;

    /// The engine.
    fn engine(&self) -> Engine;

    /// The engine after its process died and was started again. One that keeps nothing for longer than it
    /// lives returns itself.
    async fn reopen(self) -> Self;
}

/// Runs the whole suite on the engine of a fixture.
#[macro_export]
macro_rules! conformance_suite {
    ($fixture:ty) => {
        $crate::conformance_suite!(@ $fixture:
            i1_numbers_are_dense_and_survive_restart_and_trim
            i1_concurrent_appends_share_one_sequence
            i2_acknowledged_records_survive_restart
            i3_an_unknown_partition_refuses_its_batch_only
            i4_batches_keep_their_order
            i5_a_read_never_passes_the_high_water_mark
            i6_reads_start_exactly_where_asked
            i6_limits_bound_a_page
            i6_a_waiting_read_returns_with_the_next_record
            i6_a_waiting_read_gives_up_at_its_deadline
            i7_arrival_times_never_go_back
            i7_find_time_is_exact_for_times_in_any_order
            i7_find_time_looks_at_readable_records_only
            i8_a_repeated_command_is_applied_once
            i9_conditional_commits_compare_and_set
            i9_concurrent_conditional_commits_have_one_winner
            i10_the_state_survives_restart
            i11_commits_of_members_are_checked_against_the_group
            i12_records_older_than_retention_are_invisible_and_younger_ones_kept
            i12_retention_can_be_changed
            records_come_back_as_they_were_written
            a_stream_is_created_once_and_can_grow
            a_dropped_stream_is_gone_for_good
            trim_moves_the_oldest_forward_only
            proposals_of_any_size_are_refused_or_kept
            the_barrier_shows_what_was_acknowledged
        );
    };
    (@ $fixture:ty: $($test:ident)+) => {
        $(
            #[tokio::test]
            async fn $test() {
                $crate::conformance::$test::<$fixture>().await;
            }
        )+
    };
}

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// An engine under test, with a stream of two partitions.
struct Bench<F> {
    fixture: F,
    clock: Arc<ManualClock>,
    commands: u128,
}

const STREAM: u128 = 1;

fn stream(n: u128) -> StreamId {
    StreamId::from_random(n)
}

fn partition(n: u32) -> PartitionRef {
    PartitionRef { stream: stream(STREAM), partition: PartitionId::new(n) }
}

fn number(n: u64) -> SequenceNumber {
    SequenceNumber::new(n).unwrap()
}

fn hours(n: u32) -> LogConfig {
    LogConfig { retention: RetentionHours::new(n).unwrap() }
}

fn texts(texts: &[&str]) -> Vec<NewRecord> {
    texts.iter().map(|text| NewRecord::of(text.as_bytes().to_vec())).collect()
}

fn data(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect()
}

impl<F: Fixture> Bench<F> {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let fixture = F::create(Arc::clone(&clock)).await;
        fixture.engine().records.create(stream(STREAM), 2, hours(24)).await.unwrap();
        Self { fixture, clock, commands: 0 }
    }

    async fn reopen(self) -> Self {
        Self { fixture: self.fixture.reopen().await, ..self }
    }

    fn engine(&self) -> Engine {
        self.fixture.engine()
    }

    async fn append(&self, to: u32, records: &[&str]) -> Appended {
        let batch = Append { partition: partition(to), records: texts(records) };
        self.engine().records.append(vec![batch]).await.remove(0).unwrap()
    }

    async fn read_from(&self, of: u32, from: u64) -> Result<Page, ReadError> {
        self.engine()
            .records
            .read(partition(of), number(from), ReadLimit::records(1000), Duration::ZERO)
            .await
    }

    async fn all(&self, of: u32) -> Vec<String> {
        let oldest = self.bounds(of).await.0;
        data(&self.read_from(of, oldest).await.unwrap().records)
    }

    async fn bounds(&self, of: u32) -> (u64, u64) {
        let bounds = self.engine().records.bounds(partition(of)).await.unwrap();
        (bounds.oldest.get(), bounds.high_water.get())
    }

    async fn propose(&mut self, command: Command) -> Outcome {
        self.commands += 1;
        let proposal = Proposal { id: CommandId::from_random(self.commands), command };
        self.engine().state.propose(proposal).await.unwrap()
    }

    /// Puts the stream into the catalogue, and an app beside it.
    async fn catalogue(&mut self) {
        let project: ProjectId = "p".parse().unwrap();
        let spec = StreamSpec::new("s".parse().unwrap(), PartitionCount::new(2).unwrap());
        let id = stream(STREAM);
        let create = Command::CreateStream {
            id,
            project: project.clone(),
            spec,
            partition_quota: None,
            stream_quota: None,
        };
        self.propose(create).await.unwrap();
        let name: AppName = "a".parse().unwrap();
        let create = Command::CreateApp { id: AppId::from_random(1), project, name, app_quota: None };
        self.propose(create).await.unwrap();
    }

    /// Ends what the group waits for, as if its time were up.
    async fn end_phase(&mut self, app: AppId) {
        while let Some(phase_since) = self.overdue_phase(app) {
            let event = GroupEvent::EndPhase { phase_since };
            self.propose(Command::Group { app, event }).await.unwrap();
        }
    }

    fn overdue_phase(&self, app: AppId) -> Option<LogPosition> {
        let state = self.engine().state;
        let view = state.view();
        view.group(app).filter(|group| matches!(group.phase(), Phase::Joining { .. })).map(Group::phase_since)
    }

    fn generation(&self, app: AppId) -> i64 {
        let state = self.engine().state;
        let view = state.view();
        view.group(app).unwrap().generation().into()
    }

    fn stored(&self, of: u32) -> Option<u64> {
        let state = self.engine().state;
        let view = state.view();
        view.checkpoint(&checkpoint_key(of)).map(|stored| stored.current().sequence_number.get())
    }
}

fn checkpoint_key(of: u32) -> CheckpointKey {
    CheckpointKey {
        app: AppId::from_random(1),
        stream: stream(STREAM),
        partition: PartitionId::new(of),
        kind: CheckpointType::LastRead,
    }
}

fn commit(of: u32, position: u64, expected: Expected) -> Command {
    let commit = CheckpointCommit {
        stream: stream(STREAM),
        partition: PartitionId::new(of),
        kind: CheckpointType::LastRead,
        sequence_number: number(position),
        metadata: Metadata::default(),
        expected,
    };
    Command::CommitCheckpoints {
        app: AppId::from_random(1),
        commits: vec![commit],
        member: None,
        actor: Actor::new("suite"),
    }
}

/// I1.
pub async fn i1_numbers_are_dense_and_survive_restart_and_trim<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    assert_eq!(bench.append(0, &["a", "b"]).await.first, number(0));
    assert_eq!(bench.append(0, &["c"]).await.first, number(2));
    assert_eq!(bench.append(1, &["x"]).await.first, number(0), "partitions count for themselves");
    bench.engine().records.trim(partition(0), number(3)).await.unwrap();
    let bench = bench.reopen().await;
    assert_eq!(bench.bounds(0).await, (3, 3));
    assert_eq!(bench.append(0, &["d"]).await.first, number(3));
    let bench = bench.reopen().await.reopen().await;
    assert_eq!(bench.append(0, &["e"]).await.first, number(4));
    assert_eq!(bench.all(0).await, ["d", "e"]);
}

/// I1.
pub async fn i1_concurrent_appends_share_one_sequence<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let mut writers = Vec::new();
    for writer in 0..8 {
        let records = bench.engine().records;
        writers.push(tokio::spawn(async move {
            let mut acked = Vec::new();
            for i in 0..10 {
                let text = format!("{writer}-{i}");
                let batch = Append { partition: partition(0), records: texts(&[&text]) };
                acked.push((records.append(vec![batch]).await.remove(0).unwrap().first.get(), text));
            }
            assert!(acked.is_sorted(), "a writer's own records keep their order: {acked:?}");
            acked
        }));
    }
    let mut acked = Vec::new();
    for writer in writers {
        acked.extend(writer.await.unwrap());
    }
    acked.sort();
    assert_eq!(acked.iter().map(|(n, _)| *n).collect::<Vec<_>>(), (0..80).collect::<Vec<_>>());
    assert_eq!(acked.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), bench.all(0).await);
}

/// I2.
pub async fn i2_acknowledged_records_survive_restart<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    for i in 0..50 {
        bench.append(i % 2, &[&format!("r{i}")]).await;
    }
    let bench = bench.reopen().await;
    for of in 0..2 {
        let expected: Vec<_> = (0..50).filter(|i| i % 2 == of).map(|i| format!("r{i}")).collect();
        assert_eq!(bench.all(of).await, expected);
    }
}

/// I3.
pub async fn i3_an_unknown_partition_refuses_its_batch_only<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let unknown = PartitionRef { stream: stream(99), partition: PartitionId::new(0) };
    let batch = |partition, text| Append { partition, records: texts(&[text]) };
    let batches = vec![
        batch(partition(0), "a"),
        batch(unknown, "b"),
        batch(partition(7), "c"),
        batch(partition(0), "d"),
    ];
    let results = bench.engine().records.append(batches).await;
    assert_eq!(results[0].as_ref().unwrap().first, number(0));
    assert!(matches!(results[1], Err(AppendError::UnknownPartition(p)) if p == unknown));
    assert!(matches!(results[2], Err(AppendError::UnknownPartition(p)) if p == partition(7)));
    assert_eq!(results[3].as_ref().unwrap().first, number(1));
    assert_eq!(bench.all(0).await, ["a", "d"]);
    let records = bench.engine().records;
    assert!(matches!(records.bounds(unknown).await, Err(ReadError::UnknownPartition(_))));
    assert!(matches!(records.find_time(unknown, START).await, Err(ReadError::UnknownPartition(_))));
}

/// I4.
pub async fn i4_batches_keep_their_order<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let batch = |to, records: &[&str]| Append { partition: partition(to), records: texts(records) };
    let batches = vec![batch(0, &["a", "b"]), batch(1, &["x"]), batch(0, &["c", "d", "e"])];
    let results = bench.engine().records.append(batches).await;
    let firsts: Vec<_> = results.into_iter().map(|r| r.unwrap().first.get()).collect();
    assert_eq!(firsts, [0, 0, 2]);
    assert_eq!(bench.all(0).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(bench.all(1).await, ["x"]);
}

/// I5.
pub async fn i5_a_read_never_passes_the_high_water_mark<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let records = bench.engine().records;
    let writer = {
        let records = Arc::clone(&records);
        tokio::spawn(async move {
            for i in 0..100 {
                let batch = Append { partition: partition(0), records: texts(&[&i.to_string()]) };
                records.append(vec![batch]).await.remove(0).unwrap();
            }
        })
    };
    let mut seen = 0;
    while seen < 100 {
        let high_water = records.bounds(partition(0)).await.unwrap().high_water.get();
        assert!(high_water >= seen, "the high-water mark went back");
        let page = records
            .read(partition(0), number(seen), ReadLimit::records(10), Duration::from_secs(10))
            .await
            .unwrap();
        for record in page.records {
            assert_eq!(record.sequence_number, number(seen));
            assert_eq!(record.data, seen.to_string());
            seen += 1;
        }
        assert!(records.bounds(partition(0)).await.unwrap().high_water.get() >= seen);
    }
    writer.await.unwrap();
}

/// I6.
pub async fn i6_reads_start_exactly_where_asked<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    assert_eq!(bench.read_from(0, 0).await.unwrap().records, []);
    assert!(matches!(bench.read_from(0, 1).await, Err(ReadError::Beyond(_))));
    bench.append(0, &["a", "b", "c"]).await;
    bench.append(0, &["d", "e"]).await;
    for reopened in [false, true] {
        let bench = &bench;
        for from in 0..=5 {
            let page = bench.read_from(0, from).await.unwrap();
            let expected: Vec<_> =
                "abcde".chars().skip(usize::try_from(from).unwrap()).map(String::from).collect();
            assert_eq!(data(&page.records), expected, "from {from}, reopened {reopened}");
            assert_eq!(page.next, number(5));
        }
    }
    let bench = bench.reopen().await;
    bench.engine().records.trim(partition(0), number(2)).await.unwrap();
    let trimmed = bench.read_from(0, 1).await;
    assert!(
        matches!(trimmed, Err(ReadError::Trimmed(b)) if b.oldest == number(2) && b.high_water == number(5))
    );
    assert_eq!(data(&bench.read_from(0, 2).await.unwrap().records), ["c", "d", "e"]);
    assert!(matches!(bench.read_from(0, 6).await, Err(ReadError::Beyond(b)) if b.high_water == number(5)));
}

/// I6.
pub async fn i6_limits_bound_a_page<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    bench.append(0, &["aaaa", "bbbb", "cccc"]).await;
    bench.append(0, &["dddd"]).await;
    let records = bench.engine().records;
    let check = async |count, bytes, at_least_one, expected: &[&str]| {
        let limit = ReadLimit { records: count, bytes, at_least_one };
        let page = records.read(partition(0), number(0), limit, Duration::ZERO).await.unwrap();
        assert_eq!(data(&page.records), expected, "{limit:?}");
        assert_eq!(page.next.get(), expected.len() as u64);
    };
    check(2, 100, true, &["aaaa", "bbbb"]).await;
    check(10, 100, true, &["aaaa", "bbbb", "cccc", "dddd"]).await;
    check(10, 12, false, &["aaaa", "bbbb", "cccc"]).await;
    check(10, 11, false, &["aaaa", "bbbb"]).await;
    check(10, 3, false, &[]).await;
    check(10, 3, true, &["aaaa"]).await;
    check(0, 100, true, &[]).await;
}

/// I6.
pub async fn i6_a_waiting_read_returns_with_the_next_record<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let records = bench.engine().records;
    let reader = tokio::spawn(async move {
        records.read(partition(0), number(0), ReadLimit::records(10), Duration::from_mins(1)).await.unwrap()
    });
    bench.append(1, &["elsewhere"]).await;
    bench.append(0, &["here"]).await;
    assert_eq!(data(&reader.await.unwrap().records), ["here"]);
}

/// I6.
pub async fn i6_a_waiting_read_gives_up_at_its_deadline<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let records = bench.engine().records;
    let page = records
        .read(partition(0), number(0), ReadLimit::records(10), Duration::from_millis(5))
        .await
        .unwrap();
    assert_eq!((page.records, page.next), (vec![], number(0)));
}

/// I7.
pub async fn i7_arrival_times_never_go_back<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let first = bench.append(0, &["a"]).await.arrival;
    bench.clock.jump_to(START.minus(Duration::from_mins(1)));
    assert_eq!(bench.append(0, &["b"]).await.arrival, first);
    let bench = bench.reopen().await;
    assert_eq!(bench.append(0, &["c"]).await.arrival, first);
    bench.clock.jump_to(START.plus(Duration::from_mins(1)));
    assert!(bench.append(0, &["d"]).await.arrival > first);
}

/// I7: producers' times in any order, against a plain scan.
pub async fn i7_find_time_is_exact_for_times_in_any_order<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let records = bench.engine().records;
    let times: Vec<i64> =
        [50, 10, 70, 70, 20, 90, 5, 91].into_iter().map(|t| START.as_millis() + t).collect();
    for pair in times.chunks(2) {
        let stamped = pair
            .iter()
            .map(|&t| NewRecord { timestamp: Some(Timestamp::from_millis(t)), ..NewRecord::of("x") });
        let batch = Append { partition: partition(0), records: stamped.collect() };
        records.append(vec![batch]).await.remove(0).unwrap();
    }
    let bench = bench.reopen().await;
    let records = bench.engine().records;
    for oldest in 0..times.len() {
        records.trim(partition(0), number(oldest as u64)).await.unwrap();
        for at in (0..100).map(|t| START.as_millis() + t) {
            let found = records.find_time(partition(0), Timestamp::from_millis(at)).await.unwrap();
            let behind = times.iter().skip(oldest).position(|&t| t >= at);
            let expected = behind.map_or(times.len(), |i| i + oldest);
            assert_eq!(found, number(expected as u64), "time {at} with {oldest} trimmed");
        }
    }
}

/// I7.
pub async fn i7_find_time_looks_at_readable_records_only<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    bench.append(0, &["a"]).await;
    bench.clock.advance(Duration::from_secs(1));
    let second = bench.append(0, &["b"]).await;
    let records = bench.engine().records;
    assert_eq!(records.find_time(partition(0), START).await.unwrap(), number(0));
    assert_eq!(records.find_time(partition(0), second.arrival).await.unwrap(), second.first);
    assert_eq!(
        records.find_time(partition(0), second.arrival.plus(Duration::from_millis(1))).await.unwrap(),
        number(2)
    );
    assert_eq!(records.find_time(partition(1), START).await.unwrap(), number(0), "an empty partition");
}

/// I8.
pub async fn i8_a_repeated_command_is_applied_once<F: Fixture>() {
    let mut bench = Bench::<F>::new().await;
    bench.catalogue().await;
    let proposal =
        Proposal { id: CommandId::from_random(u128::MAX), command: commit(0, 5, Expected::Absent) };
    let first = bench.engine().state.propose(proposal.clone()).await.unwrap();
    assert_eq!(first, Ok(Done::Committed(vec![1])));
    assert_eq!(bench.engine().state.propose(proposal.clone()).await.unwrap(), first);
    let bench = bench.reopen().await;
    assert_eq!(bench.engine().state.propose(proposal).await.unwrap(), first);
}

/// I9.
pub async fn i9_conditional_commits_compare_and_set<F: Fixture>() {
    let mut bench = Bench::<F>::new().await;
    bench.catalogue().await;
    assert_eq!(bench.propose(commit(0, 5, Expected::Absent)).await, Ok(Done::Committed(vec![1])));
    let mut bench = bench.reopen().await;
    let refused = bench.propose(commit(0, 6, Expected::Version(9))).await;
    let Err(Rejected::Conflict { stored: Some(stored), .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((stored.sequence_number, stored.version, stored.actor.as_str()), (number(5), 1, "suite"));
    assert_eq!(bench.stored(0), Some(5));
    assert_eq!(bench.propose(commit(0, 6, Expected::Version(1))).await, Ok(Done::Committed(vec![2])));
    assert_eq!(
        bench.propose(commit(0, 3, Expected::Anything)).await,
        Ok(Done::Committed(vec![3])),
        "a step back"
    );
    assert_eq!(bench.stored(0), Some(3));
    assert_eq!(bench.stored(1), None);
}

/// I9.
pub async fn i9_concurrent_conditional_commits_have_one_winner<F: Fixture>() {
    let mut bench = Bench::<F>::new().await;
    bench.catalogue().await;
    let mut racers = Vec::new();
    for racer in 0..16 {
        let state = bench.engine().state;
        let id = CommandId::from_random(1000 + u128::from(racer));
        racers.push(tokio::spawn(async move {
            state.propose(Proposal { id, command: commit(0, racer, Expected::Absent) }).await.unwrap()
        }));
    }
    let mut winners = Vec::new();
    for (racer, handle) in racers.into_iter().enumerate() {
        if handle.await.unwrap().is_ok() {
            winners.push(racer as u64);
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(bench.stored(0), winners.first().copied());
}

/// I10.
pub async fn i10_the_state_survives_restart<F: Fixture>() {
    let mut bench = Bench::<F>::new().await;
    bench.catalogue().await;
    for position in 0..20 {
        bench.propose(commit(0, position, Expected::Anything)).await.unwrap();
    }
    let before = bench.engine().state.view().clone();
    let bench = bench.reopen().await;
    assert_eq!(*bench.engine().state.view(), before);
    let mut bench = bench.reopen().await;
    assert_eq!(bench.propose(commit(1, 7, Expected::Anything)).await, Ok(Done::Committed(vec![1])));
    let bench = bench.reopen().await;
    assert_eq!((bench.stored(0), bench.stored(1)), (Some(19), Some(7)));
}

/// I11.
pub async fn i11_commits_of_members_are_checked_against_the_group<F: Fixture>() {
    let app = AppId::from_random(1);
    let join = |client: &str| Command::Group {
        app,
        event: GroupEvent::Join {
            client: client.parse().unwrap(),
            subscription: Subscription::new(vec![stream(STREAM)], Vec::new(), None).unwrap(),
            rebalance_timeout: RebalanceTimeout::default(),
            accelerate: true,
        },
    };
    let by = |client: &str, generation: i64| {
        let Command::CommitCheckpoints { app, commits, actor, .. } = commit(0, 5, Expected::Anything) else {
            unreachable!("a commit is one")
        };
        let member = Some(GroupMember { client: client.parse().unwrap(), generation });
        Command::CommitCheckpoints { app, commits, member, actor }
    };
    let mut bench = Bench::<F>::new().await;
    bench.catalogue().await;
    bench.propose(join("first")).await.unwrap();
    bench.end_phase(app).await;
    let sync = GroupEvent::Sync { client: "first".parse().unwrap() };
    bench.propose(Command::Group { app, event: sync }).await.unwrap();
    let generation = bench.generation(app);
    assert_eq!(bench.propose(by("first", generation)).await, Ok(Done::Committed(vec![1])));
    let mut bench = bench.reopen().await;
    assert_eq!(bench.generation(app), generation);
    let refused = [
        (by("first", generation - 1), Rejected::IllegalGeneration),
        (by("first", generation + 1), Rejected::IllegalGeneration),
        (by("nobody", generation), Rejected::MemberUnknown),
    ];
    for (command, expected) in refused {
        assert_eq!(bench.propose(command).await, Err(expected));
    }
    assert_eq!(bench.propose(by("first", generation)).await, Ok(Done::Committed(vec![2])));
    bench.propose(join("second")).await.unwrap();
    let mut bench = bench.reopen().await;
    assert_eq!(bench.propose(by("first", generation)).await, Err(Rejected::GroupRebalancing));
    assert_eq!(bench.stored(0), Some(5));
}

/// I12.
pub async fn i12_records_older_than_retention_are_invisible_and_younger_ones_kept<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let hour = Duration::from_hours(1);
    bench.append(0, &["a"]).await;
    bench.clock.advance(hour);
    bench.append(0, &["b"]).await;
    bench.clock.advance(hour * 23);
    assert_eq!(bench.bounds(0).await, (0, 2), "exactly as old as the retention is kept");
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bench.bounds(0).await, (1, 2));
    assert!(matches!(bench.read_from(0, 0).await, Err(ReadError::Trimmed(_))));
    let bench = bench.reopen().await;
    assert_eq!(bench.bounds(0).await, (1, 2));
    assert_eq!(bench.all(0).await, ["b"]);
    bench.clock.advance(hour);
    assert_eq!(bench.bounds(0).await, (2, 2));
    assert_eq!(bench.append(0, &["c"]).await.first, number(2));
    assert_eq!(bench.all(0).await, ["c"]);
}

/// I12.
pub async fn i12_retention_can_be_changed<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    bench.append(0, &["a"]).await;
    bench.clock.advance(Duration::from_hours(2));
    bench.append(0, &["b"]).await;
    bench.engine().records.configure(stream(STREAM), hours(1)).await.unwrap();
    assert_eq!(bench.all(0).await, ["b"]);
    let bench = bench.reopen().await;
    bench.clock.advance(Duration::from_millis(3_600_001));
    assert_eq!(bench.bounds(0).await, (2, 2));
    let unknown = bench.engine().records.configure(stream(99), hours(1)).await;
    assert!(matches!(unknown, Err(AdminError::UnknownStream(_))));
}

/// G8: bytes, keys and times as given.
pub async fn records_come_back_as_they_were_written<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let long: Vec<u8> = (0..=255u8).cycle().take(millpond_model::limits::RECORD_DATA_BYTES_MAX).collect();
    let key = PartitionKey::parse("Schlüssel 数据").unwrap();
    let written = vec![
        NewRecord::of(""),
        NewRecord::of(vec![0, 0]),
        NewRecord { partition_key: key.clone(), ..NewRecord::of("keyed") },
        NewRecord { explicit_hash_key: millpond_model::HashKey::new(42), ..NewRecord::of("hashed") },
        NewRecord { timestamp: Some(Timestamp::from_millis(-5)), ..NewRecord::of("timed") },
        NewRecord::of(long),
    ];
    let batch = Append { partition: partition(1), records: written.clone() };
    bench.engine().records.append(vec![batch]).await.remove(0).unwrap();
    let check = |page: Page| {
        assert_eq!(page.records.len(), written.len());
        for (i, (got, put)) in page.records.iter().zip(&written).enumerate() {
            assert_eq!(got.sequence_number, number(i as u64));
            assert_eq!(got.data, put.data);
            assert_eq!(
                (&got.partition_key, got.explicit_hash_key),
                (&put.partition_key, put.explicit_hash_key)
            );
            assert_eq!((got.producer_time, got.arrival), (put.timestamp, START));
        }
    };
    check(bench.read_from(1, 0).await.unwrap());
    check(bench.reopen().await.read_from(1, 0).await.unwrap());
}

/// Creation is idempotent and growth never takes away.
pub async fn a_stream_is_created_once_and_can_grow<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    let records = bench.engine().records;
    bench.append(0, &["a"]).await;
    records.create(stream(STREAM), 5, hours(1)).await.unwrap();
    assert!(matches!(records.bounds(partition(2)).await, Err(ReadError::UnknownPartition(_))));
    records.add_partitions(stream(STREAM), 4).await.unwrap();
    records.add_partitions(stream(STREAM), 3).await.unwrap();
    assert!(matches!(records.add_partitions(stream(99), 3).await, Err(AdminError::UnknownStream(_))));
    let bench = bench.reopen().await;
    assert_eq!(bench.append(3, &["d"]).await.first, number(0));
    assert_eq!(bench.all(0).await, ["a"]);
    assert!(matches!(bench.read_from(4, 0).await, Err(ReadError::UnknownPartition(_))));
    assert_eq!(bench.engine().records.streams().await.unwrap(), [stream(STREAM)]);
}

/// G13.
pub async fn a_dropped_stream_is_gone_for_good<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    bench.append(0, &["a"]).await;
    let records = bench.engine().records;
    records.create(stream(2), 1, hours(24)).await.unwrap();
    records.drop_stream(stream(STREAM)).await.unwrap();
    records.drop_stream(stream(STREAM)).await.unwrap();
    for bench in [bench.reopen().await] {
        assert!(matches!(bench.read_from(0, 0).await, Err(ReadError::UnknownPartition(_))));
        let batch = Append { partition: partition(0), records: texts(&["b"]) };
        let refused = bench.engine().records.append(vec![batch]).await.remove(0);
        assert!(matches!(refused, Err(AppendError::UnknownPartition(_))));
        assert_eq!(bench.engine().records.streams().await.unwrap(), [stream(2)]);
    }
}

/// Trim.
pub async fn trim_moves_the_oldest_forward_only<F: Fixture>() {
    let bench = Bench::<F>::new().await;
    bench.append(0, &["a", "b", "c"]).await;
    let records = bench.engine().records;
    let check = async |before, oldest| {
        records.trim(partition(0), number(before)).await.unwrap();
        assert_eq!(
            records.bounds(partition(0)).await.unwrap().oldest,
            number(oldest),
            "after trim to {before}"
        );
    };
    check(0, 0).await;
    check(2, 2).await;
    check(1, 2).await;
    check(99, 3).await;
    assert!(matches!(records.trim(partition(9), number(0)).await, Err(AdminError::UnknownPartition(_))));
    let bench = bench.reopen().await;
    assert_eq!(bench.bounds(0).await, (3, 3));
}

/// Commands up to 64 KiB are kept, larger ones refused before they reach the log.
pub async fn proposals_of_any_size_are_refused_or_kept<F: Fixture>() {
    let mut bench = Bench::<F>::new().await;
    bench.catalogue().await;
    let list = |count: usize| {
        let Command::CommitCheckpoints { app, commits, member, actor } = commit(0, 1, Expected::Anything)
        else {
            panic!("commit makes a commit")
        };
        Command::CommitCheckpoints { app, commits: vec![commits[0].clone(); count], member, actor }
    };
    assert!(bench.propose(list(1000)).await.is_ok());
    let proposal = Proposal { id: CommandId::from_random(77), command: list(10_000) };
    let refused = bench.engine().state.propose(proposal).await;
    assert!(matches!(refused, Err(crate::ProposeError::TooLarge)), "{refused:?}");
}

/// Barriers.
pub async fn the_barrier_shows_what_was_acknowledged<F: Fixture>() {
    let mut bench = Bench::<F>::new().await;
    bench.catalogue().await;
    bench.propose(commit(0, 4, Expected::Anything)).await.unwrap();
    let state = bench.engine().state;
    let applied = state.view().applied();
    for level in [ReadLevel::Local, ReadLevel::Fresh, ReadLevel::Strict] {
        assert!(state.barrier(level).await.unwrap() >= applied, "{level:?}");
        assert_eq!(bench.stored(0), Some(4));
    }
}
