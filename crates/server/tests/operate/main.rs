//! The commands on a data directory: check and repair, backup and restore.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod check;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::{
    api::{Client, Key},
    server::{Ended, Server, millpond},
};

/// Runs a command to its end.
fn run(directory: &Path, arguments: &str) -> Ended {
    Server::spawn(millpond(directory, arguments)).end()
}

/// Runs a command and reads its answer.
fn json(directory: &Path, arguments: &str) -> (Option<i32>, Value) {
    let ended = run(directory, &format!("{arguments} --output json"));
    let value =
        serde_json::from_str(&ended.page).unwrap_or_else(|e| panic!("{e}: {}{}", ended.page, ended.log));
    (ended.code, value)
}

fn client(server: &Server, directory: &Path) -> Client {
    Client::new(server.port(), &Key::of(&directory.join("data")))
}

/// A directory with a stream `s` of one partition and so many records.
fn filled(directory: &Path, records: u32) {
    let server = Server::serve(directory);
    let mut client = client(&server, directory);
    client.create_stream("s", 1);
    for n in 0..records {
        client.put_one("s", 0, &format!("record {n}"));
    }
    assert_eq!(server.stop().code, Some(0));
}

/// The files below a directory whose name ends so.
fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_str().unwrap().ends_with(end) {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}
