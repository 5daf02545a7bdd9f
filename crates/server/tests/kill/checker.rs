//! The checker of histories finds what it is there to find.

use std::collections::BTreeSet;

use super::support::{
    api::Stored,
    history::{
        Broken, Commit, Fate, Log, Naming, Place, Sent, check_checkpoint, check_records, check_streams,
        check_unchanged,
    },
};

const UNKNOWN: Fate<Place> = Fate::Unknown;

fn acknowledged(partition: u32, number: u64, told_at: u64) -> Fate<Place> {
    Fate::Done(Place { partition, number, told_at })
}

fn sent(data: &str, request: u64, begun_at: u64, fate: Fate<Place>) -> Sent {
    Sent { data: data.to_owned(), partition: None, request, begun_at, fate }
}

/// Partitions 0 and on, each with its records numbered from 0.
fn log(partitions: &[&[&str]]) -> Log {
    let records = |all: &[&str]| {
        let numbered = (0..).zip(all);
        numbered.map(|(number, data)| Stored { number, data: (*data).to_owned() }).collect()
    };
    (0..).zip(partitions).map(|(partition, all)| (partition, records(all))).collect()
}

/// Two requests of two records and one after them; the third one's fate is unknown.
fn history() -> Vec<Sent> {
    vec![
        sent("a0", 1, 0, acknowledged(0, 0, 2)),
        sent("a1", 1, 0, acknowledged(0, 1, 2)),
        sent("b0", 2, 3, acknowledged(0, 2, 5)),
        sent("b1", 2, 3, acknowledged(1, 0, 5)),
        sent("c0", 3, 6, UNKNOWN),
        sent("c1", 3, 6, UNKNOWN),
        sent("d", 4, 7, Fate::Refused),
    ]
}

#[test]
fn good_histories_pass() {
    let check = |partitions: &[&[&str]]| assert_eq!(check_records(&history(), &log(partitions)), Ok(()));
    check(&[&["a0", "a1", "b0"], &["b1"]]);
    check(&[&["a0", "a1", "b0", "c0", "c1"], &["b1"]]);
    check(&[&["a0", "a1", "b0", "c0"], &["b1"]]);
    check(&[&["a0", "a1", "b0", "c1"], &["b1", "c0"]]);
}

#[test]
fn broken_histories_are_refused() {
    let check = |partitions: &[&[&str]], expected: fn(&Broken) -> bool| {
        let found = check_records(&history(), &log(partitions)).expect_err("the history is broken");
        assert!(expected(&found), "{found:?}");
    };
    check(&[&["a0", "a1"], &["b1"]], |b| matches!(b, Broken::Lost { partition: 0, number: 2, .. }));
    check(&[&["a0", "a1", "b0"]], |b| matches!(b, Broken::Lost { partition: 1, number: 0, .. }));
    check(&[&["a0", "a1", "b0"], &["b1", "a0"]], |b| matches!(b, Broken::Duplicate { .. }));
    check(&[&["a0", "a1", "b0", "c0", "c0"], &["b1"]], |b| matches!(b, Broken::Duplicate { .. }));
    check(&[&["a0", "a1", "c0"], &["b1"]], |b| matches!(b, Broken::NumberReused { number: 2, .. }));
    check(&[&["a1", "a0", "b0"], &["b1"]], |b| matches!(b, Broken::NumberReused { number: 0, .. }));
    check(&[&["a0", "a1", "b0", "?"], &["b1"]], |b| matches!(b, Broken::NeverSent { number: 3, .. }));
    check(&[&["a0", "a1", "b0", "d"], &["b1"]], |b| matches!(b, Broken::RefusedButStored { .. }));
    check(&[&["a0", "a1", "b0", "c1", "c0"], &["b1"]], |b| matches!(b, Broken::Reordered { .. }));
}

#[test]
fn numbers_have_no_gaps() {
    let mut found = log(&[&["a0", "a1", "b0"], &["b1"]]);
    found.get_mut(&0).unwrap()[2].number = 3;
    assert_eq!(check_records(&history(), &found), Err(Broken::Gap { partition: 0, expected: 2, found: 3 }));
}

