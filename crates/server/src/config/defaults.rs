//! Every setting with its default and the reason for it. The one place for both.
//!
//! Numbers that a contract fixes name their source: `spec/NN §M`.

use std::time::Duration;

use bytesize::ByteSize;

use super::setting::{Applies, Kind, Setting};

/// The port of the API when none is named. Free of the usual neighbours (3000, 8080, 9090, 9092).
pub const PORT: u16 = 7347;

/// A row that most people leave alone, without short names.
const BASE: Setting = Setting {
    key: "",
    default: "",
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
        why: "Region that check_scope expects and that snippets show.", ..BASE },
    Setting { key: "auth.service", default: "dis", kind: Kind::Text,
        why: "Service that check_scope expects.", ..BASE },
    Setting { key: "auth.unsigned_payload", default: "not-json", kind: Kind::Choice(&["never", "not-json"]),
        why: "Which bodies may be left out of a signature. One client does so for everything but JSON (spec/01 §3.4).", ..BASE },
    Setting { key: "auth.public_hosts", kind: Kind::List, common: true,
        why: "Names under which clients reach the server when a proxy rewrites Host; tried as signed hosts (spec/01 §3.3).", ..BASE },

    // ---- bootstrap: the first key ------------------------------------------------------------
    Setting { key: "bootstrap.project_id", kind: Kind::Text, env: Some("MILLPOND_BOOTSTRAP_PROJECT_ID"),
        why: "Project of the key that the first start creates; random when absent.", ..BASE },
    Setting { key: "bootstrap.ak", kind: Kind::Text, env: Some("MILLPOND_BOOTSTRAP_AK"),
        why: "Access key that the first start creates; random when absent. Later starts ignore it, with a warning when it differs.", ..BASE },
    Setting { key: "bootstrap.sk", kind: Kind::Secret, env: Some("MILLPOND_BOOTSTRAP_SK"),
        why: "Its secret key; random when absent. There is no default secret.", ..BASE },

    // ---- storage -----------------------------------------------------------------------------
    Setting { key: "storage.data_dir", kind: Kind::Path, env: Some("MILLPOND_DATA_DIR"), flag: Some("--data-dir"), common: true,
        why: "Directory that holds everything. Unset: STATE_DIRECTORY of systemd, /var/lib/millpond for a system user, else millpond in the user's data directory.", ..BASE },
    Setting { key: "storage.durability", default: "sync", kind: Kind::Choice(&["sync"]),
        why: "When a record counts as stored. sync: it is on disk before it is acknowledged; the only mode.", ..BASE },
    Setting { key: "storage.journal_file_bytes", default: "64MiB", kind: Kind::Size(ByteSize::mib(1), ByteSize::gib(4)),
        why: "Size of one journal file. Larger files mean fewer marks and a longer start after a crash.", ..BASE },
    Setting { key: "storage.segment_bytes", default: "128MiB", kind: Kind::Size(ByteSize::mib(1), ByteSize::gib(4)),
        why: "Size at which the next segment begins. Retention removes whole segments.", ..BASE },

    // ---- limits: the size of the service, not of a request -------------------------------------
    Setting { key: "limits.common_partitions_per_project", default: "unlimited", kind: Kind::Quota,
        why: "ACTIVE partitions of all COMMON streams of one project (the cloud allows 50). Unlimited: quotas are for shared installations (spec/13 §2).", ..BASE },
    Setting { key: "limits.advanced_partitions_per_project", default: "unlimited", kind: Kind::Quota,
        why: "The same for ADVANCED streams (the cloud allows 10).", ..BASE },
    Setting { key: "limits.apps_per_project", default: "unlimited", kind: Kind::Quota,
        why: "Apps of one project.", ..BASE },

    // ---- log -----------------------------------------------------------------------------------
    Setting { key: "log.level", default: "info", kind: Kind::Filter, env: Some("MILLPOND_LOG_LEVEL"), flag: Some("--log-level"),
        applies: Applies::Reload, common: true,
        why: "error, warn, info, debug, trace, or a list such as \"info,millpond=debug\"." },
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
