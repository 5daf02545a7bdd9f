//! What a member subscribes to.

use millpond_model::{
    StreamId,
    limits::{STREAM_PATTERN_BYTES_MAX, SUBSCRIPTION_STREAMS_MAX},
};

/// The streams that a member reads: by name, by id, or by a pattern for names.
///
/// Names and patterns have become ids by the time they come here. How a stream was named decides how
/// the member is told of its partitions (spec/07 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    by_name: Vec<StreamId>,
    by_id: Vec<StreamId>,
    pattern: Option<StreamPattern>,
}

/// A pattern for names, and the streams it matched when the member joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPattern {
    /// The pattern as given, at most 1024 bytes.
    pub text: Box<str>,
    /// In the order of the ids.
    pub matched: Vec<StreamId>,
}

/// No member can subscribe like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubscription {
    /// Neither streams nor a pattern.
    #[error("a subscription names streams or a pattern")]
    Empty,
    /// A stream is named both ways.
    #[error("a subscription names a stream by name or by id, not both")]
    NamedTwice,
    /// More than 1000 streams, or a pattern of more than 1024 bytes.
    #[error("a subscription has at most 1000 streams and a pattern of 1024 bytes")]
    TooLarge,
}

impl Subscription {
    /// A subscription; the order of the streams and repetitions do not matter.
    ///
    /// # Errors
    /// What no subscription may be.
    pub fn new(
        by_name: Vec<StreamId>,
        by_id: Vec<StreamId>,
        pattern: Option<StreamPattern>,
    ) -> Result<Self, InvalidSubscription> {
        if by_name.is_empty() && by_id.is_empty() && pattern.is_none() {
            return Err(InvalidSubscription::Empty);
        }
        let (by_name, by_id) = (sorted(by_name), sorted(by_id));
        if by_id.iter().any(|id| by_name.binary_search(id).is_ok()) {
            return Err(InvalidSubscription::NamedTwice);
        }
        let pattern =
            pattern.map(|StreamPattern { text, matched }| StreamPattern { text, matched: sorted(matched) });
        let matched = pattern.as_ref().map_or(0, |pattern| pattern.matched.len());
        let pattern_bytes = pattern.as_ref().map_or(0, |pattern| pattern.text.len());
        let streams = by_name.len() + by_id.len() + matched;
        if streams > SUBSCRIPTION_STREAMS_MAX || pattern_bytes > STREAM_PATTERN_BYTES_MAX {
            return Err(InvalidSubscription::TooLarge);
        }
        Ok(Self { by_name, by_id, pattern })
    }

    /// The streams given by name.
    pub fn by_name(&self) -> &[StreamId] {
        &self.by_name
    }

    /// The streams given by id: the member is told of them by id.
    pub fn by_id(&self) -> &[StreamId] {
        &self.by_id
    }

    /// The pattern.
    pub fn pattern(&self) -> Option<&StreamPattern> {
        self.pattern.as_ref()
    }

    /// Whether the stream was given by id.
    pub fn is_by_id(&self, stream: StreamId) -> bool {
        self.by_id.binary_search(&stream).is_ok()
    }

    /// Whether the stream is among those the member reads.
    pub fn wants(&self, stream: StreamId) -> bool {
        self.lists().into_iter().any(|list| list.binary_search(&stream).is_ok())
    }

    /// All streams; one that is named and matched comes twice.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.lists().into_iter().flatten().copied()
    }

    fn lists(&self) -> [&[StreamId]; 3] {
        let matched = self.pattern.as_ref().map_or(&[][..], |pattern| &pattern.matched);
        [&self.by_name, &self.by_id, matched]
    }
}

fn sorted(mut streams: Vec<StreamId>) -> Vec<StreamId> {
    streams.sort_unstable();
    streams.dedup();
    streams
}
