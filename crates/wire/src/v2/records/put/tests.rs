use std::borrow::Cow;

use bytes::Bytes;
use millpond_model::{HashKey, NewRecord, PartitionKey, limits};
use proptest::prelude::*;

use super::*;
use crate::v2::parse_body;

fn parse(body: &str) -> Result<PutRecords, Refusal> {
    parse_body::<PutRecordsRequest<'_>>(body.as_bytes())?.into_model(&Limits::default())
}

fn key(number: u64) -> HashKey {
    HashKey::new(number).unwrap()
}

#[test]
fn text_is_borrowed_from_the_body() {
    let body = br#"{"stream_name":"s","records":[{"data":"eA==","partition_key":"k"},{"data":"a\/8="}]}"#;
    let request: PutRecordsRequest<'_> = parse_body(body).unwrap();
    let data = |i: usize| &request.records[i].data.0;
    assert!(matches!(request.stream_name.0, Cow::Borrowed(_)));
    assert!(matches!(request.records[0].partition_key.0, Cow::Borrowed(_)));
    assert!(matches!(data(0), Cow::Borrowed("eA==")));
    assert_eq!(data(1), "a/8=");
}

#[test]
fn placement_follows_the_precedence() {
    let check = |members: &str, placement: Placement, kept: Option<u64>| {
        let body = format!(r#"{{"stream_name":"s","records":[{{"data":"eA==",{members}}}]}}"#);
        let records = parse(&body).unwrap().records;
        let placed = records[0].as_ref().unwrap();
        assert_eq!((placed.placement, placed.record.explicit_hash_key), (placement, kept.map(key)), "{body}");
    };
    let of_k1 = Placement::Key(key(3_906_786_343_346_949_848));
    let third = Placement::Partition(PartitionId::new(3));
    check(r#""partition_id":"3","explicit_hash_key":"5","partition_key":"k1""#, third, Some(5));
    check(r#""partition_id":3"#, third, None);
    check(r#""explicit_hash_key":"5","partition_key":"k1""#, Placement::Key(key(5)), Some(5));
    check(r#""explicit_hash_key":"-5","partition_key":"k1""#, of_k1, None);
    check(r#""partition_id":"","explicit_hash_key":"","partition_key":"k1""#, of_k1, None);
    check(r#""partition_id":null,"explicit_hash_key":"-1","partition_key":"""#, Placement::Anywhere, None);
    check(r#""extended_info":{"file_name":"x"}"#, Placement::Anywhere, None);
}

#[test]
fn times_at_or_below_zero_are_none() {
    let check = |members: &str, timestamp: Option<i64>| {
        let body = format!(r#"{{"stream_name":"s","records":[{{"data":""{members}}}]}}"#);
        let records = parse(&body).unwrap().records;
        let got = records[0].as_ref().unwrap().record.timestamp.map(Timestamp::as_millis);
        assert_eq!(got, timestamp, "{body}");
    };
    check("", None);
    check(r#","timestamp":0"#, None);
    check(r#","timestamp":-1"#, None);
    check(r#","timestamp":null"#, None);
    check(r#","timestamp":1700000000000"#, Some(1_700_000_000_000));
}

#[test]
fn one_bad_record_is_refused_alone() {
    let check = |record: &str, code: &str, message: &str| {
        let body = format!(r#"{{"stream_id":"i","records":[{{"data":"eA=="}},{record},{{"data":"eQ"}}]}}"#);
        let put = parse(&body).unwrap();
        assert_eq!(put.stream.to_string(), "i");
        let data = |i: usize| put.records[i].as_ref().unwrap().record.data.clone();
        assert_eq!((data(0), data(2)), (Bytes::from("x"), Bytes::from("y")));
        let refusal = put.records[1].as_ref().unwrap_err();
        assert_eq!((refusal.code().as_str(), refusal.message()), (code, message));
    };
    check(
        r#"{"data":"eA==","partition_id":"shard-x"}"#,
        "DIS.4201",
        "DIS.4201: Invalid partition_id. [shard-x]",
    );
    check(
        &format!(r#"{{"data":"{}"}}"#, b64::encode(&vec![0; limits::RECORD_DATA_BYTES_MAX + 1])),
        "DIS.4200",
        "DIS.4200: Invalid request. [Invalid data. Expected: at most 1048576 bytes, not counting base64.]",
    );
    check(
        &format!(r#"{{"data":"","partition_key":"{}"}}"#, "k".repeat(257)),
        "DIS.4200",
        "DIS.4200: Invalid request. [Invalid partition_key. Expected: at most 256 characters.]",
    );
}

#[test]
fn the_largest_record_is_taken() {
    let data = vec![7; limits::RECORD_DATA_BYTES_MAX];
    let body = format!(r#"{{"stream_name":"s","records":[{{"data":"{}"}}]}}"#, b64::encode(&data));
    assert_eq!(parse(&body).unwrap().records[0].as_ref().unwrap().record.data, data);
}

#[test]
fn some_faults_refuse_the_request() {
    let check = |body: &str, code: &str, message: &str| {
        let refusal = parse(body).unwrap_err();
        assert_eq!((refusal.code_str(), refusal.message()), (code, message), "{body}");
    };
    let with = |record: &str| format!(r#"{{"stream_name":"s","records":[{{"data":"eA=="}},{record}]}}"#);
    let no_records = "Invalid request. [Invalid records []. Expected: one record or more.]";
    let no_data = "Invalid request. [Invalid data.]";
    check("", "DIS.4202", "Empty request.");
    check(r#"{"records":[{"data":""}]}"#, "DIS.4200", "Invalid request. [Invalid stream_name null.]");
    check(r#"{"stream_name":"s"}"#, "DIS.4200", no_records);
    check(r#"{"stream_name":"s","records":null}"#, "DIS.4200", no_records);
    check(r#"{"stream_name":"s","records":[]}"#, "DIS.4200", no_records);
    check(&with(r#"{"data":"e"}"#), "DIS.4200", no_data);
    check(&with(r#"{"data":"not base64!"}"#), "DIS.4200", no_data);
    check(
        &with(r#"{"data":null}"#),
        "DIS.4200",
        "Invalid request. [Invalid JSON at line 1 column 59: invalid type: null, expected a string.]",
    );
    check(
        &with("{}"),
        "DIS.4200",
        "Invalid request. [Invalid JSON at line 1 column 48: missing field `data`.]",
    );
    check(
        &with(r#"{"data":"","explicit_hash_key":"9223372036854775808"}"#),
        "DIS.4200",
        "Invalid request. [Invalid explicit_hash_key 9223372036854775808. Expected: a decimal from 0 to 9223372036854775807.]",
    );
    check(
        r#"{"stream_name":"s","records":[{"data":7.5e}]}"#,
        "DIS.4200",
        "Invalid request. [Invalid JSON at line 1 column 43: invalid number.]",
    );
}

#[test]
fn what_the_client_writes_is_what_the_server_reads() {
    let record = |data: &str, key: &str| NewRecord {
        partition_key: PartitionKey::parse(key).unwrap(),
        timestamp: Some(Timestamp::from_millis(5)),
        ..NewRecord::of(Bytes::copy_from_slice(data.as_bytes()))
    };
    let placed = vec![
        PlacedRecord { record: record("a", ""), placement: Placement::Anywhere },
        PlacedRecord { record: record("", "k1"), placement: Placement::Key(HashKey::of_partition_key("k1")) },
        PlacedRecord { record: record("b", "\"ü"), placement: Placement::Partition(PartitionId::new(2)) },
        PlacedRecord {
            record: NewRecord { explicit_hash_key: Some(key(9)), ..record("c", "k1") },
            placement: Placement::Key(key(9)),
        },
    ];
    let body = serde_json::to_string(&PutRecordsRequest::new("s", &placed)).unwrap();
    let read: Vec<PlacedRecord> = parse(&body).unwrap().records.into_iter().map(Result::unwrap).collect();
    assert_eq!(read, placed);
}

fn outcome() -> impl Strategy<Value = PutOutcome> {
    let placed = (any::<u32>(), 0..=limits::SEQUENCE_NUMBER_MAX).prop_map(|(partition, number)| Placed {
        partition: PartitionId::new(partition),
        sequence_number: SequenceNumber::new(number).unwrap(),
    });
    let refused = (0..Code::ALL.len(), any::<String>())
        .prop_map(|(code, text)| RecordRefusal::from(Code::ALL[code].about(text)));
    prop_oneof![placed.prop_map(Ok), refused.prop_map(Err)]
}

proptest! {
    #[test]
    fn the_answer_is_written_as_serde_writes_it(outcomes in prop::collection::vec(outcome(), 0..8)) {
        let response = PutRecordsResponse {
            failed_record_count: outcomes.iter().filter(|outcome| outcome.is_err()).count() as u64,
            records: outcomes.iter().map(PutResultEntry::from).collect(),
        };
        let written = write_put_response(&outcomes);
        prop_assert_eq!(String::from_utf8(written.clone()).unwrap(), serde_json::to_string(&response).unwrap());
        let read: PutRecordsResponse = serde_json::from_slice(&written).unwrap();
        for (entry, outcome) in read.records.iter().zip(&outcomes) {
            prop_assert_eq!(entry.placed(), outcome.as_ref().ok().copied());
        }
    }

    #[test]
    fn any_body_is_read_without_panic(body in ".{0,80}") {
        let _ = parse(&body);
    }
}

#[test]
fn the_documented_answer() {
    let placed =
        Placed { partition: PartitionId::new(0), sequence_number: SequenceNumber::new(195).unwrap() };
    let outcomes = [Ok(placed), Err(Code::TrafficLimit.plain().into())];
    assert_eq!(
        String::from_utf8(write_put_response(&outcomes)).unwrap(),
        concat!(
            r#"{"failed_record_count":1,"records":["#,
            r#"{"partition_id":"shardId-0000000000","sequence_number":"195"},"#,
            r#"{"error_code":"DIS.4303","error_message":"Exceeded traffic control limit."}]}"#,
        )
    );
}
