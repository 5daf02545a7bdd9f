//! Partitions and their share of the key space.

use std::{fmt, str::FromStr};

use crate::{HashKey, StreamId};

/// Index of a partition within its stream, from 0.
///
/// Written `shardId-` and ten digits; read in that form (prefix in any case) or as a bare decimal
/// (spec/00 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(u32);

/// The text is neither `shardId-0000000012` nor `12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a partition id: write shardId-0000000012 or 12")]
pub struct InvalidPartitionId;

const PREFIX: &str = "shardId-";

impl PartitionId {
    /// From the index.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The index.
    pub const fn index(self) -> u32 {
        self.0
    }

    /// The long form with `shardId-` and ten digits is what `Display` writes; this is the bare one.
    pub fn bare(self) -> String {
        self.0.to_string()
    }
}

impl FromStr for PartitionId {
    type Err = InvalidPartitionId;

    fn from_str(text: &str) -> Result<Self, InvalidPartitionId> {
        let digits = match text.split_at_checked(PREFIX.len()) {
            Some((prefix, digits)) if prefix.eq_ignore_ascii_case(PREFIX) => digits,
            _ => text,
        };
        let decimal = !digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit());
        if !decimal {
            return Err(InvalidPartitionId);
        }
        digits.parse().map(Self).map_err(|_| InvalidPartitionId)
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:010}", self.0)
    }
}

/// One partition of one incarnation of a stream: what the engine knows a log by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionRef {
    /// The stream's incarnation.
    pub stream: StreamId,
    /// The partition within it.
    pub partition: PartitionId,
}

impl fmt::Display for PartitionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream, self.partition)
    }
}

/// Life of a partition (spec/02 §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartitionStatus {
    /// Takes and delivers records.
    Active,
    /// Closed by scaling down: readable until its last record leaves retention, not writable.
    Deleted,
    /// Closed and empty: neither readable nor writable. Scaling up may open it again.
    Expired,
}

impl PartitionStatus {
    /// The status on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deleted => "DELETED",
            Self::Expired => "EXPIRED",
        }
    }

    /// Whether records may still be read.
    pub const fn is_readable(self) -> bool {
        matches!(self, Self::Active | Self::Deleted)
    }
}

/// A partition's share of the key space, both ends included (spec/02 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashRange {
    /// First key.
    pub start: HashKey,
    /// Last key.
    pub end: HashKey,
}

impl HashRange {
    /// Whether `key` belongs to this range.
    pub fn contains(&self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }
}

impl fmt::Display for HashRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} : {}]", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_the_long_one_written() {
        let check = |text: &str, index: Option<u32>| {
            assert_eq!(text.parse::<PartitionId>().ok().map(PartitionId::index), index, "{text:?}");
        };
        check("0", Some(0));
        check("12", Some(12));
        check("0000000012", Some(12));
        check("shardId-0000000012", Some(12));
        check("SHARDID-0000000012", Some(12));
        check("shardId-7", Some(7));
        check("", None);
        check("shardId-", None);
        check("-1", None);
        check("+1", None);
        check("4294967296", None);
        check("x", None);
        check("shardIdé0", None);
        assert_eq!(PartitionId::new(7).to_string(), "shardId-0000000007");
    }
}
