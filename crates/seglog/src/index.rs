//! The offset and time index of a segment: one entry per stretch of the file.
//!
//! An index is derived: every entry has its own checksum, reading stops at the first bad one, and the rest
//! is found again by walking the segment.
//!
//! ```text
//!    0  number of the record at the entry     16  latest time of any record before it    32  crc
//!    8  its place in the file                 24  its arrival                            36  0
//! ```

use crate::{
    Owner,
    codec::{crc32c, i64_at, put, u32_at, u64_at},
};

/// Bytes of one entry.
pub const ENTRY_LEN: usize = 40;

/// Bytes of a segment that one entry stands for, at least.
pub const STRETCH_BYTES: u64 = 32 * 1024;

/// One entry: a batch begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Number of the batch's first record.
    pub base: u64,
    /// Where in the file the batch begins.
    pub place: u64,
    /// The latest time of any record before the batch within the segment.
    pub time_max_before_ms: i64,
    /// When the batch arrived.
    pub arrival_ms: i64,
}

impl IndexEntry {
    /// The entry in bytes, bound to the segment that begins with record `segment_base`.
    pub fn encode(&self, owner: Owner, segment_base: u64) -> [u8; ENTRY_LEN] {
        let mut bytes = [0; ENTRY_LEN];
        put(&mut bytes, 0, self.base.to_le_bytes());
        put(&mut bytes, 8, self.place.to_le_bytes());
        put(&mut bytes, 16, self.time_max_before_ms.to_le_bytes());
        put(&mut bytes, 24, self.arrival_ms.to_le_bytes());
        let crc = entry_crc(&bytes, owner, segment_base);
        put(&mut bytes, 32, crc.to_le_bytes());
        bytes
    }

    /// Reads the entries up to the first that is bad or out of order.
    pub fn decode_all(bytes: &[u8], owner: Owner, segment_base: u64) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::with_capacity(bytes.len() / ENTRY_LEN);
        for chunk in bytes.chunks_exact(ENTRY_LEN) {
            let Some(entry) = Self::decode(chunk, owner, segment_base) else { break };
            let ordered =
                entries.last().is_none_or(|last| last.base < entry.base && last.place < entry.place);
            if !ordered {
                break;
            }
            entries.push(entry);
        }
        entries
    }

    fn decode(bytes: &[u8], owner: Owner, segment_base: u64) -> Option<Self> {
        (u32_at(bytes, 32)? == entry_crc(bytes, owner, segment_base)).then_some(())?;
        Some(Self {
            base: u64_at(bytes, 0)?,
            place: u64_at(bytes, 8)?,
            time_max_before_ms: i64_at(bytes, 16)?,
            arrival_ms: i64_at(bytes, 24)?,
        })
    }
}

fn entry_crc(bytes: &[u8], owner: Owner, segment_base: u64) -> u32 {
    crc32c(&[&owner.0, &segment_base.to_le_bytes(), bytes.get(..32).unwrap_or_default()])
}

/// The last entry for which `before` holds, given that it holds for a run of entries at the front.
pub fn last_where(entries: &[IndexEntry], before: impl Fn(&IndexEntry) -> bool) -> Option<IndexEntry> {
    entries.partition_point(before).checked_sub(1).and_then(|i| entries.get(i)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back_up_to_the_first_bad_one() {
        let entry =
            |i: u64| IndexEntry { base: i * 10, place: 64 + i * 1000, time_max_before_ms: 5, arrival_ms: 6 };
        let owner = Owner([1; 24]);
        let mut bytes: Vec<u8> = (0..4).flat_map(|i| entry(i).encode(owner, 0)).collect();
        assert_eq!(IndexEntry::decode_all(&bytes, owner, 0), (0..4).map(entry).collect::<Vec<_>>());
        assert_eq!(IndexEntry::decode_all(&bytes, owner, 1), [], "another segment's");
        assert_eq!(IndexEntry::decode_all(&bytes, Owner([2; 24]), 0), [], "another owner's");
        bytes[2 * ENTRY_LEN + 3] ^= 1;
        assert_eq!(IndexEntry::decode_all(&bytes, owner, 0), [entry(0), entry(1)]);
        let swapped: Vec<u8> = [1, 0].into_iter().flat_map(|i| entry(i).encode(owner, 0)).collect();
        assert_eq!(IndexEntry::decode_all(&swapped, owner, 0), [entry(1)]);
    }
}
