//! What a request means: names and ids become things, only ever those the project may reach.
//!
//! Every lookup of a stream or an app goes through here. A project reaches its own streams and apps. Of
//! another project's things it reaches nothing but streams, by their ids, and these as far as a rule of
//! their owner allows (spec/12 §5):
//!
//! ```text
//!                      names it by   own stream   another project's stream
//!   stream             name, id      yes          does not exist           manage, measure, list apps
//!   stream_for         name, id      yes          by id: rule, or denied   put, read, describe, commit
//!   stream_of_cursor   cursor        yes          rule, or denied          read
//!   stream_to_share    name, id      yes          by id: denied            rules
//!   tagged_stream      id, name      yes          does not exist           tags
//! ```
//!
//! Whoever can name an id was told it, so that it exists is no secret to him.

use std::fmt::Display;

use millpond_engine::ReadLevel;
use millpond_model::{
    AppSelector, PartitionId, PartitionStatus, PolicyAction, ProjectId, StreamId, StreamSelector,
};
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

/// The stream of `project` that a request means: by name, then by id. Another project's does not exist.
pub(crate) fn stream<'a>(
    state: &'a State,
    project: &ProjectId,
    selector: &StreamSelector,
) -> Result<&'a Stream, Error> {
    state.resolve_stream(project, selector).ok_or_else(|| Error::stream_not_found(selector))
}

/// The stream that `project` wants to use: its own by name, then by id; another project's by id, in either
/// place, if a rule allows `action`.
pub(crate) fn stream_for<'a>(
    state: &'a State,
    project: &ProjectId,
    selector: &StreamSelector,
    action: PolicyAction,
) -> Result<&'a Stream, Error> {
    if let Some(own) = state.resolve_stream(project, selector) {
        return Ok(own);
    }
    let mut foreign = by_ids(state, selector).peekable();
    let exists = foreign.peek().is_some();
    let allowed = foreign.find(|stream| stream.admits(project, action));
    allowed.ok_or_else(|| {
        if exists { Error::access_denied(selector) } else { Error::stream_not_found(selector) }
    })
}

/// Whether `project` may know of the stream.
pub(crate) fn shows(stream: &Stream, project: &ProjectId) -> bool {
    stream.admits(project, PolicyAction::GetStreamInfo)
}

/// The stream a cursor was made for, as long as `project` may still read it. `name` is what the answer
/// calls it when it is gone.
pub(crate) fn stream_of_cursor<'a>(
    state: &'a State,
    project: &ProjectId,
    id: StreamId,
    name: &dyn Display,
) -> Result<&'a Stream, Error> {
    let stream = state.stream(id).ok_or_else(|| Error::stream_not_found(name))?;
    if stream.admits(project, PolicyAction::GetRecords) {
        Ok(stream)
    } else {
        Err(Error::access_denied(name))
    }
}

/// The stream whose rules `project` wants to see or change, which only its owner may.
pub(crate) fn stream_to_share<'a>(
    state: &'a State,
    project: &ProjectId,
    selector: &StreamSelector,
) -> Result<&'a Stream, Error> {
    let own = stream(state, project, selector);
    if own.is_err() && by_ids(state, selector).next().is_some() {
        return Err(Error::access_denied(selector));
    }
    own
}

/// The stream that a tag route means: by id, then by name (spec/10 §1).
pub(crate) fn tagged_stream<'a>(
    state: &'a State,
    project: &ProjectId,
    text: &str,
) -> Result<&'a Stream, Error> {
    let by_id = text.parse().ok().and_then(|id| state.stream(id));
    let own = by_id.filter(|stream| stream.project == *project);
    own.or_else(|| state.stream_named(project, text)).ok_or(Error::TaggedStreamNotFound)
}

/// The streams of any project whose ids the selector names.
fn by_ids<'a>(state: &'a State, selector: &StreamSelector) -> impl Iterator<Item = &'a Stream> {
    let texts = [selector.name(), selector.id()].into_iter().flatten();
    texts.filter_map(|text| text.parse().ok()).filter_map(|id| state.stream(id))
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
