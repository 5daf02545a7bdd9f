//! Scenarios: requests and the exact answers to them, as files (`tests/wire/*.yaml`).
//!
//! In any text `${name}` is what an earlier answer held where `${=name}` was expected; in an expected
//! text `${*}` stands for anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Deserialize;
use serde_json::Value;

use crate::harness::{Reply, Server, Setup};

/// A server and what it is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    #[serde(default)]
    setup: SetupOf,
    steps: Vec<Step>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SetupOf {
    /// Requests need credentials.
    authenticated: bool,
    /// People may log in.
    users: bool,
    body_bytes_max: Option<usize>,
    buffered_bytes_max: Option<usize>,
    requests_max: Option<usize>,
    partition_quota_common: Option<u32>,
    app_quota: Option<u32>,
    region: Option<String>,
    service: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Step {
    /// Method and target.
    request: Option<String>,
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    text: Option<String>,
    /// The body, where it is not text.
    base64: Option<String>,
    /// The body in pieces of unannounced length.
    chunks: Option<Vec<String>>,
    status: Option<u16>,
    answer: Option<Value>,
    /// The answer, where it is not text.
    answer_base64: Option<String>,
    answer_headers: BTreeMap<String, String>,
    /// Headers whose values are kept under these names.
    capture_headers: BTreeMap<String, String>,
    /// Code and message; the status is 400 unless given.
    error: Option<(String, String)>,
    /// Time passes.
    advance_ms: Option<u64>,
    housekeep: bool,
}

/// All scenarios, with the names of their files.
pub fn all() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let scenarios: Vec<Scenario> =
            serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        all.extend(scenarios.into_iter().map(|scenario| (name.clone(), scenario)));
    }
    all
}

impl Scenario {
    /// Plays the scenario; panics with the step at the first difference.
    pub async fn run(&self) -> Server {
        let server = self.setup.setup().open().await;
        let mut captured = BTreeMap::new();
        for (number, step) in self.steps.iter().enumerate() {
            let context = format!("{}, step {}: {:?}", self.name, number + 1, step.request);
            step.run(&server, &mut captured, &context).await;
        }
        server
    }
}

impl SetupOf {
    fn setup(&self) -> Setup {
        let mut setup = Setup { has_users: self.users, ..Setup::default() };
        let settings = &mut setup.settings;
        settings.allow_anonymous = !self.authenticated;
        settings.body_bytes_max = self.body_bytes_max.unwrap_or(settings.body_bytes_max);
        settings.buffered_bytes_max = self.buffered_bytes_max.unwrap_or(settings.buffered_bytes_max);
        settings.requests_max = self.requests_max.unwrap_or(settings.requests_max);
        settings.region.clone_from(&self.region);
        settings.service.clone_from(&self.service);
        setup.limits.partition_quota_common = self.partition_quota_common;
        setup.limits.app_quota = self.app_quota;
        setup
    }
}

type Captured = BTreeMap<String, String>;

