//! The state, and the one function that changes it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound,
};

use millpond_model::{
    AppId, AppName, AppSelector, CheckpointType, Minute, PartitionCount, PartitionId, PartitionRef,
    PartitionStatus, ProjectId, StreamId, StreamName, StreamSelector, StreamSpec, StreamType, Timestamp,
};

use crate::{
    Actor, App, Checkpoint, CheckpointChange, CheckpointCommit, CheckpointKey, Command, CommandId, Done,
    Group, GroupMember, LogPosition, MetricCounts, Outcome, Proposal, Rejected, RowKey, Stream, Task,
    TaskKey,
    metrics::Metrics,
    recent::{Recent, RecentCommand},
};

/// Everything that is not a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub(crate) meta: Meta,
    pub(crate) streams: BTreeMap<StreamId, Stream>,
    pub(crate) apps: BTreeMap<AppId, App>,
    pub(crate) tasks: BTreeMap<TaskKey, Task>,
    pub(crate) checkpoints: BTreeMap<CheckpointKey, Checkpoint>,
    pub(crate) groups: BTreeMap<AppId, Group>,
    pub(crate) recent: Recent,
    pub(crate) metrics: Metrics,
    // Derived from the maps above.
    projects: BTreeMap<ProjectId, Names>,
    committed: BTreeMap<StreamId, BTreeMap<AppId, u32>>,
}

/// What exists once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The last command folded in.
    pub(crate) applied: LogPosition,
    /// The time of the log; never goes back.
    pub(crate) time: Timestamp,
    /// The largest version of any checkpoint that was deleted.
    pub(crate) version_floor: u64,
    /// The deployment's secret.
    pub(crate) secret: Option<[u8; 32]>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    streams: BTreeMap<StreamName, StreamId>,
    apps: BTreeMap<AppName, AppId>,
}

/// What `apply` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What became of the command.
    pub outcome: Outcome,
    /// The rows that are different now, or gone.
    pub changed: Vec<RowKey>,
}

/// The place and time of the command being folded.
#[derive(Clone, Copy)]
struct Now {
    position: LogPosition,
    time: Timestamp,
}

impl State {
    /// Folds in the command that stands at `position` of the log, written there at `time`.
    ///
    /// A command that was applied before, by its id, changes nothing and has the outcome it had. The
    /// log's time never goes back: an earlier `time` counts as the latest one seen.
    ///
    /// # Panics
    /// When `position` is not behind every position applied so far: the caller folds a log twice.
    pub fn apply(&mut self, proposal: Proposal, position: LogPosition, time: Timestamp) -> Applied {
        assert!(position > self.meta.applied, "position {position} was applied already");
        self.meta.applied = position;
        self.meta.time = self.meta.time.max(time);
        let mut changed = vec![RowKey::Meta];
        if let Some(outcome) = self.recent.outcome(proposal.id) {
            return Applied { outcome: outcome.clone(), changed };
        }
        let now = Now { position, time: self.meta.time };
        let outcome = self.fold(proposal.command, now, &mut changed);
        self.recent
            .remember(position, RecentCommand { id: proposal.id, time: now.time, outcome: outcome.clone() });
        changed.push(RowKey::Recent);
        Applied { outcome, changed }
    }

