//! Wall clocks that jump, while the engine runs and between two lives: no record goes before its retention
//! is over, and order, numbers and arrivals stay what they are.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::{path::Path, sync::Arc, time::Duration};

use common::{ROOT, clock, on, open_with, small};
use millpond_engine::{Append, Clock, LogConfig, ManualClock, Page, ReadLimit};
use millpond_engine_local::{LocalEngine, Settings};
use millpond_model::{
    NewRecord, PartitionId, PartitionRef, RetentionHours, SequenceNumber, StreamId, Timestamp,
};
use millpond_seglog::disk::FaultDisk;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// By how much the clock is wrong all at once.
const JUMPS_MS: [i64; 4] = [60 * MINUTE_MS, -60 * MINUTE_MS, 400 * DAY_MS, -400 * DAY_MS];
/// Records before the jump. They are large, so that segments are closed.
const RECORDS: u64 = 10;

fn partition() -> PartitionRef {
    PartitionRef { stream: StreamId::from_random(1), partition: PartitionId::new(0) }
}

fn open(disk: &FaultDisk, clock: &Arc<ManualClock>) -> LocalEngine {
    let settings = Settings { doubts_clock: true, ..small() };
    open_with(Arc::new(disk.clone()), Path::new(ROOT), clock, settings).unwrap()
}

fn append(engine: &LocalEngine) -> (u64, Timestamp) {
    let records = vec![NewRecord::of(vec![7; 900])];
    let batch = Append { partition: partition(), records };
    let appended = on(engine.engine().records.append(vec![batch])).remove(0).unwrap();
    (appended.first.get(), appended.arrival)
}

/// An engine with records that are kept for an hour.
fn filled(disk: &FaultDisk, clock: &Arc<ManualClock>) -> LocalEngine {
    let engine = open(disk, clock);
    let config = LogConfig { retention: RetentionHours::new(1).unwrap() };
    on(engine.engine().records.create(partition().stream, 1, config)).unwrap();
    for _ in 0..RECORDS {
        append(&engine);
    }
    engine.mark().unwrap();
    engine
}

fn jump(clock: &ManualClock, by_ms: i64) {
    clock.jump_to(Timestamp::from_millis(clock.now().as_millis() + by_ms));
}

fn page(engine: &LocalEngine) -> Page {
    let (records, limit) = (engine.engine().records, ReadLimit::records(100));
    let oldest = on(records.bounds(partition())).unwrap().oldest;
    assert_eq!(oldest, SequenceNumber::ZERO, "the oldest record is there");
    on(records.read(partition(), oldest, limit, Duration::ZERO)).unwrap()
}

/// Minute by minute, for almost as long as the records are kept.
fn nothing_expires(engine: &LocalEngine, clock: &ManualClock, context: &str) {
    for minute in 0..50 {
        engine.retain().unwrap();
        engine.mark().unwrap();
        assert_eq!(page(engine).records.len() as u64, RECORDS, "{context}, after {minute} minutes");
        clock.advance(Duration::from_mins(1));
    }
}

#[test]
fn a_jump_while_the_engine_runs_removes_nothing() {
    for by_ms in JUMPS_MS {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = filled(&disk, &clock);
        jump(&clock, by_ms);
        nothing_expires(&engine, &clock, &format!("{by_ms} ms"));
    }
}

#[test]
fn a_jump_between_two_lives_removes_nothing() {
    for (by_ms, closed) in JUMPS_MS.into_iter().flat_map(|by_ms| [(by_ms, true), (by_ms, false)]) {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = filled(&disk, &clock);
        if closed {
            engine.close().unwrap();
        }
        drop(engine);
        jump(&clock, by_ms);
        nothing_expires(&open(&disk, &clock), &clock, &format!("{by_ms} ms, closed {closed}"));
    }
}

#[test]
fn numbers_and_arrivals_go_on_over_a_jump() {
    for by_ms in JUMPS_MS {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = filled(&disk, &clock);
        let last = page(&engine).records.pop().unwrap();
        jump(&clock, by_ms);
        let (first, arrival) = append(&engine);
        assert_eq!(first, RECORDS, "{by_ms} ms");
        assert!(arrival >= last.timestamp(), "{by_ms} ms: arrivals never go back");
        drop(engine);
        assert_eq!(append(&open(&disk, &clock)).0, RECORDS + 1, "{by_ms} ms");
    }
}

#[test]
fn what_is_older_than_its_retention_goes_although_the_clock_had_jumped() {
    for by_ms in JUMPS_MS {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = filled(&disk, &clock);
        jump(&clock, by_ms);
        engine.retain().unwrap();
        // Put right again.
        jump(&clock, -by_ms);
        for _ in 0..14 {
            clock.advance(Duration::from_mins(10));
            engine.retain().unwrap();
            engine.mark().unwrap();
        }
        let bounds = on(engine.engine().records.bounds(partition())).unwrap();
        assert_eq!(bounds.oldest.get(), RECORDS, "{by_ms} ms");
    }
}

/// Also in a partition without an earlier record, whose arrivals have none to follow (seed 57 of the simulated
/// lives).
#[test]
fn records_that_come_after_a_jump_are_kept_for_as_long_as_others() {
    for (by_ms, reopened) in JUMPS_MS.into_iter().flat_map(|by_ms| [(by_ms, true), (by_ms, false)]) {
        let (disk, clock) = (FaultDisk::default(), clock());
        let mut engine = open(&disk, &clock);
        let config = LogConfig { retention: RetentionHours::new(1).unwrap() };
        on(engine.engine().records.create(partition().stream, 1, config)).unwrap();
        engine.mark().unwrap();
        jump(&clock, by_ms);
        if reopened {
            drop(engine);
            engine = open(&disk, &clock);
        }
        for _ in 0..RECORDS {
            append(&engine);
        }
        nothing_expires(&engine, &clock, &format!("{by_ms} ms, opened again {reopened}"));
    }
}
