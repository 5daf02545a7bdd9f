//! Layering, origins, refusals.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use super::{defaults::SETTINGS, *};

/// Sources of a user with a home and nothing else.
fn plain() -> Sources {
    Sources { variables: variables(&[("HOME", "/home/u")]), ..Sources::default() }
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn write(dir: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn problems(sources: &Sources) -> Vec<String> {
    load(sources).err().expect("the configuration must be refused").0
}

/// `sources` must be refused with exactly one problem that contains every part of `parts`.
fn refused(sources: &Sources, parts: &[&str]) {
    let problems = problems(sources);
    assert_eq!(problems.len(), 1, "{problems:?}");
    for part in parts {
        assert!(problems[0].contains(part), "{part:?} is not in {problems:?}");
    }
}

fn origin(loaded: &Loaded, key: &str) -> String {
    loaded.values[key].origin.to_string()
}

#[test]
fn without_any_source_the_defaults_hold() {
    let Config { server, auth, identity, bootstrap, storage, log, tls, limits, .. } =
        load(&plain()).unwrap_or_else(|p| panic!("{p}")).config;
    assert_eq!(server.listen, "127.0.0.1:7347".parse().unwrap());
    assert_eq!((server.connections_max, server.body_bytes_max), (10_000, 8 << 20));
    assert_eq!(
        (server.keep_alive_idle, server.body_timeout),
        (Duration::from_secs(75), Duration::from_mins(1))
    );
    assert!(!auth.allow_anonymous && auth.public_hosts.is_empty() && auth.keys_file.is_none());
    assert_eq!(auth.unsigned_payload, UnsignedPayload::NotJson);
    assert_eq!(limits.service, millpond_service::Settings::default());
    assert_eq!((limits.auth_block, limits.requests_per_second_per_project), (None, None));
    assert_eq!((identity.public_url, identity.token_life), (None, Duration::from_hours(24)));
    assert_eq!((&*identity.domain_id, &*identity.domain_name), ("default", "Default"));
    assert!(bootstrap.user.is_none(), "nobody logs in unless somebody is asked for");
    assert!(tls.certificate.is_none());
    assert_eq!(log.format, LogFormat::Auto);
    assert!(storage.data_dir.ends_with("millpond"));
}

#[test]
fn a_later_source_wins_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let system = write(
        &dir,
        "system.toml",
        "[server]\nconnections_max = 1\nheader_timeout = \"1s\"\ndrain_timeout = \"1s\"",
    );
    let named = write(
        &dir,
        "named.toml",
        "[server]\nheader_timeout = \"2s\"\ndrain_timeout = \"2s\"\n[auth]\npublic_hosts = [\"a\", \"b\"]",
    );
    let sources = Sources {
        system_file: Some(system.clone()),
        file: Some(named.clone()),
        variables: variables(&[
            ("HOME", "/h"),
            ("MILLPOND_SERVER__DRAIN_TIMEOUT", "3s"),
            ("MILLPOND_LISTEN", "127.0.0.1:1"),
        ]),
        flags: vec![FlagValue { key: "server.listen".into(), text: "127.0.0.1:2".into(), flag: "--listen" }],
        ..Sources::default()
    };
    let loaded = load(&sources).unwrap_or_else(|p| panic!("{p}"));
    let server = &loaded.config.server;
    assert_eq!(
        (
            server.connections_max,
            server.header_timeout.as_secs(),
            server.drain_timeout.as_secs(),
            server.listen.port()
        ),
        (1, 2, 3, 2)
    );
    assert_eq!(loaded.config.auth.public_hosts, ["a", "b"]);
    assert_eq!(origin(&loaded, "server.connections_max"), format!("file {}", system.display()));
    assert_eq!(origin(&loaded, "server.header_timeout"), format!("file {}", named.display()));
    assert_eq!(origin(&loaded, "server.drain_timeout"), "environment MILLPOND_SERVER__DRAIN_TIMEOUT");
    assert_eq!(origin(&loaded, "server.listen"), "flag --listen");
    assert_eq!(origin(&loaded, "server.body_timeout"), "default");
    assert_eq!(origin(&loaded, "storage.data_dir"), "the user's directory (HOME)");
}

#[test]
fn the_named_file_must_be_there_and_the_systems_need_not() {
    let missing = Sources { system_file: Some("/nonexistent/a.toml".into()), ..plain() };
    assert!(load(&missing).is_ok());
    let mut named = plain();
    named.variables.insert("MILLPOND_CONFIG".into(), "/nonexistent/b.toml".into());
    refused(&named, &["/nonexistent/b.toml", "cannot be read"]);
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let file = |text: &str| Sources { file: Some(write(&dir, "c.toml", text)), ..plain() };
    refused(&file("[server]\nlisen = \"127.0.0.1:1\""), &["server.lisen", "did you mean server.listen?"]);
    refused(&file("[sever]\nlisten = \"127.0.0.1:1\""), &["sever.listen", "did you mean server.listen?"]);
    refused(&file("listen = \"127.0.0.1:1\""), &["no setting listen", "config reference"]);
    refused(&file("[server\n"), &["c.toml line 1:"]);
    let environment = |name: &str| {
        let mut sources = plain();
        sources.variables.insert(name.to_owned(), "1".to_owned());
        sources
    };
    refused(&environment("MILLPOND_SERVER__CONECTIONS_MAX"), &["did you mean server.connections_max?"]);
    refused(&environment("MILLPOND_LGO__LEVEL"), &["did you mean log.level?"]);
    let loaded = load(&environment("MILLPOND_DATADIR")).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(loaded.warnings, ["MILLPOND_DATADIR is not a setting; did you mean MILLPOND_DATA_DIR?"]);
    assert!(load(&environment("MILLPOND_OUTPUT")).unwrap_or_else(|p| panic!("{p}")).warnings.is_empty());
}

#[test]
fn values_are_checked_where_they_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = |text: &str| Sources { file: Some(write(&dir, "c.toml", text)), ..plain() };
    refused(
        &file("[server]\nbody_bytes_max = 8388608"),
        &["server.body_bytes_max", "c.toml", "with its unit"],
    );
    refused(&file("[server]\nbody_bytes_max = \"8388608\""), &["\"8388608\" is not a size with its unit"]);
    refused(&file("[server]\ndrain_timeout = 5"), &["server.drain_timeout", "time span with its unit"]);
    refused(&file("[auth]\nallow_anonymous = \"yes\""), &["auth.allow_anonymous", "true or false"]);
    refused(&file("[storage]\ndurability = \"os\""), &["storage.durability", "one of sync"]);
    refused(&file("[tls]\ncertificate = \"c.pem\""), &["belong together"]);
    refused(&file("[identity]\npublic_url = \"dis.example.com\""), &["identity.public_url", "is not a URL"]);
    refused(&file("[identity]\ntoken_life = \"1s\""), &["identity.token_life", "from \"1m\""]);
    refused(&file("[bootstrap]\npassword = \"p\""), &["bootstrap.user", "belong together"]);
    let both = problems(&file("[server]\nheaders_max = 1\nhead_bytes_max = \"1KiB\""));
    assert_eq!(both.len(), 2, "all problems at once: {both:?}");
}

