//! `repair` gives up what cannot be read and nothing else: what is intact stays under its numbers, what is
//! lost is an error for whoever reads there, and no number is ever given to another record.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::{
    collections::BTreeMap,
    error::Error as _,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use common::{Dice, End, ROOT, bytes_of, cases, change, on, open, used};
use millpond_engine::{
    Append, Class, Clock, Engine, Entropy, ManualClock, ReadError, ReadLimit, SeededEntropy,
};
use millpond_engine_local::{
    check::{Report, check},
    repair::{Options, RepairError, Repaired, repair},
};
use millpond_model::{NewRecord, PartitionId, PartitionRef, Record, SequenceNumber};
use millpond_seglog::disk::{Disk, Fault, FaultDisk};

const SEED: u64 = 131;

fn shared(disk: &FaultDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn checked(disk: &FaultDisk) -> Report {
    check(&shared(disk), Path::new(ROOT), &mut |_| {}).unwrap()
}

fn repaired(disk: &FaultDisk, clock: &Arc<ManualClock>, accept_loss: bool) -> Result<Repaired, RepairError> {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(disk.operations()));
    let options = Options { accept_loss, stamp: "20261122T100000Z" };
    repair(&shared(disk), Path::new(ROOT), (&clock, &entropy), options, &mut |_| {})
}

/// What is in each partition: the records, and of what was lost the first number and where to go on.
type Contents = BTreeMap<PartitionRef, BTreeMap<u64, Result<Record, u64>>>;

fn contents(engine: &Engine) -> Contents {
    let mut contents = Contents::new();
    for stream in on(engine.records.streams()).unwrap() {
        for index in 0.. {
            let of = PartitionRef { stream, partition: PartitionId::new(index) };
            let bounds = match on(engine.records.bounds(of)) {
                Err(ReadError::UnknownPartition(_)) => break,
                bounds => bounds.unwrap(),
            };
            let (mut at, mut all) = (bounds.oldest.get(), BTreeMap::new());
            while at < bounds.high_water.get() {
                let from = SequenceNumber::new(at).unwrap();
                match on(engine.records.read(of, from, ReadLimit::records(1), Duration::ZERO)) {
                    Ok(page) => {
                        assert_eq!(page.records.len(), 1, "{of}: {at}");
                        all.insert(at, Ok(page.records[0].clone()));
                        at += 1;
                    }
                    Err(ReadError::Storage(e)) => {
                        let text = e.to_string();
                        let next = text.rsplit(' ').next().unwrap().parse();
                        let next = next.unwrap_or_else(|_| panic!("{text}: {:?}", e.source()));
                        assert!(e.class() == Class::Corrupt && next > at, "{text}");
                        all.insert(at, Err(next));
                        at = next;
                    }
                    Err(e) => panic!("{of}: {at}: {e:?}"),
                }
            }
            contents.insert(of, all);
        }
    }
    contents
}

/// The number behind the last one.
fn end(all: &BTreeMap<u64, Result<Record, u64>>) -> u64 {
    all.last_key_value().map_or(0, |(number, found)| found.as_ref().map_or_else(|next| *next, |_| number + 1))
}

/// A directory at rest, and what it held.
struct Rest {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    held: Contents,
}

impl Rest {
    fn new(end: End) -> Self {
        let (disk, clock) = used(SEED, end);
        let copy = disk.crash(|| true);
        let engine = open(&copy, &clock).unwrap();
        let held = contents(&engine.engine());
        assert!(held.values().flatten().all(|(_, found)| found.is_ok()));
        Self { disk, clock, held }
    }

    fn paths(&self, kind: &str) -> Vec<PathBuf> {
        let mut paths = self.disk.paths();
        paths.retain(|path| path.to_str().unwrap().contains(kind));
        paths
    }

