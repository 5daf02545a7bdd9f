//! Keys that come and go while the server runs.

use std::fs;

use rustix::process::Signal;

use super::support::{
    api::{Client, Key},
    http::Connection,
    server::{SERVE, Server, millpond},
};

/// The status of a signed request.
fn status(port: u16, key: &Key) -> u16 {
    Client::new(port, key).call("GET", "/streams", None).unwrap().status
}

fn entry(key: &Key, further: &str) -> String {
    let Key { project, ak, sk } = key;
    format!("[[key]]\nproject_id = \"{project}\"\nak = \"{ak}\"\nsk = \"{sk}\"\n{further}")
}

#[test]
fn the_keys_file_is_in_force_after_sighup() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.toml");
    let (one, two) = (Key::new("p", "ONE", "sk-one"), Key::new("p", "TWO", "sk-two"));
    fs::write(&file, entry(&one, "")).unwrap();
    let mut server = Server::start(millpond(dir.path(), &format!("{SERVE} --keys-file keys.toml")));
    let port = server.port();
    let first = Key::of(&dir.path().join("data"));
    let mut check = |text: &str, line: &str, expected: [u16; 3]| {
        fs::write(&file, text).unwrap();
        server.signal(Signal::HUP);
        server.wait_for(line);
        assert_eq!([&one, &two, &first].map(|key| status(port, key)), expected, "{text}");
    };
    check(&(entry(&one, "") + &entry(&two, "")), "keys loaded", [200, 200, 200]);
    check(&entry(&two, ""), "keys loaded", [401, 200, 200]);
    check("nonsense", "the keys stay as they were", [401, 200, 200]);
    check(&entry(&Key { sk: "sk-new".to_owned(), ..two.clone() }, ""), "keys loaded", [401, 401, 200]);
    check("", "keys loaded", [401, 401, 200]);
    // A connection that is kept alive is no way around a revoked key.
    let mut client = Client::new(port, &one);
    fs::write(&file, entry(&one, "")).unwrap();
    server.signal(Signal::HUP);
    server.wait_for("keys loaded");
    assert_eq!(client.call("GET", "/streams", None).unwrap().status, 200);
    fs::write(&file, "").unwrap();
    server.signal(Signal::HUP);
    server.wait_for("keys loaded");
    assert_eq!(client.call("GET", "/streams", None).unwrap().status, 401);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn the_key_command_tells_the_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::serve(dir.path());
    let port = server.port();
    let key_command = |arguments: &str| {
        let ended = Server::spawn(millpond(dir.path(), &format!("key {arguments} --data-dir data"))).end();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        ended
    };
    let created = key_command("create --output json");
    assert!(created.log.contains("the running server reads its keys again"), "{}", created.log);
    server.wait_for("keys loaded");
    let created: serde_json::Value = serde_json::from_str(&created.page).unwrap();
    let field = |name: &str| created[name].as_str().unwrap();
    let key = Key::new(field("project_id"), field("ak"), field("sk"));
    assert_eq!(status(port, &key), 200);
    let first = Key::of(&dir.path().join("data"));
    assert_eq!(key.project, first.project, "both see the same streams");

    key_command(&format!("revoke {}", key.ak));
    server.wait_for("keys loaded");
    assert_eq!([&key, &first].map(|key| status(port, key)), [401, 200]);

    assert_eq!(server.stop().code, Some(0));
    let created = key_command("create");
    assert!(created.log.contains("no server runs on this directory"), "{}", created.log);
    // The pid in the lock file of a server that was killed means nothing.
    Server::serve(dir.path()).kill();
    let created = key_command("create");
    assert!(created.log.contains("no server runs on this directory"), "{}", created.log);
}

#[test]
fn tokens_of_the_keys_file_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let with_token = entry(&Key::new("p", "ONE", "sk"), "token = \"t0ken\"\n");
    let temporary = Key::new("p", "TWO", "sk");
    let text = with_token + &entry(&temporary, "security_token = \"s3curity\"\n");
    fs::write(dir.path().join("keys.toml"), text).unwrap();
    let server = Server::start(millpond(dir.path(), &format!("{SERVE} --keys-file keys.toml")));
    let port = server.port();
    let by_token = |project: &str, token: &str| {
        let mut connection = Connection::open(port).unwrap();
        let target = format!("/v2/{project}/streams");
        connection.request("GET", &target, &[("x-auth-token", token)], b"").unwrap().status
    };
    assert_eq!([by_token("p", "t0ken"), by_token("p", "other"), by_token("q", "t0ken")], [200, 401, 400]);
    let with = |headers: &[(&str, &str)]| {
        Client::new(port, &temporary).call_with("GET", "/streams", None, headers).unwrap().status
    };
    assert_eq!(with(&[("x-security-token", "s3curity")]), 200);
    assert_eq!([with(&[]), with(&[("x-security-token", "other")])], [401, 401]);
}
