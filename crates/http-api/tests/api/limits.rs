//! The checklist of spec/13 §10, and what requests meet where an operator limits something. Automatic
//! scaling and pages of partitions have their tests elsewhere.

use std::{net::SocketAddr, time::Duration};

use axum::extract::ConnectInfo;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use millpond_http_api::AuthBlock;
use millpond_service::{FlowSettings, Throughput};
use serde_json::{Value, json};

use crate::harness::{Reply, Server, Setup, request};

/// What the profile `cloud` limits of flow.
fn cloud() -> Setup {
    let mut setup = Setup::default();
    let (common, advanced) = (Throughput::COMMON, Throughput::ADVANCED);
    setup.limits.flow = FlowSettings { common, advanced, ..FlowSettings::default() };
    setup
}

fn record(partition: u32, data: &str) -> Value {
    json!({ "data": STANDARD.encode(data), "partition_id": partition.to_string() })
}

impl Server {
    async fn create(&self, name: &str, partitions: u32) {
        let body = json!({ "stream_name": name, "partition_count": partitions });
        assert_eq!(self.p1("POST /v2/p1/streams", &body).await.status, 201);
    }

    /// Puts records; always 200.
    async fn put(&self, records: &[Value]) -> Value {
        let reply = self.p1("POST /v2/p1/records", &json!({ "stream_name": "s", "records": records })).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    async fn cursor(&self, partition: u32) -> String {
        let what =
            format!("GET /v2/p1/cursors?stream-name=s&partition-id={partition}&cursor-type=TRIM_HORIZON");
        self.p1(&what, &Value::Null).await.json()["partition_cursor"].as_str().unwrap().to_owned()
    }

    async fn get(&self, cursor: &str) -> Reply {
        self.p1(&format!("GET /v2/p1/records?partition-cursor={cursor}"), &Value::Null).await
    }

    /// The data of the records of a partition.
    async fn all(&self, partition: u32) -> Vec<String> {
        let (mut cursor, mut all) = (self.cursor(partition).await, Vec::new());
        loop {
            let page = self.get(&cursor).await.json();
            let records = page["records"].as_array().unwrap();
            if records.is_empty() {
                return all;
            }
            let data = |record: &Value| STANDARD.decode(record["data"].as_str().unwrap()).unwrap();
            all.extend(records.iter().map(|record| String::from_utf8(data(record)).unwrap()));
            page["next_partition_cursor"].as_str().unwrap().clone_into(&mut cursor);
        }
    }

    /// The sum of a metric of the stream within the last minutes.
    async fn metric(&self, label: &str) -> i64 {
        let now = millpond_engine::Clock::now(&*self.clock).as_millis() / 1000;
        let (start, end) = (now - 600, now + 60);
        let what = format!("GET /v2/p1/streams/s/metrics?label={label}&start_time={start}&end_time={end}");
        let points = self.p1(&what, &Value::Null).await.json()["metrics"]["dataPoints"].clone();
        points.as_array().unwrap().iter().map(|point| point["value"].as_i64().unwrap()).sum()
    }

    /// A request for the project `p1` from an address.
    async fn from(&self, address: &str, token: &str) -> Reply {
        let mut request: Request<_> = request("GET /v2/p1/streams", &[("x-auth-token", token)], "");
        let peer: SocketAddr = format!("{address}:40000").parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        self.send(request).await
    }
}

/// What became of the records: the number of those taken, and the entries of the others.
fn refused(answer: &Value) -> (usize, Vec<Value>) {
    let entries = answer["records"].as_array().unwrap();
    let refused: Vec<Value> =
        entries.iter().filter(|entry| entry.get("error_code").is_some()).cloned().collect();
    assert_eq!(answer["failed_record_count"], refused.len());
    (entries.len() - refused.len(), refused)
}

#[tokio::test]
async fn checklist_1_of_1500_records_in_a_second_1000_are_taken() {
    let server = cloud().open().await;
    server.create("s", 1).await;
    let records: Vec<Value> = (0..1500).map(|n| record(0, &n.to_string())).collect();
    // In requests as stock producers send them, and all within one second.
    let (mut taken, mut left) = (0, Vec::new());
    for batch in records.chunks(300) {
        let answer = server.put(batch).await;
        let (number, others) = refused(&answer);
        taken += number;
        for other in others {
            assert_eq!(
                other,
                json!({ "error_code": "DIS.4303", "error_message": "Exceeded traffic control limit." })
            );
        }
        let entries = answer["records"].as_array().unwrap().iter().zip(batch);
        left.extend(entries.filter(|(entry, _)| entry["error_code"].is_string()).map(|(_, one)| one.clone()));
    }
    assert_eq!((taken, left.len()), (1000, 500));
    assert_eq!(server.metric("traffic_control_put").await, 2, "requests of which something was refused");
    // A stock producer sends the refused ones again, and is done half a second later.
    assert_eq!(refused(&server.put(&left).await).0, 0);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(refused(&server.put(&left).await), (500, vec![]));
    let expected: Vec<String> = (0..1500).map(|n| n.to_string()).collect();
    assert_eq!(server.all(0).await, expected);
    let metrics = server.call("GET /metrics", &[], "").await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(text.contains("millpond_throttled_total{reason=\"rate\"} 1000"), "{text}");
}

#[tokio::test]
async fn checklist_2_the_order_within_a_partition_is_kept() {
    let mut setup = cloud();
    setup.limits.flow.common.put_records = Some(10);
    let server = setup.open().await;
    server.create("s", 2).await;
    let mut left: Vec<Value> = (0..50).map(|n| record(n % 2, &format!("{n:02}"))).collect();
    let mut turns = 0;
    while !left.is_empty() {
        let answer = server.put(&left).await;
        let entries = answer["records"].as_array().unwrap().iter();
        let again = entries.zip(&left).filter(|(entry, _)| entry["error_code"].is_string());
        left = again.map(|(_, record)| record.clone()).collect();
        server.clock.advance(Duration::from_secs(1));
        turns += 1;
    }
    assert_eq!(turns, 3, "10, 10 and 5 of each partition");
    for partition in 0..2 {
        let all = server.all(partition).await;
        assert!(all.len() == 25 && all.is_sorted(), "{all:?}");
    }
}

#[tokio::test]
async fn checklist_3_a_record_has_a_megabyte() {
    for setup in [Setup::default(), cloud()] {
        let server = setup.open().await;
        server.create("s", 1).await;
        let sized = |size: usize| record(0, &"x".repeat(size));
        let answer = server.put(&[sized(1 << 20), sized((1 << 20) + 1), sized(1)]).await;
        let (taken, others) = refused(&answer);
        assert_eq!((taken, others.len()), (2, 1));
        assert_eq!(others[0]["error_code"], "DIS.4200");
        assert!(others[0]["error_message"].as_str().unwrap().contains("at most 1048576 bytes"), "{others:?}");
        assert_eq!(answer["records"][2]["sequence_number"], "1");
    }
}

#[tokio::test]
async fn checklist_4_a_cursor_lives_five_minutes() {
    let server = cloud().open().await;
    server.create("s", 1).await;
    let cursor = server.cursor(0).await;
    server.clock.advance(Duration::from_mins(5));
    assert_eq!(server.get(&cursor).await.status, 200);
    server.clock.advance(Duration::from_millis(1));
    let reply = server.get(&cursor).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "DIS.4225"));
    assert_eq!(reply.json()["message"], "Expired partition cursor. [Cursors live 5 minutes. Get a new one]");
}

