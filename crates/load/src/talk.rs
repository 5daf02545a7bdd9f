//! What is said on one connection.

use std::sync::Arc;

use bytes::Bytes;

/// One side of a conversation: requests, and when an answer is complete.
pub trait Talk: Send + 'static {
    /// Said once when the connection is new; empty for most protocols. Its answer ends like any other.
    fn greeting(&mut self) -> Bytes {
        Bytes::new()
    }

    /// The next request; none when there is nothing left to ask.
    fn request(&mut self) -> Option<Bytes>;

    /// Takes all of what arrived.
    ///
    /// # Errors
    /// The answer is not of this protocol: the connection cannot be used any more.
    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation>;
}

/// What a piece of an answer meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to come.
    More,
    /// The answer is complete; it was not the last of this request, which sends the next one at once.
    /// What it took is counted when the last is there.
    Again(Bytes),
    /// The answer is complete.
    Done {
        /// What it says.
        verdict: Verdict,
        /// The server closes the connection behind it.
        close: bool,
    },
}

/// What a complete answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done as asked.
    Good {
        /// How many records or commits that were.
        records: u64,
        /// Their bytes, without any wrapping.
        payload_bytes: u64,
    },
    /// Refused, with the beginning of what the server said.
    Bad(String),
}

/// An answer that is none in this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub String);

/// Requests taken in turn, around and around.
#[derive(Clone, Debug)]
pub struct Repeat {
    requests: Arc<[Bytes]>,
    next: usize,
}

impl Repeat {
    /// Begins with the one at `first`, so that not all connections say the same at the same time.
    pub fn new(requests: Arc<[Bytes]>, first: usize) -> Self {
        Self { requests, next: first }
    }
}

impl Iterator for Repeat {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let index = self.next.checked_rem(self.requests.len())?;
        self.next = index + 1;
        self.requests.get(index).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_in_turn() {
        let requests: Arc<[Bytes]> = ["a", "b", "c"].map(Bytes::from).into();
        let check = |first: usize, expected: &str| {
            let taken = Repeat::new(Arc::clone(&requests), first).take(expected.len());
            let taken: String = taken.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect();
            assert_eq!(taken, expected, "{first}");
        };
        check(0, "abcab");
        check(2, "cabc");
        check(64, "bca");
        assert_eq!(Repeat::new(Vec::new().into(), 0).next(), None);
    }
}
