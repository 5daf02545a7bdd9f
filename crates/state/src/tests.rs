mod tasks;

use std::collections::BTreeMap;

use millpond_model::*;
use proptest::prelude::*;

use crate::*;

fn stream_id(n: u128) -> StreamId {
    StreamId::from_random(n)
}

fn app_id(n: u128) -> AppId {
    AppId::from_random(n)
}

fn spec(name: &str, partitions: u32) -> StreamSpec {
    StreamSpec::new(name.parse().unwrap(), PartitionCount::new(partitions).unwrap())
}

fn project() -> ProjectId {
    "p".parse().unwrap()
}

fn create_stream(id: u128, name: &str, partitions: u32) -> Command {
    Command::CreateStream {
        id: stream_id(id),
        project: project(),
        spec: spec(name, partitions),
        partition_quota: None,
        stream_quota: None,
    }
}

fn create_app(id: u128, name: &str) -> Command {
    Command::CreateApp { id: app_id(id), project: project(), name: name.parse().unwrap(), app_quota: None }
}

fn scale(id: u128, target: u32) -> Command {
    Command::SetPartitions {
        id: stream_id(id),
        target: PartitionCount::new(target).unwrap(),
        prepared: 100,
        partition_quota: None,
        automatic: false,
        expected_active: None,
    }
}

/// What automatic scaling proposes, having seen `expected_active` partitions.
fn scale_by_itself(id: u128, expected_active: u32, target: u32) -> Command {
    Command::SetPartitions {
        id: stream_id(id),
        target: PartitionCount::new(target).unwrap(),
        prepared: 100,
        partition_quota: None,
        automatic: true,
        expected_active: Some(expected_active),
    }
}

fn auto_scale(id: u128, enabled: bool, min: u32, max: u32) -> Command {
    let update = StreamUpdate {
        auto_scale_enabled: Some(enabled),
        auto_scale_min: Some(min),
        auto_scale_max: Some(max),
        ..StreamUpdate::default()
    };
    Command::UpdateStream { id: stream_id(id), update }
}

fn commit(app: u128, stream: u128, partition: u32, number: u64, expected: Expected) -> Command {
    let commit = CheckpointCommit {
        stream: stream_id(stream),
        partition: PartitionId::new(partition),
        kind: CheckpointType::LastRead,
        sequence_number: SequenceNumber::new(number).unwrap(),
        metadata: "m".parse().unwrap(),
        expected,
    };
    Command::CommitCheckpoints {
        app: app_id(app),
        commits: vec![commit],
        member: None,
        actor: Actor::new("AK"),
    }
}

fn put_tags(id: u128, keys: &[u32]) -> Command {
    let tag = |key: &u32| Tag::new(&format!("k{key}"), "v").unwrap();
    Command::PutTags { id: stream_id(id), tags: keys.iter().map(tag).collect(), tag_quota: 10 }
}

fn rule(n: usize) -> PolicyRule {
    let principal = ["other", "other.*", "*", "other.user"][n].parse().unwrap();
    PolicyRule { principal, action: PolicyAction::GetRecords }
}

fn measured(stream: u128, minute: u32, number: u64, partition: u32) -> MinuteMetrics {
    let counts = MetricCounts { put_records: number, put_bytes: number * 100, ..MetricCounts::default() };
    let partitions = vec![(PartitionId::new(partition), counts)];
    MinuteMetrics { stream: stream_id(stream), minute: Minute::new(minute), whole: counts, partitions }
}

fn key(app: u128, stream: u128, partition: u32) -> CheckpointKey {
    CheckpointKey {
        app: app_id(app),
        stream: stream_id(stream),
        partition: PartitionId::new(partition),
        kind: CheckpointType::LastRead,
    }
}

/// A log that folds itself and keeps its rows, as an engine does.
#[derive(Default)]
struct Log {
    state: State,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    position: u64,
}

impl Log {
    fn fold(&mut self, id: u128, command: Command) -> Outcome {
        self.position += 1;
        let time = Timestamp::from_millis(1_000 * i64::try_from(self.position).unwrap());
        let proposal = Proposal { id: CommandId::from_random(id), command };
        let applied = self.state.apply(proposal, LogPosition::new(self.position), time);
        for row in applied.changed {
            match self.state.row(&row) {
                Some(value) => self.rows.insert(row.encode(), value),
                None => self.rows.remove(&row.encode()),
            };
        }
        applied.outcome
    }

