//! Stored bytes that change, are cut off, vanish or change places: the data is the same, or the damage is
//! told, or the directory is refused. Never wrong bytes, never a gap that nobody mentions, never a panic.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and tells its figure"
)]

mod common;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use common::{
    Dice, Names, Op, Target, assert_same, cases, cases_in_ci, change, clock, on, open, picture, run,
    state_picture, workload,
};
use millpond_engine::{Class, Clock, Engine, ManualClock, ReadError, ReadLevel, ReadLimit};
use millpond_engine_local::{LocalEngine, OpenError};
use millpond_model::{PartitionRef, Record, SequenceNumber};
use millpond_seglog::disk::FaultDisk;

const SEED: u64 = 77;
const VIEW: &str = "state.redb";

/// How the last life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Close,
    /// Death, a while after the last request: the empty group behind it was written.
    Kill,
}

/// A directory at rest, and what must be read from it.
struct Rest {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    expected: Contents,
}

type Contents = (BTreeMap<PartitionRef, (u64, Vec<Record>)>, String);

fn partitions(engine: &Engine) -> Vec<PartitionRef> {
    let streams = on(engine.records.streams()).unwrap();
    let of =
        |stream| (0..8).map(move |n| PartitionRef { stream, partition: millpond_model::PartitionId::new(n) });
    let exists =
        |p: &PartitionRef| !matches!(on(engine.records.bounds(*p)), Err(ReadError::UnknownPartition(_)));
    streams.into_iter().flat_map(of).filter(exists).collect()
}

fn rest(end: End) -> Rest {
    let (disk, clock) = (FaultDisk::default(), clock());
    let engine = open(&disk, &clock).unwrap();
    let mut names = Names::default();
    let ask =
        |op: &Op, names: &mut Names| drop(run(&engine.engine(), &clock, names, op, usize::MAX).unwrap());
    for op in workload(SEED, 60) {
        match op {
            Op::Mark => engine.mark().unwrap(),
            Op::Retain => engine.retain().unwrap(),
            // All the records stay, so that all of them are looked at.
            Op::Advance { .. } | Op::Trim { .. } => {}
            op => ask(&op, &mut names),
        }
    }
    if end == End::Kill {
        engine.mark().unwrap();
        for op in workload(SEED + 1, 12).into_iter().filter(|op| matches!(op, Op::Append(_) | Op::Propose(_)))
        {
            ask(&op, &mut names);
        }
    }
    let read = |p: PartitionRef| {
        let bounds = on(engine.engine().records.bounds(p)).unwrap();
        let all = ReadLimit { records: u32::MAX, bytes: u64::MAX, at_least_one: true };
        let page = on(engine.engine().records.read(p, bounds.oldest, all, Duration::ZERO)).unwrap();
        (p, (bounds.oldest.get(), page.records))
    };
    let records: BTreeMap<_, _> = partitions(&engine.engine()).into_iter().map(read).collect();
    assert!(records.values().map(|(_, records)| records.len()).sum::<usize>() > 50);
    let expected = (records, state_picture(&engine.engine().state.view()));
    match end {
        End::Close => engine.close().unwrap(),
        End::Kill => drop(on(engine.engine().state.barrier(ReadLevel::Strict)).unwrap()),
    }
    drop(engine);
    Rest { disk, clock, expected }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Same,
    Reported,
    Refused,
}

impl Rest {
    /// Opens a damaged copy of the directory.
    fn after(&self, context: &str, damage: impl FnOnce(&FaultDisk)) -> Outcome {
        let disk = self.disk.crash(|| true);
        damage(&disk);
        match open(&disk, &self.clock) {
            Err(e) => {
                let told = e.is_damage() || matches!(e, OpenError::Newer { .. });
                assert!(told, "{context}: {e:?}");
                Outcome::Refused
            }
            Ok(engine) => self.look(&engine, context),
        }
    }

    fn look(&self, engine: &LocalEngine, context: &str) -> Outcome {
        let engine = engine.engine();
        let (expected, state) = &self.expected;
        assert_eq!(state_picture(&engine.state.view()), *state, "{context}");
        let found = partitions(&engine);
        assert_eq!(found, expected.keys().copied().collect::<Vec<_>>(), "{context}");
        let told = found.into_iter().filter(|p| self.read_all(&engine, *p, context)).count();
        if told == 0 { Outcome::Same } else { Outcome::Reported }
    }

