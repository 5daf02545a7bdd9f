//! What a project has and may have (spec/13 §6).

use millpond_model::{ProjectId, StreamType};

use crate::{Error, Service};

/// The quotas of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// ACTIVE partitions of COMMON streams.
    pub common_partitions: Quota,
    /// ACTIVE partitions of ADVANCED streams.
    pub advanced_partitions: Quota,
    /// Apps.
    pub apps: Quota,
}

/// One quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many there may be; `None` is any number.
    pub quota: Option<u32>,
    /// How many there are.
    pub used: u64,
}

impl Service {
    /// The quotas of a project, which has not to have anything.
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn quotas(&self, project: &ProjectId) -> Result<Quotas, Error> {
        self.look_fresh(|state| {
            let partitions = |of: StreamType| {
                let streams = state.streams_of(project, None).filter(|stream| stream.spec.stream_type == of);
                let used = streams.map(|stream| u64::from(stream.active_count())).sum();
                Quota { quota: self.settings.partition_quota(of), used }
            };
            Ok(Quotas {
                common_partitions: partitions(StreamType::Common),
                advanced_partitions: partitions(StreamType::Advanced),
                apps: Quota { quota: self.settings.app_quota, used: state.app_count(project) as u64 },
            })
        })
        .await
    }
}
