//! Records within the body of a batch.
//!
//! ```text
//!   data length u32 │ flags u8 │ [hash key u64] │ [producer's time i64] │ [key length u16, key] │ data
//! ```

use bytes::{Buf, Bytes};
use millpond_engine::{ReadLimit, StorageFailure};
use millpond_model::{HashKey, NewRecord, PartitionKey, PartitionRef, Record, SequenceNumber, Timestamp};
use millpond_seglog::batch::{Batch, DraftBatch};

const HAS_HASH_KEY: u8 = 1;
const HAS_TIME: u8 = 2;
const HAS_KEY: u8 = 4;

/// Bytes of a record at least: a length and flags.
pub(crate) const RECORD_LEN_MIN: u64 = 5;

/// A batch to be numbered, with what is known of its records' times.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) batch: DraftBatch,
    /// The latest of the producers' times.
    time_max: Option<i64>,
    /// Whether some record has only its arrival.
    untimed: bool,
}

impl Draft {
    /// # Panics
    /// When there are no records.
    pub(crate) fn encode(records: &[NewRecord]) -> Self {
        let len: usize = records.iter().map(encoded_len).sum();
        let count = u32::try_from(records.len()).expect("a request holds far fewer than 2^32 records");
        let batch =
            DraftBatch::new(count, len, |body| records.iter().for_each(|record| encode(record, body)));
        let times = || records.iter().map(|record| record.timestamp);
        Self {
            batch,
            time_max: times().flatten().map(Timestamp::as_millis).max(),
            untimed: times().any(|time| time.is_none()),
        }
    }

    /// The latest time of any record, as readers see it, if they arrive now.
    pub(crate) fn time_max(&self, arrival_ms: i64) -> i64 {
        let arrival = self.untimed.then_some(arrival_ms);
        self.time_max.max(arrival).expect("every record has one time or the other")
    }
}

fn encoded_len(record: &NewRecord) -> usize {
    let key = record.partition_key.as_ref().map_or(0, |key| 2 + key.as_str().len());
    4 + 1 + 8 + 8 + key + record.data.len()
}

fn encode(record: &NewRecord, body: &mut Vec<u8>) {
    let flag = |has: bool, flag: u8| if has { flag } else { 0 };
    let flags = flag(record.explicit_hash_key.is_some(), HAS_HASH_KEY)
        | flag(record.timestamp.is_some(), HAS_TIME)
        | flag(record.partition_key.is_some(), HAS_KEY);
    let len = u32::try_from(record.data.len()).expect("a record holds at most a mebibyte");
    body.extend(len.to_le_bytes());
    body.push(flags);
    if let Some(key) = record.explicit_hash_key {
        body.extend(key.get().to_le_bytes());
    }
    if let Some(time) = record.timestamp {
        body.extend(time.as_millis().to_le_bytes());
    }
    if let Some(key) = &record.partition_key {
        let text = key.as_str().as_bytes();
        body.extend(u16::try_from(text.len()).expect("a key has at most 1024 bytes").to_le_bytes());
        body.extend(text);
    }
    body.extend(&record.data[..]);
}

/// The records of a batch, one after the other.
pub(crate) struct Records {
    body: Bytes,
    next: u64,
    arrival: Timestamp,
    left: u32,
}

/// A batch whose checksum holds has a body that is none: the writer was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the records of batch {base} cannot be read")]
pub(crate) struct BadRecords {
    base: u64,
}

impl Records {
    pub(crate) fn of(batch: &Batch) -> Self {
        let header = batch.header();
        Self {
            body: batch.body(),
            next: header.base,
            arrival: Timestamp::from_millis(header.arrival_ms),
            left: header.count,
        }
    }

    /// The next record; `None` behind the last.
    pub(crate) fn next_record(&mut self) -> Result<Option<Record>, BadRecords> {
        if self.left == 0 {
            return Ok(None);
        }
        let record = self.decode().ok_or(BadRecords { base: self.next })?;
        self.left -= 1;
        self.next += 1;
        Ok(Some(record))
    }

    /// Whether nothing is left behind the last record.
    pub(crate) fn is_used_up(&self) -> bool {
        self.left == 0 && self.body.is_empty()
    }

    fn decode(&mut self) -> Option<Record> {
        let body = &mut self.body;
        let len = usize::try_from(body.try_get_u32_le().ok()?).ok()?;
        let flags = body.try_get_u8().ok()?;
        let hash_key = (flags & HAS_HASH_KEY != 0).then(|| body.try_get_u64_le());
        let time = (flags & HAS_TIME != 0).then(|| body.try_get_i64_le());
        let key_len = (flags & HAS_KEY != 0).then(|| body.try_get_u16_le());
        let key_len = key_len.transpose().ok()?.map(usize::from);
        let key = key_len.map(|len| (body.len() >= len).then(|| body.split_to(len)));
        if body.len() < len {
            return None;
        }
        Some(Record {
            sequence_number: SequenceNumber::new(self.next).ok()?,
            arrival: self.arrival,
            explicit_hash_key: match hash_key.transpose().ok()? {
                Some(key) => Some(HashKey::new(key)?),
                None => None,
            },
            producer_time: time.transpose().ok()?.map(Timestamp::from_millis),
            partition_key: match key {
                Some(text) => PartitionKey::parse(std::str::from_utf8(&text?).ok()?).ok()?,
                None => None,
            },
            data: body.split_to(len),
        })
    }
}

/// Puts a page together from batches, within a limit.
pub(crate) struct PageBuilder {
    partition: PartitionRef,
    limit: ReadLimit,
    from: u64,
    bytes: u64,
    records: Vec<Record>,
}

impl PageBuilder {
    pub(crate) fn new(partition: PartitionRef, from: u64, limit: ReadLimit) -> Self {
        Self { partition, limit, from, bytes: 0, records: Vec::new() }
    }

    /// Number of the record that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.from + self.records.len() as u64
    }

    /// Whether nothing was taken yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of data that may still come.
    pub(crate) fn bytes_left(&self) -> u64 {
        self.limit.bytes.saturating_sub(self.bytes)
    }

    /// Takes what fits of a batch that holds the next record; says whether more may follow.
    pub(crate) fn take(&mut self, batch: &Batch) -> Result<bool, StorageFailure> {
        let mut records = Records::of(batch);
        let bad = |e| {
            crate::failure::of(millpond_engine::Class::Corrupt, format!("partition {}", self.partition), e)
        };
        while let Some(record) = records.next_record().map_err(bad)? {
            if record.sequence_number.get() < self.from {
                continue;
            }
            let bytes = self.bytes + record.data.len() as u64;
            let fits = bytes <= self.limit.bytes || (self.limit.at_least_one && self.records.is_empty());
            if self.records.len() as u64 >= u64::from(self.limit.records) || !fits {
                return Ok(false);
            }
            self.bytes = bytes;
            self.records.push(record);
        }
        Ok(true)
    }

    pub(crate) fn finish(self) -> millpond_engine::Page {
        let next = SequenceNumber::ZERO.plus(self.next());
        millpond_engine::Page { records: self.records, next }
    }
}
