//! Sizes, syntax and pages that an operator may choose (spec/13 §2).

use std::time::Duration;

use crate::limits;

/// What requests may hold and ask for, where an operator may choose. The defaults are the documented
/// numbers; what the types of this crate and the bytes on disk can hold bounds every one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest name of a new stream, in characters: 1 to 64.
    pub stream_name_chars: usize,
    /// Longest name of a new app, in characters: 1 to 200.
    pub app_name_chars: usize,
    /// Most bytes of data in one record, before base64: up to 4 MiB.
    pub record_bytes: usize,
    /// Most records of one put request; `None` is as many as its body holds.
    pub request_records: Option<u64>,
    /// Longest partition key, in characters: 1 to 256.
    pub partition_key_chars: usize,
    /// Longest metadata of a checkpoint, in characters: 0 to 1000.
    pub metadata_chars: usize,
    /// Longest cursor that is looked at, in characters: up to 512.
    pub cursor_chars: usize,
    /// How long a cursor lives.
    pub cursor_life: Duration,
    /// Hours that records are kept.
    pub retention: RetentionLimits,
    /// Most tags of one stream: 1 to 50.
    pub stream_tags: u32,
    /// Most transfer tasks of one stream.
    pub stream_tasks: u32,
    /// Streams on a page of the list.
    pub streams_page: PageLimits,
    /// Apps on a page of the list.
    pub apps_page: PageLimits,
    /// Partitions on a page of a stream's description.
    pub partitions_page: PageLimits,
    /// Partitions on a page of an app's state.
    pub consumption_page: PageLimits,
    /// Streams on a page of a search by tags.
    pub found_page: PageLimits,
    /// Longest period of a question about metrics, and greatest age of its start: up to 7 days.
    pub metrics_period: Duration,
    /// What transfer tasks may ask for.
    pub tasks: TaskLimits,
}

/// Hours that records are kept: what may be asked for, and what holds when nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Fewest hours.
    pub min: u32,
    /// Most hours: up to 8760, a year.
    pub max: u32,
    /// Hours when a new stream names none.
    pub default: u32,
}

/// How long a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// When nothing is asked for.
    pub default: u32,
    /// At most.
    pub max: u32,
}

/// What a transfer task may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskLimits {
    /// Shortest time between two deliveries, in seconds.
    pub interval_seconds_min: u32,
    /// Longest time between two deliveries, in seconds.
    pub interval_seconds_max: u32,
    /// Largest file, in MB.
    pub file_megabytes_max: u32,
    /// Longest time to go on trying, in seconds.
    pub retry_seconds_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let page = |default, max| PageLimits { default, max };
        Self {
            stream_name_chars: limits::STREAM_NAME_LEN_MAX,
            app_name_chars: limits::APP_NAME_LEN_MAX,
            record_bytes: limits::RECORD_DATA_BYTES_MAX,
            request_records: None,
            partition_key_chars: limits::PARTITION_KEY_CHARS_MAX,
            metadata_chars: limits::METADATA_CHARS_MAX,
            cursor_chars: limits::CURSOR_CHARS_MAX,
            cursor_life: Duration::from_millis(limits::CURSOR_LIFE_MS.unsigned_abs()),
            retention: RetentionLimits {
                min: 1,
                max: limits::RETENTION_HOURS_MAX,
                default: limits::RETENTION_HOURS_DEFAULT,
            },
            stream_tags: limits::STREAM_TAGS_MAX,
            stream_tasks: limits::STREAM_TASKS_MAX,
            streams_page: page(10, 100),
            apps_page: page(10, 100),
            partitions_page: page(100, 1000),
            consumption_page: page(100, 1000),
            found_page: page(1000, 1000),
            metrics_period: Duration::from_mins(limits::METRICS_MINUTES_MAX.into()),
            tasks: TaskLimits {
                interval_seconds_min: limits::DELIVER_SECONDS_MIN,
                interval_seconds_max: limits::DELIVER_SECONDS_MAX,
                file_megabytes_max: limits::DELIVER_MEGABYTES_MAX,
                retry_seconds_max: limits::RETRY_SECONDS_MAX,
            },
        }
    }
}
