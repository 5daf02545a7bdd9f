//! How many partitions a stream has (spec/02 §4, §5).

use std::fmt::Display;

use millpond_engine::AdminError;
use millpond_model::{PartitionCount, PolicyAction, ProjectId, StreamId, StreamName, StreamSelector};
use millpond_state::{Command, Done, Rejected, ScalingChange, State, Stream};

use crate::{
    Error, Service,
    auto_scaling::decision::{Direction, in_the_last_hour},
    resolve,
};

/// Most times that changes made by others at the same moment may come in between.
const ATTEMPTS_MAX: u32 = 16;

/// How often people may change the partition count of one stream within an hour (spec/13 §7.2). `None` is
/// no limit, and more than 19 changes in an hour are beyond any; automatic scaling has limits of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScalingRate {
    /// Times they may open partitions.
    pub ups_per_hour: Option<u32>,
    /// Times they may close some.
    pub downs_per_hour: Option<u32>,
}

/// A change of the partition count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionChange {
    /// The stream.
    pub name: StreamName,
    /// ACTIVE partitions before.
    pub before: u32,
    /// ACTIVE partitions now.
    pub after: u32,
}

/// How the partition count of a stream has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingLog {
    /// The stream.
    pub id: StreamId,
    /// Its name.
    pub name: StreamName,
    /// The last changes, oldest first.
    pub changes: Vec<ScalingChange>,
}

/// What a stream's partitions shall be.
pub(crate) struct Wanted {
    pub id: StreamId,
    /// How many shall be ACTIVE.
    pub target: PartitionCount,
    /// As in the command.
    pub expected_active: Option<u32>,
    /// Whether nobody asked for it.
    pub automatic: bool,
}

impl Service {
    /// Makes `target` partitions ACTIVE; the same number as before changes nothing.
    ///
    /// # Errors
    /// `StreamNotFound`, `ScaledTooOften`, `PartitionQuotaExceeded`, `Overloaded`, `Storage`.
    pub async fn change_partition_count(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        target: PartitionCount,
    ) -> Result<PartitionChange, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let look = |state: &State| {
                let stream = resolve::stream(state, project, selector)?;
                let expected_active = self.check_rate(stream, target)?;
                let wanted = Wanted { id: stream.id, target, expected_active, automatic: false };
                Ok((wanted, stream.spec.name.clone()))
            };
            let (wanted, name) = self.look_fresh(look).await?;
            match self.set_partitions(&wanted, selector).await? {
                Ok((before, after)) => return Ok(PartitionChange { name, before, after }),
                Err(Rejected::PartitionsChanged { .. }) => {}
                Err(rejected) => return Err(Error::rejected(&rejected, selector, &"")),
            }
        }
        Err(Error::Overloaded)
    }

    /// How the partition count has changed (spec/13 §7.1).
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied`, `Overloaded`, `Storage`.
    pub async fn scaling_log(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
    ) -> Result<ScalingLog, Error> {
        self.look_fresh(|state| {
            let stream = resolve::stream_for(state, project, selector, PolicyAction::GetStreamInfo)?;
            let changes = stream.scaling_history().copied().collect();
            Ok(ScalingLog { id: stream.id, name: stream.spec.name.clone(), changes })
        })
        .await
    }

    /// Makes partitions ACTIVE; answers how many were before and are now.
    ///
    /// The command itself says whether the record log has too few partitions, after it has checked the
    /// quota: nothing is added for a change that is refused.
    pub(crate) async fn set_partitions(
        &self,
        wanted: &Wanted,
        named: &(impl Display + Sync),
    ) -> Result<Result<(u32, u32), Rejected>, Error> {
        let &Wanted { id, target, expected_active, automatic } = wanted;
        let seen = self.engine.state.view().stream(id).map(|stream| {
            let quota = self.settings.partition_quota(stream.spec.stream_type);
            (u32::try_from(stream.partitions().len()).unwrap_or(u32::MAX), quota)
        });
        let Some((mut prepared, partition_quota)) = seen else { return Ok(Err(Rejected::StreamNotFound)) };
        for _ in 0..ATTEMPTS_MAX {
            let command =
                Command::SetPartitions { id, target, prepared, partition_quota, automatic, expected_active };
            match self.propose(command).await? {
                Ok(Done::Partitions { before, after }) => return Ok(Ok((before, after))),
                Ok(done) => return Err(Error::contradiction(format!("unexpected outcome: {done:?}"))),
                Err(Rejected::NotPrepared { needed }) => {
                    let added = self.engine.records.add_partitions(id, needed).await;
                    added.map_err(|error| match error {
                        AdminError::UnknownStream(_) => self.log_missing(id, named),
                        error => error.into(),
                    })?;
                    prepared = needed;
                }
                Err(rejected) => return Ok(Err(rejected)),
            }
        }
        Err(Error::Overloaded)
    }

    /// Whether people may change the count once more. Where there is a limit, answers the count that this
    /// was looked up for, so that changes at the same time cannot go beyond it together.
    fn check_rate(&self, stream: &Stream, target: PartitionCount) -> Result<Option<u32>, Error> {
        let active = stream.active_count();
        let direction = Direction::between(active, target.get());
        let rate = self.settings.scaling_rate;
        let limit = match direction {
            Direction::Up => rate.ups_per_hour,
            Direction::Down => rate.downs_per_hour,
        };
        let Some(limit) = limit.filter(|_| target.get() != active) else { return Ok(None) };
        let asked = |change: &&ScalingChange| !change.automatic && Direction::of(change) == direction;
        let changes = in_the_last_hour(stream.scaling_history(), self.clock.now());
        let taken = changes.map(|changes| changes.filter(asked).count());
        match taken {
            Some(taken) if taken < limit as usize => Ok(Some(active)),
            _ => Err(Error::ScaledTooOften { limit }),
        }
    }
}