#[test]
fn anonymous_access_stays_on_loopback() {
    let with = |listen: &str| {
        let mut sources = plain();
        sources.variables.insert("MILLPOND_ALLOW_ANONYMOUS".into(), "true".into());
        sources.variables.insert("MILLPOND_LISTEN".into(), listen.into());
        sources
    };
    for listen in ["0.0.0.0:7347", "[::]:7347", "10.0.0.7:0"] {
        refused(&with(listen), &["auth.allow_anonymous", "loopback", listen]);
    }
    for listen in ["127.0.0.1:0", "[::1]:0", "127.8.8.8:1"] {
        assert!(load(&with(listen)).is_ok(), "{listen}");
    }
}

#[test]
fn secrets_come_from_files_too_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let secret = write(&dir, "sk", "very-s3cret\n");
    let mut sources = plain();
    sources.variables.insert("MILLPOND_BOOTSTRAP_AK".into(), "AK1".into());
    sources.variables.insert("MILLPOND_BOOTSTRAP_SK_FILE".into(), secret.display().to_string());
    let loaded = load(&sources).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(loaded.config.bootstrap.sk.as_ref().unwrap().expose(), "very-s3cret");
    assert_eq!(origin(&loaded, "bootstrap.sk"), "environment MILLPOND_BOOTSTRAP_SK_FILE");
    sources.variables.insert("MILLPOND_BOOTSTRAP_USER".into(), "ann".into());
    let password = write(&dir, "password", "hidden-s3cret\n");
    sources.variables.insert("MILLPOND_BOOTSTRAP_PASSWORD_FILE".into(), password.display().to_string());
    let loaded = load(&sources).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(loaded.config.bootstrap.password.as_ref().unwrap().expose(), "hidden-s3cret");
    let everything =
        [origins_table(&loaded.values), origins_json(&loaded.values), format!("{:?}", loaded.config)];
    for shown in everything {
        assert!(shown.contains("(redacted)") && !shown.contains("s3cret"), "{shown}");
    }
    sources.variables.insert("MILLPOND_BOOTSTRAP_SK".into(), "another".into());
    refused(&sources, &["MILLPOND_BOOTSTRAP_SK and MILLPOND_BOOTSTRAP_SK_FILE are both set"]);
}

