//! Plays a session.

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use millpond_engine::Clock as _;
use millpond_wire::signing::SdkDate;
use serde_json::{Value, json};

use super::{
    capture::{self, Capture, Handed},
    cut, protobuf,
    sessions::{Difference, Presumed, Session, Step},
    shape::{Comparison, Depth},
    signing::ToSign,
};
use crate::harness::{Key, Reply, Server, Setup};

const ACCESS_KEY: &str = "AK";
const SECRET: &str = "SkExample0123456789abcdefghijklmnopqrstu";
const OTHER_SECRET: &str = "SkExample9876543210abcdefghijklmnopqrstu";
const PROJECT: &str = "proj1";
const TOKEN: &str = "token-proj1";

/// When a session without dates begins.
const BEGIN: &str = "20261122T132000Z";

/// Members of answers that clients repeat.
const HANDED_OUT: [&str; 4] = ["stream_id", "task_id", "partition_cursor", "next_partition_cursor"];

/// What became of a session.
pub struct Played {
    pub calls: usize,
    pub differences: BTreeSet<Difference>,
}

/// Makes the calls of `client`, one after the other, to one server.
pub async fn session(client: &str, session: &Session) -> Played {
    let captures = capture::read(client);
    let known = captures.len();
    assert!(session.calls.keys().all(|call| (1..=known).contains(call)), "{client} has {known} calls");
    let key = Key::new(ACCESS_KEY, SECRET, PROJECT);
    let server = Setup { key, ..Setup::at(captures[0].date().unwrap_or(BEGIN)) }.open().await;
    let (mut handed, mut differences) = (Handed::new(), BTreeSet::new());
    let nothing = Presumed::default();
    for (index, capture) in captures.iter().enumerate() {
        let call = index + 1;
        let presumed = session.calls.get(&call).unwrap_or(&nothing);
        let player = Player { server: &server, capture, context: format!("{client} {call}") };
        player.wait(presumed.at);
        for step in &presumed.before {
            player.prepare(step, &mut handed).await;
        }
        let reply = player.call(&handed, presumed).await;
        let recorded = presumed.answered_like.map_or(capture, |other| &captures[other - 1]);
        let depth = if call > session.fixed_answers { Depth::Values } else { Depth::Shape };
        let found = player.compare(recorded.response.as_ref(), &reply, depth, &mut handed);
        differences.extend(found.into_iter().map(|what| Difference {
            client: client.to_owned(),
            call,
            what,
        }));
    }
    Played { calls: captures.len(), differences }
}

/// One call, about to be made.
struct Player<'a> {
    server: &'a Server,
    capture: &'a Capture,
    context: String,
}

