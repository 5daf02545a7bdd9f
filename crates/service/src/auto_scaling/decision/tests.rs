use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A partition takes 100 bytes and 10 records a second, and gives 200 bytes.
const CAPACITY: Capacity = Capacity { put_bytes: 100, put_records: Some(10), get_bytes: 200 };

const BOUNDS: AutoScale = AutoScale { enabled: true, min: 1, max: 20 };

/// Writes and reads as percentages of the bandwidth, throttled when it is more than all of it.
fn load(active: u32, put: u64, get: u64) -> Load {
    let active = u64::from(active);
    Load {
        put_bytes: put * active,
        put_records: 0,
        get_bytes: 2 * get * active,
        throttled: None,
        whole: true,
    }
}

/// A change so many seconds ago.
fn change(seconds_ago: u64, before: u32, after: u32, automatic: bool) -> ScalingChange {
    ScalingChange { time: NOW.minus(Duration::from_secs(seconds_ago)), before, after, automatic }
}

fn decide(load: Load, active: u32, settings: AutoScale, history: &[ScalingChange]) -> Option<u32> {
    target(load, CAPACITY, active, settings, history.iter(), NOW).map(PartitionCount::get)
}

#[test]
fn targets_are_the_documented_ones() {
    let check = |active: u32, put: u64, get: u64, expected: Option<u32>| {
        let found = decide(load(active, put, get), active, BOUNDS, &[]);
        assert_eq!(found, expected, "{active} partitions, {put} % written, {get} % read");
    };
    check(5, 90, 0, Some(9));
    check(5, 10, 10, Some(2));
    // The thresholds themselves change nothing.
    check(5, 80, 0, None);
    check(5, 81, 0, Some(9));
    check(5, 30, 0, None);
    check(5, 29, 29, Some(2));
    check(5, 0, 30, None);
    check(5, 50, 50, None);
    // Reads alone open nothing.
    check(5, 10, 100, None);
    check(1, 100, 0, Some(2));
    check(2, 100, 0, Some(4));
    check(3, 100, 0, Some(5));
    check(6, 100, 0, Some(10));
    check(6, 0, 0, Some(3));
    check(3, 0, 0, Some(1));
    check(1, 0, 0, None);
}

#[test]
fn bounds_hold() {
    let check = |active: u32, put: u64, (min, max): (u32, u32), expected: Option<u32>| {
        let settings = AutoScale { enabled: true, min, max };
        let found = decide(load(active, put, 0), active, settings, &[]);
        assert_eq!(found, expected, "{active} partitions, {put} % written, {min} to {max}");
    };
    check(5, 90, (1, 8), Some(8));
    check(5, 90, (1, 5), None);
    check(5, 90, (1, 3), None);
    check(5, 0, (3, 8), Some(3));
    check(5, 0, (5, 8), None);
    // A stream created with fewer partitions than the least keeps them until it is busy.
    check(1, 0, (2, 3), None);
    check(1, 50, (2, 3), None);
    check(1, 90, (2, 3), Some(2));
    check(1, 90, (4, 8), Some(4));
    // One with more than the most keeps them until it is idle.
    check(20, 90, (1, 8), None);
    check(20, 0, (1, 8), Some(8));
    // Bounds that were never set, or contradict each other, allow nothing.
    check(5, 90, (0, 0), None);
    check(5, 90, (8, 6), None);
    check(5, 0, (0, 8), Some(2));
    check(1, 0, (0, 8), None);
    let off = AutoScale { enabled: false, ..BOUNDS };
    assert_eq!(decide(load(5, 90, 0), 5, off, &[]), None);
    assert_eq!(decide(load(5, 0, 0), 5, off, &[]), None);
}