#[test]
fn a_bad_secret_is_not_repeated_in_the_message() {
    let mut sources = plain();
    sources.variables.insert("MILLPOND_BOOTSTRAP_SK".into(), "s3cret\nline".into());
    let problems = problems(&sources);
    assert!(!problems[0].contains("s3cret"), "{problems:?}");
}

#[test]
fn development_relaxes_and_can_be_overruled() {
    let mut sources = Sources { development: true, system_file: Some("/nonexistent".into()), ..plain() };
    let loaded = load(&sources).unwrap_or_else(|p| panic!("{p}"));
    assert!(loaded.config.auth.allow_anonymous);
    assert_eq!(loaded.config.storage.data_dir, PathBuf::from("./.millpond"));
    assert_eq!(origin(&loaded, "auth.allow_anonymous"), "development mode");
    assert_eq!(loaded.config.bootstrap.user.as_deref(), Some("dev"));
    sources.variables.insert("MILLPOND_ALLOW_ANONYMOUS".into(), "false".into());
    assert!(!load(&sources).unwrap_or_else(|p| panic!("{p}")).config.auth.allow_anonymous);
}

#[test]
fn every_setting_has_its_variable() {
    for setting in SETTINGS {
        let mut sources = plain();
        let text = match (setting.default, setting.kind) {
            ("", Kind::Url) => "http://a",
            ("", _) => "a",
            (default, _) => default,
        };
        sources.variables.insert(setting.long_env(), text.to_owned());
        let found = match load(&sources) {
            Ok(loaded) => origin(&loaded, setting.key),
            // Half a pair: refused, but known.
            Err(problems) if problems.0.iter().all(|problem| problem.contains("belong together")) => continue,
            Err(problems) => panic!("{}: {problems}", setting.key),
        };
        assert_eq!(found, format!("environment {}", setting.long_env()));
    }
}

#[test]
fn changes_name_what_needs_a_restart() {
    let before = load(&plain()).unwrap_or_else(|p| panic!("{p}"));
    let mut sources = plain();
    sources.variables.insert("MILLPOND_LOG_LEVEL".into(), "debug".into());
    sources.variables.insert("MILLPOND_LISTEN".into(), "127.0.0.1:1".into());
    let after = load(&sources).unwrap_or_else(|p| panic!("{p}"));
    let changed: Vec<_> =
        before.changes(&after).iter().map(|setting| (setting.key, setting.applies)).collect();
    assert_eq!(changed, [("server.listen", Applies::Restart), ("log.level", Applies::Reload)]);
}

