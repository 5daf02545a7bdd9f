//! What is measured of streams (spec/11 §8).

use millpond_engine::{AppendError, ProposeError};
use millpond_model::{Metric, Minute};

use super::{faulty::Faulty, *};

impl World {
    /// The values of a metric from `before` minutes ago up to now, without the zeros at both ends.
    async fn measured(&self, name: &str, partition: Option<u32>, metric: Metric, before: u32) -> Vec<u64> {
        let now = Minute::of(millpond_engine::Clock::now(&*self.clock));
        let first = Minute::new(now.number() - before);
        let partition = partition.map(PartitionId::new);
        let series = self.service.metrics(&self.project, &stream(name), partition, first, now).await.unwrap();
        assert_eq!(series.iter().map(|(minute, _)| minute).last(), Some(now), "up to now, without a gap");
        let values: Vec<u64> = series.iter().map(|(_, counts)| counts.value(metric)).collect();
        let begin = values.iter().position(|&value| value != 0).unwrap_or(values.len());
        let end = values.iter().rposition(|&value| value != 0).map_or(begin, |at| at + 1);
        values[begin..end].to_vec()
    }

    async fn read_all(&self, name: &str) {
        let cursor = self.open(name, 0, CursorStart::TrimHorizon).await.unwrap();
        self.get(&cursor).await.unwrap();
    }
}

#[tokio::test]
async fn puts_and_gets_are_counted_at_once() {
    let world = World::new().await;
    world.create("s", 2).await;
    let hundred = "x".repeat(100);
    world.put("s", vec![into_partition(0, &hundred); 10]).await.unwrap();
    world.put("s", vec![into_partition(1, "xy"), into_partition(7, "refused")]).await.unwrap();
    world.put("s", vec![into_partition(7, "refused")]).await.unwrap();
    world.read_all("s").await;
    let check = async |partition, metric, expected: &[u64]| {
        assert_eq!(world.measured("s", partition, metric, 2).await, expected, "{partition:?} {metric:?}");
    };
    check(None, Metric::PutRecords, &[11]).await;
    check(None, Metric::PutBytes, &[1002]).await;
    check(None, Metric::PutRequests, &[2]).await;
    check(None, Metric::PutThrottled, &[]).await;
    check(None, Metric::GetRecords, &[10]).await;
    check(None, Metric::GetBytes, &[1000]).await;
    check(None, Metric::GetRequests, &[1]).await;
    check(Some(0), Metric::PutRecords, &[10]).await;
    check(Some(0), Metric::GetBytes, &[1000]).await;
    check(Some(1), Metric::PutRecords, &[1]).await;
    check(Some(1), Metric::PutBytes, &[2]).await;
    check(Some(1), Metric::GetRecords, &[]).await;
}

#[tokio::test]
async fn every_minute_is_counted_once_before_and_after_it_is_stored() {
    let world = World::new().await;
    world.create("s", 1).await;
    for (minute, records) in [(0, 1), (1, 2), (3, 4)] {
        world.clock.jump_to(START.plus(minute * MINUTE));
        world.fill("s", 0, records).await;
    }
    let check = async |expected: &[u64]| {
        assert_eq!(world.measured("s", None, Metric::PutRecords, 10).await, expected);
        assert_eq!(world.measured("s", Some(0), Metric::PutRecords, 10).await, expected);
    };
    check(&[1, 2, 0, 4]).await;
    assert_eq!(world.service.housekeep().await.failures, 0);
    check(&[1, 2, 0, 4]).await;
    world.fill("s", 0, 1).await;
    check(&[1, 2, 0, 5]).await;
    world.service.flush_metrics().await.unwrap();
    check(&[1, 2, 0, 5]).await;
    world.fill("s", 0, 1).await;
    world.service.flush_metrics().await.unwrap();
    check(&[1, 2, 0, 6]).await;
    // Another process finds all that was stored.
    let next = world.reopened().await;
    assert_eq!(next.measured("s", None, Metric::PutRecords, 10).await, [1, 2, 0, 6]);
}

