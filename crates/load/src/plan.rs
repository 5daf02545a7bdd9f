//! What to do for how long.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// On every connection as soon as the answer before it is there.
    Closed,
    /// At appointed times, so many in a second over all connections.
    PerSecond(f64),
}

/// What to do for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the server is.
    pub address: SocketAddr,
    /// When requests are sent.
    pub pace: Pace,
    /// Sent but not counted, at the beginning.
    pub warmup: Duration,
    /// Counted.
    pub duration: Duration,
    /// Threads that share the connections.
    pub threads: usize,
    /// Counts answers while the load runs, for whoever shows progress.
    pub progress: Arc<AtomicU64>,
}

impl Plan {
    /// A closed loop on one thread.
    pub fn new(address: SocketAddr, warmup: Duration, duration: Duration) -> Self {
        Self { address, pace: Pace::Closed, warmup, duration, threads: 1, progress: Arc::default() }
    }
}