    fn next(&mut self, command: Command) -> Outcome {
        self.fold(1_000_000 + u128::from(self.position), command)
    }

    fn reread(&self) -> State {
        State::from_rows(self.rows.clone().into_iter().map(Ok::<_, DecodeError>)).unwrap()
    }

    fn statuses(&self, id: u128) -> Vec<PartitionStatus> {
        self.state.stream(stream_id(id)).unwrap().partitions().iter().map(|p| p.status).collect()
    }
}

#[test]
fn a_repeated_command_applies_once_and_answers_alike() {
    let mut log = Log::default();
    assert_eq!(log.fold(7, create_stream(1, "s", 1)), Ok(Done::Changed));
    assert_eq!(log.fold(7, create_stream(1, "s", 1)), Ok(Done::Changed));
    assert_eq!(log.fold(8, create_stream(2, "s", 1)), Err(Rejected::StreamExists));
    assert_eq!(log.fold(8, create_stream(2, "s", 1)), Err(Rejected::StreamExists));
}

#[test]
fn commands_are_forgotten_by_age_and_by_number() {
    let mut log = Log::default();
    for id in 0..=RECENT_COMMANDS_MAX as u128 {
        log.position -= u64::from(id > 0 && log.position > 1_000_000);
        let proposal =
            Proposal { id: CommandId::from_random(id), command: Command::DeleteApp { id: app_id(1) } };
        log.position += 1;
        log.state.apply(proposal, LogPosition::new(log.position), Timestamp::from_millis(5));
    }
    assert!(log.state.recent.outcome(CommandId::from_random(0)).is_none());
    assert!(log.state.recent.outcome(CommandId::from_random(1)).is_some());
    let late = Timestamp::from_millis(6).plus(RECENT_LIFE);
    let proposal =
        Proposal { id: CommandId::from_random(99_999), command: Command::DeleteApp { id: app_id(1) } };
    log.state.apply(proposal, LogPosition::new(log.position + 1), late);
    assert_eq!(log.state.recent.iter().count(), 1);
}

#[test]
fn a_name_used_again_is_a_new_stream_without_checkpoints() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 2)).unwrap();
    log.next(create_app(1, "a")).unwrap();
    log.next(commit(1, 1, 0, 5, Expected::Anything)).unwrap();
    log.next(Command::DeleteStream { id: stream_id(1) }).unwrap();
    log.next(create_stream(2, "s", 2)).unwrap();
    let state = &log.state;
    assert_eq!(state.stream_named(&project(), "s").unwrap().id, stream_id(2));
    assert!(state.checkpoint(&key(1, 1, 0)).is_none());
    assert!(!state.has_committed(app_id(1), stream_id(1)));
    assert_eq!(log.next(commit(1, 1, 0, 5, Expected::Anything)), Err(Rejected::StreamNotFound));
}

#[test]
fn scaling_reuses_deleted_then_expired_then_new_partitions() {
    use PartitionStatus::{Active, Deleted, Expired};
    let mut log = Log::default();
    log.next(create_stream(1, "s", 4)).unwrap();
    assert_eq!(log.next(scale(1, 1)), Ok(Done::Partitions { before: 4, after: 1 }));
    assert_eq!(log.statuses(1), [Active, Deleted, Deleted, Deleted]);
    let closed = log.state.stream(stream_id(1)).unwrap().partitions()[1].changed_at;
    let expire = |at| Command::ExpirePartitions { id: stream_id(1), closed: vec![(PartitionId::new(1), at)] };
    assert_eq!(log.next(expire(LogPosition::new(1))), Ok(Done::Count(0)), "closed at another time");
    assert_eq!(log.next(expire(closed)), Ok(Done::Count(1)));
    assert_eq!(log.statuses(1), [Active, Expired, Deleted, Deleted]);
    log.next(scale(1, 3)).unwrap();
    assert_eq!(log.statuses(1), [Active, Expired, Active, Active]);
    log.next(scale(1, 6)).unwrap();
    assert_eq!(log.statuses(1), [Active; 6]);
    let history: Vec<_> =
        log.state.stream(stream_id(1)).unwrap().scaling_history().map(|c| (c.before, c.after)).collect();
    assert_eq!(history, [(4, 1), (1, 3), (3, 6)]);
    assert_eq!(log.next(scale(1, 6)), Ok(Done::Partitions { before: 6, after: 6 }));
    assert_eq!(log.state.stream(stream_id(1)).unwrap().scaling_history().count(), 3);
}

