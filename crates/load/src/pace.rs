//! Who may send next, and since when it waits.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::{Moment, Pace};

/// Hands out the appointed times.
pub(crate) struct Appointments {
    start: Moment,
    end: Moment,
    interval: Option<f64>,
    released: Semaphore,
    taken: AtomicU64,
    count: AtomicU64,
}

impl Appointments {
    pub(crate) fn new(pace: Pace, start: Moment, end: Moment) -> Self {
        let interval = match pace {
            Pace::Closed => None,
            Pace::PerSecond(rate) => Some(1.0 / rate),
        };
        let (taken, count) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { start, end, interval, released: Semaphore::new(0), taken, count }
    }

    /// Waits for the next appointment; none after the end.
    pub(crate) async fn next(&self) -> Option<Moment> {
        if self.interval.is_none() {
            let now = Moment::now();
            return (now < self.end).then_some(now);
        }
        self.released.acquire().await.ok()?.forget();
        Some(self.time_of(self.taken.fetch_add(1, Ordering::Relaxed)))
    }

    /// Lets appointments become due, until the end. The runtime's timers are too coarse for this, hence a
    /// thread that sleeps.
    pub(crate) fn keep(&self) {
        if self.interval.is_none() {
            return;
        }
        let mut next = 0;
        loop {
            let due = self.time_of(next);
            if due >= self.end {
                break;
            }
            let now = Moment::now();
            if due > now {
                thread::sleep(due.since(now));
                continue;
            }
            self.released.add_permits(1);
            next += 1;
        }
        self.count.store(next, Ordering::Relaxed);
        self.released.close();
    }

    /// Appointments that nobody was free to keep before the end.
    pub(crate) fn missed(&self) -> u64 {
        self.count.load(Ordering::Relaxed).saturating_sub(self.taken.load(Ordering::Relaxed))
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^53")]
    fn time_of(&self, number: u64) -> Moment {
        self.start.plus(Duration::from_secs_f64(self.interval.unwrap_or(0.0) * number as f64))
    }
}
