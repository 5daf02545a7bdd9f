//! Permission rules and what they allow (spec/12 §8).

use millpond_model::{PolicyAction, PolicyRule, StreamUpdate};

use super::*;
use crate::{CheckpointQuery, DeleteCheckpoints};

fn rules(principals: &[&str], action: PolicyAction) -> Vec<PolicyRule> {
    principals.iter().map(|text| PolicyRule { principal: text.parse().unwrap(), action }).collect()
}

impl World {
    async fn allow(&self, principals: &[&str], action: PolicyAction) {
        let id = self.id("s").to_string();
        let rules = rules(principals, action);
        self.service.add_policies(&self.project, &stream("s"), &id, rules).await.unwrap();
    }

    async fn forbid(&self, principals: &[&str], action: PolicyAction) {
        let id = self.id("s").to_string();
        let rules = rules(principals, action);
        self.service.delete_policies(&self.project, &stream("s"), &id, rules).await.unwrap();
    }

    async fn policies(&self) -> String {
        let list = self.service.list_policies(&self.project, &stream("s")).await.unwrap();
        let shown = |rule: &PolicyRule| format!("{}:{}", rule.principal, rule.action.as_str());
        list.rules.iter().map(shown).collect::<Vec<_>>().join(" ")
    }
}

/// What `guest` can do with the stream `s` by its id: a letter for each call that succeeds, `-` for each
/// that is denied.
async fn reach(world: &World, guest: &ProjectId, selector: &StreamSelector) -> String {
    let (service, app) = (&world.service, app_selector("guest-app"));
    let (partition, kind) = (PartitionId::new(0), CheckpointType::LastRead);
    let commit =
        CommitCheckpoint { stream: selector.clone(), app: app.clone(), ..commit_of("s", "guest-app", 0, 0) };
    let query = CheckpointQuery { stream: selector.clone(), app: app.clone(), partition, kind };
    let delete =
        DeleteCheckpoints { stream: selector.clone(), app: app.clone(), partition: Some(partition), kind };
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    let outcomes = [
        ('p', variant(&service.put_records(guest, selector, vec![into_partition(0, "x")]).await)),
        ('o', variant(&service.open_cursor(guest, selector, partition, CursorStart::Latest).await)),
        ('g', variant(&service.get_records(guest, &cursor, ReadLimit::records(1)).await)),
        ('d', variant(&service.describe_stream(guest, selector, ALL).await)),
        ('c', variant(&service.commit_checkpoint(guest, commit, &Actor::new("guest")).await)),
        ('q', variant(&service.get_checkpoint(guest, &query).await)),
        ('s', variant(&service.consuming_state(guest, &app, selector, ALL).await)),
        ('x', variant(&service.delete_checkpoints(guest, &delete).await)),
    ];
    let letter = |(letter, outcome): (char, String)| match &*outcome {
        "Ok" => letter,
        "AccessDenied" => '-',
        other => panic!("{letter}: {other}"),
    };
    outcomes.into_iter().map(letter).collect()
}

/// A stream `s` of `p`, and `guest` with an app and a stream of its own.
async fn shared_world() -> (World, ProjectId) {
    let world = World::new().await;
    world.create("s", 1).await;
    let guest = project("guest");
    world.service.create_app(&guest, app_name("guest-app")).await.unwrap();
    world.service.create_stream(&guest, spec("own", 1)).await.unwrap();
    (world, guest)
}

#[tokio::test]
async fn a_rule_reaches_exactly_as_far_as_it_says() {
    use PolicyAction::{GetRecords, GetStreamInfo, PutRecords};
    let (world, guest) = shared_world().await;
    let by_id = stream(world.id("s").as_str());
    let check = async |principal: &str, action: PolicyAction, expected: &str| {
        world.allow(&[principal], action).await;
        assert_eq!(reach(&world, &guest, &by_id).await, expected, "{principal} {action:?}");
        world.forbid(&[principal], action).await;
        assert_eq!(reach(&world, &guest, &by_id).await, "--------", "{principal} {action:?}, deleted");
    };
    check("guest", PutRecords, "p--d----").await;
    check("guest.*", PutRecords, "p--d----").await;
    check("*", PutRecords, "p--d----").await;
    check("guest", GetRecords, "-ogdcqsx").await;
    check("guest", GetStreamInfo, "---d----").await;
    check("other", GetRecords, "--------").await;
    check("guest.user", GetRecords, "--------").await;
    check("gues", GetRecords, "--------").await;
}