#[test]
fn ranges_are_shared_anew_and_closed_partitions_keep_theirs() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 3)).unwrap();
    let ranges = |log: &Log| -> Vec<HashRange> {
        log.state.stream(stream_id(1)).unwrap().partitions().iter().map(|p| p.range).collect()
    };
    let of = |n| hash_ranges(n).collect::<Vec<_>>();
    log.next(scale(1, 2)).unwrap();
    assert_eq!(ranges(&log), [of(2), vec![of(3)[2]]].concat());
    log.next(scale(1, 1)).unwrap();
    assert_eq!(ranges(&log), [of(1), vec![of(2)[1], of(3)[2]]].concat());
    log.next(scale(1, 3)).unwrap();
    assert_eq!(ranges(&log), of(3));
}

#[test]
fn only_the_last_changes_are_remembered_newest_last() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    for target in 2..=25 {
        log.next(scale(1, target)).unwrap();
    }
    let stream = log.state.stream(stream_id(1)).unwrap();
    let history: Vec<_> = stream.scaling_history().map(|change| (change.before, change.after)).collect();
    assert_eq!(history, (5..=24).map(|before| (before, before + 1)).collect::<Vec<_>>());
    assert_eq!(history.len(), limits::SCALING_HISTORY_MAX);
    assert_eq!(log.state, log.reread());
}

#[test]
fn automatic_scaling_happens_once_and_as_the_settings_are() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 5)).unwrap();
    let forbidden = Err(Rejected::AutoScaleForbids);
    assert_eq!(log.next(scale_by_itself(1, 5, 9)), forbidden, "never switched on");
    log.next(auto_scale(1, true, 2, 12)).unwrap();
    assert_eq!(log.next(scale_by_itself(1, 5, 9)), Ok(Done::Partitions { before: 5, after: 9 }));
    let changed = Err(Rejected::PartitionsChanged { active: 9 });
    assert_eq!(log.next(scale_by_itself(1, 5, 9)), changed, "decided twice");
    assert_eq!(log.next(scale_by_itself(1, 5, 2)), changed, "decided before");
    assert_eq!(log.next(scale_by_itself(1, 9, 13)), forbidden, "above the bound");
    assert_eq!(log.next(scale_by_itself(1, 9, 1)), forbidden, "below the bound");
    log.next(auto_scale(1, false, 2, 12)).unwrap();
    assert_eq!(log.next(scale_by_itself(1, 9, 4)), forbidden, "switched off");
    assert_eq!(log.next(scale_by_itself(2, 9, 4)), Err(Rejected::StreamNotFound));
    let history: Vec<_> = log.state.stream(stream_id(1)).unwrap().scaling_history().copied().collect();
    let [ScalingChange { before: 5, after: 9, automatic: true, .. }] = history[..] else {
        panic!("{history:?}")
    };
    // A person is not bound by the settings.
    assert_eq!(log.next(scale(1, 20)), Ok(Done::Partitions { before: 9, after: 20 }));
    assert!(!log.state.stream(stream_id(1)).unwrap().scaling_history().last().unwrap().automatic);
    assert_eq!(log.state, log.reread());
}

#[test]
fn a_partition_knows_when_its_status_changed() {
    let mut log = Log::default();
    let changed = |log: &Log| -> Vec<i64> {
        let stream = log.state.stream(stream_id(1)).unwrap();
        stream.partitions().iter().map(|p| p.changed.as_millis()).collect()
    };
    log.next(create_stream(1, "s", 3)).unwrap();
    log.next(scale(1, 2)).unwrap();
    log.next(scale(1, 4)).unwrap();
    log.next(scale(1, 3)).unwrap();
    assert_eq!(changed(&log), [1_000, 1_000, 3_000, 4_000]);
    assert_eq!(log.state, log.reread());
}

