//! The program as users meet it: processes, signals, files, exit codes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// The program, in a directory of its own and without this machine's configuration.
fn millpond(directory: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millpond"));
    command.args(arguments.split_whitespace()).current_dir(directory).env_clear().env("HOME", directory);
    command
}

/// A server process; killed when the test ends early.
struct Server {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    seen: String,
}

impl Server {
    /// Starts one and waits until it is ready.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut server = Self { child, log, seen: String::new() };
        server.wait_for("\"ready\"");
        server
    }

    /// Reads the log up to the line that contains `text`.
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            let Some(line) = self.log.next() else { panic!("the log ended before {text:?}:\n{}", self.seen) };
            let line = line.unwrap();
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end; the exit code and the whole log.
    fn end(mut self) -> (Option<i32>, String) {
        for line in self.log.by_ref() {
            self.seen.push_str(&line.unwrap());
            self.seen.push('\n');
        }
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port(directory: &Path) -> u16 {
    let text = fs::read_to_string(directory.join("port")).unwrap();
    text.strip_suffix('\n').expect("the port and a newline").parse().unwrap()
}

/// The status of `GET path`.
fn status(port: u16, path: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

const SERVE: &str = "serve --data-dir data --listen 127.0.0.1:0 --port-file port";

#[test]
fn a_server_starts_makes_a_key_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let credentials = dir.path().join("data/credentials.toml");
    let server = Server::start(millpond(dir.path(), SERVE));
    let port_number = port(dir.path());
    assert_eq!((status(port_number, "/healthz"), status(port_number, "/readyz")), (200, 200));
    let text = fs::read_to_string(&credentials).unwrap();
    assert_eq!(fs::metadata(&credentials).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(dir.path().join("data")).unwrap().permissions().mode() & 0o777, 0o700);
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
    let secret = text.lines().find_map(|line| line.strip_prefix("sk = ")).unwrap().trim_matches('"');
    assert!(secret.len() == 40 && !log.contains(secret), "the secret is in the log:\n{log}");

    // A crash and a second start change nothing.
    let mut server = Server::start(millpond(dir.path(), SERVE));
    server.child.kill().unwrap();
    drop(server);
    let server = Server::start(millpond(dir.path(), SERVE));
    assert_eq!(fs::read_to_string(&credentials).unwrap(), text);
    server.signal(Signal::INT);
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn the_bootstrap_key_is_created_once() {
    let dir = tempfile::tempdir().unwrap();
    let start = |sk: &str| {
        let mut command = millpond(dir.path(), SERVE);
        command.envs([
            ("MILLPOND_BOOTSTRAP_PROJECT_ID", "p1"),
            ("MILLPOND_BOOTSTRAP_AK", "AK1"),
            ("MILLPOND_BOOTSTRAP_SK", sk),
        ]);
        let server = Server::start(command);
        server.signal(Signal::TERM);
        server.end().1
    };
    assert!(!start("first-s3cret").contains("ignored"));
    let text = fs::read_to_string(dir.path().join("data/credentials.toml")).unwrap();
    assert!(text.contains("AK1") && text.contains("first-s3cret"));
    let log = start("other-s3cret");
    assert!(log.contains("the bootstrap key AK1 is ignored") && !log.contains("s3cret"), "{log}");
    assert_eq!(fs::read_to_string(dir.path().join("data/credentials.toml")).unwrap(), text);
}

#[test]
fn keys_are_read_again_on_sighup() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys.toml");
    let key = |ak: &str| format!("[[key]]\nproject_id = \"p\"\nak = \"{ak}\"\nsk = \"s3cret\"\n");
    fs::write(&keys, key("A")).unwrap();
    let mut server = Server::start(millpond(dir.path(), &format!("{SERVE} --keys-file keys.toml")));
    assert!(server.seen.contains("\"keys\":2"), "{}", server.seen);
    fs::write(&keys, key("A") + "nonsense").unwrap();
    server.signal(Signal::HUP);
    let line = server.wait_for("the keys stay as they were");
    assert!(line.contains("keys.toml line 5"), "{line}");
    fs::write(&keys, key("A") + &key("B")).unwrap();
    server.signal(Signal::HUP);
    let line = server.wait_for("keys loaded");
    assert!(line.contains("\"keys\":3"), "{line}");
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert!(code == Some(0) && !log.contains("s3cret"), "{log}");
}

#[test]
fn the_configuration_is_read_again_on_sighup() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    fs::write(&file, "").unwrap();
    let mut server = Server::start(millpond(dir.path(), &format!("{SERVE} --config config.toml")));
    fs::write(&file, "[server]\nconnections_max = 5\n[log]\nlevel = \"debug\"\n").unwrap();
    server.signal(Signal::HUP);
    let line = server.wait_for("takes effect only at the next start");
    assert!(line.contains("server.connections_max"), "{line}");
    server.wait_for("log.level");
    fs::write(&file, "[server]\nconections_max = 5\n").unwrap();
    server.signal(Signal::HUP);
    let line = server.wait_for("everything stays as it was");
    assert!(line.contains("did you mean server.connections_max?"), "{line}");
    server.signal(Signal::TERM);
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn readiness_turns_false_first_and_a_second_signal_forces() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(millpond(dir.path(), &format!("{SERVE} --set server.drain_delay=1h")));
    let port = port(dir.path());
    server.signal(Signal::TERM);
    server.wait_for("draining");
    while status(port, "/readyz") != 503 {}
    assert_eq!(status(port, "/healthz"), 200, "still served while load balancers notice");
    server.signal(Signal::TERM);
    assert_eq!(server.end().0, Some(1));
}

fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let check = |arguments: &str, variable: (&str, &str), code: i32, parts: &[&str]| {
        let mut command = millpond(dir.path(), arguments);
        command.env(variable.0, variable.1);
        let (found, _, text) = run(command);
        assert_eq!(found, Some(code), "{arguments}: {text}");
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert!(!dir.path().join("data").try_exists().unwrap(), "nothing is created by a refused start");
    };
    let none = ("UNUSED", "");
    check("serve --data-dir data --listen 0.0.0.0:0 --allow-anonymous", none, 2, &["loopback"]);
    check("serve --data-dir data --listen 0.0.0.0:0", ("MILLPOND_ALLOW_ANONYMOUS", "true"), 2, &["loopback"]);
    check("dev --data-dir data --listen 0.0.0.0:0 --require-signature", none, 1, &["millpond serve"]);
    check("serve --data-dir data", ("MILLPOND_SERVER__LISEN", "x"), 2, &["did you mean server.listen?"]);
    check("serve --data-dir data --config none.toml", none, 2, &["none.toml"]);
    check(
        "serve --data-dir data --set tls.certificate=c --set tls.private_key=k",
        none,
        1,
        &["c holds no certificate"],
    );
    check("serve --lisen x", none, 2, &["--listen"]);
    check("config check", ("MILLPOND_LOG__LEVEL", "loud=very"), 2, &["log.level"]);
}

#[test]
fn an_address_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (code, _, text) = run(millpond(dir.path(), &format!("serve --data-dir data --listen {address}")));
    assert!(code == Some(1) && text.contains(&format!("cannot listen on {address}")), "{text}");
}

#[test]
fn keys_are_managed_offline() {
    let dir = tempfile::tempdir().unwrap();
    let key = |verb: &str| run(millpond(dir.path(), &format!("key {verb} --data-dir data")));
    let (code, text, _) = key("create --project-id p1 --output json");
    let created: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, created["project_id"].as_str()), (Some(0), Some("p1")));
    let (code, _, _) = key("create --ak SECOND");
    assert_eq!(code, Some(0));
    let (_, text, _) = key("list -o json");
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        listed,
        serde_json::json!([
            {"ak": created["ak"], "project_id": "p1"},
            {"ak": "SECOND", "project_id": "p1"},
        ])
    );
    assert_eq!(key("revoke SECOND").0, Some(0));
    let (code, _, text) = key("revoke SECOND");
    assert!(code == Some(3) && text.contains("no access key SECOND"), "{text}");
}

#[test]
fn the_configuration_can_be_printed_and_begun() {
    let dir = tempfile::tempdir().unwrap();
    let (_, text, _) = run(millpond(dir.path(), "config init"));
    fs::write(dir.path().join("c.toml"), text).unwrap();
    assert_eq!(run(millpond(dir.path(), "config check --config c.toml")).0, Some(0));
    let (_, text, _) = run(millpond(dir.path(), "config print --origin --listen 127.0.0.1:1"));
    assert!(
        text.lines().any(|line| line.starts_with("server.listen ") && line.ends_with("flag --listen")),
        "{text}"
    );
    let (_, text, _) = run(millpond(dir.path(), "config print -o json --listen 127.0.0.1:1"));
    let chosen: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(chosen[0]["key"], "server.listen");
    assert!(run(millpond(dir.path(), "completions bash")).1.contains("millpond"));
    assert!(run(millpond(dir.path(), "--help")).1.contains("Exit codes"));
}

#[test]
fn a_development_server_says_what_to_paste() {
    let dir = tempfile::tempdir().unwrap();
    let mut server =
        Server::start(millpond(dir.path(), "dev --listen 127.0.0.1:0 --port-file port --log-level info"));
    let mut page = BufReader::new(server.child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("millpond tail demo") {
        assert_ne!(page.read_line(&mut text).unwrap(), 0, "{text}");
    }
    let credentials = fs::read_to_string(dir.path().join(".millpond/credentials.toml")).unwrap();
    let value = |name: &str| {
        let line = credentials.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(" = ").trim_matches('"').to_owned()
    };
    for part in [format!("http://127.0.0.1:{}", port(dir.path())), value("ak"), value("project_id")] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
    assert!(!text.contains(&value("sk")), "a pipe is no person");
    server.signal(Signal::INT);
    assert_eq!(server.end().0, Some(0));
}
