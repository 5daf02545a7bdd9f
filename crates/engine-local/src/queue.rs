//! What waits for the journal.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use millpond_engine::{AdminError, AppendError, Appended, ProposeError};
use millpond_state::{LogPosition, Outcome, Proposal};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::{log_op::LogOp, partition::PartitionLog, record::Draft};

/// Most requests that wait; more are refused.
const WORK_MAX: usize = 100_000;

/// A request.
pub(crate) enum Work {
    Append {
        drafts: Vec<PlacedDraft>,
        reply: oneshot::Sender<Vec<AppendResult>>,
    },
    Propose {
        proposal: Proposal,
        bytes: Vec<u8>,
        reply: oneshot::Sender<Result<Outcome, ProposeError>>,
    },
    Change {
        op: LogOp,
        reply: oneshot::Sender<Result<(), AdminError>>,
    },
    /// A group of its own, if nothing else: everything before it is durable, and known to be.
    Barrier {
        reply: Option<oneshot::Sender<Result<LogPosition, ProposeError>>>,
    },
}

pub(crate) type AppendResult = Result<Appended, AppendError>;
/// A batch with its log, or why it has none.
pub(crate) type PlacedDraft = Result<(Arc<PartitionLog>, Draft), AppendError>;

impl Work {
    fn byte_len(&self) -> u64 {
        match self {
            Self::Append { drafts, .. } => {
                drafts.iter().flatten().map(|(_, draft)| draft.batch.byte_len() as u64).sum()
            }
            Self::Propose { bytes, .. } => bytes.len() as u64,
            Self::Change { .. } | Self::Barrier { .. } => 0,
        }
    }
}

/// Requests in the order they came.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    arrived: Condvar,
    bytes_max: u64,
    group_bytes_max: u64,
}

#[derive(Default)]
struct Inner {
    work: VecDeque<Work>,
    bytes: u64,
    closed: bool,
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

impl Queue {
    pub(crate) fn new(bytes_max: u64, group_bytes_max: u64) -> Self {
        Self { inner: Mutex::default(), arrived: Condvar::new(), bytes_max, group_bytes_max }
    }

    /// Takes the request, or drops it: whoever waits for its answer is told by the error.
    pub(crate) fn push(&self, work: Work) -> Result<(), Refused> {
        let bytes = work.byte_len();
        let mut inner = self.inner.lock();
        if inner.closed {
            return Err(Refused::Closed);
        }
        // One request always fits into an empty queue, however large it is.
        let full = inner.bytes > 0 && inner.bytes + bytes > self.bytes_max;
        if full || inner.work.len() >= WORK_MAX {
            return Err(Refused::Full);
        }
        inner.bytes += bytes;
        inner.work.push_back(work);
        drop(inner);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for requests and takes as many as one group holds; `None` once the queue is closed and empty.
    pub(crate) fn next_group(&self) -> Option<Vec<Work>> {
        let mut inner = self.inner.lock();
        self.arrived.wait_while(&mut inner, |inner| inner.work.is_empty() && !inner.closed);
        (!inner.work.is_empty()).then(|| self.take(&mut inner))
    }

    /// Like `next_group`, without waiting.
    pub(crate) fn try_next_group(&self) -> Option<Vec<Work>> {
        let mut inner = self.inner.lock();
        (!inner.work.is_empty()).then(|| self.take(&mut inner))
    }

    fn take(&self, inner: &mut Inner) -> Vec<Work> {
        let (mut group, mut group_bytes, mut changed) = (Vec::new(), 0, BTreeSet::new());
        while let Some(work) = inner.work.front() {
            let bytes = work.byte_len();
            if !group.is_empty() && group_bytes + bytes > self.group_bytes_max {
                break;
            }
            // What a change does is decided by what is published: two of one stream are two groups.
            if let Work::Change { op, .. } = work
                && !changed.insert(op.stream())
            {
                break;
            }
            group_bytes += bytes;
            inner.bytes -= bytes;
            group.extend(inner.work.pop_front());
        }
        group
    }

    /// Takes no more; what waits can still be taken out.
    pub(crate) fn close(&self) {
        self.inner.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Takes no more and forgets what waits.
    pub(crate) fn abandon(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.work.clear();
        inner.bytes = 0;
        drop(inner);
        self.arrived.notify_all();
    }
}
