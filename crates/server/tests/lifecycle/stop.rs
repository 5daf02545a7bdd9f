//! Stopping: requests under way finish, nothing is lost, nothing is left to recover.

use rustix::process::Signal;

use super::support::{
    api::{Client, Key},
    history::{check_checkpoint, check_records, check_streams, check_unchanged},
    http::{Connection, get},
    load::{History, PARTITIONS, STREAM, prepare},
    random::Random,
    server::{SERVE, Server, millpond},
};

/// Acknowledged requests before the stop, about.
const REQUESTS: u32 = 60;

#[test]
fn a_stop_under_load_loses_nothing_and_leaves_nothing_to_recover() {
    let seed = Random::seed();
    println!("MILLPOND_SEED={seed}");
    let mut random = Random::new(seed);
    let (dir, history) = (tempfile::tempdir().unwrap(), History::default());
    let server = Server::serve(dir.path());
    let key = Key::of(&dir.path().join("data"));
    prepare(server.port(), &key);
    let moment = u64::from(REQUESTS / 2 + random.below(REQUESTS));
    let ended = history.load(server.port(), &key, &mut random, || {
        history.wait_for(moment);
        server.stop()
    });
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("cut off"), "every request had time to finish:\n{}", ended.log);
    assert!(!ended.log.contains("\"ERROR\""), "{}", ended.log);

    let server = Server::serve(dir.path());
    assert!(!server.log().contains("recovered"), "a clean stop leaves nothing to recover:\n{}", server.log());
    let mut client = Client::new(server.port(), &key);
    let found = client.read_stream(STREAM, PARTITIONS);
    check_records(&history.sent.lock(), &found).unwrap_or_else(|broken| panic!("{broken:?}"));
    check_unchanged(&history.shown.lock(), &found).unwrap_or_else(|broken| panic!("{broken:?}"));
    for ((app, partition), commits) in &*history.commits.lock() {
        let stored = client.checkpoint((app, STREAM, *partition));
        check_checkpoint(commits, stored.as_ref()).unwrap_or_else(|broken| panic!("{broken:?}"));
    }
    let streams = client.streams().into_iter().collect();
    check_streams(&history.namings.lock(), &streams).unwrap_or_else(|broken| panic!("{broken:?}"));
}

/// A request whose body is not complete when the signal comes is waited for, and answered.
#[test]
fn an_open_request_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(millpond(dir.path(), &format!("{SERVE} --allow-anonymous")));
    let (port, project) = (server.port(), Key::of(&dir.path().join("data")).project);
    Client::anonymous(port, &project).create_stream("s", 1);
    let body = r#"{"stream_name":"s","records":[{"data":"bGFzdA==","partition_id":"0"}]}"#;
    let mut connection = Connection::open(port).unwrap();
    let head = format!(
        "POST /v2/{project}/records HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.send(head.as_bytes()).unwrap();
    let waiting = connection.answer().unwrap().unwrap();
    assert_eq!(waiting.status, 100, "the server waits for the body");
    connection.send(&body.as_bytes()[..10]).unwrap();

    server.signal(Signal::TERM);
    server.wait_for("draining");
    while Connection::open(port).is_ok() {}
    connection.send(&body.as_bytes()[10..]).unwrap();
    let answer = connection.answer().unwrap().expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["records"][0]["sequence_number"], "0");
    assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    assert!(connection.is_at_end());
    let ended = server.end();
    assert_eq!(ended.code, Some(0), "{}", ended.log);

    let server = Server::start(millpond(dir.path(), &format!("{SERVE} --allow-anonymous")));
    let stored = Client::anonymous(server.port(), &project).read_partition("s", 0);
    assert_eq!(stored[0].data, "last");
}

/// With a delay for load balancers, the server says that it is not ready while it still serves.
#[test]
fn readiness_ends_before_service_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(millpond(dir.path(), &format!("{SERVE} --set server.drain_delay=1s")));
    let key = Key::of(&dir.path().join("data"));
    let port = server.port();
    let mut client = Client::new(port, &key);
    client.create_stream("s", 1);
    assert_eq!(get(port, "/readyz").status, 200);
    server.signal(Signal::TERM);
    server.wait_for("draining");
    while get(port, "/readyz").status != 503 {}
    let told = get(port, "/readyz?verbose").json();
    assert_eq!(told["checks"]["accepting"], false, "{told}");
    assert_eq!(get(port, "/healthz").status, 200);
    assert_eq!(client.put_one("s", 0, "still served"), 0);
    assert_eq!(server.end().code, Some(0));
    let server = Server::serve(dir.path());
    assert_eq!(Client::new(server.port(), &key).read_partition("s", 0).len(), 1);
}
