//! Files of keys: first start, merging, editing, refusals.

use std::{fs, os::unix::fs::PermissionsExt as _};

use millpond_model::Timestamp;

use super::super::*;
use super::*;
use crate::config::Bootstrap;

const NOTHING: Bootstrap = Bootstrap { project_id: None, ak: None, sk: None, user: None, password: None };

fn bootstrap(ak: &str, sk: &str) -> Bootstrap {
    let sk = Some(Secret::new(sk.into()));
    Bootstrap { project_id: Some("p1".into()), ak: Some(ak.into()), sk, ..NOTHING }
}

fn entry(project: &str, ak: &str, sk: &str) -> String {
    format!("[[key]]\nproject_id = \"{project}\"\nak = \"{ak}\"\nsk = \"{sk}\"\n")
}

fn user(name: &str, password: &str, projects: &str) -> String {
    format!("[[user]]\nname = \"{name}\"\npassword = \"{password}\"\nprojects = {projects}\n")
}

fn project(id: &str, name: &str) -> String {
    format!("[[project]]\nid = \"{id}\"\nname = \"{name}\"\n")
}

#[test]
fn the_first_start_creates_one_key_and_later_ones_keep_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = prepare(dir.path(), None, &NOTHING).unwrap();
    let created = first.created.expect("the first start creates a key");
    assert_eq!(fs::metadata(&first.credentials).unwrap().permissions().mode() & 0o777, 0o600);
    let second = prepare(dir.path(), None, &NOTHING).unwrap();
    assert!(second.created.is_none() && second.warnings.is_empty(), "{second:?}");
    assert_eq!(second.keys.entries().collect::<Vec<_>>(), [&created]);
}

#[test]
fn bootstrap_applies_once_and_says_so_when_it_differs() {
    let dir = tempfile::tempdir().unwrap();
    let created = prepare(dir.path(), None, &bootstrap("AK1", "s1")).unwrap().created.unwrap();
    assert_eq!((created.project_id.as_str(), created.ak.as_str(), created.sk.expose()), ("p1", "AK1", "s1"));
    let check = |bootstrap: &Bootstrap, warned: bool| {
        let again = prepare(dir.path(), None, bootstrap).unwrap();
        assert!(again.created.is_none());
        assert_eq!(again.keys.entries().map(|key| key.sk.expose()).collect::<Vec<_>>(), ["s1"]);
        assert_eq!(again.warnings.len(), usize::from(warned), "{:?}", again.warnings);
        assert!(
            again.warnings.iter().all(|warning| warning.contains("is ignored") && !warning.contains("s2"))
        );
    };
    check(&bootstrap("AK1", "s1"), false);
    check(&bootstrap("AK1", "s2"), true);
    check(&bootstrap("AK2", "s1"), true);
    check(&NOTHING, false);
}

#[test]
fn two_files_are_one_set_of_keys() {
    let dir = tempfile::tempdir().unwrap();
    let keys_file = dir.path().join("keys.toml");
    prepare(dir.path(), None, &bootstrap("AK1", "s1")).unwrap();
    let load = |text: &str| {
        fs::write(&keys_file, text).unwrap();
        prepare(dir.path(), Some(&keys_file), &NOTHING)
    };
    assert_eq!(load(&entry("p2", "AK2", "s2")).unwrap().keys.len(), 2);
    assert_eq!(load(&entry("p1", "AK1", "s1")).unwrap().keys.len(), 1, "the same key in both files is one");
    let error = load(&entry("p1", "AK1", "other")).unwrap_err().to_string();
    assert!(error.contains("AK1") && error.contains("keys.toml") && error.contains(CREDENTIALS), "{error}");
    let twice = entry("p2", "AK2", "s2").repeat(2);
    assert!(load(&twice).unwrap_err().to_string().contains("keys.toml"));
    fs::remove_file(&keys_file).unwrap();
    assert!(matches!(prepare(dir.path(), Some(&keys_file), &NOTHING), Err(KeysError::Io { .. })));
}

#[test]
fn a_conflict_on_the_first_start_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let keys_file = dir.path().join("keys.toml");
    fs::write(&keys_file, entry("p1", "AK1", "other")).unwrap();
    assert!(prepare(dir.path(), Some(&keys_file), &bootstrap("AK1", "s1")).is_err());
    assert!(!dir.path().join(CREDENTIALS).try_exists().unwrap());
}

