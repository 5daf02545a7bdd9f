//! Nobody reaches what is another project's. Every route of the table is tried with every way of being
//! somebody else; a route without a row here fails the test.

use axum::body::Body;
use http::StatusCode;
use millpond_http_api::{ROUTES, Route};
use serde_json::{Value, json};

use crate::harness::{Reply, Server, Setup};

/// The routes that act for a project. Those of the identity API tell a caller about itself only, and are
/// tried in `identity.rs`.
fn api_routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| !route.is_open() && !route.is_identity())
}

/// What a route is asked with: its query and body, where `{stream}`, `{stream_id}`, `{app}` and
/// `{cursor}` stand for things of a project.
fn question(operation: &str) -> Option<(&'static str, Value)> {
    let named = "?stream_name={stream}&app_name={app}&partition_id=0";
    Some(match operation {
        "create_stream" => ("", json!({ "stream_name": "new", "partition_count": 1 })),
        "list_streams" | "describe_stream" | "get_consuming_state" => ("?stream_id={stream_id}", Value::Null),
        "update_stream" => ("", json!({ "data_duration": 30 })),
        "change_partition_count" => ("", json!({ "target_partition_count": 2 })),
        "update_stream_attributes" => ("", json!({ "data_type": "JSON" })),
        "delete_stream"
        | "delete_app"
        | "describe_app"
        | "get_scaling_log"
        | "leave_group"
        | "list_transfer_tasks"
        | "describe_transfer_task"
        | "delete_transfer_task"
        | "list_project_tags"
        | "list_quotas"
        | "list_stream_tags"
        | "delete_tag"
        | "list_policies" => ("", Value::Null),
        "put_records" => {
            let records = json!([{ "data": "YQ==", "partition_id": "0" }]);
            ("", json!({ "stream_name": "{stream}", "stream_id": "{stream_id}", "records": records }))
        }
        "get_records" => ("?partition-cursor={cursor}", Value::Null),
        "get_file_state" => ("?stream-name={stream}&file-name=f", Value::Null),
        "get_cursor" => ("?stream-name={stream}&stream-id={stream_id}&partition-id=0", Value::Null),
        "create_app" => ("", json!({ "app_name": "new" })),
        "list_apps" => ("?stream_name={stream}", Value::Null),
        "commit_checkpoint" => (
            "",
            json!({
                "stream_name": "{stream}", "stream_id": "{stream_id}", "app_name": "{app}",
                "partition_id": "0", "sequence_number": "0",
            }),
        ),
        "get_checkpoint" | "delete_checkpoints" => (named, Value::Null),
        "create_transfer_task" => ("", described_task("new")),
        "update_transfer_task" => ("", described_task("task")),
        "batch_transfer_tasks" => ("", json!({ "action": "stop", "tasks": [{ "id": "task" }] })),
        "find_streams_by_tag" => ("", json!({ "action": "filter" })),
        "create_tag" => ("", json!({ "tag": { "key": "k", "value": "v" } })),
        "batch_tags" => ("", json!({ "action": "create", "tags": [{ "key": "k" }] })),
        "get_stream_metrics" => {
            ("?label=total_put_bytes_per_stream&start_time=1700000000&end_time=1700000000", Value::Null)
        }
        "get_partition_metrics" => {
            ("?label=total_put_bytes_per_partition&start_time=1700000000&end_time=1700000000", Value::Null)
        }
        "add_policy" | "delete_policies" => {
            ("", json!({ "stream_id": "{stream_id}", "principal_name": "p1", "action_type": "putRecords" }))
        }
        "join_group" => ("", json!({ "clientId": "c", "interestedStreamIdList": ["{stream_id}"] })),
        "sync_group" | "heartbeat" => ("", json!({ "clientId": "c", "generation": -1 })),
        "get_transfer_task_log" | "list_buckets" => ("", json!({})),
        "infer_schema" => ("", json!({ "source_data_sample": "{}" })),
        _ => return None,
    })
}

/// A transfer task of a name. Everything that a path calls `{task}` is called `task`.
fn described_task(name: &str) -> Value {
    json!({ "obs_destination_descriptor": { "task_name": name, "obs_bucket_path": "b" } })
}

/// Operations that name nothing that exists, so that there is nothing of others to reach.
fn names_nothing(operation: &str) -> bool {
    let of_the_project =
        matches!(operation, "list_project_tags" | "find_streams_by_tag" | "list_buckets" | "infer_schema");
    of_the_project
        || matches!(
            operation,
            "create_stream" | "create_app" | "get_file_state" | "list_apps" | "list_quotas"
        )
}