    fn fold(&mut self, command: Command, now: Now, changed: &mut Vec<RowKey>) -> Outcome {
        match command {
            Command::InitDeployment { secret } => {
                Ok(Done::Deployment(*self.meta.secret.get_or_insert(secret)))
            }
            Command::CreateStream { id, project, spec, partition_quota, stream_quota } => {
                changed.push(RowKey::Stream(id));
                self.create_stream(id, project, spec, (partition_quota, stream_quota), now)
            }
            Command::UpdateStream { id, update } => {
                changed.push(RowKey::Stream(id));
                self.stream_mut(id)?.update(update, now.time);
                Ok(Done::Changed)
            }
            Command::SetPartitions { id, target, prepared, partition_quota, automatic, expected_active } => {
                changed.push(RowKey::Stream(id));
                self.check_decided(id, target, automatic, expected_active)?;
                self.check_scaling(id, target, prepared, partition_quota)?;
                let (before, after) = self.stream_mut(id)?.scale(target, automatic, now.position, now.time);
                if before != after {
                    self.tell_groups(id, now.position, changed);
                }
                Ok(Done::Partitions { before, after })
            }
            Command::ExpirePartitions { id, closed } => {
                changed.push(RowKey::Stream(id));
                let expired = self.stream_mut(id)?.expire(&closed, now.position, now.time);
                if expired > 0 {
                    self.tell_groups(id, now.position, changed);
                }
                Ok(Done::Count(expired))
            }
            Command::DeleteStream { id } => self.delete_stream(id, now, changed),
            Command::CreateApp { id, project, name, app_quota } => {
                changed.push(RowKey::App(id));
                self.create_app(App { id, project, name, created: now.time }, app_quota)
            }
            Command::DeleteApp { id } => self.delete_app(id, changed),
            Command::CommitCheckpoints { app, commits, member, actor } => {
                self.commit(app, commits, member.as_ref(), &actor, now, changed)
            }
            Command::DeleteCheckpoints { app, stream, partition, kind } => {
                self.delete_checkpoints(app, stream, partition, kind, changed)
            }
            Command::Group { app, event } => {
                changed.push(RowKey::Group(app));
                self.change_group(app, event, now.position)
            }
            Command::CreateTask { key, spec, task_quota } => {
                self.create_task(key, spec, task_quota, now.time, changed)
            }
            Command::UpdateTask { key, spec } => self.update_task(key, spec, changed),
            Command::SetTaskState { stream, tasks, state } => {
                self.set_task_state(stream, &tasks, state, changed)
            }
            Command::DeleteTask { key } => self.delete_task(key, changed),
            Command::PutTags { id, tags, tag_quota } => {
                changed.push(RowKey::Stream(id));
                self.stream_mut(id)?.put_tags(tags, tag_quota).map(|()| Done::Changed)
            }
            Command::DeleteTags { id, keys } => {
                changed.push(RowKey::Stream(id));
                Ok(Done::Count(self.stream_mut(id)?.delete_tags(&keys)))
            }
            Command::AddPolicies { id, rules } => {
                changed.push(RowKey::Stream(id));
                self.stream_mut(id)?.add_policies(rules).map(|()| Done::Changed)
            }
            Command::DeletePolicies { id, rules } => {
                changed.push(RowKey::Stream(id));
                Ok(Done::Count(self.stream_mut(id)?.delete_policies(&rules)))
            }
            Command::RecordMetrics { mut measured } => {
                measured.retain(|measured| self.streams.contains_key(&measured.stream));
                let keys = self.metrics.record(&measured, now.time);
                changed.extend(keys.into_iter().map(RowKey::Metrics));
                Ok(Done::Changed)
            }
        }
    }

    fn create_stream(
        &mut self,
        id: StreamId,
        project: ProjectId,
        spec: StreamSpec,
        (partition_quota, stream_quota): (Option<u32>, Option<u32>),
        now: Now,
    ) -> Outcome {
        if self.streams.contains_key(&id) || self.stream_named(&project, spec.name.as_str()).is_some() {
            return Err(Rejected::StreamExists);
        }
        if let Some(quota) = stream_quota.filter(|&quota| self.stream_count(&project) >= quota as usize) {
            return Err(Rejected::StreamQuotaExceeded { quota });
        }
        self.check_partition_quota(&project, spec.stream_type, spec.partitions.get(), partition_quota)?;
        self.insert_stream(Stream::create(id, project, spec, now.position, now.time));
        Ok(Done::Changed)
    }

    /// Whether the stream is still what it was when the change was decided.
    fn check_decided(
        &self,
        id: StreamId,
        target: PartitionCount,
        automatic: bool,
        expected_active: Option<u32>,
    ) -> Result<(), Rejected> {
        let stream = self.streams.get(&id).ok_or(Rejected::StreamNotFound)?;
        let active = stream.active_count();
        if expected_active.is_some_and(|expected| expected != active) {
            return Err(Rejected::PartitionsChanged { active });
        }
        if automatic && !stream.spec.auto_scale.admits(target) {
            return Err(Rejected::AutoScaleForbids);
        }
        Ok(())
    }

    fn check_scaling(
        &self,
        id: StreamId,
        target: PartitionCount,
        prepared: u32,
        quota: Option<u32>,
    ) -> Result<(), Rejected> {
        let stream = self.streams.get(&id).ok_or(Rejected::StreamNotFound)?;
        let more = target.get().saturating_sub(stream.active_count());
        self.check_partition_quota(&stream.project, stream.spec.stream_type, more, quota)?;
        let needed = stream.partitions_needed(target);
        if prepared < needed { Err(Rejected::NotPrepared { needed }) } else { Ok(()) }
    }

