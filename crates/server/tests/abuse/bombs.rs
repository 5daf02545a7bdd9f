//! Bodies that are much larger than they look, and others that lie about themselves: each has its 4xx, on a
//! connection that goes on, by a process that stays small.

use std::{fs, thread};

use super::support::{
    api::{Client, Key},
    http::Connection,
    server::{SERVE, Server, millpond},
};

/// Most resident bytes that the process may ever have had. It has some 50 MiB to begin with; of eight bombs at
/// a time each may take the limit of a body, 8 MiB, twice, and a window of 8 MiB.
const RESIDENT_KIB_MAX: u64 = 320 * 1024;

/// A zstd frame of unknown length and a window of 8 MiB (RFC 8878 §3.1.1): four bytes for 128 KiB of blanks.
fn zstd_blanks(len: usize) -> Vec<u8> {
    let block = |is_last: bool| {
        let header = (128 << 10 << 3) | (1 << 1) | u32::from(is_last);
        let [low, middle, high, _] = header.to_le_bytes();
        [low, middle, high, b' ']
    };
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3];
    frame.extend(block(false).repeat(len / (128 << 10) - 1));
    frame.extend(block(true));
    frame
}

/// What a request is, with the status and the code that it gets.
struct Hostile {
    what: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    expected: (u16, &'static str),
}

fn hostile() -> Vec<Hostile> {
    const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
    let hostile = |what, path, headers, body: &[u8], expected| Hostile {
        what,
        path,
        headers,
        body: body.to_vec(),
        expected,
    };
    let put = |what, headers, body: &[u8], expected| hostile(what, "records", headers, body, expected);
    let bad = (400, "DIS.4200");
    let tags: Vec<_> = (0..100_000).map(|i| format!(r#"{{"key":"k{i}"}}"#)).collect();
    let tags = format!(r#"{{"stream_name":"t","partition_count":1,"tags":[{}]}}"#, tags.join(","));
    vec![
        put("8 GiB of zstd", &[("content-encoding", "zstd")], &zstd_blanks(8 << 30), (413, "DIS.4200")),
        put(
            "8 GiB of zstd that says it is short",
            &[("content-encoding", "zstd"), ("x-dis-zstd-content-length", "10")],
            &zstd_blanks(8 << 30),
            (413, "DIS.4200"),
        ),
        put(
            "lz4 that claims the limit",
            &[("content-encoding", "lz4"), ("x-dis-lz4-content-length", "8388608")],
            b"\x1fa\x01\x00",
            bad,
        ),
        put(
            "lz4 that claims more",
            &[("content-encoding", "lz4"), ("x-dis-lz4-content-length", "18446744073709551615")],
            b"\x1fa\x01\x00",
            (413, "DIS.4200"),
        ),
        put("lz4 that claims nothing", &[("content-encoding", "lz4")], b"\x1fa\x01\x00", bad),
        put(
            "snappy of 4 GiB",
            &[("content-encoding", "snappy")],
            b"\xff\xff\xff\xff\x0f\x00a",
            (413, "DIS.4200"),
        ),
        put("gzip that is none", &[("content-encoding", "gzip")], b"\x1f\x8b\x08\x00nonsense", bad),
        put("an unknown encoding", &[("content-encoding", "br")], b"{}", bad),
        put("a record of 2^63 bytes", &[PROTOBUF], b"\x0a\x01s\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f", bad),
        put("a payload of 2^31 bytes", &[PROTOBUF], b"\x0a\x01s\x12\x06\x1a\xff\xff\xff\xff\x07", bad),
        put("groups in groups", &[PROTOBUF], &vec![0x33; 4 << 20], bad),
        put("four million empty records", &[PROTOBUF], &b"\x12\x00".repeat(4 << 20), (413, "DIS.4200")),
        put("lists in lists", &[], &vec![b'['; 8 << 20], bad),
        put("objects in objects", &[], &br#"{"a":"#.repeat(1 << 20), bad),
        put("no UTF-8", &[], b"{\"stream_name\":\"\xff\xfe\"}", bad),
        hostile("a hundred thousand tags", "streams", &[], tags.as_bytes(), (400, "DIS.4601")),
    ]
}

#[test]
fn bombs_are_refused_one_after_the_other_on_one_connection() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(millpond(dir.path(), &format!("{SERVE} --allow-anonymous")));
    let (port, key) = (server.port(), Key::of(&dir.path().join("data")));
    Client::new(port, &key).create_stream("s", 1);
    let all = hostile();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut connection = Connection::open(port).unwrap();
                for Hostile { what, path, headers, body, expected } in &all {
                    let target = format!("/v2/{}/{path}", key.project);
                    let answer = connection.request("POST", &target, headers, body).unwrap();
                    super::check_form(&answer);
                    assert_eq!((answer.status, &*answer.code()), *expected, "{what}: {answer:?}");
                    let next = connection.request("GET", "/healthz", &[], b"").unwrap();
                    assert_eq!(next.status, 200, "the connection goes on after {what}");
                }
            });
        }
    });
    let mut client = Client::new(port, &key);
    assert_eq!(client.put_one("s", 0, "after all"), 0, "nothing was kept");
    if let Some(resident) = resident_kib_max(server.pid()) {
        assert!(resident < RESIDENT_KIB_MAX, "the process had {resident} KiB");
    }
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

/// The most that the process ever had in memory, where the system tells.
fn resident_kib_max(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
