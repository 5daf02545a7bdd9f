//! A full disk: what was acknowledged stays, what is refused is absent, reading and deleting go on, and
//! writing goes on by itself once there is room again (promise G23).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{path::Path, sync::Arc, time::Duration};

use common::{Dice, ROOT, cases, cases_in_ci, clock, on, open_with, small};
use millpond_engine::{Append, AppendError, Class, Engine, LogConfig, ManualClock, ProposeError, ReadLimit};
use millpond_engine_local::{LocalEngine, Settings};
use millpond_model::{AppId, NewRecord, PartitionId, PartitionRef, RetentionHours, SequenceNumber, StreamId};
use millpond_seglog::disk::{Disk, FaultDisk};
use millpond_state::{Command, CommandId, Proposal};

const KIB: u64 = 1024;

/// The reserve is 2 MiB however low the water is.
const RESERVE: u64 = 2048 * KIB;

fn settings() -> Settings {
    Settings { low_water_bytes: Some(200 * KIB), unwritten_bytes_max: 64 << 10, ..small() }
}

fn open(disk: &FaultDisk, clock: &Arc<ManualClock>) -> LocalEngine {
    open_with(Arc::new(disk.clone()), Path::new(ROOT), clock, settings()).unwrap()
}

fn of(stream: u128) -> PartitionRef {
    PartitionRef { stream: StreamId::from_random(stream), partition: PartitionId::new(0) }
}

fn create(engine: &Engine, stream: u128) {
    let config = LogConfig { retention: RetentionHours::default() };
    on(engine.records.create(StreamId::from_random(stream), 1, config)).unwrap();
}

fn append(engine: &Engine, stream: u128, bytes: usize) -> Result<u64, AppendError> {
    let batch = Append { partition: of(stream), records: vec![NewRecord::of(vec![b'x'; bytes])] };
    on(engine.records.append(vec![batch])).remove(0).map(|appended| appended.first.get())
}

fn is_no_space(error: &AppendError) -> bool {
    matches!(error, AppendError::Storage(failure) if failure.class() == Class::NoSpace)
}

fn count(engine: &Engine, stream: u128) -> u64 {
    let (mut from, limit) = (SequenceNumber::ZERO, ReadLimit::records(1000));
    loop {
        let page = on(engine.records.read(of(stream), from, limit, Duration::ZERO)).unwrap();
        if page.records.is_empty() {
            return from.get();
        }
        for record in &page.records {
            assert_eq!(record.sequence_number, from, "numbers without a gap");
            from = from.plus(1);
        }
    }
}

fn propose(engine: &Engine, id: u128, command: Command) -> Result<(), Class> {
    let proposal = Proposal { id: CommandId::from_random(id), command };
    match on(engine.state.propose(proposal)) {
        Ok(_) => Ok(()),
        Err(ProposeError::Storage(failure)) => Err(failure.class()),
        Err(other) => panic!("{other}"),
    }
}

fn create_app(app: u128) -> Command {
    let name = format!("a{app}").parse().unwrap();
    Command::CreateApp { id: AppId::from_random(app), project: "p".parse().unwrap(), name, app_quota: None }
}

/// Writes until writing is refused; returns how many records were acknowledged.
fn fill(engine: &LocalEngine, stream: u128, dice: &mut Dice) -> u64 {
    for written in 0.. {
        match append(&engine.engine(), stream, 500 + usize::try_from(dice.below(4000)).unwrap()) {
            Ok(_) => {}
            Err(e) if is_no_space(&e) => return written,
            Err(e) => panic!("{e:?}"),
        }
        if dice.below(7) == 0 {
            engine.mark().unwrap_or_else(|e| panic!("{e:?}"));
        }
    }
    unreachable!()
}

#[test]
fn writing_stops_before_the_reserve_and_goes_on_when_there_is_room() {
    let mut dice = Dice(7);
    for case in 0..cases(6) {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = open(&disk, &clock);
        create(&engine.engine(), 1);
        create(&engine.engine(), 2);
        engine.mark().unwrap();
        disk.set_capacity(Some(disk.used_bytes() + RESERVE + 300 * KIB + dice.below(2000 * KIB)));
        engine.mark().unwrap();
        assert!(disk.paths().contains(&Path::new(ROOT).join("reserve")), "case {case}");
        let written = fill(&engine, 1, &mut dice);
        assert!(written > 0, "case {case}");
        assert!(engine.lacks_space());
        assert_eq!(propose(&engine.engine(), 1, create_app(1)), Err(Class::NoSpace));
        // Somebody else takes what is left.
        disk.set_capacity(Some(disk.used_bytes() + dice.below(3) * 512));
        assert!(engine.mark().is_ok() || disk.room(Path::new(ROOT)).unwrap().free < 4096);
        assert_eq!(count(&engine.engine(), 1), written, "case {case}: reading");
        propose(&engine.engine(), 2, Command::DeleteStream { id: StreamId::from_random(2) }).unwrap();
        on(engine.engine().records.drop_stream(StreamId::from_random(2))).unwrap();
        engine.close().unwrap();
        drop(engine);
        // A start with nothing free, perhaps without the reserve, then room again.
        if dice.flip() {
            disk.lose(&Path::new(ROOT).join("reserve"));
            disk.set_capacity(Some(disk.used_bytes()));
        }
        let engine = open(&disk, &clock);
        assert_eq!(count(&engine.engine(), 1), written, "case {case}: after a restart");
        // Whatever the start gave up is taken by somebody else again.
        disk.set_capacity(Some(disk.used_bytes()));
        assert!(append(&engine.engine(), 1, 10).is_err_and(|e| is_no_space(&e)));
        disk.set_capacity(None);
        assert_eq!(append(&engine.engine(), 1, 10).unwrap(), written, "case {case}: the number goes on");
        propose(&engine.engine(), 3, create_app(1)).unwrap();
        engine.mark().unwrap();
        assert!(!engine.lacks_space());
        engine.close().unwrap();
        drop(engine);
        assert_eq!(count(&open(&disk, &clock).engine(), 1), written + 1);
    }
}

