//! Watching what a client sends and receives.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method};

use crate::Error;

/// Called for every event, on the task that makes the call. Must not block for long.
pub type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// A request as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a Method,
    /// The whole address.
    pub url: &'a str,
    /// Headers that this client sets: signature or token, content type. They are as good as the
    /// credentials for some minutes: do not keep them.
    pub headers: &'a HeaderMap,
    /// The body; empty when there is none.
    pub body: &'a [u8],
    /// Counted from 1.
    pub attempt: u32,
}

/// Something that happened to a request.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// It goes out.
    Sending(Outgoing<'a>),
    /// Any answer came.
    Answered {
        /// What was sent.
        request: Outgoing<'a>,
        /// HTTP status.
        status: u16,
        /// Headers of the answer.
        headers: &'a HeaderMap,
        /// Length of the answer's body.
        body_bytes: usize,
        /// From the sending to the last byte.
        took: Duration,
    },
    /// No answer came.
    Failed {
        /// What was sent.
        request: Outgoing<'a>,
        /// Why not.
        error: &'a Error,
        /// Since the sending.
        took: Duration,
    },
    /// The same will be sent again.
    Waiting {
        /// For this long.
        delay: Duration,
        /// The attempt that failed, counted from 1.
        attempt: u32,
    },
}
