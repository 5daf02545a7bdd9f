//! The checker of partitions finds what it is there to find.

use super::support::{
    history::Fate,
    partitions::{Described, HASH_KEY_MAX, Keyed, Misparted, Scaling, Steady, check_keys, check_partitions},
};

const HALF: u64 = HASH_KEY_MAX / 2;

fn scaling(target: u32, fate: Fate<()>) -> Scaling {
    Scaling { target, fate }
}

/// Partitions from 0 on: whether it is ACTIVE, and its range.
fn described(partitions: &[(bool, (u64, u64))]) -> Vec<Described> {
    let numbered = (0..).zip(partitions);
    numbered.map(|(index, &(is_active, hash_range))| Described { index, is_active, hash_range }).collect()
}

#[test]
fn the_count_is_the_last_one_or_one_in_doubt() {
    let one = described(&[(true, (0, HASH_KEY_MAX)), (false, (HALF, HASH_KEY_MAX))]);
    let two = described(&[(true, (0, HALF - 1)), (true, (HALF, HASH_KEY_MAX))]);
    let done = Fate::Done(());
    let cases: [(&[Scaling], bool, bool); 6] = [
        (&[], false, true),
        (&[scaling(1, done)], true, false),
        (&[scaling(1, Fate::Unknown)], true, true),
        (&[scaling(1, Fate::Refused)], false, true),
        (&[scaling(1, Fate::Unknown), scaling(2, done)], false, true),
        (&[scaling(3, done), scaling(1, Fate::Unknown)], true, false),
    ];
    for (scalings, allows_one, allows_two) in cases {
        assert_eq!(check_partitions(2, scalings, &one).is_ok(), allows_one, "{scalings:?}");
        assert_eq!(check_partitions(2, scalings, &two).is_ok(), allows_two, "{scalings:?}");
    }
}

#[test]
fn the_ranges_share_all_keys() {
    let check = |partitions: &[(bool, (u64, u64))], expected: fn(&Misparted) -> bool| {
        let found = check_partitions(2, &[], &described(partitions)).expect_err("something is wrong");
        assert!(expected(&found), "{found:?}");
    };
    let untiled: fn(&Misparted) -> bool = |found| matches!(found, Misparted::Untiled { .. });
    check(&[(true, (0, HALF)), (true, (HALF, HASH_KEY_MAX))], untiled);
    check(&[(true, (0, HALF - 2)), (true, (HALF, HASH_KEY_MAX))], untiled);
    check(&[(true, (1, HALF - 1)), (true, (HALF, HASH_KEY_MAX))], untiled);
    check(&[(true, (0, HALF - 1)), (true, (HALF, HASH_KEY_MAX - 1))], untiled);
    let part = (HALF, HASH_KEY_MAX);
    check(&[(true, (0, HALF - 1)), (false, part), (true, part)], |found| {
        matches!(found, Misparted::Scattered { .. })
    });
}

#[test]
fn a_key_stays_while_nothing_is_scaled() {
    let steady = |active: u32, since: u64, until: Option<u64>| Steady { active, since, until };
    let keyed = |partition: u32, begun_at: u64, told_at: u64| Keyed {
        key: "k".to_owned(),
        partition,
        begun_at,
        told_at,
    };
    let times = [steady(2, 0, Some(10)), steady(3, 20, Some(30)), steady(2, 40, None)];
    let check =
        |keyed: &[Keyed], good: bool| assert_eq!(check_keys(&times, keyed).is_ok(), good, "{keyed:?}");
    check(&[keyed(0, 1, 2), keyed(0, 3, 4)], true);
    check(&[keyed(0, 1, 2), keyed(1, 3, 4)], false);
    check(&[keyed(0, 1, 2), keyed(1, 21, 22), keyed(0, 41, 42)], true);
    check(&[keyed(0, 1, 2), keyed(1, 41, 42)], false);
    // While it is scaled it may be either.
    check(&[keyed(0, 1, 2), keyed(1, 3, 12), keyed(1, 11, 15), keyed(1, 15, 22)], true);
}
