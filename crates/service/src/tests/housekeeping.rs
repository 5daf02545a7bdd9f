use millpond_model::{RetentionHours, StreamUpdate};
use millpond_state::{Command, CommandId, Proposal};

use crate::Housekeeping;

use super::*;

fn a_day() -> LogConfig {
    LogConfig { retention: RetentionHours::default() }
}

fn did(partitions_expired: u32, logs_dropped: u32) -> Housekeeping {
    Housekeeping { partitions_expired, logs_dropped, ..Housekeeping::default() }
}

#[tokio::test]
async fn the_secret_is_fixed_at_the_first_start() {
    let world = World::new().await;
    let reopened = world.reopened().await;
    assert_ne!(world.service.secret(), [0; 32]);
    assert_eq!(reopened.service.secret(), world.service.secret());
    assert_ne!(World::new().await.reopened().await.service.secret(), [0; 32]);
}

#[tokio::test]
async fn a_crash_between_log_and_stream_leaves_nothing_after_the_next_start() {
    let world = World::new().await;
    let kept = world.create("kept", 1).await;
    world.fill("kept", 0, 2).await;
    // Created and never published.
    world.engine.records.create(StreamId::from_random(1), 3, a_day()).await.unwrap();
    // Deleted and not yet dropped.
    let deleted = world.create("deleted", 1).await;
    let command = Command::DeleteStream { id: deleted };
    let proposal = Proposal { id: CommandId::from_random(1), command };
    world.engine.state.propose(proposal).await.unwrap().unwrap();
    assert_eq!(world.logs().await.len(), 3);

    let world = world.reopened().await;
    assert_eq!(world.logs().await, [kept]);
    let cursor = world.open("kept", 0, CursorStart::TrimHorizon).await.unwrap();
    assert_eq!(world.get(&cursor).await.unwrap().0, ["x", "x"]);
}

#[tokio::test]
async fn a_crash_between_update_and_log_is_made_good_at_the_next_start() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    world.fill("s", 0, 1).await;
    let retention = Some(RetentionHours::new(1).unwrap());
    let command = Command::UpdateStream { id, update: StreamUpdate { retention, ..StreamUpdate::default() } };
    let proposal = Proposal { id: CommandId::from_random(1), command };
    world.engine.state.propose(proposal).await.unwrap().unwrap();
    world.clock.advance(2 * HOUR);
    let world = world.reopened().await;
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    assert_eq!(cursor.position, number(1));
}

#[tokio::test]
async fn a_stream_that_lost_its_records_does_not_stop_the_others() {
    let world = World::new().await;
    let id = world.create("lost", 1).await;
    world.create("s", 1).await;
    world.engine.records.drop_stream(id).await.unwrap();
    let world = world.reopened().await;
    world.fill("s", 0, 1).await;
    assert_eq!(variant(&world.open("lost", 0, CursorStart::Latest).await), "Storage");
    let placed = world.put("lost", vec![into_partition(0, "x")]).await.unwrap();
    assert!(matches!(placed[0], Err(RecordError::Storage(_))), "{placed:?}");
}

#[tokio::test]
async fn logs_without_a_stream_are_dropped_in_passing() {
    let world = World::new().await;
    let kept = world.create("kept", 1).await;
    for random in [1, 2] {
        world.engine.records.create(StreamId::from_random(random), 1, a_day()).await.unwrap();
    }
    assert_eq!(world.service.housekeep().await, did(0, 2));
    assert_eq!(world.service.housekeep().await, did(0, 0));
    assert_eq!(world.logs().await, [kept]);
}

#[tokio::test]
async fn a_closed_partition_expires_once_its_last_record_has_left_retention() {
    let world = World::new().await;
    world.create("s", 3).await;
    world.fill("s", 1, 2).await;
    world.clock.advance(6 * HOUR);
    world.scale("s", 1).await.unwrap();
    let check = async |after: Duration, expired: u32, statuses: &str| {
        world.clock.advance(after);
        assert_eq!(world.service.housekeep().await, did(expired, 0));
        assert_eq!(world.statuses("s").await, statuses);
    };
    check(Duration::ZERO, 0, "ADD").await;
    // All records are gone, but a put that began before the closing may still store one.
    check(20 * HOUR, 0, "ADD").await;
    world.fill_log(world.id("s"), 2, 1).await;
    check(4 * HOUR + MINUTE, 1, "AED").await;
    assert_eq!(variant(&world.open("s", 1, CursorStart::TrimHorizon).await), "PartitionExpired");
    let late = world.open("s", 2, CursorStart::TrimHorizon).await.unwrap();
    assert_eq!(world.get(&late).await.unwrap().0, ["x"]);
    check(20 * HOUR, 1, "AEE").await;
    let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await.unwrap();
    let bounds: Vec<_> = described.partitions.iter().map(|p| p.bounds.is_some()).collect();
    assert_eq!(bounds, [true, false, false]);
    assert_eq!((described.summary.active, described.summary.readable), (1, 1));

    // Opened again it goes on counting; a cursor from before the expiry is refused while it lasts.
    assert_eq!(
        variant(&world.get(&CursorPosition { opened: START.plus(100 * HOUR), ..late }).await),
        "PartitionExpired"
    );
    world.scale("s", 3).await.unwrap();
    let placed = world.put("s", vec![into_partition(1, "x")]).await.unwrap();
    assert_eq!(placed[0].as_ref().unwrap().sequence_number, number(2));
}

#[tokio::test]
async fn active_partitions_never_expire() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.scale("s", 1).await.unwrap();
    world.scale("s", 2).await.unwrap();
    world.clock.advance(100 * HOUR);
    assert_eq!(world.service.housekeep().await, did(0, 0));
    assert_eq!(world.statuses("s").await, "AA");
}

#[tokio::test]
async fn more_partitions_expire_than_one_command_can_name() {
    let world = World::new().await;
    world.create("s", 2500).await;
    world.scale("s", 1).await.unwrap();
    world.clock.advance(25 * HOUR);
    assert_eq!(world.service.housekeep().await, did(2499, 0));
}
