//! A line of a file of captures.

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    cut::{self, Completion},
    protobuf,
};

/// What stands where the files have no value.
const HOST: &str = "HOST:PORT";
const TOKEN: &str = "TOKEN";

/// A call, and the answer that the client accepted.
#[derive(Debug, Deserialize)]
pub struct Capture {
    pub method: String,
    target: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
    pub signing: Signing,
    pub status: u16,
    pub response_content_type: Option<String>,
    pub response: Option<Value>,
}

/// How the call was signed.
#[derive(Debug, Deserialize)]
pub struct Signing {
    pub scheme: String,
    pub form: Option<String>,
    pub scope: Option<String>,
    pub signed_headers: Option<String>,
    pub reading: Option<String>,
}

/// Texts of the recording server with those that this one handed out in their place.
pub type Handed = BTreeMap<String, String>;

/// The calls of a client.
pub fn read(client: &str) -> Vec<Capture> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/replay/captures/{client}.jsonl"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parse = |(at, line): (usize, &str)| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{client} {}: {error}", at + 1))
    };
    text.lines().enumerate().map(parse).collect()
}

impl Capture {
    /// The target as sent, with what this server handed out.
    pub fn target(&self, handed: &Handed) -> String {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        let own = |text: &str| handed.get(text).map_or_else(|| text.to_owned(), Clone::clone);
        let mut target = path.split('/').map(own).collect::<Vec<_>>().join("/");
        let pair = |pair: &str| match pair.split_once('=') {
            // What is cut in the target is whole in the decoded query.
            Some((name, value)) if cut::text(value).is_some() => format!("{name}={}", own(&self.query[name])),
            Some((name, value)) => format!("{name}={}", own(value)),
            None => pair.to_owned(),
        };
        if let Some(query) = query {
            target.push('?');
            target.push_str(&query.split('&').map(pair).collect::<Vec<_>>().join("&"));
        }
        target
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> &str {
        &self.query[name]
    }

    /// The headers, with a host, a token, and the length where it is signed.
    pub fn headers(&self, token: &str, body: &[u8]) -> BTreeMap<String, String> {
        let mut headers = self.headers.clone();
        let fill = |(name, value): (&String, &mut String)| match (name.as_str(), value.as_str()) {
            ("host", HOST) => "127.0.0.1:8080".clone_into(value),
            ("x-auth-token", TOKEN) => token.clone_into(value),
            _ => {}
        };
        headers.iter_mut().for_each(fill);
        if self
            .signing
            .signed_headers
            .iter()
            .any(|names| names.split(';').any(|name| name == "content-length"))
        {
            headers.insert("content-length".to_owned(), body.len().to_string());
        }
        headers
    }

    /// The date in the request, if it has one.
    pub fn date(&self) -> Option<&str> {
        self.headers.get("x-sdk-date").map(String::as_str)
    }

    /// The body as sent, with what this server handed out, and complete.
    pub fn body(&self, handed: &Handed, completion: &Completion) -> Vec<u8> {
        let Some(raw) = &self.body else { return Vec::new() };
        let value: Value = serde_json::from_str(raw.get()).unwrap();
        if let Some(base64) = value["protobuf_base64"].as_str() {
            return match cut::text(base64) {
                None => STANDARD.decode(base64).unwrap(),
                Some(of) => {
                    let body = protobuf::put_request(&completion.complete(&value["meaning"]));
                    assert!(body.len() == of.len && body.starts_with(&STANDARD.decode(of.shown).unwrap()));
                    body
                }
            };
        }
        let text =
            if cut::is_cut(&value) { completion.complete(&value).to_string() } else { raw.get().to_owned() };
        let repeated = |text: String, (recorded, own): (&String, &String)| {
            text.replace(&format!(": \"{recorded}\""), &format!(": \"{own}\""))
        };
        handed.iter().fold(text, repeated).into_bytes()
    }
}
