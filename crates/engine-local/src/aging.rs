//! The clock by which records grow old.
//!
//! A wall clock that jumps must not take records away that are young. So records age by a clock of their
//! own: it follows the wall clock, never goes back, and runs at most twice as fast as the monotonic clock.
//! Where the wall clock is further ahead than that explains, nothing expires for an hour; the wall clock is
//! believed after it, unless somebody has set it right.
//!
//! ```text
//!   wall   ────────────┐ jump            ┌───────────
//!   aging  ────────────┴─── stands still ┘ believes the wall clock
//!                      └──── 1 hour ─────┘
//! ```

use std::{sync::Arc, time::Duration};

use millpond_engine::Clock;
use millpond_model::Timestamp;
use parking_lot::Mutex;

/// How far the wall clock may be ahead before it is not believed.
const AHEAD_MAX: Duration = Duration::from_mins(5);
/// The same for a start: the process was not there to measure, and stops are a little longer than that.
const AHEAD_AT_START_MAX: Duration = Duration::from_mins(30);
/// How long nothing expires then.
const SUSPENSION: Duration = Duration::from_hours(1);

pub(crate) struct AgingClock {
    clock: Arc<dyn Clock>,
    /// `None`: the wall clock is always believed.
    inner: Option<Mutex<Inner>>,
}

struct Inner {
    now_ms: i64,
    /// When `now_ms` was that.
    monotonic: Duration,
    /// Since when, by the monotonic clock, nothing expires.
    suspended: Option<Duration>,
}

impl AgingClock {
    /// A clock that believes the wall clock, whatever it says.
    pub(crate) fn believing(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: None }
    }

    /// A clock that goes on where `kept` says that it stood when it was last looked at; `None` for a new
    /// directory.
    pub(crate) fn doubting(clock: Arc<dyn Clock>, kept: Option<i64>) -> Self {
        let (wall, monotonic) = (clock.now().as_millis(), clock.monotonic());
        let mut inner = Inner { now_ms: kept.unwrap_or(wall), monotonic, suspended: None };
        let ahead = wall.saturating_sub(inner.now_ms);
        if ahead > millis(AHEAD_AT_START_MAX) {
            inner.suspend(ahead, monotonic);
        } else {
            inner.now_ms = inner.now_ms.max(wall);
        }
        Self { clock, inner: Some(Mutex::new(inner)) }
    }

    /// The time that counts for retention.
    pub(crate) fn now(&self) -> Timestamp {
        let Some(inner) = &self.inner else { return self.clock.now() };
        let mut inner = inner.lock();
        inner.look(self.clock.now().as_millis(), self.clock.monotonic());
        Timestamp::from_millis(inner.now_ms)
    }

    /// Whether nothing expires at the moment because the wall clock is not believed.
    pub(crate) fn is_suspended(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.lock().suspended.is_some())
    }
}

impl Inner {
    fn look(&mut self, wall: i64, monotonic: Duration) {
        let elapsed = monotonic.saturating_sub(self.monotonic);
        self.monotonic = monotonic;
        if let Some(since) = self.suspended {
            let passed = monotonic.saturating_sub(since);
            let ahead = wall.saturating_sub(self.now_ms.saturating_add(millis(passed)));
            // Set right meanwhile, or not to be doubted any longer.
            if ahead <= millis(AHEAD_MAX) || passed >= SUSPENSION {
                self.suspended = None;
                self.now_ms = self.now_ms.max(wall);
            }
            return;
        }
        let reached = self.now_ms.saturating_add(millis(elapsed).saturating_mul(2)).min(wall);
        if wall.saturating_sub(reached) > millis(AHEAD_MAX) {
            return self.suspend(wall.saturating_sub(self.now_ms), monotonic);
        }
        self.now_ms = self.now_ms.max(reached);
    }

    fn suspend(&mut self, ahead_ms: i64, monotonic: Duration) {
        self.suspended = Some(monotonic);
        tracing::warn!(
            ahead_seconds = ahead_ms / 1000,
            "the clock is further ahead than the time that passed explains: no record expires for an hour; set the clock if it is wrong"
        );
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use millpond_engine::ManualClock;

    use super::*;

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;
    const START: i64 = 1000 * DAY;

    enum Step {
        /// Minutes pass.
        Pass(u64),
        /// The wall clock is moved by so many minutes.
        Jump(i64),
    }
    use Step::{Jump, Pass};

    fn check(kept: Option<i64>, steps: &[Step], expected: i64, suspended: bool) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(START)));
        let aging = AgingClock::doubting(Arc::clone(&clock) as _, kept);
        let mut last = aging.now();
        for step in steps {
            match step {
                Pass(minutes) => clock.advance(Duration::from_mins(*minutes)),
                Jump(minutes) => {
                    clock.jump_to(Timestamp::from_millis(clock.now().as_millis() + minutes * MINUTE));
                }
            }
            assert!(aging.now() >= last, "it never goes back");
            last = aging.now();
        }
        assert_eq!((last.as_millis() - START) / MINUTE, expected);
        assert_eq!(aging.is_suspended(), suspended);
    }

    #[test]
    fn it_follows_the_wall_clock() {
        check(None, &[Pass(1), Pass(600), Pass(0)], 601, false);
        check(Some(START - 3 * MINUTE), &[Pass(10)], 10, false);
    }

    #[test]
    fn a_jump_forward_stops_it_for_an_hour() {
        for jump in [60, 400 * 24 * 60] {
            check(None, &[Pass(10), Jump(jump)], 10, true);
            check(None, &[Pass(10), Jump(jump), Pass(59)], 10, true);
            check(None, &[Pass(10), Jump(jump), Pass(60)], 70 + jump, false);
            check(None, &[Pass(10), Jump(jump), Pass(30), Jump(-jump), Pass(0)], 40, false);
            check(Some(START - jump * MINUTE), &[Pass(59)], -jump, true);
            check(Some(START - jump * MINUTE), &[Pass(61)], 61, false);
        }
    }

    #[test]
    fn many_small_jumps_are_no_way_round() {
        let steps: Vec<Step> = (0..100).map(|_| Jump(4)).collect();
        check(None, &steps, 0, true);
    }

    #[test]
    fn small_steps_are_caught_up_with_at_double_speed() {
        check(None, &[Jump(4), Pass(1), Pass(1)], 4, false);
        check(None, &[Jump(4), Pass(4)], 8, false);
    }

    #[test]
    fn a_jump_back_makes_it_wait() {
        check(None, &[Pass(10), Jump(-60), Pass(30)], 10, false);
        check(None, &[Pass(10), Jump(-60), Pass(70)], 20, false);
        check(None, &[Pass(10), Jump(-400 * 24 * 60), Pass(600)], 10, false);
        check(Some(START + 5 * MINUTE), &[Pass(1)], 5, false);
    }
}
