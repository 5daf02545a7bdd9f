use millpond_model::{HashKey, PartitionId, PartitionKey, Placement, SequenceNumber, Timestamp, limits};
use proptest::prelude::*;

use super::*;
use crate::{
    RecordRefusal,
    v2::{
        parse_body,
        records::{self, Placed, PutOutcome},
    },
};

fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn read(body: &[u8]) -> Result<PutRecords, Refusal> {
    let body = Bytes::copy_from_slice(body);
    let counted = count_records(&body);
    let request: Result<PutRecordsRequest, _> = parse(body);
    if let Ok(request) = &request {
        assert_eq!(counted, Ok(request.records.len()));
    }
    request?.into_model(&Limits::default())
}

fn entry(data: &'static [u8]) -> PutRecordsRequestEntry {
    PutRecordsRequestEntry { data: Bytes::from_static(data), ..Default::default() }
}

fn request(records: Vec<PutRecordsRequestEntry>) -> PutRecordsRequest {
    PutRecordsRequest { stream_name: "s".to_owned(), records, stream_id: String::new() }
}

/// The same records as JSON and as protobuf.
fn check_same(json: &str, records: Vec<PutRecordsRequestEntry>) {
    let json: records::PutRecordsRequest<'_> = parse_body(json.as_bytes()).unwrap();
    assert_eq!(read(&request(records).encode_to_vec()), json.into_model(&Limits::default()));
}

#[test]
fn both_forms_mean_the_same() {
    let text = str::to_owned;
    check_same(
        r#"{"stream_name":"s","records":[
            {"data":"eA==","partition_id":"3","explicit_hash_key":"5","partition_key":"k1"},
            {"data":"eA==","explicit_hash_key":"-5","partition_key":"k1","timestamp":1700000000000},
            {"data":"","timestamp":0}, {"data":"eA==","partition_id":"shard-x"}]}"#,
        vec![
            PutRecordsRequestEntry {
                partition_id: text("3"),
                explicit_hash_key: text("5"),
                partition_key: text("k1"),
                ..entry(b"x")
            },
            PutRecordsRequestEntry {
                explicit_hash_key: text("-5"),
                partition_key: text("k1"),
                timestamp: Some(1_700_000_000_000),
                ..entry(b"x")
            },
            PutRecordsRequestEntry { timestamp: Some(0), ..entry(b"") },
            PutRecordsRequestEntry { partition_id: text("shard-x"), ..entry(b"x") },
        ],
    );
    check_same(
        &format!(
            r#"{{"stream_name":"s","records":[{{"data":"{}"}},{{"data":"","partition_key":"{}"}}]}}"#,
            "AAAA".repeat(limits::RECORD_DATA_BYTES_MAX / 3 + 1),
            "k".repeat(257)
        ),
        vec![
            PutRecordsRequestEntry {
                data: vec![0; limits::RECORD_DATA_BYTES_MAX + 1].into(),
                ..Default::default()
            },
            PutRecordsRequestEntry { partition_key: "k".repeat(257), ..Default::default() },
        ],
    );
}

#[test]
fn bodies_of_stock_clients() {
    let put = read(&hex("0a027331 120c 1a0668656c6c6f30 2a026b30 120c 1a0668656c6c6f31 2a026b31")).unwrap();
    assert_eq!(put.stream.to_string(), "s1");
    let record = |i: usize| put.records[i].as_ref().unwrap();
    assert_eq!(record(0).record.data, "hello0");
    assert_eq!(record(0).placement, Placement::Key(HashKey::of_partition_key("k0")));
    assert_eq!(record(1).record.partition_key, PartitionKey::parse("k1").unwrap());

    // One client sends every text, empty where it has none; another an empty id of the stream.
    let put = read(&hex("0a0161 1208 1a016b 2200 2a00 3200 f20100")).unwrap_err();
    assert_eq!(put.code_str(), "DIS.4200", "the length ends inside of the entry");
    let put = read(&hex("0a0161 1209 1a016b 2200 2a00 3200 f20100")).unwrap();
    assert_eq!(put.records[0].as_ref().unwrap().placement, Placement::Anywhere);
    let put =
        read(&hex("0a07 73747265616d31 1217 1a0178 3212 73686172 6449642d 30303030 30303030 3030 f20100"));
    let put = put.unwrap();
    assert_eq!(put.records[0].as_ref().unwrap().placement, Placement::Partition(PartitionId::new(0)));
    // The old file upload, and a record without data.
    let put = read(&hex("0a0161 1209 3a07 420166 5001 5801 1200")).unwrap();
    assert!(put.records.iter().all(|record| record.as_ref().unwrap().record.data.is_empty()));
}