#[test]
fn bad_files_are_refused_without_quoting_them() {
    let dir = tempfile::tempdir().unwrap();
    let keys_file = dir.path().join("keys.toml");
    let check = |text: &str, part: &str| {
        fs::write(&keys_file, text).unwrap();
        let error = prepare(dir.path(), Some(&keys_file), &NOTHING).unwrap_err().to_string();
        assert!(error.contains("keys.toml") && error.contains(part), "{text:?}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    };
    check("[[key]]\nproject_id = \"p\"\nak = \"a\"\nsk = s3cret\n", "line 4");
    check("[[key]]\nproject_id = \"p\"\nak = \"a\"\nsk = [\"s3cret\"]\n", "line 4");
    check("[[key]]\nproject_id = \"p\"\nak = \"a\"\n", "line 1");
    check("[[key]]\nproject_id = \"p\"\nak = \"a\"\nsk = \"b\"\nscret = \"s3cret\"", "line 5");
    check(&entry("no/slash", "a", "s3cret"), "key 1: project_id");
    check(&entry("p", "a/b", "s3cret"), "key 1: ak");
    check(&entry("p", "a", ""), "key 1: sk");
    check("[[keys]]\n", "line 1");
    let temporary =
        |at: &str| format!("{}security_token = \"s3cret\"\nexpires_at = {at}\n", entry("p", "a", "b"));
    check(&temporary("\"2026-12-24T18:00:00Z\""), "line 6");
    check(&temporary("2026-12-24"), "key 1: expires_at: a date and time with its offset");
    check(&temporary("2026-12-24T18:00:00"), "key 1: expires_at: a date and time with its offset");
    let permanent = format!("{}expires_at = 2026-12-24T18:00:00Z\n", entry("p", "a", "s3cret"));
    check(&permanent, "key 1: expires_at: belongs to a security_token");
    check(&user("", "s3cret", "[\"p\"]"), "user 1: name");
    check(&user("u", "", "[\"p\"]"), "user 1: password");
    check(&user("u", "s3cret", "[]"), "user 1: projects");
    check(&user("u", "s3cret", "[\"a b\"]"), "user 1: projects");
    check(&user("u", "s3cret", "\"p\""), "line 4");
    check(&(user("u", "s3cret", "[\"p\"]") + &user("u", "s3cret", "[\"p\"]")), "the user u is already in");
    check(&project("a b", "n"), "project 1: id");
    check(&project("p", ""), "project 1: name");
    check(&(project("p", "n") + &project("p", "m")), "the project p is already in");
    check(&(project("p", "n") + &project("q", "n")), "the name of a project n is already in");
}

#[test]
fn tokens_are_optional_and_unique() {
    let dir = tempfile::tempdir().unwrap();
    let keys_file = dir.path().join("keys.toml");
    let with_token = |ak: &str| format!("{}token = \"t1\"\nsecurity_token = \"t2\"\n", entry("p", ak, "s"));
    fs::write(&keys_file, with_token("A")).unwrap();
    let keys = prepare(dir.path(), Some(&keys_file), &bootstrap("B", "s")).unwrap().keys;
    let key = keys.entries().find(|key| key.ak == "A").unwrap();
    assert_eq!(key.token.as_ref().map(Secret::expose), Some("t1"));
    assert_eq!(key.security_token.as_ref().map(Secret::expose), Some("t2"));
    assert!(!format!("{keys:?}").contains("t1"));
    fs::write(&keys_file, with_token("A") + &with_token("C")).unwrap();
    let error = prepare(dir.path(), Some(&keys_file), &NOTHING).unwrap_err().to_string();
    assert!(error.contains("token, of the access key C"), "{error}");
}

#[test]
fn keys_are_created_listed_and_revoked_offline() {
    let dir = tempfile::tempdir().unwrap();
    let one = create(dir.path(), NewKey::default()).unwrap();
    let two = create(dir.path(), NewKey { ak: Some("TWO".into()), ..NewKey::default() }).unwrap();
    assert_eq!(one.project_id, two.project_id, "a further key reaches the same streams");
    assert_eq!(list(dir.path()).unwrap(), [one.clone(), two]);
    assert!(matches!(
        create(dir.path(), NewKey { ak: Some("TWO".into()), ..NewKey::default() }),
        Err(KeysError::Duplicate { .. })
    ));
    revoke(dir.path(), "TWO").unwrap();
    assert!(matches!(revoke(dir.path(), "TWO"), Err(KeysError::Unknown { .. })));
    assert_eq!(list(dir.path()).unwrap(), [one]);
}

#[test]
fn a_file_that_others_may_read_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let first = prepare(dir.path(), None, &NOTHING).unwrap();
    fs::set_permissions(&first.credentials, fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = prepare(dir.path(), None, &NOTHING).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("chmod 600"), "{warnings:?}");
}

#[test]
fn temporary_keys_end_at_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let keys_file = dir.path().join("keys.toml");
    let check = |at: &str, millis: i64| {
        let text = format!("{}security_token = \"t\"\nexpires_at = {at}\n", entry("p", "A", "s"));
        fs::write(&keys_file, text).unwrap();
        let keys = reread(dir.path(), Some(&keys_file)).unwrap().keys;
        assert_eq!(keys.entries().next().unwrap().expires().map(Timestamp::as_millis), Some(millis), "{at}");
    };
    check("2026-01-15T08:30:00Z", 1_768_465_800_000);
    check("2026-01-15T09:30:00.5+01:00", 1_768_465_800_500);
    check("2026-01-15 08:30:00Z", 1_768_465_800_000);
}