/// Just below the low water nothing is taken that needs room, above it everything.
#[test]
fn the_low_water_is_where_writing_stops() {
    let (disk, clock) = (FaultDisk::default(), clock());
    let engine = open(&disk, &clock);
    create(&engine.engine(), 1);
    engine.mark().unwrap();
    let low_water = settings().low_water_bytes.unwrap();
    let mut written = 0;
    for (n, free) in [low_water - 1, low_water + 64 * KIB, low_water - 1, 0].into_iter().enumerate() {
        engine.mark().unwrap();
        disk.set_capacity(Some(disk.used_bytes() + free));
        let appended = append(&engine.engine(), 1, 10);
        let proposed = propose(&engine.engine(), n as u128, create_app(n as u128));
        if free < low_water {
            assert!(appended.is_err_and(|e| is_no_space(&e)), "{free} bytes free");
            assert_eq!(proposed, Err(Class::NoSpace), "{free} bytes free");
        } else {
            assert_eq!((appended.unwrap(), proposed), (written, Ok(())), "{free} bytes free");
            written += 1;
        }
    }
    assert_eq!(count(&engine.engine(), 1), written);
}

/// Without a warning: the room ends in the middle of anything.
#[test]
fn a_disk_that_is_full_at_any_byte_loses_nothing_acknowledged() {
    let mut dice = Dice(11);
    println!("figure: {} sizes of a full disk", cases_in_ci(100, 400));
    for case in 0..cases_in_ci(100, 400) {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = open_with(
            Arc::new(disk.clone()),
            Path::new(ROOT),
            &clock,
            Settings { low_water_bytes: Some(0), ..settings() },
        )
        .unwrap();
        create(&engine.engine(), 1);
        disk.set_capacity(Some(disk.used_bytes() + 512 * dice.below(600)));
        let mut written = 0;
        for _ in 0..120 {
            match append(&engine.engine(), 1, 500 + usize::try_from(dice.below(4000)).unwrap()) {
                Ok(number) => {
                    assert_eq!(number, written, "case {case}");
                    written += 1;
                }
                Err(e) => assert!(is_no_space(&e), "case {case}: {e:?}"),
            }
            if dice.below(9) == 0 {
                let _put_off_when_full = engine.mark();
            }
        }
        assert_eq!(count(&engine.engine(), 1), written, "case {case}: while full");
        let cut = dice.flip().then(|| dice.crash(&disk));
        if dice.flip() {
            engine.close().unwrap_or_else(|e| panic!("case {case}: {e:?}"));
        }
        drop(engine);
        let disk = cut.unwrap_or(disk);
        disk.set_capacity(None);
        let engine = open(&disk, &clock);
        assert_eq!(count(&engine.engine(), 1), written, "case {case}: afterwards");
        assert_eq!(append(&engine.engine(), 1, 10).unwrap(), written, "case {case}");
    }
}

/// Deleting a stream makes room, although there is none left to work in.
#[test]
fn deleting_a_stream_on_a_full_disk_makes_room() {
    let (disk, clock) = (FaultDisk::default(), clock());
    let engine = open(&disk, &clock);
    create(&engine.engine(), 1);
    create(&engine.engine(), 2);
    engine.mark().unwrap();
    disk.set_capacity(Some(disk.used_bytes() + 3000 * KIB));
    engine.mark().unwrap();
    fill(&engine, 1, &mut Dice(3));
    disk.set_capacity(Some(disk.used_bytes()));
    let full = disk.used_bytes();
    on(engine.engine().records.drop_stream(StreamId::from_random(1))).unwrap();
    engine.mark().unwrap();
    assert!(disk.used_bytes() < full - 300 * KIB, "{} of {full}", disk.used_bytes());
    assert_eq!(append(&engine.engine(), 2, 10).unwrap(), 0);
}
