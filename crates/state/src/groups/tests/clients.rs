//! What stock clients do (spec/07 §3), and what else happens to them.

use super::*;

fn shares(sync: Sync) -> (u32, Vec<u32>) {
    let Sync::Share(generation, assignment) = sync else { panic!("{sync:?}") };
    (generation, assignment.values().flatten().map(|partition| partition.index()).collect())
}

#[test]
fn a_first_heartbeat_of_an_unknown_member_has_to_join() {
    let mut world = World::new(&[2]);
    assert_eq!(world.heartbeat("c1", -1), Heartbeat::Joining);
    assert_eq!(world.state.group(app()), None, "a heartbeat leaves no trace");
    world.settle_down(&["c1"]);
    assert_eq!(world.heartbeat("c2", -1), Heartbeat::Joining);
}

#[test]
fn a_fleet_that_starts_together_shares_in_one_round() {
    let mut world = World::new(&[4]);
    assert_eq!(world.join("c1", streams(&[1])), Ok(3 * SECOND));
    world.now += 2 * SECOND;
    assert_eq!(world.join("c2", streams(&[1])), Ok(SECOND));
    assert_eq!(world.sync("c1"), Sync::Wait);
    world.now += SECOND;
    assert_eq!(shares(world.sync("c1")), (1, vec![0, 1]));
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Syncing);
    assert_eq!(shares(world.sync("c2")), (1, vec![2, 3]));
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Stable);
}

#[test]
fn a_member_that_fell_out_of_the_round_joins_again_and_the_loop_ends() {
    let mut world = World::new(&[4]);
    world.settle_down(&["c1", "c2"]);
    world.join("c3", streams(&[1])).unwrap();
    world.now += 20 * SECOND;
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Joining, "it was too late for the round");
    assert_eq!(world.sync("c2"), Sync::Rejoin);
    assert_eq!(shares(world.sync("c3")), (2, vec![0, 1, 2, 3]));
    for client in ["c1", "c2", "c3"] {
        world.join(client, streams(&[1])).unwrap();
    }
    assert_eq!(shares(world.sync("c1")).0, 3);
    assert_eq!(shares(world.sync("c2")).0, 3);
    assert_eq!(world.heartbeat("c1", 3), Heartbeat::Syncing);
    assert_eq!(shares(world.sync("c3")).0, 3);
    assert_eq!(world.heartbeat("c1", 3), Heartbeat::Stable);
}

#[test]
fn a_stable_member_that_joins_without_a_heartbeat_starts_a_round() {
    let mut world = World::new(&[2]);
    world.settle_down(&["c1", "c2"]);
    assert_eq!(world.join("c1", streams(&[1])), Ok(Duration::ZERO));
    assert_eq!(world.sync("c1"), Sync::Wait);
    assert_eq!(world.heartbeat("c2", 1), Heartbeat::Joining);
    world.join("c2", streams(&[1])).unwrap();
    assert_eq!(shares(world.sync("c1")), (2, vec![0]));
    assert_eq!(shares(world.sync("c2")), (2, vec![1]));
}

#[test]
fn a_client_that_starts_anew_under_its_old_id_is_told_to_sync_and_goes_on() {
    let mut world = World::new(&[2]);
    world.settle_down(&["c1"]);
    assert_eq!(world.heartbeat("c1", -1), Heartbeat::Syncing);
    assert_eq!(shares(world.sync("c1")), (1, vec![0, 1]));
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Stable);
}

#[test]
fn late_commits_are_refused() {
    let mut world = World::new(&[2]);
    assert_eq!(world.commit("c1", 1, 1, 0), Err(Rejected::MemberUnknown));
    world.settle_down(&["c1"]);
    assert_eq!(world.commit("c1", 1, 1, 0), Ok(()));
    world.join("c2", streams(&[1])).unwrap();
    assert_eq!(world.commit("c1", 1, 1, 0), Err(Rejected::GroupRebalancing));
    world.join("c1", streams(&[1])).unwrap();
    assert_eq!(world.commit("c1", 1, 1, 0), Err(Rejected::GroupRebalancing), "not all have synced");
    assert_eq!(shares(world.sync("c1")), (2, vec![0]));
    assert_eq!(shares(world.sync("c2")), (2, vec![1]));
    assert_eq!(world.commit("c1", 1, 1, 0), Err(Rejected::IllegalGeneration));
    assert_eq!(world.commit("c1", 2, 1, 1), Err(Rejected::IllegalGeneration), "it is the other one's");
    assert_eq!(world.commit("c1", 2, 1, 0), Ok(()));
    world.leave("c1");
    world.join("c2", streams(&[1])).unwrap();
    assert_eq!(shares(world.sync("c2")), (3, vec![0, 1]));
    assert_eq!(world.commit("c1", 2, 1, 0), Err(Rejected::MemberUnknown));
}

