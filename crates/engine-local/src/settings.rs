//! Sizes and times of the engine.

use std::time::Duration;

use millpond_seglog::journal::JournalSettings;

const MIB: u64 = 1024 * 1024;

/// Sizes and times of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The journal's files.
    pub journal: JournalSettings,
    /// Length at which a segment is closed.
    pub segment_bytes_max: u64,
    /// Bytes of batches kept in memory behind the high-water marks, over all partitions.
    pub tail_bytes_max: u64,
    /// Bytes of batches that may wait for their segments before commits wait for them.
    pub unwritten_bytes_max: u64,
    /// Most segments and indexes that stay open.
    pub open_files_max: usize,
    /// Bytes of requests that may wait for the journal before more are refused.
    pub queue_bytes_max: u64,
    /// Bytes of one group, unless a single request is larger.
    pub group_bytes_max: u64,
    /// Free bytes of the file system below which nothing is taken that needs room; `None`: 5 % of it, at
    /// least 8 MiB and at most 1 GiB. With 0 there is no reserve either.
    pub low_water_bytes: Option<u64>,
    /// Longest time between two marks while there is something to mark.
    pub mark_interval: Duration,
    /// How often expired segments are looked for.
    pub retention_interval: Duration,
    /// How often everything stored is read again to find damage; `None`: never.
    pub scrub_interval: Option<Duration>,
    /// Whether records stay when the wall clock runs ahead of the monotonic one; without, they expire by
    /// the wall clock, whatever it says.
    pub doubts_clock: bool,
    /// Whether the engine has its threads. Without them every request is done on the caller's thread
    /// and marks are set only when asked for: tests own the order of things.
    pub threads: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            journal: JournalSettings::default(),
            segment_bytes_max: 128 * MIB,
            tail_bytes_max: 64 * MIB,
            unwritten_bytes_max: 64 * MIB,
            open_files_max: 1024,
            queue_bytes_max: 64 * MIB,
            group_bytes_max: 8 * MIB,
            low_water_bytes: None,
            mark_interval: Duration::from_secs(30),
            retention_interval: Duration::from_mins(1),
            scrub_interval: Some(Duration::from_hours(7 * 24)),
            doubts_clock: true,
            threads: true,
        }
    }
}