#[tokio::test]
async fn seven_days_are_kept() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.fill("s", 0, 3).await;
    world.service.flush_metrics().await.unwrap();
    let week = 7 * 24 * HOUR;
    world.clock.advance(week);
    world.fill("s", 0, 1).await;
    world.service.flush_metrics().await.unwrap();
    let values = world.measured("s", None, Metric::PutRecords, 7 * 24 * 60).await;
    assert_eq!((values.len(), values[0], values[values.len() - 1]), (7 * 24 * 60 + 1, 3, 1));
    world.clock.advance(2 * HOUR);
    world.fill("s", 0, 1).await;
    world.service.flush_metrics().await.unwrap();
    let values = world.measured("s", None, Metric::PutRecords, 8 * 24 * 60).await;
    assert_eq!((values.len(), values[0]), (121, 1));
}

#[tokio::test]
async fn a_deleted_stream_leaves_nothing() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.fill("s", 0, 3).await;
    world.service.flush_metrics().await.unwrap();
    world.fill("s", 0, 3).await;
    world.service.delete_stream(&world.project, &stream("s")).await.unwrap();
    world.service.flush_metrics().await.unwrap();
    world.create("s", 1).await;
    assert_eq!(world.measured("s", None, Metric::PutRecords, 2).await, [0; 0]);
}

#[tokio::test]
async fn what_does_not_exist_has_no_metrics() {
    let world = World::new().await;
    world.create("s", 1).await;
    let now = Minute::of(START);
    let ask = async |name: &str, partition: u32| {
        let partition = Some(PartitionId::new(partition));
        variant(&world.service.metrics(&world.project, &stream(name), partition, now, now).await)
    };
    assert_eq!(ask("s", 0).await, "Ok");
    assert_eq!(ask("s", 99).await, "PartitionNotFound");
    assert_eq!(ask("none", 0).await, "StreamNotFound");
    let (first, last) = (Minute::new(now.number() + 1), Minute::new(now.number() + 9));
    let future = world.service.metrics(&world.project, &stream("s"), None, first, last).await.unwrap();
    assert_eq!(future.counts.len(), 0, "what is to come is not shown");
}

#[tokio::test]
async fn what_could_not_be_stored_is_kept_and_counted_once() {
    let clock = Arc::new(ManualClock::new(START));
    let (faulty, engine) = Faulty::new(clock.clone());
    let world = World::on(engine, clock, Settings::default()).await;
    world.create("s", 1).await;
    world.fill("s", 0, 3).await;
    faulty.propose.lock().push_back(Some(ProposeError::Overloaded));
    assert_eq!(variant(&world.service.flush_metrics().await), "Overloaded");
    world.fill("s", 0, 1).await;
    assert_eq!(world.measured("s", None, Metric::PutRecords, 2).await, [4]);
    world.clock.advance(MINUTE);
    assert_eq!(world.service.housekeep().await.failures, 0);
    assert_eq!(world.measured("s", None, Metric::PutRecords, 2).await, [4]);
    faulty.append.lock().push_back(Some(AppendError::Overloaded));
    world.put("s", vec![into_partition(0, "x")]).await.unwrap();
    assert_eq!(world.measured("s", None, Metric::PutThrottled, 2).await, [1]);
    assert_eq!(world.measured("s", None, Metric::PutRequests, 2).await, [2]);
}

#[tokio::test]
async fn refusals_are_counted_as_such() {
    let world = World::new().await;
    world.create("s", 1).await;
    let cursor = world.open("s", 0, CursorStart::Latest).await.unwrap();
    world.service.count_refused_read(&cursor);
    assert_eq!(world.measured("s", None, Metric::GetThrottled, 2).await, [1]);
    assert_eq!(world.measured("s", None, Metric::GetRequests, 2).await, [0; 0]);
}