    /// Repairs the directory and looks at all of it; returns what is there then, and what was given up.
    fn look(&self, disk: &FaultDisk, context: &str) -> (Contents, Repaired) {
        let before = bytes_of(disk);
        let told = repaired(disk, &self.clock, false).unwrap_or_else(|e| panic!("{context}: {e:?}"));
        assert!(before == bytes_of(disk), "{context}: telling changed something");
        let done = repaired(disk, &self.clock, true).unwrap_or_else(|e| panic!("{context}: {e:?}"));
        assert_eq!((&told.lost, &told.changes), (&done.lost, &done.changes), "{context}");
        let report = checked(disk);
        assert!(report.is_good(), "{context}: {:?}", report.findings);
        assert!(repaired(disk, &self.clock, false).unwrap().is_nothing(), "{context}");
        keeps_originals(&before, disk, &done, context);
        let after = self.live(disk, context);
        for (of, held) in &self.held {
            let now = &after[of];
            let lost = |number: u64| {
                let of_number = |lost: &&millpond_engine_local::repair::Lost| {
                    lost.concern.partition == *of && (lost.concern.first..lost.concern.end).contains(&number)
                };
                done.lost.iter().any(|lost| of_number(&lost))
            };
            for (number, record) in held {
                let (at, found) = now.range(..=number).next_back().unwrap();
                match found {
                    Err(next) if number < next => {
                        assert!(lost(*number), "{context}: {of}, {number} is lost and untold");
                    }
                    found => {
                        assert_eq!((at, found), (number, record), "{context}: {of}, {number}");
                        assert!(!lost(*number), "{context}: {of}, {number} is there and told as lost");
                    }
                }
            }
        }
        (after, done)
    }

    /// Opens the repaired directory twice, with new records in between. Their numbers are new.
    fn live(&self, disk: &FaultDisk, context: &str) -> Contents {
        let engine = open(disk, &self.clock).unwrap_or_else(|e| panic!("{context}: {e:?}"));
        assert_eq!(engine.damaged(), [], "{context}");
        let after = contents(&engine.engine());
        for (of, held) in &self.held {
            let batch = Append { partition: *of, records: vec![NewRecord::of("new")] };
            let appended = on(engine.engine().records.append(vec![batch])).remove(0);
            let first = appended.unwrap_or_else(|e| panic!("{context}: {of}: {e:?}")).first;
            assert!(held.keys().all(|number| *number < first.get()), "{context}: {of}, {first} given twice");
            assert_eq!(first.get(), end(&after[of]), "{context}: {of}");
        }
        let first = contents(&engine.engine());
        engine.mark().unwrap();
        drop(engine);
        let engine = open(disk, &self.clock).unwrap();
        assert!(first == contents(&engine.engine()), "{context}: another life, another content");
        engine.close().unwrap();
        drop(engine);
        assert!(checked(disk).is_good(), "{context}");
        after
    }
}

