//! A server of which one partition is damaged: the partition says so, everything else goes on.

use std::{fs, path::Path};

use super::support::{
    api::{Client, Key, NewRecord, records},
    http::get,
    server::{Server, snapshot},
};

fn record(partition: u32) -> NewRecord {
    NewRecord { data: "more".to_owned(), partition: Some(partition), key: None }
}

/// It is ready, as it serves what is whole; whoever looks closer is told.
fn check_alarms(port: u16, what: &str) {
    let metrics = get(port, "/metrics");
    let gauge = metrics.text().lines().find(|line| line.starts_with("millpond_storage_damaged_partitions "));
    assert_eq!(gauge, Some("millpond_storage_damaged_partitions 1"), "{what}");
    let ready = get(port, "/readyz?verbose");
    assert_eq!((ready.status, &ready.json()["checks"]["intact"]), (200, &false.into()), "{what}");
}

fn check(what: &str, damage: impl Fn(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serve(dir.path());
    let key = Key::of(&dir.path().join("data"));
    let mut client = Client::new(server.port(), &key);
    client.create_stream("s", 2);
    for number in 0..10 {
        assert_eq!([0, 1].map(|partition| client.put_one("s", partition, "record")), [number; 2]);
    }
    assert_eq!(server.stop().code, Some(0));
    let files = snapshot(&dir.path().join("data"));
    let segment = files.keys().find(|path| path.ends_with("0/00000000000000000000.seg")).unwrap();
    damage(segment);

    let server = Server::serve(dir.path());
    let mut client = Client::new(server.port(), &key);
    let (mut cursor, mut read) = (client.cursor("s", 0, 0).unwrap(), 0);
    let answer = loop {
        let answer = client.call("GET", &format!("/records?partition-cursor={cursor}"), None).unwrap();
        if answer.status != 200 {
            break answer;
        }
        let page = records(&answer).len();
        assert_ne!(page, 0, "{what}: an empty page in place of an error");
        read += page;
        answer.json()["next_partition_cursor"].as_str().unwrap().clone_into(&mut cursor);
    };
    assert!(read < 10, "{what}: {read} records");
    assert_eq!(answer.status, 500, "{what}: {}", answer.text());
    assert!(answer.code().starts_with("DIS.5") && answer.text().contains("Damaged"), "{}", answer.text());
    let placed = client.put("s", &[record(0), record(1)]).unwrap().unwrap();
    assert_eq!(placed, [Err("DIS.5250".to_owned()), Ok((1, 10))], "{what}");
    assert_eq!(client.read_partition("s", 1).len(), 11, "{what}");
    check_alarms(server.port(), what);
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("00000000000000000000.seg"), "{}", ended.log);
}

#[test]
fn a_lost_or_short_segment_is_told_by_its_partition_and_harms_no_other() {
    check("lost", |segment| fs::remove_file(segment).unwrap());
    check("short", |segment| {
        let file = fs::OpenOptions::new().write(true).open(segment).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    });
}