#[test]
fn scaling_waits_for_the_record_log() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 2)).unwrap();
    let ask = |prepared| Command::SetPartitions {
        id: stream_id(1),
        target: PartitionCount::new(5).unwrap(),
        prepared,
        partition_quota: None,
        automatic: false,
        expected_active: None,
    };
    assert_eq!(log.next(ask(4)), Err(Rejected::NotPrepared { needed: 5 }));
    assert_eq!(log.next(ask(5)), Ok(Done::Partitions { before: 2, after: 5 }));
}

#[test]
fn quotas_count_what_is_active() {
    let mut log = Log::default();
    let create = |id, n| Command::CreateStream {
        id: stream_id(id),
        project: project(),
        spec: spec(&format!("s{id}"), n),
        partition_quota: Some(5),
        stream_quota: Some(3),
    };
    log.next(create(1, 3)).unwrap();
    assert_eq!(log.next(create(2, 3)), Err(Rejected::QuotaExceeded { quota: 5 }));
    log.next(scale(1, 1)).unwrap();
    log.next(create(2, 4)).unwrap();
    log.next(create_stream(3, "s3", 9)).unwrap();
    assert_eq!(log.next(create(2, 1)), Err(Rejected::StreamExists));
    assert_eq!(log.next(create(4, 1)), Err(Rejected::StreamQuotaExceeded { quota: 3 }));
    for id in [1, 3] {
        log.next(Command::DeleteStream { id: stream_id(id) }).unwrap();
    }
    log.next(create(4, 1)).unwrap();
    let app = |id, name: &str| Command::CreateApp {
        id: app_id(id),
        project: project(),
        name: name.parse().unwrap(),
        app_quota: Some(1),
    };
    log.next(app(1, "a")).unwrap();
    assert_eq!(log.next(app(2, "b")), Err(Rejected::QuotaExceeded { quota: 1 }));
}

#[test]
fn conditional_commits_see_what_is_stored() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 2)).unwrap();
    log.next(create_app(1, "a")).unwrap();
    let mut check = |expected, ok: bool| {
        let outcome = log.next(commit(1, 1, 0, 9, expected));
        assert_eq!(outcome.is_ok(), ok, "{expected:?}: {outcome:?}");
        outcome
    };
    check(Expected::Version(1), false).unwrap_err();
    check(Expected::Absent, true).unwrap();
    let refused = check(Expected::Absent, false).unwrap_err();
    let Rejected::Conflict { stored: Some(stored), .. } = refused else { panic!("{refused:?}") };
    assert_eq!((stored.version, stored.actor.as_str()), (1, "AK"));
    check(Expected::Version(1), true).unwrap();
    check(Expected::Version(1), false).unwrap_err();
    check(Expected::SequenceNumber(SequenceNumber::new(9).unwrap()), true).unwrap();
    check(Expected::SequenceNumber(SequenceNumber::ZERO), false).unwrap_err();
    assert_eq!(check(Expected::Anything, true), Ok(Done::Committed(vec![4])));
}

#[test]
fn a_list_of_commits_is_all_or_nothing() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 2)).unwrap();
    log.next(create_app(1, "a")).unwrap();
    let one = |partition| CheckpointCommit {
        stream: stream_id(1),
        partition: PartitionId::new(partition),
        kind: CheckpointType::LastRead,
        sequence_number: SequenceNumber::ZERO,
        metadata: Metadata::default(),
        expected: Expected::Anything,
    };
    let list = |partitions: &[u32]| Command::CommitCheckpoints {
        app: app_id(1),
        commits: partitions.iter().map(|&p| one(p)).collect(),
        member: None,
        actor: Actor::new("x"),
    };
    assert!(matches!(log.next(list(&[0, 7])), Err(Rejected::PartitionNotFound(_))));
    assert_eq!(log.state.checkpoints_of(app_id(1)).count(), 0);
    assert_eq!(log.next(list(&[0, 1])), Ok(Done::Committed(vec![1, 1])));
}

