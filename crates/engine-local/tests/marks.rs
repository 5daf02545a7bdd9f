//! A mark that is cut off, or takes its time: what it removes and frees is not missed before it is kept.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{path::Path, sync::Arc, thread, time::Duration};

use common::{GateDisk, ROOT, clock, on, open, open_with, small};
use millpond_engine::{Append, LogConfig, ManualClock, ReadLimit};
use millpond_engine_local::{LocalEngine, Settings, check::check};
use millpond_model::{NewRecord, PartitionId, PartitionRef, RetentionHours, StreamId};
use millpond_seglog::disk::{Disk, Fault, FaultDisk};

fn partition() -> PartitionRef {
    PartitionRef { stream: StreamId::from_random(1), partition: PartitionId::new(0) }
}

fn create(engine: &LocalEngine) {
    let config = LogConfig { retention: RetentionHours::new(1).unwrap() };
    on(engine.engine().records.create(partition().stream, 1, config)).unwrap();
}

fn append(engine: &LocalEngine, count: usize, bytes: usize) {
    for _ in 0..count {
        let records = vec![NewRecord::of(vec![7; bytes])];
        let batch = Append { partition: partition(), records };
        on(engine.engine().records.append(vec![batch])).remove(0).unwrap();
    }
}

/// Number of the oldest readable record, and the number behind the last one that can be read.
fn readable(engine: &LocalEngine) -> (u64, u64) {
    let (records, limit) = (engine.engine().records, ReadLimit::records(1000));
    let oldest = on(records.bounds(partition())).unwrap().oldest;
    let page = on(records.read(partition(), oldest, limit, Duration::ZERO)).unwrap();
    (oldest.get(), page.next.get())
}

/// Shows `look` what is left when a mark that removes segments is cut off, at every operation in turn.
fn cut_off_anywhere(look: impl Fn(&FaultDisk, &Arc<ManualClock>, &str)) {
    for at in 0.. {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = open(&disk, &clock).unwrap();
        create(&engine);
        append(&engine, 6, 900);
        engine.mark().unwrap();
        clock.advance(Duration::from_hours(2));
        append(&engine, 2, 900);
        engine.retain().unwrap();
        let (operation, error) = (disk.operations() + at, std::io::ErrorKind::Other);
        disk.set_fault(Some(Fault { operation, sticky: true, error }));
        let _cut_off = engine.mark();
        let ended_before = disk.operations() <= operation;
        drop(engine);
        for kept in [true, false] {
            look(&disk.crash(|| kept), &clock, &format!("cut off at operation {at}, unsynced kept: {kept}"));
        }
        if ended_before {
            assert!(at > 10, "a mark has more operations than that");
            return;
        }
    }
}

#[test]
fn a_mark_that_is_cut_off_misses_no_segment() {
    cut_off_anywhere(|disk, clock, context| {
        let engine = open(disk, clock).unwrap();
        assert_eq!(engine.damaged(), [], "{context}");
        assert_eq!(readable(&engine), (6, 8), "{context}");
        append(&engine, 1, 10);
    });
}

#[test]
fn a_mark_that_is_cut_off_leaves_nothing_for_a_check_to_find() {
    cut_off_anywhere(|disk, _, context| {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let report = check(&disk, Path::new(ROOT), &mut |_| {}).unwrap();
        assert_eq!(report.damage, 0, "{context}: {:?}", report.findings);
    });
}

/// While a mark waits for its commit the journal rolls on, and keeps off the files that only the mark before
/// leads to.
#[test]
fn journal_files_are_used_again_only_behind_a_mark() {
    let (disk, clock) = (GateDisk::at("state.redb"), clock());
    let settings = Settings { threads: true, unwritten_bytes_max: 64 << 20, ..small() };
    let engine = open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
    create(&engine);
    append(&engine, 8, 30_000);
    disk.shut();
    let left = thread::scope(|scope| {
        let marking = scope.spawn(|| engine.mark());
        while !disk.is_waited_for() {
            thread::yield_now();
        }
        append(&engine, 10, 30_000);
        let left = [true, false].map(|kept| disk.disk.crash(|| kept));
        disk.open_again();
        marking.join().unwrap().unwrap();
        left
    });
    for disk in left {
        assert_eq!(readable(&open(&disk, &clock).unwrap()), (0, 18));
    }
}