#[test]
fn the_order_of_acknowledgements_is_kept() {
    let check = |second_begun_at: u64, expected: fn(&Result<(), Broken>) -> bool| {
        let history = [sent("late", 1, second_begun_at, UNKNOWN), sent("early", 2, 0, acknowledged(0, 1, 5))];
        let result = check_records(&history, &log(&[&["late", "early"]]));
        assert!(expected(&result), "{result:?}");
    };
    check(4, Result::is_ok); // both were under way at once
    check(6, |result| matches!(result, Err(Broken::Reordered { .. })));
}

#[test]
fn records_of_a_request_stand_side_by_side() {
    let history = [sent("a0", 1, 0, UNKNOWN), sent("a1", 1, 0, UNKNOWN), sent("b", 2, 1, UNKNOWN)];
    assert_eq!(check_records(&history, &log(&[&["b", "a0", "a1"]])), Ok(()));
    assert_eq!(
        check_records(&history, &log(&[&["a0", "b", "a1"]])),
        Err(Broken::Divided { partition: 0, request: 1 })
    );
}

#[test]
fn records_are_where_they_were_sent() {
    let mut history = [sent("a", 1, 0, UNKNOWN)];
    history[0].partition = Some(0);
    assert_eq!(check_records(&history, &log(&[&["a"], &[]])), Ok(()));
    assert!(matches!(
        check_records(&history, &log(&[&[], &["a"]])),
        Err(Broken::Misplaced { asked: 0, found: 1, .. })
    ));
}

#[test]
fn what_was_shown_never_changes() {
    let shown = log(&[&["a", "b"]]);
    assert_eq!(check_unchanged(&shown, &log(&[&["a", "b", "c"]])), Ok(()));
    for found in [log(&[&["a"]]), log(&[&["a", "c", "b"]]), log(&[])] {
        assert!(matches!(check_unchanged(&shown, &found), Err(Broken::Changed { .. })), "{found:?}");
    }
}

#[test]
fn a_checkpoint_never_goes_back() {
    let commit = |number: u64, fate: Fate<()>| Commit { number, note: format!("n{number}"), fate };
    let done = Fate::Done(());
    let check = |commits: &[Commit], allowed: &[Option<u64>], refused: &[Option<u64>]| {
        let result = |number: &Option<u64>| {
            check_checkpoint(commits, number.map(|number| (number, format!("n{number}"))).as_ref())
        };
        for number in allowed {
            assert_eq!(result(number), Ok(()), "{commits:?}");
        }
        for number in refused {
            assert!(matches!(result(number), Err(Broken::Checkpoint { .. })), "{number:?} in {commits:?}");
        }
    };
    check(&[commit(1, done), commit(2, done)], &[Some(2)], &[Some(1), Some(3), None]);
    check(&[commit(2, done), commit(1, done)], &[Some(1)], &[Some(2), None]);
    check(&[commit(1, done), commit(2, Fate::Unknown)], &[Some(1), Some(2)], &[None]);
    check(&[commit(1, done), commit(2, Fate::Refused)], &[Some(1)], &[Some(2), None]);
    check(&[commit(1, Fate::Unknown), commit(2, done)], &[Some(2)], &[Some(1), None]);
    check(&[commit(1, Fate::Unknown)], &[None, Some(1)], &[Some(2)]);
    check(&[], &[None], &[Some(0)]);
    // The note belongs to the number.
    assert!(check_checkpoint(&[commit(1, done)], Some(&(1, "n2".to_owned()))).is_err());
}

#[test]
fn streams_do_not_come_back() {
    let naming = |name: &str, created: bool, fate: Fate<()>| Naming { name: name.to_owned(), created, fate };
    let done = Fate::Done(());
    let check = |changes: &[Naming], found: &[&str], good: bool| {
        let found: BTreeSet<String> = found.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(check_streams(changes, &found).is_ok(), good, "{changes:?} {found:?}");
    };
    let created = naming("a", true, done);
    check(std::slice::from_ref(&created), &["a", "other"], true);
    check(std::slice::from_ref(&created), &[], false);
    let deleted = [created.clone(), naming("a", false, done)];
    check(&deleted, &[], true);
    check(&deleted, &["a"], false);
    let in_doubt = [created, naming("a", false, Fate::Unknown)];
    check(&in_doubt, &[], true);
    check(&in_doubt, &["a"], true);
    check(&[naming("a", true, Fate::Refused)], &["a"], false);
}