#[tokio::test]
async fn both_places_of_an_id_are_looked_at() {
    let (world, guest) = shared_world().await;
    world.allow(&["guest"], PolicyAction::PutRecords).await;
    let id = world.id("s").to_string();
    let put = async |name: Option<&str>, id: Option<&str>| {
        let selector = StreamSelector::new(name, id).unwrap();
        variant(&world.service.put_records(&guest, &selector, vec![into_partition(0, "x")]).await)
    };
    assert_eq!(put(None, Some(&id)).await, "Ok");
    assert_eq!(put(Some("s"), Some(&id)).await, "Ok", "the name is not one of the caller's");
    assert_eq!(put(Some("s"), None).await, "StreamNotFound");
    let own = put(Some("own"), Some(&id)).await;
    assert_eq!(own, "Ok", "the name goes first");
    let bounds =
        world.service.describe_stream(&guest, &stream("own"), ALL).await.unwrap().partitions[0].bounds;
    assert_eq!(bounds.unwrap().high_water, number(1));
}

#[tokio::test]
async fn no_rule_opens_a_management_call() {
    let (world, guest) = shared_world().await;
    for action in [PolicyAction::PutRecords, PolicyAction::GetRecords, PolicyAction::GetStreamInfo] {
        world.allow(&["*"], action).await;
    }
    let id = world.id("s").to_string();
    let (service, by_id) = (&world.service, stream(&id));
    let two = PartitionCount::new(2).unwrap();
    let now = millpond_model::Minute::of(START);
    let outcomes = [
        variant(&service.update_stream(&guest, &by_id, StreamUpdate::default()).await),
        variant(&service.change_partition_count(&guest, &by_id, two).await),
        variant(&service.delete_stream(&guest, &by_id).await),
        variant(&service.metrics(&guest, &by_id, None, now, now).await),
    ];
    assert_eq!(outcomes, ["StreamNotFound"; 4]);
    let outcomes = [
        variant(&service.list_policies(&guest, &by_id).await),
        variant(&service.add_policies(&guest, &by_id, &id, vec![]).await),
        variant(&service.delete_policies(&guest, &by_id, &id, rules(&["*"], PolicyAction::PutRecords)).await),
    ];
    assert_eq!(outcomes, ["AccessDenied"; 3]);
    assert_eq!(variant(&service.stream_tags(&guest, &id).await), "TaggedStreamNotFound");
    assert_eq!(service.list_streams(&guest, None, 10).await.unwrap().total, 1);
    assert_eq!(service.list_apps(&guest, None, 10, Some(&by_id)).await.unwrap().total, 0);
}

#[tokio::test]
async fn an_app_shows_shared_streams_as_long_as_they_are_shared() {
    let (world, guest) = shared_world().await;
    world.allow(&["guest"], PolicyAction::GetRecords).await;
    let selector = stream(world.id("s").as_str());
    let commit = CommitCheckpoint { stream: selector, ..commit_of("s", "guest-app", 0, 0) };
    world.service.commit_checkpoint(&guest, commit, &Actor::new("guest")).await.unwrap();
    let shown = async || {
        let app = world.service.describe_app(&guest, &app_selector("guest-app")).await.unwrap();
        app.streams.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, ["s"]);
    world.forbid(&["guest"], PolicyAction::GetRecords).await;
    assert_eq!(shown().await, [""; 0]);
    world.service.delete_stream(&world.project, &stream("s")).await.unwrap();
    assert_eq!(shown().await, [""; 0]);
}

#[tokio::test]
async fn rules_are_listed_added_once_and_deleted_in_any_spelling() {
    use PolicyAction::{GetRecords, PutRecords};
    let (world, _) = shared_world().await;
    assert_eq!(world.policies().await, "");
    world.allow(&["acct.*", "acct.user"], PutRecords).await;
    world.allow(&["acct", "acct.user"], PutRecords).await;
    world.allow(&["acct"], GetRecords).await;
    assert_eq!(world.policies().await, "acct.*:putRecords acct.user:putRecords acct:getRecords");
    world.forbid(&["acct", "none"], PutRecords).await;
    assert_eq!(world.policies().await, "acct.user:putRecords acct:getRecords");
    let reopened = world.reopened().await;
    assert_eq!(reopened.policies().await, "acct.user:putRecords acct:getRecords");
}

#[tokio::test]
async fn the_id_has_to_be_the_streams() {
    let (world, _) = shared_world().await;
    let other = world.create("other", 1).await.to_string();
    let add = async |name: &str, id: &str| {
        let rules = rules(&["a"], PolicyAction::PutRecords);
        variant(&world.service.add_policies(&world.project, &stream(name), id, rules).await)
    };
    assert_eq!(add("s", &other).await, "StreamIdMismatch");
    assert_eq!(add("s", "x").await, "StreamIdMismatch");
    assert_eq!(add("none", &other).await, "StreamNotFound");
    assert_eq!(add(&other, &other).await, "Ok");
    let many: Vec<_> = (0..101).map(|n| format!("p{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let id = world.id("s").to_string();
    let rules = rules(&many, PolicyAction::PutRecords);
    let added = world.service.add_policies(&world.project, &stream("s"), &id, rules).await;
    assert_eq!(variant(&added), "TooManyPolicies");
}
