//! What no honest client sends. Everything gets one well-formed answer or a closed connection, and a
//! client that behaves is served all the while.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod bombs;
mod descriptors;
#[path = "../support/mod.rs"]
mod support;

use std::{
    io,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use support::{
    api::{Client, Key},
    http::{Answer, Connection},
    server::{SERVE, Server, millpond},
};

/// A server with short patience, so that slow clients are cut off within the time of a test.
const IMPATIENT: &str = "--allow-anonymous --set server.header_timeout=1s --set server.body_idle_timeout=1s \
                         --set server.body_timeout=2s --set server.body_bytes_max=64KiB";
/// `server.head_bytes_max`.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// `server.body_bytes_max` above.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Runs `abuse` against a server while a client that behaves puts and reads; it must not notice.
fn beside_a_good_client(abuse: impl FnOnce(u16, &str)) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(millpond(dir.path(), &format!("{SERVE} {IMPATIENT}")));
    let (port, key) = (server.port(), Key::of(&dir.path().join("data")));
    Client::new(port, &key).create_stream("s", 1);
    let (over, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let good = scope.spawn(|| {
            let mut client = Client::new(port, &key);
            while !over.load(Ordering::Relaxed) || rounds.load(Ordering::Relaxed) == 0 {
                let number = rounds.load(Ordering::Relaxed);
                assert_eq!(client.put_one("s", 0, &number.to_string()), number);
                let cursor = client.cursor("s", 0, number).unwrap();
                assert_eq!(client.read(&cursor).unwrap().0[0].data, number.to_string());
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        // The good client must end also when the abuse fails the test.
        let _end = End(&over);
        abuse(port, &key.project);
        assert!(!good.is_finished(), "the good client was harmed");
    });
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    for word in ["panicked", "\"ERROR\""] {
        assert!(!ended.log.contains(word), "{}", ended.log);
    }
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Everything a server says to these bytes, until it closes the connection.
fn answers(port: u16, bytes: &[u8]) -> Vec<Answer> {
    let mut connection = Connection::open(port).unwrap();
    // The server may close before it has read everything.
    let _ = connection.send(bytes);
    connection.finish();
    let mut all = Vec::new();
    loop {
        match connection.answer() {
            Ok(Some(answer)) => all.push(answer),
            Ok(None) => return all,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("{error} after {all:?}"),
        }
    }
}

/// An answer that names a mistake does so in the form that clients read, also when it is not HTTP what came.
fn check_form(answer: &Answer) {
    if answer.status < 400 {
        return;
    }
    let json = answer.json();
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    assert!(answer.header("x-request-id").is_some(), "{answer:?}");
    for (name, same) in [("errorCode", "error_code"), ("message", "error_msg")] {
        assert!(json[name].is_string() && json[name] == json[same], "{json}");
    }
}

fn check(port: u16, what: &str, bytes: &[u8], expected: &[u16]) {
    let answers = answers(port, bytes);
    answers.iter().for_each(check_form);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, expected, "{what}: {answers:?}");
}

#[test]
fn malformed_heads() {
    beside_a_good_client(|port, project| {
        let head = |line: &str, headers: &str| format!("{line}\r\nhost: h\r\n{headers}\r\n").into_bytes();
        let list = format!("/v2/{project}/streams");
        let get = |target: &str| head(&format!("GET {target} HTTP/1.1"), "");
        let check = |what: &str, bytes: &[u8], expected: &[u16]| check(port, what, bytes, expected);
        check("nothing", b"", &[]);
        check("half a head", b"GET / HTTP/1.1\r\nhos", &[]);
        check("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello TLS\r\n\r\n", &[400]);
        check("no version", b"GET /\r\n\r\n", &[400]);
        check("a future version", &head("GET / HTTP/3.7", ""), &[400]);
        check("an unknown method", &head(&format!("BREW {list} HTTP/1.1"), ""), &[405]);
        check("a method that is none", &head("G@T() / HTTP/1.1", ""), &[400]);
        check("an unknown path", &get("/no/such/path"), &[404]);
        check("a long path", &get(&format!("/{}", "a".repeat(10_000))), &[404]);
        check("a long query", &get(&format!("{list}?limit={}", "1".repeat(10_000))), &[400]);
        check("a long unknown query", &get(&format!("{list}?q={}", "1".repeat(10_000))), &[200]);
        check("many parameters", &get(&format!("{list}?{}", "a=b&".repeat(2500))), &[400]);
        check("an absolute target", &get(&format!("http://elsewhere{list}")), &[200]);
        check("a target of another scheme", &get("ftp://elsewhere/v2"), &[404]);
        check("an authority", &head("CONNECT h:1 HTTP/1.1", ""), &[404]);
        check("an asterisk", &head("OPTIONS * HTTP/1.1", ""), &[404]);
        check("no UTF-8, encoded", &get("/v2/%ff%fe/streams"), &[400]);
        check("no UTF-8 in a query, encoded", &get(&format!("{list}?start_stream_name=%ff")), &[200]);
        check("a null byte, encoded", &get("/v2/%00/streams"), &[400]);
        check("no UTF-8", b"GET /v2/\xff\xfe/streams HTTP/1.1\r\nhost: h\r\n\r\n", &[400]);
        check("a null byte", b"GET /v2/\0/streams HTTP/1.1\r\nhost: h\r\n\r\n", &[400]);
        check("a header without a name", &head(&format!("GET {list} HTTP/1.1"), ": v\r\n"), &[400]);
        check("a folded header", &head(&format!("GET {list} HTTP/1.1"), "a: b\r\n c\r\n"), &[400]);
        check("a space before the colon", &head(&format!("GET {list} HTTP/1.1"), "a : b\r\n"), &[400]);
        check("a null byte in a header", &head(&format!("GET {list} HTTP/1.1"), "a: \0\r\n"), &[400]);
        let large = format!("a: {}\r\n", "x".repeat(HEAD_BYTES_MAX));
        check("a large head", &head(&format!("GET {list} HTTP/1.1"), &large), &[431]);
        let many = "a: b\r\n".repeat(200);
        check("many headers", &head(&format!("GET {list} HTTP/1.1"), &many), &[431]);
    });
}

#[test]
fn malformed_bodies() {
    beside_a_good_client(|port, project| {
        let put = r#"{"stream_name":"none","records":[{"data":"YQ=="}]}"#;
        let post = |headers: &str, body: &str| {
            format!("POST /v2/{project}/records HTTP/1.1\r\nhost: h\r\n{headers}\r\n{body}").into_bytes()
        };
        let check = |what: &str, bytes: &[u8], expected: &[u16]| check(port, what, bytes, expected);
        let chunked = "transfer-encoding: chunked\r\n";
        let length = format!("content-length: {}\r\n", put.len());
        check("no length, no body", &post("", ""), &[400]);
        check("a length that is no number", &post("content-length: ten\r\n", put), &[400]);
        check("a negative length", &post("content-length: -1\r\n", put), &[400]);
        check("a length beyond all bounds", &post("content-length: 99999999999999999999\r\n", put), &[400]);
        check("two lengths", &post(&format!("content-length: 1\r\n{length}"), put), &[400]);
        check("a body that ends early", &post("content-length: 1000\r\n", put), &[400]);
        check(
            "an announced body too large",
            &post(&format!("content-length: {}\r\n", BODY_BYTES_MAX + 1), ""),
            &[413],
        );
        let large = " ".repeat(BODY_BYTES_MAX + 1);
        check("a body too large", &post(&format!("content-length: {}\r\n", large.len()), &large), &[413]);
        let chunks = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
        check("chunks too large", &post(chunked, &chunks), &[413]);
        let good = format!("{:x}\r\n{put}\r\n0\r\n\r\n", put.len());
        check("good chunks", &post(chunked, &good), &[400]);
        check("a chunk without a size", &post(chunked, "size\r\nx\r\n0\r\n\r\n"), &[400]);
        check("a chunk longer than it says", &post(chunked, "1\r\nxyz\r\n0\r\n\r\n"), &[400]);
        check("a chunk of 2^64 bytes", &post(chunked, "10000000000000000\r\n"), &[400]);
        check("chunks that end early", &post(chunked, "5\r\nab"), &[400]);
        check(
            "a long chunk extension",
            &post(chunked, &format!("1;{}\r\nx\r\n", "e".repeat(100_000))),
            &[400],
        );
        check("endless trailers", &post(chunked, &format!("0\r\n{}", "a: b\r\n".repeat(20_000))), &[400]);
        check("an unknown transfer coding", &post("transfer-encoding: rot13\r\n", put), &[400]);
        check("compressed", &post(&format!("content-encoding: br\r\n{length}"), put), &[400]);
        check("no JSON", &post("content-length: 4\r\n", "{{{{"), &[400]);
        check("no UTF-8", &[&*post("content-length: 3\r\n", "\""), b"\xff\""].concat()[..], &[400]);
        let deep = "[".repeat(50_000);
        check("deep JSON", &post(&format!("content-length: {}\r\n", deep.len()), &deep), &[400]);
        check(
            "a body with a GET",
            format!("GET /v2/{project}/streams HTTP/1.1\r\nhost: h\r\n{length}\r\n{put}").as_bytes(),
            &[200],
        );
    });
}

/// A request hidden in the body of another one is never answered as a request of its own.
#[test]
fn two_lengths_smuggle_nothing() {
    beside_a_good_client(|port, project| {
        let hidden = "GET /version HTTP/1.1\r\nhost: h\r\n\r\n";
        let post = |headers: &str, body: &str| {
            format!("POST /v2/{project}/records HTTP/1.1\r\nhost: h\r\n{headers}\r\n{body}")
        };
        let both = format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", 5 + hidden.len());
        let chunk_in_length = post(&both, &format!("0\r\n\r\n{hidden}"));
        let twice = post(
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            &format!("0\r\n\r\n{hidden}"),
        );
        let blank = post("transfer-encoding : chunked\r\n", &format!("0\r\n\r\n{hidden}"));
        let tab =
            post("transfer-encoding: \x0bchunked\r\ncontent-length: 4\r\n", &format!("0\r\n\r\n{hidden}"));
        for request in [chunk_in_length, twice, blank, tab] {
            let answers = answers(port, request.as_bytes());
            answers.iter().for_each(check_form);
            assert!(
                answers.len() <= 1 && answers.iter().all(|a| a.status == 400),
                "{request:?}: {answers:?}"
            );
        }
    });
}

#[test]
fn slow_clients_are_cut_off() {
    beside_a_good_client(|port, project| {
        let slow = |bytes: &[u8]| {
            let mut connection = Connection::open(port).unwrap();
            connection.send(bytes).unwrap();
            let answer = connection.answer().unwrap();
            answer.iter().for_each(check_form);
            assert!(connection.is_at_end());
            answer.map(|answer| answer.status)
        };
        assert_eq!(slow(b""), None, "nothing is sent");
        assert_eq!(slow(b"GET /healthz HTTP/1.1\r\nho"), None, "half a head");
        let post = format!("POST /v2/{project}/records HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{{");
        assert_eq!(slow(post.as_bytes()), Some(408), "half a body");
        let post = format!(
            "POST /v2/{project}/records HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{{"
        );
        assert_eq!(slow(post.as_bytes()), Some(408), "half a chunk");
        // A byte now and then is no progress either: the whole head has its time.
        let mut connection = Connection::open(port).unwrap();
        while connection.send(b"x").is_ok() {
            thread::yield_now();
        }
    });
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    beside_a_good_client(|port, project| {
        let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n");
        let put = r#"{"stream_name":"none","records":[{"data":"YQ=="}]}"#;
        let post = format!(
            "POST /v2/{project}/records HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{put}",
            put.len()
        );
        let streams = format!("/v2/{project}/streams");
        let many = [get("/healthz"), get("/none"), post, get(&streams), get("/version")].concat();
        check(port, "five at once", many.as_bytes(), &[200, 404, 400, 200, 200]);
        check(port, "fifty rounds", many.repeat(50).as_bytes(), &[200, 404, 400, 200, 200].repeat(50));
        let broken = [get("/healthz"), "nonsense\r\n\r\n".to_owned(), get("/healthz")].concat();
        check(port, "the connection ends with what is no request", broken.as_bytes(), &[200, 400]);
        let close = "GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".to_owned();
        check(
            port,
            "the connection ends where it is asked to",
            (close + &get("/healthz")).as_bytes(),
            &[200],
        );
    });
}

/// Clients that leave in the middle of anything, and many that say nothing.
#[test]
fn vanished_clients_leave_nothing_behind() {
    beside_a_good_client(|port, project| {
        let put = r#"{"stream_name":"s","records":[]}"#;
        let post = format!(
            "POST /v2/{project}/records HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{put}",
            put.len()
        );
        let silent: Vec<Connection> = (0..200).map(|_| Connection::open(port).unwrap()).collect();
        for end in (0..=post.len()).step_by(7) {
            let mut connection = Connection::open(port).unwrap();
            connection.send(&post.as_bytes()[..end]).unwrap();
        }
        drop(silent);
    });
}

/// One connection more than there may be is told so at once, and harms none of the others.
#[test]
fn more_connections_than_there_may_be_are_refused_at_once() {
    const MAX: usize = 8;
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(millpond(dir.path(), &format!("{SERVE} --set server.connections_max={MAX}")));
    let healthz = |connection: &mut Connection| connection.request("GET", "/healthz", &[], b"").unwrap();
    let mut open: Vec<Connection> = (0..MAX).map(|_| Connection::open(server.port()).unwrap()).collect();
    assert!(open.iter_mut().all(|connection| healthz(connection).status == 200));
    for _ in 0..3 {
        let refused = healthz(&mut Connection::open(server.port()).unwrap());
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    }
    assert!(open.iter_mut().all(|connection| healthz(connection).status == 200), "they are unharmed");
    drop(open);
    assert_eq!(server.stop().code, Some(0));
}
