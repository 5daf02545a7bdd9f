//! Requests that are made to hurt: each has its 4xx and its code, and the server goes on as before.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::harness::{Reply, Server, Setup};

const JSON: (&str, &str) = ("content-type", "application/json");
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

async fn open(mut setup: Setup) -> Server {
    setup.settings.allow_anonymous = true;
    let server = setup.open().await;
    for (what, body) in [
        ("POST /v2/p1/streams", json!({ "stream_name": "s", "partition_count": 2 })),
        ("POST /v2/p1/apps", json!({ "app_name": "g" })),
        ("POST /v2/p1/stream/s/tags", json!({ "tag": { "key": "kept", "value": "v" } })),
    ] {
        assert!(server.p1(what, &body).await.status.is_success(), "{what}");
    }
    server
}

/// Sends a request and expects status and code; an empty one is that of a success. What is there stays.
async fn check(
    server: &Server,
    what: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
    expected: (u16, &str),
) -> Reply {
    let body = body.into();
    let shown = format!("{what} {headers:?} {}", String::from_utf8_lossy(body.get(..80).unwrap_or(&body)));
    let reply = server.call(what, headers, body).await;
    assert_eq!((reply.status.as_u16(), &*reply.code()), expected, "{shown}: {reply:?}");
    assert!(reply.body.len() < 1000, "{shown}: an answer repeats too much");
    let tags = server.p1("GET /v2/p1/stream/s/tags", &Value::Null).await;
    assert_eq!(tags.json(), json!({ "tags": [{ "key": "kept", "value": "v" }] }), "{shown}");
    reply
}

