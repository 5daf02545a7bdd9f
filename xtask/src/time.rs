//! Stopwatch and deadline: build verbs take real time, so they read the real clock, here only.

use std::time::{Duration, Instant};

/// How often something outside is looked at again while waiting for it.
const POLL: Duration = Duration::from_millis(50);

/// A moment on the monotonic clock.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "durations of real commands; nothing here is simulated")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Asks `ready` again and again until it has an answer or `limit` has passed.
///
/// # Errors
/// The first error of `ready`. `Ok(None)`: no answer within `limit`.
pub fn poll<T>(
    limit: Duration,
    mut ready: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let watch = Stopwatch::start();
    loop {
        if let Some(answer) = ready()? {
            return Ok(Some(answer));
        }
        if watch.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poll_ends_with_the_answer_the_error_or_the_limit() {
        let mut asked = 0;
        let answer = poll(Duration::from_mins(1), || {
            asked += 1;
            Ok((asked == 2).then_some(asked))
        });
        assert_eq!(answer.unwrap(), Some(2));
        assert_eq!(poll::<()>(Duration::ZERO, || Ok(None)).unwrap(), None);
        assert!(poll::<()>(Duration::from_mins(1), || anyhow::bail!("broken")).is_err());
    }
}
