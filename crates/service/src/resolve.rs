//! What a request means: names and ids become things, only ever those the project may reach.
//!
//! Every lookup of a stream or an app goes through here. A project reaches its own streams and apps,
//! nothing else; what is another project's does not exist for it.

use std::fmt::Display;

use millpond_engine::ReadLevel;
use millpond_model::{AppSelector, PartitionId, PartitionStatus, ProjectId, StreamId, StreamSelector};
use millpond_state::{App, Partition, State, Stream};

use crate::{Error, Service};

impl Service {
    /// Looks at the state as it is known here; when that lacks something, once more at the newest one.
    ///
    /// For requests that come often: where several nodes share a log, only a miss waits for the others.
    pub(crate) async fn look<T>(&self, look: impl Fn(&State) -> Result<T, Error>) -> Result<T, Error> {
        let seen = look(&self.engine.state.view());
        match seen {
            Err(error) if error.is_missing() => self.look_fresh(look).await,
            seen => seen,
        }
    }

    /// Looks at the newest state, whoever changed it.
    pub(crate) async fn look_fresh<T>(
        &self,
        look: impl FnOnce(&State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.engine.state.barrier(ReadLevel::Fresh).await?;
        look(&self.engine.state.view())
    }

    /// What to answer when the record log lacks a partition that the state had a moment ago: the stream
    /// was deleted in between, or stored data contradicts itself.
    pub(crate) fn log_missing(&self, id: StreamId, stream: &dyn Display) -> Error {
        if self.engine.state.view().stream(id).is_none() {
            return Error::stream_not_found(stream);
        }
        Error::contradiction(format!("the record log lacks a partition of the stream {id}"))
    }
}

/// The stream that a request of `project` means: by name, then by id.
pub(crate) fn stream<'a>(
    state: &'a State,
    project: &ProjectId,
    selector: &StreamSelector,
) -> Result<&'a Stream, Error> {
    state.resolve_stream(project, selector).ok_or_else(|| Error::stream_not_found(selector))
}

/// The stream a cursor was made for, as long as `project` may still reach it. `name` is what the answer
/// calls it when it is gone.
pub(crate) fn stream_of_cursor<'a>(
    state: &'a State,
    project: &ProjectId,
    id: StreamId,
    name: &dyn Display,
) -> Result<&'a Stream, Error> {
    let stream = state.stream(id).filter(|stream| stream.project == *project);
    stream.ok_or_else(|| Error::stream_not_found(name))
}

/// The app that a request of `project` means: by name, then by id.
pub(crate) fn app<'a>(
    state: &'a State,
    project: &ProjectId,
    selector: &AppSelector,
) -> Result<&'a App, Error> {
    state.resolve_app(project, selector).ok_or_else(|| Error::app_not_found(selector))
}

/// The partition of that index, of any status.
pub(crate) fn partition(stream: &Stream, id: PartitionId, named: &dyn Display) -> Result<Partition, Error> {
    stream.partition(id).copied().ok_or_else(|| Error::partition_not_found(named, id))
}

/// The partition of that index, unless it is EXPIRED.
pub(crate) fn readable_partition(
    stream: &Stream,
    id: PartitionId,
    named: &dyn Display,
) -> Result<Partition, Error> {
    let partition = partition(stream, id, named)?;
    match partition.status {
        PartitionStatus::Active | PartitionStatus::Deleted => Ok(partition),
        PartitionStatus::Expired => Err(Error::partition_expired(named, id)),
    }
}
