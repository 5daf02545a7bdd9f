//! What the members of consumer groups say of themselves (spec/07).

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc, time::Duration};

use crate::limits::{CLIENT_ID_BYTES_MAX, REBALANCE_TIMEOUT_DEFAULT_MS, REBALANCE_TIMEOUT_MAX_MS};

/// The id of a group member, which it chooses itself: 1 to 255 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

/// The text is empty, too long, or has control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a client id: 1 to {CLIENT_ID_BYTES_MAX} bytes without control characters are expected")]
pub struct InvalidClientId;

impl ClientId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, InvalidClientId> {
        let valid = (1..=CLIENT_ID_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control);
        valid.then(|| Self(text.into())).ok_or(InvalidClientId)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// How long a member wants the others to wait for it when partitions are shared out anew: 1 ms to
/// 4 minutes, 20 s unless asked otherwise (spec/07 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RebalanceTimeout(u32);

impl RebalanceTimeout {
    /// The nearest one to what a client asks for; the usual one when that is not positive.
    pub fn from_millis(millis: i64) -> Self {
        match millis {
            ..=0 => Self::default(),
            asked => Self(u32::try_from(asked).unwrap_or(u32::MAX).min(REBALANCE_TIMEOUT_MAX_MS)),
        }
    }

    /// In milliseconds.
    pub const fn as_millis(self) -> u32 {
        self.0
    }

    /// As a duration.
    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }
}

impl Default for RebalanceTimeout {
    fn default() -> Self {
        Self(REBALANCE_TIMEOUT_DEFAULT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_are_short_and_printable() {
        let check = |text: &str, valid: bool| assert_eq!(text.parse::<ClientId>().is_ok(), valid, "{text:?}");
        check("consumer-934126e1-b19f-4f85-a995-716ba1194783", true);
        check("any text, ümlauts too", true);
        check("", false);
        check("a\nb", false);
        check(&"x".repeat(255), true);
        check(&"x".repeat(256), false);
    }

    #[test]
    fn time_outs_are_bounded() {
        let check = |asked, millis| assert_eq!(RebalanceTimeout::from_millis(asked).as_millis(), millis);
        check(0, 20_000);
        check(-5, 20_000);
        check(1, 1);
        check(30_000, 30_000);
        check(i64::MAX, 240_000);
    }
}
