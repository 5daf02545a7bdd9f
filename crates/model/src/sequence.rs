//! Places in a partition.

use std::{fmt, str::FromStr};

use crate::limits::SEQUENCE_NUMBER_MAX;

/// A record's place in its partition: 0 for the first one ever, then one more for each (spec/03 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber(u64);

/// The text is not a decimal number from 0 to 9223372036854775807.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence number: a decimal from 0 to {SEQUENCE_NUMBER_MAX} is expected")]
pub struct InvalidSequenceNumber;

impl SequenceNumber {
    /// The number of the first record of a partition.
    pub const ZERO: Self = Self(0);

    /// From a plain number.
    ///
    /// # Errors
    /// `InvalidSequenceNumber` above 2^63 − 1.
    pub const fn new(number: u64) -> Result<Self, InvalidSequenceNumber> {
        if number <= SEQUENCE_NUMBER_MAX { Ok(Self(number)) } else { Err(InvalidSequenceNumber) }
    }

    /// As a plain number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number `by` places further on.
    ///
    /// # Panics
    /// When the result exceeds 2^63 − 1, which no partition reaches in practice.
    #[must_use]
    pub fn plus(self, by: u64) -> Self {
        let sum = self.0.checked_add(by).filter(|&n| n <= SEQUENCE_NUMBER_MAX);
        Self(sum.expect("a partition never holds 2^63 records"))
    }
}

impl FromStr for SequenceNumber {
    type Err = InvalidSequenceNumber;

    fn from_str(text: &str) -> Result<Self, InvalidSequenceNumber> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidSequenceNumber);
        }
        text.parse().map_err(|_| InvalidSequenceNumber).and_then(Self::new)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The readable range of a partition, half open: `oldest <= n < high_water`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// First number still kept (`E` in the contract).
    pub oldest: SequenceNumber,
    /// First number not yet readable: the next one a reader may see (`N` in the contract).
    pub high_water: SequenceNumber,
}

impl Bounds {
    /// Whether a reader may stand at `position`: on a kept record or just behind the last one.
    pub fn admits(&self, position: SequenceNumber) -> bool {
        self.oldest <= position && position <= self.high_water
    }

    /// Whether no record is readable.
    pub fn is_empty(&self) -> bool {
        self.oldest == self.high_water
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_plain_decimal() {
        let check = |text: &str, number: Option<u64>| {
            assert_eq!(text.parse::<SequenceNumber>().ok().map(SequenceNumber::get), number, "{text:?}");
        };
        check("0", Some(0));
        check("0012", Some(12));
        check("9223372036854775807", Some(SEQUENCE_NUMBER_MAX));
        check("9223372036854775808", None);
        check("", None);
        check("-1", None);
        check("+1", None);
        check("1.0", None);
        check("abc", None);
    }
}
