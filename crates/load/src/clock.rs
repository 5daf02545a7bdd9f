//! The clock that everything is measured by.

use std::time::{Duration, Instant};

/// A moment on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Instant);

impl Moment {
    /// The present.
    #[expect(clippy::disallowed_methods, reason = "what is measured here is real time")]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0 + by)
    }

    /// Time from `earlier` to this one; zero when it is the other way round.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}
