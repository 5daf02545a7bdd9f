//! Consumer groups: join, sync, heartbeat, leave (spec/07).
//!
//! A heartbeat costs no write: it is answered from the state as it is here, and only this process
//! remembers it. A group changes when a client joins, fetches its share or leaves, and when something is
//! overdue, which every call looks for, and [`Service::tick_groups`] for groups that nobody calls.

mod pattern;
mod subscription;
mod upkeep;

use std::{collections::BTreeMap, time::Duration};

use millpond_engine::ReadLevel;
use millpond_model::{AppId, AppSelector, ClientId, PartitionId, ProjectId, RebalanceTimeout};
use millpond_state::{Command, Done, GroupEvent, Heartbeat, Member, Rejected, State, SyncStep};

use crate::{Error, Service, resolve};

use pattern::NamePattern;
pub(crate) use upkeep::Watches;

/// How a client joins a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroup {
    /// Who joins.
    pub client: ClientId,
    /// Streams by name.
    pub streams: Vec<Box<str>>,
    /// Streams by id.
    pub stream_ids: Vec<Box<str>>,
    /// A regular expression for names of streams of the project, which has to match the whole name.
    pub pattern: Option<Box<str>>,
    /// How long it wants the others to wait for it.
    pub rebalance_timeout: RebalanceTimeout,
    /// Whether a group that was empty starts at once.
    pub accelerate: bool,
}

/// What became of a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinAnswer {
    /// The client is a member.
    Joined {
        /// What it reads: names, also those that the pattern matched, in byte order; ids for streams
        /// that it gave by id.
        subscription: Vec<Box<str>>,
        /// When it should ask for its share.
        delay: Duration,
    },
    /// There is no such stream, or one was given both ways, or none at all, or the pattern cannot be
    /// read.
    SubscriptionRefused,
    /// The project has no such app.
    GroupNotFound,
}

/// What a member gets that asks for its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncAnswer {
    /// Its share.
    Ready {
        /// The round.
        generation: u32,
        /// Partitions by stream, each as the member gave it: by name or by id.
        assignment: BTreeMap<Box<str>, Vec<PartitionId>>,
    },
    /// Others still have to join.
    Waiting,
    /// The round goes on without it: it has to join.
    Rejoin,
    /// The project has no such app.
    GroupNotFound,
}

/// What a heartbeat is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatAnswer {
    /// The client has to join.
    Joining,
    /// It has to ask for its share.
    Syncing,
    /// It may go on.
    Stable,
    /// The project has no such app.
    GroupNotFound,
}

impl Service {
    /// Makes a client a member, or lets a member take part in a new round, which it begins if there is
    /// none (spec/07 §4).
    ///
    /// # Errors
    /// `ConsumerQuotaExceeded`, `Overloaded`, `Storage`.
    pub async fn join_group(
        &self,
        project: &ProjectId,
        app: &AppSelector,
        join: JoinGroup,
    ) -> Result<JoinAnswer, Error> {
        let pattern = join.pattern.as_deref().and_then(NamePattern::parse);
        let look = |state: &State| {
            let app = resolve::app(state, project, app)?.id;
            Ok((app, subscription::resolve(state, project, &join, pattern)))
        };
        let (app, Some((subscription, shown))) = (match self.look_fresh(look).await {
            Ok(found) => found,
            Err(Error::AppNotFound { .. }) => return Ok(JoinAnswer::GroupNotFound),
            Err(error) => return Err(error),
        }) else {
            return Ok(JoinAnswer::SubscriptionRefused);
        };
        let JoinGroup { client, rebalance_timeout, accelerate, .. } = join;
        self.settle_group(app, Some(client.as_str())).await?;
        let name = client.clone();
        match self
            .change_group(app, GroupEvent::Join { client, subscription, rebalance_timeout, accelerate })
            .await?
        {
            Ok(_) => {}
            Err(Rejected::AppNotFound) => return Ok(JoinAnswer::GroupNotFound),
            Err(Rejected::QuotaExceeded { quota }) => return Err(Error::ConsumerQuotaExceeded { quota }),
            Err(rejected) => return Err(Error::rejected(&rejected, &"", &"")),
        }
        self.settle_group(app, Some(name.as_str())).await?;
        Ok(JoinAnswer::Joined { subscription: shown, delay: self.initial_delay(app) })
    }

