//! Directories of every released format are opened, say what they said then, and go on (promise G30).
//!
//! `fixtures/v1` was written by the first version. To add one for a new format, change `WRITTEN` and run
//! this test with `MILLPOND_WRITE_FIXTURES=1`; what is there already is never written again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "the fixtures are files of the repository")]

mod common;

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use common::{Names, Op, START, clock, on, open_with, picture, run, small, workload};
use millpond_engine::{Append, Engine, ManualClock};
use millpond_engine_local::{LocalEngine, Settings};
use millpond_model::{NewRecord, PartitionId, PartitionRef, Timestamp};
use millpond_seglog::{disk::RealDisk, journal::JournalSettings};

/// The format that this version writes.
const WRITTEN: &str = "v1";

/// How the life ended that left the directory: with a last mark, or with a journal to be told again.
const ENDS: [&str; 2] = ["closed", "killed"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn settings() -> Settings {
    let journal = JournalSettings { file_bytes_first: 16 << 10, file_bytes_max: 16 << 10, ..small().journal };
    Settings { journal, ..small() }
}

fn open(root: &Path, clock: &Arc<ManualClock>) -> LocalEngine {
    open_with(Arc::new(RealDisk), root, clock, settings()).unwrap()
}

/// Streams, records, apps and checkpoints as readers see them; not how the state is made inside.
fn contents(engine: &Engine) -> String {
    let whole = picture(engine);
    let records = whole.lines().take_while(|line| line.starts_with("  ") || line.contains("/shardId-"));
    let mut text = records.collect::<Vec<_>>().join("\n");
    let view = engine.state.view();
    for stream in view.streams() {
        write!(text, "\nstream {} {}", stream.id, stream.spec.name.as_str()).unwrap();
        for app in view.apps_of(&stream.project, None) {
            for (key, stored) in view.checkpoints_of(app.id).filter(|(key, _)| key.stream == stream.id) {
                let at = stored.current();
                let of = (&app.name, key.partition);
                write!(text, "\n  {} {} {} v{}", of.0, of.1, at.sequence_number, at.version).unwrap();
            }
        }
    }
    text
}

fn leave(root: &Path, end: &str) {
    let clock = clock();
    let engine = open(root, &clock);
    let mut names = Names::default();
    for op in workload(30, 35) {
        match op {
            Op::Mark => engine.mark().unwrap(),
            Op::Advance { .. } | Op::Retain | Op::Drop { .. } => {}
            op => drop(run(&engine.engine(), &clock, &mut names, &op, usize::MAX).unwrap()),
        }
    }
    fs::write(root.with_extension("txt"), contents(&engine.engine())).unwrap();
    if end == "closed" {
        engine.close().unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_directory_of_every_format_is_read_and_goes_on() {
    if env::var_os("MILLPOND_WRITE_FIXTURES").is_some() {
        for end in ENDS.iter().filter(|end| !fixtures().join(WRITTEN).join(end).exists()) {
            leave(&fixtures().join(WRITTEN).join(end), end);
        }
    }
    let mut formats = 0;
    for format in fs::read_dir(fixtures()).unwrap() {
        formats += 1;
        for end in ENDS {
            let fixture = format.as_ref().unwrap().path().join(end);
            check(&fixture, end);
        }
    }
    assert!(formats > 0, "there is at least the first format");
}

fn check(fixture: &Path, end: &str) {
    let name = fixture.display();
    let expected = fs::read_to_string(fixture.with_extension("txt")).unwrap();
    assert!(expected.matches(" bytes [").count() > 50 && expected.contains(" v"), "{name} says little");
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    copy(fixture, &root);
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(START.as_millis() + 60_000)));
    let engine = open(&root, &clock);
    assert_eq!(engine.recovered_frames() == 0, end == "closed", "{name}");
    assert_eq!(contents(&engine.engine()), expected, "{name}");
    let stream = on(engine.engine().records.streams()).unwrap().remove(0);
    let partition = PartitionRef { stream, partition: PartitionId::new(0) };
    let next = on(engine.engine().records.bounds(partition)).unwrap().high_water;
    let batch = Append { partition, records: vec![NewRecord::of(b"later".to_vec())] };
    let appended = on(engine.engine().records.append(vec![batch])).remove(0).unwrap();
    assert_eq!(appended.first, next, "{name}: the numbers go on");
    let before = contents(&engine.engine());
    drop(engine);
    let engine = open(&root, &clock);
    assert_eq!(contents(&engine.engine()), before, "{name}: after another start");
    engine.close().unwrap();
}
