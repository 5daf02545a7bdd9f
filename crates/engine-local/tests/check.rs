//! `check` tells all damage there is, finds nothing where nothing is wrong, and changes no byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use common::{Dice, End, ROOT, bytes_of, cases, change, open, used};
use millpond_engine_local::{
    OpenError,
    check::{Remedy, Report, Severity, check},
};
use millpond_seglog::disk::{Disk, FaultDisk};

const SEED: u64 = 91;

/// Checks the directory and sees to it that not a byte of it changes.
fn checked(disk: &FaultDisk, context: &str) -> Result<Report, OpenError> {
    let before = bytes_of(disk);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = check(&shared, Path::new(ROOT), &mut |_| {});
    assert!(before == bytes_of(disk), "{context}: the check changed something");
    report
}

fn paths(disk: &FaultDisk, kind: &str) -> Vec<PathBuf> {
    let mut paths = disk.paths();
    paths.retain(|path| path.to_str().unwrap().contains(kind));
    assert!(!paths.is_empty(), "no file of kind {kind}");
    paths
}

fn pick<'a>(dice: &mut Dice, paths: &'a [PathBuf]) -> &'a Path {
    &paths[usize::try_from(dice.below(paths.len() as u64)).unwrap()]
}

#[test]
fn a_good_directory_has_no_finding() {
    for end in [End::Close, End::Kill] {
        for seed in SEED..SEED + 5 {
            let (disk, _clock) = used(seed, end);
            let report = checked(&disk, "good").unwrap();
            assert_eq!(report.findings, [], "{end:?}, seed {seed}");
            assert!(report.is_good());
            let totals = report.totals;
            assert!(totals.streams > 0 && totals.segments > 5 && totals.records > 20, "{totals:?}");
            assert_eq!(totals.journal_frames > 0, end == End::Kill, "{totals:?}");
        }
    }
}

/// Changes files of a kind at random. What the engine would refuse, the check tells too; `always`: every
/// change is told, because there is no byte that means nothing.
fn harm(end: End, kind: &str, always: bool) {
    let (rest, clock) = used(SEED, end);
    let paths = paths(&rest, kind);
    let mut dice = Dice(SEED);
    let mut told = 0;
    for case in 0..cases(60) {
        let path = pick(&mut dice, &paths);
        let before = rest.read(path).unwrap();
        if before.is_empty() {
            continue;
        }
        let disk = rest.crash(|| true);
        let mut what = String::new();
        disk.tamper(path, |bytes| what = change(&mut dice, bytes));
        let context = format!("{end:?}, case {case}: {} {what}", path.display());
        let report = checked(&disk, &context).unwrap_or_else(|e| panic!("{context}: {e:?}"));
        let changed = disk.read(path).unwrap() != before;
        assert!(changed || report.is_good(), "{context}: nothing changed, {:?}", report.findings);
        assert!(!(changed && always && report.is_good()), "{context}: untold");
        let refused = open(&disk.crash(|| true), &clock).is_err();
        assert!(!refused || !report.is_good(), "{context}: refused, and untold by the check");
        if kind == "journal/" {
            assert_eq!(refused, !report.is_good(), "{context}: {:?}", report.findings);
        }
        told += u32::from(!report.is_good());
    }
    assert!(told > 0 || (kind == "journal/" && end == End::Close), "{kind}: no damage was made");
}

#[test]
fn damaged_segments_are_told() {
    harm(End::Close, ".seg", true);
    harm(End::Kill, ".seg", false);
}

#[test]
fn a_damaged_journal_is_told() {
    harm(End::Close, "journal/", false);
    harm(End::Kill, "journal/", false);
}

#[test]
fn a_damaged_view_is_told() {
    harm(End::Close, "state.redb", false);
    harm(End::Kill, "state.redb", false);
}

