//! Who waits for whom on a connection, and for how long already.
//!
//! The reader, the writer and the requests note what happens; one watchdog per connection looks
//! at the notes now and then. It costs a lock per event and no timer per event.
//!
//! ```text
//! accepted          first byte of a head       head complete      answer given away
//!    │ header_timeout (whole) │                      │                    │
//!    ├──────── Head ──────────┴──────────────────────┼── Requests ────────┼── Idle ──▶ keep_alive_idle
//!    │                                               │ the body's own     │     │ next first byte: Head
//!                                                      timers             │
//! ```

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::Limits;

/// HTTP/2: a write of so many bytes carries some answer. Less may be a ping or a window update,
/// which say nothing about whether anybody reads.
const PROGRESS_MIN: usize = 1024;

/// Why a connection is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// The head of a request did not arrive in time.
    SlowHead,
    /// No request for a long time.
    Idle,
    /// The client does not take the answer.
    WriteStall,
}

/// What the client owes us when no request is open.
#[derive(Clone, Copy, Debug)]
enum Owed {
    /// The rest of a head, begun at this time.
    Head(Instant),
    /// A next request, waited for since this time.
    Request(Instant),
}

/// One open request. `stalled_since`: a piece of its answer was handed to the connection and the
/// next one was not asked for yet.
struct Open {
    id: u64,
    stalled_since: Option<Instant>,
}

struct State {
    owed: Owed,
    /// HTTP/2: bytes between requests are control frames, not the begin of a head.
    multiplexed: bool,
    open: Vec<Open>,
    next_id: u64,
    blocked_since: Option<Instant>,
}

/// The notes of one connection.
pub(super) struct Activity(Mutex<State>);

impl Activity {
    /// A connection accepted now.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            owed: Owed::Head(Instant::now()),
            multiplexed: false,
            open: Vec::new(),
            next_id: 0,
            blocked_since: None,
        })))
    }

    /// Bytes have arrived.
    pub(super) fn read(&self) {
        let mut state = self.0.lock();
        if state.open.is_empty() && !state.multiplexed && matches!(state.owed, Owed::Request(_)) {
            state.owed = Owed::Head(Instant::now());
        }
    }

    /// So many bytes have left: the client took some of what it was given.
    pub(super) fn wrote(&self, bytes: usize) {
        let mut state = self.0.lock();
        state.blocked_since = None;
        if bytes == 0 || (state.multiplexed && bytes < PROGRESS_MIN) {
            return;
        }
        let now = Instant::now();
        for since in state.open.iter_mut().filter_map(|request| request.stalled_since.as_mut()) {
            *since = now;
        }
        if let Owed::Request(since) = &mut state.owed {
            *since = now;
        }
    }

    /// Bytes could not leave.
    pub(super) fn blocked(&self) {
        self.0.lock().blocked_since.get_or_insert_with(Instant::now);
    }

    /// A head is complete.
    pub(super) fn begin(self: &Arc<Self>, multiplexed: bool) -> OpenRequest {
        let mut state = self.0.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.multiplexed |= multiplexed;
        state.open.push(Open { id, stalled_since: None });
        OpenRequest { activity: Arc::clone(self), id }
    }

    /// Ends when the connection has to be cut off.
    pub(super) async fn expired(&self, limits: &Limits) -> Expired {
        // Looking this often misses no deadline: none is nearer when it begins.
        let shortest = limits.header_timeout.min(limits.keep_alive_idle).min(limits.write_stall_timeout);
        loop {
            let now = Instant::now();
            let next_look = match self.0.lock().deadline(limits) {
                Some((at, why)) if at <= now => return why,
                Some((at, _)) => at.min(now + shortest),
                None => now + shortest,
            };
            sleep_until(next_look).await;
        }
    }
}

impl State {
    /// The first time at which something is overdue, as things stand.
    fn deadline(&self, limits: &Limits) -> Option<(Instant, Expired)> {
        let stalled = self.open.iter().filter_map(|request| request.stalled_since).min();
        let unread = self.blocked_since.into_iter().chain(stalled).min();
        let write = unread.map(|since| (since + limits.write_stall_timeout, Expired::WriteStall));
        let read = self.open.is_empty().then_some(match self.owed {
            Owed::Head(since) => (since + limits.header_timeout, Expired::SlowHead),
            Owed::Request(since) => (since + limits.keep_alive_idle, Expired::Idle),
        });
        write.into_iter().chain(read).min_by_key(|(at, _)| *at)
    }
}

/// An open request; dropping it closes it.
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
    id: u64,
}

impl OpenRequest {
    /// A piece of the answer was handed over, or the answer begins: the client has to take it.
    pub(super) fn handed_over(&self) {
        self.set_stalled(Some(Instant::now()));
    }

    /// The next piece is asked for: the client took the last one.
    pub(super) fn asked_for(&self) {
        self.set_stalled(None);
    }

    fn set_stalled(&self, since: Option<Instant>) {
        let mut state = self.activity.0.lock();
        if let Some(open) = state.open.iter_mut().find(|open| open.id == self.id) {
            open.stalled_since = since;
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.activity.0.lock();
        state.open.retain(|open| open.id != self.id);
        state.owed = Owed::Request(Instant::now());
    }
}