#[test]
fn a_list_of_commits_with_one_foreign_partition_commits_nothing() {
    let mut world = World::new(&[2]);
    world.settle_down(&["c1", "c2"]);
    let commit = |partition| CheckpointCommit {
        stream: stream(1),
        partition: PartitionId::new(partition),
        kind: CheckpointType::LastRead,
        sequence_number: SequenceNumber::ZERO,
        metadata: Metadata::default(),
        expected: Expected::Anything,
    };
    let refused = world.propose(Command::CommitCheckpoints {
        app: app(),
        commits: vec![commit(0), commit(1)],
        member: Some(GroupMember { client: id("c1"), generation: 1 }),
        actor: Actor::new("k"),
    });
    assert_eq!(refused, Err(Rejected::IllegalGeneration));
    assert_eq!(world.state.checkpoints_of(app()).count(), 0);
}

#[test]
fn a_silent_member_goes_and_its_late_heartbeat_has_to_join() {
    let mut world = World::new(&[2]);
    world.settle_down(&["c1", "c2"]);
    for _ in 0..3 {
        world.now += 10 * SECOND;
        assert_eq!(world.heartbeat("c1", 1), Heartbeat::Stable);
    }
    world.now += SECOND;
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Joining, "c2 was silent for more than 30 s");
    world.join("c1", streams(&[1])).unwrap();
    assert_eq!(shares(world.sync("c1")), (2, vec![0, 1]));
    assert_eq!(world.heartbeat("c2", 1), Heartbeat::Joining);
}

#[test]
fn commits_and_syncs_are_signs_of_life() {
    let mut world = World::new(&[2]);
    world.settle_down(&["c1"]);
    for _ in 0..5 {
        world.now += 20 * SECOND;
        assert_eq!(world.commit("c1", 1, 1, 0), Ok(()));
        world.now += 20 * SECOND;
        assert_eq!(shares(world.sync("c1")).0, 1);
    }
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Stable);
}

#[test]
fn a_long_rebalance_time_out_is_waited_for() {
    let mut world = World::new(&[2]);
    let rebalance_timeout = RebalanceTimeout::from_millis(60_000);
    let (client, subscription) = (id("c1"), streams(&[1]));
    let slow = GroupEvent::Join { client, subscription, rebalance_timeout, accelerate: true };
    world.event(slow.clone()).unwrap();
    assert_eq!(shares(world.sync("c1")).0, 1);
    world.join("c2", streams(&[1])).unwrap();
    for _ in 0..59 {
        world.now += SECOND;
        assert_eq!(world.sync("c2"), Sync::Wait);
    }
    world.event(slow).unwrap();
    assert_eq!(shares(world.sync("c2")), (2, vec![1]));
}

#[test]
fn a_member_that_never_syncs_holds_the_others_up_for_one_time_out() {
    let mut world = World::new(&[2]);
    world.join("c1", streams(&[1])).unwrap();
    world.join("c2", streams(&[1])).unwrap();
    world.now += 3 * SECOND;
    assert_eq!(shares(world.sync("c1")).0, 1);
    world.now += 19 * SECOND;
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Syncing);
    world.now += SECOND;
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Stable);
    assert_eq!(shares(world.sync("c2")), (1, vec![1]), "it comes late and gets its share");
    assert_eq!(world.heartbeat("c2", 1), Heartbeat::Stable);
}

