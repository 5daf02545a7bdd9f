//! What a put request asks for, whatever the form of its body (spec/03 §1, §2, §4).

use bytes::Bytes;
use millpond_model::{
    ExplicitHashKey, HashKey, InvalidRecord, Limits, NewRecord, PartitionId, PartitionKey, PlacedRecord,
    Placement, StreamSelector, Timestamp, limits,
};

use crate::{Code, RecordRefusal, Refusal, v2::stream_selector};

/// What a put request asks for: records in the order of the request, those that cannot be taken
/// replaced by their refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRecords {
    /// The stream.
    pub stream: StreamSelector,
    /// At least one.
    pub records: Vec<Result<PlacedRecord, RecordRefusal>>,
}

impl PutRecords {
    /// Takes the members of a body; empty text is absent.
    pub(in crate::v2) fn of<'a>(
        stream_name: &str,
        stream_id: &str,
        given: impl ExactSizeIterator<Item = Result<GivenRecord<'a>, Refusal>>,
        within: &Limits,
    ) -> Result<Self, Refusal> {
        let stream = stream_selector("stream_name", present(stream_name), present(stream_id))?;
        if given.len() == 0 {
            return Err(Refusal::invalid_expecting("records", "[]", "one record or more"));
        }
        let mut records = Vec::with_capacity(given.len());
        for record in given {
            records.push(record?.into_model(within.partition_key_chars)?);
        }
        Ok(Self { stream, records })
    }
}

/// A record as a body gives it.
pub(in crate::v2) struct GivenRecord<'a> {
    /// The payload, if it is small enough.
    pub(in crate::v2) data: Result<Bytes, InvalidRecord>,
    pub(in crate::v2) partition_id: &'a str,
    pub(in crate::v2) explicit_hash_key: &'a str,
    pub(in crate::v2) partition_key: &'a str,
    pub(in crate::v2) timestamp: Option<i64>,
}

impl GivenRecord<'_> {
    /// `Err` refuses the request, `Ok(Err)` this record.
    fn into_model(self, key_chars_max: usize) -> Result<Result<PlacedRecord, RecordRefusal>, Refusal> {
        let explicit_hash_key = self.hash_key()?;
        let data = match self.data {
            Ok(data) => data,
            Err(error) => return Ok(Err(too_large(error))),
        };
        let partition_key = match PartitionKey::parse_within(self.partition_key, key_chars_max) {
            Ok(key) => key,
            Err(error) => return Ok(Err(too_large(error))),
        };
        let placement = match present(self.partition_id).map(|text| (text, text.parse::<PartitionId>())) {
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
        let Some(text) = present(self.explicit_hash_key) else { return Ok(None) };
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

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn too_large(error: InvalidRecord) -> RecordRefusal {
    let (name, expected) = match error {
        InvalidRecord::DataTooLarge { max } => ("data", format!("at most {max} bytes, not counting base64")),
        InvalidRecord::KeyTooLong { max } => ("partition_key", format!("at most {max} characters")),
    };
    Refusal::unfit(name, &expected).into()
}
