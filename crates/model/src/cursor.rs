//! Where a reader asks to start.

use std::str::FromStr;

/// The five kinds of `cursor-type` (spec/04 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CursorType {
    /// With the record of the given number.
    #[default]
    AtSequenceNumber,
    /// With the one behind it.
    AfterSequenceNumber,
    /// With the oldest record still kept.
    TrimHorizon,
    /// With the next record to be written.
    Latest,
    /// With the first record at or after the given time.
    AtTimestamp,
}

/// The text is none of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a cursor type: AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, TRIM_HORIZON, LATEST or AT_TIMESTAMP is expected"
)]
pub struct InvalidCursorType;

impl CursorType {
    const ALL: [Self; 5] = [
        Self::AtSequenceNumber,
        Self::AfterSequenceNumber,
        Self::TrimHorizon,
        Self::Latest,
        Self::AtTimestamp,
    ];

    /// The type on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtSequenceNumber => "AT_SEQUENCE_NUMBER",
            Self::AfterSequenceNumber => "AFTER_SEQUENCE_NUMBER",
            Self::TrimHorizon => "TRIM_HORIZON",
            Self::Latest => "LATEST",
            Self::AtTimestamp => "AT_TIMESTAMP",
        }
    }
}

impl FromStr for CursorType {
    type Err = InvalidCursorType;

    /// Any case is accepted (spec/04 §2).
    fn from_str(text: &str) -> Result<Self, InvalidCursorType> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).ok_or(InvalidCursorType)
    }
}
