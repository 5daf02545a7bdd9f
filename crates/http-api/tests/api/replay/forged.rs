//! Requests with the signatures of stock clients: they pass as they are, and not after any change.

use std::path::Path;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, Request, StatusCode};
use millpond_http_api::ROUTES;
use serde_json::Value;

use crate::harness::{Key, Reply, Setup};

/// A signed request, and the secret that the server knows.
#[derive(Clone, Debug)]
struct Signed {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    access_key: String,
    secret: String,
}

fn all() -> Vec<Signed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/vectors/signatures.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(Signed::of_line).collect()
}

impl Signed {
    fn of_line(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| value[name].as_str().unwrap().to_owned();
        let header = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
        Self {
            method: text("method"),
            target: text("target"),
            headers: value["headers"].as_object().unwrap().iter().map(header).collect(),
            body: STANDARD.decode(text("body_base64")).unwrap(),
            access_key: text("access_key"),
            secret: text("secret_key"),
        }
    }

    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(other, _)| other == name).unwrap().1
    }

    /// Through the whole pipeline, at the time `date`.
    async fn send(&self, date: &str) -> Reply {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let key = Key::new(&self.access_key, &self.secret, "proj1");
        let request = request.body(Body::from(self.body.clone())).unwrap();
        Setup { key, ..Setup::at(date) }.open().await.send(request).await
    }

    fn with_target(&self, target: String) -> Self {
        Self { target, ..self.clone() }
    }

    fn with_body(&self, body: Vec<u8>) -> Self {
        Self { body, ..self.clone() }
    }

    /// Every change, with its name; all of them are still requests of a route.
    fn changes(&self) -> Vec<(String, Self)> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let query_or_none = if query.is_empty() { String::new() } else { format!("?{query}") };
        let mut changes: Vec<(String, Self)> = self
            .other_methods()
            .into_iter()
            .map(|method| ("method".to_owned(), Self { method: method.to_string(), ..self.clone() }))
            .collect();
        let mut add = |name: &str, changed: Self| changes.push((name.to_owned(), changed));
        add("version in the path", self.with_target(self.target.replacen("/v2/", "/v3/", 1)));
        add("project in the path", self.with_target(self.target.replacen("/proj1/", "/proj2/", 1)));
        if path.trim_end_matches('/').split('/').count() > 4 {
            let name = path.trim_end_matches('/');
            add(
                "name in the path",
                self.with_target(format!("{name}x{}{query_or_none}", &path[name.len()..])),
            );
        }
        let more = format!("{path}{}&more=1", if query.is_empty() { "?" } else { &query_or_none });
        add("parameter added", self.with_target(more));
        if !query.is_empty() {
            add("query removed", self.with_target(path.to_owned()));
            add("value in the query", self.with_target(self.target.trim_end_matches('&').to_owned() + "1"));
        }
        add("body longer", self.with_body([self.body.as_slice(), b" "].concat()));
        if let Some((first, rest)) = self.body.split_first() {
            add("body flipped", self.with_body([&[first ^ 1], rest].concat()));
            add("body removed", self.with_body(Vec::new()));
        }
        add("secret", Self { secret: format!("{}x", self.secret), ..self.clone() });
        for name in self.signed_headers() {
            add(&format!("header {name}"), self.with_header(&name, changed));
        }
        add("signature", self.with_header("authorization", |_, value| flip_last_digit(value)));
        changes
    }

    fn with_header(&self, name: &str, change: fn(&str, &str) -> String) -> Self {
        let mut changed = self.clone();
        for (other, value) in &mut changed.headers {
            if other == name {
                *value = change(name, value);
            }
        }
        changed
    }

    fn signed_headers(&self) -> Vec<String> {
        let names = self.header("authorization").split_once("SignedHeaders=").unwrap().1;
        names.split(',').next().unwrap().split(';').map(str::to_owned).collect()
    }

    /// The other methods that the path takes.
    fn other_methods(&self) -> Vec<&'static Method> {
        let path = self.target.split('?').next().unwrap().trim_end_matches('/');
        let segments: Vec<&str> = path.split('/').collect();
        let fits = |pattern: &str| {
            let pattern: Vec<&str> = pattern.split('/').collect();
            let same = |(of, segment): (&&str, &&str)| of.starts_with('{') || of == segment;
            pattern.len() == segments.len() && pattern.iter().zip(&segments).all(same)
        };
        let other = ROUTES.iter().filter(|route| route.method.as_str() != self.method && fits(route.path));
        other.map(|route| &route.method).collect()
    }
}

/// Another value: of the date one a second away, so that the signature decides; of others one that differs in
/// front, because some clients sign a host without its port.
fn changed(name: &str, value: &str) -> String {
    if name != "x-sdk-date" {
        return format!("0{value}");
    }
    let (start, second) = value.split_at(value.len() - 2);
    format!("{start}{}Z", if second == "0Z" { '1' } else { '0' })
}

fn flip_last_digit(value: &str) -> String {
    let (start, last) = value.split_at(value.len() - 1);
    format!("{start}{}", if last == "0" { '1' } else { '0' })
}

#[tokio::test]
async fn a_signed_request_passes_and_no_change_of_it_does() {
    let all = all();
    assert_eq!(all.len(), 44);
    let mut methods = 0;
    for signed in &all {
        let date = signed.header("x-sdk-date").to_owned();
        let reply = signed.send(&date).await;
        let passed = reply.status != StatusCode::UNAUTHORIZED && reply.code() != "DIS.4117";
        assert!(passed && reply.status.as_u16() < 404, "{signed:?}: {reply:?}");
        for (name, change) in signed.changes() {
            methods += usize::from(name == "method");
            let reply = change.send(&date).await;
            let refused = (reply.status, reply.code());
            assert_eq!(refused, (StatusCode::UNAUTHORIZED, "DIS.4112".to_owned()), "{name}: {change:?}");
        }
    }
    // Only cursors and members of groups are paths of one method.
    assert!(methods >= 42, "{methods}");
}
