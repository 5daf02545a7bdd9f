//! Requests as stock clients sent and signed them, replayed at the time of their date.

use std::path::{Path, PathBuf};

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, StatusCode};
use serde_json::Value;

use crate::harness::{ACCESS_KEY, Key, PROJECT, Reply, SECRET_KEY, Setup};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/vectors")
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn vectors(file: &Path) -> Vec<Value> {
    let file: Value = serde_json::from_str(&read(file)).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_default()
}

/// The headers, which one kind of file has as pairs and the other as an object.
fn headers(vector: &Value) -> Vec<(&str, &str)> {
    match &vector["headers"] {
        Value::Array(pairs) => {
            pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
        }
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
        }
        other => panic!("no headers: {other}"),
    }
}

fn date(vector: &Value) -> &str {
    let headers = headers(vector);
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-sdk-date")).map_or("", |(_, date)| date)
}

/// Sends the request exactly as it was sent before.
async fn replay(vector: &Value, date: &str, key: Key) -> Reply {
    let mut request = Request::builder().method(text(vector, "method")).uri(text(vector, "target"));
    for (name, value) in headers(vector) {
        request = request.header(name, value);
    }
    let body = STANDARD.decode(text(vector, "body_base64")).unwrap();
    Setup { key, ..Setup::at(date) }.open().await.send(request.body(Body::from(body)).unwrap()).await
}

/// A request that is genuine may fail for any reason but that of not being so.
fn check_passed(reply: &Reply, context: &str) {
    let authentic = reply.status != StatusCode::UNAUTHORIZED && reply.code() != "DIS.4117";
    let routed = reply.status != StatusCode::NOT_FOUND && reply.status != StatusCode::METHOD_NOT_ALLOWED;
    assert!(authentic && routed && reply.status.as_u16() < 500, "{context}: {reply:?}");
}

/// One vector was made for its signature alone, and puts no records.
fn is_put(vector: &Value) -> bool {
    let path = text(vector, "target").trim_end_matches('/');
    let is_put = text(vector, "method") == "POST" && path.ends_with("/records");
    is_put && text(vector, "id") != "post-non-json-unsigned-payload"
}

#[tokio::test]
async fn no_signed_request_of_a_stock_client_is_refused() {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files
        .retain(|path| path.extension().is_some_and(|ext| ext == "json") && !path.ends_with("negative.json"));
    files.sort();
    let mut replayed = 0;
    for file in &files {
        for vector in vectors(file) {
            if text(&vector, "authorization").is_empty() {
                continue; // a token of a service that is not ours
            }
            let context = format!("{} in {}", text(&vector, "id"), file.display());
            let key = Key::new(text(&vector, "ak"), text(&vector, "sk"), PROJECT);
            let reply = replay(&vector, text(&vector, "x_sdk_date"), key).await;
            check_passed(&reply, &context);
            if is_put(&vector) {
                // Decompressed and understood, and then there is no such stream.
                assert_eq!(reply.code(), "DIS.4301", "{context}: {reply:?}");
            }
            replayed += 1;
        }
    }
    for line in read(&folder().join("signatures.jsonl")).lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let project = text(&vector, "target").split('/').nth(2).unwrap();
        let key = Key::new(text(&vector, "access_key"), text(&vector, "secret_key"), project);
        check_passed(&replay(&vector, date(&vector), key).await, line);
        replayed += 1;
    }
    assert!(replayed >= 160, "only {replayed} requests in {files:?}");
}

#[tokio::test]
async fn what_is_forged_is_refused_with_its_code() {
    let vectors = vectors(&folder().join("negative.json"));
    assert!(vectors.len() >= 17);
    for vector in vectors {
        let id = text(&vector, "id");
        let known = Some(text(&vector, "known_ak")).filter(|known| !known.is_empty()).unwrap_or(ACCESS_KEY);
        let secret = Some(text(&vector, "sk_on_server")).filter(|secret| !secret.is_empty());
        let key = Key::new(known, secret.unwrap_or(SECRET_KEY), PROJECT);
        let reply = replay(&vector, text(&vector, "server_time"), key).await;
        let expected = text(&vector, "errorCode");
        if expected.is_empty() {
            check_passed(&reply, id);
        } else {
            assert_eq!(reply.code(), expected, "{id}: {reply:?}");
            assert_eq!(Some(u64::from(reply.status.as_u16())), vector["http_status"].as_u64(), "{id}");
        }
    }
}
