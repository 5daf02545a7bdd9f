//! Files of keys: first start, merging, editing, refusals.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::super::*;
use super::*;
use crate::config::Bootstrap;

const NOTHING: Bootstrap = Bootstrap { project_id: None, ak: None, sk: None };

fn bootstrap(ak: &str, sk: &str) -> Bootstrap {
    Bootstrap { project_id: Some("p1".into()), ak: Some(ak.into()), sk: Some(Secret::new(sk.into())) }
}

fn entry(project: &str, ak: &str, sk: &str) -> String {
    format!("[[key]]\nproject_id = \"{project}\"\nak = \"{ak}\"\nsk = \"{sk}\"\n")
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
