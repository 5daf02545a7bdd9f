//! Flow control (spec/13 §4), on a clock in the test's hand.

use millpond_engine::Clock as _;
use millpond_model::{AutoScale, Metric, Minute, StreamType};

use super::{faulty::Faulty, *};
use crate::{FlowSettings, Throughput, Usage};

const SECOND: Duration = Duration::from_secs(1);
const MIB: usize = 1024 * 1024;

/// What the profile `cloud` limits.
fn cloud() -> Settings {
    let (common, advanced) = (Throughput::COMMON, Throughput::ADVANCED);
    Settings { flow: FlowSettings { common, advanced, ..FlowSettings::default() }, ..Settings::default() }
}

fn limited(common: Throughput) -> Settings {
    Settings { flow: FlowSettings { common, ..FlowSettings::default() }, ..Settings::default() }
}

fn sized(partition: u32, size: usize) -> PlacedRecord {
    let placement = Placement::Partition(PartitionId::new(partition));
    PlacedRecord { record: NewRecord::of(vec![0; size]), placement }
}

impl World {
    /// Puts `count` records of `size` bytes into each of the partitions, in turn; which were taken, one
    /// character for each.
    async fn taken(&self, name: &str, partitions: &[u32], count: usize, size: usize) -> String {
        let records = (0..count).flat_map(|_| partitions.iter().map(|&partition| sized(partition, size)));
        let placed = self.put(name, records.collect()).await.unwrap();
        let letter = |result: &Result<Placed, RecordError>| match result {
            Ok(_) => '+',
            Err(RecordError::TrafficLimit) => '-',
            Err(other) => panic!("{other:?}"),
        };
        placed.iter().map(letter).collect()
    }

    async fn count_taken(&self, name: &str, partition: u32, count: usize, size: usize) -> usize {
        self.taken(name, &[partition], count, size).await.matches('+').count()
    }

    fn usage(&self, name: &str) -> Usage {
        self.service.flow().usage(self.id(name), self.clock.monotonic())
    }

    async fn throttled(&self, name: &str, metric: Metric) -> u64 {
        let now = Minute::of(self.clock.now());
        let first = Minute::new(now.number() - 5);
        let series = self.service.metrics(&self.project, &stream(name), None, first, now).await.unwrap();
        series.iter().map(|(_, counts)| counts.value(metric)).sum()
    }

    async fn create_advanced(&self, name: &str) {
        let spec = StreamSpec { stream_type: StreamType::Advanced, ..spec(name, 1) };
        self.service.create_stream(&self.project, spec).await.unwrap();
    }
}

#[tokio::test]
async fn a_partition_takes_its_records_in_a_second() {
    let world = World::with(cloud()).await;
    world.create("s", 2).await;
    world.create_advanced("a").await;
    assert_eq!(world.count_taken("s", 0, 1500, 10).await, 1000);
    assert_eq!(world.count_taken("s", 0, 1, 10).await, 0);
    assert_eq!(world.count_taken("s", 1, 1500, 10).await, 1000, "each partition has its own");
    assert_eq!(world.count_taken("a", 0, 2500, 10).await, 2000);
    world.clock.advance(SECOND / 2);
    assert_eq!(world.count_taken("s", 0, 1500, 10).await, 500);
    assert_eq!(world.count_taken("a", 0, 2500, 10).await, 1000);
    world.clock.advance(HOUR);
    assert_eq!(world.count_taken("s", 0, 1500, 10).await, 1000, "no more is saved up");
}

#[tokio::test]
async fn a_partition_takes_its_bytes_in_a_second() {
    let world = World::with(cloud()).await;
    world.create("s", 1).await;
    world.create_advanced("a").await;
    // One full request at once, which is more than a second's worth for a COMMON partition.
    for name in ["s", "a"] {
        assert_eq!(world.count_taken(name, 0, 5, MIB).await, 5, "{name}");
        assert_eq!(world.count_taken(name, 0, 5, MIB).await, 0, "{name}");
    }
    world.clock.advance(SECOND);
    assert_eq!(world.count_taken("s", 0, 5, MIB).await, 1);
    assert_eq!(world.count_taken("a", 0, 5, MIB).await, 5);
    world.clock.advance(HOUR);
    assert_eq!(variant(&world.put("s", vec![sized(0, MIB); 6]).await), "RequestTooLarge");
    assert_eq!(variant(&world.put("a", vec![sized(0, MIB); 6]).await), "RequestTooLarge");
    assert_eq!(world.count_taken("s", 0, 5, MIB).await, 5, "what was refused as a whole took nothing");
}

#[tokio::test]
async fn a_rate_below_a_record_lets_it_pass_in_the_end() {
    let slow = Throughput { put_bytes: Some(100), ..Throughput::default() };
    let world = World::with(limited(slow)).await;
    world.create("s", 1).await;
    assert_eq!(world.taken("s", &[0], 2, 1000).await, "+-");
    world.clock.advance(9 * SECOND);
    assert_eq!(world.taken("s", &[0], 1, 1000).await, "-");
    world.clock.advance(SECOND);
    assert_eq!(world.taken("s", &[0], 1, 1000).await, "+");
}

