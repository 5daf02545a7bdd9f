//! Apps: create, list, describe, delete, how far they are (spec/05).

use millpond_model::{
    AppId, AppName, AppSelector, Bounds, CheckpointType, PartitionId, PartitionRef, PartitionStatus,
    PolicyAction, ProjectId, StreamName, StreamSelector, Timestamp,
};
use millpond_state::{App, Command, Rejected, State};

use crate::{Error, PartitionPage, Service, StoredCheckpoint, checkpoints::stored, page::cut, resolve};

/// An app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppDescription {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: AppName,
    /// When it was created.
    pub created: Timestamp,
    /// The streams in which it has a checkpoint, in the byte order of their names; of another project's
    /// only those that its owner shares.
    pub streams: Vec<StreamName>,
}

/// A page of the apps of a project, in the byte order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppList {
    /// The page.
    pub apps: Vec<AppDescription>,
    /// How many apps of the project match in all.
    pub total: u32,
    /// Whether there are more behind the page.
    pub has_more: bool,
}

/// How far an app is in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumingState {
    /// The app.
    pub app: AppName,
    /// The stream.
    pub stream: StreamName,
    /// A page of the readable partitions, in index order.
    pub partitions: Vec<PartitionConsumption>,
    /// Whether there are more behind the page.
    pub has_more: bool,
}

/// How far an app is in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionConsumption {
    /// The partition.
    pub partition: PartitionId,
    /// ACTIVE or DELETED.
    pub status: PartitionStatus,
    /// What can be read.
    pub bounds: Bounds,
    /// What the app committed, as given; `None` when it has not.
    pub checkpoint: Option<StoredCheckpoint>,
}

impl Service {
    /// Creates an app (spec/05 §1).
    ///
    /// # Errors
    /// `AppExists`, `AppQuotaExceeded`, `Overloaded`, `Storage`.
    pub async fn create_app(&self, project: &ProjectId, name: AppName) -> Result<(), Error> {
        // The common refusal, before anything is written.
        self.look_fresh(|state| match state.app_named(project, name.as_str()) {
            Some(_) => Err(Error::AppExists(name.clone())),
            None => Ok(()),
        })
        .await?;
        let command = Command::CreateApp {
            id: AppId::from_random(self.entropy.random()),
            project: project.clone(),
            name: name.clone(),
            app_quota: self.settings.app_quota,
        };
        match self.propose(command).await? {
            Ok(_) => Ok(()),
            Err(Rejected::AppExists) => Err(Error::AppExists(name)),
            Err(Rejected::QuotaExceeded { quota }) => Err(Error::AppQuotaExceeded { quota }),
            Err(rejected) => Err(Error::rejected(&rejected, &"", &name)),
        }
    }

    /// The apps of the project behind `after`, which need not exist, at most `limit`; with `stream` only
    /// those that have a checkpoint in it. An unknown stream has none (spec/05 §2).
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn list_apps(
        &self,
        project: &ProjectId,
        after: Option<&str>,
        limit: u32,
        stream: Option<&StreamSelector>,
    ) -> Result<AppList, Error> {
        let look = |state: &State| {
            let wanted = match stream.map(|selector| resolve::stream(state, project, selector)) {
                None => None,
                Some(Ok(stream)) => Some(stream.id),
                Some(Err(_)) => return Ok(AppList { apps: Vec::new(), total: 0, has_more: false }),
            };
            let matches = |app: &&App| wanted.is_none_or(|stream| state.has_committed(app.id, stream));
            let total = match wanted {
                None => state.app_count(project),
                Some(_) => state.apps_of(project, None).filter(matches).count(),
            };
            let (apps, has_more) = cut(state.apps_of(project, after).filter(matches), limit);
            let apps = apps.into_iter().map(|app| describe(state, app)).collect();
            Ok(AppList { apps, total: u32::try_from(total).unwrap_or(u32::MAX), has_more })
        };
        self.look_fresh(look).await
    }

    /// One app (spec/05 §3).
    ///
    /// # Errors
    /// `AppNotFound`, `Overloaded`, `Storage`.
    pub async fn describe_app(
        &self,
        project: &ProjectId,
        selector: &AppSelector,
    ) -> Result<AppDescription, Error> {
        self.look_fresh(|state| Ok(describe(state, resolve::app(state, project, selector)?))).await
    }

    /// Deletes an app with its checkpoints; these alone do not keep it in use, but live members of its
    /// group do (spec/05 §4).
    ///
    /// # Errors
    /// `AppNotFound`, `AppInUse`, `Overloaded`, `Storage`.
    pub async fn delete_app(&self, project: &ProjectId, selector: &AppSelector) -> Result<(), Error> {
        let id = self.look_fresh(|state| Ok(resolve::app(state, project, selector)?.id)).await?;
        self.settle_group(id, None).await?;
        let outcome = self.propose(Command::DeleteApp { id }).await?;
        outcome.map_err(|rejected| Error::rejected(&rejected, &"", selector))?;
        Ok(())
    }

    /// How far an app is in each readable partition of a stream, whether it committed there or not
    /// (spec/05 §5).
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied`, `AppNotFound`, `Overloaded`, `Storage`.
    pub async fn consuming_state(
        &self,
        project: &ProjectId,
        app: &AppSelector,
        stream: &StreamSelector,
        page: PartitionPage,
    ) -> Result<ConsumingState, Error> {
        let look = |state: &State| {
            let found = resolve::stream_for(state, project, stream, PolicyAction::GetRecords)?;
            let app = resolve::app(state, project, app)?;
            let readable = found.partitions().iter().filter(|p| p.status.is_readable());
            let (partitions, has_more) = page.of(readable);
            let checkpoints: Vec<_> = partitions
                .iter()
                .map(|partition| {
                    let of = PartitionRef { stream: found.id, partition: partition.id };
                    stored(state, app.id, of, CheckpointType::LastRead)
                })
                .collect();
            Ok((found.id, found.spec.name.clone(), app.name.clone(), partitions, checkpoints, has_more))
        };
        let (id, name, app, partitions, checkpoints, has_more) = self.look_fresh(look).await?;
        let bounds = self.bounds_of(id, &partitions, stream).await?;
        let partitions = partitions.into_iter().zip(bounds).zip(checkpoints);
        let partitions = partitions
            .filter_map(|((partition, bounds), checkpoint)| {
                let bounds = bounds?; // there for each of them: all are readable
                let (partition, status) = (partition.id, partition.status);
                Some(PartitionConsumption { partition, status, bounds, checkpoint })
            })
            .collect();
        Ok(ConsumingState { app, stream: name, partitions, has_more })
    }
}

fn describe(state: &State, app: &App) -> AppDescription {
    let committed = state.streams_committed_by(app.id).into_iter();
    let shown = committed.filter(|stream| resolve::shows(stream, &app.project));
    let mut streams: Vec<_> = shown.map(|stream| stream.spec.name.clone()).collect();
    streams.sort_unstable();
    AppDescription { id: app.id, name: app.name.clone(), created: app.created, streams }
}
