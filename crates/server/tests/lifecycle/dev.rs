//! The development server, as somebody meets it who has just unpacked it.

use rustix::process::Signal;
use serde_json::json;

use super::{
    login::{login, status},
    support::{
        api::{Client, Key},
        http::Connection,
        server::{Server, millpond},
    },
};

const DEV: &str = "dev --listen 127.0.0.1:0 --port-file port --log-level info";

#[test]
fn a_fresh_directory_is_ready_to_use_and_keeps_its_data() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(millpond(dir.path(), DEV));
    let page = server.wait_for_page("millpond tail demo");
    for heading in ["# curl", "# Python, v3 SDK", "# Python, legacy SDK", "# OpenStack", "# Command line"] {
        assert!(page.contains(heading), "{heading} is not in\n{page}");
    }
    let base = page.lines().find_map(|line| line.strip_prefix("BASE=http://")).unwrap();
    let (host, path) = base.split_at(base.find('/').unwrap());
    assert_eq!(host, format!("127.0.0.1:{}", server.port()));

    // What the page's curl does, without curl.
    let mut connection = Connection::open(server.port()).unwrap();
    let body = json!({"stream_name": "demo", "records": [{"data": "aGVsbG8=", "partition_id": "0"}]});
    let headers = [("content-type", "application/json"), ("user-agent", "curl/8.0"), ("accept", "*/*")];
    let put = connection.request("POST", &format!("{path}/records"), &headers, body.to_string().as_bytes());
    let put = put.unwrap().json();
    assert_eq!(put["failed_record_count"], 0, "{put}");
    let target = format!("{path}/cursors?stream-name=demo&partition-id=0&cursor-type=TRIM_HORIZON");
    let cursor = connection.request("GET", &target, &headers[1..], b"").unwrap().json();
    let cursor = cursor["partition_cursor"].as_str().unwrap().to_owned();
    let target = format!("{path}/records?partition-cursor={cursor}");
    let read = connection.request("GET", &target, &headers[1..], b"").unwrap().json();
    assert_eq!(read["records"][0]["data"], "aGVsbG8=", "{read}");

    server.signal(Signal::INT);
    assert_eq!(server.end().code, Some(0));
    let server = Server::start(millpond(dir.path(), DEV));
    assert!(server.wait_for_page("millpond tail demo").contains(path), "the project stays");
    let key = Key::of(&dir.path().join(".millpond"));
    let mut client = Client::anonymous(server.port(), &key.project);
    assert_eq!(client.streams(), ["demo"]);
    assert_eq!(client.read_partition("demo", 0)[0].data, "hello");
    // The key on the page signs as well.
    assert_eq!(Client::new(server.port(), &key).put_one("demo", 0, "signed"), 1);
}

/// The page is not for a terminal here, so that it has no secret.
#[test]
fn a_user_is_there_to_log_in() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(millpond(dir.path(), &format!("{DEV} --require-signature")));
    let page = server.wait_for_page("millpond tail demo");
    let text = std::fs::read_to_string(dir.path().join(".millpond/credentials.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let user = &table["user"][0];
    let (name, password) = (user["name"].as_str().unwrap(), user["password"].as_str().unwrap());
    assert_eq!((name, password.len()), ("dev", 40));
    let auth_url = format!("auth_url: http://127.0.0.1:{}/v3", server.port());
    for part in [auth_url.as_str(), "user     dev   domain Default", "username: \"dev\""] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    assert!(!page.contains(password), "{page}");
    let answer = login(server.port(), name, password);
    let project = user["projects"][0].as_str().unwrap();
    assert_eq!(status(server.port(), project, answer.header("x-subject-token").unwrap()), 200, "{answer:?}");
}

#[test]
fn signatures_can_be_required() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(millpond(dir.path(), &format!("{DEV} --require-signature")));
    let key = Key::of(&dir.path().join(".millpond"));
    let refused = Client::anonymous(server.port(), &key.project).call("GET", "/streams", None).unwrap();
    assert_eq!(refused.status, 401);
    assert_eq!(Client::new(server.port(), &key).streams(), ["demo"]);
}