/// The damaged files are kept as they were, and what was given up is on record.
fn keeps_originals(before: &BTreeMap<PathBuf, Vec<u8>>, disk: &FaultDisk, done: &Repaired, context: &str) {
    let Some(originals) = &done.originals else { return assert!(done.is_nothing(), "{context}") };
    for path in &done.damaged {
        let kept = disk.read(&originals.join(path.strip_prefix(ROOT).unwrap()));
        assert!(kept.as_ref() == before.get(path), "{context}: {}", path.display());
    }
    let text = String::from_utf8(disk.read(&Path::new(ROOT).join("losses.jsonl")).unwrap()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |what: &str| lines.iter().filter(|line| line["what"] == what).count();
    assert!(count("records") >= done.lost.len() && count("done") >= 1, "{context}: {text}");
}

/// What a check says is unreadable.
fn unreadable(report: &Report) -> Vec<(PartitionRef, u64, u64)> {
    let concerns = report.findings.iter().filter_map(|finding| finding.concerns.as_ref());
    let mut all: Vec<_> = concerns.map(|c| (c.partition, c.first, c.end)).filter(|c| c.1 < c.2).collect();
    all.sort_unstable();
    all
}

fn harmed(rest: &Rest, kind: &str, dice: &mut Dice) -> (FaultDisk, String) {
    let paths = rest.paths(kind);
    let path = &paths[usize::try_from(dice.below(paths.len() as u64)).unwrap()];
    let disk = rest.disk.crash(|| true);
    if dice.below(10) == 0 {
        disk.lose(path);
        return (disk, format!("{} lost", path.display()));
    }
    let mut what = String::new();
    for _ in 0..=dice.below(3) {
        disk.tamper(path, |bytes| {
            if !bytes.is_empty() {
                what = format!("{what} {}", change(dice, bytes));
            }
        });
    }
    (disk, format!("{}{what}", path.display()))
}

#[test]
fn of_damaged_segments_only_what_cannot_be_read_is_given_up() {
    for end in [End::Close, End::Kill] {
        let (rest, mut dice) = (Rest::new(end), Dice(SEED));
        let mut given_up = 0;
        for case in 0..cases(40) {
            let (disk, what) = harmed(&rest, ".seg", &mut dice);
            let context = format!("{end:?}, case {case}: {what}");
            let report = checked(&disk);
            let headers = |report: &Report| {
                report.findings.iter().any(|finding| finding.expected.starts_with("the header"))
            };
            let (_, done) = rest.look(&disk, &context);
            let lost: Vec<_> =
                done.lost.iter().map(|l| (l.concern.partition, l.concern.first, l.concern.end)).collect();
            if !headers(&report) {
                assert_eq!(lost, unreadable(&report), "{context}");
            }
            assert_eq!(done.is_nothing(), report.is_good(), "{context}");
            given_up += lost.len();
        }
        assert!(given_up > 5);
    }
}

#[test]
fn behind_damage_in_the_journal_no_number_is_given_again() {
    for end in [End::Close, End::Kill] {
        let (rest, mut dice) = (Rest::new(end), Dice(SEED));
        let mut refused = 0;
        for case in 0..cases(40) {
            let (disk, what) = harmed(&rest, "journal/", &mut dice);
            let context = format!("{end:?}, case {case}: {what}");
            let was_refused = open(&disk.crash(|| true), &rest.clock).is_err();
            refused += u32::from(was_refused);
            let (_, done) = rest.look(&disk, &context);
            assert_eq!(done.is_nothing(), !was_refused, "{context}");
        }
        assert!(refused > 5 || end == End::Close, "{refused}");
    }
}

/// Without the segments that were written behind the mark, the journal alone has its records.
#[test]
fn what_only_the_journal_had_is_lost_and_no_more() {
    let (rest, mut dice) = (Rest::new(End::Kill), Dice(SEED + 1));
    let marked: BTreeMap<PathBuf, usize> = {
        // What the view knows: a check of the segments alone cuts nothing, a start does.
        let copy = rest.disk.crash(|| true);
        for path in rest.paths("journal/") {
            copy.tamper(&path, |bytes| bytes[4096..].fill(0));
        }
        drop(open(&copy, &rest.clock));
        let segments = copy.paths().into_iter().filter(|path| path.to_str().unwrap().contains(".seg"));
        segments.map(|path| (path.clone(), copy.read(&path).unwrap().len())).collect()
    };
    let mut lost = 0;
    for case in 0..cases(40) {
        let (disk, what) = harmed(&rest, "journal/", &mut dice);
        for path in rest.paths(".seg") {
            match marked.get(&path) {
                Some(len) => disk.tamper(&path, |bytes| bytes.truncate(*len)),
                None => disk.lose(&path),
            }
        }
        lost += rest.look(&disk, &format!("case {case}: {what}")).1.lost.len();
    }
    assert!(lost > 5, "{lost}");
}

#[test]
fn both_at_once() {
    let (rest, mut dice) = (Rest::new(End::Kill), Dice(SEED + 2));
    for case in 0..cases(30) {
        let (disk, what) = harmed(&rest, ".seg", &mut dice);
        let paths = rest.paths("journal/");
        let path = &paths[usize::try_from(dice.below(paths.len() as u64)).unwrap()];
        let mut more = String::new();
        disk.tamper(path, |bytes| more = change(&mut dice, bytes));
        rest.look(&disk, &format!("case {case}: {what}, {} {more}", path.display()));
    }
}

/// The repair dies at each of its operations; another one leaves what an undisturbed one leaves.
fn dies(kind: &str, seed: u64) {
    let (rest, mut dice) = (Rest::new(End::Kill), Dice(seed));
    let (harmed, what) = loop {
        let (disk, what) = harmed(&rest, kind, &mut dice);
        let done = repaired(&disk, &rest.clock, false).unwrap();
        if !done.lost.is_empty() || (kind == "journal/" && !done.is_nothing()) {
            break (disk, what);
        }
    };
    let (expected, _) = rest.look(&harmed.crash(|| true), &what);
    // All of them when many cases are asked for, else some of every part.
    let step = if cases(0) == 0 { 5 } else { 1 };
    for at in (dice.below(5)..).step_by(step) {
        let disk = harmed.crash(|| true);
        let fault = Fault { operation: disk.operations() + at, sticky: true, error: ErrorKind::Other };
        disk.set_fault(Some(fault));
        if repaired(&disk, &rest.clock, true).is_ok() {
            assert!(at > 30, "{what}: a repair has more operations than {at}");

            break;
        }
        let disk = dice.crash(&disk);
        let context = format!("{what}, dead at operation {at}");
        repaired(&disk, &rest.clock, true).unwrap_or_else(|e| panic!("{context}: {e:?}"));
        assert!(checked(&disk).is_good(), "{context}");
        let found = rest.live(&disk, &context);
        for (of, all) in &expected {
            for (number, there) in all.iter().filter(|(_, there)| there.is_ok()) {
                assert_eq!(found[of].get(number), Some(there), "{context}: {of}, {number}");
            }
            assert!(end(&found[of]) >= end(all), "{context}: {of}");
        }
    }
}

#[test]
fn a_repair_of_segments_may_die_at_any_operation() {
    dies(".seg", SEED);
}

#[test]
fn a_repair_of_the_journal_may_die_at_any_operation() {
    dies("journal/", SEED);
}

/// An error of the system that passes is no damage: nothing is given up because of it.
#[test]
fn a_failing_system_is_not_taken_for_damage() {
    let (disk, clock) = used(SEED, End::Kill);
    for at in 0.. {
        let copy = disk.crash(|| true);
        let fault = Fault { operation: at, sticky: false, error: ErrorKind::Other };
        copy.set_fault(Some(fault));
        let found = repaired(&copy, &clock, true);
        assert!(found.as_ref().map_or(true, Repaired::is_nothing), "operation {at}: {found:?}");
        if copy.operations() <= at {
            assert!(at > 30 && found.is_ok());
            break;
        }
        copy.set_fault(None);
        assert!(checked(&copy).is_good(), "operation {at}");
    }
}

#[test]
fn a_damaged_view_needs_a_backup() {
    let (disk, clock) = used(SEED, End::Close);
    let view = Path::new(ROOT).join("state.redb");
    disk.tamper(&view, |bytes| bytes.truncate(5000));
    let before = bytes_of(&disk);
    for accept in [false, true] {
        let refused = repaired(&disk, &clock, accept).unwrap_err();
        assert!(refused.is_damage() && refused.to_string().contains("restore a backup"), "{refused}");
        assert!(before == bytes_of(&disk));
    }
    disk.lose(&view);
    assert!(matches!(repaired(&disk, &clock, true), Err(RepairError::NeedsBackup { .. })));
    disk.lose(&Path::new(ROOT).join("FORMAT"));
    assert!(repaired(&disk, &clock, true).unwrap_err().is_damage());
}

/// Lost records are kept in sight until retention takes them, like the others; a time within them leads to
/// them, so that nobody passes over them without knowing.
#[test]
fn a_lost_range_grows_old_like_the_rest() {
    let rest = Rest::new(End::Close);
    let (of, held) = rest.held.iter().max_by_key(|(_, held)| held.len()).unwrap();
    let dir = format!("{}/{}/", of.stream, of.partition.index());
    let mut segments = rest.paths(&dir);
    segments.retain(|path| path.extension().is_some_and(|e| e == "seg"));
    let disk = rest.disk.crash(|| true);
    disk.lose(&segments[1]);
    let done = repaired(&disk, &rest.clock, true).unwrap();
    let [lost] = done.lost.as_slice() else { panic!("{:?}", done.lost) };
    let (first, end) = (lost.concern.first, lost.concern.end);
    let engine = open(&disk, &rest.clock).unwrap();
    let records = &engine.engine().records;
    let number = |n: u64| SequenceNumber::new(n).unwrap();
    let all = ReadLimit { records: u32::MAX, bytes: u64::MAX, at_least_one: true };
    let page = on(records.read(*of, number(0), all, Duration::ZERO)).unwrap();
    assert_eq!(page.next.get(), first, "a page ends in front of the loss");
    for at in first..end {
        let Err(ReadError::Storage(e)) = on(records.read(*of, number(at), all, Duration::ZERO)) else {
            panic!("{at} was read")
        };
        let told = match end - 1 {
            only if only == at => format!("record {at} of partition {of} was lost"),
            until => format!("records {at} to {until} of partition {of} were lost"),
        };
        assert!(e.to_string().starts_with(&told) && e.to_string().ends_with(&end.to_string()), "{e}");
    }
    let time = held[&end].as_ref().unwrap().arrival;
    let found = on(records.find_time(*of, time)).unwrap();
    assert!(found.get() <= first, "{found} passes over {first}");
    on(records.trim(*of, number(first + 1))).unwrap();
    assert_eq!(on(records.bounds(*of)).unwrap().oldest.get(), first + 1);
    rest.clock.advance(Duration::from_hours(100));
    engine.retain().unwrap();
    engine.mark().unwrap();
    let bounds = on(records.bounds(*of)).unwrap();
    assert_eq!(bounds.oldest, bounds.high_water, "everything expired");
    drop(engine);
    let report = checked(&disk);
    assert_eq!(report.findings, [], "and left nothing behind");
}
