//! What anybody may ask, and what tells that a server is ready.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::support::{
    api::{Client, Key},
    http::get,
    server::{SERVE, Server, millpond},
};

#[test]
fn health_and_metrics_need_no_key_and_the_api_does() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serve(dir.path());
    let (port, key) = (server.port(), Key::of(&dir.path().join("data")));
    let mut client = Client::new(port, &key);
    client.create_stream("s", 1);
    client.put_one("s", 0, "counted");
    for path in ["/healthz", "/readyz", "/startupz", "/version", "/metrics"] {
        let answer = get(port, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(answer.header("x-request-id").is_some(), "{path}: {answer:?}");
    }
    let metrics = get(port, "/metrics");
    for name in ["millpond_journal_groups_total", "millpond_journal_sync_seconds"] {
        let value = metrics.text().lines().find_map(|line| line.strip_prefix(name)?.split(' ').next_back());
        let value: f64 = value.unwrap_or_else(|| panic!("no {name} in\n{}", metrics.text())).parse().unwrap();
        assert!(value > 0.0, "{name} is {value}");
    }
    let refused = Client::anonymous(port, &key.project).call("GET", "/streams", None).unwrap();
    assert_eq!((refused.status, refused.code()), (401, "DIS.4101".to_owned()));
}

#[test]
fn the_first_start_makes_a_key_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serve(dir.path());
    let file = dir.path().join("data/credentials.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = Key::of(&dir.path().join("data"));
    Client::new(server.port(), &key).create_stream("s", 1);
    let other = Key { project: "another".to_owned(), ..key.clone() };
    let refused = Client::new(server.port(), &other).call("GET", "/streams", None).unwrap();
    assert_eq!((refused.status, refused.code()), (400, "DIS.4117".to_owned()));
    let wrong = Key { sk: key.sk.to_lowercase(), ..key };
    let refused = Client::new(server.port(), &wrong).call("GET", "/streams", None).unwrap();
    assert_eq!((refused.status, refused.code()), (401, "DIS.4112".to_owned()));
}

#[test]
fn the_bootstrap_key_signs() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = millpond(dir.path(), SERVE);
        command.envs([
            ("MILLPOND_BOOTSTRAP_PROJECT_ID", "p1"),
            ("MILLPOND_BOOTSTRAP_AK", "AK1"),
            ("MILLPOND_BOOTSTRAP_SK", "s3cret"),
        ]);
        Server::start(command)
    };
    let key = Key::new("p1", "AK1", "s3cret");
    let server = start();
    Client::new(server.port(), &key).create_stream("s", 1);
    assert_eq!(server.stop().code, Some(0));
    let server = start();
    assert!(!server.log().contains("ignored"), "the same key again is fine:\n{}", server.log());
    assert_eq!(Client::new(server.port(), &key).streams(), ["s"]);
}

/// The port file appears when the server is ready, and one that is left over goes before that.
#[test]
fn the_port_file_means_ready() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("port");
    fs::write(&file, "1\n").unwrap();
    let mut server = Server::spawn(millpond(dir.path(), SERVE));
    server.wait_for("data directory");
    let port: u16 = loop {
        match fs::read_to_string(&file) {
            Ok(text) => break text.strip_suffix('\n').expect("the whole port at once").parse().unwrap(),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
    };
    assert_ne!(port, 1, "the old port is gone before anything takes time");
    assert_eq!(get(port, "/readyz").status, 200);
    server.kill();

    // A start that fails leaves no file.
    fs::write(dir.path().join("data/FORMAT"), "nonsense").unwrap();
    assert_eq!(Server::spawn(millpond(dir.path(), SERVE)).end().code, Some(3));
    assert!(!file.try_exists().unwrap());
}
