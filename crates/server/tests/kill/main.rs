//! The process dies at any moment, and nothing that was acknowledged is lost.
//!
//! `MILLPOND_SEED=<number>` repeats the choices of a run; what the machine makes of them varies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod checker;
mod partitions;
mod register;

use std::{fs, path::Path};

use support::{
    api::{Client, Key},
    history::{Fate, Sent, check_checkpoint, check_records, check_streams, check_unchanged},
    load::{History, PARTITIONS, STREAM, prepare},
    random::Random,
    server::{SERVE, Server, millpond},
};

/// Kills under load.
const ROUNDS: u32 = 7;
/// Acknowledged requests of a round, at most, before the kill.
const REQUESTS_MAX: u32 = 150;
/// Starts in a hundred that are killed too.
const KILLED_STARTS: u32 = 30;
/// Lines that a start logs, at most, before it is killed.
const START_LINES_MAX: u32 = 10;
/// Small files, so that journal and segments roll.
const SMALL: &str = "--set storage.journal_file_bytes=1MiB --set storage.segment_bytes=1MiB";

fn start(directory: &Path) -> Server {
    Server::start(millpond(directory, &format!("{SERVE} {SMALL}")))
}

/// A start that is killed once it has logged some lines, before or after it is ready.
fn start_and_kill(directory: &Path, lines: u32) {
    let server = Server::spawn(millpond(directory, &format!("{SERVE} {SMALL} --log-level debug")));
    server.wait_for_lines(lines as usize);
    assert_eq!(server.kill().code, None, "it ended before it was killed");
}

/// Compares what a server has with what its clients know.
fn check(port: u16, key: &Key, history: &History) {
    let mut client = Client::new(port, key);
    let found = client.read_stream(STREAM, PARTITIONS);
    check_records(&history.sent.lock(), &found).unwrap_or_else(|broken| panic!("{broken:?}"));
    check_unchanged(&history.shown.lock(), &found).unwrap_or_else(|broken| panic!("{broken:?}"));
    for ((app, partition), commits) in &*history.commits.lock() {
        let stored = client.checkpoint((app, STREAM, *partition));
        let checked = check_checkpoint(commits, stored.as_ref());
        checked.unwrap_or_else(|broken| panic!("{app}, partition {partition}: {broken:?}"));
    }
    let streams = client.streams().into_iter().collect();
    check_streams(&history.namings.lock(), &streams).unwrap_or_else(|broken| panic!("{broken:?}"));
    for name in streams.iter().filter(|name| *name != STREAM) {
        assert_eq!(client.read_partition(name, 0), [], "{name}");
    }
    for cursor in &*history.cursors.lock() {
        let (records, _) = client.read(&cursor.text).unwrap();
        let shown = found[&cursor.partition].iter().find(|record| record.number == cursor.number);
        assert_eq!(records.first(), shown, "{cursor:?}");
    }
    // What was read now must never change either.
    *history.shown.lock() = found;
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let seed = Random::seed();
    println!("MILLPOND_SEED={seed}");
    let mut random = Random::new(seed);
    let (dir, history) = (tempfile::tempdir().unwrap(), History::default());
    start_and_kill(dir.path(), random.below(START_LINES_MAX));
    let mut server = start(dir.path());
    let key = Key::of(&dir.path().join("data"));
    prepare(server.port(), &key);
    for round in 0..ROUNDS {
        let moment = history.acknowledged() + u64::from(1 + random.below(REQUESTS_MAX));
        let port = server.port();
        history.load(port, &key, &mut random, || {
            history.wait_for(moment);
            server.kill();
        });
        println!("round {round}: killed after {} acknowledged requests", history.acknowledged());
        while random.percent(KILLED_STARTS) {
            start_and_kill(dir.path(), random.below(START_LINES_MAX));
        }
        server = start(dir.path());
        check(server.port(), &key, &history);
    }
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let server = start(dir.path());
    assert!(!server.log().contains("recovered"), "a clean stop leaves nothing to recover:\n{}", server.log());
    check(server.port(), &key, &history);
    let known = |such: fn(&Sent) -> bool| history.sent.lock().iter().filter(|sent| such(sent)).count();
    let (records, doubtful) = (known(|_| true), known(|sent| sent.fate == Fate::Unknown));
    println!("figure: {ROUNDS} kills under load, {records} records, {doubtful} of them in doubt");
}

/// A directory is new until it was used, whatever a start that died has left in it.
#[test]
fn a_first_start_may_die_anywhere() {
    let check = |leave: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        leave(dir.path());
        let server = start(dir.path());
        let mut client = Client::new(server.port(), &Key::of(&dir.path().join("data")));
        client.create_stream("s", 1);
        assert_eq!(client.put_one("s", 0, "first"), 0);
        let ended = server.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
    };
    for lines in 0..START_LINES_MAX {
        check(&|directory| start_and_kill(directory, lines));
    }
    // What a start leaves that was cut short while it made the view.
    for begun in [Vec::new(), vec![0; 4096]] {
        check(&|directory| {
            let data = directory.join("data");
            fs::create_dir(&data).unwrap();
            fs::write(data.join("LOCK"), "pid=1\n").unwrap();
            fs::write(data.join("state.redb"), &begun).unwrap();
        });
    }
}
