use millpond_model::{ClientId, RebalanceTimeout};

use crate::{GroupMember, HeartbeatAnswer, JoinAnswer, JoinGroup, SyncAnswer};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn client(text: &str) -> ClientId {
    text.parse().unwrap()
}

pub(super) fn joining(name: &str, streams: &[&str]) -> JoinGroup {
    JoinGroup {
        client: client(name),
        streams: streams.iter().map(|&name| name.into()).collect(),
        stream_ids: Vec::new(),
        pattern: None,
        rebalance_timeout: RebalanceTimeout::default(),
        accelerate: true,
    }
}

fn by_pattern(name: &str, pattern: &str) -> JoinGroup {
    JoinGroup { pattern: Some(pattern.into()), ..joining(name, &[]) }
}

fn by_id(name: &str, ids: &[&str]) -> JoinGroup {
    JoinGroup { stream_ids: ids.iter().map(|&id| id.into()).collect(), ..joining(name, &[]) }
}

impl World {
    pub(super) async fn join(&self, join: JoinGroup) -> Result<JoinAnswer, Error> {
        self.service.join_group(&self.project, &app_selector("g"), join).await
    }

    /// What a member gets: `2 s:0,1` in generation 2; else what it has to do.
    pub(super) async fn sync(&self, name: &str) -> String {
        match self.service.sync_group(&self.project, &app_selector("g"), &client(name)).await.unwrap() {
            SyncAnswer::Ready { generation, assignment } => {
                let mut text = generation.to_string();
                for (stream, partitions) in assignment {
                    let indices: Vec<_> = partitions.iter().map(|p| p.bare()).collect();
                    text = format!("{text} {stream}:{}", indices.join(","));
                }
                text
            }
            other => format!("{other:?}"),
        }
    }

    pub(super) async fn beat(&self, name: &str, generation: i64) -> HeartbeatAnswer {
        let (app, client) = (app_selector("g"), client(name));
        self.service.heartbeat(&self.project, &app, &client, generation).await.unwrap()
    }

    /// All of them in a stable group.
    async fn stable(names: &[&str]) -> Self {
        let world = Self::new().await;
        world.create("s", 4).await;
        world.create_app("g").await;
        for name in names.iter().rev().chain(names) {
            world.join(joining(name, &["s"])).await.unwrap();
        }
        for name in names {
            world.join(joining(name, &["s"])).await.unwrap();
        }
        for name in names {
            world.sync(name).await;
        }
        world
    }

    fn generation(&self) -> i64 {
        let state = self.engine.state.view();
        let app = state.app_named(&self.project, "g").unwrap().id;
        state.group(app).unwrap().generation().into()
    }

    async fn commit_as(&self, name: &str, generation: i64, partition: u32) -> Result<(), Error> {
        let member = Some(GroupMember { client_id: name.into(), generation });
        let commit = CommitCheckpoint { member, ..commit_of("s", "g", partition, 0) };
        self.service.commit_checkpoint(&self.project, commit, &Actor::new("k")).await
    }
}

#[tokio::test]
async fn heartbeats_write_nothing() {
    let world = World::stable(&["c1"]).await;
    let generation = world.generation();
    let applied = world.engine.state.view().applied();
    for _ in 0..100 {
        assert_eq!(world.beat("c1", generation).await, HeartbeatAnswer::Stable);
        assert_eq!(world.beat("c2", -1).await, HeartbeatAnswer::Joining);
        world.clock.advance(SECOND);
    }
    assert_eq!(world.engine.state.view().applied(), applied);
}

#[tokio::test]
async fn syncing_again_writes_nothing() {
    let world = World::stable(&["c1"]).await;
    let applied = world.engine.state.view().applied();
    assert_eq!(world.sync("c1").await, format!("{} s:0,1,2,3", world.generation()));
    assert_eq!(world.sync("c2").await, "Rejoin");
    assert_eq!(world.engine.state.view().applied(), applied);
}

#[tokio::test]
async fn groups_that_nobody_calls_are_kept_up() {
    let world = World::stable(&["c1", "c2"]).await;
    let delete = async || variant(&world.service.delete_app(&world.project, &app_selector("g")).await);
    world.service.tick_groups().await;
    assert_eq!(delete().await, "AppInUse");
    world.clock.advance(30 * SECOND);
    world.service.tick_groups().await;
    assert_eq!(delete().await, "AppInUse");
    world.clock.advance(SECOND);
    world.service.tick_groups().await;
    assert_eq!(delete().await, "Ok");
    world.service.tick_groups().await;
}

