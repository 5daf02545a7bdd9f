//! `GET /records` (spec/03 §5).

use bytes::Bytes;
use millpond_model::{Limits, PageLimits, Record, limits};
use serde::{Deserialize, Serialize};

use super::write::{push_count, push_number, push_string};
use crate::{Code, Query, Refusal, codec::b64};

/// The kind of every record's time (spec/03 §3).
pub(in crate::v2) const TIMESTAMP_TYPE: &str = "CreateTime";

/// Records of one answer.
const PAGE: PageLimits = PageLimits { default: limits::GET_RECORDS_DEFAULT, max: limits::GET_RECORDS_MAX };

/// Parameters of `GET /records`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRecordsQuery {
    /// The cursor, not yet decoded.
    pub cursor: String,
    /// Most records: 1000 unless asked otherwise, 1 to 10,000.
    pub limit: u32,
    /// Most bytes of data; the answer stays empty when the next record alone exceeds it.
    pub max_fetch_bytes: Option<u64>,
}

impl GetRecordsQuery {
    /// # Errors
    /// `DIS.4200` without a cursor and for limits that are not numbers; `DIS.4217` for a cursor that is
    /// too long.
    pub fn parse(query: &Query, within: &Limits) -> Result<Self, Refusal> {
        let cursor = query.get_any(&["partition-cursor", "partition_cursor"]);
        let cursor = cursor.ok_or_else(|| Refusal::missing("partition-cursor"))?;
        if cursor.chars().nth(within.cursor_chars).is_some() {
            return Err(Code::InvalidCursor.about(cursor));
        }
        let limit = query.limit("limit", PAGE)?;
        let bytes = query.integer("max_fetch_bytes")?.filter(|&bytes| bytes != 0);
        let invalid = |bytes: i64| Refusal::invalid_expecting("max_fetch_bytes", bytes, "0 or more");
        let max_fetch_bytes =
            bytes.map(|bytes| u64::try_from(bytes).map_err(|_| invalid(bytes))).transpose()?;
        Ok(Self { cursor: cursor.to_owned(), limit, max_fetch_bytes })
    }
}

/// Answer of `GET /records`: always both members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetRecordsResponse {
    /// In the order of their numbers.
    pub records: Vec<RecordEntry>,
    /// Where to go on.
    pub next_partition_cursor: String,
}

/// A record in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordEntry {
    /// Absent when the producer gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// Decimal.
    pub sequence_number: String,
    /// Base64.
    pub data: String,
    /// Milliseconds since the epoch: the producer's time, else the arrival.
    pub timestamp: i64,
    /// `CreateTime`.
    pub timestamp_type: String,
}

/// A record in an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data of a record is not base64, or longer than a record may be")]
pub struct InvalidRecordEntry;

impl From<&Record> for RecordEntry {
    fn from(record: &Record) -> Self {
        Self {
            partition_key: record.partition_key.as_ref().map(|key| key.as_str().to_owned()),
            sequence_number: record.sequence_number.to_string(),
            data: b64::encode(&record.data),
            timestamp: record.timestamp().as_millis(),
            timestamp_type: TIMESTAMP_TYPE.to_owned(),
        }
    }
}

impl RecordEntry {
    /// The payload.
    ///
    /// # Errors
    /// `InvalidRecordEntry` when it is not base64 of at most 4 MiB.
    pub fn decode_data(&self) -> Result<Bytes, InvalidRecordEntry> {
        b64::decode(&self.data, limits::RECORD_DATA_BYTES_CEILING).map_err(|_| InvalidRecordEntry)
    }
}

/// The answer as JSON: what serde makes of [`GetRecordsResponse`], in one buffer.
pub fn write_get_response(records: &[Record], next_cursor: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(estimate(records, next_cursor));
    body.extend_from_slice(br#"{"records":["#);
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            body.push(b',');
        }
        write_record(&mut body, record);
    }
    body.extend_from_slice(br#"],"next_partition_cursor":"#);
    push_string(&mut body, next_cursor);
    body.push(b'}');
    body
}

/// Enough for the whole answer unless keys need escapes.
fn estimate(records: &[Record], next_cursor: &str) -> usize {
    /// Everything of an entry but key and data, with the longest numbers.
    const ENTRY_BYTES: usize = 160;
    let key = |record: &Record| record.partition_key.as_ref().map_or(0, |key| key.as_str().len());
    let entry = |record: &Record| ENTRY_BYTES + b64::encoded_len(record.data.len()) + key(record);
    records.iter().map(entry).sum::<usize>() + next_cursor.len() + 64
}

