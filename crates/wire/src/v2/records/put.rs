//! `POST /records` (spec/03 §1, §2, §4).

use millpond_model::{
    ExplicitHashKey, HashKey, InvalidRecord, NewRecord, PartitionId, PartitionKey, PlacedRecord, Placement,
    SequenceNumber, StreamSelector, Timestamp, limits,
};
use serde::{Deserialize, Serialize};

use super::write::{push_count, push_partition, push_string};
use crate::{
    Code, RecordRefusal, Refusal,
    codec::b64,
    v2::{Text, lenient, stream_selector},
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

/// What a put request asks for: records in the order of the request, those that cannot be taken
/// replaced by their refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRecords {
    /// The stream.
    pub stream: StreamSelector,
    /// At least one.
    pub records: Vec<Result<PlacedRecord, RecordRefusal>>,
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
    pub fn into_model(self) -> Result<PutRecords, Refusal> {
        let stream = stream_selector("stream_name", self.stream_name.get(), self.stream_id.get())?;
        if self.records.is_empty() {
            return Err(Refusal::invalid_expecting("records", "[]", "one record or more"));
        }
        let records = self.records.iter().map(PutRecord::to_model).collect::<Result<_, Refusal>>()?;
        Ok(PutRecords { stream, records })
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

    /// `Err` refuses the request, `Ok(Err)` this record.
    fn to_model(&self) -> Result<Result<PlacedRecord, RecordRefusal>, Refusal> {
        let explicit_hash_key = self.hash_key()?;
        let data = match b64::decode(&self.data.0, limits::RECORD_DATA_BYTES_MAX) {
            Ok(data) => data,
            Err(b64::DecodeError::TooLarge { .. }) => return Ok(Err(too_large(InvalidRecord::DataTooLarge))),
            Err(b64::DecodeError::Invalid) => return Err(invalid_data()),
        };
        let partition_key = match PartitionKey::parse(&self.partition_key.0) {
            Ok(key) => key,
            Err(error) => return Ok(Err(too_large(error))),
        };
        let placement = match self.partition_id.get().map(|text| (text, text.parse::<PartitionId>())) {
            Some((_, Ok(partition))) => Placement::Partition(partition),
            Some((text, Err(_))) => return Ok(Err(Code::InvalidPartitionId.about(text).into())),
            None => match (explicit_hash_key, &partition_key) {
                (Some(key), _) => Placement::Key(key),
                (None, Some(key)) => Placement::Key(HashKey::of_partition_key(key.as_str())),
                (None, None) => Placement::Anywhere,
            },
        };
        // 0 and −1 are what clients send for no time (spec/00 §2).
        let timestamp = self.timestamp.filter(|&millis| millis > 0).map(Timestamp::from_millis);
        let record = NewRecord { data, partition_key, explicit_hash_key, timestamp };
        Ok(Ok(PlacedRecord { record, placement }))
    }

    fn hash_key(&self) -> Result<Option<HashKey>, Refusal> {
        let Some(text) = self.explicit_hash_key.get() else { return Ok(None) };
        match text.parse() {
            Ok(ExplicitHashKey::Key(key)) => Ok(Some(key)),
            Ok(ExplicitHashKey::Ignored) => Ok(None),
            Err(_) => {
                let expected = format!("a decimal from 0 to {}", limits::HASH_KEY_MAX);
                Err(Refusal::invalid_expecting("explicit_hash_key", text, &expected))
            }
        }
    }
}

fn invalid_data() -> Refusal {
    Code::InvalidRequest.about("Invalid data.")
}

fn too_large(error: InvalidRecord) -> RecordRefusal {
    let (name, expected) = match error {
        InvalidRecord::DataTooLarge => {
            ("data", format!("at most {} bytes before base64", limits::RECORD_DATA_BYTES_MAX))
        }
        InvalidRecord::KeyTooLong => {
            ("partition_key", format!("at most {} characters", limits::PARTITION_KEY_CHARS_MAX))
        }
    };
    Refusal::unfit(name, &expected).into()
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
