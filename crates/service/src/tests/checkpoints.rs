use crate::{DeleteCheckpoints, GroupMember};

use super::*;

async fn world() -> World {
    let world = World::new().await;
    world.create("s", 3).await;
    world.create_app("a").await;
    world
}

#[tokio::test]
async fn checks_come_in_the_documented_order() {
    let world = world().await;
    world.scale("s", 1).await.unwrap();
    world.fill_log(world.id("s"), 1, 1).await;
    world.clock.advance(12 * HOUR);
    world.fill_log(world.id("s"), 1, 1).await;
    world.clock.advance(13 * HOUR);
    world.service.housekeep().await;
    assert_eq!(world.statuses("s").await, "ADE");

    // From the last check to the first: each row is wrong in one more place and refused for that one.
    let mut commit = CommitCheckpoint {
        member: Some(GroupMember { client_id: "c".into(), generation: 1 }),
        ..commit_of("s", "a", 0, 0)
    };
    let check = async |commit: &CommitCheckpoint, outcome: &str| {
        let actor = Actor::new("k");
        let committed = world.service.commit_checkpoint(&world.project, commit.clone(), &actor).await;
        assert_eq!(variant(&committed), outcome, "{commit:?}");
    };
    check(&CommitCheckpoint { member: None, ..commit.clone() }, "Ok").await;
    check(&commit, "MemberUnknown").await;
    commit.sequence_number = Some(number(1));
    check(&commit, "SequenceNumberOutOfRange").await;
    commit.sequence_number = None;
    check(&commit, "InvalidSequenceNumber").await;
    commit.partition = Some(PartitionId::new(2));
    check(&commit, "PartitionExpired").await;
    commit.partition = Some(PartitionId::new(3));
    check(&commit, "PartitionNotFound").await;
    commit.partition = None;
    check(&commit, "InvalidPartitionId").await;
    commit.app = app_selector("b");
    check(&commit, "AppNotFound").await;
    commit.stream = stream("t");
    check(&commit, "StreamNotFound").await;
}

#[tokio::test]
async fn positions_from_the_oldest_to_the_next_one_are_taken_in_any_order() {
    let world = world().await;
    let check = async |partition: u32, position: u64, taken: bool| {
        let committed = world.commit("s", "a", partition, position).await;
        let outcome = if taken { "Ok" } else { "SequenceNumberOutOfRange" };
        assert_eq!(variant(&committed), outcome, "{partition} {position}");
        if taken {
            assert_eq!(world.stored("s", "a", partition).await.unwrap(), Some(position));
        }
    };
    check(1, 0, true).await; // nothing was written yet
    check(1, 1, false).await;
    world.fill("s", 0, 8).await;
    let of = PartitionRef { stream: world.id("s"), partition: PartitionId::new(0) };
    world.engine.records.trim(of, number(3)).await.unwrap();
    for (position, taken) in [(2, false), (3, true), (8, true), (9, false), (5, true), (5, true), (4, true)] {
        check(0, position, taken).await;
    }
    let Err(Error::SequenceNumberOutOfRange { given, bounds }) = world.commit("s", "a", 0, 9).await else {
        panic!("taken")
    };
    assert_eq!((given, bounds.oldest, bounds.high_water), (number(9), number(3), number(8)));
}

#[tokio::test]
async fn a_checkpoint_is_returned_until_its_position_is_no_longer_readable() {
    let world = world().await;
    assert_eq!(world.stored("s", "a", 0).await.unwrap(), None);
    world.fill("s", 0, 8).await;
    let commit = CommitCheckpoint { metadata: "note".parse().unwrap(), ..commit_of("s", "a", 0, 5) };
    world.service.commit_checkpoint(&world.project, commit, &Actor::new("k")).await.unwrap();
    let query = crate::CheckpointQuery {
        stream: stream("s"),
        app: app_selector("a"),
        partition: PartitionId::new(0),
        kind: CheckpointType::LastRead,
    };
    let stored = world.service.get_checkpoint(&world.project, &query).await.unwrap().unwrap();
    assert_eq!((stored.sequence_number, stored.metadata.as_str()), (number(5), "note"));

    let of = PartitionRef { stream: world.id("s"), partition: PartitionId::new(0) };
    for (trimmed, stored) in [(5, Some(5)), (6, None)] {
        world.engine.records.trim(of, number(trimmed)).await.unwrap();
        assert_eq!(world.stored("s", "a", 0).await.unwrap(), stored, "{trimmed}");
    }
}

#[tokio::test]
async fn a_checkpoint_outlives_scaling_and_rests_while_its_partition_is_expired() {
    let world = world().await;
    world.fill("s", 2, 2).await;
    world.commit("s", "a", 2, 2).await.unwrap();
    world.scale("s", 1).await.unwrap();
    assert_eq!(world.stored("s", "a", 2).await.unwrap(), Some(2));
    world.clock.advance(25 * HOUR);
    world.service.housekeep().await;
    assert_eq!(world.stored("s", "a", 2).await.unwrap(), None);
    world.scale("s", 3).await.unwrap();
    assert_eq!(world.stored("s", "a", 2).await.unwrap(), Some(2));
}

#[tokio::test]
async fn what_has_no_checkpoint() {
    let world = world().await;
    for (name, app, partition, outcome) in [
        ("s", "a", 2, "Ok"),
        ("t", "a", 0, "StreamNotFound"),
        ("s", "b", 0, "AppNotFound"),
        ("s", "a", 3, "PartitionNotFound"),
        ("t", "b", 3, "StreamNotFound"),
    ] {
        assert_eq!(variant(&world.stored(name, app, partition).await), outcome, "{name} {app} {partition}");
    }
}

#[tokio::test]
async fn deleting_takes_one_or_all_and_is_no_error_twice() {
    let world = world().await;
    let delete = async |name: &str, app: &str, partition: Option<u32>| {
        let request = DeleteCheckpoints {
            stream: stream(name),
            app: app_selector(app),
            partition: partition.map(PartitionId::new),
            kind: CheckpointType::LastRead,
        };
        variant(&world.service.delete_checkpoints(&world.project, &request).await)
    };
    let stored = async || {
        let mut found = Vec::new();
        for partition in 0..3 {
            found.push(world.stored("s", "a", partition).await.unwrap());
        }
        found
    };
    for partition in 0..3 {
        world.commit("s", "a", partition, 0).await.unwrap();
    }
    for partition in [Some(1), Some(1), Some(77)] {
        assert_eq!(delete("s", "a", partition).await, "Ok");
        assert_eq!(stored().await, [Some(0), None, Some(0)]);
    }
    for _ in 0..2 {
        assert_eq!(delete("s", "a", None).await, "Ok");
        assert_eq!(stored().await, [None, None, None]);
    }
    assert_eq!(delete("t", "a", None).await, "StreamNotFound");
    assert_eq!(delete("s", "b", None).await, "AppNotFound");
    assert_eq!(delete("t", "b", None).await, "StreamNotFound");
}