#[tokio::test]
async fn what_follows_a_refused_record_is_refused_in_its_partition_only() {
    let slow = Throughput { put_bytes: Some(100), ..Throughput::default() };
    let world = World::with(limited(slow)).await;
    world.create("s", 2).await;
    let sizes = [(0, 60), (1, 10), (0, 50), (1, 80), (0, 1), (1, 10), (0, 0), (1, 1)];
    let records = sizes.map(|(partition, size)| sized(partition, size)).to_vec();
    let placed = world.put("s", records).await.unwrap();
    let numbers: Vec<_> =
        placed.iter().map(|result| result.as_ref().ok().map(|placed| placed.sequence_number.get())).collect();
    assert_eq!(numbers, [Some(0), Some(0), None, Some(1), None, Some(2), None, None]);
    assert_eq!(world.throttled("s", Metric::PutThrottled).await, 1, "one request");
    assert_eq!(world.throttled("s", Metric::PutRequests).await, 1, "of which something was stored");
    assert_eq!(world.throttled("s", Metric::PutRecords).await, 4);
    assert_eq!(world.taken("s", &[0], 1, 50).await, "-");
    assert_eq!(world.throttled("s", Metric::PutThrottled).await, 2);
    assert_eq!(world.throttled("s", Metric::PutRequests).await, 1);
}

#[tokio::test]
async fn order_is_kept_by_a_producer_that_sends_again_what_was_refused() {
    let slow = Throughput { put_records: Some(7), ..Throughput::default() };
    let world = World::with(limited(slow)).await;
    world.create("s", 2).await;
    let mut left: Vec<(u32, String)> = (0..60).map(|n| (n % 2, format!("{n}"))).collect();
    let mut turns = 0;
    while !left.is_empty() {
        let records = left.iter().map(|(partition, text)| into_partition(*partition, text)).collect();
        let placed = world.put("s", records).await.unwrap();
        left =
            left.into_iter().zip(placed).filter(|(_, placed)| placed.is_err()).map(|(one, _)| one).collect();
        world.clock.advance(SECOND);
        turns += 1;
    }
    assert_eq!(turns, 5, "7 of 30 in each partition and second");
    for partition in 0..2 {
        let cursor = world.open("s", partition, CursorStart::TrimHorizon).await.unwrap();
        let expected: Vec<_> = (0..60).filter(|n| n % 2 == partition).map(|n| n.to_string()).collect();
        assert_eq!(world.get(&cursor).await.unwrap().0, expected);
    }
}

#[tokio::test]
async fn a_reader_pays_for_what_it_has_read() {
    let world = World::with(limited(Throughput { get_bytes: Some(100), ..Throughput::default() })).await;
    world.create("s", 2).await;
    world.put("s", vec![sized(0, 50); 5]).await.unwrap();
    world.put("s", vec![sized(1, 50)]).await.unwrap();
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    let read = async |cursor: &CursorPosition| variant(&world.get(cursor).await);
    assert_eq!(read(&cursor).await, "Ok", "250 bytes at once");
    assert_eq!(read(&cursor).await, "TrafficLimit");
    let other = world.open("s", 1, CursorStart::TrimHorizon).await.unwrap();
    assert_eq!(read(&other).await, "Ok", "each partition has its own");
    world.clock.advance(SECOND * 3 / 2);
    assert_eq!(read(&cursor).await, "TrafficLimit", "100 bytes are still to be paid for");
    world.clock.advance(Duration::from_millis(10));
    let (_, end) = world.get(&cursor).await.unwrap();
    assert_eq!(world.throttled("s", Metric::GetThrottled).await, 2);
    // What is wrong with a position is told at any time, and reading nothing costs nothing.
    let beyond = CursorPosition { position: number(6), ..cursor.clone() };
    assert_eq!(read(&beyond).await, "InvalidCursor");
    world.clock.advance(MINUTE);
    for _ in 0..100 {
        assert_eq!(read(&end).await, "Ok");
    }
}

#[tokio::test]
async fn without_limits_nothing_is_kept() {
    let world = World::new().await;
    world.create("s", 1).await;
    assert_eq!(world.count_taken("s", 0, 5000, 1000).await, 5000);
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    for _ in 0..50 {
        world.get(&cursor).await.unwrap();
    }
    let flow = world.service.flow();
    assert_eq!((flow.buckets(), flow.streams()), (0, 0));
    assert_eq!(world.usage("s"), Usage::default());
}

