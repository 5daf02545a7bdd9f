//! How many partitions a stream has (spec/02 §4).

use millpond_engine::AdminError;
use millpond_model::{PartitionCount, ProjectId, StreamName, StreamSelector};
use millpond_state::{Command, Done, Rejected, State};

use crate::{Error, Service, resolve};

/// Most times that changes made by others at the same moment may come in between.
const ATTEMPTS_MAX: u32 = 16;

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

impl Service {
    /// Makes `target` partitions ACTIVE; the same number as before changes nothing.
    ///
    /// The command itself says whether the record log has too few partitions, after it has checked the
    /// quota: nothing is added for a request that is refused.
    ///
    /// # Errors
    /// `StreamNotFound`, `PartitionQuotaExceeded`, `Overloaded`, `Storage`.
    pub async fn change_partition_count(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        target: PartitionCount,
    ) -> Result<PartitionChange, Error> {
        let look = |state: &State| {
            let stream = resolve::stream(state, project, selector)?;
            let quota = self.settings.partition_quota(stream.spec.stream_type);
            Ok((stream.id, stream.spec.name.clone(), stream.partitions().len(), quota))
        };
        let (id, name, prepared, partition_quota) = self.look_fresh(look).await?;
        let mut prepared = u32::try_from(prepared).unwrap_or(u32::MAX);
        for _ in 0..ATTEMPTS_MAX {
            let command = Command::SetPartitions { id, target, prepared, partition_quota, automatic: false };
            match self.propose(command).await? {
                Ok(Done::Partitions { before, after }) => return Ok(PartitionChange { name, before, after }),
                Ok(done) => return Err(Error::contradiction(format!("unexpected outcome: {done:?}"))),
                Err(Rejected::NotPrepared { needed }) => {
                    let added = self.engine.records.add_partitions(id, needed).await;
                    added.map_err(|error| match error {
                        AdminError::UnknownStream(_) => self.log_missing(id, selector),
                        error => error.into(),
                    })?;
                    prepared = needed;
                }
                Err(rejected) => return Err(Error::rejected(&rejected, selector, &"")),
            }
        }
        Err(Error::Overloaded)
    }
}