    /// Reads a partition from every position, one record and all records at a time; says whether damage was
    /// told. What is read is right.
    fn read_all(&self, engine: &Engine, of: PartitionRef, context: &str) -> bool {
        let (oldest, records) = &self.expected.0[&of];
        let bounds = on(engine.records.bounds(of)).unwrap();
        let end = oldest + records.len() as u64;
        assert_eq!((bounds.oldest.get(), bounds.high_water.get()), (*oldest, end), "{context}, {of}");
        let mut told = false;
        for (i, record) in records.iter().enumerate() {
            for limit in [1, u32::MAX] {
                let limit = ReadLimit { records: limit, bytes: u64::MAX, at_least_one: true };
                match on(engine.records.read(of, record.sequence_number, limit, Duration::ZERO)) {
                    Ok(page) => {
                        assert!(!page.records.is_empty(), "{context}, {of}: an empty page");
                        let right = records[i..].starts_with(&page.records);
                        assert!(right, "{context}, {of}: wrong records from {}", record.sequence_number);
                    }
                    Err(e) => told |= tells_damage(&e, context),
                }
            }
            match on(engine.records.find_time(of, record.timestamp())) {
                Ok(found) => {
                    let first = records.iter().find(|r| r.timestamp() >= record.timestamp()).unwrap();
                    assert_eq!(found, first.sequence_number, "{context}, {of}");
                }
                Err(e) => told |= tells_damage(&e, context),
            }
        }
        told
    }

    fn paths(&self, kind: &str) -> Vec<PathBuf> {
        let paths = self.disk.paths().into_iter();
        let found: Vec<_> = paths.filter(|path| path.to_str().unwrap().contains(kind)).collect();
        assert!(!found.is_empty(), "no file of kind {kind}");
        found
    }
}

fn tells_damage(e: &ReadError, context: &str) -> bool {
    let ReadError::Storage(failure) = e else { panic!("{context}: {e:?}") };
    assert_eq!(failure.class(), Class::Corrupt, "{context}: {e:?}");
    true
}

/// A view that opens in spite of damage must not fall apart later, when its pages are written again.
fn goes_on(rest: &Rest, context: &str, path: &Path, bytes: &[u8]) {
    let disk = rest.disk.crash(|| true);
    // Time passes here; for the other cases it must not, or what they expect expires.
    let clock = Arc::new(ManualClock::new(rest.clock.now()));
    disk.tamper(path, |stored| *stored = bytes.to_vec());
    let engine = open(&disk, &clock).unwrap();
    let mut names = Names::default();
    for op in workload(SEED + 5, 30).into_iter().filter(|op| !matches!(op, Op::Drop { .. })) {
        run(&engine.engine(), &clock, &mut names, &op, usize::MAX).unwrap();
        engine.mark().unwrap_or_else(|e| panic!("{context}: {e:?}"));
    }
    let before = picture(&engine.engine());
    engine.close().unwrap();
    drop(engine);
    let engine = open(&disk, &clock).unwrap_or_else(|e| panic!("{context}: {e:?}"));
    assert_same(&picture(&engine.engine()), &before, context);
}

/// Damages files of a kind in many ways; returns how often each outcome was seen.
fn damage(end: End, kind: &str, count: u32) -> BTreeMap<Outcome, u32> {
    let rest = rest(end);
    let paths = rest.paths(kind);
    let mut dice = Dice(SEED + u64::from(count));
    let mut seen = BTreeMap::new();
    for case in 0..count {
        let path = &paths[usize::try_from(dice.below(paths.len() as u64)).unwrap()];
        let mut bytes = rest.disk.read(path).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let before = bytes.clone();
        let what = change(&mut dice, &mut bytes);
        let context = format!("{end:?}, case {case}: {} {what}", path.display());
        let outcome = rest.after(&context, |disk| disk.tamper(path, |stored| stored.clone_from(&bytes)));
        if before == bytes {
            assert_eq!(outcome, Outcome::Same, "{context}, which changes nothing");
        }
        if kind == VIEW && outcome == Outcome::Same && case % 4 == 0 {
            goes_on(&rest, &context, path, &bytes);
        }
        *seen.entry(outcome).or_default() += 1;
    }
    seen
}