#[test]
fn flow_control_has_to_have_refused_something() {
    let check = |put: u64, throttled: Option<bool>, expected: Option<u32>| {
        let load = Load { throttled, ..load(5, put, 0) };
        assert_eq!(decide(load, 5, BOUNDS, &[]), expected, "{put} % written, {throttled:?}");
    };
    check(100, Some(true), Some(9));
    check(100, Some(false), None);
    check(100, None, Some(9));
    check(50, Some(true), None);
    // One partition was hot for a moment, and the stream is idle all the same.
    check(10, Some(true), Some(2));
    check(10, Some(false), Some(2));
}

#[test]
fn records_count_where_they_are_limited() {
    let check = |put_records: u64, limit: Option<u64>, expected: Option<u32>| {
        let load = Load { put_records, ..load(5, 1, 0) };
        let capacity = Capacity { put_records: limit, ..CAPACITY };
        let found = target(load, capacity, 5, BOUNDS, [].iter(), NOW).map(PartitionCount::get);
        assert_eq!(found, expected, "{put_records} records, {limit:?}");
    };
    check(41, Some(10), Some(9));
    check(40, Some(10), None);
    check(15, Some(10), None);
    check(14, Some(10), Some(2));
    check(1000, None, Some(2));
}

#[test]
fn what_was_not_measured_closes_nothing() {
    let part = |put| Load { whole: false, ..load(5, put, 0) };
    assert_eq!(decide(part(0), 5, BOUNDS, &[]), None);
    assert_eq!(decide(part(90), 5, BOUNDS, &[]), Some(9));
}

#[test]
fn changes_are_spaced() {
    let check = |put: u64, history: &[ScalingChange], expected: Option<u32>| {
        assert_eq!(decide(load(5, put, 0), 5, BOUNDS, history), expected, "{put} %, {history:?}");
    };
    let (up, down) = (90, 0);
    // More than a minute between automatic changes.
    check(up, &[change(60, 3, 5, true)], None);
    check(up, &[change(61, 3, 5, true)], Some(9));
    // A person's change in the same direction is no reason to wait.
    check(up, &[change(1, 3, 5, false)], Some(9));
    check(down, &[change(1, 6, 5, false)], Some(2));
    // Two minutes before going the other way, whoever went this way.
    check(down, &[change(119, 3, 5, true)], None);
    check(down, &[change(120, 3, 5, true)], Some(2));
    check(down, &[change(119, 3, 5, false)], None);
    check(up, &[change(119, 10, 5, false)], None);
    check(up, &[change(120, 10, 5, false)], Some(9));
    check(up, &[change(110, 10, 4, false), change(70, 4, 5, true)], None);
    // A clock that went back waits until it is where it was.
    let ahead = ScalingChange { time: NOW.plus(HOUR), ..change(0, 3, 5, true) };
    check(up, &[ahead], None);
}

#[test]
fn an_hour_has_ten_ups_and_one_down() {
    let ups = |count: u64, automatic| -> Vec<ScalingChange> {
        (0..count).rev().map(|n| change(200 + n * 300, 4, 5, automatic)).collect()
    };
    let check = |put: u64, history: &[ScalingChange], expected: Option<u32>| {
        assert_eq!(decide(load(5, put, 0), 5, BOUNDS, history), expected, "{put} %, {history:?}");
    };
    check(90, &ups(9, true), Some(9));
    check(90, &ups(10, true), None);
    check(90, &ups(10, false), Some(9));
    check(0, &ups(10, true), Some(2));
    check(0, &[change(3599, 10, 5, true)], None);
    check(0, &[change(3600, 10, 5, true)], Some(2));
    check(0, &[change(3599, 10, 5, false)], Some(2));
    check(90, &[change(3599, 10, 5, true)], Some(9));
    // More changes than a stream remembers: nobody knows how many of them were automatic.
    let many: Vec<_> = (0..20).rev().map(|n| change(130 + n * 60, 4, 5, false)).collect();
    check(90, &many, None);
    check(90, &many[1..], Some(9));
    let slower: Vec<_> = (0..20).rev().map(|n| change(130 + n * 190, 4, 5, false)).collect();
    check(90, &slower, Some(9));
}

