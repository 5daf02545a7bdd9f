//! A backup of an engine at work is as of one moment, verified, and becomes the same directory again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{
    Dice, End, ROOT, assert_same, bytes_of, cases, change, on, open, open_with, picture, small, used,
};
use millpond_engine::{Append, Engine, LogConfig, ReadLimit};
use millpond_engine_local::{
    LocalEngine, Settings,
    backup::{BackupError, MANIFEST, Manifest, Options, restore, verify},
    check::{Progress, check},
};
use millpond_model::{
    AppId, CheckpointType, Metadata, NewRecord, PartitionCount, PartitionId, PartitionRef, RetentionHours,
    SequenceNumber, StreamId, StreamSpec,
};
use millpond_seglog::disk::{Disk, Fault, FaultDisk, RealDisk};
use millpond_state::{Actor, CheckpointCommit, Command, CommandId, Expected, Proposal};

const SEED: u64 = 171;
const TO: &str = "/backup";
const BACK: &str = "/restored";

fn shared(disk: &FaultDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn backed_up(
    engine: &LocalEngine,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, BackupError> {
    let cancel = AtomicBool::new(false);
    let options = Options { version: "test", created: "today", with_credentials: false, cancel: &cancel };
    engine.backup(to, options, progress)
}

fn restored(disk: &FaultDisk) -> Result<Manifest, BackupError> {
    restore(&shared(disk), Path::new(TO), Path::new(BACK), &mut |_| {})
}

/// What an engine holds that is opened on the restored directory.
fn picture_of_restored(disk: &FaultDisk, clock: &Arc<millpond_engine::ManualClock>) -> String {
    let report = check(&shared(disk), Path::new(BACK), &mut |_| {}).unwrap();
    assert_eq!(report.findings, []);
    let engine = open_with(shared(disk), Path::new(BACK), clock, small()).unwrap();
    assert_eq!(engine.recovered_frames(), 0);
    picture(&engine.engine())
}

/// A backup of the usual directory, and what it holds.
fn backup() -> (FaultDisk, Arc<millpond_engine::ManualClock>, String) {
    let (disk, clock) = used(SEED, End::Kill);
    let engine = open(&disk, &clock).unwrap();
    let manifest = backed_up(&engine, Path::new(TO), &mut |_| {}).unwrap();
    assert!(manifest.records > 20 && manifest.files.len() > 10);
    let expected = picture(&engine.engine());
    engine.close().unwrap();
    (disk, clock, expected)
}

#[test]
fn a_backup_becomes_the_same_directory() {
    let (disk, clock, expected) = backup();
    let before: BTreeMap<_, _> = bytes_of(&disk);
    restored(&disk).unwrap();
    assert!(
        before.iter().all(|(path, bytes)| disk.read(path).as_ref() == Some(bytes)),
        "nothing else changed"
    );
    assert_same(&picture_of_restored(&disk, &clock), &expected, "restored");
    assert!(matches!(restored(&disk), Err(BackupError::NotEmpty(_))), "not over a directory that is there");
}

/// It also survives a power cut right after it is made.
#[test]
fn a_backup_is_durable() {
    let (disk, clock, expected) = backup();
    let mut dice = Dice(SEED);
    for _ in 0..cases(10) {
        let disk = disk.crash(|| dice.flip());
        restored(&disk).unwrap();
        let disk = disk.crash(|| dice.flip());
        assert_same(&picture_of_restored(&disk, &clock), &expected, "after power cuts");
    }
}

#[test]
fn a_damaged_backup_is_refused() {
    let (disk, _clock, _) = backup();
    let mut paths = disk.paths();
    paths.retain(|path| path.starts_with(TO));
    let mut dice = Dice(SEED);
    for case in 0..cases(80) {
        let path = &paths[usize::try_from(dice.below(paths.len() as u64)).unwrap()];
        let disk = disk.crash(|| true);
        let before = disk.read(path).unwrap();
        if dice.below(8) == 0 {
            disk.lose(path);
        } else if !before.is_empty() {
            disk.tamper(path, |bytes| drop(change(&mut dice, bytes)));
        }
        let context = format!("case {case}: {}", path.display());
        if disk.read(path).as_ref() == Some(&before) || only_the_line_end(&disk, path, &before) {
            continue;
        }
        assert!(verify(&shared(&disk), Path::new(TO), &mut |_| {}).unwrap_err().is_damage(), "{context}");
        let before = bytes_of(&disk);
        assert!(restored(&disk).unwrap_err().is_damage(), "{context}");
        assert!(before == bytes_of(&disk), "{context}: a refused restore changed something");
    }
}

/// Behind the list's last brace nothing counts.
fn only_the_line_end(disk: &FaultDisk, path: &Path, before: &[u8]) -> bool {
    let now = disk.read(path).unwrap_or_default();
    path.ends_with(MANIFEST) && now.trim_ascii_end() == before.trim_ascii_end()
}

#[test]
fn a_restore_that_dies_is_not_taken_for_a_directory() {
    let (disk, clock, expected) = backup();
    let mut dice = Dice(SEED);
    let step = if cases(0) == 0 { 7 } else { 1 };
    for at in (dice.below(7)..).step_by(step) {
        let disk = disk.crash(|| true);
        disk.set_fault(Some(Fault {
            operation: disk.operations() + at,
            sticky: true,
            error: ErrorKind::Other,
        }));
        let ended = restored(&disk).is_ok();
        let disk = dice.crash(&disk);
        let opened = open_with(shared(&disk), Path::new(BACK), &clock, small());
        match opened {
            Ok(engine) if disk.read(&Path::new(BACK).join("FORMAT")).is_some() => {
                let found = picture(&engine.engine());
                // A directory in which nothing arrived at all is begun anew.
                let is_new = !found.contains("..");
                assert!(is_new || found == expected, "operation {at}");
                assert!(!ended || !is_new, "operation {at}");
            }
            Ok(_) => panic!("operation {at}: a directory without a mark of it"),
            Err(e) => assert!(!ended && e.is_damage(), "operation {at}: {e:?}"),
        }
        if ended {
            assert!(at > 30);
            break;
        }
    }
}

/// An engine that fails in the middle of a backup: there is none, and the engine stops or goes on as after
/// any such failure.
#[test]
fn a_backup_that_dies_is_no_backup() {
    let (used_disk, clock) = used(SEED, End::Close);
    let step = if cases(0) == 0 { 7 } else { 1 };
    for at in (0..).step_by(step) {
        let disk = used_disk.crash(|| true);
        let engine = open(&disk, &clock).unwrap();
        let expected = picture(&engine.engine());
        disk.set_fault(Some(Fault {
            operation: disk.operations() + at,
            sticky: false,
            error: ErrorKind::Other,
        }));
        let made = backed_up(&engine, Path::new(TO), &mut |_| {});
        let hit = disk.operations() > at;
        disk.set_fault(None);
        if made.is_ok() {
            restored(&disk).unwrap();
            assert_same(&picture_of_restored(&disk, &clock), &expected, &format!("operation {at}"));
        } else {
            let disk = disk.crash(|| true);
            let told = verify(&shared(&disk), Path::new(TO), &mut |_| {});
            assert!(matches!(told, Err(BackupError::NoManifest(_))), "operation {at}: {told:?}");
        }
        drop(engine);
        let engine = open(&disk, &clock).unwrap();
        assert_same(&picture(&engine.engine()), &expected, &format!("the original, operation {at}"));
        if !hit || at > 2000 {
            break;
        }
    }
}

/// What is dropped, trimmed or expires while a backup copies is in it all the same.
#[test]
fn nothing_is_removed_while_it_is_copied() {
    let (disk, clock) = used(SEED, End::Close);
    let engine = open(&disk, &clock).unwrap();
    let expected = picture(&engine.engine());
    let records = engine.engine().records;
    let mut first = true;
    let segments = |disk: &FaultDisk| {
        let of_data = |path: &PathBuf| path.starts_with(ROOT) && path.extension().is_some_and(|e| e == "seg");
        disk.paths().into_iter().filter(of_data).count()
    };
    let before = segments(&disk);
    backed_up(&engine, Path::new(TO), &mut |_| {
        if std::mem::take(&mut first) {
            let streams = on(records.streams()).unwrap();
            on(records.drop_stream(streams[0])).unwrap();
            clock.advance(Duration::from_hours(200));
            engine.retain().unwrap();
            engine.mark().unwrap();
            assert!(segments(&disk) >= before);
            let again = backed_up(&engine, Path::new("/other"), &mut |_| {});
            assert!(matches!(again, Err(BackupError::Busy)), "one at a time");
        }
    })
    .unwrap();
    assert!(segments(&disk) < before / 2, "they go when it is done");
    engine.close().unwrap();
    restored(&disk).unwrap();
    let clock = common::clock();
    assert_same(&picture_of_restored(&disk, &clock), &expected, "the moment of the backup");
}

#[test]
fn damage_is_not_copied() {
    let (disk, clock) = used(SEED, End::Close);
    let mut segments = disk.paths();
    segments.retain(|path| path.extension().is_some_and(|e| e == "seg"));
    disk.tamper(&segments[2], |bytes| *bytes.last_mut().unwrap() ^= 1);
    let engine = open(&disk, &clock).unwrap();
    let refused = backed_up(&engine, Path::new(TO), &mut |_| {}).unwrap_err();
    assert!(
        refused.is_damage() && matches!(&refused, BackupError::Damaged { path, .. } if *path == segments[2])
    );
    assert!(matches!(restored(&disk), Err(BackupError::NoManifest(_))));
    let inside = backed_up(&engine, &Path::new(ROOT).join("backup"), &mut |_| {});
    assert!(matches!(inside, Err(BackupError::Inside(_))));
    let taken = backed_up(&engine, Path::new(TO), &mut |_| {});
    assert!(matches!(taken, Err(BackupError::NotEmpty(_))), "what is left of a backup is in the way");
}

#[test]
fn a_backup_can_be_broken_off() {
    let (disk, clock) = used(SEED, End::Close);
    let engine = open(&disk, &clock).unwrap();
    let cancel = AtomicBool::new(false);
    let options = Options { version: "test", created: "today", with_credentials: false, cancel: &cancel };
    let made = engine.backup(Path::new(TO), options, &mut |_| cancel.store(true, Ordering::Release));
    assert!(matches!(made, Err(BackupError::Cancelled(_))));
    assert!(matches!(restored(&disk), Err(BackupError::NoManifest(_))));
    backed_up(&engine, Path::new("/other"), &mut |_| {}).unwrap();
}

#[test]
fn credentials_are_copied_when_asked_for() {
    let (disk, clock) = used(SEED, End::Close);
    let keys = Path::new(ROOT).join("credentials.toml");
    disk.open(&keys, millpond_seglog::disk::Open::Empty).unwrap().write_at(b"secret", 0).unwrap();
    let engine = open(&disk, &clock).unwrap();
    let cancel = AtomicBool::new(false);
    for (to, with_credentials) in [("/without", false), ("/with", true)] {
        let options = Options { version: "test", created: "today", with_credentials, cancel: &cancel };
        engine.backup(Path::new(to), options, &mut |_| {}).unwrap();
        let back = Path::new(BACK).join(to.trim_start_matches('/'));
        restore(&shared(&disk), Path::new(to), &back, &mut |_| {}).unwrap();
        let found = disk.read(&back.join("credentials.toml"));
        assert_eq!(found, with_credentials.then(|| b"secret".to_vec()));
    }
}

fn of(partition: u32) -> PartitionRef {
    PartitionRef { stream: StreamId::from_random(1), partition: PartitionId::new(partition) }
}

fn propose(engine: &Engine, id: u128, command: Command) {
    let proposal = Proposal { id: CommandId::from_random(id), command };
    on_new_runtime(engine.state.propose(proposal)).unwrap().unwrap();
}

fn on_new_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Puts and commits from several threads while backups are made: each has all that was acknowledged before
/// it began, and no checkpoint is ahead of the records.
#[test]
fn a_backup_under_load_is_of_one_moment() {
    const PARTITIONS: u32 = 3;
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let settings = Settings { threads: true, segment_bytes_max: 32 << 10, ..small() };
    let clock = common::clock();
    let engine = open_with(Arc::clone(&disk), &dir.path().join("data"), &clock, settings).unwrap();
    let both = engine.engine();
    let app = AppId::from_random(5);
    let project: millpond_model::ProjectId = "p".parse().unwrap();
    let config = LogConfig { retention: RetentionHours::default() };
    on(both.records.create(of(0).stream, PARTITIONS, config)).unwrap();
    let spec = StreamSpec::new("s".parse().unwrap(), PartitionCount::new(PARTITIONS).unwrap());
    let (id, quota) = (of(0).stream, None);
    let create = Command::CreateStream {
        id,
        project: project.clone(),
        spec,
        partition_quota: quota,
        stream_quota: None,
    };
    propose(&both, 1, create);
    propose(&both, 2, Command::CreateApp { id: app, project, name: "a".parse().unwrap(), app_quota: None });
    let (stop, commands) = (AtomicBool::new(false), AtomicU64::new(10));
    let acked: Vec<AtomicU64> = (0..PARTITIONS).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for partition in 0..PARTITIONS {
            let (both, stop, commands, acked) = (&both, &stop, &commands, &acked);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let records = vec![NewRecord::of(vec![b'x'; 300]); 5];
                    let batch = Append { partition: of(partition), records };
                    let appended = on_new_runtime(both.records.append(vec![batch])).remove(0).unwrap();
                    let last = appended.first.plus(4);
                    acked[usize::try_from(partition).unwrap()].store(last.get() + 1, Ordering::Release);
                    let commit = CheckpointCommit {
                        stream: of(partition).stream,
                        partition: PartitionId::new(partition),
                        kind: CheckpointType::LastRead,
                        sequence_number: last,
                        metadata: Metadata::default(),
                        expected: Expected::Anything,
                    };
                    let id = u128::from(commands.fetch_add(1, Ordering::Relaxed));
                    let actor = Actor::new("test");
                    let commits = vec![commit];
                    propose(both, id, Command::CommitCheckpoints { app, commits, member: None, actor });
                }
            });
        }
        for round in 0..cases(8) {
            let before: Vec<u64> = acked.iter().map(|acked| acked.load(Ordering::Acquire)).collect();
            let (to, back) = (dir.path().join(format!("b{round}")), dir.path().join(format!("r{round}")));
            backed_up(&engine, &to, &mut |_| {}).unwrap();
            restore(&disk, &to, &back, &mut |_| {}).unwrap();
            assert_eq!(check(&disk, &back, &mut |_| {}).unwrap().findings, []);
            look(&open_with(Arc::clone(&disk), &back, &clock, small()).unwrap(), &before, app);
        }
        stop.store(true, Ordering::Relaxed);
    });
    engine.close().unwrap();
    assert!(acked.iter().all(|acked| acked.load(Ordering::Relaxed) > 0));
}

fn look(restored: &LocalEngine, before: &[u64], app: AppId) {
    let engine = restored.engine();
    let mut ends = Vec::new();
    for (partition, before) in (0..).zip(before) {
        let bounds = on_new_runtime(engine.records.bounds(of(partition))).unwrap();
        let end = bounds.high_water.get();
        assert!(end >= *before, "{end} of {before} acknowledged");
        let all = ReadLimit { records: u32::MAX, bytes: u64::MAX, at_least_one: true };
        let mut from = SequenceNumber::ZERO;
        while from < bounds.high_water {
            let page = on_new_runtime(engine.records.read(of(partition), from, all, Duration::ZERO)).unwrap();
            assert!(page.next > from);
            from = page.next;
        }
        ends.push(end);
    }
    let state = engine.state.view();
    assert!(before.contains(&0) || state.checkpoints_of(app).count() == ends.len());
    for (key, checkpoint) in state.checkpoints_of(app) {
        let last = checkpoint.history().map(|change| change.sequence_number.get()).max().unwrap();
        let end = ends[usize::try_from(key.partition.index()).unwrap()];
        assert!(last < end, "a checkpoint at {last}, records up to {end}");
    }
}