/// Two gigabytes of blanks, which is JSON as far as it goes, in bodies that are admitted.
fn bombs() -> [(&'static str, Vec<u8>); 2] {
    // One gzip member packs a thousand to one at best: so there are many.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
    [("zstd", zstd_blanks(2 << 30)), ("gzip", gzip.finish().unwrap().repeat(2048))]
}

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

/// The room for bodies is that of one request as received and as decoded: a byte more, and the answer would
/// be 503.
#[tokio::test]
async fn gigabytes_in_a_small_body_take_no_more_room_than_the_limit() {
    let mut setup = Setup::default();
    setup.settings.body_bytes_max = 4 << 20;
    setup.settings.buffered_bytes_max = 8 << 20;
    let server = open(setup).await;
    let small = zstd::stream::decode_all(&zstd_blanks(1 << 20)[..]).unwrap();
    assert_eq!(small, vec![b' '; 1 << 20], "the frame is one");
    for (encoding, bomb) in bombs() {
        assert!(bomb.len() < 4 << 20, "{encoding}: {} bytes", bomb.len());
        for (content_type, what) in
            [(JSON, "POST /v2/p1/records"), (PROTOBUF, "POST /v2/p1/records"), (JSON, "PUT /v2/p1/streams/s")]
        {
            let headers = [content_type, ("content-encoding", encoding)];
            check(&server, what, &headers, bomb.clone(), (413, "DIS.4200")).await;
        }
    }
}

#[tokio::test]
async fn encodings_that_lie_are_refused() {
    let server = open(Setup::default()).await;
    let put = json!({ "stream_name": "s", "records": [{ "data": "YQ==" }] }).to_string();
    let len = put.len();
    let lz4 = lz4_flex::block::compress(put.as_bytes());
    let zstd = zstd::bulk::compress(put.as_bytes(), 3).unwrap();
    let what = "POST /v2/p1/records";
    let (lz4_length, zstd_length) = ("x-dis-lz4-content-length", "x-dis-zstd-content-length");
    let too_much = (8 << 20) + 1;
    for (encoding, header, body) in [("lz4", lz4_length, &lz4), ("zstd", zstd_length, &zstd)] {
        for (claimed, expected) in [
            (len.to_string(), (200, "")),
            ((len - 1).to_string(), (400, "DIS.4200")),
            ((len + 1).to_string(), (400, "DIS.4200")),
            ("0".to_owned(), (400, "DIS.4200")),
            ((8 << 20).to_string(), (400, "DIS.4200")),
            (too_much.to_string(), (413, "DIS.4200")),
            (u64::MAX.to_string(), (413, "DIS.4200")),
            (format!("1{}", u64::MAX), (400, "DIS.4200")),
            ("-1".to_owned(), (400, "DIS.4200")),
            ("0x10".to_owned(), (400, "DIS.4200")),
            (format!("{len}, {len}"), (400, "DIS.4200")),
        ] {
            let headers = [JSON, ("content-encoding", encoding), (header, &claimed)];
            check(&server, what, &headers, body.clone(), expected).await;
        }
    }
    check(&server, what, &[JSON, ("content-encoding", "lz4")], lz4, (400, "DIS.4200")).await;
    let long = "x".repeat(5000);
    for unknown in
        ["br", "deflate", "compress", "gzip, zstd", "zstd,zstd", "\u{fffd}", &long, "*", "gzip;q=1"]
    {
        let headers = [JSON, ("content-encoding", unknown)];
        check(&server, what, &headers, put.clone(), (400, "DIS.4200")).await;
    }
}

#[tokio::test]
async fn a_hundred_thousand_tags_are_refused_as_one() {
    let server = open(Setup::default()).await;
    let tags: Vec<_> = (0..100_000).map(|i| json!({ "key": format!("k{i}"), "value": "v" })).collect();
    let same = vec![json!({ "key": "k" }); 100_000];
    let values: Vec<_> = (0..100_000).map(|i| i.to_string()).collect();
    let keys: Vec<_> = values.iter().map(|key| json!({ "key": key, "values": [] })).collect();
    let action = "POST /v2/p1/stream/s/tags/action";
    let find = "POST /v2/p1/stream/resource_instances/action";
    let rows = [
        (
            "POST /v2/p1/streams",
            json!({ "stream_name": "t", "partition_count": 1, "tags": tags }),
            (400, "DIS.4601"),
        ),
        (action, json!({ "action": "create", "tags": tags }), (400, "DIS.4601")),
        (action, json!({ "action": "create", "tags": same }), (400, "DIS.4601")),
        // More than a command holds; as many as it does hold would be deleted, though there are none.
        (action, json!({ "action": "delete", "tags": tags }), (400, "DIS.4200")),
        ("POST /v2/p1/stream/s/tags", json!({ "tag": { "key": "k".repeat(100_000) } }), (400, "DIS.4200")),
        (find, json!({ "action": "filter", "tags": keys }), (400, "DIS.4200")),
        (
            find,
            json!({ "action": "count", "not_tags_any": [{ "key": "kept", "values": values }] }),
            (400, "DIS.4200"),
        ),
    ];
    for (what, body, expected) in rows {
        check(&server, what, &[JSON], body.to_string(), expected).await;
    }
    let none = server.p1("GET /v2/p1/streams/t", &Value::Null).await;
    assert_eq!(none.code(), "DIS.4301");
}

#[tokio::test]
async fn text_that_is_none_is_refused() {
    let server = open(Setup::default()).await;
    let bodies: [&[u8]; 4] = [
        b"{\"stream_name\":\"\xff\"}",
        b"\xff\xfe{\x00}\x00",
        b"{\"\xc3\x28\":1}",
        b"{\"app_name\":\"\xed\xa0\x80\"}",
    ];
    for what in ["POST /v2/p1/streams", "POST /v2/p1/records", "POST /v2/p1/apps", "POST /v2/p1/checkpoints"]
    {
        for body in bodies {
            check(&server, what, &[JSON], body, (400, "DIS.4200")).await;
        }
    }
    check(&server, "POST /v2/p1/records", &[PROTOBUF], b"\x0a\x02\xc3\x28\x12\x00", (400, "DIS.4200")).await;
    for (what, expected) in [
        ("GET /v2/p1/streams/%ff%fe", (400, "DIS.4301")),
        ("GET /v2/p1/apps/%ff", (400, "DIS.4332")),
        ("GET /v2/p1/cursors?stream-name=s&partition-id=%ff", (400, "DIS.4201")),
        ("GET /v2/p1/cursors?stream-name=s&partition-id=0&cursor-type=%ff", (400, "DIS.4215")),
        ("GET /v2/p1/records?partition-cursor=%ff", (400, "DIS.4217")),
    ] {
        check(&server, what, &[], "", expected).await;
    }
}

/// Ids of others, of nobody, and of no form: protocol outcomes are told in the state (spec/07 §1), and no
/// member comes or goes.
#[tokio::test]
async fn group_calls_with_foreign_ids_change_nothing() {
    let server = open(Setup::default()).await;
    let theirs = json!({ "app_name": "theirs" }).to_string();
    let token = [("x-auth-token", "token-p2"), JSON];
    assert_eq!(server.call("POST /v2/p2/apps", &token, theirs).await.status, 201);
    let app = server.call("GET /v2/p2/apps/theirs", &token, "").await.json();
    let foreign_app = app["app_id"].as_str().unwrap();
    let join = json!({ "clientId": "c", "interestedStream": ["s"], "accelerateAssignEnabled": true });
    assert_eq!(server.p1("POST /v2/p1/apps/g/consumers", &join).await.json()["state"], "OK");
    let sync =
        server.p1("POST /v2/p1/apps/g/consumers/c/partitions", &json!({ "generation": -1 })).await.json();
    assert_eq!(sync["state"], "OK");

    let generation = json!({ "generation": 1, "clientId": "c", "groupId": "g" });
    for group in [foreign_app, "theirs", "none", "%00", &"g".repeat(5000)] {
        for (call, state) in [
            ("consumers", "GROUP_NOT_EXIST"),
            ("consumers/c/partitions", "GROUP_NOT_EXIST"),
            ("consumers/c/heartbeats", "GROUP_NOT_EXIST"),
        ] {
            let what = format!("POST /v2/p1/apps/{group}/{call}");
            let body = if call == "consumers" { &join } else { &generation };
            let reply = check(&server, &what, &[JSON], body.to_string(), (200, "")).await;
            assert_eq!(reply.json()["state"], state, "{what}");
        }
        check(&server, &format!("DELETE /v2/p1/apps/{group}/consumers/c"), &[], "", (204, "")).await;
    }
    for client in ["other", "C", "c%20"] {
        for (call, state) in [("partitions", "REJOIN"), ("heartbeats", "JOINING")] {
            let what = format!("POST /v2/p1/apps/g/consumers/{client}/{call}");
            let reply = check(&server, &what, &[JSON], generation.to_string(), (200, "")).await;
            assert_eq!(reply.json()["state"], state, "{what}");
        }
        check(&server, &format!("DELETE /v2/p1/apps/g/consumers/{client}"), &[], "", (204, "")).await;
        let commit = json!({
            "app_name": "g", "stream_name": "s", "partition_id": "0", "sequence_number": "0",
            "client_id": client, "generation_id": 1,
        });
        check(&server, "POST /v2/p1/checkpoints", &[JSON], commit.to_string(), (400, "DIS.4702")).await;
    }
    for client in ["%0a", "%7f", &"c".repeat(256)] {
        for call in ["/partitions", "/heartbeats"] {
            let what = format!("POST /v2/p1/apps/g/consumers/{client}{call}");
            check(&server, &what, &[JSON], generation.to_string(), (400, "DIS.4200")).await;
        }
    }
    let beat = server.p1("POST /v2/p1/apps/g/consumers/c/heartbeats", &generation).await.json();
    assert_eq!(beat, json!({ "state": "STABLE" }), "the member is what it was");
}