fn write_record(body: &mut Vec<u8>, record: &Record) {
    body.push(b'{');
    if let Some(key) = &record.partition_key {
        body.extend_from_slice(br#""partition_key":"#);
        push_string(body, key.as_str());
        body.push(b',');
    }
    body.extend_from_slice(br#""sequence_number":""#);
    push_count(body, record.sequence_number.get());
    body.extend_from_slice(br#"","data":""#);
    b64::encode_append(&record.data, body);
    body.extend_from_slice(br#"","timestamp":"#);
    push_number(body, record.timestamp().as_millis());
    body.extend_from_slice(br#","timestamp_type":""#);
    body.extend_from_slice(TIMESTAMP_TYPE.as_bytes());
    body.extend_from_slice(br#""}"#);
}

#[cfg(test)]
mod tests {
    use millpond_model::{PartitionKey, SequenceNumber, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::PlusReading;

    fn record(number: u64, data: Vec<u8>, key: &str, producer_time: Option<i64>) -> Record {
        Record {
            sequence_number: SequenceNumber::new(number).unwrap(),
            arrival: Timestamp::from_millis(1_700_000_000_000),
            data: data.into(),
            partition_key: PartitionKey::parse(key).unwrap(),
            explicit_hash_key: None,
            producer_time: producer_time.map(Timestamp::from_millis),
        }
    }

    #[test]
    fn the_documented_answer() {
        let records = [record(0, b"hello".to_vec(), "k1", None), record(1, vec![], "", Some(7))];
        assert_eq!(
            String::from_utf8(write_get_response(&records, "next")).unwrap(),
            concat!(
                r#"{"records":[{"partition_key":"k1","sequence_number":"0","data":"aGVsbG8=","#,
                r#""timestamp":1700000000000,"timestamp_type":"CreateTime"},"#,
                r#"{"sequence_number":"1","data":"","timestamp":7,"timestamp_type":"CreateTime"}],"#,
                r#""next_partition_cursor":"next"}"#,
            )
        );
        assert_eq!(write_get_response(&[], "c"), br#"{"records":[],"next_partition_cursor":"c"}"#);
    }

    #[test]
    fn parameters() {
        let check = |raw: &str, expected: Result<(u32, Option<u64>), &str>| {
            let query =
                GetRecordsQuery::parse(&Query::parse(raw, PlusReading::Space).unwrap(), &Limits::default());
            let got = query.as_ref().map(|query| (query.limit, query.max_fetch_bytes));
            assert_eq!(got.map_err(Refusal::code_str), expected, "{raw}");
        };
        check("partition-cursor=c", Ok((1000, None)));
        check("limit=0&max_fetch_bytes=0&partition-cursor=c&", Ok((1000, None)));
        check("partition_cursor=c&limit=20000&max_fetch_bytes=5&app_name=g", Ok((10_000, Some(5))));
        check("partition-cursor=", Err("DIS.4200"));
        check("partition-cursor=c&max_fetch_bytes=-1", Err("DIS.4200"));
        check("partition-cursor=c&limit=x", Err("DIS.4200"));
        check(&format!("partition-cursor={}", "c".repeat(512)), Ok((1000, None)));
        check(&format!("partition-cursor={}", "c".repeat(513)), Err("DIS.4217"));
    }

    proptest! {
        #[test]
        fn the_answer_is_written_as_serde_writes_it(
            fields in prop::collection::vec(
                (0..=limits::SEQUENCE_NUMBER_MAX, prop::collection::vec(any::<u8>(), 0..50), ".{0,20}", any::<Option<i64>>()),
                0..6,
            ),
        ) {
            let records: Vec<Record> =
                fields.into_iter().map(|(number, data, key, time)| record(number, data, &key, time)).collect();
            let response = GetRecordsResponse {
                records: records.iter().map(RecordEntry::from).collect(),
                next_partition_cursor: "cursor".to_owned(),
            };
            let written = write_get_response(&records, "cursor");
            prop_assert_eq!(String::from_utf8(written.clone()).unwrap(), serde_json::to_string(&response).unwrap());
            let read: GetRecordsResponse = serde_json::from_slice(&written).unwrap();
            for (entry, record) in read.records.iter().zip(&records) {
                prop_assert_eq!(entry.decode_data().unwrap(), record.data.clone());
            }
        }
    }
}
