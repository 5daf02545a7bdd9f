//! `millpond check` and `millpond repair`, as an operator sees them.

use std::fs;

use super::{
    client, files, filled, json, run,
    support::server::{Server, snapshot},
};

#[test]
fn a_good_directory_is_good_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    let before = snapshot(dir.path());
    let (code, report) = json(dir.path(), "check data");
    assert_eq!((code, &report["good"], &report["records"]), (Some(0), &true.into(), &5.into()), "{report}");
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
    let told = run(dir.path(), "check data");
    assert_eq!(told.code, Some(0));
    assert!(told.page.starts_with("good: 1 streams, 1 partitions, 1 segments of "), "{}", told.page);
    assert_eq!(told.log, "", "no progress where nobody looks");
    let told = run(dir.path(), "repair data");
    assert_eq!(told.code, Some(0));
    assert!(told.page.starts_with("nothing is damaged"), "{}", told.page);
    assert!(before == snapshot(dir.path()));
}

#[test]
fn a_directory_in_use_or_of_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serve(dir.path());
    for command in ["check data", "repair data", "repair data --accept-loss"] {
        let refused = run(dir.path(), command);
        assert_eq!(refused.code, Some(1), "{command}: {}", refused.log);
        let holder = format!("(pid={})", server.pid());
        assert!(refused.log.contains("in use") && refused.log.contains(&holder), "{}", refused.log);
        let nothing = run(dir.path(), &command.replace("data", "nothing"));
        assert_eq!(nothing.code, Some(3), "{command}: {}", nothing.log);
    }
    assert!(!dir.path().join("nothing").try_exists().unwrap());
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn damage_is_told_and_given_up_when_told_to() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 9);
    let segment = files(&dir.path().join("data/streams"), ".seg").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(8).position(|bytes| bytes == b"record 4").unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let before = snapshot(dir.path());
    let (code, report) = json(dir.path(), "check data");
    let concern = &report["findings"][0]["concerns"];
    assert_eq!((code, &report["damage"]), (Some(3), &1.into()), "{report}");
    assert_eq!((&concern["stream_name"], &concern["first"]), (&"s".into(), &4.into()), "{report}");
    assert_eq!(concern["last"], 4, "{report}");
    let (code, told) = json(dir.path(), "repair data");
    assert_eq!((code, &told["changed"], &told["lost"][0]["first"]), (Some(3), &false.into(), &4.into()));
    assert!(before == snapshot(dir.path()), "nothing is changed by telling");
    let done = run(dir.path(), "repair data --accept-loss");
    assert_eq!(done.code, Some(0), "{}{}", done.page, done.log);
    let id = concern["stream_id"].as_str().unwrap();
    assert!(
        done.page.contains(&format!("gave up: stream s ({id}), partition 0, record 4\n")),
        "{}",
        done.page
    );
    assert!(done.page.contains("\ngood: 1 streams"), "{}", done.page);
    let kept =
        files(dir.path(), ".seg").into_iter().find(|path| path.to_str().unwrap().contains("damaged-2"));
    assert_eq!(fs::read(kept.unwrap()).unwrap(), bytes);
    let losses = fs::read_to_string(dir.path().join("data/losses.jsonl")).unwrap();
    assert_eq!(losses.lines().count(), 3, "{losses}");

    let server = Server::serve(dir.path());
    let mut client = client(&server, dir.path());
    assert_eq!(client.put_one("s", 0, "new"), 9, "numbers go on");
    let cursor = client.cursor("s", 0, 0).unwrap();
    let (records, next) = client.read(&cursor).unwrap();
    assert_eq!(records.len(), 4, "up to what was lost");
    let lost = client.call("GET", &format!("/records?partition-cursor={next}"), None).unwrap();
    assert_eq!((lost.status, lost.code()), (500, "DIS.5000".to_owned()));
    assert!(lost.text().contains("record 4 of partition") && lost.text().contains("go on at 5"), "{lost:?}");
    let cursor = client.cursor("s", 0, 5).unwrap();
    assert_eq!(client.read(&cursor).unwrap().0.len(), 5, "and from behind it");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_damaged_view_needs_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1);
    let path = dir.path().join("data/state.redb");
    let mut bytes = fs::read(&path).unwrap();
    bytes.iter_mut().skip(4096).for_each(|byte| *byte ^= 0x55);
    fs::write(&path, bytes).unwrap();
    let (code, report) = json(dir.path(), "check data");
    assert_eq!((code, &report["findings"][0]["path"]), (Some(3), &"state.redb".into()), "{report}");
    let refused = run(dir.path(), "repair data --accept-loss");
    assert_eq!(refused.code, Some(3), "{}", refused.log);
    assert!(
        refused.log.contains("restore a backup") && !refused.log.contains("panicked at"),
        "{}",
        refused.log
    );
}
