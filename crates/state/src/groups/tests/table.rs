//! The event table of spec/07 §4, row by row.
//!
//! A group is written as its phase, its generation and its members. The phase is a letter: Empty,
//! Delayed and Joining, Syncing, sTable. A member is `-` not in the round, `+` in it, `*` synced.

use std::{collections::BTreeMap, fmt::Write as _};

use super::*;
use crate::groups::Scene;

const AT: LogPosition = LogPosition::new(9);
const BEFORE: LogPosition = LogPosition::new(5);

fn read(text: &str) -> Group {
    let mut words = text.split(' ');
    let head = words.next().unwrap();
    let (letter, generation) = head.split_at(1);
    let phase = match letter {
        "E" => Phase::Empty,
        "D" => Phase::Joining { delayed: true },
        "J" => Phase::Joining { delayed: false },
        "S" => Phase::Syncing,
        "T" => Phase::Stable,
        _ => panic!("{text}"),
    };
    let member = |word: &str| {
        let (name, mark) = word.split_at(1);
        let member = Member {
            subscription: pattern(&[1]),
            rebalance_timeout: RebalanceTimeout::default(),
            joined_at: BEFORE,
            joined: mark != "-",
            synced: mark == "*",
            assignment: Assignment::new(),
        };
        (id(name), member)
    };
    let generation = generation.parse().unwrap();
    Group { phase, phase_since: BEFORE, generation, members: words.map(member).collect() }
}

fn write(group: &Group) -> String {
    let letter = match group.phase {
        Phase::Empty => "E",
        Phase::Joining { delayed: true } => "D",
        Phase::Joining { delayed: false } => "J",
        Phase::Syncing => "S",
        Phase::Stable => "T",
    };
    let mut text = format!("{letter}{}", group.generation);
    for (client, member) in &group.members {
        let mark = match (member.joined, member.synced) {
            (false, false) => "-",
            (true, false) => "+",
            (true, true) => "*",
            (false, true) => "?",
        };
        write!(text, " {client}{mark}").unwrap();
    }
    text
}