impl Player<'_> {
    /// Until the time of the call.
    fn wait(&self, at: Option<i64>) {
        let date = self.capture.date().map(|date| SdkDate::parse(date).unwrap().timestamp().as_millis());
        let now = self.server.clock.now().as_millis();
        let then = at.or(date).unwrap_or(now);
        self.server.clock.advance(Duration::from_millis(u64::try_from(then - now).unwrap_or(0)));
    }

    async fn prepare(&self, step: &Step, handed: &mut Handed) {
        let (call, body) = step.request();
        let body = if body.is_null() { String::new() } else { own(&body.to_string(), handed) };
        let reply = self.server.call(&call, &[("x-auth-token", TOKEN)], body).await;
        assert!(reply.status.is_success(), "{}: {call}: {reply:?}", self.context);
        for (member, recorded) in &step.hands_out {
            let recorded = recorded
                .strip_prefix("query.")
                .map_or(recorded.as_str(), |name| self.capture.parameter(name));
            handed.insert(recorded.to_owned(), reply.json()[member].as_str().unwrap().to_owned());
        }
    }

    async fn call(&self, handed: &Handed, presumed: &Presumed) -> Reply {
        let Capture { method, signing, .. } = self.capture;
        let target = self.capture.target(handed);
        let body = self.capture.body(handed, &presumed.completion);
        let mut headers = self.capture.headers(TOKEN, &body);
        if signing.is_signature() {
            let secret = if signing.is_mismatch() { OTHER_SECRET } else { SECRET };
            let call = ToSign { method, target: &target, headers: &headers, body: &body };
            let signature = format!("Signature={}", signing.sign(&call, secret));
            let authorization = headers.get_mut("authorization").unwrap();
            assert!(authorization.ends_with("Signature=HEX"), "{authorization}");
            *authorization = authorization.replace("Signature=HEX", &signature);
        }
        let request = Request::builder().method(method.as_str()).uri(&target);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        self.server.send(request.body(body.into()).unwrap()).await
    }

    /// What differs from the recorded answer; learns what is handed out.
    fn compare(
        &self,
        recorded: Option<&Value>,
        reply: &Reply,
        depth: Depth,
        handed: &mut Handed,
    ) -> Vec<String> {
        let status = self.capture.status;
        if reply.status != status {
            return vec![format!("{status}, answered {} {}", reply.status.as_u16(), reply.code())];
        }
        let Some(recorded) = recorded else {
            let text = String::from_utf8_lossy(&reply.body);
            return if text.is_empty() { Vec::new() } else { vec![format!("no body, answered {text}")] };
        };
        let essence = |text: Option<&str>| text.map(|text| text.split(';').next().unwrap().to_owned());
        let of_recorded = essence(self.capture.response_content_type.as_deref());
        assert_eq!(of_recorded, essence(reply.header("content-type")), "{}", self.context);
        let method = &self.capture.method;
        let own = match of_recorded.as_deref() {
            Some("application/x-protobuf") => protobuf::answer(method, reply.body.clone()),
            _ => reply.json(),
        };
        let recorded = match recorded["protobuf_base64"].as_str() {
            Some(base64) => {
                assert!(cut::text(base64).is_none(), "{}: name an answer like this one", self.context);
                protobuf::answer(method, STANDARD.decode(base64).unwrap().as_slice())
            }
            None => recorded.clone(),
        };
        learn(&recorded, &own, handed);
        let mut comparison = Comparison::new(depth);
        comparison.of_bodies(&recorded, &own);
        comparison.differences
    }
}

/// The text of a body with what this server handed out in the place of what was recorded.
fn own(body: &str, handed: &Handed) -> String {
    let put = |body: String, (recorded, own): (&String, &String)| {
        body.replace(&format!(":\"{recorded}\""), &format!(":\"{own}\""))
    };
    handed.iter().fold(body.to_owned(), put)
}

/// Remembers which text of ours stands for which recorded one; the first one counts.
fn learn(recorded: &Value, own: &Value, handed: &mut Handed) {
    match (recorded, own) {
        (Value::Object(members), Value::Object(others)) => {
            for (name, value) in members {
                let Some(other) = others.get(name) else { continue };
                match (value.as_str(), other.as_str()) {
                    (Some(text), Some(own)) if HANDED_OUT.contains(&name.as_str()) => {
                        handed.entry(text.to_owned()).or_insert_with(|| own.to_owned());
                    }
                    _ => learn(value, other, handed),
                }
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            items.iter().zip(others).for_each(|(item, other)| learn(item, other, handed));
        }
        _ => {}
    }
}

impl Step {
    /// Method and target, and the body.
    fn request(&self) -> (String, Value) {
        let post = |path: &str| format!("POST /v2/{PROJECT}/{path}");
        match self {
            Self { stream: Some(name), partitions, json, .. } => {
                let mut body = json.clone().unwrap_or_else(|| json!({}));
                body["stream_name"] = name.as_str().into();
                body["partition_count"] = partitions.unwrap_or(1).into();
                (post("streams"), body)
            }
            Self { app: Some(name), .. } => (post("apps"), json!({ "app_name": name })),
            Self { put: Some(stream), .. } => {
                let records: Vec<_> = (0..self.records.unwrap())
                    .map(|_| json!({ "data": "eA==", "partition_id": "0" }))
                    .collect();
                (post("records"), json!({ "stream_name": stream, "records": records }))
            }
            Self { call: Some(call), json, .. } => (call.clone(), json.clone().unwrap_or_default()),
            _ => panic!("a step does something: {self:?}"),
        }
    }
}