#[tokio::test]
async fn checklist_6_a_scaling_names_its_target() {
    let server = cloud().open().await;
    server.create("s", 1).await;
    let reply = server.p1("PUT /v2/p1/streams/s", &json!({ "data_duration": 48 })).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "DIS.4200"));
    assert_eq!(reply.json()["message"], "Invalid request. [Invalid target_partition_count null.]");
}

#[tokio::test]
async fn checklist_8_a_fresh_app_has_a_state_in_each_partition() {
    let server = cloud().open().await;
    server.create("s", 3).await;
    assert_eq!(server.p1("POST /v2/p1/apps", &json!({ "app_name": "a" })).await.status, 201);
    let state = server.p1("GET /v2/p1/apps/a/streams/s", &Value::Null).await.json();
    let states = state["partition_consuming_states"].as_array().unwrap();
    assert_eq!(states.len(), 3);
    for state in states {
        assert_eq!(state["sequence_number"], "-1", "{state}");
    }
}

#[tokio::test]
async fn reads_above_the_rate_are_refused_until_they_are_paid_for() {
    let mut setup = cloud();
    setup.limits.flow.common.get_bytes = Some(100);
    let server = setup.open().await;
    server.create("s", 1).await;
    server.put(&[record(0, &"x".repeat(150))]).await;
    let cursor = server.cursor(0).await;
    assert_eq!(server.get(&cursor).await.status, 200);
    let reply = server.get(&cursor).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "DIS.4303"));
    assert_eq!(reply.json()["message"], "Exceeded traffic control limit.");
    assert_eq!(reply.header("retry-after"), None);
    assert_eq!(server.metric("traffic_control_get").await, 1);
    server.clock.advance(Duration::from_millis(501));
    assert_eq!(server.get(&cursor).await.status, 200);
}

