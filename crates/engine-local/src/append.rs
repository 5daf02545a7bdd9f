//! The way in: requests are encoded where they arrive and wait for the journal.

use std::sync::Arc;

use millpond_engine::{AdminError, Append, AppendError, Appended, Class, ProposeError, StorageFailure};
use millpond_state::{LogPosition, Outcome, PROPOSAL_BYTES_MAX, Proposal, encode_proposal};
use tokio::sync::oneshot;

use crate::{
    commit::Committer,
    failure,
    log_op::LogOp,
    queue::{PlacedDraft, Refused, Work},
    record::Draft,
};

impl Committer {
    /// Encodes each batch, waits until its group is durable, and answers in the order asked.
    pub(crate) async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let count = batches.len();
        let drafts = self.drafts(batches);
        let (reply, answer) = oneshot::channel();
        let refused = |e: AppendError| (0..count).map(|_| Err(e.clone())).collect();
        match self.submit(Work::Append { drafts, reply }) {
            Ok(()) => answer.await.unwrap_or_else(|_| refused(AppendError::Storage(lost()))),
            Err(Refused::Full) => refused(AppendError::Overloaded),
            Err(Refused::Closed) => refused(AppendError::Storage(failure::closed())),
        }
    }

    fn drafts(&self, batches: Vec<Append>) -> Vec<PlacedDraft> {
        let logs = self.store.logs.read();
        let placed: Vec<_> =
            batches.into_iter().map(|batch| (logs.partition(batch.partition).cloned(), batch)).collect();
        drop(logs);
        let draft = |(log, batch): (Option<Arc<_>>, Append)| {
            let log = log.ok_or(AppendError::UnknownPartition(batch.partition))?;
            Ok((log, Draft::encode(&batch.records)))
        };
        placed.into_iter().map(draft).collect()
    }

    /// Waits until the command is durable and applied.
    pub(crate) async fn propose(&self, proposal: Proposal) -> Result<Outcome, ProposeError> {
        let bytes = encode_proposal(&proposal);
        if bytes.len() > PROPOSAL_BYTES_MAX {
            return Err(ProposeError::TooLarge);
        }
        let (reply, answer) = oneshot::channel();
        match self.submit(Work::Propose { proposal, bytes, reply }) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(ProposeError::Storage(lost()))),
            Err(Refused::Full) => Err(ProposeError::Overloaded),
            Err(Refused::Closed) => Err(ProposeError::Storage(failure::closed())),
        }
    }

    /// Waits until the change is durable and made.
    pub(crate) async fn change(&self, op: LogOp) -> Result<(), AdminError> {
        let (reply, answer) = oneshot::channel();
        match self.submit(Work::Change { op, reply }) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(AdminError::Storage(lost()))),
            Err(Refused::Full) => {
                Err(AdminError::Storage(StorageFailure::new(Class::Refused, "too many requests are waiting")))
            }
            Err(Refused::Closed) => Err(AdminError::Storage(failure::closed())),
        }
    }

    /// Waits until everything before is durable, proved by a group of its own.
    pub(crate) async fn barrier(&self) -> Result<LogPosition, ProposeError> {
        let (reply, answer) = oneshot::channel();
        match self.submit(Work::Barrier { reply: Some(reply) }) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(ProposeError::Storage(lost()))),
            Err(Refused::Full) => Err(ProposeError::Overloaded),
            Err(Refused::Closed) => Err(ProposeError::Storage(failure::closed())),
        }
    }

    fn submit(&self, work: Work) -> Result<(), Refused> {
        self.queue.push(work)?;
        if !self.store.settings.threads {
            self.turn();
        }
        Ok(())
    }
}

/// The engine was dropped while a request waited.
fn lost() -> StorageFailure {
    StorageFailure::new(Class::Unknown, "the engine stopped while the request was waiting")
}
