//! Requests as bytes, signed or not, made before the clock starts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use millpond_client::Credentials;
use millpond_model::ProjectId;
use millpond_wire::{
    signing::{Signer, ToSign},
    v2::{checkpoints::CommitCheckpointRequest, proto},
};
use prost::Message as _;

use super::args::{By, Form, Shape};
use crate::{settings::Settings, time};

/// The name of the service in a signature's scope (spec/01 §1).
const SERVICE: &str = "dis";

/// Most bytes of all prepared requests together, unless one alone is longer.
const PREPARED_BYTES_MAX: usize = 256 << 20;

/// What a request is made with.
#[derive(Clone)]
pub(super) struct Maker {
    host: String,
    project: ProjectId,
    identity: Identity,
    form: Form,
}

#[derive(Clone)]
enum Identity {
    Nobody,
    Signer(Signer),
    Token(String),
}

impl Maker {
    /// `host` as it stands in the header of that name.
    pub(super) fn new(host: &str, settings: &Settings, form: Form, unsigned: bool) -> Self {
        let identity = match &settings.credentials {
            _ if unsigned => Identity::Nobody,
            Credentials::None => Identity::Nobody,
            Credentials::AccessKey { access_key, secret_key, security_token } => {
                let mut signer = Signer::new(access_key.clone(), secret_key.clone());
                if let Some(region) = &settings.region {
                    signer = signer.with_scope(region.clone(), SERVICE);
                }
                if let Some(token) = security_token {
                    signer = signer.with_security_token(token.clone());
                }
                Identity::Signer(signer)
            }
            Credentials::Token(token) => Identity::Token(token.expose().to_owned()),
        };
        Self { host: host.to_owned(), project: settings.project.clone(), identity, form }
    }

    /// Whether requests are signed.
    pub(super) fn signs(&self) -> bool {
        matches!(self.identity, Identity::Signer(_))
    }

    fn request(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Bytes {
        let target = format!("/v2/{}{path}", self.project);
        let to_sign =
            ToSign { method, target: &target, host: &self.host, content_type: Some(content_type), body };
        let headers = match &self.identity {
            Identity::Nobody => Vec::new(),
            Identity::Signer(signer) => signer.sign(&to_sign, time::now()),
            Identity::Token(token) => vec![("x-auth-token", token.clone())],
        };
        let mut request = Vec::with_capacity(512 + body.len());
        let mut line = |text: &str| request.extend_from_slice(text.as_bytes());
        line(&format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\n",
            self.host
        ));
        if !body.is_empty() {
            line(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            line(&format!("{name}: {value}\r\n"));
        }
        line("\r\n");
        request.extend_from_slice(body);
        request.into()
    }

    /// Reads up to `limit` records at a cursor.
    pub(super) fn get(&self, cursor: &str, limit: u32) -> Bytes {
        let path = format!("/records?limit={limit}&partition-cursor={cursor}");
        self.request("GET", &path, self.form.content_type(), b"")
    }

    /// Requests that together put records into all partitions.
    pub(super) fn puts(&self, stream: &str, shape: &Shape, by: By) -> Vec<Bytes> {
        let records = shape.records as usize;
        let bytes = records * (shape.record_bytes + 64) * 4 / 3;
        let whole_rounds = lcm(records, shape.partitions as usize) / records;
        let count = whole_rounds.max(8).min((PREPARED_BYTES_MAX / bytes.max(1)).max(1));
        (0..count).map(|index| self.put(stream, shape, by, index * records, None)).collect()
    }

    /// A request that puts records into one partition only.
    pub(super) fn put_into(&self, stream: &str, shape: &Shape, partition: u32) -> Bytes {
        self.put(stream, shape, By::Partition, 0, Some(partition))
    }

    fn put(&self, stream: &str, shape: &Shape, by: By, first: usize, only: Option<u32>) -> Bytes {
        let place = |index: usize| match only {
            Some(partition) => partition as usize,
            None => index % shape.partitions as usize,
        };
        let entries = (first..first + shape.records as usize).map(|index| {
            let data = data(index as u64, shape.record_bytes);
            match by {
                By::Partition => (data, format!("shardId-{:010}", place(index)), String::new()),
                By::Key => (data, String::new(), format!("key-{index}")),
            }
        });
        let body = match self.form {
            Form::Json => json(stream, entries),
            Form::Protobuf => {
                let records = entries.map(|(data, partition_id, partition_key)| {
                    let data = Bytes::from(data);
                    proto::PutRecordsRequestEntry { data, partition_id, partition_key, ..Default::default() }
                });
                let (stream_name, records) = (stream.to_owned(), records.collect());
                proto::PutRecordsRequest { stream_name, records, stream_id: String::new() }.encode_to_vec()
            }
        };
        self.request("POST", "/records", self.form.content_type(), &body)
    }

    /// Commits of the positions 0 to `position_max` in all partitions.
    pub(super) fn commits(&self, stream: &str, app: &str, partitions: u32, position_max: u64) -> Vec<Bytes> {
        let count = u64::from(partitions).max(256);
        let commit = |index: u64| {
            let request = CommitCheckpointRequest {
                stream_name: Some(stream.to_owned()),
                app_name: Some(app.to_owned()),
                partition_id: Some(format!("shardId-{:010}", index % u64::from(partitions))),
                sequence_number: Some((index % (position_max + 1)).to_string()),
                metadata: Some(String::new()),
                checkpoint_type: Some("LAST_READ".to_owned()),
                ..CommitCheckpointRequest::default()
            };
            let body = serde_json::to_vec(&request).expect("the shapes of the API can be written");
            self.request("POST", "/checkpoints", "application/json", &body)
        };
        (0..count).map(commit).collect()
    }
}

fn json(stream: &str, entries: impl Iterator<Item = (Vec<u8>, String, String)>) -> Vec<u8> {
    let mut body = format!(r#"{{"stream_name":"{stream}","records":["#);
    for (index, (data, partition_id, partition_key)) in entries.enumerate() {
        let (name, value) = if partition_key.is_empty() {
            ("partition_id", partition_id)
        } else {
            ("partition_key", partition_key)
        };
        let comma = if index > 0 { "," } else { "" };
        let data = STANDARD.encode(data);
        for text in [comma, r#"{"data":""#, &data, r#"",""#, name, r#"":""#, &value, r#""}"#] {
            body.push_str(text);
        }
    }
    body.push_str("]}");
    body.into_bytes()
}

/// Bytes that do not compress, the same in every run.
pub(super) fn data(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(len).collect()
}

fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}
