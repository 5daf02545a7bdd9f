//! Answers written straight into a buffer, whose size is known beforehand.

use millpond_model::Record;

use crate::v2::records::{
    Placed, PutOutcome,
    get::TIMESTAMP_TYPE,
    write::{push_count, push_partition},
};

/// Length of a partition id: `shardId-` and ten digits.
const PARTITION_ID_LEN: usize = 18;

/// What begins a field with a number of two bytes, 16 and above.
type Key = [u8; 2];

const FAILED_RECORD_COUNT: Key = varint_key(21);
const RESULTS: Key = bytes_key(22);
const PARTITION_ID: Key = bytes_key(23);
const RESULT_SEQUENCE_NUMBER: Key = bytes_key(24);
const ERROR_CODE: Key = bytes_key(25);
const ERROR_MESSAGE: Key = bytes_key(26);

/// Field 14 is the one whose number takes a single byte.
const NEXT_PARTITION_CURSOR: u8 = 14 << 3 | 2;
const RECORDS: Key = bytes_key(16);
const PARTITION_KEY: Key = bytes_key(17);
const SEQUENCE_NUMBER: Key = bytes_key(18);
const DATA: Key = bytes_key(19);
const TIMESTAMP: Key = varint_key(27);
const TIMESTAMP_KIND: Key = bytes_key(28);

const fn varint_key(number: u8) -> Key {
    key(number, 0)
}

const fn bytes_key(number: u8) -> Key {
    key(number, 2)
}

/// Number and wire type, of which seven bits go into the first byte.
const fn key(number: u8, wire_type: u8) -> Key {
    assert!(16 <= number && number <= 30, "the numbers of the contract that take two bytes");
    [(number & 15) << 3 | wire_type | 0x80, number >> 4]
}

/// The answer of `POST /records`: what [`PutRecordsResult`](super::PutRecordsResult) encodes to.
pub fn write_put_response(outcomes: &[PutOutcome]) -> Vec<u8> {
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count() as u64;
    let entries: usize = outcomes.iter().map(|outcome| field_len(outcome_len(outcome))).sum();
    let mut body = Vec::with_capacity(FAILED_RECORD_COUNT.len() + varint_len(failed) + entries);
    body.extend(FAILED_RECORD_COUNT);
    push_varint(&mut body, failed);
    for outcome in outcomes {
        push_head(&mut body, RESULTS, outcome_len(outcome));
        write_outcome(&mut body, outcome);
    }
    body
}

fn outcome_len(outcome: &PutOutcome) -> usize {
    match outcome {
        Ok(Placed { sequence_number, .. }) => {
            field_len(PARTITION_ID_LEN) + field_len(digits(sequence_number.get()))
        }
        Err(refusal) => field_len(refusal.code().as_str().len()) + field_len(refusal.message().len()),
    }
}

fn write_outcome(body: &mut Vec<u8>, outcome: &PutOutcome) {
    match outcome {
        Ok(Placed { partition, sequence_number }) => {
            push_head(body, PARTITION_ID, PARTITION_ID_LEN);
            push_partition(body, partition.index());
            push_head(body, RESULT_SEQUENCE_NUMBER, digits(sequence_number.get()));
            push_count(body, sequence_number.get());
        }
        Err(refusal) => {
            push_bytes(body, ERROR_CODE, refusal.code().as_str().as_bytes());
            push_bytes(body, ERROR_MESSAGE, refusal.message().as_bytes());
        }
    }
}

/// The answer of `GET /records`: what [`GetRecordsResult`](super::GetRecordsResult) encodes to.
pub fn write_get_response(records: &[Record], next_cursor: &str) -> Vec<u8> {
    let entries: usize = records.iter().map(|record| field_len(record_len(record))).sum();
    let mut body = Vec::with_capacity(field_len(next_cursor.len()) + entries);
    body.push(NEXT_PARTITION_CURSOR);
    push_varint(&mut body, next_cursor.len() as u64);
    body.extend_from_slice(next_cursor.as_bytes());
    for record in records {
        push_head(&mut body, RECORDS, record_len(record));
        write_record(&mut body, record);
    }
    body
}

fn record_len(record: &Record) -> usize {
    record.partition_key.as_ref().map_or(0, |key| field_len(key.as_str().len()))
        + field_len(digits(record.sequence_number.get()))
        + field_len(record.data.len())
        + (TIMESTAMP.len() + varint_len(timestamp(record)))
        + field_len(TIMESTAMP_TYPE.len())
}

fn write_record(body: &mut Vec<u8>, record: &Record) {
    if let Some(key) = &record.partition_key {
        push_bytes(body, PARTITION_KEY, key.as_str().as_bytes());
    }
    push_head(body, SEQUENCE_NUMBER, digits(record.sequence_number.get()));
    push_count(body, record.sequence_number.get());
    push_bytes(body, DATA, &record.data);
    body.extend(TIMESTAMP);
    push_varint(body, timestamp(record));
    push_bytes(body, TIMESTAMP_KIND, TIMESTAMP_TYPE.as_bytes());
}

/// The time as its varint: negative ones take all ten bytes.
fn timestamp(record: &Record) -> u64 {
    record.timestamp().as_millis().cast_unsigned()
}

/// Length of a field with `len` bytes of content.
fn field_len(len: usize) -> usize {
    size_of::<Key>() + varint_len(len as u64) + len
}

fn push_bytes(body: &mut Vec<u8>, key: Key, bytes: &[u8]) {
    push_head(body, key, bytes.len());
    body.extend_from_slice(bytes);
}

/// Appends what precedes `len` bytes of content.
fn push_head(body: &mut Vec<u8>, key: Key, len: usize) {
    body.extend(key);
    push_varint(body, len as u64);
}

/// Appends seven bits at a time, the lowest first; the high bit says that more follow.
fn push_varint(body: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        body.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    body.push(low_bits(value));
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

fn varint_len(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Digits of the decimal.
fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}
