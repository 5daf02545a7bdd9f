//! `millpond backup` and `millpond restore`, with and without a running server.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use serde_json::Value;

use super::{
    client, files, filled, json, run,
    support::{
        api::{Client, Key},
        server::{SERVE, Server, millpond},
    },
};

/// A server on another directory below the same one.
fn serve_on(directory: &Path, data: &str) -> Server {
    let arguments = SERVE
        .replace("data --listen", &format!("{data} --listen"))
        .replace("port-file port", "port-file port2");
    Server::start(millpond(directory, &arguments))
}

fn port2(directory: &Path) -> u16 {
    fs::read_to_string(directory.join("port2")).unwrap().trim().parse().unwrap()
}

#[test]
fn a_backup_without_a_server_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 7);
    let (code, made) = json(dir.path(), "backup --data-dir data b");
    assert_eq!((code, &made["records"], &made["server_was_running"]), (Some(0), &7.into(), &false.into()));
    let restored = run(dir.path(), "restore b back");
    assert_eq!(restored.code, Some(0), "{}", restored.log);
    assert!(restored.page.starts_with("good: 1 streams"), "{}", restored.page);
    assert!(!dir.path().join("back/credentials.toml").try_exists().unwrap(), "keys only when asked for");
    let server = serve_on(dir.path(), "back");
    let key = Key::of(&dir.path().join("back"));
    let old = Key::of(&dir.path().join("data"));
    assert_ne!(key.project, old.project, "a server without keys makes new ones");
    assert_eq!(server.stop().code, Some(0));
    for (command, told) in [
        ("restore b back", "not empty"),
        ("restore nothing other", "no MANIFEST.json"),
        ("backup --data-dir nothing other", "no data directory"),
        ("backup --data-dir data b", "not empty"),
        ("backup --data-dir data data/b", "lies in the data directory"),
    ] {
        let refused = run(dir.path(), command);
        assert!(matches!(refused.code, Some(1 | 3)), "{command}: {}", refused.log);
        assert!(refused.log.contains(told), "{command}: {}", refused.log);
    }
    assert!(!dir.path().join("nothing").try_exists().unwrap());
    let segment = files(&dir.path().join("b"), ".seg").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&segment, bytes).unwrap();
    let refused = run(dir.path(), "restore b another");
    assert_eq!(refused.code, Some(3), "{}", refused.log);
    assert!(refused.log.contains(".seg is damaged"), "{}", refused.log);
    assert!(!dir.path().join("another").try_exists().unwrap());
}

/// A server under load makes backups of itself; each has all that was acknowledged before it began.
#[test]
fn a_running_server_makes_backups_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serve(dir.path());
    let mut operator = client(&server, dir.path());
    operator.create_stream("s", 2);
    operator.create_app("a");
    let (stop, acked) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = client(&server, dir.path());
            while !stop.load(Ordering::Relaxed) {
                let number = client.put_one("s", 0, "under load");
                acked.store(number + 1, Ordering::Release);
                client.commit(("a", "s", 0), number, "").unwrap();
            }
        });
        for round in 0..3 {
            let before = acked.load(Ordering::Acquire);
            let (code, made) =
                json(dir.path(), &format!("backup --data-dir data --with-credentials b{round}"));
            assert_eq!((code, &made["server_was_running"]), (Some(0), &true.into()), "{made}");
            let restored = run(dir.path(), &format!("restore b{round} r{round}"));
            assert_eq!(restored.code, Some(0), "{}{}", restored.page, restored.log);
            let other = serve_on(dir.path(), &format!("r{round}"));
            let key = Key::of(&dir.path().join("data"));
            let mut client = Client::new(port2(dir.path()), &key);
            let records = client.read_partition("s", 0).len() as u64;
            assert!(records >= before, "{records} of {before} acknowledged");
            if let Some((number, _)) = client.checkpoint(("a", "s", 0)) {
                assert!(number < records, "a checkpoint at {number} of {records}");
            }
            assert_eq!(other.stop().code, Some(0));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(acked.load(Ordering::Relaxed) > 0);
    assert_eq!(server.stop().code, Some(0));
}

fn socket(dir: &Path) -> std::path::PathBuf {
    dir.join("data/control.sock")
}

/// One request on the control socket; all lines of the answer.
fn asked(dir: &Path, request: &str) -> Vec<Value> {
    let mut stream = UnixStream::connect(socket(dir)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    writeln!(stream, "{request}").unwrap();
    BufReader::new(stream).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

#[test]
fn the_control_socket_is_its_owners_and_goes_with_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serve(dir.path());
    let found = fs::metadata(socket(dir.path())).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let long = "x".repeat(60_000);
    for request in ["", "hello", "{}", r#"{"command":"format"}"#, r#"{"command":"backup","to":"x"}"#, &long] {
        let [answer] = asked(dir.path(), request).try_into().unwrap();
        assert!(answer["error"].as_str().unwrap().starts_with("not a request"), "{answer}");
    }
    let relative = asked(dir.path(), r#"{"command":"backup","to":"x","with_credentials":false}"#);
    assert_eq!(relative[0]["error"], "the path must be absolute");
    let ended = server.kill();
    assert_eq!(ended.code, None);
    assert!(socket(dir.path()).try_exists().unwrap(), "stale");
    assert_eq!(json(dir.path(), "backup --data-dir data b").0, Some(0), "a stale one is nobody");
    let server = Server::serve(dir.path());
    let to = dir.path().join("c").display().to_string();
    let answers =
        asked(dir.path(), &format!(r#"{{"command":"backup","to":"{to}","with_credentials":false}}"#));
    assert!(answers.last().unwrap()["done"]["files"].as_u64().unwrap() > 2, "{answers:?}");
    assert_eq!(server.stop().code, Some(0));
    assert!(!socket(dir.path()).try_exists().unwrap());
}

#[test]
fn where_there_can_be_no_socket_the_server_runs_without() {
    let dir = tempfile::tempdir().unwrap();
    let long = "d".repeat(120);
    let server =
        Server::start(millpond(dir.path(), &SERVE.replace("data --listen", &format!("{long} --listen"))));
    assert!(server.log().contains("no control socket"), "{}", server.log());
    let refused = run(dir.path(), &format!("backup --data-dir {long} b"));
    assert_eq!(refused.code, Some(1));
    assert!(refused.log.contains("in use"), "{}", refused.log);
    assert_eq!(server.stop().code, Some(0));
}
