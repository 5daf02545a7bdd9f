//! When the same is asked again, and how often.

use std::time::Duration;

use crate::Error;

/// How often and how fast calls are repeated. All of it is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Times a request is sent at most, the first one included. 0 counts as 1.
    pub attempts: u32,
    /// Times a refused record is sent at most, the first one included. 0 counts as 1.
    pub record_attempts: u32,
    /// Wait before the second attempt; it doubles with each further one.
    pub first_delay: Duration,
    /// Longest wait.
    pub delay_max: Duration,
}

impl Default for RetryPolicy {
    /// As the stock clients: 5 requests, 10 times a record, 50 ms doubling (spec/00 §10, spec/03 §4).
    fn default() -> Self {
        Self {
            attempts: 5,
            record_attempts: 10,
            first_delay: Duration::from_millis(50),
            delay_max: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// Everything is sent once.
    pub const NONE: Self =
        Self { attempts: 1, record_attempts: 1, first_delay: Duration::ZERO, delay_max: Duration::ZERO };

    /// The wait behind the failed attempt number `attempt`, counted from 1.
    pub fn delay(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_delay.saturating_mul(doubled).min(self.delay_max)
    }
}

/// What a second sending of the same request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing that the first did not: reads, and writes that set a value.
    Harmless,
    /// Perhaps the same once more: records, creations, deletions. Only repeated when the first was
    /// surely without effect.
    OnlyIfUnseen,
}

/// Whether the request that failed with `error` may be sent again.
pub(crate) fn may_repeat(error: &Error, repeat: Repeat) -> bool {
    match error {
        Error::Connect { .. } => true,
        Error::Refused(refused) => {
            refused.surely_without_effect() || (refused.status >= 500 && repeat == Repeat::Harmless)
        }
        Error::Timeout { .. } | Error::Broken { .. } => repeat == Repeat::Harmless,
        Error::Setup(_) | Error::Answer { .. } => false,
    }
}

/// Whether stock producers resend a record refused with this code (spec/08 §3).
pub(crate) fn record_is_resent(code: &str) -> bool {
    code.contains("DIS.4303") || code.contains("DIS.5")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refused;

    #[test]
    fn waits_double_up_to_a_bound() {
        let policy = RetryPolicy::default();
        let delays: Vec<u128> = (1..=9).map(|attempt| policy.delay(attempt).as_millis()).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(policy.delay(u32::MAX), policy.delay_max);
        assert_eq!(RetryPolicy::NONE.delay(3), Duration::ZERO);
    }

    #[test]
    fn what_may_have_had_an_effect_is_only_repeated_when_that_is_harmless() {
        let check = |status: u16, code: Option<&str>, harmless: bool, unseen: bool| {
            let refused =
                Refused { status, code: code.map(str::to_owned), message: String::new(), request_id: None };
            let error = Error::Refused(Box::new(refused));
            assert_eq!(may_repeat(&error, Repeat::Harmless), harmless, "{error:?}");
            assert_eq!(may_repeat(&error, Repeat::OnlyIfUnseen), unseen, "{error:?}");
        };
        check(500, Some("DIS.5000"), true, false);
        check(502, None, true, false);
        check(503, None, true, false);
        check(503, Some("DIS.5000"), true, true);
        check(429, None, true, true);
        check(400, Some("DIS.4303"), true, true);
        check(400, Some("DIS.4301"), false, false);
        check(401, Some("DIS.4107"), false, false);
    }

    #[test]
    fn records_are_resent_by_their_code() {
        for (code, resent) in
            [("DIS.4303", true), ("DIS.5250", true), ("DIS.5000", true), ("DIS.4302", false), ("", false)]
        {
            assert_eq!(record_is_resent(code), resent, "{code}");
        }
    }
}