enum Event {
    Join(&'static str),
    Accelerate(&'static str),
    Sync(&'static str),
    Leave(&'static str),
    Silent(&'static str),
    TimeIsUp,
    OldTimeIsUp,
    PartitionsChange,
    OtherPartitionsChange,
    PatternChanges,
}

fn check(before: &str, event: &Event, after: &str) {
    let mut group = read(before);
    let id_of = stream(1);
    let spec = StreamSpec::new("s".parse().unwrap(), PartitionCount::new(4).unwrap());
    let made = Stream::create(id_of, project(), spec, AT, Timestamp::default());
    let catalogue = BTreeMap::from([(id_of, made)]);
    let scene = Scene { at: AT, streams: &catalogue };
    let join = |client, accelerate| GroupEvent::Join {
        client: id(client),
        subscription: streams(&[1]),
        rebalance_timeout: RebalanceTimeout::default(),
        accelerate,
    };
    let mut fold = |event| {
        group.fold(event, scene);
    };
    match event {
        Event::Join(client) => fold(join(client, false)),
        Event::Accelerate(client) => fold(join(client, true)),
        Event::Sync(client) => fold(GroupEvent::Sync { client: id(client) }),
        Event::Leave(client) => fold(GroupEvent::Leave { client: id(client) }),
        Event::Silent(client) => fold(GroupEvent::RemoveSilent { silent: vec![(id(client), BEFORE)] }),
        Event::TimeIsUp => fold(GroupEvent::EndPhase { phase_since: BEFORE }),
        Event::OldTimeIsUp => fold(GroupEvent::EndPhase { phase_since: LogPosition::new(4) }),
        Event::PatternChanges => fold(GroupEvent::ShareAnew { phase_since: BEFORE }),
        Event::PartitionsChange => {
            group.partitions_changed(stream(1), scene);
        }
        Event::OtherPartitionsChange => {
            group.partitions_changed(stream(2), scene);
        }
    }
    assert_eq!(write(&group), after, "{before}");
    let same_phase = read(before).phase == group.phase;
    let renamed = group.phase_since == AT;
    assert!(same_phase || renamed, "{before} to {after}: a new phase has a new name");
}

#[test]
fn a_new_member_joins() {
    check("E0", &Event::Join("a"), "D0 a+");
    check("E7", &Event::Join("a"), "D7 a+");
    check("E0", &Event::Accelerate("a"), "S1 a+");
    check("D0 a+", &Event::Join("b"), "D0 a+ b+");
    check("D0 a+", &Event::Accelerate("b"), "S1 a+ b+");
    check("J1 a-", &Event::Join("b"), "J1 a- b+");
    check("J1 a+ b-", &Event::Join("c"), "J1 a+ b- c+");
    check("S1 a+ b*", &Event::Join("c"), "J1 a- b- c+");
    check("T1 a* b*", &Event::Join("c"), "J1 a- b- c+");
}

#[test]
fn a_known_member_joins() {
    check("D0 a+", &Event::Join("a"), "D0 a+");
    check("J1 a- b-", &Event::Join("a"), "J1 a+ b-");
    check("J1 a+ b-", &Event::Join("a"), "J1 a+ b-");
    check("J1 a+ b-", &Event::Join("b"), "S2 a+ b+");
    check("S1 a+ b*", &Event::Join("a"), "J1 a+ b-");
    check("S1 a+", &Event::Join("a"), "S2 a+");
    check("T1 a* b*", &Event::Join("a"), "J1 a+ b-");
    check("T1 a*", &Event::Join("a"), "S2 a+");
}

#[test]
fn the_time_of_a_phase_is_up() {
    check("D0 a+ b+", &Event::TimeIsUp, "S1 a+ b+");
    check("J1 a+ b-", &Event::TimeIsUp, "S2 a+");
    check("J1 a- b-", &Event::TimeIsUp, "E1");
    check("S1 a+ b*", &Event::TimeIsUp, "T1 a+ b*");
    check("T1 a*", &Event::TimeIsUp, "T1 a*");
    check("E1", &Event::TimeIsUp, "E1");
    for text in ["D0 a+", "J1 a+ b-", "S1 a+ b*", "T1 a*"] {
        check(text, &Event::OldTimeIsUp, text);
    }
}

#[test]
fn a_member_syncs() {
    check("S1 a+ b+", &Event::Sync("a"), "S1 a* b+");
    check("S1 a+ b*", &Event::Sync("a"), "T1 a* b*");
    check("T1 a+ b*", &Event::Sync("a"), "T1 a* b*");
    for text in ["E0", "D0 a+", "J1 a+ b-", "J1 a- b+", "S1 b+", "T1 b*", "T1 a* b*"] {
        check(text, &Event::Sync("a"), text);
    }
}

#[test]
fn a_member_leaves_or_is_silent() {
    for event in [Event::Leave("a"), Event::Silent("a")] {
        check("D0 a+", &event, "E0");
        check("D0 a+ b+", &event, "D0 b+");
        check("J1 a-", &event, "E1");
        check("J1 a- b-", &event, "J1 b-");
        check("J1 a- b+", &event, "S2 b+");
        check("S1 a+", &event, "E1");
        check("S1 a+ b*", &event, "J1 b-");
        check("T1 a*", &event, "E1");
        check("T1 a* b*", &event, "J1 b-");
        for text in ["E0", "J1 b-", "S1 b+", "T1 b*"] {
            check(text, &event, text);
        }
    }
}

#[test]
fn the_partitions_change() {
    for event in [Event::PartitionsChange, Event::PatternChanges] {
        check("S1 a+ b*", &event, "J1 a- b-");
        check("T1 a* b*", &event, "J1 a- b-");
        for text in ["E0", "D0 a+", "J1 a+ b-"] {
            check(text, &event, text);
        }
    }
    check("T1 a* b*", &Event::OtherPartitionsChange, "T1 a* b*");
}

#[test]
fn heartbeats() {
    use Heartbeat::{Joining, Stable, Syncing};
    let check = |text: &str, client: &str, generation: i64, expected: Heartbeat| {
        assert_eq!(read(text).heartbeat(client, generation), expected, "{text} {client} {generation}");
    };
    for text in ["E0", "D0 b+", "J1 b+", "S1 b+", "T1 b*"] {
        check(text, "a", -1, Joining);
        check(text, "a", 1, Joining);
    }
    check("J1 a- b+", "a", 1, Joining); // known, synced, of the round before
    check("J1 a- b+", "a", -1, Joining);
    check("S1 a- b+", "a", 1, Joining);
    check("D0 a+", "a", -1, Syncing);
    check("J1 a+ b-", "a", -1, Syncing);
    check("J1 a+ b-", "a", 1, Syncing);
    check("S2 a+ b-", "a", 1, Syncing);
    check("S2 a* b+", "a", 2, Syncing); // until all have synced
    check("T2 a+ b*", "a", 1, Syncing);
    check("T2 a+ b*", "a", 2, Syncing); // it names the generation, but never fetched its share
    check("T2 a* b*", "a", 1, Syncing);
    check("T2 a* b*", "a", -1, Syncing);
    check("T2 a* b*", "a", 2, Stable);
    check("T2 a- b*", "a", 2, Joining);
}

#[test]
fn syncs() {
    let check = |text: &str, expected: &str| {
        let group = read(text);
        let got = match group.sync_step("a") {
            SyncStep::Rejoin => "rejoin",
            SyncStep::Wait => "wait",
            SyncStep::Record => "record",
            SyncStep::Share(_) => "share",
        };
        assert_eq!(got, expected, "{text}");
    };
    for text in ["E0", "D0 b+", "J1 b+", "S1 b+", "T1 b*", "J1 a- b+", "S1 a- b+", "T1 a- b*"] {
        check(text, "rejoin");
    }
    check("D0 a+", "wait");
    check("J1 a+ b-", "wait");
    check("S1 a+ b-", "record");
    check("S1 a* b+", "share");
    check("T1 a+ b*", "record");
    check("T1 a* b*", "share");
}

#[test]
fn commits() {
    let check = |text: &str, generation: i64, partition: u32, expected: Result<(), Rejected>| {
        let mut group = read(text);
        if let Some(member) = group.members.get_mut("a") {
            member.assignment.insert(stream(1), vec![PartitionId::new(2), PartitionId::new(5)]);
        }
        let partition = PartitionRef { stream: stream(1), partition: PartitionId::new(partition) };
        let got = group.check_commit("a", generation, [partition].into_iter());
        assert_eq!(got, expected, "{text} {generation} {partition}");
    };
    for text in ["D0 a+", "J3 a+ b-", "J3 a- b-", "S3 a* b+", "J3 b-"] {
        check(text, 3, 5, Err(Rejected::GroupRebalancing));
    }
    check("E3", 3, 5, Err(Rejected::MemberUnknown));
    check("T3 b*", 3, 5, Err(Rejected::MemberUnknown));
    for generation in [2, 4, -1, i64::MAX] {
        check("T3 a*", generation, 5, Err(Rejected::IllegalGeneration));
    }
    check("T3 a*", 3, 4, Err(Rejected::IllegalGeneration));
    check("T3 a*", 3, 5, Ok(()));
    check("T3 a* b*", 3, 2, Ok(()));
}