#[test]
fn a_version_is_never_given_twice() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    log.next(create_app(1, "a")).unwrap();
    for _ in 0..3 {
        log.next(commit(1, 1, 0, 0, Expected::Anything)).unwrap();
    }
    let delete = Command::DeleteCheckpoints {
        app: app_id(1),
        stream: stream_id(1),
        partition: None,
        kind: CheckpointType::LastRead,
    };
    assert_eq!(log.next(delete.clone()), Ok(Done::Count(1)));
    assert_eq!(log.next(delete), Ok(Done::Count(0)));
    assert_eq!(log.next(commit(1, 1, 0, 0, Expected::Anything)), Ok(Done::Committed(vec![4])));
}

/// Whoever reads something again commits a smaller number than before.
#[test]
fn a_commit_may_move_a_checkpoint_back() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    log.next(create_app(1, "a")).unwrap();
    for number in [7, 3, 0, 5] {
        log.next(commit(1, 1, 0, number, Expected::Anything)).unwrap();
        let checkpoint = log.state.checkpoint(&key(1, 1, 0)).unwrap();
        assert_eq!(checkpoint.current().sequence_number.get(), number);
    }
}

#[test]
fn history_keeps_the_last_changes() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    log.next(create_app(1, "a")).unwrap();
    for number in 0..20 {
        log.next(commit(1, 1, 0, number, Expected::Anything)).unwrap();
    }
    let checkpoint = log.state.checkpoint(&key(1, 1, 0)).unwrap();
    let numbers: Vec<u64> = checkpoint.history().map(|c| c.sequence_number.get()).collect();
    assert_eq!(numbers, [19, 18, 17, 16, 15, 14, 13, 12]);
    assert_eq!(checkpoint.current().version, 20);
}

#[test]
fn the_log_time_never_goes_back() {
    let mut state = State::default();
    let mut apply = |id, position, time| {
        let proposal =
            Proposal { id: CommandId::from_random(id), command: create_app(id, &format!("a{id}")) };
        state.apply(proposal, LogPosition::new(position), Timestamp::from_millis(time)).outcome.unwrap();
        state.app(app_id(id)).unwrap().created.as_millis()
    };
    assert_eq!(apply(1, 1, 100), 100);
    assert_eq!(apply(2, 2, 50), 100);
    assert_eq!(apply(3, 3, 150), 150);
}

#[test]
fn a_project_sees_only_its_own_streams_and_apps() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    log.next(create_app(1, "a")).unwrap();
    let other: ProjectId = "other".parse().unwrap();
    let by = |name: Option<&str>, id: Option<&str>| StreamSelector::new(name, id).unwrap();
    let id = stream_id(1).to_string();
    for selector in [by(Some("s"), None), by(None, Some(&id)), by(Some(&id), None), by(Some("zz"), Some(&id))]
    {
        assert!(log.state.resolve_stream(&project(), &selector).is_some(), "{selector:?}");
        assert!(log.state.resolve_stream(&other, &selector).is_none(), "{selector:?}");
    }
    for text in ["a", app_id(1).as_str()] {
        let selector = AppSelector::new(text).unwrap();
        assert!(log.state.resolve_app(&project(), &selector).is_some(), "{text}");
        assert!(log.state.resolve_app(&other, &selector).is_none(), "{text}");
    }
}

#[test]
fn deleting_the_last_name_forgets_the_project() {
    let mut log = Log::default();
    log.next(create_app(1, "a")).unwrap();
    log.next(Command::DeleteApp { id: app_id(1) }).unwrap();
    assert_eq!(log.state, log.reread());
}