impl Step {
    async fn run(&self, server: &Server, captured: &mut Captured, context: &str) {
        if let Some(millis) = self.advance_ms {
            server.clock.advance(Duration::from_millis(millis));
        }
        if self.housekeep {
            assert_eq!(server.service.housekeep().await.failures, 0, "{context}");
        }
        let Some(what) = &self.request else { return };
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), fill(value, captured))).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = server.call(&fill(what, captured), &headers, self.body(captured)).await;
        self.check(&reply, captured, context);
    }

    fn body(&self, captured: &Captured) -> Body {
        match (&self.json, &self.text, &self.base64, &self.chunks) {
            (Some(json), None, None, None) => Body::from(fill(&json.to_string(), captured)),
            (None, Some(text), None, None) => Body::from(fill(text, captured)),
            (None, None, Some(base64), None) => Body::from(STANDARD.decode(base64).unwrap()),
            (None, None, None, Some(chunks)) => {
                let frames = chunks
                    .clone()
                    .into_iter()
                    .map(|chunk| Ok::<_, std::io::Error>(Frame::data(Bytes::from(chunk))));
                Body::new(StreamBody::new(futures::stream::iter(frames)))
            }
            (None, None, None, None) => Body::empty(),
            _ => panic!("a step has one body"),
        }
    }

    fn check(&self, reply: &Reply, captured: &mut Captured, context: &str) {
        let text = String::from_utf8_lossy(&reply.body);
        let context = format!("{context}\n  answered {} {text}", reply.status);
        let status = self.status.unwrap_or(if self.error.is_some() { 400 } else { 200 });
        assert_eq!(reply.status.as_u16(), status, "{context}");
        for (name, expected) in &self.answer_headers {
            assert_eq!(reply.header(name), Some(expected.as_str()), "{name}: {context}");
        }
        for (header, name) in &self.capture_headers {
            let value = reply.header(header).unwrap_or_else(|| panic!("no {header}: {context}"));
            captured.insert(name.clone(), value.to_owned());
        }
        match (&self.error, &self.answer, &self.answer_base64) {
            (Some((code, message)), None, None) => {
                let body = reply.json();
                assert_eq!(body["errorCode"], **code, "{context}");
                let message = Value::from(message.as_str());
                compare(&message, &body["message"], captured, "message").unwrap_or_else(|difference| {
                    panic!("{difference}\n  in {context}");
                });
            }
            (None, Some(answer), None) => {
                compare(answer, &reply.json(), captured, "").unwrap_or_else(|difference| {
                    panic!("{difference}\n  in {context}");
                });
            }
            (None, None, Some(answer)) => {
                assert_eq!(STANDARD.encode(&reply.body), *answer, "{context}");
            }
            (None, None, None) => assert_eq!(text, "", "{context}"),
            _ => panic!("{context}: an answer has one form"),
        }
    }
}

/// Puts captured texts in the place of their names.
fn fill(text: &str, captured: &Captured) -> String {
    captured.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// Whether `got` is what was expected; keeps what is to be captured.
fn compare(expected: &Value, got: &Value, captured: &mut Captured, at: &str) -> Result<(), String> {
    let differs = || Err(format!("at {at:?}: expected {expected}, got {got}"));
    if expected == "${*}" {
        return Ok(());
    }
    match (expected, got) {
        (Value::Object(members), Value::Object(others)) => {
            let names = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
            if names(members) != names(others) {
                return differs();
            }
            members.iter().try_for_each(|(name, value)| {
                compare(value, &others[name], captured, &format!("{at}.{name}"))
            })
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            let mut pairs = items.iter().zip(others).enumerate();
            pairs.try_for_each(|(i, (item, other))| compare(item, other, captured, &format!("{at}[{i}]")))
        }
        (Value::String(text), Value::String(got)) => {
            if let Some(name) = text.strip_prefix("${=").and_then(|rest| rest.strip_suffix('}')) {
                captured.insert(name.to_owned(), got.clone());
                return Ok(());
            }
            if matches(&fill(text, captured), got) { Ok(()) } else { differs() }
        }
        _ if expected == got => Ok(()),
        _ => differs(),
    }
}

/// Whether `got` is `pattern` with something in place of each `${*}`.
fn matches(pattern: &str, got: &str) -> bool {
    let mut pieces = pattern.split("${*}");
    let Some(mut rest) = pieces.next().and_then(|first| got.strip_prefix(first)) else { return false };
    let pieces: Vec<_> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn patterns_match_whole_texts() {
    let check = |pattern: &str, got: &str, expected: bool| {
        assert_eq!(matches(pattern, got), expected, "{pattern} {got}");
    };
    check("a", "a", true);
    check("a", "ab", false);
    check("a${*}", "abc", true);
    check("${*}", "", true);
    check("a${*}c${*}e", "abcde", true);
    check("a${*}c${*}e", "abde", false);
    check("a${*}a", "a", false);
}
