//! Checkpoints: commit, query, delete (spec/06).

use millpond_engine::ReadError;
use millpond_model::{
    AppId, AppSelector, Bounds, CheckpointType, Metadata, PartitionId, PartitionRef, PolicyAction, ProjectId,
    SequenceNumber, StreamId, StreamSelector,
};
use millpond_state::{
    Actor, CheckpointChange, CheckpointCommit, CheckpointKey, Command, Expected, GroupMember as Committer,
    Rejected, State,
};

use crate::{Error, Service, resolve};

/// A position to be committed (spec/06 §2).
///
/// The contract looks at partition and number only once stream and app are found, so text that could not
/// be read comes here as `None` and is refused when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitCheckpoint {
    /// The stream.
    pub stream: StreamSelector,
    /// The app.
    pub app: AppSelector,
    /// The partition; `None` when the text was none.
    pub partition: Option<PartitionId>,
    /// The position; `None` when the text was none.
    pub sequence_number: Option<SequenceNumber>,
    /// Free text.
    pub metadata: Metadata,
    /// The kind.
    pub kind: CheckpointType,
    /// The group member that commits, if one does.
    pub member: Option<GroupMember>,
}

/// The member of a consumer group on whose behalf a commit is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id.
    pub client_id: Box<str>,
    /// The generation it speaks of; −1 when it named none.
    pub generation: i64,
}

/// The checkpoint that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointQuery {
    /// The stream.
    pub stream: StreamSelector,
    /// The app.
    pub app: AppSelector,
    /// The partition.
    pub partition: PartitionId,
    /// The kind.
    pub kind: CheckpointType,
}

/// The checkpoints to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteCheckpoints {
    /// The stream.
    pub stream: StreamSelector,
    /// The app.
    pub app: AppSelector,
    /// The partition; all of them when absent.
    pub partition: Option<PartitionId>,
    /// The kind.
    pub kind: CheckpointType,
}

/// A committed position, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The position.
    pub sequence_number: SequenceNumber,
    /// The free text.
    pub metadata: Metadata,
}

impl From<&CheckpointChange> for StoredCheckpoint {
    fn from(change: &CheckpointChange) -> Self {
        Self { sequence_number: change.sequence_number, metadata: change.metadata.clone() }
    }
}

impl Service {
    /// Commits a position. Any number from the oldest readable one to the next one to be written is
    /// taken, also a smaller one than before, and kept as given (spec/06 §5).
    ///
    /// # Errors
    /// In the order of spec/06 §2: `StreamNotFound`, `AccessDenied`, `AppNotFound`, `InvalidPartitionId`,
    /// `PartitionNotFound`, `PartitionExpired`, `InvalidSequenceNumber`, `SequenceNumberOutOfRange`,
    /// `GroupRebalancing`, `MemberUnknown`, `IllegalGeneration`; besides `Overloaded`, `Storage`.
    pub async fn commit_checkpoint(
        &self,
        project: &ProjectId,
        commit: CommitCheckpoint,
        actor: &Actor,
    ) -> Result<(), Error> {
        let CommitCheckpoint { stream: selector, app: app_selector, .. } = &commit;
        let look = |state: &State| {
            let stream = resolve::stream_for(state, project, selector, PolicyAction::GetRecords)?;
            let app = resolve::app(state, project, app_selector)?;
            let partition = commit.partition.ok_or(Error::InvalidPartitionId)?;
            let partition = resolve::readable_partition(stream, partition, selector)?.id;
            Ok((PartitionRef { stream: stream.id, partition }, app.id))
        };
        let (of, app) = self.look(look).await?;
        let sequence_number = commit.sequence_number.ok_or(Error::InvalidSequenceNumber)?;
        let bounds = self.bounds(of, selector).await?;
        if !bounds.admits(sequence_number) {
            return Err(Error::SequenceNumberOutOfRange { given: sequence_number, bounds });
        }
        let member = match &commit.member {
            None => None,
            Some(member) => Some(self.committing_member(app, member).await?),
        };
        let (kind, metadata, expected) = (commit.kind, commit.metadata, Expected::Anything);
        let PartitionRef { stream, partition } = of;
        let commits = vec![CheckpointCommit { stream, partition, kind, sequence_number, metadata, expected }];
        let actor = actor.clone();
        match self.propose(Command::CommitCheckpoints { app, commits, member, actor }).await? {
            Ok(_) => Ok(()),
            Err(Rejected::MemberUnknown) => Err(unknown(commit.member.as_ref())),
            Err(rejected) => Err(Error::rejected(&rejected, &commit.stream, &commit.app)),
        }
    }