#[test]
fn payloads_are_slices_of_the_body() {
    let body = Bytes::from(request(vec![entry(b"hello")]).encode_to_vec());
    let put = parse::<PutRecordsRequest>(body.clone()).unwrap().into_model(&Limits::default()).unwrap();
    let data = &put.records[0].as_ref().unwrap().record.data;
    assert!(body.as_ptr_range().contains(&data.as_ptr()));
}

#[test]
fn some_faults_refuse_the_request() {
    let check = |body: &[u8], code: &str, message: &str| {
        let refusal = read(body).unwrap_err();
        assert_eq!((refusal.code_str(), refusal.message()), (code, message), "{body:02x?}");
    };
    let invalid = |body: &str, what: &str| {
        check(&hex(body), "DIS.4200", &format!("Invalid request. [Invalid protobuf: {what}.]"));
    };
    check(b"", "DIS.4202", "Empty request.");
    let no_stream = PutRecordsRequest { stream_name: String::new(), ..request(vec![entry(b"x")]) };
    check(&no_stream.encode_to_vec(), "DIS.4200", "Invalid request. [Invalid stream_name null.]");
    check(
        &request(vec![]).encode_to_vec(),
        "DIS.4200",
        "Invalid request. [Invalid records []. Expected: one record or more.]",
    );
    let beyond = "9223372036854775808".to_owned();
    let beyond = PutRecordsRequestEntry { explicit_hash_key: beyond, ..entry(b"x") };
    check(
        &request(vec![beyond]).encode_to_vec(),
        "DIS.4200",
        "Invalid request. [Invalid explicit_hash_key 9223372036854775808. Expected: a decimal from 0 to 9223372036854775807.]",
    );

    invalid("0a027331 12", "PutRecordsRequest.records: invalid varint");
    invalid("0a0473", "PutRecordsRequest.stream_name: buffer underflow");
    invalid("0affffffff07 73", "PutRecordsRequest.stream_name: buffer underflow");
    invalid("12ffffffffffffffff7f 1a0178", "PutRecordsRequest.records: buffer underflow");
    invalid("1206 1affffffff07", "PutRecordsRequestEntry.data: PutRecordsRequest.records: buffer underflow");
    invalid("1001", "PutRecordsRequest.records: invalid wire type: Varint (expected LengthDelimited)");
    invalid(
        "1203 e80101 12021801",
        "PutRecordsRequestEntry.data: PutRecordsRequest.records: invalid wire type: Varint (expected LengthDelimited)",
    );
    invalid("0a02c328", "PutRecordsRequest.stream_name: invalid string value: data is not UTF-8 encoded");
    invalid("00", "invalid tag value: 0");
    invalid("0f", "invalid wire type value: 7");
    invalid(
        &"0b".repeat(1_000_000),
        "PutRecordsRequest.stream_name: invalid wire type: StartGroup (expected LengthDelimited)",
    );
    invalid(&"33".repeat(1_000_000), "recursion limit reached");
    invalid("34", "unexpected end group tag");
    check(br#"{"stream_name":"s"}"#, "DIS.4200", "Invalid request. [Invalid protobuf: buffer underflow.]");
}

/// What would take a hundred times the memory of the body is counted without any.
#[test]
fn records_are_counted_without_being_kept() {
    let empty = hex("1200").repeat(1_000_000);
    assert_eq!(count_records(&empty), Ok(1_000_000));
    assert_eq!(count_records(&hex("0a0173 120c 1a0668656c6c6f30 2a026b30 1200")), Ok(2));
    assert_eq!(count_records(&hex("0a0173")), Ok(0));
    assert_eq!(count_records(b"").unwrap_err().code_str(), "DIS.4202");
    let refusal = count_records(&hex("12ff0178")).unwrap_err();
    assert_eq!(refusal.message(), "Invalid request. [Invalid protobuf: Body.records: buffer underflow.]");
}

#[test]
fn the_documented_answers() {
    let placed = Placed { partition: PartitionId::new(0), sequence_number: SequenceNumber::new(0).unwrap() };
    assert_eq!(
        write_put_response(&[Ok(placed)]),
        hex("a80100 b20119 ba0112 73686172 6449642d 30303030 30303030 3030 c20101 30")
    );
    assert_eq!(write_put_response(&[]), hex("a80100"));
    assert_eq!(write_get_response(&[], ""), hex("7200"));
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

fn result_entry(outcome: &PutOutcome) -> PutRecordsResultEntry {
    let json = records::PutResultEntry::from(outcome);
    PutRecordsResultEntry {
        partition_id: json.partition_id,
        sequence_number: json.sequence_number,
        error_code: json.error_code,
        error_message: json.error_message,
    }
}

fn record() -> impl Strategy<Value = millpond_model::Record> {
    let fields = (
        0..=limits::SEQUENCE_NUMBER_MAX,
        prop::collection::vec(any::<u8>(), 0..300),
        ".{0,60}",
        any::<Option<i64>>(),
    );
    fields.prop_map(|(number, data, key, time)| millpond_model::Record {
        sequence_number: SequenceNumber::new(number).unwrap(),
        arrival: Timestamp::from_millis(1_700_000_000_000),
        data: data.into(),
        partition_key: PartitionKey::parse(&key).unwrap(),
        explicit_hash_key: None,
        producer_time: time.map(Timestamp::from_millis),
    })
}

fn message(record: &millpond_model::Record) -> Record {
    Record {
        partition_key: record.partition_key.as_ref().map(|key| key.as_str().to_owned()),
        sequence_number: record.sequence_number.to_string(),
        data: record.data.clone(),
        timestamp: record.timestamp().as_millis(),
        timestamp_type: "CreateTime".to_owned(),
    }
}

proptest! {
    #[test]
    fn a_put_answer_is_written_as_the_library_writes_it(outcomes in prop::collection::vec(outcome(), 0..8)) {
        let result = PutRecordsResult {
            failed_record_count: i32::try_from(outcomes.iter().filter(|outcome| outcome.is_err()).count()).unwrap(),
            records: outcomes.iter().map(result_entry).collect(),
        };
        let written = write_put_response(&outcomes);
        prop_assert_eq!(written.capacity(), written.len());
        prop_assert_eq!(&written, &result.encode_to_vec());
        prop_assert_eq!(parse::<PutRecordsResult>(&written[..]).unwrap(), result);
    }

    #[test]
    fn a_get_answer_is_written_as_the_library_writes_it(
        records in prop::collection::vec(record(), 0..6), cursor in "[a-zA-Z0-9_-]{0,300}",
    ) {
        let result = GetRecordsResult {
            records: records.iter().map(message).collect(),
            next_partition_cursor: cursor.clone(),
        };
        let written = write_get_response(&records, &cursor);
        prop_assert!(written.capacity() <= written.len() + 1);
        prop_assert_eq!(&written, &result.encode_to_vec());
        prop_assert_eq!(parse::<GetRecordsResult>(&written[..]).unwrap(), result);
    }

    #[test]
    fn any_body_is_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = read(&body);
    }

    /// A genuine body with one byte changed is read or refused.
    #[test]
    fn a_damaged_body_is_read_without_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = request(vec![entry(b"hello"), entry(b""), entry(b"x")]).encode_to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = read(&body);
    }
}