#[test]
fn tags_are_put_all_or_none() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    let keys = |log: &Log| -> Vec<String> {
        let stream = log.state.stream(stream_id(1)).unwrap();
        stream.spec.tags.iter().map(|tag| format!("{}={}", tag.key(), tag.value())).collect()
    };
    let modified = log.state.stream(stream_id(1)).unwrap().modified;
    assert_eq!(log.next(put_tags(1, &[0, 1, 2, 3, 4, 5, 6, 7, 8])), Ok(Done::Changed));
    assert_eq!(log.next(put_tags(1, &[9, 10])), Err(Rejected::TooManyTags));
    assert_eq!(keys(&log).len(), 9);
    assert_eq!(log.next(put_tags(1, &[9])), Ok(Done::Changed));
    let put = |key: &str, tag_quota| {
        let tags = vec![Tag::new(key, "new").unwrap()];
        Command::PutTags { id: stream_id(1), tags, tag_quota }
    };
    assert_eq!(log.next(put("k9", 10)), Ok(Done::Changed), "in place of one of ten");
    assert_eq!(log.next(put("k9", 3)), Ok(Done::Changed), "what is there stays when the quota shrinks");
    assert_eq!(log.next(put("k10", 11)), Ok(Done::Changed), "one more where more may be");
    assert_eq!(
        log.next(Command::DeleteTags { id: stream_id(1), keys: vec!["k10".into()] }),
        Ok(Done::Count(1))
    );
    assert_eq!(keys(&log)[9], "k9=new");
    let delete = |keys: &[&str]| Command::DeleteTags {
        id: stream_id(1),
        keys: keys.iter().map(|&key| key.into()).collect(),
    };
    assert_eq!(log.next(delete(&["k0", "none"])), Ok(Done::Count(1)));
    assert_eq!(log.next(delete(&["none"])), Ok(Done::Count(0)));
    assert_eq!(log.next(put_tags(2, &[1])), Err(Rejected::StreamNotFound));
    assert_eq!(log.state.stream(stream_id(1)).unwrap().modified, modified);
    assert_eq!(log.state, log.reread());
}

#[test]
fn rules_are_added_once_and_bounded() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    let add = |rules: Vec<PolicyRule>| Command::AddPolicies { id: stream_id(1), rules };
    let count = |log: &Log| log.state.stream(stream_id(1)).unwrap().policies().len();
    log.next(add(vec![rule(0), rule(1), rule(0)])).unwrap();
    assert_eq!(count(&log), 1);
    let numbered = |n: usize| PolicyRule { principal: format!("p{n}").parse().unwrap(), ..rule(0) };
    let many = |number| (0..number).map(numbered).collect();
    assert_eq!(log.next(add(many(limits::STREAM_POLICIES_MAX))), Err(Rejected::TooManyPolicies));
    assert_eq!(count(&log), 1);
    log.next(add(many(limits::STREAM_POLICIES_MAX - 1))).unwrap();
    assert_eq!(count(&log), limits::STREAM_POLICIES_MAX);
    let delete = |n| Command::DeletePolicies { id: stream_id(1), rules: vec![rule(n)] };
    assert_eq!(log.next(delete(2)), Ok(Done::Count(0)));
    assert_eq!(log.next(delete(1)), Ok(Done::Count(1)), "in another spelling");
    assert_eq!(log.state, log.reread());
}

#[test]
fn metrics_go_with_their_stream() {
    let mut log = Log::default();
    log.next(create_stream(1, "s", 1)).unwrap();
    let record = Command::RecordMetrics { measured: vec![measured(1, 0, 3, 0), measured(2, 0, 5, 0)] };
    log.next(record).unwrap();
    let found = |log: &Log, id| log.state.metrics(stream_id(id), None, Minute::new(0), Minute::new(9)).len();
    assert_eq!((found(&log, 1), found(&log, 2)), (1, 0));
    assert_eq!(log.state, log.reread());
    let row = log.rows.iter().find(|(key, _)| key[0] == b'n').map(|(k, v)| (k.clone(), v.clone())).unwrap();
    assert!(State::from_rows([Ok::<_, DecodeError>(row.clone())]).is_err(), "the stream is unknown");
    assert!(State::from_rows([Ok::<_, DecodeError>((row.0, b"\xff".to_vec()))]).is_err());
    log.next(Command::DeleteStream { id: stream_id(1) }).unwrap();
    assert_eq!(found(&log, 1), 0);
    assert_eq!(log.state, log.reread());
}

#[test]
fn damaged_bytes_are_refused() {
    assert!(decode_proposal(b"").is_err());
    assert!(decode_proposal(b"\xff\xff\xff").is_err());
    assert!(RowKey::decode(b"").is_err());
    assert!(RowKey::decode(b"z").is_err());
    assert!(RowKey::decode(b"c123").is_err());
    assert!(RowKey::decode(b"n123").is_err());
    let orphan = (RowKey::Checkpoint(key(1, 1, 0)).encode(), {
        let mut log = Log::default();
        log.next(create_stream(1, "s", 1)).unwrap();
        log.next(create_app(1, "a")).unwrap();
        log.next(commit(1, 1, 0, 0, Expected::Anything)).unwrap();
        log.state.row(&RowKey::Checkpoint(key(1, 1, 0))).unwrap()
    });
    assert!(State::from_rows([Ok::<_, DecodeError>(orphan)]).is_err());
}

