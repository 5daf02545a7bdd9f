//! Records, on their way in and out.

use bytes::Bytes;

use crate::{HashKey, PartitionId, SequenceNumber, Timestamp, limits};

/// The key a producer gave a record; equal keys go to one partition.
///
/// Any text of at most 256 characters (spec/03 §1; the bound is spec/13 §2). Empty text is no key:
/// several clients send it for "none".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey(Box<str>);

/// Why a record cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// More data than one record may hold.
    #[error("a record holds at most {max} bytes of data")]
    DataTooLarge {
        /// How many bytes it may hold.
        max: usize,
    },
    /// The partition key is too long.
    #[error("a partition key has at most {max} characters")]
    KeyTooLong {
        /// How many characters it may have.
        max: usize,
    },
}

impl PartitionKey {
    /// Takes the text as a key; empty text is no key.
    ///
    /// # Errors
    /// `KeyTooLong` above 256 characters.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidRecord> {
        Self::parse_within(text, limits::PARTITION_KEY_CHARS_MAX)
    }

    /// As [`PartitionKey::parse`], of at most `chars_max` characters, but never more than 256.
    ///
    /// # Errors
    /// `KeyTooLong` above that.
    pub fn parse_within(text: &str, chars_max: usize) -> Result<Option<Self>, InvalidRecord> {
        let max = chars_max.min(limits::PARTITION_KEY_CHARS_MAX);
        // The length in bytes bounds the count of characters, so that long text is refused unread.
        if text.len() > max * 4 || text.chars().count() > max {
            return Err(InvalidRecord::KeyTooLong { max });
        }
        Ok((!text.is_empty()).then(|| Self(text.into())))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A record as a producer hands it over: not yet numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// The payload; may be empty, never looked into.
    pub data: Bytes,
    /// The producer's key, returned to readers.
    pub partition_key: Option<PartitionKey>,
    /// The explicit hash key that placed the record, kept with it.
    pub explicit_hash_key: Option<HashKey>,
    /// The producer's own time; the arrival time stands in when it is absent (spec/03 §3).
    pub timestamp: Option<Timestamp>,
}

impl NewRecord {
    /// A record of data alone.
    pub fn of(data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), partition_key: None, explicit_hash_key: None, timestamp: None }
    }

    /// Checks the size of the data.
    ///
    /// # Errors
    /// `DataTooLarge` above `max` bytes.
    pub fn validate(&self, max: usize) -> Result<(), InvalidRecord> {
        if self.data.len() > max { Err(InvalidRecord::DataTooLarge { max }) } else { Ok(()) }
    }
}

/// Where a producer wants a record (spec/03 §2: partition id before hash key before partition key).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into this partition.
    Partition(PartitionId),
    /// Into the ACTIVE partition whose range holds this key.
    Key(HashKey),
    /// Into any ACTIVE partition.
    Anywhere,
}

/// A record together with the place it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRecord {
    /// The record.
    pub record: NewRecord,
    /// The place.
    pub placement: Placement,
}

/// A record as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition.
    pub sequence_number: SequenceNumber,
    /// When the service took it; decides about retention.
    pub arrival: Timestamp,
    /// The payload as given.
    pub data: Bytes,
    /// The producer's key, if one was given.
    pub partition_key: Option<PartitionKey>,
    /// The explicit hash key, if one was given.
    pub explicit_hash_key: Option<HashKey>,
    /// The producer's own time, if one was given.
    pub producer_time: Option<Timestamp>,
}

impl Record {
    /// The time readers see and `AT_TIMESTAMP` searches: the producer's, else the arrival
    /// (spec/03 §3).
    pub fn timestamp(&self) -> Timestamp {
        self.producer_time.unwrap_or(self.arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_count_characters() {
        assert_eq!(PartitionKey::parse(""), Ok(None));
        assert!(PartitionKey::parse(&"数".repeat(256)).unwrap().is_some());
        assert_eq!(PartitionKey::parse(&"x".repeat(257)), Err(InvalidRecord::KeyTooLong { max: 256 }));
        assert_eq!(PartitionKey::parse_within("four", 3), Err(InvalidRecord::KeyTooLong { max: 3 }));
    }

    #[test]
    fn a_record_holds_a_mebibyte_and_no_more() {
        assert_eq!(NewRecord::of(vec![0; 1 << 20]).validate(1 << 20), Ok(()));
        assert_eq!(
            NewRecord::of(vec![0; (1 << 20) + 1]).validate(1 << 20),
            Err(InvalidRecord::DataTooLarge { max: 1 << 20 })
        );
    }
}
