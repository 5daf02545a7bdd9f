//! A token bucket, counted in what is missing from it.
//!
//! ```text
//!   missing = 0: full ──take──▶ missing grows, up to the size ──time passes──▶ missing shrinks by the rate
//! ```

use std::time::Duration;

const NANOS: u128 = 1_000_000_000;

/// A bucket that holds what a rate saved up, at most its size.
///
/// The rate and the size belong to whoever asks. A full bucket is the default one, so that there is no
/// need to keep it. Time is that of a clock that never goes back; an earlier moment counts as no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// What is missing, in billionths, so that no fraction is lost.
    missing: u128,
    at: Duration,
}

impl Bucket {
    /// Whether `amount` is there. A full bucket has more than its size for once: what is larger than the
    /// whole bucket would never pass otherwise.
    pub fn admits(&mut self, rate: u64, size: u64, amount: u64, now: Duration) -> bool {
        self.settle(rate, now);
        self.missing == 0 || self.missing + u128::from(amount) * NANOS <= u128::from(size) * NANOS
    }

    /// Takes `amount`, whether it is there or not.
    pub fn charge(&mut self, rate: u64, amount: u64, now: Duration) {
        self.settle(rate, now);
        self.missing += u128::from(amount) * NANOS;
    }

    /// Takes `amount` when it is there.
    ///
    /// # Errors
    /// How long it takes until it is.
    pub fn take(&mut self, rate: u64, size: u64, amount: u64, now: Duration) -> Result<(), Duration> {
        if self.admits(rate, size, amount, now) {
            self.charge(rate, amount, now);
            return Ok(());
        }
        let room = u128::from(size.saturating_sub(amount)) * NANOS;
        let nanos = self.missing.saturating_sub(room).div_ceil(u128::from(rate.max(1)));
        Err(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Whether anything is left of what `burst` saves up.
    pub(super) fn has_any(&mut self, rate: u64, burst: Duration, now: Duration) -> bool {
        self.settle(rate, now);
        self.missing < u128::from(rate) * burst.as_nanos()
    }

    /// Whether nothing is missing: such a bucket can be forgotten.
    pub fn is_full(&self, rate: u64, now: Duration) -> bool {
        self.settled(rate, now) == 0
    }

    fn settle(&mut self, rate: u64, now: Duration) {
        self.missing = self.settled(rate, now);
        self.at = self.at.max(now);
    }

    /// What is missing by now.
    fn settled(&self, rate: u64, now: Duration) -> u128 {
        let passed = now.saturating_sub(self.at);
        self.missing.saturating_sub(u128::from(rate) * passed.as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_bucket_holds_its_rate() {
        let mut bucket = Bucket::default();
        // Each step: when, how much, and whether it is there; 10 a second, and 10 at once.
        let steps = [
            (0, 4, true),
            (0, 6, true),
            (0, 1, false),
            (99, 1, false),
            (100, 1, true),
            (100, 1, false),
            (600, 6, false),
            (600, 5, true),
            (1_000_000, 10, true),
            (1_000_000, 1, false),
            // Time that goes back is none.
            (999_000, 1, false),
        ];
        for (millis, amount, there) in steps {
            assert_eq!(bucket.take(10, 10, amount, at(millis)).is_ok(), there, "{amount} at {millis}");
        }
    }

    #[test]
    fn no_fraction_is_lost() {
        let (rate, mut bucket) = (1024 * 1024, Bucket::default());
        for _ in 0..1024 {
            assert_eq!(bucket.take(rate, rate, 1024, at(0)), Ok(()));
        }
        assert!(bucket.take(rate, rate, 1, at(0)).is_err());
        // In thousand steps of a millisecond as in one of a second.
        for millis in 1..=1000 {
            bucket.settle(rate, at(millis));
        }
        assert_eq!(bucket.missing, 0);
    }

    #[test]
    fn a_full_bucket_lets_pass_what_is_larger_than_itself() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(10, 10, 25, at(0)), Ok(()));
        assert_eq!(bucket.take(10, 10, 1, at(1500)), Err(at(100)));
        assert_eq!(bucket.take(10, 10, 1, at(1600)), Ok(()));
        assert!(!bucket.is_full(10, at(2000)));
        assert!(bucket.is_full(10, at(2600)));
    }

    #[test]
    fn whoever_is_refused_learns_how_long_to_wait() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(2, 2, 2, at(0)), Ok(()));
        assert_eq!(bucket.take(2, 2, 1, at(0)), Err(at(500)));
        assert_eq!(bucket.take(2, 2, 1, at(499)), Err(at(1)));
        assert_eq!(bucket.take(2, 2, 1, at(500)), Ok(()));
        // More than the bucket holds comes when it is full.
        assert_eq!(bucket.take(2, 2, 9, at(500)), Err(at(1000)));
        assert_eq!(bucket.take(u64::MAX, u64::MAX, u64::MAX, at(1500)), Ok(()));
    }
}