    fn check_partition_quota(
        &self,
        project: &ProjectId,
        stream_type: StreamType,
        more: u32,
        quota: Option<u32>,
    ) -> Result<(), Rejected> {
        let Some(quota) = quota.filter(|_| more > 0) else { return Ok(()) };
        let used: u64 = self
            .streams_of(project, None)
            .filter(|stream| stream.spec.stream_type == stream_type)
            .map(|stream| u64::from(stream.active_count()))
            .sum();
        if used + u64::from(more) > u64::from(quota) {
            Err(Rejected::QuotaExceeded { quota })
        } else {
            Ok(())
        }
    }

    fn delete_stream(&mut self, id: StreamId, now: Now, changed: &mut Vec<RowKey>) -> Outcome {
        let stream = self.streams.remove(&id).ok_or(Rejected::StreamNotFound)?;
        self.forget_name(&stream.project, |names| names.streams.remove(&stream.spec.name));
        changed.push(RowKey::Stream(id));
        self.remove_tasks_of(id, changed);
        let apps: Vec<AppId> =
            self.committed.get(&id).into_iter().flat_map(BTreeMap::keys).copied().collect();
        for app in apps {
            let keys: Vec<_> = self.keys_of(app, id).collect();
            self.remove_checkpoints(keys, changed);
        }
        changed.extend(self.metrics.remove_stream(id).into_iter().map(RowKey::Metrics));
        self.tell_groups(id, now.position, changed);
        Ok(Done::Changed)
    }

    fn create_app(&mut self, app: App, quota: Option<u32>) -> Outcome {
        if self.apps.contains_key(&app.id) || self.app_named(&app.project, app.name.as_str()).is_some() {
            return Err(Rejected::AppExists);
        }
        if let Some(quota) = quota.filter(|&quota| self.app_count(&app.project) >= quota as usize) {
            return Err(Rejected::QuotaExceeded { quota });
        }
        self.insert_app(app);
        Ok(Done::Changed)
    }

    fn delete_app(&mut self, id: AppId, changed: &mut Vec<RowKey>) -> Outcome {
        if self.groups.get(&id).is_some_and(Group::is_live) {
            return Err(Rejected::AppInUse);
        }
        let app = self.apps.remove(&id).ok_or(Rejected::AppNotFound)?;
        if self.groups.remove(&id).is_some() {
            changed.push(RowKey::Group(id));
        }
        self.forget_name(&app.project, |names| names.apps.remove(&app.name));
        changed.push(RowKey::App(id));
        let keys: Vec<_> = self.checkpoints_of(id).map(|(key, _)| *key).collect();
        self.remove_checkpoints(keys, changed);
        Ok(Done::Changed)
    }

    fn commit(
        &mut self,
        app: AppId,
        commits: Vec<CheckpointCommit>,
        member: Option<&GroupMember>,
        actor: &Actor,
        now: Now,
        changed: &mut Vec<RowKey>,
    ) -> Outcome {
        if !self.apps.contains_key(&app) {
            return Err(Rejected::AppNotFound);
        }
        for commit in &commits {
            self.check_commit(app, commit)?;
        }
        if let Some(member) = member {
            self.check_member(app, member, commits.iter().map(|commit| commit.key(app).partition_ref()))?;
        }
        let versions = commits.into_iter().map(|commit| {
            let key = commit.key(app);
            changed.push(RowKey::Checkpoint(key));
            self.store_checkpoint(key, commit, actor, now)
        });
        Ok(Done::Committed(versions.collect()))
    }

    fn check_commit(&self, app: AppId, commit: &CheckpointCommit) -> Result<(), Rejected> {
        let key = commit.key(app);
        let partition = key.partition_ref();
        let stream = self.streams.get(&commit.stream).ok_or(Rejected::StreamNotFound)?;
        match stream.partition(commit.partition).map(|p| p.status) {
            None => return Err(Rejected::PartitionNotFound(partition)),
            Some(PartitionStatus::Expired) => return Err(Rejected::PartitionExpired(partition)),
            Some(PartitionStatus::Active | PartitionStatus::Deleted) => {}
        }
        let stored = self.checkpoints.get(&key);
        if commit.expected.holds(stored) {
            return Ok(());
        }
        Err(Rejected::Conflict { partition, stored: stored.map(|stored| stored.current().into()) })
    }

    fn store_checkpoint(
        &mut self,
        key: CheckpointKey,
        commit: CheckpointCommit,
        actor: &Actor,
        now: Now,
    ) -> u64 {
        let stored = self.checkpoints.get(&key);
        let version = stored.map_or(self.meta.version_floor, |stored| stored.current().version) + 1;
        let change = CheckpointChange {
            sequence_number: commit.sequence_number,
            metadata: commit.metadata,
            version,
            position: now.position,
            time: now.time,
            actor: actor.clone(),
        };
        match self.checkpoints.entry(key) {
            Entry::Occupied(mut stored) => stored.get_mut().push(change),
            Entry::Vacant(free) => {
                free.insert(Checkpoint::first(change));
                *self.committed.entry(key.stream).or_default().entry(key.app).or_default() += 1;
            }
        }
        version
    }