    /// The share of a member.
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn sync_group(
        &self,
        project: &ProjectId,
        app: &AppSelector,
        client: &ClientId,
    ) -> Result<SyncAnswer, Error> {
        let Some(app) = self.group_app(project, app).await? else { return Ok(SyncAnswer::GroupNotFound) };
        self.settle_group(app, Some(client.as_str())).await?;
        if let Some(answer) = self.share(app, client) {
            return Ok(answer);
        }
        let event = GroupEvent::Sync { client: client.clone() };
        match self.change_group(app, event).await? {
            // When a new round has begun and ended since, it asks once more.
            Ok(_) => Ok(self.share(app, client).unwrap_or(SyncAnswer::Waiting)),
            Err(Rejected::AppNotFound) => Ok(SyncAnswer::GroupNotFound),
            Err(rejected) => Err(Error::rejected(&rejected, &"", &"")),
        }
    }

    /// What a member with that generation is to do; −1 is the generation of one that has none.
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn heartbeat(
        &self,
        project: &ProjectId,
        app: &AppSelector,
        client: &ClientId,
        generation: i64,
    ) -> Result<HeartbeatAnswer, Error> {
        let app = match self.look(|state| Ok(resolve::app(state, project, app)?.id)).await {
            Ok(app) => app,
            Err(Error::AppNotFound { .. }) => return Ok(HeartbeatAnswer::GroupNotFound),
            Err(error) => return Err(error),
        };
        self.settle_group(app, Some(client.as_str())).await?;
        let answer = || match self.engine.state.view().group(app) {
            None => Heartbeat::Joining,
            Some(group) => group.heartbeat(client.as_str(), generation),
        };
        let mut answered = answer();
        if answered != Heartbeat::Stable {
            // Another node may know better, and to join for nothing disturbs the whole group.
            self.engine.state.barrier(ReadLevel::Fresh).await?;
            answered = answer();
        }
        Ok(match answered {
            Heartbeat::Joining => HeartbeatAnswer::Joining,
            Heartbeat::Syncing => HeartbeatAnswer::Syncing,
            Heartbeat::Stable => HeartbeatAnswer::Stable,
        })
    }

    /// Takes a member out of its group; no error when there is no such member, group or app.
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn leave_group(
        &self,
        project: &ProjectId,
        app: &AppSelector,
        client: &ClientId,
    ) -> Result<(), Error> {
        let Some(app) = self.group_app(project, app).await? else { return Ok(()) };
        let is_member = |state: &State| state.group(app).is_some_and(|g| g.member(client.as_str()).is_some());
        if is_member(&self.engine.state.view()) {
            match self.change_group(app, GroupEvent::Leave { client: client.clone() }).await? {
                Ok(_) | Err(Rejected::AppNotFound) => {}
                Err(rejected) => return Err(Error::rejected(&rejected, &"", &"")),
            }
        }
        self.settle_group(app, None).await
    }

    /// The app of a group, in the newest state.
    async fn group_app(&self, project: &ProjectId, app: &AppSelector) -> Result<Option<AppId>, Error> {
        match self.look_fresh(|state| Ok(resolve::app(state, project, app)?.id)).await {
            Ok(app) => Ok(Some(app)),
            Err(Error::AppNotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn change_group(&self, app: AppId, event: GroupEvent) -> Result<Result<Done, Rejected>, Error> {
        self.propose(Command::Group { app, event }).await
    }

    /// What a member gets; `None` when it has a share and this has to be recorded first.
    fn share(&self, app: AppId, client: &ClientId) -> Option<SyncAnswer> {
        let state = self.engine.state.view();
        let Some(group) = state.group(app) else { return Some(SyncAnswer::Rejoin) };
        match group.sync_step(client.as_str()) {
            SyncStep::Rejoin => Some(SyncAnswer::Rejoin),
            SyncStep::Wait => Some(SyncAnswer::Waiting),
            SyncStep::Record => None,
            SyncStep::Share(member) => {
                let (generation, assignment) = (group.generation(), named(&state, member));
                Some(SyncAnswer::Ready { generation, assignment })
            }
        }
    }
}

/// The share of a member, with its streams as it gave them. One that was deleted a moment ago is left out:
/// the group is about to share out anew.
fn named(state: &State, member: &Member) -> BTreeMap<Box<str>, Vec<PartitionId>> {
    let share = member.assignment().iter().filter_map(|(&id, partitions)| {
        let stream = state.stream(id)?;
        let name = if member.subscription().is_by_id(id) { id.as_str() } else { stream.spec.name.as_str() };
        Some((name.into(), partitions.clone()))
    });
    share.collect()
}
