//! Tags (spec/10 §6).

use millpond_model::{Tag, TagCondition, TagFilter};

use super::*;

fn tag(key: &str, value: &str) -> Tag {
    Tag::new(key, value).unwrap()
}

fn shown(tags: &[Tag]) -> String {
    tags.iter().map(|tag| format!("{}={}", tag.key(), tag.value())).collect::<Vec<_>>().join(" ")
}

impl World {
    async fn put_tags(&self, stream: &str, tags: &[(&str, &str)]) -> Result<(), Error> {
        let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
        self.service.put_tags(&self.project, stream, tags).await
    }

    async fn tags(&self, stream: &str) -> String {
        shown(&self.service.stream_tags(&self.project, stream).await.unwrap())
    }

    /// Each key of the project with its values.
    async fn all_tags(&self) -> String {
        let mut shown = Vec::new();
        for (key, values) in self.service.project_tags(&self.project).await.unwrap() {
            let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
            shown.push(format!("{key}:{}", values.join(",")));
        }
        shown.join(" ")
    }

    async fn found(&self, filter: &TagFilter, offset: usize, limit: usize) -> (String, usize) {
        let found = self.service.find_by_tags(&self.project, filter, offset, limit).await.unwrap();
        let names: Vec<_> = found.streams.iter().map(|stream| stream.name.to_string()).collect();
        (names.join(" "), found.total)
    }
}

#[tokio::test]
async fn tags_are_put_shown_and_deleted() {
    let world = World::new().await;
    let id = world.create("s", 1).await.to_string();
    world.put_tags(&id, &[("a", "1"), ("环境", "生产")]).await.unwrap();
    world.put_tags("s", &[("a", "2")]).await.unwrap();
    assert_eq!(world.tags(&id).await, "a=2 环境=生产");
    let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await.unwrap();
    assert_eq!(shown(&described.summary.spec.tags), "a=2 环境=生产");
    let listed = world.service.list_streams(&world.project, None, 10).await.unwrap();
    assert_eq!(shown(&listed.streams[0].spec.tags), "a=2 环境=生产");

    let delete = |key| world.service.delete_tag(&world.project, "s", key);
    delete("环境").await.unwrap();
    assert_eq!(variant(&delete("环境").await), "TagNotFound");
    assert_eq!(variant(&delete(&"x".repeat(100_000)).await), "TagNotFound");
    let batch = |keys: &[&str]| {
        let keys = keys.iter().map(|&key| key.into()).collect();
        world.service.delete_tags(&world.project, "s", keys)
    };
    assert_eq!(batch(&["none", "a*<"]).await.unwrap(), 0);
    assert_eq!(batch(&["none", "a"]).await.unwrap(), 1);
    assert_eq!(world.tags("s").await, "");
}

#[tokio::test]
async fn an_eleventh_tag_is_refused_and_an_overwrite_is_not() {
    let world = World::new().await;
    world.create("s", 1).await;
    let ten: Vec<String> = (0..10).map(|i| format!("k{i}")).collect();
    let ten: Vec<(&str, &str)> = ten.iter().map(|key| (key.as_str(), "v")).collect();
    world.put_tags("s", &ten).await.unwrap();
    assert_eq!(variant(&world.put_tags("s", &[("k0", "w"), ("k10", "v")]).await), "TooManyTags");
    world.put_tags("s", &ten).await.unwrap();
    assert!(world.tags("s").await.starts_with("k0=v "), "nothing was changed");
    world.put_tags("s", &[("k0", "w")]).await.unwrap();
    assert!(world.tags("s").await.starts_with("k0=w "));
}

#[tokio::test]
async fn unknown_streams_have_no_tags() {
    let world = World::new().await;
    let id = world.create("s", 1).await.to_string();
    let stranger = project("stranger");
    for (project, stream) in [(&world.project, "none"), (&stranger, "s"), (&stranger, id.as_str())] {
        let service = &world.service;
        let outcomes = [
            variant(&service.stream_tags(project, stream).await),
            variant(&service.put_tags(project, stream, vec![]).await),
            variant(&service.put_tags(project, stream, vec![tag("a", "1")]).await),
            variant(&service.delete_tag(project, stream, "a").await),
            variant(&service.delete_tags(project, stream, vec![]).await),
        ];
        assert_eq!(outcomes, ["TaggedStreamNotFound"; 5], "{project} {stream}");
    }
    assert_eq!(world.service.project_tags(&stranger).await.unwrap().len(), 0);
    let found = world.service.find_by_tags(&stranger, &TagFilter::default(), 0, 10).await.unwrap();
    assert_eq!(found.total, 0);
}

#[tokio::test]
async fn an_id_goes_before_a_name() {
    let world = World::new().await;
    let id = world.create("s", 1).await.to_string();
    world.create(&id, 1).await;
    world.put_tags(&id, &[("of", "s")]).await.unwrap();
    assert_eq!(world.tags("s").await, "of=s");
}

#[tokio::test]
async fn streams_are_found_in_the_order_of_their_creation() {
    let world = World::new().await;
    for (name, tags) in [("z", &[("a", "1"), ("b", "1")][..]), ("y", &[("a", "2")]), ("x", &[("b", "1")])] {
        world.create(name, 1).await;
        world.put_tags(name, tags).await.unwrap();
        world.clock.advance(MINUTE);
    }
    let condition = |key: &str| TagCondition { key: key.into(), values: Vec::new() };
    let a = TagFilter { tags: vec![condition("a")], ..TagFilter::default() };
    let any = TagFilter { tags_any: vec![condition("a"), condition("b")], ..TagFilter::default() };
    assert_eq!(world.found(&a, 0, 10).await, ("z y".into(), 2));
    assert_eq!(world.found(&any, 0, 10).await, ("z y x".into(), 3));
    assert_eq!(world.found(&any, 1, 1).await, ("y".into(), 3));
    assert_eq!(world.found(&any, 3, 1).await, (String::new(), 3));
    assert_eq!(world.found(&any, 0, 0).await, (String::new(), 3));

    assert_eq!(world.all_tags().await, "a:1,2 b:1");

    world.service.delete_stream(&world.project, &stream("z")).await.unwrap();
    assert_eq!(world.all_tags().await, "a:2 b:1");
    assert_eq!(world.found(&a, 0, 10).await, ("y".into(), 1));
}
