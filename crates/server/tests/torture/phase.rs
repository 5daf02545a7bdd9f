//! What a round expects of the server, and when its load ends.

use std::{io, time::Duration};

use millpond_engine::{Clock as _, SystemClock};
use parking_lot::{Condvar, Mutex};

use super::support::http::Answer;

#[derive(Clone, Copy, Debug, Default)]
struct Now {
    /// No client begins anything more.
    is_over: bool,
    /// A client found something that is wrong.
    has_failed: bool,
    /// The server is being ended, or its disk is gone: connections break, anything may fail.
    is_dying: bool,
    acknowledged: u64,
}

/// One round of load, seen by all its clients.
pub struct Phase {
    now: Mutex<Now>,
    changed: Condvar,
    /// The disk is, or may get, full: no space is a good answer.
    may_be_full: bool,
    clock: SystemClock,
}

impl Phase {
    pub fn new(may_be_full: bool) -> Self {
        let (now, changed) = (Mutex::default(), Condvar::new());
        Self { now, changed, may_be_full, clock: SystemClock::new() }
    }

    fn set(&self, set: impl FnOnce(&mut Now)) {
        set(&mut self.now.lock());
        self.changed.notify_all();
    }

    /// Ends the load; its clients finish what they have begun.
    pub fn end(&self) {
        self.set(|now| now.is_over = true);
    }

    /// From now on nothing that a client sees of the server is held against it.
    pub fn let_die(&self) {
        self.set(|now| now.is_dying = true);
    }

    pub fn acknowledge(&self) {
        self.set(|now| now.acknowledged += 1);
    }

    pub fn is_over(&self) -> bool {
        let now = self.now.lock();
        now.is_over || now.has_failed
    }

    pub fn is_dying(&self) -> bool {
        self.now.lock().is_dying
    }

    pub fn may_be_full(&self) -> bool {
        self.may_be_full
    }

    /// Waits so long, or until so many requests more are acknowledged, or something is wrong.
    pub fn wait(&self, longest: Duration, acknowledged: u64) {
        let until = self.clock.monotonic() + longest;
        let mut now = self.now.lock();
        let wanted = now.acknowledged.saturating_add(acknowledged);
        while !now.has_failed && !now.is_over && now.acknowledged < wanted {
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() || self.changed.wait_for(&mut now, left).timed_out() {
                return;
            }
        }
    }

    /// Waits so long, or until something is wrong.
    pub fn pause(&self, length: Duration) {
        self.wait(length, u64::MAX);
    }

    /// Judges what a client was answered, once it has been written down: `None` ends the client. An
    /// answer has a status that `is_good` or says that there is no space, when that may be.
    pub fn judge(
        &self,
        what: &str,
        answer: io::Result<Answer>,
        is_good: impl FnOnce(&Answer) -> bool,
    ) -> Option<Answer> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(_) if self.is_dying() => return None,
            Err(error) => panic!("{what}: the connection broke ({error}) while the server was up"),
        };
        let good = is_good(&answer) || (self.may_be_full && says_no_space(&answer));
        if good || self.is_dying() {
            return Some(answer);
        }
        panic!("{what}: {} {}", answer.status, answer.text());
    }
}

/// Whether an answer says, by code and in words, that there is no space (spec/08, guarantee of a full disk).
pub fn says_no_space(answer: &Answer) -> bool {
    answer.status >= 500 && answer.code().starts_with("DIS.5") && answer.text().contains("no space")
}

/// Tells the others when its client panics.
pub struct Alarm<'a>(pub &'a Phase);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set(|now| now.has_failed = true);
        }
    }
}