/// With a data directory that knows of no users yet, and with a new one.
#[test]
fn the_first_user_is_created_once_in_the_first_keys_project() {
    for has_keys in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        if has_keys {
            prepare(dir.path(), None, &bootstrap("AK1", "s1")).unwrap();
        }
        let with = |user: &str, password: Option<&str>| Bootstrap {
            user: Some(user.into()),
            password: password.map(|password| Secret::new(password.into())),
            ..bootstrap("AK1", "s1")
        };
        let first = prepare(dir.path(), None, &with("ann", None)).unwrap();
        let created = first.created_user.expect("the first start with a user creates it");
        assert_eq!((created.name.as_str(), created.password.expose().len()), ("ann", 40));
        assert_eq!(created.projects, ["p1"]);
        assert_eq!(first.keys.users().collect::<Vec<_>>(), [&created]);
        assert_eq!((first.created.is_some(), first.keys.len()), (!has_keys, 1));
        let check = |bootstrap: &Bootstrap, warned: bool| {
            let again = prepare(dir.path(), None, bootstrap).unwrap();
            assert!(again.created_user.is_none() && again.created.is_none());
            assert_eq!(again.keys.users().collect::<Vec<_>>(), [&created]);
            assert_eq!(again.warnings.len(), usize::from(warned), "{:?}", again.warnings);
            assert!(again.warnings.iter().all(|warning| !warning.contains("s3cret")));
        };
        check(&with("ann", None), false);
        check(&with("ann", Some(created.password.expose())), false);
        check(&with("ann", Some("s3cret")), true);
        check(&with("bob", None), true);
        check(&NOTHING, false);
    }
}

/// `millpond key` writes the whole file.
#[test]
fn editing_keys_keeps_users_and_projects() {
    let dir = tempfile::tempdir().unwrap();
    let temporary =
        format!("{}security_token = \"t\"\nexpires_at = 2026-01-15T08:30:00Z\n", entry("p", "A", "s"));
    let text = temporary + &user("ann", "secret", "[\"p\", \"q\"]") + &project("p", "name of p");
    fs::write(dir.path().join(CREDENTIALS), text).unwrap();
    let before = reread(dir.path(), None).unwrap().keys;
    create(dir.path(), NewKey { ak: Some("TWO".into()), ..NewKey::default() }).unwrap();
    revoke(dir.path(), "TWO").unwrap();
    let after = reread(dir.path(), None).unwrap().keys;
    assert_eq!(before.users().collect::<Vec<_>>(), after.users().collect::<Vec<_>>());
    assert_eq!(before.projects().collect::<Vec<_>>(), after.projects().collect::<Vec<_>>());
    assert_eq!(before.entries().collect::<Vec<_>>(), after.entries().collect::<Vec<_>>());
    assert_eq!(after.projects().next().unwrap().name, "name of p");
    assert!(!format!("{after:?}").contains("secret\""), "{after:?}");
}