/// Whether the question names a stream by its id on a route that a rule of its owner may open
/// (spec/12 §5), so that without one the caller is told that it is denied.
fn asks_for_shared(operation: &str, by_id: bool) -> bool {
    match operation {
        "list_streams"
        | "describe_stream"
        | "put_records"
        | "get_cursor"
        | "commit_checkpoint"
        | "get_consuming_state" => true,
        "get_checkpoint" | "delete_checkpoints" | "get_scaling_log" => by_id,
        _ => false,
    }
}

/// Whether the question is about the rules of a stream named by its id: only its owner may see them.
fn asks_for_rules(operation: &str, by_id: bool) -> bool {
    by_id && matches!(operation, "add_policy" | "list_policies" | "delete_policies")
}

/// What those are told who ask for what does not exist for them.
const HIDDEN: [&str; 6] = ["DIS.4301", "DIS.4332", "DIS.4217", "DIS.4200", "DIS.4354", "DIS.4603"];

/// Operations that tell in a success that there is no such group (spec/07 §1).
fn tells_in_a_state(operation: &str, reply: &Reply) -> bool {
    match operation {
        "join_group" | "sync_group" | "heartbeat" => reply.json()["state"] == "GROUP_NOT_EXIST",
        "leave_group" => reply.status == StatusCode::NO_CONTENT,
        _ => false,
    }
}

/// Operations that name a stream and an app.
fn names_both(operation: &str) -> bool {
    matches!(operation, "get_consuming_state" | "commit_checkpoint" | "get_checkpoint" | "delete_checkpoints")
}

/// An answer repeats of another project at most what the request said itself.
fn check_tells_nothing(asked: &(String, String), reply: &Reply, theirs: &Things) {
    let text = String::from_utf8_lossy(&reply.body);
    for known in [&*theirs.stream_id, &*theirs.app_id, theirs.stream, theirs.app] {
        let said = asked.0.contains(known) || asked.1.contains(known);
        assert!(said || !text.contains(known), "{asked:?}: {text}");
    }
}

/// Things of one project.
#[derive(Clone)]
struct Things {
    stream: &'static str,
    app: &'static str,
    stream_id: String,
    app_id: String,
    task_id: String,
    cursor: String,
}

async fn make(server: &Server, project: &str, stream: &'static str, app: &'static str) -> Things {
    let token = format!("token-{project}");
    let headers = [("x-auth-token", token.as_str())];
    let create = json!({ "stream_name": stream, "partition_count": 1 }).to_string();
    let ok = server.call(&format!("POST /v2/{project}/streams"), &headers, create).await;
    assert_eq!(ok.status, StatusCode::CREATED);
    let records = json!({ "stream_name": stream, "records": [{ "data": "c2VjcmV0", "partition_key": "k" }] });
    let ok = server.call(&format!("POST /v2/{project}/records"), &headers, records.to_string()).await;
    assert_eq!(ok.json()["failed_record_count"], 0);
    let create = described_task("task").to_string();
    let path = format!("POST /v2/{project}/streams/{stream}/transfer-tasks");
    assert_eq!(server.call(&path, &headers, create).await.status, StatusCode::CREATED);
    let create = json!({ "app_name": app }).to_string();
    server.call(&format!("POST /v2/{project}/apps"), &headers, create).await;
    let tag = json!({ "tag": { "key": "key", "value": stream } }).to_string();
    let ok = server.call(&format!("POST /v2/{project}/stream/{stream}/tags"), &headers, tag).await;
    assert_eq!(ok.status, StatusCode::NO_CONTENT);
    let get = async |path: &str, member: &str| {
        let reply = server.call(&format!("GET /v2/{project}/{path}"), &headers, Body::empty()).await;
        reply.json()[member].as_str().unwrap().to_owned()
    };
    let cursor = format!("cursors?stream-name={stream}&partition-id=0");
    Things {
        stream,
        app,
        stream_id: get(&format!("streams/{stream}"), "stream_id").await,
        app_id: get(&format!("apps/{app}"), "app_id").await,
        task_id: get(&format!("streams/{stream}/transfer-tasks/task"), "task_id").await,
        cursor: get(&cursor, "partition_cursor").await,
    }
}