#[tokio::test]
async fn what_is_idle_is_forgotten() {
    let world = World::with(cloud()).await;
    world.create("s", 100).await;
    let all: Vec<u32> = (0..100).collect();
    world.taken("s", &all, 100, 10).await;
    let flow = world.service.flow();
    assert_eq!((flow.buckets(), flow.streams()), (100, 1));
    world.clock.advance(10 * SECOND);
    world.taken("s", &[7], 1, 10).await;
    assert_eq!((flow.buckets(), flow.streams()), (1, 1), "by the next use");
    world.clock.advance(2 * MINUTE);
    world.service.housekeep().await;
    assert_eq!((flow.buckets(), flow.streams()), (0, 0), "by housekeeping");
}

#[tokio::test]
async fn looking_for_what_is_idle_takes_nothing_from_what_is_not() {
    let world = World::with(cloud()).await;
    world.create_advanced("a").await;
    assert_eq!(world.count_taken("a", 0, 2500, 1).await, 2000);
    world.clock.advance(SECOND / 2);
    world.service.housekeep().await;
    assert_eq!(world.count_taken("a", 0, 2500, 1).await, 1000, "half a second of an ADVANCED partition");
}

#[tokio::test]
async fn usage_tells_the_last_minute() {
    let world = World::with(cloud()).await;
    world.create("s", 2).await;
    for _ in 0..60 {
        assert_eq!(world.count_taken("s", 0, 3, 10_000).await, 3);
        world.clock.advance(SECOND);
    }
    let usage = world.usage("s");
    assert_eq!((usage.put_bytes_per_second, usage.put_records_per_second), (30_000, 3));
    assert!(!usage.throttled_within_last_minute);
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    world.get(&cursor).await.unwrap();
    assert_eq!(world.usage("s").get_bytes_per_second, 30_000);
    world.count_taken("s", 1, 1001, 1).await;
    for (passed, throttled) in [(0, true), (60, true), (1, false)] {
        world.clock.advance(passed * SECOND);
        assert_eq!(world.usage("s").throttled_within_last_minute, throttled, "{passed}");
    }
    world.clock.advance(MINUTE);
    assert_eq!(world.usage("s"), Usage::default());
    // A refused read counts as well.
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    for outcome in ["Ok", "Ok", "TrafficLimit"] {
        assert_eq!(variant(&world.get(&cursor).await), outcome, "1.8 of 2 MiB each");
    }
    assert!(world.usage("s").throttled_within_last_minute);
}

#[tokio::test]
async fn a_stream_that_scales_by_itself_is_measured_without_limits() {
    let world = World::new().await;
    let auto_scale = AutoScale { enabled: true, min: 1, max: 9 };
    let spec = StreamSpec { auto_scale, ..spec("s", 1) };
    world.service.create_stream(&world.project, spec).await.unwrap();
    world.count_taken("s", 0, 6, 1000).await;
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    world.get(&cursor).await.unwrap();
    let expected = Usage {
        put_bytes_per_second: 100,
        put_records_per_second: 0,
        get_bytes_per_second: 100,
        throttled_within_last_minute: false,
    };
    assert_eq!(world.usage("s"), expected);
    assert_eq!(world.service.flow().bandwidth(StreamType::Common), Throughput::COMMON);
    assert!(!world.service.flow().limits_puts(StreamType::Common));
}

#[tokio::test]
async fn only_so_many_requests_of_a_stream_are_under_way() {
    let clock = Arc::new(ManualClock::new(START));
    let (faulty, engine) = Faulty::new(clock.clone());
    let flow = FlowSettings { requests_per_stream: Some(2), ..FlowSettings::default() };
    let world = World::on(engine, clock, Settings { flow, ..Settings::default() }).await;
    world.create("s", 1).await;
    world.create("t", 1).await;
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    let permits = faulty.append_gate.acquire_many(1000).await.unwrap();
    let waiting = || {
        let (service, project) = (Arc::clone(&world.service), world.project.clone());
        tokio::spawn(async move {
            service.put_records(&project, &stream("s"), vec![into_partition(0, "x")]).await
        })
    };
    let (first, second) = (waiting(), waiting());
    until(async || variant(&world.get(&cursor).await) == "TooManyRequests").await;
    assert_eq!(variant(&world.put("s", vec![into_partition(0, "x")]).await), "TooManyRequests");
    let other = world.open("t", 0, CursorStart::TrimHorizon).await.unwrap();
    assert_eq!(variant(&world.get(&other).await), "Ok", "another stream has its own");
    drop(permits);
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    assert_eq!(world.get(&cursor).await.unwrap().0, ["x", "x"]);
}

#[tokio::test]
async fn a_request_has_so_many_records() {
    let mut settings = Settings::default();
    settings.limits.request_records = Some(3);
    let world = World::with(settings).await;
    world.create("s", 1).await;
    assert_eq!(world.count_taken("s", 0, 3, 1).await, 3);
    assert_eq!(variant(&world.put("s", vec![sized(0, 1); 4]).await), "TooManyRecords");
}
