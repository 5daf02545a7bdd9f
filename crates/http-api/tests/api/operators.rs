//! What operators see: conditions and metrics.

use std::sync::PoisonError;

use axum::body::Body;
use millpond_http_api::{Condition, ROUTES};
use serde_json::{Value, json};

use crate::harness::Setup;

#[tokio::test]
async fn readiness_follows_the_condition() {
    let server = Setup::default().open().await;
    let cases = [
        (Condition::Starting, 503, "starting", [false, true, true]),
        (Condition::Ready, 200, "ready", [true, true, true]),
        (Condition::Draining, 503, "draining", [true, true, false]),
        (Condition::StorageFailed, 503, "storage failed", [true, false, true]),
    ];
    for (condition, status, word, [started, storage, accepting]) in cases {
        server.health.set(condition);
        let short = server.call("GET /readyz", &[], Body::empty()).await;
        assert_eq!((short.status.as_u16(), short.json()), (status, json!({ "status": word })));
        let long = server.call("GET /readyz?verbose=1", &[], Body::empty()).await;
        let checks = json!({
            "started": started, "storage": storage, "accepting": accepting,
            "space": true, "intact": true, "clock": true,
        });
        assert_eq!(
            (long.status.as_u16(), long.json()),
            (status, json!({ "status": word, "checks": checks }))
        );
        assert_eq!(
            server.call("HEAD /healthz", &[], Body::empty()).await.status.as_u16(),
            200,
            "{condition:?}"
        );
        // Open requests are still answered.
        assert_eq!(server.p1("GET /v2/p1/streams", &Value::Null).await.status.as_u16(), 200);
    }
}

#[tokio::test]
async fn what_was_done_is_counted() {
    let server = Setup::default().open().await;
    server.p1("POST /v2/p1/streams", &json!({ "stream_name": "s", "partition_count": 1 })).await;
    let records = json!([{ "data": "aGVsbG8=" }, { "data": "" }, { "data": "", "partition_id": "9" }]);
    server.p1("POST /v2/p1/records", &json!({ "stream_name": "s", "records": records })).await;
    server.p1("POST /v2/p1/apps", &json!({ "app_name": "a" })).await;
    let commit = json!({ "stream_name": "s", "app_name": "a", "partition_id": "0", "sequence_number": "1" });
    server.p1("POST /v2/p1/checkpoints", &commit).await;
    server.p1("POST /v2/p1/checkpoints", &json!({})).await;
    let cursor = server.p1("GET /v2/p1/cursors?stream-name=s&partition-id=0", &Value::Null).await.json();
    let read =
        format!("GET /v2/p1/records?partition-cursor={}", cursor["partition_cursor"].as_str().unwrap());
    server.p1(&read, &Value::Null).await;
    server.p1("GET /v2/p1/anything/else", &Value::Null).await;
    server.p1("PATCH /v2/p1/streams", &Value::Null).await;
    {
        let mut registry = server.api.registry().lock().unwrap_or_else(PoisonError::into_inner);
        let gauge = prometheus_client::metrics::gauge::Gauge::<i64>::default();
        gauge.set(5);
        registry.register("disk_free", "Of a server's own", gauge);
    }
    let reply = server.call("GET /metrics", &[], Body::empty()).await;
    assert!(reply.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    for line in [
        r#"millpond_requests_total{op="put_records",code="200"} 1"#,
        r#"millpond_requests_total{op="commit_checkpoint",code="DIS.4200"} 1"#,
        r#"millpond_requests_total{op="none",code="DIS.4200"} 2"#,
        "millpond_records_in_total 2",
        "millpond_bytes_in_total 5",
        "millpond_records_out_total 2",
        "millpond_bytes_out_total 5",
        r#"millpond_record_errors_total{code="DIS.4302"} 1"#,
        r#"millpond_checkpoint_commits_total{result="committed"} 1"#,
        r#"millpond_checkpoint_commits_total{result="refused"} 1"#,
        r#"millpond_build_info{version="1.2.3"} 1"#,
        "millpond_disk_free 5",
    ] {
        assert!(text.lines().any(|got| got == line), "{line} is not in\n{text}");
    }
    let known = |op: &str| op == "none" || ROUTES.iter().any(|route| route.operation == op);
    for label in text.split(r#"op=""#).skip(1) {
        assert!(known(label.split('"').next().unwrap()), "{label}");
    }
}