impl Things {
    /// A request of a route for these things in this project; `by_id` names them by their ids.
    fn ask(&self, route: &Route, project: &str, by_id: bool) -> (String, String) {
        let (query, body) =
            question(route.operation).unwrap_or_else(|| panic!("{route:?} has no row in the isolation test"));
        let stream = if by_id { self.stream_id.as_str() } else { self.stream };
        let app = if by_id { self.app_id.as_str() } else { self.app };
        let fill = |text: &str| {
            text.replace("{project_id}", project)
                .replace("{stream}", stream)
                .replace("{stream_id}", &self.stream_id)
                .replace("{app}", app)
                .replace("{group}", app)
                .replace("{resource}", "stream")
                .replace("{cursor}", &self.cursor)
                .replace("transfertasklog/{task}", &format!("transfertasklog/{}", self.task_id))
                .replace("{partition}", "0")
                .replace(['{', '}'], "")
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let body = ["{stream}", "{stream_id}", "{app}"]
            .iter()
            .fold(body, |body, name| body.replace(name, &fill(name)));
        (format!("{} {}{}", route.method, fill(route.path), fill(query)), body)
    }
}

/// What the owner sees of these things: nothing that others do may change it.
async fn seen(server: &Server, project: &str, things: &Things) -> Vec<Value> {
    let token = format!("token-{project}");
    let mut seen = Vec::new();
    for path in [
        "streams?limit=100".to_owned(),
        format!("streams/{}", things.stream),
        "apps?limit=100".to_owned(),
        format!("apps/{}/streams/{}", things.app, things.stream),
        format!("streams/{}/transfer-tasks/task", things.stream),
        format!("streams/{}/policies", things.stream),
        "stream/tags".to_owned(),
    ] {
        let what = format!("GET /v2/{project}/{path}");
        seen.push(server.call(&what, &[("x-auth-token", &token)], Body::empty()).await.json());
    }
    seen
}

async fn send(server: &Server, (what, body): (String, String), token: Option<&str>) -> Reply {
    let header = token.map(|token| ("x-auth-token", token));
    server.call(&what, header.as_slice(), body).await
}

#[tokio::test]
async fn nobody_reaches_what_is_anothers() {
    let server = Setup::default().open().await;
    let mine = make(&server, "p1", "mine", "my-app").await;
    let theirs = make(&server, "p2", "theirs", "their-app").await;
    let before = (seen(&server, "p1", &mine).await, seen(&server, "p2", &theirs).await);
    for route in api_routes() {
        let has_project = route.path.contains("{project_id}");
        for by_id in [false, true] {
            let context = format!("{route:?}, by id: {by_id}");
            // Without a key, on anybody's path.
            let reply = send(&server, theirs.ask(route, "p2", by_id), None).await;
            assert_eq!((reply.status.as_u16(), &*reply.code()), (401, "DIS.4101"), "{context}");
            // With the key of one project on the path of another.
            let reply = send(&server, theirs.ask(route, "p2", by_id), Some("token-p1")).await;
            if has_project {
                assert_eq!((reply.status.as_u16(), &*reply.code()), (400, "DIS.4117"), "{context}");
            }
            // On one's own path, naming another project's things.
            let asked = theirs.ask(route, "p1", by_id);
            let reply = send(&server, asked.clone(), Some("token-p1")).await;
            if names_nothing(route.operation) {
                check_tells_nothing(&asked, &reply, &theirs);
                continue;
            }
            let (status, code) = (reply.status.as_u16(), reply.code());
            if asks_for_shared(route.operation, by_id) || asks_for_rules(route.operation, by_id) {
                assert_eq!((status, &*code), (403, "DIS.4116"), "{context}: {reply:?}");
            } else if !tells_in_a_state(route.operation, &reply) {
                assert!(status == 400 && HIDDEN.contains(&&*code), "{context}: {reply:?}");
            }
            check_tells_nothing(&asked, &reply, &theirs);
            assert!(!String::from_utf8_lossy(&reply.body).contains("c2VjcmV0"), "{context}");
        }
    }
    // With one's own app and another's stream, and the other way round.
    let mixed = [
        Things { app: mine.app, app_id: mine.app_id.clone(), ..theirs.clone() },
        Things { app: theirs.app, app_id: theirs.app_id.clone(), ..mine.clone() },
    ];
    for route in ROUTES.iter().filter(|route| names_both(route.operation)) {
        for (things, by_id) in mixed.iter().flat_map(|things| [(things, false), (things, true)]) {
            let reply = send(&server, things.ask(route, "p1", by_id), Some("token-p1")).await;
            let code = reply.code();
            let fine = ["DIS.4301", "DIS.4332", "DIS.4116"].contains(&&*code);
            assert!(fine, "{route:?}, by id: {by_id}: {reply:?}");
        }
    }
    // What the loop created in p1 itself.
    for path in ["streams/new", "apps/new"] {
        let reply = server.p1(&format!("DELETE /v2/p1/{path}"), &Value::Null).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{path}");
    }
    let after = (seen(&server, "p1", &mine).await, seen(&server, "p2", &theirs).await);
    assert_eq!(before, after);
}

/// The same requests by their owner succeed, so that the refusals above are about who asks.
#[tokio::test]
async fn the_owner_reaches_everything() {
    for route in api_routes() {
        let server = Setup::default().open().await;
        let mine = make(&server, "p1", "mine", "my-app").await;
        for by_id in [false, true] {
            let reply = send(&server, mine.ask(route, "p1", by_id), Some("token-p1")).await;
            let gone_or_there =
                ["DIS.4307", "DIS.4330", "DIS.4301", "DIS.4332", "DIS.4604", "DIS.4354", "DIS.4355"];
            let again = by_id && gone_or_there.contains(&&*reply.code());
            assert!(reply.status.is_success() || again, "{route:?}, by id: {by_id}: {reply:?}");
        }
    }
}

/// A rule opens the routes that move and describe data, as far as it says, and none of the others.
#[tokio::test]
async fn a_rule_opens_what_it_names_and_nothing_else() {
    let server = Setup::default().open().await;
    let mine = make(&server, "p1", "mine", "my-app").await;
    let theirs = make(&server, "p2", "theirs", "their-app").await;
    let policies = |method: &str| format!("{method} /v2/p2/streams/theirs/policies");
    let change = async |method: &str, action: &str| {
        let body = json!({ "stream_id": theirs.stream_id, "principal_name": "p1.*", "action_type": action });
        let headers = [("x-auth-token", "token-p2")];
        let reply = server.call(&policies(method), &headers, body.to_string()).await;
        assert_eq!(reply.status, StatusCode::OK);
    };
    change("POST", "getRecords").await;
    let cursor = format!("GET /v2/p1/cursors?stream-id={}&partition-id=0", theirs.stream_id);
    let cursor =
        server.p1(&cursor, &Value::Null).await.json()["partition_cursor"].as_str().unwrap().to_owned();
    // What p1 can name: their stream by its id, its own app, and a cursor that it was given.
    let named = Things { app: mine.app, app_id: mine.app_id.clone(), cursor, ..theirs.clone() };
    let opened = [
        ("putRecords", ["put_records"].as_slice()),
        (
            "getRecords",
            &[
                "get_records",
                "get_cursor",
                "get_consuming_state",
                "commit_checkpoint",
                "get_checkpoint",
                "delete_checkpoints",
            ],
        ),
        ("getStreamInfo", &[]),
    ];
    change("DELETE", "getRecords").await;
    for (action, operations) in opened {
        change("POST", action).await;
        for route in api_routes().filter(|route| !names_nothing(route.operation)) {
            let of_own_app = matches!(route.operation, "sync_group" | "heartbeat" | "leave_group");
            if of_own_app || route.operation.ends_with("_app") {
                continue; // of p1's own app, which is left to the others
            }
            let context = format!("{action}: {route:?}");
            let reply = send(&server, named.ask(route, "p1", true), Some("token-p1")).await;
            if route.operation == "join_group" {
                let state = if action == "getRecords" { "OK" } else { "ERR_SUBSCRIPTION" };
                assert_eq!(reply.json()["state"], state, "{context}");
                continue;
            }
            let describes = ["list_streams", "describe_stream", "get_scaling_log"].contains(&route.operation);
            if describes || operations.contains(&route.operation) {
                assert!(reply.status.is_success(), "{context}: {reply:?}");
                continue;
            }
            let code = reply.code();
            let shared = asks_for_shared(route.operation, true) || route.operation == "get_records";
            if shared || asks_for_rules(route.operation, true) {
                assert_eq!((reply.status.as_u16(), &*code), (403, "DIS.4116"), "{context}: {reply:?}");
            } else {
                assert!(HIDDEN.contains(&&*code), "{context}: {reply:?}");
            }
        }
        change("DELETE", action).await;
        let reply = send(&server, named.ask(describe(), "p1", true), Some("token-p1")).await;
        assert_eq!(reply.code(), "DIS.4116", "{action}, deleted");
    }
}

fn describe() -> &'static Route {
    ROUTES.iter().find(|route| route.operation == "describe_stream").unwrap()
}
