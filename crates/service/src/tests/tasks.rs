use millpond_model::{
    ConsumerStrategy, DataType, Descriptor, Destination, FileType, StreamUpdate, TaskSelector, TaskSpec,
    TaskState,
};

use super::*;

fn task(text: &str) -> TaskSelector {
    TaskSelector::new(text).unwrap()
}

fn task_spec(name: &str) -> TaskSpec {
    TaskSpec {
        name: name.parse().unwrap(),
        destination: Destination::Obs,
        consumer_strategy: ConsumerStrategy::Latest,
        file_type: FileType::Text,
        descriptor: Descriptor::new("{}").unwrap(),
        exception_strategy: None,
    }
}

impl World {
    async fn create_task(&self, name: &str, spec: TaskSpec) -> String {
        variant(&self.service.create_task(&self.project, &stream(name), spec).await)
    }

    async fn update_task(&self, name: &str, spec: TaskSpec) -> String {
        variant(&self.service.update_task(&self.project, &stream(name), spec).await)
    }

    async fn set_tasks(&self, name: &str, tasks: &[&str], state: TaskState) -> String {
        let tasks: Vec<_> = tasks.iter().map(|text| task(text)).collect();
        variant(&self.service.set_task_state(&self.project, &stream(name), &tasks, state).await)
    }

    /// Names and states of the tasks behind `after`, and whether there are more.
    async fn tasks(&self, name: &str, after: Option<&str>, limit: u32) -> (Vec<String>, u32, bool) {
        let list = self.service.list_tasks(&self.project, &stream(name), after, limit).await.unwrap();
        assert_eq!(list.quota, 5);
        let row = |task: &crate::Task| format!("{} {}", task.spec.name, task.state.as_str());
        (list.tasks.iter().map(row).collect(), list.total, list.has_more)
    }

    /// Makes the stream one of such records, with or without a schema.
    async fn hold(&self, name: &str, data_type: DataType, schema: bool) {
        let update = StreamUpdate {
            data_type: Some(data_type),
            data_schema: schema.then(|| "{}".into()),
            ..StreamUpdate::default()
        };
        self.service.update_stream(&self.project, &stream(name), update).await.unwrap();
    }
}

#[tokio::test]
async fn tasks_are_created_within_their_quota_and_listed_by_name() {
    let world = World::new().await;
    assert_eq!(world.create_task("s", task_spec("a")).await, "StreamNotFound");
    world.create("s", 1).await;
    world.create("t", 1).await;
    for name in ["d", "b", "B", "a", "c"] {
        assert_eq!(world.create_task("s", task_spec(name)).await, "Ok", "{name}");
    }
    assert_eq!(world.create_task("s", task_spec("e")).await, "TaskQuotaExceeded");
    assert_eq!(world.create_task("t", task_spec("a")).await, "Ok");
    assert_eq!(world.create_task("t", task_spec("a")).await, "TaskExists");
    let running = |names: &[&str]| names.iter().map(|name| format!("{name} RUNNING")).collect::<Vec<_>>();
    assert_eq!(world.tasks("s", None, 100).await, (running(&["B", "a", "b", "c", "d"]), 5, false));
    assert_eq!(world.tasks("s", Some("a"), 2).await, (running(&["b", "c"]), 5, true));
    assert_eq!(world.tasks("s", Some("aa"), 9).await, (running(&["b", "c", "d"]), 5, false));
    assert_eq!(world.tasks("t", None, 100).await, (running(&["a"]), 1, false));
    let unknown = world.service.list_tasks(&world.project, &stream("x"), None, 9).await;
    assert_eq!(variant(&unknown), "StreamNotFound");
}

#[tokio::test]
async fn what_was_commanded_is_seen_at_once_by_name_and_by_id() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.fill("s", 1, 3).await;
    for name in ["a", "b"] {
        world.create_task("s", task_spec(name)).await;
    }
    let described = world.service.describe_task(&world.project, &stream("s"), &task("a")).await.unwrap();
    assert_eq!((described.stream_name.as_str(), described.task.created), ("s", START));
    let ends: Vec<_> = described.partitions.iter().map(|p| p.bounds.unwrap().high_water.get()).collect();
    assert_eq!(ends, [0, 3]);
    let id = described.task.key.task.to_string();
    let by_id = world.service.describe_task(&world.project, &stream("s"), &task(&id)).await.unwrap();
    assert_eq!(by_id, described);

    let check = async |tasks: &[&str], state: TaskState, outcome: &str, states: [&str; 2]| {
        assert_eq!(world.set_tasks("s", tasks, state).await, outcome, "{tasks:?}");
        assert_eq!(world.tasks("s", None, 9).await.0, states, "{tasks:?}");
    };
    check(&[&id], TaskState::Paused, "Ok", ["a PAUSED", "b RUNNING"]).await;
    check(&["a"], TaskState::Paused, "Ok", ["a PAUSED", "b RUNNING"]).await;
    check(&["b", "x"], TaskState::Paused, "TaskNotFound", ["a PAUSED", "b RUNNING"]).await;
    check(&["b", &id], TaskState::Running, "Ok", ["a RUNNING", "b RUNNING"]).await;
    check(&["b", "a", "b"], TaskState::Paused, "Ok", ["a PAUSED", "b PAUSED"]).await;
}

