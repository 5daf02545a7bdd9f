//! Input that no client should send: always a 4xx with a JSON body, never worse.

use axum::body::Body;
use http::Request;
use millpond_http_api::{ROUTES, Route};
use serde_json::json;

use crate::harness::{Server, Setup};

/// Values for every parameter of every path.
const NAMES: [&str; 9] =
    ["%00", "%ff%fe", "..", "%2e%2e%2f", "a%20b", "%E2%80%AE", "null", "-1", "0x7fffffffffffffff0"];

/// Bodies for every route that takes one.
fn bodies() -> Vec<Vec<u8>> {
    let deep =
        |open: &str, close: &str, levels: usize| format!("{}{}", open.repeat(levels), close.repeat(levels));
    let texts = [
        String::new(),
        " \r\n\t".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"text\"".to_owned(),
        "1e999".to_owned(),
        "{".to_owned(),
        "{\"a\":1,}".to_owned(),
        "{\"stream_name\":{},\"app_name\":[],\"records\":7}".to_owned(),
        "{\"stream_name\":\"\\ud800\"}".to_owned(),
        "{\"stream_name\":true,\"partition_count\":1.5,\"target_partition_count\":\"x\"}".to_owned(),
        format!("{{\"partition_count\":{}}}", "9".repeat(400)),
        format!("{{\"stream_name\":\"{}\"}}", "s".repeat(100_000)),
        deep("[", "]", 100_000),
        deep("{\"a\":", "}", 50_000),
        format!("{{\"unknown\":{}}}", deep("[", "]", 100_000)),
        "\u{feff}{}".to_owned(),
    ];
    let mut bodies: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    bodies.push(b"{\"stream_name\":\"\xff\xfe\"}".to_vec());
    bodies.push(vec![0; 1000]);
    bodies.push((0..=255).collect());
    bodies
}

/// Queries for every route.
fn queries() -> Vec<String> {
    let names = [
        "limit",
        "stream_id",
        "stream-name",
        "app_name",
        "partition-id",
        "partition_id",
        "cursor-type",
        "starting-sequence-number",
        "timestamp",
        "partition-cursor",
        "max_fetch_bytes",
        "start_partitionId",
        "start_partition_id",
        "checkpoint_type",
        "limit_partitions",
    ];
    let values = [
        "-1",
        "x",
        "%ff",
        "%00",
        "9223372036854775808",
        "1e3",
        "%",
        "%zz",
        "+",
        "\u{fe0f}",
        "{}",
        "null",
        "eyJnZXRJdGVyYXRvclBhcmFtIjp7fX0",
        "====",
    ];
    let all = |value: &str| names.map(|name| format!("{name}={value}")).join("&");
    let mut queries: Vec<String> = values.iter().map(|value| all(value)).collect();
    queries.extend([
        "&".repeat(1000),
        "=".repeat(500),
        "a=1&".repeat(5000),
        format!("a={}", "x".repeat(20_000)),
    ]);
    queries
}

async fn check(server: &Server, route: &Route, target: &str, body: Vec<u8>) {
    // What is not a URI never gets past the HTTP library.
    let Ok(request) = Request::builder().method(&route.method).uri(target).body(Body::from(body.clone()))
    else {
        return;
    };
    let reply = server.send(request).await;
    let shown = String::from_utf8_lossy(body.get(..60).unwrap_or(&body)).into_owned();
    let target = target.get(..200).unwrap_or(target);
    assert!(reply.status.as_u16() < 500, "{route:?} {target} {shown}: {reply:?}");
    if !reply.status.is_success() {
        assert!(reply.code().starts_with("DIS.4"), "{route:?} {target} {shown}: {reply:?}");
        assert!(reply.body.len() < 2000, "{route:?} {target}: an answer repeats too much");
    }
}

fn path(route: &Route, value: &str) -> String {
    let segment = |segment: &str| match segment {
        "{project_id}" => "p1".to_owned(),
        _ if segment.starts_with('{') => value.to_owned(),
        _ => segment.to_owned(),
    };
    route.path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn no_input_is_answered_worse_than_with_4xx() {
    let server = Setup::anonymous().open().await;
    for route in ROUTES {
        for name in NAMES {
            check(&server, route, &path(route, name), b"{}".to_vec()).await;
        }
        for query in queries() {
            check(&server, route, &format!("{}?{query}", path(route, "s")), Vec::new()).await;
        }
        if route.method != http::Method::GET {
            for body in bodies() {
                check(&server, route, &path(route, "s"), body).await;
            }
        }
    }
}

#[tokio::test]
async fn many_records_are_answered_in_order() {
    let server = Setup::anonymous().open().await;
    server.p1("POST /v2/p1/streams", &json!({ "stream_name": "s", "partition_count": 3 })).await;
    let records: Vec<_> = (0..100_000)
        .map(|i| if i % 2 == 0 { json!({ "data": "" }) } else { json!({ "data": "", "partition_id": "x" }) })
        .collect();
    let reply = server.p1("POST /v2/p1/records", &json!({ "stream_name": "s", "records": records })).await;
    let answer = reply.json();
    assert_eq!(answer["failed_record_count"], 50_000);
    let results = answer["records"].as_array().unwrap();
    assert_eq!(results.len(), 100_000);
    for (i, result) in results.iter().enumerate() {
        assert_eq!(result["error_code"].is_null(), i % 2 == 0, "{i}: {result}");
    }
}

#[tokio::test]
async fn records_that_are_too_large_are_refused_alone() {
    let server = Setup::anonymous().open().await;
    server.p1("POST /v2/p1/streams", &json!({ "stream_name": "s", "partition_count": 1 })).await;
    let mebibyte = "QUFB".repeat(349_525) + "QQ=="; // 1048576 bytes
    let records = json!([
        { "data": mebibyte },
        { "data": format!("QUFB{mebibyte}") },
        { "data": "", "partition_key": "k".repeat(256) },
        { "data": "", "partition_key": "k".repeat(257) },
    ]);
    let reply = server.p1("POST /v2/p1/records", &json!({ "stream_name": "s", "records": records })).await;
    let answer = reply.json();
    let codes: Vec<_> =
        answer["records"].as_array().unwrap().iter().map(|entry| entry["error_code"].as_str()).collect();
    assert_eq!(codes, [None, Some("DIS.4200"), None, Some("DIS.4200")], "{answer}");
    // And what was taken comes back whole.
    let cursor = server.p1("GET /v2/p1/cursors?stream-name=s&partition-id=0", &json!(null)).await.json();
    let cursor = cursor["partition_cursor"].as_str().unwrap();
    let read = server.p1(&format!("GET /v2/p1/records?partition-cursor={cursor}"), &json!(null)).await.json();
    assert_eq!(read["records"][0]["data"], mebibyte);
    assert_eq!(read["records"][1]["partition_key"], "k".repeat(256));
}