#[tokio::test]
async fn a_request_that_brings_too_much_is_refused_as_a_whole() {
    let mut setup = Setup::default();
    setup.limits.flow.common.request_bytes = Some(100);
    setup.limits.limits.request_records = Some(10);
    let server = setup.open().await;
    server.create("s", 1).await;
    let check = async |count: usize, size: usize, expected: &str| {
        let records = vec![record(0, &"x".repeat(size)); count];
        let reply =
            server.p1("POST /v2/p1/records", &json!({ "stream_name": "s", "records": records })).await;
        let message =
            if reply.code().is_empty() { String::new() } else { reply.json()["message"].to_string() };
        assert!(message.contains(expected) && message.is_empty() == expected.is_empty(), "{message}");
    };
    check(10, 10, "").await;
    check(2, 51, "Invalid records. Expected: at most 100 bytes of data in a request.").await;
    check(11, 1, "Invalid records. Expected: at most 10 in a request.").await;
}

#[tokio::test]
async fn a_project_has_a_rate_of_requests() {
    let mut setup = Setup::default();
    setup.settings.project_requests_per_second = Some(2);
    let server = setup.open().await;
    let list = async || server.p1("GET /v2/p1/streams", &Value::Null).await;
    assert_eq!((list().await.status.as_u16(), list().await.status.as_u16()), (200, 200));
    let reply = list().await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, Some("1")));
    assert_eq!(reply.code(), "DIS.4303");
    let other = server.call("GET /v2/p2/streams", &[("x-auth-token", "token-p2")], "").await;
    assert_eq!(other.status, 200, "another project has its own");
    assert_eq!(server.call("GET /v2/p1/streams", &[("x-auth-token", "none")], "").await.status, 401);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!((list().await.status.as_u16(), list().await.status.as_u16()), (200, 429));
}

#[tokio::test]
async fn an_address_that_keeps_failing_is_blocked() {
    let mut setup = Setup::default();
    setup.settings.auth_block = Some(AuthBlock { failures: 3, time: Duration::from_mins(30) });
    let server = setup.open().await;
    let check = async |address: &str, token: &str, status: u16, code: &str| {
        let reply = server.from(address, token).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{address} {token}");
    };
    // What succeeds in between makes up for what failed.
    for token in ["wrong", "wrong", "token-p1", "wrong", "wrong", "wrong"] {
        let (status, code) = if token == "wrong" { (401, "DIS.4114") } else { (200, "") };
        check("192.0.2.1", token, status, code).await;
    }
    check("192.0.2.1", "token-p1", 400, "DIS.4309").await;
    check("192.0.2.2", "token-p1", 200, "").await;
    let message = server.from("192.0.2.1", "token-p1").await.json()["message"].clone();
    assert_eq!(message, "Too many request failures. Please try again later.");
    assert_eq!(server.call("GET /healthz", &[], "").await.status, 200);
    server.clock.advance(Duration::from_mins(30) - Duration::from_millis(1));
    check("192.0.2.1", "token-p1", 400, "DIS.4309").await;
    server.clock.advance(Duration::from_millis(1));
    check("192.0.2.1", "token-p1", 200, "").await;
}

#[tokio::test]
async fn what_needs_no_credentials_makes_up_for_nothing() {
    let mut setup = Setup::default();
    setup.settings.auth_block = Some(AuthBlock { failures: 2, time: Duration::from_mins(30) });
    let server = setup.open().await;
    for _ in 0..2 {
        assert_eq!(server.from("192.0.2.1", "wrong").await.status, 401);
        let mut open = request("GET /healthz", &[], "");
        open.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))));
        assert_eq!(server.send(open).await.status, 200);
    }
    assert_eq!(server.from("192.0.2.1", "token-p1").await.code(), "DIS.4309");
}

/// Every limit of requests below its default.
fn narrow() -> Setup {
    let mut setup = Setup::default();
    let limits = &mut setup.limits.limits;
    limits.stream_name_chars = 5;
    limits.app_name_chars = 3;
    limits.record_bytes = 8;
    limits.partition_key_chars = 4;
    limits.metadata_chars = 2;
    limits.cursor_chars = 450;
    limits.cursor_life = Duration::from_secs(90);
    (limits.retention.min, limits.retention.max, limits.retention.default) = (24, 72, 48);
    limits.stream_tags = 1;
    limits.stream_tasks = 1;
    limits.metrics_period = Duration::from_hours(1);
    limits.tasks.interval_seconds_min = 60;
    limits.tasks.interval_seconds_max = 120;
    limits.tasks.file_megabytes_max = 5;
    limits.tasks.retry_seconds_max = 10;
    for page in [
        &mut limits.streams_page,
        &mut limits.apps_page,
        &mut limits.partitions_page,
        &mut limits.consumption_page,
        &mut limits.found_page,
    ] {
        (page.default, page.max) = (1, 2);
    }
    setup
}