#[test]
fn generations_go_on_after_the_last_member_and_after_a_restart() {
    let mut world = World::new(&[1]);
    world.settle_down(&["c1"]);
    world.leave("c1");
    world.restart();
    assert_eq!((world.group().phase(), world.group().generation()), (Phase::Empty, 1));
    world.settle_down(&["c1"]);
    assert_eq!(world.group().generation(), 2);
    assert_eq!(world.commit("c1", 1, 1, 0), Err(Rejected::IllegalGeneration));
}

#[test]
fn a_restart_disturbs_nobody_who_comes_back_in_time() {
    let mut world = World::new(&[2]);
    world.settle_down(&["c1", "c2"]);
    world.now += 25 * SECOND;
    world.restart();
    world.now += 25 * SECOND;
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Stable);
    world.now += 25 * SECOND;
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Stable, "c2 was first missed 25 s ago");
    world.now += 6 * SECOND;
    assert_eq!(world.heartbeat("c1", 1), Heartbeat::Joining);
}

#[test]
fn an_app_is_in_use_while_its_group_has_members() {
    let mut world = World::new(&[1]);
    world.settle_down(&["c1"]);
    assert_eq!(world.propose(Command::DeleteApp { id: app() }), Err(Rejected::AppInUse));
    world.now += 31 * SECOND;
    world.settle();
    assert_eq!(world.propose(Command::DeleteApp { id: app() }), Ok(Done::Changed));
    assert_eq!(world.state.group(app()), None);
    assert_eq!(world.event(join("c1", streams(&[1]))), Err(Rejected::AppNotFound));
    world.restart();
}

#[test]
fn a_group_has_no_more_consumers_than_partitions() {
    let mut world = World::new(&[2, 1]);
    world.settle_down(&["c1", "c2"]);
    let full = |quota| Err(Rejected::QuotaExceeded { quota });
    assert_eq!(world.join("c3", streams(&[1])), full(2));
    assert_eq!(world.group().phase(), Phase::Stable, "a refused member disturbs nobody");
    assert!(world.join("c2", streams(&[1])).is_ok(), "a known one always may");
    assert!(world.join("c3", streams(&[1, 2])).is_ok(), "the group has three partitions with these");
    assert_eq!(world.join("c4", pattern(&[1, 2])), full(3));
    assert!(world.join("c4", pattern(&[])).is_ok(), "it takes none");
    assert!(world.join("c5", pattern(&[9])).is_ok(), "its stream is gone");
    world.scale(1, 3);
    assert!(world.join("c6", streams(&[1])).is_ok());
    world.scale(1, 1);
    assert_eq!(world.join("c7", streams(&[1])), full(4), "a drained partition counts while it is read");
}

#[test]
fn partitions_and_streams_that_come_and_go_start_a_round() {
    let check = |change: Command, shaken: bool| {
        let mut world = World::new(&[2, 2]);
        world.settle_down(&["c1"]);
        world.propose(change.clone()).unwrap();
        let expected = if shaken { Heartbeat::Joining } else { Heartbeat::Stable };
        assert_eq!(world.heartbeat("c1", 1), expected, "{change:?}");
    };
    let scale = |number, target| Command::SetPartitions {
        id: stream(number),
        target: PartitionCount::new(target).unwrap(),
        prepared: 100,
        partition_quota: None,
        automatic: false,
        expected_active: None,
    };
    check(scale(1, 3), true);
    check(scale(1, 1), true);
    check(scale(1, 2), false);
    check(scale(2, 3), false);
    check(Command::DeleteStream { id: stream(1) }, true);
    check(Command::DeleteStream { id: stream(2) }, false);
}

#[test]
fn a_drained_partition_is_read_to_its_end() {
    let mut world = World::new(&[2]);
    world.settle_down(&["c1"]);
    world.scale(1, 1);
    world.join("c1", streams(&[1])).unwrap();
    assert_eq!(shares(world.sync("c1")), (2, vec![0, 1]));
    let closed = world.state.stream(stream(1)).unwrap().partitions()[1].changed_at;
    let closed = vec![(PartitionId::new(1), closed)];
    world.propose(Command::ExpirePartitions { id: stream(1), closed }).unwrap();
    assert_eq!(world.heartbeat("c1", 2), Heartbeat::Joining);
    world.join("c1", streams(&[1])).unwrap();
    assert_eq!(shares(world.sync("c1")), (3, vec![0]));
}
