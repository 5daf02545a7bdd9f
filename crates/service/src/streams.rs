//! Streams: create, change attributes, delete (spec/02 §1, §6, §8).

use std::sync::Arc;

use millpond_engine::{Class, LogConfig};
use millpond_model::{AutoScale, ProjectId, StreamId, StreamName, StreamSelector, StreamSpec, StreamUpdate};
use millpond_state::{Command, Rejected, State};

use crate::{Error, Service, resolve};

/// Whether a stream is in the state.
enum Published {
    Yes,
    No(Error),
    /// The storage failed, and the stream may yet appear. Its log is kept until the next start.
    InDoubt(Error),
}

impl Service {
    /// Creates a stream; it takes records at once (spec/02 §1).
    ///
    /// Goes on to its end even when the caller stops waiting.
    ///
    /// # Errors
    /// `StreamExists`, `StreamQuotaExceeded`, `PartitionQuotaExceeded`, `TooLarge`, `Overloaded`, `Storage`.
    pub async fn create_stream(self: &Arc<Self>, project: &ProjectId, spec: StreamSpec) -> Result<(), Error> {
        let (service, project) = (Arc::clone(self), project.clone());
        to_the_end(async move { service.create(project, spec).await }).await
    }

    async fn create(&self, project: ProjectId, spec: StreamSpec) -> Result<(), Error> {
        // The common refusal, before anything is written.
        self.look_fresh(|state| match state.stream_named(&project, spec.name.as_str()) {
            Some(_) => Err(Error::StreamExists(spec.name.clone())),
            None => Ok(()),
        })
        .await?;
        let id = StreamId::from_random(self.entropy.random());
        let config = LogConfig { retention: spec.retention };
        self.creating.lock().insert(id);
        // First the log, then the stream, so that a published stream always has its log.
        let published = match self.engine.records.create(id, spec.partitions.get(), config).await {
            Ok(()) => self.publish(id, project, spec).await,
            Err(error) => Published::No(error.into()),
        };
        let created = match published {
            Published::Yes => Ok(()),
            Published::No(refusal) => {
                self.drop_log(id).await;
                Err(refusal)
            }
            Published::InDoubt(failure) => return Err(failure),
        };
        self.creating.lock().remove(&id);
        created
    }

    async fn publish(&self, id: StreamId, project: ProjectId, spec: StreamSpec) -> Published {
        let name = spec.name.clone();
        let partition_quota = self.settings.partition_quota(spec.stream_type);
        let stream_quota = self.settings.stream_quota;
        let command = Command::CreateStream { id, project, spec, partition_quota, stream_quota };
        match self.propose(command).await {
            Ok(Ok(_)) => Published::Yes,
            Ok(Err(Rejected::StreamExists)) => Published::No(Error::StreamExists(name)),
            Ok(Err(rejected)) => Published::No(Error::rejected(&rejected, &name, &"")),
            Err(Error::Storage(failure)) if failure.class() != Class::Refused => {
                Published::InDoubt(Error::Storage(failure))
            }
            Err(refused) => Published::No(refused),
        }
    }

    /// Drops the records of a stream that is not in the state. A failure costs space only:
    /// housekeeping tries again.
    pub(crate) async fn drop_log(&self, id: StreamId) -> bool {
        let dropped = self.engine.records.drop_stream(id).await;
        if let Err(error) = &dropped {
            let error = error as &dyn std::error::Error;
            tracing::warn!(stream = %id, error, "records that no stream owns could not be dropped yet");
        }
        dropped.is_ok()
    }

    /// Changes attributes; returns the stream's name (spec/02 §6).
    ///
    /// Goes on to its end even when the caller stops waiting.
    ///
    /// # Errors
    /// `StreamNotFound`, `AutoScaleBounds`, `TooLarge`, `Overloaded`, `Storage`.
    pub async fn update_stream(
        self: &Arc<Self>,
        project: &ProjectId,
        selector: &StreamSelector,
        update: StreamUpdate,
    ) -> Result<StreamName, Error> {
        let look = |state: &State| {
            let stream = resolve::stream(state, project, selector)?;
            check_auto_scale(stream.spec.auto_scale, &update)?;
            Ok((stream.id, stream.spec.name.clone()))
        };
        let (id, name) = self.look_fresh(look).await?;
        let (service, selector) = (Arc::clone(self), selector.clone());
        to_the_end(async move {
            let retention_changes = update.retention.is_some();
            let outcome = service.propose(Command::UpdateStream { id, update }).await?;
            outcome.map_err(|rejected| Error::rejected(&rejected, &selector, &""))?;
            if retention_changes { service.configure_log(id).await } else { Ok(()) }
        })
        .await?;
        Ok(name)
    }

    /// Gives the stream's log the settings the state has. A stream deleted meanwhile needs none.
    ///
    /// Two changes at the same time may reach the log in the other order, so whoever has set something
    /// looks again: the one whose setting came last sees what the state says last.
    pub(crate) async fn configure_log(&self, id: StreamId) -> Result<(), Error> {
        let wanted = || self.engine.state.view().stream(id).map(|stream| stream.spec.retention);
        let mut next = wanted();
        while let Some(retention) = next {
            let configured = self.engine.records.configure(id, LogConfig { retention }).await;
            next = wanted();
            match configured {
                Err(error) if next.is_some() => return Err(error.into()),
                Ok(()) if next == Some(retention) => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Deletes a stream with its records and checkpoints, all at one instant (spec/02 §8).
    ///
    /// # Errors
    /// `StreamNotFound`, `Overloaded`, `Storage`.
    pub async fn delete_stream(&self, project: &ProjectId, selector: &StreamSelector) -> Result<(), Error> {
        let (id, _) = self.identify(project, selector).await?;
        let outcome = self.propose(Command::DeleteStream { id }).await?;
        outcome.map_err(|rejected| Error::rejected(&rejected, selector, &""))?;
        self.drop_log(id).await;
        Ok(())
    }

    /// The id and name of a stream.
    pub(crate) async fn identify(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
    ) -> Result<(StreamId, StreamName), Error> {
        self.look_fresh(|state| {
            let stream = resolve::stream(state, project, selector)?;
            Ok((stream.id, stream.spec.name.clone()))
        })
        .await
    }
}

/// Whether the settings of automatic scaling make sense once the update is applied to the stored ones.
fn check_auto_scale(stored: AutoScale, update: &StreamUpdate) -> Result<(), Error> {
    let &StreamUpdate { auto_scale_enabled, auto_scale_min, auto_scale_max, .. } = update;
    let (min, max) = (auto_scale_min.unwrap_or(stored.min), auto_scale_max.unwrap_or(stored.max));
    let concerned = auto_scale_enabled.is_some() || auto_scale_min.is_some() || auto_scale_max.is_some();
    let enabled = auto_scale_enabled.unwrap_or(stored.enabled);
    if concerned && enabled && (min == 0 || max < min) {
        return Err(Error::AutoScaleBounds { min, max });
    }
    Ok(())
}

/// Runs `work` on a task of its own: a client that hangs up between two steps does not stop it there.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Overloaded),
        },
    }
}
