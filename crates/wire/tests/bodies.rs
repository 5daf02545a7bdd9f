//! Every body that a real client signed in the vectors is read and has a meaning, in whatever form it
//! was sent.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use millpond_model::Limits;
use millpond_wire::{
    Refusal,
    codec::compress::Encoding,
    v2::{
        apps::CreateAppRequest,
        checkpoints::CommitCheckpointRequest,
        parse_body, proto,
        records::{PutRecords, PutRecordsRequest},
        streams::{CreateStreamRequest, UpdateStreamRequest},
    },
};
use serde_json::Value;

const FILES: [&str; 9] = [
    include_str!("vectors/captured-java-sdk.json"),
    include_str!("vectors/captured-go-legacy-sdk.json"),
    include_str!("vectors/captured-go-otc-signer.json"),
    include_str!("vectors/captured-go-v3style-signer.json"),
    include_str!("vectors/derived-dotnet-sdk.json"),
    include_str!("vectors/python-legacy-2.0.4.json"),
    include_str!("vectors/python-legacy-head-v11.json"),
    include_str!("vectors/python-v3-access.json"),
    include_str!("vectors/python-v3-derived-v11.json"),
];
const CAPTURED: &str = include_str!("vectors/signatures.jsonl");

/// The headers, which one kind of file has as pairs and the other as an object.
fn headers(vector: &Value) -> HeaderMap {
    let pairs: Vec<(&str, &str)> = match &vector["headers"] {
        Value::Array(pairs) => {
            pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
        }
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
        }
        other => panic!("no headers: {other}"),
    };
    let pairs = pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()));
    pairs.collect()
}

/// One file has signed headers only: the body tells for itself where the type was not signed.
fn is_protobuf(headers: &HeaderMap, body: &[u8]) -> bool {
    match headers.get("content-type") {
        Some(value) => value.as_bytes().starts_with(b"application/x-protobuf"),
        None => body.first().is_some_and(|&byte| byte != b'{'),
    }
}

fn put(headers: &HeaderMap, body: &Bytes) -> Result<PutRecords, Refusal> {
    if is_protobuf(headers, body) {
        return proto::parse::<proto::PutRecordsRequest>(body.clone())?.into_model(&Limits::default());
    }
    parse_body::<PutRecordsRequest<'_>>(body)?.into_model(&Limits::default())
}

/// Reads the body as the call's request; `None` when the call takes none.
fn read(method: &str, path: &str, headers: &HeaderMap, body: &Bytes) -> Option<Result<(), Refusal>> {
    let call = path.trim_end_matches('/').split('/').skip(3).collect::<Vec<_>>();
    Some(match (method, call.as_slice()) {
        ("POST", ["streams"]) => parse_body::<CreateStreamRequest>(body)
            .and_then(|request| request.into_spec(&Limits::default()))
            .map(drop),
        ("POST", ["records"]) => put(headers, body).map(|put| {
            assert!(put.records.iter().all(Result::is_ok), "{path}");
        }),
        ("POST", ["apps"]) => {
            parse_body::<CreateAppRequest>(body).and_then(|request| request.name(200)).map(drop)
        }
        ("POST", ["checkpoints"]) => parse_body::<CommitCheckpointRequest>(body).and_then(|request| {
            let commit = request.into_commit(Limits::default().metadata_chars)?;
            commit.partition()?;
            commit.sequence_number().map(drop)
        }),
        ("PUT", ["streams", _] | ["streams", _, "update"]) => parse_body::<UpdateStreamRequest>(body)
            .and_then(|request| request.into_change(&Limits::default()))
            .map(drop),
        _ => return None,
    })
}

/// The body as it was before it was compressed.
fn decoded(vector: &Value, headers: &HeaderMap) -> Bytes {
    let body = STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
    match Encoding::of(headers).unwrap() {
        Some(encoding) => encoding.decode(&body, 1 << 20, |_| true).unwrap(),
        None => body.into(),
    }
}

#[test]
fn every_body_has_a_meaning() {
    let mut vectors: Vec<Value> = CAPTURED.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for file in FILES {
        let file: Value = serde_json::from_str(file).unwrap();
        vectors.extend(file["vectors"].as_array().unwrap().iter().cloned());
    }
    let (mut json, mut protobuf, mut compressed) = (0, 0, 0);
    for vector in &vectors {
        if vector["id"] == "post-non-json-unsigned-payload" {
            continue; // made for its signature: a put without records
        }
        let headers = headers(vector);
        let body = decoded(vector, &headers);
        let target = vector["target"].as_str().unwrap();
        let path = target.split('?').next().unwrap();
        let Some(result) = read(vector["method"].as_str().unwrap(), path, &headers, &body) else { continue };
        assert_eq!(result, Ok(()), "{target}: {}", String::from_utf8_lossy(&body));
        *(if is_protobuf(&headers, &body) { &mut protobuf } else { &mut json }) += 1;
        compressed += usize::from(headers.contains_key("content-encoding"));
    }
    assert!(json >= 40 && protobuf >= 5 && compressed >= 4, "{json} {protobuf} {compressed}");
}

/// What one client sent in four ways is one and the same request.
#[test]
fn all_forms_of_a_put_mean_the_same() {
    let file: Value = serde_json::from_str(include_str!("vectors/captured-java-sdk.json")).unwrap();
    let forms =
        ["java-post-records", "java-post-records-pb", "java-post-records-lz4", "java-post-records-snappy"];
    let puts: Vec<PutRecords> = forms
        .iter()
        .map(|id| {
            let vector =
                file["vectors"].as_array().unwrap().iter().find(|vector| vector["id"] == *id).unwrap();
            let headers = headers(vector);
            put(&headers, &decoded(vector, &headers)).unwrap()
        })
        .collect();
    assert_eq!(puts[0].records.len(), 2);
    for (form, put) in forms.iter().zip(&puts) {
        assert_eq!(put, &puts[0], "{form}");
    }
}
