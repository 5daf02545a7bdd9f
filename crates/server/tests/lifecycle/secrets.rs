//! No secret is ever written anywhere but to the files of keys.

use std::fs;

use super::{
    login::{login, status},
    support::{
        api::{Client, Key},
        http::Connection,
        server::{SERVE, Server, millpond},
    },
};

const KEYS: &str = r#"
[[key]]
project_id = "p1"
ak = "FILEKEY"
sk = "filesecret-5e1f"
token = "statictoken-77ab"
security_token = "securitytoken-c0de"

[[user]]
name = "ann"
password = "password-3f7c"
projects = ["p1"]
"#;

/// At the finest level, where libraries talk too, and with every way to get a key wrong.
#[test]
fn the_log_has_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("keys.toml"), KEYS).unwrap();
    let arguments = format!("{SERVE} --keys-file keys.toml --log-level trace --set log.request_sample=1");
    let mut command = millpond(dir.path(), &arguments);
    command.envs([("MILLPOND_BOOTSTRAP_AK", "FIRST"), ("MILLPOND_BOOTSTRAP_SK", "bootstrapsecret-91d2")]);
    let server = Server::start(command);
    let port = server.port();
    let first = Key::of(&dir.path().join("data"));
    let mut client = Client::new(port, &first);
    client.create_stream("s", 1);
    client.put_one("s", 0, "data");
    assert_eq!(client.read_partition("s", 0).len(), 1);
    let wrong = Key { sk: "wrongsecret-4bad".to_owned(), ..first.clone() };
    assert_eq!(Client::new(port, &wrong).call("GET", "/streams", None).unwrap().status, 401);
    let file_key = Key::new("p1", "FILEKEY", "filesecret-5e1f");
    for token in ["securitytoken-c0de", "wrongsecurity-0bad"] {
        let headers = [("x-security-token", token)];
        let answer = Client::new(port, &file_key).call_with("GET", "/streams", None, &headers).unwrap();
        assert_eq!(answer.status == 200, token == "securitytoken-c0de");
    }
    for token in ["statictoken-77ab", "wrongtoken-1bad"] {
        let headers = [("x-auth-token", token)];
        let mut connection = Connection::open(port).unwrap();
        let answer = connection.request("GET", "/v2/p1/streams", &headers, b"").unwrap();
        assert_eq!(answer.status == 200, token == "statictoken-77ab");
    }
    let answer = login(port, "ann", "password-3f7c");
    let issued = answer.header("x-subject-token").unwrap().to_owned();
    assert_eq!([status(port, "p1", &issued), status(port, "p1", &issued[1..])], [200, 401]);
    assert_eq!(login(port, "ann", "wrongpassword-2e91").status, 401);
    // Where another thing is expected than a password.
    let body = r#"{"auth":{"identity":{"methods":["password"],"password":"oddpassword-7a0d"}}}"#;
    let odd =
        Connection::open(port).unwrap().request("POST", "/v3/auth/tokens", &[], body.as_bytes()).unwrap();
    assert!(odd.status == 400 && !odd.text().contains("oddpassword"), "{odd:?}");
    let created = Server::spawn(millpond(dir.path(), "key create --data-dir data --ak LATER")).end();
    let later = created.page.split_whitespace().last().unwrap().to_owned();
    assert_eq!(later.len(), 40, "{}", created.page);
    let ended = server.stop();
    assert_eq!(ended.code, Some(0));
    // Broken files of keys are quoted by nobody.
    fs::write(dir.path().join("keys.toml"), KEYS.replace("sk =", "sk = =")).unwrap();
    let broken = Server::spawn(millpond(dir.path(), &arguments)).end();
    assert_eq!(broken.code, Some(2), "{}", broken.log);

    let written = [ended.log, ended.page, broken.log, broken.page, created.log].join("\n");
    assert!(written.contains("signature mismatch"), "the finest level is on");
    let secrets = [
        "bootstrapsecret-91d2",
        "filesecret-5e1f",
        "statictoken-77ab",
        "securitytoken-c0de",
        "wrongsecret-4bad",
        "wrongsecurity-0bad",
        "wrongtoken-1bad",
        "password-3f7c",
        "wrongpassword-2e91",
        "oddpassword-7a0d",
        &issued,
        &later,
    ];
    for secret in secrets {
        let line = written.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