#[tokio::test]
async fn a_deleted_task_is_gone_and_so_are_those_of_a_deleted_stream() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.create_task("s", task_spec("a")).await;
    let delete = async || variant(&world.service.delete_task(&world.project, &stream("s"), &task("a")).await);
    assert_eq!(delete().await, "Ok");
    assert_eq!(delete().await, "TaskNotFound");
    let gone = world.service.describe_task(&world.project, &stream("s"), &task("a")).await;
    assert_eq!(variant(&gone), "TaskNotFound");
    assert_eq!(world.update_task("s", task_spec("a")).await, "TaskNotFound");
    world.create_task("s", task_spec("a")).await;
    world.service.delete_stream(&world.project, &stream("s")).await.unwrap();
    assert_eq!(delete().await, "StreamNotFound");
    world.create("s", 1).await;
    assert_eq!(world.tasks("s", None, 9).await, (vec![], 0, false));
}

#[tokio::test]
async fn an_update_keeps_destination_start_and_state() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.create_task("s", task_spec("a")).await;
    world.set_tasks("s", &["a"], TaskState::Paused).await;
    let spec = TaskSpec { descriptor: Descriptor::new(r#"{"new":1}"#).unwrap(), ..task_spec("a") };
    assert_eq!(world.update_task("s", spec.clone()).await, "Ok");
    let described = world.service.describe_task(&world.project, &stream("s"), &task("a")).await.unwrap();
    assert_eq!((&described.task.spec, described.task.state), (&spec, TaskState::Paused));
    let moved = TaskSpec { destination: Destination::Mrs, ..spec.clone() };
    assert_eq!(world.update_task("s", moved).await, "TaskDestinationFixed");
    let earlier = TaskSpec { consumer_strategy: ConsumerStrategy::TrimHorizon, ..spec.clone() };
    assert_eq!(world.update_task("s", earlier).await, "TaskStartFixed");
    let columns = TaskSpec { file_type: FileType::Parquet, ..spec };
    assert_eq!(world.update_task("s", columns).await, "TaskSourceUnfit");
    assert_eq!(world.update_task("x", task_spec("a")).await, "StreamNotFound");
}

#[tokio::test]
async fn records_and_destinations_have_to_match() {
    let world = World::new().await;
    world.create("s", 1).await;
    let check = async |destination: Destination, file_type: FileType, outcome: &str| {
        let spec = TaskSpec { destination, file_type, ..task_spec("a") };
        assert_eq!(world.create_task("s", spec).await, outcome, "{destination:?} {file_type:?}");
        let _ = world.service.delete_task(&world.project, &stream("s"), &task("a")).await;
    };
    check(Destination::Mrs, FileType::Text, "Ok").await;
    check(Destination::Dws, FileType::Text, "TaskSourceUnfit").await;
    check(Destination::Obs, FileType::Parquet, "TaskSourceUnfit").await;
    world.hold("s", DataType::Csv, false).await;
    check(Destination::Dws, FileType::Text, "Ok").await;
    check(Destination::Dli, FileType::Text, "TaskSchemaMissing").await;
    check(Destination::CloudTable, FileType::Text, "TaskSourceUnfit").await;
    world.hold("s", DataType::Json, false).await;
    check(Destination::CloudTable, FileType::Text, "Ok").await;
    check(Destination::Obs, FileType::Parquet, "TaskSchemaMissing").await;
    world.hold("s", DataType::Json, true).await;
    check(Destination::Obs, FileType::Parquet, "Ok").await;
    check(Destination::Dli, FileType::Text, "Ok").await;
}

#[tokio::test]
async fn no_operation_reaches_another_projects_tasks() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    world.create_task("s", task_spec("a")).await;
    let described = world.service.describe_task(&world.project, &stream("s"), &task("a")).await.unwrap();
    let task_id = described.task.key.task.to_string();
    let twin = project("twin");
    let service = &world.service;
    service.create_stream(&twin, spec("s", 1)).await.unwrap();
    // By the other's stream id nothing is found; in one's own stream not the other's task.
    for (name, outcome) in [(id.as_str(), "StreamNotFound"), ("s", "TaskNotFound")] {
        for text in ["a", &task_id] {
            let (name, text) = (stream(name), task(text));
            let paused = TaskState::Paused;
            let outcomes = [
                variant(&service.describe_task(&twin, &name, &text).await),
                variant(&service.delete_task(&twin, &name, &text).await),
                variant(&service.set_task_state(&twin, &name, &[text], paused).await),
                variant(&service.update_task(&twin, &name, task_spec("a")).await),
            ];
            assert_eq!(outcomes, [outcome; 4]);
        }
    }
    let foreign = stream(id.as_str());
    assert_eq!(variant(&service.create_task(&twin, &foreign, task_spec("b")).await), "StreamNotFound");
    assert_eq!(variant(&service.list_tasks(&twin, &foreign, None, 9).await), "StreamNotFound");
    assert_eq!(variant(&service.require_stream(&twin, &foreign).await), "StreamNotFound");
    assert_eq!(world.tasks("s", None, 9).await, (vec!["a RUNNING".to_owned()], 1, false));
}
