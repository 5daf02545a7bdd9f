//! Which partition a record belongs to: hash keys and the layout of the key space.

use std::{fmt, str::FromStr};

use md5::{Digest, Md5};

use crate::{HashRange, limits::HASH_KEY_MAX};

/// A point in the key space 0 to 2^63 − 1 (spec/02 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashKey(u64);

impl HashKey {
    /// From a plain number; `None` above 2^63 − 1.
    pub const fn new(key: u64) -> Option<Self> {
        if key <= HASH_KEY_MAX { Some(Self(key)) } else { None }
    }

    /// As a plain number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Where a partition key lies: the first eight bytes of its MD5, big endian, without the sign
    /// bit (spec/03 §2; MD5 is wire behaviour here, not security).
    pub fn of_partition_key(key: &str) -> Self {
        let digest = Md5::digest(key.as_bytes());
        let head = digest.iter().take(8).fold(0u64, |head, byte| (head << 8) | u64::from(*byte));
        Self(head & HASH_KEY_MAX)
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a client's `explicit_hash_key` text means (spec/03 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplicitHashKey {
    /// A key of the key space.
    Key(HashKey),
    /// A negative 64-bit number: ignored, the partition key decides.
    Ignored,
}

/// The text is not a 64-bit integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hash key: a decimal from 0 to {HASH_KEY_MAX} is expected")]
pub struct InvalidHashKey;

impl FromStr for ExplicitHashKey {
    type Err = InvalidHashKey;

    fn from_str(text: &str) -> Result<Self, InvalidHashKey> {
        let number: i64 = text.parse().map_err(|_| InvalidHashKey)?;
        Ok(u64::try_from(number).map_or(Self::Ignored, |key| Self::Key(HashKey(key))))
    }
}

/// The ranges of `count` ACTIVE partitions in index order: equal shares, the last one takes the rest
/// (spec/02 §7). They tile the key space without gap or overlap.
pub fn hash_ranges(count: u32) -> impl Iterator<Item = HashRange> {
    let share = HASH_KEY_MAX / u64::from(count.max(1));
    (0..u64::from(count)).map(move |i| {
        let end = if i + 1 == u64::from(count) { HASH_KEY_MAX } else { (i + 1) * share - 1 };
        HashRange { start: HashKey(i * share), end: HashKey(end) }
    })
}

/// Position, among `count` ACTIVE partitions in index order, of the one whose range holds `key`.
///
/// The inverse of [`hash_ranges`] in constant time. `count` must not be 0.
pub fn partition_for(key: HashKey, count: u32) -> u32 {
    assert!(count > 0, "a stream always has an ACTIVE partition");
    let share = HASH_KEY_MAX / u64::from(count);
    u32::try_from(key.0 / share).unwrap_or(u32::MAX).min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_tile_the_key_space_and_agree_with_placement() {
        for count in [1, 2, 3, 4, 5, 7, 50, 999, 10_000] {
            let ranges: Vec<_> = hash_ranges(count).collect();
            assert_eq!(ranges.len(), count as usize);
            assert_eq!(ranges[0].start.get(), 0);
            assert_eq!(ranges[ranges.len() - 1].end.get(), HASH_KEY_MAX);
            for (i, pair) in ranges.windows(2).enumerate() {
                assert_eq!(pair[0].end.get() + 1, pair[1].start.get(), "{count} partitions, after {i}");
            }
            for (i, range) in ranges.iter().enumerate() {
                assert_eq!(partition_for(range.start, count) as usize, i);
                assert_eq!(partition_for(range.end, count) as usize, i);
            }
        }
    }

    #[test]
    fn documented_ranges() {
        let shown = |count| hash_ranges(count).map(|r| r.to_string()).collect::<Vec<_>>();
        assert_eq!(shown(1), ["[0 : 9223372036854775807]"]);
        assert_eq!(shown(2), ["[0 : 4611686018427387902]", "[4611686018427387903 : 9223372036854775807]"]);
    }

    #[test]
    fn documented_hashes() {
        for (key, hash) in [
            ("a", 919_145_239_626_757_800),
            ("k1", 3_906_786_343_346_949_848),
            ("hello", 6_719_722_671_305_337_462),
        ] {
            assert_eq!(HashKey::of_partition_key(key).get(), hash, "{key}");
        }
    }

    #[test]
    fn explicit_keys() {
        let check = |text: &str, expected: Result<ExplicitHashKey, InvalidHashKey>| {
            assert_eq!(text.parse::<ExplicitHashKey>(), expected, "{text:?}");
        };
        check("0", Ok(ExplicitHashKey::Key(HashKey(0))));
        check("9223372036854775807", Ok(ExplicitHashKey::Key(HashKey(HASH_KEY_MAX))));
        check("-1", Ok(ExplicitHashKey::Ignored));
        check("9223372036854775808", Err(InvalidHashKey));
        check("x", Err(InvalidHashKey));
        check("", Err(InvalidHashKey));
    }
}
