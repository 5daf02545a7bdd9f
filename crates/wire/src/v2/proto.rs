//! The binary form of the two record calls (spec/03 §6). All other calls, and all errors, are JSON.
//!
//! ```text
//! POST /records   body PutRecordsRequest   ──▶ PutRecords, as from JSON
//!                 answer PutRecordsResult  ◀── write_put_response
//! GET  /records   no body
//!                 answer GetRecordsResult  ◀── write_get_response
//! ```
//!
//! The field numbers run over all messages of the contract, 1 to 30. The wire knows no names, so that
//! the fields have those of the JSON members. Every field may be absent, and an empty text is absent
//! too; those marked required are what some clients insist on, and are written even when empty. Answers
//! are written by hand, into buffers of the right size; the messages beside them read the same bytes and
//! pin the form in the tests.

use std::mem;

use bytes::{Buf, Bytes};
use millpond_model::{InvalidRecord, Limits};
use prost::Message;

use super::records::{PutRecords, given::GivenRecord};
use crate::{Code, Refusal};

mod write;

pub use write::{write_get_response, write_put_response};

/// Body of `POST /records`.
#[derive(Clone, PartialEq, Message)]
pub struct PutRecordsRequest {
    /// The stream's name.
    #[prost(string, tag = "1")]
    pub stream_name: String,
    /// At least one.
    #[prost(message, repeated, tag = "2")]
    pub records: Vec<PutRecordsRequestEntry>,
    /// The stream's id.
    #[prost(string, tag = "30")]
    pub stream_id: String,
}

/// A record of a put request. Field 7, of the withdrawn file upload, is skipped.
#[derive(Clone, PartialEq, Message)]
pub struct PutRecordsRequestEntry {
    /// The payload as it is. Absent is empty.
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
    /// A decimal of the key space.
    #[prost(string, tag = "4")]
    pub explicit_hash_key: String,
    /// Any text.
    #[prost(string, tag = "5")]
    pub partition_key: String,
    /// The partition, in either form.
    #[prost(string, tag = "6")]
    pub partition_id: String,
    /// The producer's time in milliseconds.
    #[prost(int64, optional, tag = "29")]
    pub timestamp: Option<i64>,
}

/// Answer of `POST /records`.
#[derive(Clone, PartialEq, Message)]
pub struct PutRecordsResult {
    /// How many entries are refusals.
    #[prost(int32, required, tag = "21")]
    pub failed_record_count: i32,
    /// One entry for each record, in the order of the request.
    #[prost(message, repeated, tag = "22")]
    pub records: Vec<PutRecordsResultEntry>,
}

/// What became of one record: either the first two fields or the last two.
#[derive(Clone, PartialEq, Message)]
pub struct PutRecordsResultEntry {
    /// `shardId-` and ten digits.
    #[prost(string, optional, tag = "23")]
    pub partition_id: Option<String>,
    /// Decimal.
    #[prost(string, optional, tag = "24")]
    pub sequence_number: Option<String>,
    /// Code of the refusal.
    #[prost(string, optional, tag = "25")]
    pub error_code: Option<String>,
    /// Text of the refusal.
    #[prost(string, optional, tag = "26")]
    pub error_message: Option<String>,
}

/// Answer of `GET /records`.
#[derive(Clone, PartialEq, Message)]
pub struct GetRecordsResult {
    /// Where to go on.
    #[prost(string, required, tag = "14")]
    pub next_partition_cursor: String,
    /// In the order of their numbers.
    #[prost(message, repeated, tag = "16")]
    pub records: Vec<Record>,
}

/// A record in an answer.
#[derive(Clone, PartialEq, Message)]
pub struct Record {
    /// Absent when the producer gave none.
    #[prost(string, optional, tag = "17")]
    pub partition_key: Option<String>,
    /// Decimal.
    #[prost(string, required, tag = "18")]
    pub sequence_number: String,
    /// The payload as it is.
    #[prost(bytes = "bytes", required, tag = "19")]
    pub data: Bytes,
    /// Milliseconds since the epoch: the producer's time, else the arrival.
    #[prost(int64, required, tag = "27")]
    pub timestamp: i64,
    /// `CreateTime`.
    #[prost(string, required, tag = "28")]
    pub timestamp_type: String,
}

/// Reads a message; its payloads are slices of `body`, which lives as long as any of them.
///
/// # Errors
/// `DIS.4202` for an empty body; `DIS.4200` for one that is no such message. Lengths beyond the end of
/// the body and groups more than 100 deep are refused before anything is allocated for them.
pub fn parse<T: Message + Default>(body: impl Buf) -> Result<T, Refusal> {
    if !body.has_remaining() {
        return Err(Code::EmptyRequest.plain());
    }
    T::decode(body).map_err(|error| {
        let text = error.to_string();
        let what = text.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&text);
        Code::InvalidRequest.about(format_args!("Invalid protobuf: {what}."))
    })
}

/// Counts the records of a put request and keeps none of them: two bytes of a body can make a record,
/// for which a hundred are needed then, so that the caller may want to know first.
///
/// # Errors
/// As [`parse`].
pub fn count_records(body: &[u8]) -> Result<usize, Refusal> {
    /// The request, with records that take no memory.
    #[derive(Clone, PartialEq, Message)]
    struct Body {
        #[prost(message, repeated, tag = "2")]
        records: Vec<()>,
    }
    parse::<Body>(body).map(|body| body.records.len())
}

impl PutRecordsRequest {
    /// What is asked for.
    ///
    /// # Errors
    /// `DIS.4200` for the whole request when it names no stream, has no records, or has a record whose
    /// hash key is not a 64-bit integer. A record that is too large, or whose partition id is none, is
    /// refused alone.
    pub fn into_model(mut self, within: &Limits) -> Result<PutRecords, Refusal> {
        let given = self.records.iter_mut().map(|entry| Ok(entry.given(within.record_bytes)));
        PutRecords::of(&self.stream_name, &self.stream_id, given, within)
    }
}

impl PutRecordsRequestEntry {
    /// The members; takes the payload away.
    fn given(&mut self, max: usize) -> GivenRecord<'_> {
        let fits = self.data.len() <= max;
        GivenRecord {
            data: if fits { Ok(mem::take(&mut self.data)) } else { Err(InvalidRecord::DataTooLarge { max }) },
            partition_id: &self.partition_id,
            explicit_hash_key: &self.explicit_hash_key,
            partition_key: &self.partition_key,
            timestamp: self.timestamp,
        }
    }
}

#[cfg(test)]
mod tests;
