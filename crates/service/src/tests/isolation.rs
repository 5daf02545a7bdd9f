//! Another project's names and ids reach nothing. What rules open is tested with these.

use millpond_model::StreamUpdate;

use crate::{CheckpointQuery, DeleteCheckpoints};

use super::*;

#[tokio::test]
async fn no_operation_reaches_another_projects_things() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    world.create_app("a").await;
    world.fill("s", 0, 2).await;
    world.commit("s", "a", 0, 1).await.unwrap();
    let app_id = world.service.describe_app(&world.project, &app_selector("a")).await.unwrap().id;
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    let service = &world.service;

    // A stranger without anything, and one that has a stream and an app of the same names.
    let twin = project("twin");
    service.create_stream(&twin, spec("s", 1)).await.unwrap();
    service.create_app(&twin, app_name("a")).await.unwrap();

    for stranger in [&project("stranger"), &twin] {
        let own = stranger == &twin;
        // By name the twin reaches its own; by id nobody does.
        for (selector, reached) in [(stream("s"), own), (stream(id.as_str()), false)] {
            let app = if own { app_selector("a") } else { app_selector(app_id.as_str()) };
            let partition = PartitionId::new(0);
            let kind = CheckpointType::LastRead;
            let by_id = selector == stream(id.as_str());
            // By its id a stream exists for everybody, but who has no rule is turned away.
            let data = if by_id { "AccessDenied" } else { "StreamNotFound" };
            let [data, management] = if reached { ["Ok"; 2] } else { [data, "StreamNotFound"] };
            let outcomes = [
                variant(&service.describe_stream(stranger, &selector, ALL).await),
                variant(&service.update_stream(stranger, &selector, StreamUpdate::default()).await),
                variant(
                    &service
                        .change_partition_count(stranger, &selector, PartitionCount::new(1).unwrap())
                        .await,
                ),
                variant(&service.put_records(stranger, &selector, vec![into_partition(0, "x")]).await),
                variant(&service.open_cursor(stranger, &selector, partition, CursorStart::Latest).await),
                variant(&service.consuming_state(stranger, &app, &selector, ALL).await),
                variant(
                    &service
                        .commit_checkpoint(
                            stranger,
                            CommitCheckpoint {
                                stream: selector.clone(),
                                app: app.clone(),
                                ..commit_of("s", "a", 0, 0)
                            },
                            &Actor::new("stranger"),
                        )
                        .await,
                ),
                variant(
                    &service
                        .get_checkpoint(
                            stranger,
                            &CheckpointQuery { stream: selector.clone(), app: app.clone(), partition, kind },
                        )
                        .await,
                ),
                variant(
                    &service
                        .delete_checkpoints(
                            stranger,
                            &DeleteCheckpoints {
                                stream: selector.clone(),
                                app: app.clone(),
                                partition: None,
                                kind,
                            },
                        )
                        .await,
                ),
                variant(&service.delete_stream(stranger, &selector).await),
            ];
            let expected = [data, management, management, data, data, data, data, data, data, management];
            assert_eq!(outcomes, expected, "{stranger} {selector}");
        }
        let limit = ReadLimit::records(10);
        assert_eq!(variant(&service.get_records(stranger, &cursor, limit).await), "AccessDenied");
        let by_id = app_selector(app_id.as_str());
        assert_eq!(variant(&service.describe_app(stranger, &by_id).await), "AppNotFound");
        assert_eq!(variant(&service.delete_app(stranger, &by_id).await), "AppNotFound");
        let filter = stream(id.as_str());
        assert_eq!(service.list_apps(stranger, None, 10, Some(&filter)).await.unwrap().total, 0);
        assert_eq!(service.list_streams(stranger, None, 10).await.unwrap().total, 0);
    }

    // An own stream does not open a foreign app, by its id.
    service.create_stream(&twin, spec("s", 1)).await.unwrap();
    let foreign = CommitCheckpoint { app: app_selector(app_id.as_str()), ..commit_of("s", "a", 0, 0) };
    let committed = service.commit_checkpoint(&twin, foreign, &Actor::new("twin")).await;
    assert_eq!(variant(&committed), "AppNotFound");

    // Nothing has happened to the owner's.
    assert_eq!(world.get(&cursor).await.unwrap().0, ["x", "x"]);
    assert_eq!(world.stored("s", "a", 0).await.unwrap(), Some(1));
}