impl Server {
    /// Asks; the answer has this code, empty for a success, and contains the part.
    async fn check(&self, what: &str, body: Value, code: &str, part: &str) {
        let reply = self.p1(what, &body).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(reply.code(), code, "{what} {body}: {text}");
        assert!(text.contains(part), "{what} {body}: {text}");
    }
}

#[tokio::test]
async fn names_and_retention_are_as_the_operator_chose() {
    let server = narrow().open().await;
    let streams = "POST /v2/p1/streams";
    let stream =
        |name: &str, hours: u32| json!({ "stream_name": name, "partition_count": 3, "data_duration": hours });
    server.check(streams, stream("six666", 24), "DIS.4200", "1 to 5 of").await;
    server.check(streams, stream("five5", 23), "DIS.4200", "Expected: 24 to 72 hours").await;
    server.check(streams, stream("five5", 73), "DIS.4200", "Expected: 24 to 72 hours").await;
    server.check(streams, stream("five5", 0), "", "").await;
    server.check("GET /v2/p1/streams/five5", Value::Null, "", r#""retention_period":48"#).await;
    let hours = json!({ "data_duration": 12 });
    server.check("PUT /v3/p1/streams/five5", hours, "DIS.4200", "24 to 72 hours").await;
    server.check("POST /v2/p1/apps", json!({ "app_name": "four" }), "DIS.4200", "1 to 3 of").await;
    server.check("POST /v2/p1/apps", json!({ "app_name": "thr" }), "", "").await;
}

#[tokio::test]
async fn records_cursors_and_metadata_are_as_the_operator_chose() {
    let server = narrow().open().await;
    server.create("s", 1).await;
    assert_eq!(server.p1("POST /v2/p1/apps", &json!({ "app_name": "a" })).await.status, 201);
    let put = |record: Value| json!({ "stream_name": "s", "records": [record] });
    let records = "POST /v2/p1/records";
    server.check(records, put(record(0, "123456789")), "", "Expected: at most 8 bytes").await;
    let key = put(json!({ "data": "", "partition_key": "abcde" }));
    server.check(records, key, "", "Expected: at most 4 characters").await;
    server.check(records, put(record(0, "12345678")), "", r#""failed_record_count":0"#).await;
    let commit = |metadata: &str| {
        json!({ "stream_name": "s", "app_name": "a", "partition_id": "0", "sequence_number": "0",
            "metadata": metadata })
    };
    let checkpoints = "POST /v2/p1/checkpoints";
    server.check(checkpoints, commit("abc"), "DIS.4200", "at most 2 characters").await;
    server.check(checkpoints, commit("ab"), "", "").await;
    let get = |cursor: &str| format!("GET /v2/p1/records?partition-cursor={cursor}");
    server.check(&get(&"x".repeat(451)), Value::Null, "DIS.4217", "").await;
    let cursor = server.cursor(0).await;
    server.clock.advance(Duration::from_secs(90));
    server.check(&get(&cursor), Value::Null, "", "").await;
    server.clock.advance(Duration::from_millis(1));
    server.check(&get(&cursor), Value::Null, "DIS.4225", "Cursors live 90 seconds").await;
}

#[tokio::test]
async fn tags_tasks_and_metrics_are_as_the_operator_chose() {
    let server = narrow().open().await;
    server.create("s", 1).await;
    let two = json!([{ "key": "a", "value": "v" }, { "key": "b", "value": "v" }]);
    let stream = json!({ "stream_name": "u", "partition_count": 1, "tags": two });
    server.check("POST /v2/p1/streams", stream, "DIS.4601", "").await;
    let tag = |key: &str| json!({ "tag": { "key": key, "value": "v" } });
    server.check("POST /v2/p1/stream/s/tags", tag("a"), "", "").await;
    server.check("POST /v2/p1/stream/s/tags", tag("b"), "DIS.4601", "").await;
    server.check("POST /v2/p1/stream/s/tags", tag("a"), "", "").await;
    let task = |name: &str, member: &str, value: u32| {
        let mut descriptor = json!({ "task_name": name, "agency_name": "x", "obs_bucket_path": "b" });
        descriptor[member] = json!(value);
        json!({ "destination_type": "OBS", "obs_destination_descriptor": descriptor })
    };
    let tasks = "POST /v2/p1/streams/s/transfer-tasks";
    server.check(tasks, task("x", "deliver_time_interval", 59), "DIS.4200", "60 to 120").await;
    server.check(tasks, task("x", "deliver_time_interval", 121), "DIS.4200", "60 to 120").await;
    server.check(tasks, task("x", "deliver_size_interval", 6), "DIS.4200", "1 to 5").await;
    server.check(tasks, task("x", "retry_duration", 11), "DIS.4200", "0 to 10").await;
    server.check(tasks, task("x", "retry_duration", 10), "", "").await;
    server.check(tasks, task("y", "retry_duration", 10), "DIS.4357", "").await;
    server.check("GET /v2/p1/streams/s/transfer-tasks", Value::Null, "", r#""quota":1"#).await;
    let now = millpond_engine::Clock::now(&*server.clock).as_millis() / 1000;
    let metrics = |seconds: i64| {
        let (label, start) = ("total_put_bytes_per_stream", now - seconds);
        format!("GET /v2/p1/streams/s/metrics?label={label}&start_time={start}&end_time={now}")
    };
    server.check(&metrics(3600), Value::Null, "", "").await;
    server.check(&metrics(3601), Value::Null, "DIS.4204", "cannot be longer than 1 h").await;
}

#[tokio::test]
async fn pages_are_as_long_as_the_operator_chose() {
    let server = narrow().open().await;
    for name in ["s", "t", "u"] {
        server.create(name, 3).await;
        assert_eq!(server.p1("POST /v2/p1/apps", &json!({ "app_name": name })).await.status, 201);
    }
    for (limit, length) in [("", 1), ("2", 2), ("3", 2)] {
        for (what, list) in [
            ("GET /v2/p1/streams?limit", "stream_names"),
            ("GET /v2/p1/apps?limit", "apps"),
            ("GET /v2/p1/streams/s?limit_partitions", "partitions"),
            ("GET /v2/p1/apps/s/streams/s?limit", "partition_consuming_states"),
        ] {
            let reply = server.p1(&format!("{what}={limit}"), &Value::Null).await.json();
            assert_eq!(reply[list].as_array().unwrap().len(), length, "{what} {limit}: {reply}");
        }
        let body = json!({ "action": "filter", "limit": limit });
        let found = server.p1("POST /v2/p1/stream/resource_instances/action", &body).await.json();
        assert_eq!(found["resources"].as_array().unwrap().len(), length, "{limit}: {found}");
    }
}

#[tokio::test]
async fn larger_records_pass_where_the_operator_allows_them() {
    let mut setup = Setup::default();
    setup.limits.limits.record_bytes = 4 << 20;
    setup.limits.limits.stream_tags = 12;
    setup.limits.limits.retention.max = 8760;
    let server = setup.open().await;
    let tags: Vec<_> = (0..12).map(|n| json!({ "key": format!("k{n}"), "value": "v" })).collect();
    let body = json!({ "stream_name": "s", "partition_count": 1, "data_duration": 8760, "tags": tags });
    assert_eq!(server.p1("POST /v2/p1/streams", &body).await.status, 201);
    let data = "x".repeat(4 << 20);
    assert_eq!(refused(&server.put(&[record(0, &data)]).await).0, 1);
    assert_eq!(server.all(0).await, [data]);
}

#[tokio::test]
async fn scalings_by_request_are_counted_by_the_hour() {
    let mut setup = Setup::default();
    setup.limits.scaling_rate.ups_per_hour = Some(10);
    setup.limits.scaling_rate.downs_per_hour = Some(1);
    let server = setup.open().await;
    server.create("s", 1).await;
    let scale = async |target: u32| {
        let reply = server.p1("PUT /v2/p1/streams/s", &json!({ "target_partition_count": target })).await;
        server.clock.advance(Duration::from_secs(1));
        reply.code()
    };
    for target in 2..=11 {
        assert_eq!(scale(target).await, "", "{target}");
    }
    assert_eq!(scale(12).await, "DIS.4300");
    assert_eq!((scale(5).await, scale(4).await), (String::new(), "DIS.4300".to_owned()));
    assert_eq!(scale(5).await, "", "what is as asked is no change");
    server.clock.advance(Duration::from_hours(1));
    assert_eq!((scale(4).await, scale(9).await), (String::new(), String::new()));
}