    fn delete_checkpoints(
        &mut self,
        app: AppId,
        stream: StreamId,
        partition: Option<PartitionId>,
        kind: CheckpointType,
        changed: &mut Vec<RowKey>,
    ) -> Outcome {
        if !self.apps.contains_key(&app) {
            return Err(Rejected::AppNotFound);
        }
        if !self.streams.contains_key(&stream) {
            return Err(Rejected::StreamNotFound);
        }
        let asked = |key: &CheckpointKey| key.kind == kind && partition.is_none_or(|id| id == key.partition);
        let keys: Vec<_> = self.keys_of(app, stream).filter(asked).collect();
        Ok(Done::Count(self.remove_checkpoints(keys, changed)))
    }

    fn remove_checkpoints(&mut self, keys: Vec<CheckpointKey>, changed: &mut Vec<RowKey>) -> u32 {
        let mut removed = 0;
        for key in keys {
            let Some(checkpoint) = self.checkpoints.remove(&key) else { continue };
            self.meta.version_floor = self.meta.version_floor.max(checkpoint.current().version);
            changed.push(RowKey::Checkpoint(key));
            removed += 1;
            if let Entry::Occupied(mut apps) = self.committed.entry(key.stream) {
                if let Entry::Occupied(mut number) = apps.get_mut().entry(key.app) {
                    *number.get_mut() -= 1;
                    if *number.get() == 0 {
                        number.remove();
                    }
                }
                if apps.get().is_empty() {
                    apps.remove();
                }
            }
        }
        removed
    }

    /// Takes a name out of its project's index, and the index with its last name.
    fn forget_name<T>(&mut self, project: &ProjectId, remove: impl FnOnce(&mut Names) -> T) {
        let Some(names) = self.projects.get_mut(project) else { return };
        remove(names);
        if names.streams.is_empty() && names.apps.is_empty() {
            self.projects.remove(project);
        }
    }

    fn stream_mut(&mut self, id: StreamId) -> Result<&mut Stream, Rejected> {
        self.streams.get_mut(&id).ok_or(Rejected::StreamNotFound)
    }

    pub(crate) fn insert_stream(&mut self, stream: Stream) {
        let names = self.projects.entry(stream.project.clone()).or_default();
        names.streams.insert(stream.spec.name.clone(), stream.id);
        self.streams.insert(stream.id, stream);
    }

    pub(crate) fn insert_app(&mut self, app: App) {
        let names = self.projects.entry(app.project.clone()).or_default();
        names.apps.insert(app.name.clone(), app.id);
        self.apps.insert(app.id, app);
    }

    pub(crate) fn insert_checkpoint(&mut self, key: CheckpointKey, checkpoint: Checkpoint) {
        *self.committed.entry(key.stream).or_default().entry(key.app).or_default() += 1;
        self.checkpoints.insert(key, checkpoint);
    }
}

/// Questions.
impl State {
    /// The last command folded in.
    pub fn applied(&self) -> LogPosition {
        self.meta.applied
    }

    /// The time of the log.
    pub fn time(&self) -> Timestamp {
        self.meta.time
    }

    /// The deployment's secret, once it is fixed.
    pub fn secret(&self) -> Option<[u8; 32]> {
        self.meta.secret
    }

    /// The stream of that id, in any project.
    pub fn stream(&self, id: StreamId) -> Option<&Stream> {
        self.streams.get(&id)
    }

    /// The stream of that name in the project.
    pub fn stream_named(&self, project: &ProjectId, name: &str) -> Option<&Stream> {
        let id = self.projects.get(project)?.streams.get(name)?;
        self.streams.get(id)
    }

    /// The stream that a request of `project` means: by name, then by id; only ever one of that project.
    pub fn resolve_stream(&self, project: &ProjectId, selector: &StreamSelector) -> Option<&Stream> {
        let by_id = |text: &str| {
            let stream = self.streams.get(&text.parse().ok()?)?;
            (stream.project == *project).then_some(stream)
        };
        let by_name = |text| self.stream_named(project, text).or_else(|| by_id(text));
        selector.name().and_then(by_name).or_else(|| selector.id().and_then(by_id))
    }

