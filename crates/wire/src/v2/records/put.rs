//! `POST /records` (spec/03 §1, §2, §4).

use millpond_model::{
    InvalidRecord, Limits, PartitionId, PlacedRecord, Placement, SequenceNumber, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    given::{GivenRecord, PutRecords},
    write::{push_count, push_partition, push_string},
};
use crate::{
    Code, RecordRefusal, Refusal,
    codec::b64,
    v2::{Text, lenient},
};

/// The body of a put request. Text is borrowed from the body where it has no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRecordsRequest<'a> {
    /// The stream's name.
    #[serde(default, borrow, skip_serializing_if = "Text::is_empty")]
    pub stream_name: Text<'a>,
    /// The stream's id.
    #[serde(default, borrow, skip_serializing_if = "Text::is_empty")]
    pub stream_id: Text<'a>,
    /// At least one.
    #[serde(default, borrow, deserialize_with = "lenient::list")]
    pub records: Vec<PutRecord<'a>>,
}

/// A record of a put request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRecord<'a> {
    /// The payload in base64; may be empty, not absent.
    #[serde(borrow, deserialize_with = "lenient::required_text")]
    pub data: Text<'a>,
    /// The partition, in either form.
    #[serde(default, borrow, skip_serializing_if = "Text::is_empty")]
    pub partition_id: Text<'a>,
    /// A decimal of the key space.
    #[serde(default, borrow, skip_serializing_if = "Text::is_empty")]
    pub explicit_hash_key: Text<'a>,
    /// Any text.
    #[serde(default, borrow, skip_serializing_if = "Text::is_empty")]
    pub partition_key: Text<'a>,
    /// The producer's time in milliseconds.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
}

impl<'a> PutRecordsRequest<'a> {
    /// The request that puts these records. `stream` is taken for a name.
    pub fn new(stream: &'a str, records: &'a [PlacedRecord]) -> Self {
        let records = records.iter().map(PutRecord::new).collect();
        Self { stream_name: Text::borrowed(stream), stream_id: Text::default(), records }
    }

    /// What is asked for, with the data decoded.
    ///
    /// # Errors
    /// `DIS.4200` for the whole request when it names no stream, has no records, or has a record
    /// whose data is not base64 or whose hash key is not a 64-bit integer. A record that is too
    /// large, or whose partition id is none, is refused alone.
    pub fn into_model(self, within: &Limits) -> Result<PutRecords, Refusal> {
        let given = self.records.iter().map(|record| record.given(within.record_bytes));
        PutRecords::of(&self.stream_name.0, &self.stream_id.0, given, within)
    }
}

impl<'a> PutRecord<'a> {
    fn new(placed: &'a PlacedRecord) -> Self {
        let PlacedRecord { record, placement } = placed;
        let number = |number: u64| Text::from(number.to_string());
        let (partition_id, hash_key) = match placement {
            Placement::Partition(partition) => (partition.to_string().into(), record.explicit_hash_key),
            // The place that a partition key leads to is for the service to find again.
            Placement::Key(key) if record.partition_key.is_none() => (Text::default(), Some(*key)),
            Placement::Key(_) | Placement::Anywhere => (Text::default(), record.explicit_hash_key),
        };
        Self {
            data: b64::encode(&record.data).into(),
            partition_id,
            explicit_hash_key: hash_key.map(|key| number(key.get())).unwrap_or_default(),
            partition_key: record
                .partition_key
                .as_ref()
                .map(|key| Text::borrowed(key.as_str()))
                .unwrap_or_default(),
            timestamp: record.timestamp.map(Timestamp::as_millis),
        }
    }

    fn given(&self, max: usize) -> Result<GivenRecord<'_>, Refusal> {
        let data = match b64::decode(&self.data.0, max) {
            Ok(data) => Ok(data),
            Err(b64::DecodeError::TooLarge { .. }) => Err(InvalidRecord::DataTooLarge { max }),
            Err(b64::DecodeError::Invalid) => return Err(Code::InvalidRequest.about("Invalid data.")),
        };
        Ok(GivenRecord {
            data,
            partition_id: &self.partition_id.0,
            explicit_hash_key: &self.explicit_hash_key.0,
            partition_key: &self.partition_key.0,
            timestamp: self.timestamp,
        })
    }
}

/// Where a record was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The partition.
    pub partition: PartitionId,
    /// Its number there.
    pub sequence_number: SequenceNumber,
}

/// What became of one record.
pub type PutOutcome = Result<Placed, RecordRefusal>;

/// Answer of a put request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRecordsResponse {
    /// How many entries are refusals.
    #[serde(default)]
    pub failed_record_count: u64,
    /// One entry for each record, in the order of the request.
    pub records: Vec<PutResultEntry>,
}

/// What became of one record: either the first two members or the last two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PutResultEntry {
    /// `shardId-` and ten digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_id: Option<String>,
    /// Decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// Code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Text of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

impl From<&PutOutcome> for PutResultEntry {
    fn from(outcome: &PutOutcome) -> Self {
        match outcome {
            Ok(Placed { partition, sequence_number }) => Self {
                partition_id: Some(partition.to_string()),
                sequence_number: Some(sequence_number.to_string()),
                ..Self::default()
            },
            Err(refusal) => Self {
                error_code: Some(refusal.code().as_str().to_owned()),
                error_message: Some(refusal.message().to_owned()),
                ..Self::default()
            },
        }
    }
}

impl PutResultEntry {
    /// Where the record was put; `None` for a refusal, and for an answer that makes no sense.
    pub fn placed(&self) -> Option<Placed> {
        let partition = self.partition_id.as_deref()?.parse().ok()?;
        let sequence_number = self.sequence_number.as_deref()?.parse().ok()?;
        Some(Placed { partition, sequence_number })
    }
}

/// The answer as JSON: what serde makes of [`PutRecordsResponse`], in one buffer.
pub fn write_put_response(outcomes: &[PutOutcome]) -> Vec<u8> {
    /// An entry of a record that was put, with the longest number.
    const ENTRY_BYTES: usize = 80;
    let failed: Vec<&RecordRefusal> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let messages: usize = failed.iter().map(|refusal| refusal.message().len()).sum();
    let mut body = Vec::with_capacity(48 + outcomes.len() * ENTRY_BYTES + messages);
    body.extend_from_slice(br#"{"failed_record_count":"#);
    push_count(&mut body, failed.len() as u64);
    body.extend_from_slice(br#","records":["#);
    for (i, outcome) in outcomes.iter().enumerate() {
        if i > 0 {
            body.push(b',');
        }
        write_outcome(&mut body, outcome);
    }
    body.extend_from_slice(b"]}");
    body
}

fn write_outcome(body: &mut Vec<u8>, outcome: &PutOutcome) {
    match outcome {
        Ok(Placed { partition, sequence_number }) => {
            body.extend_from_slice(br#"{"partition_id":""#);
            push_partition(body, partition.index());
            body.extend_from_slice(br#"","sequence_number":""#);
            push_count(body, sequence_number.get());
            body.extend_from_slice(br#""}"#);
        }
        Err(refusal) => {
            body.extend_from_slice(br#"{"error_code":""#);
            body.extend_from_slice(refusal.code().as_str().as_bytes());
            body.extend_from_slice(br#"","error_message":"#);
            push_string(body, refusal.message());
            body.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests;