#[tokio::test]
async fn an_app_whose_members_are_all_silent_can_be_deleted_at_once() {
    let world = World::stable(&["c1"]).await;
    world.service.tick_groups().await;
    world.clock.advance(31 * SECOND);
    assert_eq!(variant(&world.service.delete_app(&world.project, &app_selector("g")).await), "Ok");
}

#[tokio::test]
async fn a_time_of_day_that_is_wrong_neither_ends_nor_prolongs_anything() {
    for jump in [HOUR, Duration::ZERO] {
        let world = World::stable(&["c1"]).await;
        let generation = world.generation();
        world.join(joining("c2", &["s"])).await.unwrap();
        world.clock.jump_to(START.plus(jump).minus(HOUR / 2));
        assert_eq!(world.sync("c2").await, "Waiting");
        world.clock.advance(20 * SECOND);
        assert_eq!(world.sync("c2").await, format!("{} s:0,1,2,3", generation + 1));
        assert_eq!(world.sync("c1").await, "Rejoin");
    }
}

#[tokio::test]
async fn a_restart_disturbs_nobody_and_grants_everybody_their_time() {
    let world = World::stable(&["c1", "c2"]).await;
    let generation = world.generation();
    world.clock.advance(29 * SECOND);
    let world = world.reopened().await;
    world.service.tick_groups().await;
    world.clock.advance(29 * SECOND);
    assert_eq!(world.beat("c1", generation).await, HeartbeatAnswer::Stable);
    world.clock.advance(2 * SECOND);
    assert_eq!(world.beat("c1", generation).await, HeartbeatAnswer::Joining);
    world.join(joining("c1", &["s"])).await.unwrap();
    assert_eq!(world.sync("c1").await, format!("{} s:0,1,2,3", generation + 1));
    assert_eq!(variant(&world.commit_as("c2", generation, 0).await), "MemberUnknown");
}

#[tokio::test]
async fn commits_of_members_are_checked_and_keep_them_alive() {
    let world = World::stable(&["c1"]).await;
    let generation = world.generation();
    let check = async |name: &str, generation: i64, partition: u32, outcome: &str| {
        let committed = world.commit_as(name, generation, partition).await;
        assert_eq!(variant(&committed), outcome, "{name} {generation} {partition}");
    };
    for _ in 0..3 {
        world.clock.advance(20 * SECOND);
        check("c1", generation, 3, "Ok").await;
    }
    check("c1", generation - 1, 3, "IllegalGeneration").await;
    check("c1", -1, 3, "IllegalGeneration").await;
    check("c2", generation, 3, "MemberUnknown").await;
    check(&"x".repeat(300), generation, 3, "MemberUnknown").await;
    check("c1", generation, 4, "PartitionNotFound").await;
    world.join(joining("c2", &["s"])).await.unwrap();
    check("c1", generation, 3, "GroupRebalancing").await;
    world.commit("s", "g", 3, 0).await.unwrap();
}

#[tokio::test]
async fn a_pattern_follows_the_streams_of_the_project() {
    let world = World::stable(&[]).await;
    world.create("t-1", 1).await;
    let joined = world.join(by_pattern("c1", "t-.*")).await.unwrap();
    assert_eq!(joined, JoinAnswer::Joined { subscription: vec!["t-1".into()], delay: Duration::ZERO });
    assert_eq!(world.sync("c1").await, "1 t-1:0");
    let check = async |generation: i64, subscription: &[&str], share: &str| {
        world.service.tick_groups().await;
        assert_eq!(world.beat("c1", generation).await, HeartbeatAnswer::Joining);
        let JoinAnswer::Joined { subscription: got, .. } =
            world.join(by_pattern("c1", "t-.*")).await.unwrap()
        else {
            panic!("not joined")
        };
        assert_eq!(got.iter().map(|name| &**name).collect::<Vec<_>>(), subscription);
        assert_eq!(world.sync("c1").await, share);
        world.service.tick_groups().await;
        assert_eq!(world.beat("c1", generation + 1).await, HeartbeatAnswer::Stable);
    };
    world.create("t-2", 1).await;
    check(1, &["t-1", "t-2"], "2 t-1:0 t-2:0").await;
    world.create("other", 1).await;
    world.service.create_stream(&project("q"), spec("t-3", 1)).await.unwrap();
    world.service.tick_groups().await;
    assert_eq!(world.beat("c1", 2).await, HeartbeatAnswer::Stable);
    world.service.delete_stream(&world.project, &stream("t-1")).await.unwrap();
    check(2, &["t-2"], "3 t-2:0").await;
    world.service.delete_stream(&world.project, &stream("t-2")).await.unwrap();
    check(3, &[], "4").await;
    world.create("t-2", 1).await;
    check(4, &["t-2"], "5 t-2:0").await;
}