fn any_expected() -> impl Strategy<Value = Expected> {
    prop_oneof![
        4 => Just(Expected::Anything),
        1 => Just(Expected::Absent),
        2 => (0..6u64).prop_map(Expected::Version),
        1 => (0..4u64).prop_map(|n| Expected::SequenceNumber(SequenceNumber::new(n).unwrap())),
    ]
}

fn any_client() -> impl Strategy<Value = ClientId> {
    prop_oneof![Just("c1"), Just("c2"), Just("c3")].prop_map(|client| client.parse().unwrap())
}

fn any_subscription() -> impl Strategy<Value = Subscription> {
    let pattern = |matched: Vec<StreamId>| StreamPattern { text: ".*".into(), matched };
    let list = || proptest::collection::vec((0..4u128).prop_map(stream_id), 0..3);
    (list(), list(), proptest::option::of(list().prop_map(pattern)))
        .prop_filter_map("a subscription", |(names, ids, pattern)| {
            Subscription::new(names, ids, pattern).ok()
        })
}

fn any_group_command() -> impl Strategy<Value = Command> {
    let place = || (0..60u64).prop_map(LogPosition::new);
    let app = || (0..4u128).prop_map(app_id);
    let commit_of = |command, client, generation| match command {
        Command::CommitCheckpoints { app, commits, actor, .. } => {
            let member = Some(GroupMember { client, generation });
            Command::CommitCheckpoints { app, commits, member, actor }
        }
        other => other,
    };
    prop_oneof![
        4 => (app(), any_client(), any_subscription(), any::<bool>(), 1..99i64).prop_map(
            |(app, client, subscription, accelerate, timeout)| {
                let rebalance_timeout = RebalanceTimeout::from_millis(timeout);
                let event = GroupEvent::Join { client, subscription, rebalance_timeout, accelerate };
                Command::Group { app, event }
            }
        ),
        3 => (app(), any_client()).prop_map(|(app, client)| Command::Group { app, event: GroupEvent::Sync { client } }),
        1 => (app(), any_client()).prop_map(|(app, client)| Command::Group { app, event: GroupEvent::Leave { client } }),
        2 => (app(), place())
            .prop_map(|(app, phase_since)| Command::Group { app, event: GroupEvent::EndPhase { phase_since } }),
        1 => (app(), place())
            .prop_map(|(app, phase_since)| Command::Group { app, event: GroupEvent::ShareAnew { phase_since } }),
        1 => (app(), proptest::collection::vec((any_client(), place()), 0..3))
            .prop_map(|(app, silent)| Command::Group { app, event: GroupEvent::RemoveSilent { silent } }),
        2 => (0..4u128, 0..4u128, 0..3u32, any_client(), -1..4i64).prop_map(
            move |(app, stream, partition, client, generation)| {
                commit_of(commit(app, stream, partition, 0, Expected::Anything), client, generation)
            }
        ),
    ]
}

/// No two members of a group have the same partition.
fn has_single_owners(group: &Group) -> bool {
    let mut owned = std::collections::BTreeSet::new();
    group
        .members()
        .flat_map(|(_, member)| member.assignment())
        .all(|(stream, partitions)| partitions.iter().all(|partition| owned.insert((*stream, *partition))))
}

