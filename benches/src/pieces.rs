//! Decoding, verifying and encoding: what every large request costs beside the disk.

use std::hint::black_box;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use millpond_model::{Limits, Record, SequenceNumber, Timestamp};
use millpond_wire::{
    signing::{Presented, SecretKey, SignedRequest, Signer, ToSign, VerifyOptions, body_sha256, verify},
    v2::{parse_body, proto, records},
};
use prost::Message as _;

/// Records of a request and an answer.
pub const RECORDS: usize = 500;

/// Bytes of a record.
pub const RECORD_BYTES: usize = 1024;

/// A piece: its name, the bytes it is about, and the work.
pub struct Piece {
    /// Unique.
    pub name: &'static str,
    /// Bytes of the records, without any wrapping.
    pub payload_bytes: usize,
    /// The work; what it needs was made before.
    pub work: Box<dyn Fn()>,
}

/// All pieces.
pub fn all() -> Vec<Piece> {
    let payload_bytes = RECORDS * RECORD_BYTES;
    let piece = |name, work| Piece { name, payload_bytes, work };
    vec![
        piece("decode_put_json", decode_json()),
        piece("decode_put_protobuf", decode_protobuf()),
        piece("verify_signature", verify_signature()),
        piece("encode_get_json", encode_json()),
        piece("encode_get_protobuf", encode_protobuf()),
    ]
}

fn data(seed: usize) -> Vec<u8> {
    (0..RECORD_BYTES).map(|index| u8::try_from((seed * 31 + index * 7) % 256).unwrap_or_default()).collect()
}

fn partition(index: usize) -> String {
    format!("shardId-{:010}", index % 16)
}

fn json_body() -> Bytes {
    let record = |index: usize| {
        format!(r#"{{"data":"{}","partition_id":"{}"}}"#, STANDARD.encode(data(index)), partition(index))
    };
    let records: Vec<String> = (0..RECORDS).map(record).collect();
    format!(r#"{{"stream_name":"orders","records":[{}]}}"#, records.join(",")).into()
}

fn decode_json() -> Box<dyn Fn()> {
    let (body, limits) = (json_body(), Limits::default());
    Box::new(move || {
        let request: records::PutRecordsRequest<'_> = parse_body(&body).expect("the body is good");
        black_box(request.into_model(&limits).expect("the request is good"));
    })
}

fn decode_protobuf() -> Box<dyn Fn()> {
    let entry = |index: usize| proto::PutRecordsRequestEntry {
        data: data(index).into(),
        partition_id: partition(index),
        ..Default::default()
    };
    let records = (0..RECORDS).map(entry).collect();
    let request =
        proto::PutRecordsRequest { stream_name: "orders".to_owned(), records, stream_id: String::new() };
    let (body, limits) = (Bytes::from(request.encode_to_vec()), Limits::default());
    Box::new(move || {
        let request: proto::PutRecordsRequest = proto::parse(body.clone()).expect("the body is good");
        black_box(request.into_model(&limits).expect("the request is good"));
    })
}

fn verify_signature() -> Box<dyn Fn()> {
    let (body, now, target) = (json_body(), Timestamp::from_millis(1_768_465_800_000), "/v2/p1/records");
    let signer = Signer::new("AK", SecretKey::new("sk")).with_scope("local", "dis");
    let (host, content_type) = ("127.0.0.1:7347", "application/json");
    let to_sign = ToSign { method: "POST", target, host, content_type: Some(content_type), body: &body };
    let mut headers = HeaderMap::new();
    for (name, value) in signer.sign(&to_sign, now) {
        headers.insert(name, HeaderValue::from_str(&value).expect("a header of ours"));
    }
    headers.insert("host", HeaderValue::from_static(host));
    headers.insert("content-type", HeaderValue::from_static(content_type));
    let secret = SecretKey::new("sk");
    Box::new(move || {
        let Ok(Presented::Signature(credentials)) = Presented::parse(&headers) else {
            panic!("the request is signed");
        };
        let body_sha256 = body_sha256(&body);
        let request =
            SignedRequest { method: "POST", target, headers: &headers, authority: None, body_sha256 };
        let verified = verify(&request, &credentials, &secret, &VerifyOptions::default(), now);
        black_box(verified.expect("the signature is good"));
    })
}

fn stored() -> Vec<Record> {
    let record = |index: usize| Record {
        sequence_number: SequenceNumber::new(index as u64).expect("it is small"),
        arrival: Timestamp::from_millis(1_700_000_000_000),
        data: data(index).into(),
        partition_key: None,
        explicit_hash_key: None,
        producer_time: None,
    };
    (0..RECORDS).map(record).collect()
}

fn encode_json() -> Box<dyn Fn()> {
    let (records, cursor) = (stored(), "c".repeat(200));
    Box::new(move || {
        black_box(records::write_get_response(&records, &cursor));
    })
}

fn encode_protobuf() -> Box<dyn Fn()> {
    let (records, cursor) = (stored(), "c".repeat(200));
    Box::new(move || {
        black_box(proto::write_get_response(&records, &cursor));
    })
}
