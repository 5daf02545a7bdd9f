//! Every JSON body that a real client signed in the vectors is read and has a meaning.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use millpond_wire::{
    Refusal,
    v2::{
        apps::CreateAppRequest, checkpoints::CommitCheckpointRequest, parse_body, records::PutRecordsRequest,
        streams::CreateStreamRequest, streams::UpdateStreamRequest,
    },
};
use serde_json::Value;

const FILES: [&str; 8] = [
    include_str!("vectors/captured-java-sdk.json"),
    include_str!("vectors/captured-go-legacy-sdk.json"),
    include_str!("vectors/captured-go-otc-signer.json"),
    include_str!("vectors/captured-go-v3style-signer.json"),
    include_str!("vectors/derived-dotnet-sdk.json"),
    include_str!("vectors/python-legacy-2.0.4.json"),
    include_str!("vectors/python-v3-access.json"),
    include_str!("vectors/python-v3-derived-v11.json"),
];
const CAPTURED: &str = include_str!("vectors/signatures.jsonl");

/// Reads the body as the call's request; `None` when the call takes none.
fn read(method: &str, path: &str, body: &[u8]) -> Option<Result<(), Refusal>> {
    let call = path.trim_end_matches('/').split('/').skip(3).collect::<Vec<_>>();
    Some(match (method, call.as_slice()) {
        ("POST", ["streams"]) => {
            parse_body::<CreateStreamRequest>(body).and_then(CreateStreamRequest::into_spec).map(drop)
        }
        ("POST", ["records"]) => parse_body::<PutRecordsRequest<'_>>(body).and_then(|request| {
            let put = request.into_model()?;
            assert!(put.records.iter().all(Result::is_ok), "{path}");
            Ok(())
        }),
        ("POST", ["apps"]) => {
            parse_body::<CreateAppRequest>(body).and_then(|request| request.name()).map(drop)
        }
        ("POST", ["checkpoints"]) => parse_body::<CommitCheckpointRequest>(body).and_then(|request| {
            let commit = request.into_commit()?;
            commit.partition()?;
            commit.sequence_number().map(drop)
        }),
        ("PUT", ["streams", _] | ["streams", _, "update"]) => {
            parse_body::<UpdateStreamRequest>(body).and_then(UpdateStreamRequest::into_change).map(drop)
        }
        _ => return None,
    })
}

#[test]
fn every_body_has_a_meaning() {
    let mut vectors: Vec<Value> = CAPTURED.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for file in FILES {
        let file: Value = serde_json::from_str(file).unwrap();
        vectors.extend(file["vectors"].as_array().unwrap().iter().cloned());
    }
    let mut count = 0;
    for vector in &vectors {
        let body = STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
        if body.first() != Some(&b'{') {
            continue; // protobuf, compressed, or none
        }
        let target = vector["target"].as_str().unwrap();
        let path = target.split('?').next().unwrap();
        let Some(result) = read(vector["method"].as_str().unwrap(), path, &body) else { continue };
        assert_eq!(result, Ok(()), "{target}: {}", String::from_utf8_lossy(&body));
        count += 1;
    }
    assert!(count >= 40, "only {count} bodies were read");
}
