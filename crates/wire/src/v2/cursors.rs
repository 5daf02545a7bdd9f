//! `GET /cursors` (spec/04 §1, §2).

use millpond_model::{CursorType, PartitionId, SequenceNumber, StreamSelector, Timestamp};
use serde::{Deserialize, Serialize};

use super::{partition_id, partition_of, stream_of};
use crate::{Code, Query, Refusal};

/// Where a reader asks to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorStart {
    /// With this number; with the oldest record when none was given.
    At(Option<SequenceNumber>),
    /// Behind this number; with the oldest record when none was given.
    After(Option<SequenceNumber>),
    /// With the oldest record.
    TrimHorizon,
    /// With the next record to be written.
    Latest,
    /// With the first record at or after this time.
    AtTimestamp(Timestamp),
}

impl CursorStart {
    /// The type on the wire.
    pub const fn cursor_type(self) -> CursorType {
        match self {
            Self::At(_) => CursorType::AtSequenceNumber,
            Self::After(_) => CursorType::AfterSequenceNumber,
            Self::TrimHorizon => CursorType::TrimHorizon,
            Self::Latest => CursorType::Latest,
            Self::AtTimestamp(_) => CursorType::AtTimestamp,
        }
    }
}

/// Parameters of `GET /cursors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorQuery {
    /// The stream.
    pub stream: StreamSelector,
    /// The partition.
    pub partition: PartitionId,
    /// Where to start.
    pub start: CursorStart,
}

impl CursorQuery {
    /// Reads names with dashes or underscores. Inputs that the type does not use are ignored.
    ///
    /// # Errors
    /// `DIS.4200` without a stream or a needed timestamp; `DIS.4201`, `DIS.4215`, `DIS.4216` for a
    /// partition, type, number that is none.
    pub fn parse(query: &Query) -> Result<Self, Refusal> {
        let stream = stream_of(query)?;
        let partition = partition_of(query)?.map_or_else(|| partition_id(None), Ok)?;
        let kind = match query.get_any(&["cursor-type", "cursor_type"]) {
            None => CursorType::default(),
            Some(text) => text.parse().map_err(|_| Code::InvalidCursorType.about(text))?,
        };
        let start = match kind {
            CursorType::AtSequenceNumber => CursorStart::At(sequence_number(query)?),
            CursorType::AfterSequenceNumber => CursorStart::After(sequence_number(query)?),
            CursorType::TrimHorizon => CursorStart::TrimHorizon,
            CursorType::Latest => CursorStart::Latest,
            CursorType::AtTimestamp => CursorStart::AtTimestamp(timestamp(query)?),
        };
        Ok(Self { stream, partition, start })
    }
}

fn sequence_number(query: &Query) -> Result<Option<SequenceNumber>, Refusal> {
    let text = query.get_any(&["starting-sequence-number", "starting_sequence_number"]);
    let parse = |text: &str| text.parse().map_err(|_| Code::InvalidSequenceNumber.about(text));
    text.map(parse).transpose()
}

/// A time above 0; 0 is what two clients send for none.
fn timestamp(query: &Query) -> Result<Timestamp, Refusal> {
    match query.integer("timestamp")? {
        None | Some(0) => Err(Refusal::missing("timestamp")),
        Some(millis) if millis > 0 => Ok(Timestamp::from_millis(millis)),
        Some(millis) => Err(Refusal::invalid_expecting("timestamp", millis, "milliseconds since 1970")),
    }
}

/// Answer of `GET /cursors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetCursorResponse {
    /// The cursor, good for five minutes.
    pub partition_cursor: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlusReading;

    fn parse(raw: &str) -> Result<CursorQuery, Refusal> {
        CursorQuery::parse(&Query::parse(raw, PlusReading::Space).unwrap())
    }

    #[test]
    fn what_real_clients_ask_for() {
        let check = |raw: &str, start: CursorStart| {
            let stream = StreamSelector::new(Some("s"), None).unwrap();
            let expected = CursorQuery { stream, partition: PartitionId::new(0), start };
            assert_eq!(parse(raw), Ok(expected), "{raw}");
        };
        let number = |n| SequenceNumber::new(n).ok();
        let base = "stream-name=s&partition-id=0";
        check(base, CursorStart::At(None));
        check("stream_name=s&partition_id=shardId-0000000000&cursor_type=", CursorStart::At(None));
        check(
            &format!("{base}&cursor-type=AT_SEQUENCE_NUMBER&starting-sequence-number=2&timestamp=0"),
            CursorStart::At(number(2)),
        );
        check(
            &format!("{base}&cursor-type=AFTER_SEQUENCE_NUMBER&starting-sequence-number=2"),
            CursorStart::After(number(2)),
        );
        check(
            &format!("{base}&cursor-type=TRIM_HORIZON&starting-sequence-number=x&timestamp=x"),
            CursorStart::TrimHorizon,
        );
        check(&format!("{base}&cursor-type=latest&timestamp=0"), CursorStart::Latest);
        check(
            &format!("{base}&cursor-type=AT_TIMESTAMP&timestamp=1795354186531"),
            CursorStart::AtTimestamp(Timestamp::from_millis(1_795_354_186_531)),
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |raw: &str, code: &str, message: &str| {
            let refusal = parse(raw).unwrap_err();
            assert_eq!((refusal.code_str(), refusal.message()), (code, message), "{raw}");
        };
        let base = "stream-name=s&partition-id=0";
        check("partition-id=0", "DIS.4200", "Invalid request. [Invalid stream_name null.]");
        check("stream-name=s", "DIS.4201", "Invalid partition_id. [null]");
        check("stream-name=s&partition-id=x", "DIS.4201", "Invalid partition_id. [x]");
        check(&format!("{base}&cursor-type=SOMEWHERE"), "DIS.4215", "Invalid cursor type. [SOMEWHERE]");
        check(&format!("{base}&starting-sequence-number=abc"), "DIS.4216", "Invalid sequence_number. [abc]");
        check(&format!("{base}&starting-sequence-number=-1"), "DIS.4216", "Invalid sequence_number. [-1]");
        check(
            &format!("{base}&cursor-type=AT_TIMESTAMP&timestamp=0"),
            "DIS.4200",
            "Invalid request. [Invalid timestamp null.]",
        );
        for timestamp in ["-5", "x"] {
            let raw = format!("{base}&cursor-type=AT_TIMESTAMP&timestamp={timestamp}");
            assert_eq!(parse(&raw).unwrap_err().code_str(), "DIS.4200", "{raw}");
        }
    }
}
