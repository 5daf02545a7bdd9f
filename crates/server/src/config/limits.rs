//! Section `limits`: what requests may hold, how much a project may have, how fast a partition is.

use millpond_http_api::AuthBlock;
use millpond_model::{Limits as RequestLimits, PageLimits, RetentionLimits, TaskLimits};
use millpond_service::{FlowSettings, ScalingRate, Settings, Throughput};

use super::{setting, typed::Reader};

/// Section `limits`. Names, units and reasons are in `defaults.rs`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What the service keeps to.
    pub service: Settings,
    /// When an address is blocked; `None` is never.
    pub auth_block: Option<AuthBlock>,
    /// Requests of one project in a second; `None` is any number.
    pub requests_per_second_per_project: Option<u32>,
}

impl Limits {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, String> {
        let failures: Option<u32> = quota(read, "limits.auth_failures_per_address")?;
        let time = read.span("limits.auth_block_time")?;
        Ok(Self {
            service: service(read)?,
            auth_block: failures.map(|failures| AuthBlock { failures, time }),
            requests_per_second_per_project: quota(read, "limits.requests_per_second_per_project")?,
        })
    }

    /// Checks what concerns several values at once.
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let limits = &self.service.limits;
        let RetentionLimits { min, max, default } = limits.retention;
        if !(min..=max).contains(&default) {
            problems.push(format!(
                "limits.retention_hours_default is {default}: choose a number from limits.retention_hours_min, \
                 {min}, to limits.retention_hours_max, {max}"
            ));
        }
        for (name, PageLimits { default, max }) in [
            ("streams", limits.streams_page),
            ("apps", limits.apps_page),
            ("partitions", limits.partitions_page),
            ("consumption", limits.consumption_page),
            ("found", limits.found_page),
        ] {
            if default > max {
                problems.push(format!(
                    "limits.{name}_page_default is {default}: choose at most limits.{name}_page_max, {max}"
                ));
            }
        }
        let TaskLimits { interval_seconds_min, interval_seconds_max, .. } = limits.tasks;
        if interval_seconds_min > interval_seconds_max {
            problems.push(
                "limits.task_interval_min is longer than limits.task_interval_max: choose a shorter one"
                    .to_owned(),
            );
        }
    }
}

fn service(read: &Reader<'_>) -> Result<Settings, String> {
    Ok(Settings {
        limits: requests(read)?,
        partition_quota_common: quota(read, "limits.common_partitions_per_project")?,
        partition_quota_advanced: quota(read, "limits.advanced_partitions_per_project")?,
        stream_quota: quota(read, "limits.streams_per_project")?,
        app_quota: quota(read, "limits.apps_per_project")?,
        scaling_rate: ScalingRate {
            ups_per_hour: quota(read, "limits.scale_ups_per_hour")?,
            downs_per_hour: quota(read, "limits.scale_downs_per_hour")?,
        },
        flow: FlowSettings {
            common: throughput(read, "common")?,
            advanced: throughput(read, "advanced")?,
            burst: read.span("limits.burst")?,
            requests_per_stream: quota(read, "limits.requests_per_stream")?,
        },
    })
}

fn requests(read: &Reader<'_>) -> Result<RequestLimits, String> {
    let page = |name: &str| {
        Ok::<_, String>(PageLimits {
            default: read.parse(&format!("limits.{name}_page_default"))?,
            max: read.parse(&format!("limits.{name}_page_max"))?,
        })
    };
    Ok(RequestLimits {
        stream_name_chars: read.parse("limits.stream_name_chars_max")?,
        app_name_chars: read.parse("limits.app_name_chars_max")?,
        record_bytes: read.size("limits.record_bytes_max")?,
        request_records: read.with("limits.records_per_request", setting::quota)?,
        partition_key_chars: read.parse("limits.partition_key_chars_max")?,
        metadata_chars: read.parse("limits.metadata_chars_max")?,
        cursor_chars: read.parse("limits.cursor_chars_max")?,
        cursor_life: read.span("limits.cursor_life")?,
        retention: RetentionLimits {
            min: read.parse("limits.retention_hours_min")?,
            max: read.parse("limits.retention_hours_max")?,
            default: read.parse("limits.retention_hours_default")?,
        },
        stream_tags: read.parse("limits.tags_per_stream")?,
        stream_tasks: read.parse("limits.tasks_per_stream")?,
        streams_page: page("streams")?,
        apps_page: page("apps")?,
        partitions_page: page("partitions")?,
        consumption_page: page("consumption")?,
        found_page: page("found")?,
        metrics_period: read.span("limits.metrics_period_max")?,
        tasks: TaskLimits {
            interval_seconds_min: seconds(read, "limits.task_interval_min")?,
            interval_seconds_max: seconds(read, "limits.task_interval_max")?,
            file_megabytes_max: read.parse("limits.task_file_megabytes_max")?,
            retry_seconds_max: seconds(read, "limits.task_retry_max")?,
        },
    })
}

fn throughput(read: &Reader<'_>, of: &str) -> Result<Throughput, String> {
    let size = |name: &str| read.with(&format!("limits.{of}_{name}"), setting::size_quota);
    let records = format!("limits.{of}_put_records_per_second");
    Ok(Throughput {
        put_bytes: size("put_bytes_per_second")?,
        put_records: read.with(&records, setting::quota)?,
        get_bytes: size("get_bytes_per_second")?,
        request_bytes: size("request_bytes_max")?,
    })
}

/// A number that fits, because the table bounds it.
fn quota(read: &Reader<'_>, key: &str) -> Result<Option<u32>, String> {
    let quota = read.with(key, setting::quota)?;
    quota.map(|quota| u32::try_from(quota).map_err(|_| format!("{key}: too large"))).transpose()
}

fn seconds(read: &Reader<'_>, key: &str) -> Result<u32, String> {
    u32::try_from(read.span(key)?.as_secs()).map_err(|_| format!("{key}: too long"))
}
