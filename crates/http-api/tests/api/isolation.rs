//! Nobody reaches what is another project's. Every route of the table is tried with every way of being
//! somebody else; a route without a row here fails the test.

use axum::body::Body;
use http::StatusCode;
use millpond_http_api::{ROUTES, Route};
use serde_json::{Value, json};

use crate::harness::{Reply, Server, Setup};

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
        "delete_stream" | "delete_app" | "describe_app" => ("", Value::Null),
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
        "list_project_tags"
        | "find_streams_by_tag"
        | "create_tag"
        | "list_stream_tags"
        | "batch_tags"
        | "delete_tag"
        | "join_group"
        | "sync_group"
        | "heartbeat"
        | "leave_group"
        | "create_transfer_task"
        | "update_transfer_task"
        | "list_transfer_tasks"
        | "batch_transfer_tasks"
        | "describe_transfer_task"
        | "delete_transfer_task"
        | "get_transfer_task_log"
        | "list_buckets"
        | "infer_schema"
        | "get_stream_metrics"
        | "get_partition_metrics"
        | "add_policy"
        | "list_policies"
        | "delete_policies" => ("", json!({})),
        _ => return None,
    })
}

/// Operations that name nothing that exists, so that there is nothing of others to reach.
fn names_nothing(operation: &str) -> bool {
    matches!(operation, "create_stream" | "create_app" | "get_file_state" | "list_apps")
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
    let create = json!({ "app_name": app }).to_string();
    server.call(&format!("POST /v2/{project}/apps"), &headers, create).await;
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
                .replace("{cursor}", &self.cursor)
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
    for route in ROUTES.iter().filter(|route| !route.is_open()) {
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
            assert_eq!(reply.status.as_u16(), 400, "{context}: {reply:?}");
            let code = reply.code();
            let hidden = ["DIS.4301", "DIS.4332", "DIS.4217", "DIS.4200"].contains(&&*code);
            assert!(hidden, "{context}: {reply:?}");
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
            assert!(code == "DIS.4301" || code == "DIS.4332", "{route:?}, by id: {by_id}: {reply:?}");
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
    for route in ROUTES.iter().filter(|route| !route.is_open()) {
        let server = Setup::default().open().await;
        let mine = make(&server, "p1", "mine", "my-app").await;
        for by_id in [false, true] {
            let reply = send(&server, mine.ask(route, "p1", by_id), Some("token-p1")).await;
            let available = !String::from_utf8_lossy(&reply.body).contains("is not available yet");
            let again = by_id && ["DIS.4307", "DIS.4330", "DIS.4301", "DIS.4332"].contains(&&*reply.code());
            assert!(reply.status.is_success() || !available || again, "{route:?}, by id: {by_id}: {reply:?}");
        }
    }
}
