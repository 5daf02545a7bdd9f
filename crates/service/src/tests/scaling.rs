use super::*;

#[tokio::test]
async fn partitions_open_and_close_as_documented() {
    let world = World::new().await;
    world.create("s", 1).await;
    let check = async |target: u32, change: (u32, u32), statuses: &str| {
        assert_eq!(world.scale("s", target).await.unwrap(), change);
        assert_eq!(world.statuses("s").await, statuses);
    };
    check(4, (1, 4), "AAAA").await;
    check(2, (4, 2), "AADD").await;
    check(2, (2, 2), "AADD").await;
    check(3, (2, 3), "AAAD").await;
    check(6, (3, 6), "AAAAAA").await;
    let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await.unwrap();
    let history: Vec<_> = described.scaling.iter().map(|change| (change.before, change.after)).collect();
    assert_eq!(history, [(1, 4), (4, 2), (2, 3), (3, 6)]);
    assert_eq!(variant(&world.scale("t", 2).await), "StreamNotFound");
}

#[tokio::test]
async fn a_closed_partition_is_readable_and_goes_on_counting_when_opened_again() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.fill("s", 1, 3).await;
    world.scale("s", 1).await.unwrap();

    let refused = world.put("s", vec![into_partition(1, "late"), into_partition(0, "x")]).await.unwrap();
    assert!(matches!(refused[0], Err(RecordError::PartitionNotFound(id)) if id.index() == 1), "{refused:?}");
    assert!(refused[1].is_ok());
    let cursor = world.open("s", 1, CursorStart::TrimHorizon).await.unwrap();
    let (records, end) = world.get(&cursor).await.unwrap();
    assert_eq!((records.len(), end.position), (3, number(3)));
    let (records, still) = world.get(&end).await.unwrap();
    assert_eq!((records.len(), still.position), (0, number(3)));

    world.scale("s", 2).await.unwrap();
    let placed = world.put("s", vec![into_partition(1, "again")]).await.unwrap();
    assert_eq!(placed[0].as_ref().unwrap().sequence_number, number(3));
    assert_eq!(world.get(&end).await.unwrap().0, ["again"]);
}

#[tokio::test]
async fn a_refused_change_adds_nothing() {
    let quota = Settings { partition_quota_common: Some(4), ..Settings::default() };
    let world = World::with(quota).await;
    let id = world.create("s", 2).await;
    let check = async |target: u32, outcome: &str| {
        assert_eq!(variant(&world.scale("s", target).await), outcome, "{target}");
    };
    check(5, "PartitionQuotaExceeded").await;
    let fifth = PartitionRef { stream: id, partition: PartitionId::new(4) };
    assert!(world.engine.records.bounds(fifth).await.is_err());
    check(4, "Ok").await;
    // A closed partition frees its quota.
    check(1, "Ok").await;
    world.create("other", 3).await;
    check(2, "PartitionQuotaExceeded").await;
}

#[tokio::test]
async fn partitions_that_an_earlier_attempt_left_in_the_log_do_no_harm() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    world.engine.records.add_partitions(id, 9).await.unwrap();
    let world = world.reopened().await;
    assert_eq!(world.scale("s", 3).await.unwrap(), (1, 3));
    assert_eq!(world.statuses("s").await, "AAA");
    world.fill("s", 2, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_the_same_time_each_take_effect_whole() {
    let world = World::new().await;
    world.create("s", 1).await;
    let changes: Vec<_> = (2..=12)
        .map(|target| {
            let (service, project) = (world.service.clone(), world.project.clone());
            let target = PartitionCount::new(target).unwrap();
            tokio::spawn(async move { service.change_partition_count(&project, &stream("s"), target).await })
        })
        .collect();
    let mut seen = Vec::new();
    for change in changes {
        let change = change.await.unwrap().unwrap();
        seen.push((change.before, change.after));
    }
    // Each count but the last one is where exactly one other change began.
    let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await.unwrap();
    let mut befores: Vec<_> = seen.iter().map(|change| change.0).collect();
    let mut afters: Vec<_> = seen.iter().map(|change| change.1).chain([1]).collect();
    befores.push(described.summary.active);
    befores.sort_unstable();
    afters.sort_unstable();
    assert_eq!(befores, afters);
    for partition in &described.partitions {
        assert!(partition.bounds.is_some(), "{partition:?}");
    }
}

#[tokio::test]
async fn partitions_are_reused_deleted_first_then_expired_then_new_ones() {
    let world = World::new().await;
    world.create("s", 4).await;
    for partition in 0..4 {
        world.fill("s", partition, 10 + partition as usize).await;
    }
    let check = async |target: u32, statuses: &str| {
        world.scale("s", target).await.unwrap();
        assert_eq!(world.statuses("s").await, statuses);
    };
    check(3, "AAAD").await;
    world.clock.advance(12 * HOUR);
    check(1, "ADDD").await;
    // The one that was closed first expires first, although others were closed since.
    world.clock.advance(12 * HOUR + MINUTE);
    assert_eq!(world.service.housekeep().await.partitions_expired, 1);
    assert_eq!(world.statuses("s").await, "ADDE");
    assert_eq!(variant(&world.open("s", 3, CursorStart::TrimHorizon).await), "PartitionExpired");
    check(2, "AADE").await;
    check(4, "AAAA").await;
    check(5, "AAAAA").await;
    // What was closed goes on counting, also after it had expired; what is new begins.
    let records = (1..5).map(|partition| into_partition(partition, "x")).collect();
    let placed = world.put("s", records).await.unwrap();
    let numbers: Vec<_> = placed.into_iter().map(|placed| placed.unwrap().sequence_number.get()).collect();
    assert_eq!(numbers, [11, 12, 13, 0]);
    let cursor = world.open("s", 3, CursorStart::TrimHorizon).await.unwrap();
    assert_eq!((cursor.position, world.get(&cursor).await.unwrap().0), (number(13), vec!["x".to_owned()]));
}

#[tokio::test]
async fn the_log_of_changes_is_for_whoever_may_describe_the_stream() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    world.scale("s", 3).await.unwrap();
    world.scale("s", 3).await.unwrap();
    let log = world.service.scaling_log(&world.project, &stream("s")).await.unwrap();
    assert_eq!((log.id, log.changes.len(), log.changes[0].automatic), (id, 1, false));
    let other =
        async |text: &str| variant(&world.service.scaling_log(&project("other"), &stream(text)).await);
    assert_eq!(other("s").await, "StreamNotFound");
    assert_eq!(other(id.as_str()).await, "AccessDenied");
}