#[test]
fn the_first_file_is_valid_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let text = init_file();
    let commented = write(&dir, "a.toml", &text);
    let loaded = load(&Sources { file: Some(commented), ..plain() }).unwrap_or_else(|p| panic!("{p}"));
    assert!(loaded.values.values().all(|value| !matches!(value.origin, Origin::File(_))));
    // With every shown default uncommented it is still valid, but for those that have none.
    let active = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") && !rest.ends_with(r#"= """#) && !rest.ends_with("= []") => rest,
        _ => line,
    });
    let active = active.collect::<Vec<_>>().join("\n");
    let active = write(&dir, "b.toml", &active);
    let loaded = load(&Sources { file: Some(active), ..plain() }).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(loaded.config.server.connections_max, 10_000);
    assert!(loaded.values.values().any(|value| matches!(value.origin, Origin::File(_))));
}

#[test]
fn the_printed_origins_are_one_json_document() {
    let loaded = load(&plain()).unwrap_or_else(|p| panic!("{p}"));
    let rows: Vec<serde_json::Value> = serde_json::from_str(&origins_json(&loaded.values)).unwrap();
    assert_eq!(rows.len(), SETTINGS.len());
    assert_eq!(
        rows[0],
        serde_json::json!({"key": "server.listen", "value": "127.0.0.1:7347", "origin": "default"})
    );
    assert_eq!(rows[1]["value"], serde_json::Value::Null);
    assert_eq!(origins_table(&loaded.values).lines().count(), SETTINGS.len() + 1);
}

#[test]
fn the_reference_in_docs_is_current() {
    let committed = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md"));
    assert!(committed == reference(), "docs/config.md is old: `millpond config reference > docs/config.md`");
}

#[test]
fn the_public_address_has_no_slash_at_its_end() {
    let mut sources = plain();
    sources.variables.insert("MILLPOND_IDENTITY__PUBLIC_URL".into(), "https://dis.example.com/base/".into());
    let identity = load(&sources).unwrap_or_else(|p| panic!("{p}")).config.identity;
    assert_eq!(identity.public_url.as_deref(), Some("https://dis.example.com/base"));
}

/// Sources with this profile, and nothing else.
fn in_profile(profile: &str) -> Sources {
    let mut sources = plain();
    sources.variables.insert("MILLPOND_PROFILE".into(), profile.into());
    sources
}

#[test]
fn the_profile_cloud_has_the_documented_numbers() {
    use millpond_http_api::AuthBlock;
    use millpond_service::{FlowSettings, ScalingRate, Settings, Throughput};
    let loaded = load(&in_profile("cloud")).unwrap_or_else(|p| panic!("{p}"));
    let limits = loaded.config.limits;
    let mut expected = Settings {
        partition_quota_common: Some(50),
        partition_quota_advanced: Some(10),
        app_quota: Some(100),
        scaling_rate: ScalingRate { ups_per_hour: Some(10), downs_per_hour: Some(1) },
        flow: FlowSettings {
            common: Throughput::COMMON,
            advanced: Throughput::ADVANCED,
            ..FlowSettings::default()
        },
        ..Settings::default()
    };
    (expected.limits.retention.min, expected.limits.retention.max) = (24, 72);
    assert_eq!(limits.service, expected);
    let block = AuthBlock { failures: 20, time: Duration::from_mins(30) };
    assert_eq!((limits.auth_block, limits.requests_per_second_per_project), (Some(block), None));
    assert_eq!(loaded.values["limits.apps_per_project"].origin.to_string(), "profile cloud");
    assert_eq!(loaded.values["limits.burst"].origin.to_string(), "default");
}

#[test]
fn single_settings_overrule_the_profile_whatever_their_source() {
    let dir = tempfile::tempdir().unwrap();
    let mut sources = in_profile("cloud");
    let text =
        "[limits]\nprofile = \"default\"\napps_per_project = 7\ncommon_get_bytes_per_second = \"unlimited\"";
    sources.file = Some(write(&dir, "c.toml", text));
    sources.variables.insert("MILLPOND_LIMITS__ADVANCED_PUT_RECORDS_PER_SECOND".into(), "3000".into());
    let flag = |key: &str, text: &str| FlagValue { key: key.into(), text: text.into(), flag: "--set" };
    sources.flags = vec![flag("limits.auth_failures_per_address", "unlimited")];
    let service = |sources: &Sources| {
        let limits = load(sources).unwrap_or_else(|p| panic!("{p}")).config.limits;
        assert_eq!(limits.auth_block, None);
        limits.service
    };
    let chosen = service(&sources);
    assert_eq!((chosen.app_quota, chosen.partition_quota_common), (Some(7), Some(50)));
    assert_eq!((chosen.flow.common.get_bytes, chosen.flow.common.put_bytes), (None, Some(1 << 20)));
    assert_eq!(chosen.flow.advanced.put_records, Some(3000));
    // The profile itself has a source like any other: the flag wins over the variable.
    sources.flags.push(flag("limits.profile", "default"));
    let chosen = service(&sources);
    assert_eq!((chosen.app_quota, chosen.partition_quota_common), (Some(7), None));
    assert_eq!(chosen.flow.advanced.put_records, Some(3000));
    refused(&in_profile("strict"), &["limits.profile", "one of default, cloud"]);
}

#[test]
fn every_limit_is_read_into_its_place() {
    let debug = |key: &str, text: &str| {
        let mut sources = plain();
        sources.flags = vec![
            // A block that never happens has no time.
            FlagValue { key: "limits.auth_failures_per_address".into(), text: "9".into(), flag: "--set" },
            FlagValue { key: key.into(), text: text.into(), flag: "--set" },
        ];
        let loaded = load(&sources).unwrap_or_else(|p| panic!("{key}: {p}"));
        format!("{:#?}", loaded.config.limits)
    };
    let base = debug("limits.auth_failures_per_address", "9");
    let own = |setting: &Setting| match (setting.key, setting.kind) {
        ("limits.profile", _) => "cloud".to_owned(),
        ("limits.auth_failures_per_address", _) => "8".to_owned(),
        ("limits.cursor_chars_max", _) => "500".to_owned(),
        ("limits.retention_hours_min" | "limits.retention_hours_default", _) => "23".to_owned(),
        ("limits.retention_hours_max", _) => "100".to_owned(),
        (_, Kind::Count(..)) if setting.key.ends_with("_page_default") => "3".to_owned(),
        (_, Kind::Count(..)) if setting.key.ends_with("_page_max") => "1001".to_owned(),
        (_, Kind::Count(..) | Kind::Quota(_)) => "7".to_owned(),
        (_, Kind::Size(..) | Kind::SizeQuota(..)) => "7KiB".to_owned(),
        (_, Kind::Span(..)) if setting.key == "limits.metrics_period_max" => "7h".to_owned(),
        (_, Kind::Span(..)) => "31s".to_owned(),
        (key, kind) => panic!("{key} {kind:?} has no row here"),
    };
    let mut seen = BTreeSet::new();
    for setting in SETTINGS.iter().filter(|setting| setting.section() == "limits") {
        let changed = debug(setting.key, &own(setting));
        assert_ne!(changed, base, "{} does nothing", setting.key);
        assert!(seen.insert(changed), "{} does what another one does", setting.key);
    }
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let check = |settings: &[(&str, &str)], part: &str| {
        let mut sources = plain();
        let flag = |&(key, text): &(&str, &str)| FlagValue {
            key: format!("limits.{key}"),
            text: text.into(),
            flag: "--set",
        };
        sources.flags = settings.iter().map(flag).collect();
        refused(&sources, &[part]);
    };
    check(&[("retention_hours_max", "23")], "limits.retention_hours_default is 24");
    check(&[("retention_hours_min", "25")], "limits.retention_hours_default is 24");
    check(
        &[("apps_page_max", "9")],
        "limits.apps_page_default is 10: choose at most limits.apps_page_max, 9",
    );
    check(&[("task_interval_min", "16m")], "limits.task_interval_min is longer");
    check(&[("common_put_bytes_per_second", "1000")], "\"unlimited\" or a size with its unit");
    check(&[("scale_ups_per_hour", "20")], "from 1 to 19");
}
