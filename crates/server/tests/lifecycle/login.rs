//! Logging in with a password: who may, and for how long.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use super::support::{
    api::Key,
    http::{Answer, Connection},
    server::{SERVE, Server, millpond},
};

/// Logs in, for the user's first project.
pub(super) fn login(port: u16, user: &str, password: &str) -> Answer {
    let user = json!({ "name": user, "domain": { "name": "Default" }, "password": password });
    let identity = json!({ "methods": ["password"], "password": { "user": user } });
    let body = json!({ "auth": { "identity": identity } }).to_string();
    let headers = [("content-type", "application/json")];
    let mut connection = Connection::open(port).unwrap();
    connection.request("POST", "/v3/auth/tokens", &headers, body.as_bytes()).unwrap()
}

/// The status of a request with a token.
pub(super) fn status(port: u16, project: &str, token: &str) -> u16 {
    let mut connection = Connection::open(port).unwrap();
    let target = format!("/v2/{project}/streams");
    connection.request("GET", &target, &[("x-auth-token", token)], b"").unwrap().status
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.header("x-subject-token").unwrap().to_owned()
}

#[test]
fn a_token_outlives_the_server_but_not_the_password() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = millpond(dir.path(), SERVE);
        command.envs([("MILLPOND_BOOTSTRAP_USER", "ann"), ("MILLPOND_BOOTSTRAP_PASSWORD", "first password")]);
        Server::start(command)
    };
    let server = start();
    let answer = login(server.port(), "ann", "first password");
    let project = Key::of(&dir.path().join("data")).project;
    let told = answer.json();
    assert_eq!(told["token"]["project"]["id"], *project);
    let address = format!("http://127.0.0.1:{}", server.port());
    assert_eq!(told["token"]["catalog"][2]["endpoints"][0]["url"], *address);
    let token = token(&answer);
    assert_eq!(status(server.port(), &project, &token), 200);
    assert_eq!(status(server.port(), "another", &token), 400);
    assert_eq!(login(server.port(), "ann", "another password").status, 401);
    assert_eq!(server.stop().code, Some(0));

    let mut server = start();
    let port = server.port();
    assert_eq!(status(port, &project, &token), 200, "the key of tokens is kept");
    let credentials = dir.path().join("data/credentials.toml");
    let text = fs::read_to_string(&credentials).unwrap();
    fs::write(&credentials, text.replace("first password", "second password")).unwrap();
    server.signal(Signal::HUP);
    server.wait_for("keys loaded");
    assert_eq!(status(port, &project, &token), 401);
    assert_eq!(
        [login(port, "ann", "first password").status, login(port, "ann", "second password").status],
        [401, 201]
    );
    assert_eq!(server.stop().code, Some(0));
    // The first password is still what the environment says.
    let ended = start().stop();
    assert!(ended.log.contains("the bootstrap user ann is ignored"), "{}", ended.log);
}

#[test]
fn nobody_logs_in_where_there_is_no_user() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.toml");
    fs::write(&file, "").unwrap();
    let mut server = Server::start(millpond(dir.path(), &format!("{SERVE} --keys-file keys.toml")));
    let port = server.port();
    let answer = login(port, "ann", "secret");
    assert_eq!((answer.status, &*answer.code()), (404, "DIS.4200"));
    fs::write(&file, "[[user]]\nname = \"ann\"\npassword = \"secret\"\nprojects = [\"p\", \"q\"]\n").unwrap();
    server.signal(Signal::HUP);
    server.wait_for("keys loaded");
    assert_eq!(status(port, "p", &token(&login(port, "ann", "secret"))), 200);
}