#[test]
fn no_number_is_too_large() {
    let most = Load { put_bytes: u64::MAX, put_records: u64::MAX, get_bytes: u64::MAX, ..load(1, 0, 0) };
    let capacity = Capacity { put_bytes: u64::MAX, put_records: Some(1), get_bytes: u64::MAX };
    let bounds = AutoScale { enabled: true, min: 1, max: 10_000 };
    let check = |active: u32, expected: Option<u32>| {
        let found = target(most, capacity, active, bounds, [].iter(), NOW).map(PartitionCount::get);
        assert_eq!(found, expected, "{active}");
    };
    check(1, Some(2));
    check(9_999, Some(10_000));
    check(10_000, None);
    check(u32::MAX, None);
    let nothing = Capacity { put_bytes: 0, put_records: Some(0), get_bytes: 0 };
    assert_eq!(target(load(4, 0, 0), nothing, 4, BOUNDS, [].iter(), NOW), None);
}

/// A stream that is looked at every so often, as the service does.
struct Simulated {
    active: u32,
    history: Vec<ScalingChange>,
    now: Timestamp,
}

impl Simulated {
    fn change(&mut self, after: u32, automatic: bool) {
        self.history.push(ScalingChange { time: self.now, before: self.active, after, automatic });
        self.active = after;
    }

    /// What a stream remembers.
    fn remembered(&self) -> &[ScalingChange] {
        &self.history[self.history.len().saturating_sub(SCALING_HISTORY_MAX)..]
    }
}

/// What happens between two looks: seconds, the load in bytes a second, and a count somebody asks for.
fn any_step() -> impl Strategy<Value = (u64, u64, u64, Option<u32>)> {
    let put = prop_oneof![Just(0), Just(100_000), 0..3000_u64];
    let asked = prop::option::weighted(0.05, 1..12_u32);
    (prop_oneof![4 => Just(60), 1 => 1..400_u64], put, 0..2000_u64, asked)
}

proptest! {
    /// Whatever the load and whatever people do, the spacing, the caps and the bounds hold.
    #[test]
    fn the_rules_hold_for_hours(
        steps in prop::collection::vec(any_step(), 1..400), min in 1..6_u32, span in 0..30_u32, first in 1..12_u32,
    ) {
        let settings = AutoScale { enabled: true, min, max: min + span };
        let mut stream = Simulated { active: first, history: Vec::new(), now: NOW };
        for (seconds, put_bytes, get_bytes, asked) in steps {
            stream.now = stream.now.plus(Duration::from_secs(seconds));
            if let Some(count) = asked.filter(|&count| count != stream.active) {
                stream.change(count, false);
            }
            let load = Load { put_bytes, get_bytes, ..load(1, 0, 0) };
            let remembered = stream.remembered().iter();
            if let Some(count) = target(load, CAPACITY, stream.active, settings, remembered, stream.now) {
                stream.change(count.get(), true);
            }
        }
        for (at, change) in stream.history.iter().enumerate().filter(|(_, change)| change.automatic) {
            prop_assert!(change.before != change.after && (min..=settings.max).contains(&change.after));
            let before = &stream.history[..at];
            for earlier in before {
                let passed = age(earlier, change.time);
                prop_assert!(!earlier.automatic || passed > AUTO_SCALE_SPACING, "{earlier:?} {change:?}");
                let same_way = Direction::of(earlier) == Direction::of(change);
                prop_assert!(same_way || passed >= AUTO_SCALE_REVERSAL, "{earlier:?} {change:?}");
            }
            let alike = |other: &&ScalingChange| {
                other.automatic && Direction::of(other) == Direction::of(change) && age(other, change.time) < HOUR
            };
            let cap = match Direction::of(change) {
                Direction::Up => AUTO_SCALE_UPS_PER_HOUR,
                Direction::Down => AUTO_SCALE_DOWNS_PER_HOUR,
            };
            prop_assert!(before.iter().filter(alike).count() < cap, "{before:?} {change:?}");
        }
    }
}
