//! Committing what was read for an app.

use std::{collections::BTreeMap, time::Duration};

use millpond_client::{Class, Client, Error};
use millpond_model::{AppName, PartitionId, SequenceNumber, StreamName};
use tokio::time::Instant;

use crate::failure::Failure;

/// How often positions are committed.
const INTERVAL: Duration = Duration::from_secs(1);

/// Commits positions of one app in one stream. A position is the number of the next record to read.
#[derive(Debug)]
pub(super) struct Committer {
    client: Client,
    app: AppName,
    stream: StreamName,
    committed: BTreeMap<PartitionId, SequenceNumber>,
    last: Instant,
}

impl Committer {
    /// Nothing is committed yet.
    pub(super) fn new(client: Client, app: AppName, stream: StreamName) -> Self {
        Self { client, app, stream, committed: BTreeMap::new(), last: Instant::now() }
    }

    /// Whether it is time again.
    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= INTERVAL
    }

    /// Commits the positions that changed. Something to tell people when it has to be tried again.
    ///
    /// # Errors
    /// What trying again does not help against.
    pub(super) async fn commit(
        &mut self,
        positions: &BTreeMap<PartitionId, SequenceNumber>,
    ) -> Result<Option<String>, Failure> {
        let result = self.commit_changed(positions).await;
        self.last = Instant::now();
        match result {
            Ok(()) => Ok(None),
            Err(error) if may_pass(&error) => Ok(Some(format!("cannot commit now, trying again: {error}"))),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Committer::commit`], but for the last time.
    ///
    /// # Errors
    /// Any: whoever reads next for the app will see these records again.
    pub(super) async fn commit_last(
        &mut self,
        positions: &BTreeMap<PartitionId, SequenceNumber>,
    ) -> Result<(), Failure> {
        let app = self.app.clone();
        let hint = format!("records that were shown may come again with --app {app}");
        self.commit_changed(positions).await.map_err(|error| Failure::from(error).hint(hint))
    }

    async fn commit_changed(
        &mut self,
        positions: &BTreeMap<PartitionId, SequenceNumber>,
    ) -> Result<(), Error> {
        for (&partition, &next) in positions {
            if self.committed.get(&partition) == Some(&next) {
                continue;
            }
            match self.client.commit_checkpoint(&self.app, &self.stream, partition, next, "").await {
                // The partition, or the record itself, has left retention meanwhile: nobody can go on
                // there, so there is nothing to remember.
                Err(error) if matches!(error.code(), Some("DIS.4224" | "DIS.4319")) => {}
                result => result?,
            }
            self.committed.insert(partition, next);
        }
        Ok(())
    }
}

/// Whether the same may succeed a little later.
pub(super) fn may_pass(error: &Error) -> bool {
    matches!(error.class(), Class::Transport | Class::Timeout | Class::Server | Class::Throttled)
}