#[tokio::test]
async fn what_a_client_may_subscribe_to() {
    let world = World::stable(&[]).await;
    let id = world.id("s").to_string();
    world.service.create_stream(&project("q"), spec("theirs", 1)).await.unwrap();
    let theirs = world.engine.state.view().stream_named(&project("q"), "theirs").unwrap().id.to_string();
    let check = async |join: JoinGroup, share: Option<&str>| {
        let context = format!("{join:?}");
        let name = join.client.clone();
        let joined = world.join(join).await.unwrap();
        let Some(share) = share else {
            return assert_eq!(joined, JoinAnswer::SubscriptionRefused, "{context}");
        };
        assert!(matches!(joined, JoinAnswer::Joined { .. }), "{context}");
        assert!(world.sync(name.as_str()).await.ends_with(share), "{context}");
    };
    check(joining("c", &["s", "s"]), Some(" s:0,1,2,3")).await;
    check(by_id("c", &[&id]), Some(&format!(" {id}:0,1,2,3"))).await;
    check(joining("c", &["none"]), None).await;
    check(joining("c", &[&id]), None).await;
    check(joining("c", &["s", "none"]), None).await;
    check(by_id("c", &["s"]), None).await;
    check(by_id("c", &[&theirs]), None).await;
    check(by_id("c", &[""]), None).await;
    check(joining("c", &["theirs"]), None).await;
    check(joining("c", &[]), None).await;
    check(JoinGroup { streams: vec!["s".into()], ..by_id("c", &[&id]) }, None).await;
    check(by_pattern("c", "("), None).await;
    check(by_pattern("c", "none"), Some("")).await;
    check(by_pattern("c", ".*"), Some(" s:0,1,2,3")).await;
    check(
        JoinGroup { stream_ids: vec![id.as_str().into()], ..by_pattern("c", ".*") },
        Some(&format!(" {id}:0,1,2,3")),
    )
    .await;
}

#[tokio::test]
async fn a_stream_that_is_made_anew_is_another_one() {
    let world = World::stable(&["c1"]).await;
    let generation = world.generation();
    world.service.delete_stream(&world.project, &stream("s")).await.unwrap();
    world.create("s", 1).await;
    assert_eq!(world.beat("c1", generation).await, HeartbeatAnswer::Joining);
    world.join(joining("c1", &["s"])).await.unwrap();
    assert_eq!(world.sync("c1").await, format!("{} s:0", generation + 1));
}

#[tokio::test]
async fn an_app_of_the_same_name_has_a_group_of_its_own_in_each_project() {
    let world = World::stable(&["c1"]).await;
    let other = project("q");
    let beat = world.service.heartbeat(&other, &app_selector("g"), &client("c1"), 1).await.unwrap();
    assert_eq!(beat, HeartbeatAnswer::GroupNotFound);
    world.service.create_app(&other, app_name("g")).await.unwrap();
    let beat = world.service.heartbeat(&other, &app_selector("g"), &client("c1"), 1).await.unwrap();
    assert_eq!(beat, HeartbeatAnswer::Joining);
    world.service.leave_group(&other, &app_selector("g"), &client("c1")).await.unwrap();
    assert_eq!(world.beat("c1", world.generation()).await, HeartbeatAnswer::Stable);
}

#[tokio::test]
async fn many_clients_at_once_end_an_overdue_round_with_one_command() {
    let world = World::stable(&["c1", "c2"]).await;
    let generation = world.generation();
    world.join(joining("c1", &["s"])).await.unwrap();
    world.clock.advance(20 * SECOND);
    let applied = world.engine.state.view().applied().get();
    let polls = (0..20).map(|_| world.sync("c1"));
    for share in futures::future::join_all(polls).await {
        assert_eq!(share, format!("{} s:0,1,2,3", generation + 1));
    }
    // The end of the round, and the fetched share.
    assert_eq!(world.engine.state.view().applied().get(), applied + 2);
}
