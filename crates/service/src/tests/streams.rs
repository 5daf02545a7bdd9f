use millpond_model::{AutoScale, DataType, RetentionHours, StreamType, StreamUpdate};

use super::*;

#[tokio::test]
async fn a_created_stream_can_be_used_at_once() {
    let world = World::new().await;
    world.create("orders", 3).await;
    world.fill("orders", 2, 5).await;

    let described = world.service.describe_stream(&world.project, &stream("orders"), ALL).await.unwrap();
    assert_eq!(described.summary.spec, spec("orders", 3));
    assert_eq!((described.summary.created, described.summary.modified), (START, START));
    assert_eq!((described.summary.active, described.summary.readable), (3, 3));
    assert_eq!((described.has_more, described.scaling.len()), (false, 0));
    let ranges: Vec<_> = described
        .partitions
        .iter()
        .map(|p| (p.id.index(), p.status.as_str(), p.bounds.map(|b| (b.oldest.get(), b.high_water.get()))))
        .collect();
    assert_eq!(
        ranges,
        [(0, "ACTIVE", Some((0, 0))), (1, "ACTIVE", Some((0, 0))), (2, "ACTIVE", Some((0, 5)))]
    );
    let shares: Vec<_> = described.partitions.iter().map(|p| p.range).collect();
    assert_eq!(shares, millpond_model::hash_ranges(3).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_is_found_by_its_name_and_by_its_id_in_either_place() {
    let world = World::new().await;
    let id = world.create("orders", 1).await;
    let id = id.as_str();
    let check = async |name: Option<&str>, other: Option<&str>, found: bool| {
        let selector = StreamSelector::new(name, other).unwrap();
        let described = world.service.describe_stream(&world.project, &selector, ALL).await;
        let expected = if found { "Ok" } else { "StreamNotFound" };
        assert_eq!(variant(&described), expected, "{name:?} {other:?}");
        if let Err(Error::StreamNotFound { stream }) = described {
            assert_eq!(*stream, selector.to_string());
        }
    };
    check(Some("orders"), None, true).await;
    check(Some(id), None, true).await;
    check(None, Some(id), true).await;
    check(Some("gone"), Some(id), true).await;
    check(Some("orders"), Some("00000000000000000000"), true).await;
    check(Some("gone"), None, false).await;
    check(None, Some("orders"), false).await;
    check(Some("Orders"), None, false).await;
}

#[tokio::test]
async fn a_refused_creation_leaves_no_log() {
    let quota = Settings { partition_quota_common: Some(4), ..Settings::default() };
    let world = World::with(quota).await;
    let id = world.create("taken", 2).await;
    let check = async |spec: StreamSpec, refusal: &str| {
        let created = world.service.create_stream(&world.project, spec).await;
        assert_eq!(variant(&created), refusal);
    };
    check(spec("taken", 1), "StreamExists").await;
    check(spec("large", 3), "PartitionQuotaExceeded").await;
    let schema = Some("x".repeat(70_000).into());
    check(StreamSpec { data_schema: schema, ..spec("huge", 1) }, "TooLarge").await;
    assert_eq!(world.logs().await, [id]);
    check(StreamSpec { stream_type: StreamType::Advanced, ..spec("advanced", 50) }, "Ok").await;
    check(spec("small", 2), "Ok").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_create_one_name_one_wins_and_no_log_is_left_over() {
    let world = World::new().await;
    let attempts: Vec<_> = (1..=16)
        .map(|partitions| {
            let (service, project) = (world.service.clone(), world.project.clone());
            tokio::spawn(async move { service.create_stream(&project, spec("s", partitions)).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for attempt in attempts {
        outcomes.push(variant(&attempt.await.unwrap()));
    }
    outcomes.sort();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "Ok").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "StreamExists").count(), 15, "{outcomes:?}");
    assert_eq!(world.logs().await, [world.id("s")]);
    assert!(world.service.creating.lock().is_empty());
}

#[tokio::test]
async fn streams_are_listed_by_name_behind_the_start() {
    let world = World::new().await;
    for name in ["b", "B", "a-1", "_x"] {
        world.create(name, 2).await;
    }
    let check = async |after: Option<&str>, limit: u32, names: &[&str], has_more: bool| {
        let list = world.service.list_streams(&world.project, after, limit).await.unwrap();
        let found: Vec<_> = list.streams.iter().map(|summary| summary.spec.name.as_str()).collect();
        assert_eq!((found.as_slice(), list.has_more, list.total), (names, has_more, 4), "{after:?} {limit}");
    };
    check(None, 10, &["B", "_x", "a-1", "b"], false).await;
    check(None, 4, &["B", "_x", "a-1", "b"], false).await;
    check(None, 3, &["B", "_x", "a-1"], true).await;
    check(Some("a-1"), 3, &["b"], false).await;
    check(Some("a"), 1, &["a-1"], true).await;
    check(Some("b"), 1, &[], false).await;
    check(Some("zzz"), 1, &[], false).await;
    let empty = world.service.list_streams(&project("other"), None, 10).await.unwrap();
    assert_eq!((empty.total, empty.streams.len(), empty.has_more), (0, 0, false));
}

#[tokio::test]
async fn partitions_are_described_page_by_page() {
    let world = World::new().await;
    world.create("s", 5).await;
    let check = async |after: Option<u32>, limit: u32, ids: &[u32], has_more: bool| {
        let page = PartitionPage { after: after.map(PartitionId::new), limit };
        let described = world.service.describe_stream(&world.project, &stream("s"), page).await.unwrap();
        let found: Vec<_> = described.partitions.iter().map(|p| p.id.index()).collect();
        assert_eq!((found.as_slice(), described.has_more), (ids, has_more), "{page:?}");
    };
    check(None, 100, &[0, 1, 2, 3, 4], false).await;
    check(None, 5, &[0, 1, 2, 3, 4], false).await;
    check(None, 2, &[0, 1], true).await;
    check(Some(0), 2, &[1, 2], true).await;
    check(Some(2), 2, &[3, 4], false).await;
    check(Some(4), 2, &[], false).await;
    check(Some(u32::MAX), 2, &[], false).await;
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_the_logs_retention_with_it() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.fill("s", 0, 3).await;
    world.clock.advance(2 * HOUR);
    let update = async |update: StreamUpdate| {
        world.service.update_stream(&world.project, &stream("s"), update).await.unwrap()
    };
    let retention = RetentionHours::new(1).unwrap();
    let name = update(StreamUpdate { retention: Some(retention), ..StreamUpdate::default() }).await;
    assert_eq!(name.as_str(), "s");
    update(StreamUpdate {
        data_type: Some(DataType::Json),
        auto_scale_enabled: Some(true),
        auto_scale_min: Some(1),
        auto_scale_max: Some(9),
        ..StreamUpdate::default()
    })
    .await;

    let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await.unwrap();
    let changed = StreamSpec {
        retention,
        data_type: DataType::Json,
        auto_scale: AutoScale { enabled: true, min: 1, max: 9 },
        ..spec("s", 1)
    };
    assert_eq!(described.summary.spec, changed);
    assert_eq!(described.summary.modified, START.plus(2 * HOUR));
    let bounds = described.partitions[0].bounds.unwrap();
    assert_eq!((bounds.oldest, bounds.high_water), (number(3), number(3)));
    let unknown = world.service.update_stream(&world.project, &stream("t"), StreamUpdate::default()).await;
    assert_eq!(variant(&unknown), "StreamNotFound");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_ends_with_the_retention_that_the_state_has() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.fill("s", 0, 1).await;
    let updates: Vec<_> = (1..=32)
        .map(|hours| {
            let (service, project) = (world.service.clone(), world.project.clone());
            let retention = Some(RetentionHours::new(hours).unwrap());
            let update = StreamUpdate { retention, ..StreamUpdate::default() };
            tokio::spawn(async move { service.update_stream(&project, &stream("s"), update).await })
        })
        .collect();
    for update in updates {
        update.await.unwrap().unwrap();
    }
    let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await.unwrap();
    let retention = described.summary.spec.retention.as_duration();
    let oldest = async || {
        let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await.unwrap();
        described.partitions[0].bounds.unwrap().oldest.get()
    };
    world.clock.advance(retention);
    assert_eq!(oldest().await, 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(oldest().await, 1);
}

#[tokio::test]
async fn a_deleted_stream_is_gone_and_its_name_is_free_for_another() {
    let world = World::new().await;
    let before = world.create("s", 2).await;
    world.create_app("a").await;
    world.fill("s", 0, 3).await;
    world.commit("s", "a", 0, 2).await.unwrap();
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();

    world.service.delete_stream(&world.project, &stream("s")).await.unwrap();
    assert_eq!(world.logs().await, []);
    {
        let state = world.engine.state.view();
        let app = state.app_named(&world.project, "a").unwrap().id;
        assert_eq!(state.checkpoints_of(app).count(), 0, "its checkpoints go with it");
    }
    assert_eq!(variant(&world.put("s", vec![into_partition(0, "x")]).await), "StreamNotFound");
    assert_eq!(variant(&world.get(&cursor).await), "StreamNotFound");
    assert_eq!(variant(&world.service.delete_stream(&world.project, &stream("s")).await), "StreamNotFound");

    let after = world.create("s", 1).await;
    assert_ne!(before, after);
    assert_eq!(world.stored("s", "a", 0).await.unwrap(), None);
    assert_eq!(variant(&world.get(&cursor).await), "StreamNotFound");
    let fresh = world.open("s", 0, CursorStart::Latest).await.unwrap();
    assert_eq!(fresh.position, number(0));
}
