//! Every setting with its default and the reason for it. The one place for both.
//!
//! Numbers that a contract fixes name their source: `spec/NN §M`.

use std::time::Duration;

use bytesize::ByteSize;

use millpond_model::limits::{
    APP_NAME_LEN_MAX, CURSOR_CHARS_MAX, METADATA_CHARS_MAX, METRICS_MINUTES_MAX, PARTITION_KEY_CHARS_MAX,
    RECORD_DATA_BYTES_CEILING, RETENTION_HOURS_CEILING, SCALING_HISTORY_MAX, STREAM_NAME_LEN_MAX,
    STREAM_TAGS_CEILING, STREAM_TASKS_CEILING,
};

use super::setting::{ANY_NUMBER, Applies, Kind, Setting};

/// The port of the API when none is named. Free of the usual neighbours (3000, 8080, 9090, 9092).
pub const PORT: u16 = 7347;

/// A row that most people leave alone, without short names.
const BASE: Setting = Setting {
    key: "",
    default: "",
    cloud: None,
    kind: Kind::Text,
    env: None,
    flag: None,
    applies: Applies::Restart,
    common: false,
    why: "",
};

const fn span(min: Duration, max: Duration) -> Kind {
    Kind::Span(min, max)
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// The setting that chooses the defaults of the others.
pub(super) const PROFILE: &str = "limits.profile";
/// The profile with the limits of the cloud service.
pub(super) const CLOUD: &str = "cloud";

const HOURS: Kind = Kind::Count(1, RETENTION_HOURS_CEILING as u64);
const PAGE: Kind = Kind::Count(1, 10_000);
const RATE: Kind = Kind::SizeQuota(ByteSize::kib(1), ByteSize::gib(1));
const REQUEST: Kind = Kind::SizeQuota(ByteSize::kib(1), ByteSize::gib(1));

/// Changes of a partition count that can be counted: a stream remembers one more.
const SCALINGS_MAX: u64 = SCALING_HISTORY_MAX as u64 - 1;

/// All settings, section by section, in the order in which they are shown.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    // ---- server: one listener and what a client may do to it --------------------------------
    Setting { key: "server.listen", default: "127.0.0.1:7347", kind: Kind::Address, env: Some("MILLPOND_LISTEN"),
        flag: Some("--listen"), common: true,
        why: "Where the API listens; port 0 takes a free one. Loopback by default: being reachable is a decision.", ..BASE },
    Setting { key: "server.port_file", kind: Kind::Path, env: Some("MILLPOND_PORT_FILE"), flag: Some("--port-file"),
        why: "File that receives the port number once the server is ready. For tests and scripts that use port 0.", ..BASE },
    Setting { key: "server.connections_max", default: "10000", kind: Kind::Count(1, 1_000_000), common: true,
        why: "Open connections; one more is answered 503 with Retry-After. 10 000 is what the service is designed for.", ..BASE },
    Setting { key: "server.header_timeout", default: "10s", kind: span(SECOND, HOUR),
        why: "Time for the head of a request, and for the first byte on a new connection.", ..BASE },
    Setting { key: "server.head_bytes_max", default: "16KiB", kind: Kind::Size(ByteSize::kib(8), ByteSize::mib(1)),
        why: "Largest head of a request; above it 431. Also the read buffer of a connection.", ..BASE },
    Setting { key: "server.headers_max", default: "100", kind: Kind::Count(16, 10_000),
        why: "Most header lines of a request; above it 431. Clients of the API send about ten.", ..BASE },
    Setting { key: "server.body_idle_timeout", default: "15s", kind: span(SECOND, HOUR),
        why: "Longest pause between two pieces of a request body; then 408.", ..BASE },
    Setting { key: "server.body_timeout", default: "1m", kind: span(SECOND, HOUR),
        why: "Time for a whole request body; then 408. One client's own limit is 60 s (spec/00 §10).", ..BASE },
    Setting { key: "server.body_bytes_max", default: "8MiB", kind: Kind::Size(ByteSize::kib(64), ByteSize::gib(1)), common: true,
        why: "Largest request body, as sent and as decompressed; above it 413. Clients send up to 5.4 MB (spec/00 §8).", ..BASE },
    Setting { key: "server.keep_alive_idle", default: "75s", kind: span(SECOND, HOUR),
        why: "How long a connection may wait for its next request. Longer than the 60 s of common load balancers.", ..BASE },
    Setting { key: "server.write_stall_timeout", default: "30s", kind: span(SECOND, HOUR),
        why: "How long a client may refuse to take the next byte of an answer.", ..BASE },
    Setting { key: "server.http2_streams_max", default: "128", kind: Kind::Count(1, 10_000),
        why: "Open requests of one HTTP/2 connection.", ..BASE },
    Setting { key: "server.drain_delay", default: "0s", kind: span(Duration::ZERO, HOUR),
        why: "Wait between not ready and no longer listening, for load balancers that ask only now and then.", ..BASE },
    Setting { key: "server.drain_timeout", default: "8s", kind: span(Duration::ZERO, HOUR), common: true,
        why: "Time for open requests to finish after SIGTERM. Leaves 2 s of the usual 10 s for the storage.", ..BASE },

    // ---- tls ---------------------------------------------------------------------------------
    Setting { key: "tls.certificate", kind: Kind::Path, common: true,
        why: "PEM file with the certificate chain. Together with the key it switches the listener to HTTPS. Read again on SIGHUP.", ..BASE },
    Setting { key: "tls.private_key", kind: Kind::Path, common: true,
        why: "PEM file with the private key. Read again on SIGHUP.", ..BASE },
    Setting { key: "tls.handshake_timeout", default: "10s", kind: span(SECOND, HOUR),
        why: "Time for the TLS handshake, as for the head of a request.", ..BASE },

    // ---- auth --------------------------------------------------------------------------------
    Setting { key: "auth.keys_file", kind: Kind::Path, env: Some("MILLPOND_KEYS_FILE"), flag: Some("--keys-file"), common: true,
        why: "TOML file with [[key]] entries, besides credentials.toml in the data directory. Read again on SIGHUP.", ..BASE },
    Setting { key: "auth.allow_anonymous", default: "false", kind: Kind::Flag, env: Some("MILLPOND_ALLOW_ANONYMOUS"),
        flag: Some("--allow-anonymous"),
        why: "Accept unsigned requests. Only on a loopback address; never the default.", ..BASE },
    Setting { key: "auth.check_scope", default: "false", kind: Kind::Flag,
        why: "Compare region and service of a signature with the two below. Off: one client signs both empty (spec/01 §1).", ..BASE },
    Setting { key: "auth.region", default: "local", kind: Kind::Text,
        why: "Region that check_scope expects, that snippets show, and that the catalogue of the identity API names.", ..BASE },
    Setting { key: "auth.service", default: "dis", kind: Kind::Text,
        why: "Service that check_scope expects.", ..BASE },
    Setting { key: "auth.unsigned_payload", default: "not-json", kind: Kind::Choice(&["never", "not-json"]),
        why: "Which bodies may be left out of a signature. One client does so for everything but JSON (spec/01 §3.4).", ..BASE },
    Setting { key: "auth.public_hosts", kind: Kind::List, common: true,
        why: "Names under which clients reach the server when a proxy rewrites Host; tried as signed hosts (spec/01 §3.3).", ..BASE },

    // ---- identity: logging in with a password, where the files of keys have users ----------------
    Setting { key: "identity.public_url", kind: Kind::Url, common: true,
        why: "Where clients reach the server; the catalogue and links begin with it. Unset: what the request's Host says. Set it behind a proxy.", ..BASE },
    Setting { key: "identity.domain_id", default: "default", kind: Kind::Text,
        why: "Id of the domain that all users and projects are in.", ..BASE },
    Setting { key: "identity.domain_name", default: "Default", kind: Kind::Text,
        why: "Its name. Both are what OpenStack calls the domain that is always there.", ..BASE },
    Setting { key: "identity.token_life", default: "24h", kind: span(Duration::from_mins(1), Duration::from_hours(30 * 24)),
        why: "How long a token is valid, as in the cloud (spec/01 §8). Clients log in again by themselves.", ..BASE },

    // ---- bootstrap: the first key ------------------------------------------------------------
    Setting { key: "bootstrap.project_id", kind: Kind::Text, env: Some("MILLPOND_BOOTSTRAP_PROJECT_ID"),
        why: "Project of the key that the first start creates; random when absent.", ..BASE },
    Setting { key: "bootstrap.ak", kind: Kind::Text, env: Some("MILLPOND_BOOTSTRAP_AK"),
        why: "Access key that the first start creates; random when absent. Later starts ignore it, with a warning when it differs.", ..BASE },
    Setting { key: "bootstrap.sk", kind: Kind::Secret, env: Some("MILLPOND_BOOTSTRAP_SK"),
        why: "Its secret key; random when absent. There is no default secret.", ..BASE },
    Setting { key: "bootstrap.user", kind: Kind::Text, env: Some("MILLPOND_BOOTSTRAP_USER"),
        why: "User that a start creates in the first key's project when the files of keys have none. Without users nobody logs in with a password.", ..BASE },
    Setting { key: "bootstrap.password", kind: Kind::Secret, env: Some("MILLPOND_BOOTSTRAP_PASSWORD"),
        why: "Its password; random when absent. Kept in credentials.toml, as secret keys are.", ..BASE },

    // ---- storage -----------------------------------------------------------------------------
    Setting { key: "storage.data_dir", kind: Kind::Path, env: Some("MILLPOND_DATA_DIR"), flag: Some("--data-dir"), common: true,
        why: "Directory that holds everything. Unset: STATE_DIRECTORY of systemd, /var/lib/millpond for a system user, else millpond in the user's data directory.", ..BASE },
    Setting { key: "storage.durability", default: "sync", kind: Kind::Choice(&["sync"]),
        why: "When a record counts as stored. sync: it is on disk before it is acknowledged; the only mode.", ..BASE },
    Setting { key: "storage.journal_file_bytes", default: "64MiB", kind: Kind::Size(ByteSize::mib(1), ByteSize::gib(4)),
        why: "Size of one journal file. Larger files mean fewer marks and a longer start after a crash.", ..BASE },
    Setting { key: "storage.segment_bytes", default: "128MiB", kind: Kind::Size(ByteSize::mib(1), ByteSize::gib(4)),
        why: "Size at which the next segment begins. Retention removes whole segments.", ..BASE },
    Setting { key: "storage.low_water_bytes", default: "0B", kind: Kind::Size(ByteSize::b(0), ByteSize::tib(1)),
        why: "Free space of the file system below which writes are refused, so that reading, deleting and stopping still work. 0: 5 % of it, at least 8 MiB and at most 1 GiB.", ..BASE },
    Setting { key: "storage.scrub_interval", default: "7d", kind: Kind::Span(Duration::from_hours(2), Duration::from_hours(24 * 365)),
        why: "Everything stored is read again within this time, to find damage before somebody needs what is damaged.", ..BASE },

    // ---- limits: what requests may hold, how much a project may have, how fast a partition is ---
    Setting { key: PROFILE, default: "default", kind: Kind::Choice(&["default", CLOUD]), env: Some("MILLPOND_PROFILE"),
        flag: Some("--profile"), common: true,
        why: "cloud: every limit that the cloud service documents, its quotas and its flow control. default: its sizes and syntax, and nothing else. What is set below holds in both.", ..BASE },

    Setting { key: "limits.stream_name_chars_max", default: "64", kind: Kind::Count(1, STREAM_NAME_LEN_MAX as u64),
        why: "Characters of a new stream's name (spec/13 §2; some pages say 60).", ..BASE },
    Setting { key: "limits.app_name_chars_max", default: "200", kind: Kind::Count(1, APP_NAME_LEN_MAX as u64),
        why: "Characters of a new app's name (spec/13 §2; older pages say 50).", ..BASE },
    Setting { key: "limits.record_bytes_max", default: "1MiB", kind: Kind::Size(ByteSize::kib(1), ByteSize::b(RECORD_DATA_BYTES_CEILING as u64)), common: true,
        why: "Data of one record, before base64; a larger one is refused with DIS.4200, the others are not (spec/13 §2, §4).", ..BASE },
    Setting { key: "limits.records_per_request", default: "unlimited", kind: Kind::Quota(ANY_NUMBER),
        why: "Records of one put; above it DIS.4200. No number is published, stock producers send up to 1000 (spec/13 §2, §3).", ..BASE },
    Setting { key: "limits.common_request_bytes_max", default: "unlimited", cloud: Some("5MiB"), kind: REQUEST,
        why: "Data of all records of one put to a COMMON stream, keys not counted; above it DIS.4200. 1 MB in one table, 5 MB in the manual; the larger one, because a stock client sends 4 MB (spec/13 §1, spec/02 §10).", ..BASE },
    Setting { key: "limits.advanced_request_bytes_max", default: "unlimited", cloud: Some("5MiB"), kind: REQUEST,
        why: "The same for ADVANCED streams (spec/13 §1).", ..BASE },
    Setting { key: "limits.partition_key_chars_max", default: "256", kind: Kind::Count(1, PARTITION_KEY_CHARS_MAX as u64),
        why: "Characters of a partition key; no number is published (spec/13 §2).", ..BASE },
    Setting { key: "limits.metadata_chars_max", default: "1000", kind: Kind::Count(0, METADATA_CHARS_MAX as u64),
        why: "Characters of a checkpoint's metadata (spec/13 §2).", ..BASE },
    Setting { key: "limits.cursor_chars_max", default: "512", kind: Kind::Count(426, CURSOR_CHARS_MAX as u64),
        why: "Characters of a cursor that is looked at; above it DIS.4217. The server's own have up to 426 (spec/13 §2).", ..BASE },
    Setting { key: "limits.cursor_life", default: "5m", kind: span(SECOND, Duration::from_hours(24)),
        why: "How long a cursor may be used; then DIS.4225 (spec/13 §2).", ..BASE },
    Setting { key: "limits.retention_hours_min", default: "1", cloud: Some("24"), kind: HOURS,
        why: "Fewest hours that a stream may keep its records (spec/13 §2).", ..BASE },
    Setting { key: "limits.retention_hours_max", default: "168", cloud: Some("72"), kind: HOURS, common: true,
        why: "Most hours that a stream may keep its records. The cloud once allowed 168, and now 72 (spec/13 §2).", ..BASE },
    Setting { key: "limits.retention_hours_default", default: "24", kind: HOURS,
        why: "Hours that a new stream keeps its records when it names none (spec/13 §2).", ..BASE },
    Setting { key: "limits.streams_page_default", default: "10", kind: PAGE,
        why: "Streams on a page of the list when the request names no limit (spec/13 §2).", ..BASE },
    Setting { key: "limits.streams_page_max", default: "100", kind: PAGE,
        why: "Most streams on a page of the list; a larger limit counts as this one. Newer pages of the cloud say 500 (spec/13 §2).", ..BASE },
    Setting { key: "limits.apps_page_default", default: "10", kind: PAGE,
        why: "Apps on a page of the list when the request names no limit (spec/13 §2).", ..BASE },
    Setting { key: "limits.apps_page_max", default: "100", kind: PAGE,
        why: "Most apps on a page of the list (spec/13 §2).", ..BASE },
    Setting { key: "limits.partitions_page_default", default: "100", kind: PAGE,
        why: "Partitions on a page of a stream's description when the request names no limit (spec/13 §2).", ..BASE },
    Setting { key: "limits.partitions_page_max", default: "1000", kind: PAGE,
        why: "Most partitions on a page of a stream's description (spec/13 §2).", ..BASE },
    Setting { key: "limits.consumption_page_default", default: "100", kind: PAGE,
        why: "Partitions on a page of an app's consumption state when the request names no limit (spec/13 §2).", ..BASE },
    Setting { key: "limits.consumption_page_max", default: "1000", kind: PAGE,
        why: "Most partitions on a page of an app's consumption state (spec/13 §2).", ..BASE },
    Setting { key: "limits.found_page_default", default: "1000", kind: PAGE,
        why: "Streams on a page of a search by tags when the request names no limit (spec/13 §2).", ..BASE },
    Setting { key: "limits.found_page_max", default: "1000", kind: PAGE,
        why: "Most streams on a page of a search by tags (spec/13 §2).", ..BASE },
    Setting { key: "limits.metrics_period_max", default: "7d", kind: span(HOUR, Duration::from_mins(METRICS_MINUTES_MAX as u64)),
        why: "Longest period of a question about metrics, and greatest age of its start; above it DIS.4204. They are kept for 7 days (spec/13 §2).", ..BASE },
    Setting { key: "limits.task_interval_min", default: "30s", kind: span(SECOND, HOUR),
        why: "Shortest time between two deliveries that a transfer task may ask for, in whole seconds (spec/13 §2).", ..BASE },
    Setting { key: "limits.task_interval_max", default: "15m", kind: span(SECOND, Duration::from_hours(24)),
        why: "Longest time between two deliveries that a transfer task may ask for, in whole seconds (spec/13 §2).", ..BASE },
    Setting { key: "limits.task_file_megabytes_max", default: "300", kind: Kind::Count(1, 1024),
        why: "Largest file that a transfer task may ask for, in MB (spec/13 §2).", ..BASE },
    Setting { key: "limits.task_retry_max", default: "2h", kind: span(Duration::ZERO, Duration::from_hours(24)),
        why: "Longest time that a transfer task may go on trying, in whole seconds (spec/13 §2).", ..BASE },

    Setting { key: "limits.common_partitions_per_project", default: "unlimited", cloud: Some("50"), kind: Kind::Quota(ANY_NUMBER),
        why: "ACTIVE partitions of all COMMON streams of one project; above it DIS.4308. Unlimited: quotas are for shared installations (spec/13 §1, §2).", ..BASE },
    Setting { key: "limits.advanced_partitions_per_project", default: "unlimited", cloud: Some("10"), kind: Kind::Quota(ANY_NUMBER),
        why: "The same for ADVANCED streams (spec/13 §1).", ..BASE },
    Setting { key: "limits.streams_per_project", default: "unlimited", kind: Kind::Quota(ANY_NUMBER),
        why: "Streams of one project; above it DIS.4308. No number is published.", ..BASE },
    Setting { key: "limits.apps_per_project", default: "unlimited", cloud: Some("100"), kind: Kind::Quota(ANY_NUMBER),
        why: "Apps of one project; above it DIS.4329 (spec/13 §2).", ..BASE },
    Setting { key: "limits.tasks_per_stream", default: "5", kind: Kind::Count(1, STREAM_TASKS_CEILING as u64),
        why: "Transfer tasks of one stream; above it DIS.4357 (spec/13 §2).", ..BASE },
    Setting { key: "limits.tags_per_stream", default: "10", kind: Kind::Count(1, STREAM_TAGS_CEILING as u64),
        why: "Tags of one stream; above it DIS.4601 (spec/13 §2).", ..BASE },

    Setting { key: "limits.common_put_bytes_per_second", default: "unlimited", cloud: Some("1MiB"), kind: RATE,
        why: "Data that one partition of a COMMON stream takes in a second, keys not counted; records above it are refused one by one with DIS.4303 (spec/13 §1, §4).", ..BASE },
    Setting { key: "limits.common_put_records_per_second", default: "unlimited", cloud: Some("1000"), kind: Kind::Quota(ANY_NUMBER),
        why: "Records that one partition of a COMMON stream takes in a second (spec/13 §1).", ..BASE },
    Setting { key: "limits.common_get_bytes_per_second", default: "unlimited", cloud: Some("2MiB"), kind: RATE,
        why: "Data that one partition of a COMMON stream gives in a second. A read that brings more is paid for afterwards: reads are refused with DIS.4303 until then (spec/13 §1, §4).", ..BASE },
    Setting { key: "limits.advanced_put_bytes_per_second", default: "unlimited", cloud: Some("5MiB"), kind: RATE,
        why: "As for COMMON streams, for ADVANCED ones (spec/13 §1).", ..BASE },
    Setting { key: "limits.advanced_put_records_per_second", default: "unlimited", cloud: Some("2000"), kind: Kind::Quota(ANY_NUMBER),
        why: "As for COMMON streams, for ADVANCED ones (spec/13 §1).", ..BASE },
    Setting { key: "limits.advanced_get_bytes_per_second", default: "unlimited", cloud: Some("10MiB"), kind: RATE,
        why: "As for COMMON streams, for ADVANCED ones (spec/13 §1).", ..BASE },
    Setting { key: "limits.burst", default: "1s", kind: span(SECOND, Duration::from_mins(1)),
        why: "How long an idle partition saves up its rates. Of the data written at least one full request is saved up, where requests have a limit (spec/13 §4, spec/02 §10).", ..BASE },
    Setting { key: "limits.requests_per_stream", default: "unlimited", kind: Kind::Quota(ANY_NUMBER),
        why: "Puts and gets of one stream that are under way at a time; above it DIS.4305. No number is published (spec/13 §4).", ..BASE },
    Setting { key: "limits.requests_per_second_per_project", default: "unlimited", kind: Kind::Quota(ANY_NUMBER),
        why: "Requests of one project in a second; above it 429 with Retry-After. No number is published, and one client sleeps 60 s after a 429 (spec/13 §4, spec/00 §10).", ..BASE },
    Setting { key: "limits.auth_failures_per_address", default: "unlimited", cloud: Some("20"), kind: Kind::Quota(ANY_NUMBER),
        why: "Failed authentications in a row after which an address is blocked: DIS.4309. Leave it unlimited behind a proxy, where all clients have one address. The cloud's number is not published (spec/13 §4).", ..BASE },
    Setting { key: "limits.auth_block_time", default: "30m", kind: span(SECOND, Duration::from_hours(24)),
        why: "How long an address is blocked, and how long a failure counts (spec/13 §4).", ..BASE },
    Setting { key: "limits.scale_ups_per_hour", default: "unlimited", cloud: Some("10"), kind: Kind::Quota(SCALINGS_MAX),
        why: "Times in an hour that the partitions of one stream may be made more by request; above it DIS.4300 (spec/13 §7.2).", ..BASE },
    Setting { key: "limits.scale_downs_per_hour", default: "unlimited", cloud: Some("1"), kind: Kind::Quota(SCALINGS_MAX),
        why: "Times in an hour that they may be made fewer by request (spec/13 §7.2).", ..BASE },

    // ---- log -----------------------------------------------------------------------------------
    Setting { key: "log.level", default: "info", kind: Kind::Filter, env: Some("MILLPOND_LOG_LEVEL"), flag: Some("--log-level"),
        applies: Applies::Reload, common: true,
        why: "error, warn, info, debug, trace, or a list such as \"info,millpond=debug\".", ..BASE },
    Setting { key: "log.format", default: "auto", kind: Kind::Choice(&["auto", "human", "json"]), env: Some("MILLPOND_LOG_FORMAT"),
        flag: Some("--log-format"), common: true,
        why: "auto: for people on a terminal, JSON otherwise.", ..BASE },
    Setting { key: "log.request_sample", default: "100", kind: Kind::Count(0, 1_000_000), applies: Applies::Reload,
        why: "Log one successful request in so many; 0 logs none, 1 all. Failures are always logged.", ..BASE },
];

/// The row of `key`.
pub fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_unique_and_defaults_pass_their_own_check() {
        let mut seen = BTreeSet::new();
        for setting in SETTINGS {
            assert!(seen.insert(setting.key), "{} stands twice", setting.key);
            assert!(setting.key.contains('.') && !setting.why.is_empty(), "{}", setting.key);
            assert_eq!(setting.check(setting.default), Ok(()), "{}", setting.key);
        }
    }

    #[test]
    fn settings_of_a_section_stand_together() {
        let mut sections: Vec<_> = SETTINGS.iter().map(Setting::section).collect();
        sections.dedup();
        let unique: BTreeSet<_> = sections.iter().collect();
        assert_eq!(unique.len(), sections.len(), "{sections:?}");
    }

    #[test]
    fn the_port_of_the_table_is_the_constant() {
        assert!(setting("server.listen").unwrap().default.ends_with(&PORT.to_string()));
    }
}
