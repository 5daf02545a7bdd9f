//! What an operator may choose about the service.

use millpond_model::{Limits, StreamType};

use crate::{FlowSettings, ScalingRate};

/// What an operator may choose. By default sizes and syntax are the documented ones and nothing else is
/// limited: `None` is no limit (spec/13 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What requests may hold and ask for.
    pub limits: Limits,
    /// Most ACTIVE partitions that the COMMON streams of one project have together (spec/02 §1).
    pub partition_quota_common: Option<u32>,
    /// The same for ADVANCED streams.
    pub partition_quota_advanced: Option<u32>,
    /// Most streams of one project.
    pub stream_quota: Option<u32>,
    /// Most apps of one project (spec/13 §2).
    pub app_quota: Option<u32>,
    /// How often people may change partition counts.
    pub scaling_rate: ScalingRate,
    /// How fast partitions take and give.
    pub flow: FlowSettings,
}

impl Settings {
    pub(crate) fn partition_quota(&self, of: StreamType) -> Option<u32> {
        match of {
            StreamType::Common => self.partition_quota_common,
            StreamType::Advanced => self.partition_quota_advanced,
        }
    }
}
