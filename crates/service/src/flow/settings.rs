//! What an operator may choose about flow control.

use std::time::Duration;

use millpond_model::StreamType;

/// What one ACTIVE partition takes and gives, and what one request may bring (spec/13 §1). `None` is no
/// limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throughput {
    /// Bytes of data written in a second, keys not counted.
    pub put_bytes: Option<u64>,
    /// Records written in a second.
    pub put_records: Option<u64>,
    /// Bytes of data read in a second.
    pub get_bytes: Option<u64>,
    /// Bytes of data in one put request, keys not counted.
    pub request_bytes: Option<u64>,
}

impl Throughput {
    /// What the cloud service gives a COMMON partition. A request has the size that the manual names for
    /// all streams: stock clients send up to 4 MB to COMMON streams too (spec/02 §10, spec/13 §1).
    pub const COMMON: Self = Self::documented(1024 * 1024, 1000, 2 * 1024 * 1024);

    /// What the cloud service gives an ADVANCED partition.
    pub const ADVANCED: Self = Self::documented(5 * 1024 * 1024, 2000, 10 * 1024 * 1024);

    const fn documented(put_bytes: u64, put_records: u64, get_bytes: u64) -> Self {
        Self {
            put_bytes: Some(put_bytes),
            put_records: Some(put_records),
            get_bytes: Some(get_bytes),
            request_bytes: Some(5 * 1024 * 1024),
        }
    }

    pub(super) fn limits_puts(&self) -> bool {
        self.put_bytes.is_some() || self.put_records.is_some()
    }
}

/// What an operator may choose about flow control. By default nothing is limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowSettings {
    /// Partitions of COMMON streams.
    pub common: Throughput,
    /// Partitions of ADVANCED streams.
    pub advanced: Throughput,
    /// How long a rate may be saved up for; 1 s is recommended (spec/13 §4).
    pub burst: Duration,
    /// Most puts and gets of one stream that are under way at a time.
    pub requests_per_stream: Option<u32>,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            common: Throughput::default(),
            advanced: Throughput::default(),
            burst: Duration::from_secs(1),
            requests_per_stream: None,
        }
    }
}

impl FlowSettings {
    pub(super) fn throughput(&self, of: StreamType) -> &Throughput {
        match of {
            StreamType::Common => &self.common,
            StreamType::Advanced => &self.advanced,
        }
    }
}