fn saw(seen: &BTreeMap<Outcome, u32>, outcome: Outcome) -> bool {
    seen.contains_key(&outcome)
}

/// How many directories of each end are damaged: in a quick run, and in CI.
const SEGMENTS: (u32, u32) = (60, 1000);
const INDEXES: (u32, u32) = (40, 400);
const JOURNALS: (u32, u32) = (60, 1000);
const VIEWS: (u32, u32) = (70, 700);

/// Damages files of a kind after both ends; what was seen, and the figure of the test.
fn damage_both(kind: &str, (quick, ci): (u32, u32)) -> [BTreeMap<Outcome, u32>; 2] {
    let seen = [End::Close, End::Kill].map(|end| damage(end, kind, cases_in_ci(quick, ci)));
    println!("figure: {} damaged directories", seen.iter().flat_map(BTreeMap::values).sum::<u32>());
    seen
}

#[test]
fn damaged_segments_are_told_to_who_reads_them() {
    for seen in damage_both(".seg", SEGMENTS) {
        assert!(saw(&seen, Outcome::Reported), "{seen:?}");
    }
}

#[test]
fn damaged_indexes_are_harmless() {
    for seen in damage_both(".idx", INDEXES) {
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), [Outcome::Same]);
    }
}

#[test]
fn a_damaged_journal_is_refused() {
    let [closed, killed] = damage_both("journal/", JOURNALS);
    assert!(!saw(&closed, Outcome::Reported), "{closed:?}");
    assert!(!saw(&killed, Outcome::Reported) && saw(&killed, Outcome::Refused), "{killed:?}");
}

#[test]
fn a_damaged_view_is_refused() {
    for seen in damage_both(VIEW, VIEWS) {
        assert!(saw(&seen, Outcome::Refused) && !saw(&seen, Outcome::Reported), "{seen:?}");
    }
}

