//! What a project may have (spec/13 §1, §2, §6).

use futures::future::join_all;
use millpond_model::{StreamType, Tag};

use super::*;
use crate::{Quota, ScalingRate};

fn advanced(name: &str, partitions: u32) -> StreamSpec {
    StreamSpec { stream_type: StreamType::Advanced, ..spec(name, partitions) }
}

/// How many of these succeeded, and that the others failed with this variant.
fn succeeded<T>(results: &[Result<T, Error>], otherwise: &str) -> usize {
    for result in results.iter().filter(|result| result.is_err()) {
        assert_eq!(variant(result), otherwise);
    }
    results.iter().filter(|result| result.is_ok()).count()
}

#[tokio::test]
async fn creates_at_the_same_time_do_not_exceed_a_quota_together() {
    let settings = Settings {
        partition_quota_common: Some(10),
        stream_quota: Some(7),
        app_quota: Some(4),
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let names: Vec<String> = (0..30).map(|n| format!("n{n}")).collect();
    let create = |name: &String| {
        let (service, project, spec) = (Arc::clone(&world.service), world.project.clone(), spec(name, 3));
        async move { service.create_stream(&project, spec).await }
    };
    let created = join_all(names.iter().map(create)).await;
    assert_eq!(succeeded(&created, "PartitionQuotaExceeded"), 3, "of three partitions each");
    let create = |name: &String| {
        let (service, project, spec) = (Arc::clone(&world.service), world.project.clone(), advanced(name, 3));
        async move { service.create_stream(&project, spec).await }
    };
    let others: Vec<String> = names.iter().map(|name| format!("{name}a")).collect();
    let created = join_all(others.iter().map(create)).await;
    assert_eq!(succeeded(&created, "StreamQuotaExceeded"), 4, "seven streams in all");
    let apps =
        join_all(names.iter().map(|name| world.service.create_app(&world.project, app_name(name)))).await;
    assert_eq!(succeeded(&apps, "AppQuotaExceeded"), 4);
    assert_eq!(world.logs().await.len(), 7, "what was refused left nothing");
}

#[tokio::test]
async fn scalings_at_the_same_time_do_not_exceed_a_quota_together() {
    let world = World::with(Settings { partition_quota_common: Some(10), ..Settings::default() }).await;
    for name in ["a", "b", "c", "d"] {
        world.create(name, 1).await;
    }
    let scaled = join_all(["a", "b", "c", "d"].map(|name| world.scale(name, 4))).await;
    assert_eq!(succeeded(&scaled, "PartitionQuotaExceeded"), 2);
    let quotas = world.service.quotas(&world.project).await.unwrap();
    assert_eq!(quotas.common_partitions, Quota { quota: Some(10), used: 10 });
}

#[tokio::test]
async fn tags_at_the_same_time_do_not_exceed_a_quota_together() {
    let mut settings = Settings::default();
    settings.limits.stream_tags = 3;
    let world = World::with(settings).await;
    world.create("s", 1).await;
    let tags: Vec<Vec<Tag>> = (0..9).map(|n| vec![Tag::new(&format!("k{n}"), "v").unwrap()]).collect();
    let put = tags.into_iter().map(|tags| world.service.put_tags(&world.project, "s", tags));
    assert_eq!(succeeded(&join_all(put).await, "TooManyTags"), 3);
}

#[tokio::test]
async fn only_what_is_active_is_used() {
    let quotas = Settings { partition_quota_advanced: Some(9), app_quota: Some(5), ..Settings::default() };
    let world = World::with(quotas).await;
    let used = async || {
        let quotas = world.service.quotas(&world.project).await.unwrap();
        assert_eq!((quotas.common_partitions.quota, quotas.advanced_partitions.quota), (None, Some(9)));
        assert_eq!(quotas.apps.quota, Some(5));
        (quotas.common_partitions.used, quotas.advanced_partitions.used, quotas.apps.used)
    };
    assert_eq!(used().await, (0, 0, 0));
    world.create("s", 3).await;
    world.create("t", 2).await;
    world.service.create_stream(&world.project, advanced("a", 4)).await.unwrap();
    world.create_app("x").await;
    assert_eq!(used().await, (5, 4, 1));
    world.scale("s", 1).await.unwrap();
    assert_eq!(used().await, (3, 4, 1));
    world.service.delete_stream(&world.project, &stream("t")).await.unwrap();
    world.service.delete_app(&world.project, &app_selector("x")).await.unwrap();
    assert_eq!(used().await, (1, 4, 0));
    assert_eq!(
        variant(&world.service.create_stream(&world.project, advanced("b", 6)).await),
        "PartitionQuotaExceeded"
    );
    let other = world.service.quotas(&project("q")).await.unwrap();
    assert_eq!(other.advanced_partitions, Quota { quota: Some(9), used: 0 }, "projects have their own");
}

#[tokio::test]
async fn people_scale_only_so_often() {
    let scaling_rate = ScalingRate { ups_per_hour: Some(2), downs_per_hour: Some(1) };
    let world = World::with(Settings { scaling_rate, ..Settings::default() }).await;
    world.create("s", 1).await;
    for (target, outcome) in
        [(2, "Ok"), (3, "Ok"), (4, "ScaledTooOften"), (3, "Ok"), (1, "Ok"), (2, "ScaledTooOften"), (1, "Ok")]
    {
        assert_eq!(variant(&world.scale("s", target).await), outcome, "to {target}");
        world.clock.advance(MINUTE);
    }
    world.clock.advance(HOUR);
    assert_eq!(variant(&world.scale("s", 4).await), "Ok");
    assert_eq!(variant(&world.scale("s", 2).await), "Ok");
    assert_eq!(variant(&world.scale("s", 1).await), "ScaledTooOften");
}