    /// The member that commits, which was heard of with that.
    async fn committing_member(&self, app: AppId, member: &GroupMember) -> Result<Committer, Error> {
        let client = member.client_id.parse().map_err(|_| unknown(Some(member)))?;
        self.settle_group(app, Some(&member.client_id)).await?;
        Ok(Committer { client, generation: member.generation })
    }

    /// The checkpoint in force; `None` when there is none, or when its position is no longer readable
    /// (spec/06 §3).
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied`, `AppNotFound`, `PartitionNotFound`, `Overloaded`, `Storage`.
    pub async fn get_checkpoint(
        &self,
        project: &ProjectId,
        query: &CheckpointQuery,
    ) -> Result<Option<StoredCheckpoint>, Error> {
        let CheckpointQuery { stream: selector, app, partition, kind } = query;
        let look = |state: &State| {
            let stream = resolve::stream_for(state, project, selector, PolicyAction::GetRecords)?;
            let app = resolve::app(state, project, app)?;
            let partition = resolve::partition(stream, *partition, selector)?;
            let of = PartitionRef { stream: stream.id, partition: partition.id };
            let readable = partition.status.is_readable();
            Ok((of, stored(state, app.id, of, *kind).filter(|_| readable)))
        };
        let (of, Some(stored)) = self.look_fresh(look).await? else { return Ok(None) };
        let bounds = self.bounds(of, selector).await?;
        Ok(Some(stored).filter(|stored| stored.sequence_number >= bounds.oldest))
    }

    /// Deletes checkpoints; deleting none is no error (spec/06 §4).
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied`, `AppNotFound`, `Overloaded`, `Storage`.
    pub async fn delete_checkpoints(
        &self,
        project: &ProjectId,
        request: &DeleteCheckpoints,
    ) -> Result<(), Error> {
        let DeleteCheckpoints { stream: selector, app: app_selector, partition, kind } = request;
        let (stream, app) = self.identify_both(project, selector, app_selector).await?;
        let (partition, kind) = (*partition, *kind);
        let outcome = self.propose(Command::DeleteCheckpoints { app, stream, partition, kind }).await?;
        outcome.map_err(|rejected| Error::rejected(&rejected, selector, app_selector))?;
        Ok(())
    }

    async fn identify_both(
        &self,
        project: &ProjectId,
        stream: &StreamSelector,
        app: &AppSelector,
    ) -> Result<(StreamId, AppId), Error> {
        self.look_fresh(|state| {
            let stream = resolve::stream_for(state, project, stream, PolicyAction::GetRecords)?;
            Ok((stream.id, resolve::app(state, project, app)?.id))
        })
        .await
    }

    async fn bounds(&self, of: PartitionRef, named: &StreamSelector) -> Result<Bounds, Error> {
        self.engine.records.bounds(of).await.map_err(|error| match error {
            ReadError::UnknownPartition(_) => self.log_missing(of.stream, named),
            error => error.into(),
        })
    }
}

fn unknown(member: Option<&GroupMember>) -> Error {
    Error::MemberUnknown { client_id: member.map(|member| member.client_id.clone()).unwrap_or_default() }
}

/// The checkpoint of `app` in a partition.
pub(crate) fn stored(
    state: &State,
    app: AppId,
    of: PartitionRef,
    kind: CheckpointType,
) -> Option<StoredCheckpoint> {
    let key = CheckpointKey { app, stream: of.stream, partition: of.partition, kind };
    state.checkpoint(&key).map(|checkpoint| checkpoint.current().into())
}