#[test]
fn a_damaged_format_file_is_told() {
    let (rest, _clock) = used(SEED, End::Close);
    for bit in 0..32 * 8 {
        let disk = rest.crash(|| true);
        disk.tamper(Path::new("/data/FORMAT"), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        assert!(!checked(&disk, "FORMAT").unwrap().is_good(), "bit {bit}");
    }
}

#[test]
fn an_index_is_worth_a_note() {
    let (rest, _clock) = used(SEED, End::Close);
    let paths = paths(&rest, ".idx");
    let mut dice = Dice(SEED);
    for case in 0..cases(40) {
        let path = pick(&mut dice, &paths);
        let disk = rest.crash(|| true);
        let lost = case % 10 == 0;
        if lost {
            disk.lose(path);
        } else {
            disk.tamper(path, |bytes| drop(change(&mut dice, bytes)));
        }
        let report = checked(&disk, "index").unwrap();
        assert!(report.is_good(), "case {case}: {:?}", report.findings);
        assert!(report.findings.iter().all(|finding| finding.severity == Severity::Note));
        assert!(!lost || !report.findings.is_empty(), "case {case}");
    }
}

/// An index with good checksums that belongs to what the segment once was would lead readers astray.
#[test]
fn an_index_that_lies_is_to_be_removed() {
    let (disk, _clock) = used(SEED, End::Close);
    let path = paths(&disk, ".idx").into_iter().find(|path| !disk.read(path).unwrap().is_empty()).unwrap();
    let entry = |bytes: &[u8]| u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    assert_eq!(entry(&disk.read(&path).unwrap()), 64);
    let owner_and_base = {
        let segment = disk.read(&path.with_extension("seg")).unwrap();
        (millpond_seglog::Owner(segment[24..48].try_into().unwrap()), segment[8..16].to_vec())
    };
    let base = u64::from_le_bytes(owner_and_base.1.try_into().unwrap());
    let wrong = millpond_seglog::index::IndexEntry { base, place: 65, time_max_before_ms: 0, arrival_ms: 0 };
    disk.tamper(&path, |bytes| bytes[..40].copy_from_slice(&wrong.encode(owner_and_base.0, base)));
    let report = checked(&disk, "index").unwrap();
    let remedies: Vec<_> = report.findings.iter().map(|finding| finding.remedy).collect();
    assert_eq!((report.is_good(), remedies), (true, vec![Remedy::RemoveIndex]));
}

#[test]
fn lost_and_exchanged_files_are_told() {
    for end in [End::Close, End::Kill] {
        let (rest, clock) = used(SEED, end);
        for path in rest.paths() {
            let disk = rest.crash(|| true);
            disk.lose(&path);
            let name = path.to_str().unwrap();
            let report = checked(&disk, name).unwrap();
            let needed = [".seg", "state.redb", "FORMAT"].iter().any(|kind| name.contains(kind));
            let refused = open(&disk.crash(|| true), &clock).is_err();
            assert!(!refused || !report.is_good(), "{end:?}: {name} lost");
            assert!(end == End::Kill || !needed || !report.is_good(), "{end:?}: {name} lost");
        }
        let (segments, mut dice) = (paths(&rest, ".seg"), Dice(SEED));
        for _ in 0..cases(15) {
            let (a, b) = (pick(&mut dice, &segments), pick(&mut dice, &segments));
            let (in_a, in_b) = (rest.read(a).unwrap(), rest.read(b).unwrap());
            let disk = rest.crash(|| true);
            disk.tamper(a, |bytes| *bytes = in_b.clone());
            disk.tamper(b, |bytes| bytes.clone_from(&in_a));
            let good = checked(&disk, "exchanged").unwrap().is_good();
            assert!(end == End::Kill || good == (in_a == in_b), "{a:?} and {b:?}");
        }
    }
}

#[test]
fn strangers_are_noted() {
    let (disk, _clock) = used(SEED, End::Close);
    let segment = paths(&disk, ".seg").remove(0);
    for (path, remedy) in [
        ("/data/notes.txt".into(), Remedy::NotOurs),
        ("/data/streams/notes.txt".into(), Remedy::NotOurs),
        (segment.with_file_name("notes.txt"), Remedy::NotOurs),
    ] {
        let disk = disk.crash(|| true);
        disk.open(&path, millpond_seglog::disk::Open::OrCreate).unwrap();
        let report = checked(&disk, "strangers").unwrap();
        let found: Vec<_> =
            report.findings.iter().map(|finding| (finding.severity, finding.remedy)).collect();
        assert_eq!(found, [(Severity::Note, remedy)], "{}", path.display());
    }
}

#[test]
fn a_directory_in_use_or_of_nothing_is_refused() {
    let (disk, clock) = used(SEED, End::Close);
    let engine = open(&disk, &clock).unwrap();
    assert!(matches!(checked(&disk, "in use"), Err(OpenError::Locked { .. })));
    drop(engine);
    checked(&disk, "free").unwrap();
    let nothing = FaultDisk::default();
    assert!(matches!(checked(&nothing, "nothing"), Err(OpenError::NotADataDirectory)));
    nothing.create_dir(Path::new(ROOT)).unwrap();
    assert!(matches!(checked(&nothing, "empty"), Err(OpenError::NotADataDirectory)));
}

#[test]
fn a_finding_says_where_what_whose_and_what_to_do() {
    let (disk, _clock) = used(SEED, End::Close);
    let path = paths(&disk, ".seg").remove(0);
    disk.tamper(&path, |bytes| bytes[64 + 72] ^= 1);
    let report = checked(&disk, "one bit").unwrap();
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    let (line, relative) = (finding.to_string(), path.strip_prefix(ROOT).unwrap().display().to_string());
    let concern = finding.concerns.as_ref().unwrap();
    assert!(line.starts_with(&format!("damage: {relative} at byte 64: expected a batch")), "{line}");
    for part in [
        "found the checksum of the batch body is wrong",
        "stream s0 (",
        &format!("partition {}, record", concern.partition.partition.index()),
        "`millpond repair DATA_DIR --accept-loss`",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(concern.first, 0);
    assert!(concern.end > 0);
}
