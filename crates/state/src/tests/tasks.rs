//! Transfer tasks.

use super::*;

fn task_key(stream: u128, task: u128) -> TaskKey {
    TaskKey { stream: stream_id(stream), task: TaskId::from_random(task) }
}

fn task_spec(name: &str, descriptor: &str) -> TaskSpec {
    TaskSpec {
        name: name.parse().unwrap(),
        destination: Destination::Obs,
        consumer_strategy: ConsumerStrategy::Latest,
        file_type: FileType::Text,
        descriptor: Descriptor::new(descriptor).unwrap(),
        exception_strategy: Some("skip".into()),
    }
}

fn create(stream: u128, task: u128, name: &str) -> Command {
    Command::CreateTask { key: task_key(stream, task), spec: task_spec(name, "{}"), task_quota: 3 }
}

fn set(stream: u128, tasks: &[u128], state: TaskState) -> Command {
    let tasks = tasks.iter().map(|&task| TaskId::from_random(task)).collect();
    Command::SetTaskState { stream: stream_id(stream), tasks, state }
}

fn states(log: &Log, stream: u128) -> Vec<(&str, &str)> {
    log.state.tasks_of(stream_id(stream)).map(|t| (t.spec.name.as_str(), t.state.as_str())).collect()
}

pub(super) fn any_command() -> impl Strategy<Value = Command> {
    let name = prop_oneof![Just("x"), Just("y")];
    let state = prop_oneof![Just(TaskState::Running), Just(TaskState::Paused)];
    prop_oneof![
        4 => (0..4u128, 0..5u128, name.clone()).prop_map(|(stream, task, name)| create(stream, task, name)),
        2 => (0..4u128, 0..5u128, name).prop_map(|(stream, task, name)| Command::UpdateTask {
            key: task_key(stream, task),
            spec: task_spec(name, r#"{"a":1}"#),
        }),
        2 => (0..4u128, 0..5u128, 0..5u128, state).prop_map(|(stream, a, b, state)| set(stream, &[a, b], state)),
        1 => (0..4u128, 0..5u128)
            .prop_map(|(stream, task)| Command::DeleteTask { key: task_key(stream, task) }),
    ]
}

#[test]
fn a_stream_has_few_tasks_with_names_of_their_own() {
    let mut log = Log::default();
    assert_eq!(log.next(create(1, 1, "a")), Err(Rejected::StreamNotFound));
    log.next(create_stream(1, "s", 1)).unwrap();
    log.next(create_stream(2, "t", 1)).unwrap();
    assert_eq!(log.next(create(1, 1, "a")), Ok(Done::Changed));
    assert_eq!(log.next(create(1, 2, "a")), Err(Rejected::TaskExists));
    assert_eq!(log.next(create(1, 1, "b")), Err(Rejected::TaskExists), "the id is taken");
    log.next(create(1, 2, "b")).unwrap();
    log.next(create(1, 3, "c")).unwrap();
    assert_eq!(log.next(create(1, 4, "a")), Err(Rejected::QuotaExceeded { quota: 3 }), "the quota is first");
    log.next(create(2, 1, "a")).unwrap();
    assert_eq!(log.next(Command::DeleteTask { key: task_key(1, 2) }), Ok(Done::Changed));
    assert_eq!(
        log.next(Command::DeleteTask { key: task_key(1, 2) }),
        Err(Rejected::TaskNotFound(task_key(1, 2)))
    );
    log.next(create(1, 4, "b")).unwrap();
    assert_eq!(log.state, log.reread());
}

#[test]
fn tasks_start_and_stop_together_or_not_at_all() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    for (id, name) in [(1, "a"), (2, "b")] {
        log.next(create(1, id, name)).unwrap();
    }
    let unknown = Err(Rejected::TaskNotFound(task_key(1, 9)));
    assert_eq!(log.next(set(1, &[1, 9], TaskState::Paused)), unknown);
    assert_eq!(states(&log, 1), [("a", "RUNNING"), ("b", "RUNNING")]);
    log.next(set(1, &[1, 1], TaskState::Paused)).unwrap();
    assert_eq!(states(&log, 1), [("a", "PAUSED"), ("b", "RUNNING")]);
    log.next(set(1, &[1, 2], TaskState::Paused)).unwrap();
    log.next(set(1, &[2], TaskState::Running)).unwrap();
    assert_eq!(states(&log, 1), [("a", "PAUSED"), ("b", "RUNNING")]);
    assert_eq!(log.state, log.reread());
}

#[test]
fn an_update_keeps_what_is_fixed() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    log.next(create(1, 1, "a")).unwrap();
    log.next(set(1, &[1], TaskState::Paused)).unwrap();
    let mut check = |spec: TaskSpec, expected: Outcome| {
        assert_eq!(log.next(Command::UpdateTask { key: task_key(1, 1), spec }), expected);
    };
    let spec = task_spec("a", r#"{"new":1}"#);
    check(spec.clone(), Ok(Done::Changed));
    check(TaskSpec { file_type: FileType::Parquet, ..spec.clone() }, Ok(Done::Changed));
    check(task_spec("b", "{}"), Err(Rejected::TaskFixed));
    check(TaskSpec { destination: Destination::Mrs, ..spec.clone() }, Err(Rejected::TaskFixed));
    let from_the_start = ConsumerStrategy::TrimHorizon;
    check(TaskSpec { consumer_strategy: from_the_start, ..spec }, Err(Rejected::TaskFixed));
    let task = log.state.task(&task_key(1, 1)).unwrap();
    assert_eq!((task.spec.descriptor.as_str(), task.state), (r#"{"new":1}"#, TaskState::Paused));
    assert_eq!(task.created, Timestamp::from_millis(2_000));
}

#[test]
fn tasks_go_with_their_stream() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    log.next(create(1, 1, "a")).unwrap();
    let orphan = RowKey::Task(task_key(1, 1));
    let row = (orphan.encode(), log.state.row(&orphan).unwrap());
    assert_eq!(RowKey::decode(&row.0), Ok(orphan));
    assert!(State::from_rows([Ok::<_, DecodeError>(row.clone())]).is_err(), "the stream is unknown");
    assert!(RowKey::decode(&row.0[..30]).is_err());
    log.next(Command::DeleteStream { id: stream_id(1) }).unwrap();
    assert!(log.state.task(&task_key(1, 1)).is_none());
    assert!(!log.rows.contains_key(&row.0));
    assert_eq!(log.state, log.reread());
}
