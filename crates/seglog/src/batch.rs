//! Batches: records of one owner that were appended together, as journal and segments hold them.
//!
//! ```text
//!    0  magic "MPB1"     8  crc of the header     16  first record   32  arrival, ms    48  owner
//!    4  body length     12  crc of the body       24  record count   40  latest time    72  body …
//! ```
//!
//! The body is the owner's business. Its checksum is taken before numbers are known; the header's is taken
//! when they are, and binds owner, first record and the body's checksum together.

use bytes::Bytes;

use crate::{
    Owner,
    codec::{crc32c, i64_at, len_u32, len_usize, put, take, u32_at, u64_at},
};

/// Bytes of a batch's header.
pub const HEADER_LEN: usize = 72;

/// What every batch begins with.
pub(crate) const MAGIC: [u8; 4] = *b"MPB1";

/// The header of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Whose records these are.
    pub owner: Owner,
    /// Number of the first record.
    pub base: u64,
    /// How many records there are; at least one.
    pub count: u32,
    /// When they arrived.
    pub arrival_ms: i64,
    /// The latest time of any of them.
    pub time_max_ms: i64,
    body_len: u32,
    body_crc: u32,
}

/// A batch on its way in: the body is complete, the numbers are not known.
#[derive(Debug)]
pub struct DraftBatch {
    bytes: Vec<u8>,
    count: u32,
    body_crc: u32,
}

/// A whole batch, header and body, with the checks passed or the numbers just given.
#[derive(Clone, Debug)]
pub struct Batch {
    header: BatchHeader,
    bytes: Bytes,
}

/// The bytes are not the batch they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBatch {
    /// They end within the batch.
    #[error("the batch is cut off")]
    CutOff,
    /// They do not begin with a batch's mark.
    #[error("no batch begins here")]
    Magic,
    /// The header's checksum fails.
    #[error("the checksum of the batch header is wrong")]
    Header,
    /// The body's checksum fails.
    #[error("the checksum of the batch body is wrong")]
    Body,
    /// It is a good batch that belongs elsewhere.
    #[error("the batch belongs to another log or place")]
    Misplaced,
}

impl DraftBatch {
    /// Begins a batch of about `body_len` bytes; `fill` writes the body of `count` records.
    ///
    /// # Panics
    /// When `count` is 0.
    pub fn new(count: u32, body_len: usize, fill: impl FnOnce(&mut Vec<u8>)) -> Self {
        assert!(count > 0, "a batch has at least one record");
        let mut bytes = Vec::with_capacity(HEADER_LEN + body_len);
        bytes.resize(HEADER_LEN, 0);
        fill(&mut bytes);
        let body_crc = crc32c(&[bytes.get(HEADER_LEN..).unwrap_or_default()]);
        Self { bytes, count, body_crc }
    }

    /// How many records it has.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Its length in bytes, header included.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Gives the numbers.
    pub fn place(mut self, owner: Owner, base: u64, arrival_ms: i64, time_max_ms: i64) -> Batch {
        let body_len = len_u32(self.bytes.len() - HEADER_LEN);
        let header = BatchHeader {
            owner,
            base,
            count: self.count,
            arrival_ms,
            time_max_ms,
            body_len,
            body_crc: self.body_crc,
        };
        header.write(&mut self.bytes);
        Batch { header, bytes: self.bytes.into() }
    }
}

impl BatchHeader {
    fn write(&self, bytes: &mut [u8]) {
        put(bytes, 0, MAGIC);
        put(bytes, 4, self.body_len.to_le_bytes());
        put(bytes, 12, self.body_crc.to_le_bytes());
        put(bytes, 16, self.base.to_le_bytes());
        put(bytes, 24, self.count.to_le_bytes());
        put(bytes, 28, [0; 4]);
        put(bytes, 32, self.arrival_ms.to_le_bytes());
        put(bytes, 40, self.time_max_ms.to_le_bytes());
        put(bytes, 48, self.owner.0);
        let crc = header_crc(bytes).expect("the header was just written");
        put(bytes, 8, crc.to_le_bytes());
    }

    /// Reads a header and checks it.
    ///
    /// # Errors
    /// `CutOff`, `Magic`, or `Header`.
    pub fn read(bytes: &[u8]) -> Result<Self, BadBatch> {
        if bytes.len() < HEADER_LEN {
            return Err(BadBatch::CutOff);
        }
        if take(bytes, 0) != Some(MAGIC) {
            return Err(BadBatch::Magic);
        }
        if u32_at(bytes, 8) != header_crc(bytes) {
            return Err(BadBatch::Header);
        }
        Self::fields(bytes).filter(|header| header.count > 0).ok_or(BadBatch::Header)
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            owner: Owner(take(bytes, 48)?),
            base: u64_at(bytes, 16)?,
            count: u32_at(bytes, 24)?,
            arrival_ms: i64_at(bytes, 32)?,
            time_max_ms: i64_at(bytes, 40)?,
            body_len: u32_at(bytes, 4)?,
            body_crc: u32_at(bytes, 12)?,
        })
    }

    /// Length of the whole batch in bytes.
    pub fn byte_len(&self) -> usize {
        HEADER_LEN + len_usize(self.body_len)
    }

    /// Number behind the last record.
    pub fn end(&self) -> u64 {
        self.base + u64::from(self.count)
    }
}

fn header_crc(bytes: &[u8]) -> Option<u32> {
    Some(crc32c(&[bytes.get(..8)?, bytes.get(12..HEADER_LEN)?]))
}

impl Batch {
    /// Takes the batch that `bytes` begins with, and checks all of it.
    ///
    /// # Errors
    /// Every kind of `BadBatch` but `Misplaced`.
    pub fn read(bytes: &Bytes) -> Result<Self, BadBatch> {
        let header = BatchHeader::read(bytes)?;
        if bytes.len() < header.byte_len() {
            return Err(BadBatch::CutOff);
        }
        let batch = Self { header, bytes: bytes.slice(..header.byte_len()) };
        if crc32c(&[&batch.body()]) == header.body_crc { Ok(batch) } else { Err(BadBatch::Body) }
    }

    /// The header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The body.
    pub fn body(&self) -> Bytes {
        self.bytes.slice(HEADER_LEN..)
    }

    /// Header and body, as they are stored.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        DraftBatch::new(3, 5, |body| body.extend(b"hello")).place(Owner([7; 24]), 42, 1000, 2000)
    }

    #[test]
    fn a_batch_reads_back() {
        let batch = batch();
        let mut stored = batch.bytes().to_vec();
        stored.extend(b"what follows");
        let read = Batch::read(&stored.into()).unwrap();
        assert_eq!(read.header(), batch.header());
        assert_eq!((read.header().base, read.header().end(), read.body()), (42, 45, Bytes::from("hello")));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = batch().bytes().to_vec();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Batch::read(&bad.into()).is_err(), "bit {bit}");
        }
        for len in 0..good.len() {
            assert!(Batch::read(&good[..len].to_vec().into()).is_err(), "length {len}");
        }
    }
}
