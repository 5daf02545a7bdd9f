//! Protobuf bodies as JSON, and back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Buf;
use millpond_wire::v2::proto::{GetRecordsResult, PutRecordsResult};
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint},
};
use serde_json::{Map, Value, json};

/// An answer to one of the two calls of records, by the names that JSON has.
pub fn answer(method: &str, body: impl Buf) -> Value {
    if method == "GET" {
        let result = GetRecordsResult::decode(body).unwrap();
        let records: Vec<_> = result
            .records
            .iter()
            .map(|record| {
                object([
                    ("partition_key", record.partition_key.as_deref().map(Value::from)),
                    ("sequence_number", Some(record.sequence_number.as_str().into())),
                    ("data", Some(STANDARD.encode(&record.data).into())),
                    ("timestamp", Some(record.timestamp.into())),
                    ("timestamp_type", Some(record.timestamp_type.as_str().into())),
                ])
            })
            .collect();
        return json!({ "next_partition_cursor": result.next_partition_cursor, "records": records });
    }
    let result = PutRecordsResult::decode(body).unwrap();
    let records: Vec<_> = result
        .records
        .iter()
        .map(|entry| {
            object([
                ("partition_id", entry.partition_id.as_deref().map(Value::from)),
                ("sequence_number", entry.sequence_number.as_deref().map(Value::from)),
                ("error_code", entry.error_code.as_deref().map(Value::from)),
                ("error_message", entry.error_message.as_deref().map(Value::from)),
            ])
        })
        .collect();
    json!({ "failed_record_count": result.failed_record_count, "records": records })
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let present = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

/// A put as the older Go client encodes it: empty texts are written, an empty id of the stream is not.
pub fn put_request(meaning: &Value) -> Vec<u8> {
    let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned().into_bytes();
    let mut body = Vec::new();
    field(&mut body, 1, &text(meaning, "stream_name"));
    for record in meaning["records"].as_array().unwrap() {
        let mut entry = Vec::new();
        field(&mut entry, 3, &STANDARD.decode(text(record, "data")).unwrap());
        for (tag, name) in [(4, "explicit_hash_key"), (5, "partition_key"), (6, "partition_id")] {
            field(&mut entry, tag, &text(record, name));
        }
        field(&mut body, 2, &entry);
    }
    body
}

fn field(target: &mut Vec<u8>, tag: u32, bytes: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, target);
    encode_varint(bytes.len() as u64, target);
    target.extend_from_slice(bytes);
}