#[test]
fn every_flipped_bit_of_the_format_file_is_refused() {
    let rest = rest(End::Close);
    for bit in 0..32 * 8 {
        let flip = |disk: &FaultDisk| {
            disk.tamper(Path::new("/data/FORMAT"), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        };
        assert_eq!(rest.after(&format!("bit {bit} of FORMAT"), flip), Outcome::Refused, "bit {bit}");
    }
}

/// Each file in turn: what is missing is noticed, unless nothing was in it.
#[test]
fn lost_files_are_noticed() {
    for end in [End::Close, End::Kill] {
        let rest = rest(end);
        for path in rest.disk.paths() {
            let name = path.to_str().unwrap();
            let outcome = rest.after(&format!("{end:?}: {name} lost"), |disk| disk.lose(&path));
            let needed = ["state.redb", "FORMAT"].iter().any(|kind| name.contains(kind));
            if needed && end == End::Close {
                assert_eq!(outcome, Outcome::Refused, "{name}");
            } else if name.contains(".seg") && end == End::Close {
                assert_eq!(outcome, Outcome::Reported, "{name}");
            } else if name.contains(".idx") {
                assert_eq!(outcome, Outcome::Same, "{name}");
            } else if !name.contains(".seg") {
                assert_ne!(outcome, Outcome::Reported, "{name}");
            }
        }
    }
}

/// Any two files of a kind change places, or one becomes a copy of the other.
#[test]
fn files_that_change_places_are_noticed() {
    for end in [End::Close, End::Kill] {
        let rest = rest(end);
        let mut dice = Dice(SEED);
        for kind in [".seg", ".idx", "journal/"] {
            let paths = rest.paths(kind);
            for _ in 0..cases(15) {
                let mut any = || &paths[usize::try_from(dice.below(paths.len() as u64)).unwrap()];
                let (a, b) = (any(), any());
                let copy = dice.flip();
                let outcome = rest.after(&format!("{end:?}: {a:?} and {b:?}, copy {copy}"), |disk| {
                    let (in_a, in_b) = (disk.read(a).unwrap(), disk.read(b).unwrap());
                    disk.tamper(a, |bytes| *bytes = in_b);
                    if !copy {
                        disk.tamper(b, |bytes| *bytes = in_a);
                    }
                });
                let harmless = a == b || kind == ".idx" || (kind == "journal/" && !copy);
                assert!(!harmless || outcome == Outcome::Same, "{a:?} and {b:?}, copy {copy}: {outcome:?}");
            }
        }
    }
}

/// A damaged segment is nobody else's: its partition is read around the damage and takes new records.
#[test]
fn damage_stays_in_its_partition_which_goes_on_taking_records() {
    let rest = rest(End::Close);
    let disk = rest.disk.crash(|| true);
    let names = Names::default();
    let of = names.partition(Target { stream: 0, partition: 0 });
    let dir = format!("{}/0/", of.stream);
    let last = rest.paths(&dir).into_iter().rfind(|path| path.to_str().unwrap().contains(".seg")).unwrap();
    disk.tamper(&last, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let engine = open(&disk, &rest.clock).unwrap();
    let (oldest, records) = &rest.expected.0[&of];
    let append = |text: &str| {
        let records = vec![millpond_model::NewRecord::of(text.as_bytes().to_vec())];
        let batch = millpond_engine::Append { partition: of, records };
        on(engine.engine().records.append(vec![batch])).remove(0).unwrap().first
    };
    let first = append("new");
    assert_eq!(first.get(), oldest + records.len() as u64);
    engine.mark().unwrap();
    drop(engine);
    let engine = open(&disk, &rest.clock).unwrap();
    let read = |from: SequenceNumber| {
        on(engine.engine().records.read(of, from, ReadLimit::records(1000), Duration::ZERO))
    };
    assert_eq!(read(first).unwrap().records[0].data, "new");
    let intact = read(records[0].sequence_number).unwrap().records;
    assert!(!intact.is_empty() && intact.len() < records.len() && records.starts_with(&intact));
    let damaged = read(records[intact.len()].sequence_number);
    assert!(matches!(damaged, Err(ReadError::Storage(e)) if e.class() == Class::Corrupt));
    engine.mark().unwrap();
    assert!(on(engine.engine().state.barrier(ReadLevel::Strict)).is_ok(), "the engine goes on");
}

/// While the journal is damaged nothing is cut off: a segment may hold the only copy of what it had.
#[test]
fn a_refused_directory_is_left_as_it_is() {
    let rest = rest(End::Kill);
    let disk = rest.disk.crash(|| true);
    let mark = |disk: &FaultDisk| {
        let bytes = |path: &PathBuf| disk.read(path).unwrap();
        rest.paths(".seg").iter().map(bytes).collect::<Vec<_>>()
    };
    for path in rest.paths("journal/") {
        // Behind every frame's header, so that some durable frame is hit.
        disk.tamper(&path, |bytes| bytes.iter_mut().skip(4096 + 40).step_by(4096).for_each(|b| *b ^= 1));
    }
    let before = mark(&disk);
    assert!(open(&disk, &rest.clock).is_err_and(|e| e.is_damage()));
    assert_eq!(mark(&disk), before);
}

/// The price of one sync per group: the very last group before a death looks like one that was cut short.
/// So it is with any log that has no mark elsewhere; a while later the empty group behind it tells.
#[test]
fn only_the_very_last_group_can_be_lost_to_damage_unnoticed() {
    for sealed in [false, true] {
        let rest = rest(End::Kill);
        let engine = open(&rest.disk, &rest.clock).unwrap();
        let before = rest.disk.crash(|| true);
        let records = vec![millpond_model::NewRecord::of("last")];
        let of = Names::default().partition(Target { stream: 0, partition: 0 });
        let batch = millpond_engine::Append { partition: of, records };
        on(engine.engine().records.append(vec![batch])).remove(0).unwrap();
        let changed = |path: &PathBuf| first_change(&before.read(path)?, &rest.disk.read(path)?);
        let group = |path: PathBuf| changed(&path).map(|at| (path, at));
        let (path, at) = rest.paths("journal/").into_iter().find_map(group).unwrap();
        if sealed {
            on(engine.engine().state.barrier(ReadLevel::Strict)).unwrap();
        }
        drop(engine);
        let outcome = rest.after(&format!("sealed {sealed}"), |disk| {
            disk.tamper(&path, |bytes| bytes[at + 40] ^= 1);
        });
        let expected = if sealed { Outcome::Refused } else { Outcome::Same };
        assert_eq!(outcome, expected, "sealed {sealed}; the same is what was there before that group");
    }
}

fn first_change(before: &[u8], after: &[u8]) -> Option<usize> {
    let at = before.iter().zip(after).position(|(before, after)| before != after)?;
    Some(at / 4096 * 4096)
}