    /// The streams of a project in the order of their names, those behind `after` only.
    pub fn streams_of<'a>(
        &'a self,
        project: &ProjectId,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Stream> {
        let names = self.projects.get(project).map(|names| &names.streams);
        names.into_iter().flat_map(move |names| behind(names, after)).filter_map(|id| self.streams.get(id))
    }

    /// Every stream of every project, in the order of the ids.
    pub fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.values()
    }

    /// How many streams the project has.
    pub fn stream_count(&self, project: &ProjectId) -> usize {
        self.projects.get(project).map_or(0, |names| names.streams.len())
    }

    /// The app of that id.
    pub fn app(&self, id: AppId) -> Option<&App> {
        self.apps.get(&id)
    }

    /// The app of that name in the project.
    pub fn app_named(&self, project: &ProjectId, name: &str) -> Option<&App> {
        let id = self.projects.get(project)?.apps.get(name)?;
        self.apps.get(id)
    }

    /// The app that a request of `project` means: by name, then by id; only ever one of that project.
    pub fn resolve_app(&self, project: &ProjectId, selector: &AppSelector) -> Option<&App> {
        let text = selector.as_str();
        let by_id = || self.apps.get(&text.parse().ok()?).filter(|app| app.project == *project);
        self.app_named(project, text).or_else(by_id)
    }

    /// The apps of a project in the order of their names, those behind `after` only.
    pub fn apps_of<'a>(&'a self, project: &ProjectId, after: Option<&str>) -> impl Iterator<Item = &'a App> {
        let names = self.projects.get(project).map(|names| &names.apps);
        names.into_iter().flat_map(move |names| behind(names, after)).filter_map(|id| self.apps.get(id))
    }

    /// How many apps the project has.
    pub fn app_count(&self, project: &ProjectId) -> usize {
        self.projects.get(project).map_or(0, |names| names.apps.len())
    }

    /// The checkpoint stored under that key.
    pub fn checkpoint(&self, key: &CheckpointKey) -> Option<&Checkpoint> {
        self.checkpoints.get(key)
    }

    /// All checkpoints of an app, in the order of stream and partition.
    pub fn checkpoints_of(&self, app: AppId) -> impl Iterator<Item = (&CheckpointKey, &Checkpoint)> {
        let first = CheckpointKey {
            app,
            stream: StreamId::from_random(0),
            partition: PartitionId::new(0),
            kind: CheckpointType::LastRead,
        };
        self.checkpoints.range(first..).take_while(move |(key, _)| key.app == app)
    }

    /// Whether the app has a checkpoint in the stream.
    pub fn has_committed(&self, app: AppId, stream: StreamId) -> bool {
        self.committed.get(&stream).is_some_and(|apps| apps.contains_key(&app))
    }

    /// The streams in which the app has a checkpoint, in the order of their ids.
    pub fn streams_committed_by(&self, app: AppId) -> Vec<&Stream> {
        let mut streams: Vec<&Stream> = Vec::new();
        for (key, _) in self.checkpoints_of(app) {
            if streams.last().is_none_or(|last| last.id != key.stream) {
                streams.extend(self.streams.get(&key.stream));
            }
        }
        streams
    }

    fn keys_of(&self, app: AppId, stream: StreamId) -> impl Iterator<Item = CheckpointKey> {
        let first =
            CheckpointKey { app, stream, partition: PartitionId::new(0), kind: CheckpointType::LastRead };
        let here = move |key: &CheckpointKey| key.app == app && key.stream == stream;
        self.checkpoints.range(first..).map(|(key, _)| *key).take_while(here)
    }

    /// What was measured of a stream, or of one of its partitions, from `first` to `last`, both included,
    /// in order. Minutes in which nothing happened are missing.
    pub fn metrics(
        &self,
        stream: StreamId,
        partition: Option<PartitionId>,
        first: Minute,
        last: Minute,
    ) -> Vec<(Minute, MetricCounts)> {
        self.metrics.between(stream, partition, first, last)
    }

    /// Whether the command of that name was folded in a short while ago.
    pub fn has_applied(&self, command: CommandId) -> bool {
        self.recent.outcome(command).is_some()
    }

    /// The partition with its present status, for callers that hold only a reference.
    pub fn partition_status(&self, partition: PartitionRef) -> Option<PartitionStatus> {
        self.streams.get(&partition.stream)?.partition(partition.partition).map(|p| p.status)
    }
}

fn behind<'a, K: Ord + std::borrow::Borrow<str>, V>(
    names: &'a BTreeMap<K, V>,
    after: Option<&str>,
) -> impl Iterator<Item = &'a V> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    names.range::<str, _>((start, Bound::Unbounded)).map(|(_, value)| value)
}