fn any_command() -> impl Strategy<Value = Command> {
    let name = prop_oneof![Just("x"), Just("y"), Just("z")];
    prop_oneof![
        1 => any::<[u8; 32]>().prop_map(|secret| Command::InitDeployment { secret }),
        3 => (0..4u128, name.clone(), 1..4u32).prop_map(|(id, name, n)| create_stream(id, name, n)),
        1 => (0..4u128, 1..99u32).prop_map(|(id, hours)| Command::UpdateStream {
            id: stream_id(id),
            update: StreamUpdate { retention: RetentionHours::new(hours).ok(), ..StreamUpdate::default() },
        }),
        3 => (0..4u128, 1..6u32).prop_map(|(id, target)| scale(id, target)),
        2 => (0..4u128, any::<bool>(), 0..4u32, 0..6u32)
            .prop_map(|(id, enabled, min, max)| auto_scale(id, enabled, min, max)),
        2 => (0..4u128, 1..6u32, 1..6u32)
            .prop_map(|(id, expected, target)| scale_by_itself(id, expected, target)),
        1 => (0..4u128, 0..6u32, 0..40u64).prop_map(|(id, p, at)| Command::ExpirePartitions {
            id: stream_id(id),
            closed: vec![(PartitionId::new(p), LogPosition::new(at))],
        }),
        1 => (0..4u128).prop_map(|id| Command::DeleteStream { id: stream_id(id) }),
        6 => tasks::any_command(),
        2 => (0..4u128, name).prop_map(|(id, name)| create_app(id, name)),
        1 => (0..4u128).prop_map(|id| Command::DeleteApp { id: app_id(id) }),
        12 => any_group_command(),
        8 => (0..4u128, 0..4u128, 0..6u32, 0..4u64, any_expected())
            .prop_map(|(app, stream, partition, number, expected)| commit(app, stream, partition, number, expected)),
        1 => (0..4u128, 0..4u128, proptest::option::of(0..6u32)).prop_map(|(app, stream, partition)| {
            Command::DeleteCheckpoints {
                app: app_id(app),
                stream: stream_id(stream),
                partition: partition.map(PartitionId::new),
                kind: CheckpointType::LastRead,
            }
        }),
        2 => (0..4u128, proptest::collection::vec(0..14u32, 0..4)).prop_map(|(id, keys)| put_tags(id, &keys)),
        1 => (0..4u128, 0..14u32).prop_map(|(id, key)| Command::DeleteTags {
            id: stream_id(id),
            keys: vec![format!("k{key}").into()],
        }),
        2 => (0..4u128, 0..4usize).prop_map(|(id, n)| Command::AddPolicies {
            id: stream_id(id),
            rules: vec![rule(n)],
        }),
        1 => (0..4u128, 0..4usize).prop_map(|(id, n)| Command::DeletePolicies {
            id: stream_id(id),
            rules: vec![rule(n)],
        }),
        3 => (0..4u128, 0..200u32, 0..9u64, 0..3u32).prop_map(|(id, minute, number, partition)| {
            Command::RecordMetrics { measured: vec![measured(id, minute, number, partition)] }
        }),
    ]
}

proptest! {
    /// Folding twice, reading back what was encoded, and going on from the rows of any moment all give
    /// the same state; the ACTIVE ranges tile the key space throughout.
    #[test]
    fn the_fold_is_deterministic_and_survives_its_rows(
        commands in proptest::collection::vec((0..60u128, any_command()), 1..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut whole, mut resumed) = (Log::default(), Log::default());
        let cut = cut.index(commands.len());
        for (i, (id, command)) in commands.into_iter().enumerate() {
            if i == cut {
                resumed.state = resumed.reread();
            }
            let proposal = Proposal { id: CommandId::from_random(id), command: command.clone() };
            prop_assert_eq!(decode_proposal(&encode_proposal(&proposal)), Ok(proposal));
            prop_assert_eq!(whole.fold(id, command.clone()), resumed.fold(id, command));
            for stream in whole.state.streams() {
                let ranges: Vec<_> =
                    stream.active().iter().map(|&id| stream.partition(id).unwrap().range).collect();
                prop_assert_eq!(ranges, hash_ranges(stream.active_count()).collect::<Vec<_>>());
            }
        }
        prop_assert!(whole.state.groups().all(|(_, group)| has_single_owners(group)));
        prop_assert_eq!(&whole.rows, &resumed.rows);
        prop_assert_eq!(&whole.state, &resumed.state);
        prop_assert_eq!(&whole.reread(), &whole.state);
        let keys: Vec<Vec<u8>> = whole.state.row_keys().map(|key| key.encode()).collect();
        prop_assert!(whole.rows.keys().all(|key| keys.contains(key)));
    }
}
