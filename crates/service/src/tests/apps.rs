use super::*;

#[tokio::test]
async fn an_app_is_created_once() {
    let world = World::with(Settings { app_quota: Some(2), ..Settings::default() }).await;
    let check = async |project: &ProjectId, name: &str, outcome: &str| {
        let created = world.service.create_app(project, app_name(name)).await;
        assert_eq!(variant(&created), outcome, "{name}");
    };
    check(&world.project, "a", "Ok").await;
    check(&world.project, "a", "AppExists").await;
    check(&world.project, "b", "Ok").await;
    check(&world.project, "c", "AppQuotaExceeded").await;
    check(&project("other"), "a", "Ok").await;
    world.service.delete_app(&world.project, &app_selector("a")).await.unwrap();
    check(&world.project, "c", "Ok").await;
}

#[tokio::test]
async fn apps_are_listed_by_name_behind_the_start_and_by_stream() {
    let world = World::new().await;
    for name in ["s", "t", "empty"] {
        world.create(name, 2).await;
    }
    for name in ["b", "c", "B", "a"] {
        world.create_app(name).await;
    }
    for (name, app) in [("t", "b"), ("s", "b"), ("s", "c"), ("s", "a")] {
        world.commit(name, app, 0, 0).await.unwrap();
        world.commit(name, app, 1, 0).await.unwrap();
    }
    let check = async |after: Option<&str>,
                       limit: u32,
                       filter: Option<&str>,
                       names: &[&str],
                       has_more: bool,
                       total: u32| {
        let filter = filter.map(stream);
        let list = world.service.list_apps(&world.project, after, limit, filter.as_ref()).await.unwrap();
        let found: Vec<_> = list.apps.iter().map(|app| app.name.as_str()).collect();
        assert_eq!((found.as_slice(), list.has_more, list.total), (names, has_more, total));
    };
    check(None, 10, None, &["B", "a", "b", "c"], false, 4).await;
    check(None, 2, None, &["B", "a"], true, 4).await;
    check(Some("a"), 2, None, &["b", "c"], false, 4).await;
    check(Some("aa"), 1, None, &["b"], true, 4).await;
    check(None, 10, Some("s"), &["a", "b", "c"], false, 3).await;
    check(Some("a"), 1, Some("s"), &["b"], true, 3).await;
    check(None, 10, Some(world.id("t").as_str()), &["b"], false, 1).await;
    check(None, 10, Some("empty"), &[], false, 0).await;
    check(None, 10, Some("unknown"), &[], false, 0).await;
}

#[tokio::test]
async fn an_app_is_described_with_the_streams_it_committed_in() {
    let world = World::new().await;
    world.create_app("a").await;
    for name in ["z", "m", "b"] {
        world.create(name, 1).await;
        world.commit(name, "a", 0, 0).await.unwrap();
    }
    world.service.delete_stream(&world.project, &stream("m")).await.unwrap();
    let described = world.service.describe_app(&world.project, &app_selector("a")).await.unwrap();
    assert_eq!((described.name.as_str(), described.created), ("a", START));
    let streams: Vec<_> = described.streams.iter().map(millpond_model::StreamName::as_str).collect();
    assert_eq!(streams, ["b", "z"]);
    let by_id = app_selector(described.id.as_str());
    assert_eq!(world.service.describe_app(&world.project, &by_id).await.unwrap(), described);
    let unknown = world.service.describe_app(&world.project, &app_selector("x")).await;
    assert_eq!(variant(&unknown), "AppNotFound");
}

#[tokio::test]
async fn a_deleted_app_takes_its_checkpoints_along() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.create_app("a").await;
    world.commit("s", "a", 0, 0).await.unwrap();
    world.service.delete_app(&world.project, &app_selector("a")).await.unwrap();
    let again = world.service.delete_app(&world.project, &app_selector("a")).await;
    assert_eq!(variant(&again), "AppNotFound");
    assert_eq!(variant(&world.commit("s", "a", 0, 0).await), "AppNotFound");
    world.create_app("a").await;
    assert_eq!(world.stored("s", "a", 0).await.unwrap(), None);
}

#[tokio::test]
async fn consuming_state_has_an_entry_for_each_readable_partition() {
    let world = World::new().await;
    world.create("s", 4).await;
    world.create_app("a").await;
    world.fill("s", 0, 5).await;
    world.fill("s", 2, 1).await;
    world.commit("s", "a", 2, 1).await.unwrap();
    let states = async |after: Option<u32>, limit: u32| {
        let page = PartitionPage { after: after.map(PartitionId::new), limit };
        let state = world
            .service
            .consuming_state(&world.project, &app_selector("a"), &stream("s"), page)
            .await
            .unwrap();
        assert_eq!((state.app.as_str(), state.stream.as_str()), ("a", "s"));
        let row = |p: &crate::PartitionConsumption| {
            let committed = p.checkpoint.as_ref().map(|checkpoint| checkpoint.sequence_number.get());
            (p.partition.index(), p.status.as_str(), p.bounds.high_water.get(), committed)
        };
        (state.partitions.iter().map(row).collect::<Vec<_>>(), state.has_more)
    };
    let first = (0, "ACTIVE", 5, None);
    let all = [first, (1, "ACTIVE", 0, None), (2, "ACTIVE", 1, Some(1)), (3, "ACTIVE", 0, None)];
    assert_eq!(states(None, 100).await, (all.to_vec(), false));
    assert_eq!(states(None, 1).await, (vec![first], true));
    assert_eq!(states(Some(0), 2).await, (all[1..3].to_vec(), true));
    assert_eq!(states(Some(2), 2).await, (all[3..].to_vec(), false));
    assert_eq!(states(Some(3), 2).await, (vec![], false));

    world.scale("s", 2).await.unwrap();
    world.clock.advance(23 * HOUR);
    world.fill_log(world.id("s"), 3, 1).await;
    world.clock.advance(2 * HOUR);
    world.service.housekeep().await;
    assert_eq!(world.statuses("s").await, "AAED");
    let left = vec![(0, "ACTIVE", 5, None), (1, "ACTIVE", 0, None), (3, "DELETED", 1, None)];
    assert_eq!(states(None, 100).await, (left, false));
}

#[tokio::test]
async fn what_has_no_consuming_state() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.create_app("a").await;
    for (app, name, outcome) in [
        ("a", "s", "Ok"),
        ("b", "s", "AppNotFound"),
        ("a", "t", "StreamNotFound"),
        ("b", "t", "StreamNotFound"),
    ] {
        let state =
            world.service.consuming_state(&world.project, &app_selector(app), &stream(name), ALL).await;
        assert_eq!(variant(&state), outcome, "{app} {name}");
    }
}
