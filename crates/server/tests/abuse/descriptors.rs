//! Too few descriptors for the files and the connections there are (promises G22 and G25).

use std::{process::Command, thread};

use super::support::{
    api::{Client, Key},
    http::Connection,
    server::{SERVE, Server, millpond},
};

/// More than the limit below leaves, and two files each.
const PARTITIONS: u32 = 100;
const LIMIT: u32 = 96;
/// A refused connection costs a millisecond at most; this is seconds.
const ATTEMPTS_MAX: u32 = 20_000;

/// The usual server under a limit of open files that nothing can raise.
fn limited(directory: &std::path::Path) -> Server {
    let server = millpond(directory, SERVE);
    let script = format!("ulimit -n {LIMIT}; exec \"$0\" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).arg(server.get_program()).args(server.get_args());
    command.current_dir(directory).env_clear().env("HOME", directory);
    Server::start(command)
}

fn put_everywhere(client: &mut Client, text: &str) {
    for partition in 0..PARTITIONS {
        client.put_one("s", partition, text);
    }
}

/// A client whose connection is taken. Until the server has seen the crowd go, it is refused.
fn taken_again(port: u16, key: &Key) -> Client {
    for _ in 0..ATTEMPTS_MAX {
        let mut client = Client::new(port, key);
        if client.call("GET", "/streams", None).is_ok_and(|answer| answer.status == 200) {
            return client;
        }
        thread::yield_now();
    }
    panic!("nobody is taken any more");
}

#[test]
fn many_partitions_and_connections_leave_descriptors_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let server = limited(dir.path());
    let (port, key) = (server.port(), Key::of(&dir.path().join("data")));
    let mut client = Client::new(port, &key);
    client.create_stream("s", PARTITIONS);
    put_everywhere(&mut client, "before");
    drop(client);
    // Whatever is not accepted waits in the system's queue, or is refused.
    let crowd: Vec<_> = (0..2 * LIMIT).map_while(|_| Connection::open(port).ok()).collect();
    assert!(crowd.len() as u64 > u64::from(LIMIT) / 2, "{}", crowd.len());
    drop(crowd);
    let mut client = taken_again(port, &key);
    put_everywhere(&mut client, "after");
    for partition in 0..PARTITIONS {
        let stored: Vec<String> =
            client.read_partition("s", partition).into_iter().map(|record| record.data).collect();
        assert_eq!(stored, ["before", "after"], "partition {partition}");
    }
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("raise the limit of open files"), "{}", ended.log);
}
