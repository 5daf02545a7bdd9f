//! The client commands against a real server: data, forms of output, exit codes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// The program, in a directory of its own and without this machine's configuration.
fn program(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millpond"));
    command.current_dir(directory).env_clear().env("HOME", directory);
    command
}

/// A server with a directory of its own, and how to talk to it.
struct Server {
    child: Child,
    directory: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Server {
    /// Starts `millpond serve` and reads the key it made.
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = program(directory.path());
        command.args(["serve", "--data-dir", "data", "--listen", "127.0.0.1:0", "--port-file", "port"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        read_until(&mut log, "\"ready\"");
        // Somebody has to read the log, or the server waits for it.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let keys = fs::read_to_string(directory.path().join("data/credentials.toml")).unwrap();
        let part = |name: &str| {
            let line = keys.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
            line.trim_matches('"').to_owned()
        };
        let variables = vec![
            ("MILLPOND_ENDPOINT", endpoint(directory.path())),
            ("MILLPOND_PROJECT_ID", part("project_id")),
            ("MILLPOND_AK", part("ak")),
            ("MILLPOND_SK", part("sk")),
        ];
        Self { child, directory, variables }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = program(self.directory.path());
        command.args(line.split_whitespace()).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command with this standard input.
    fn run_with(&self, line: &str, input: &[u8]) -> Output {
        let mut command = self.command(line);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that needs no input may end without reading it.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Standard output of a command that succeeds.
    fn out(&self, line: &str) -> String {
        let output = self.run_with(line, b"");
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The document that a command prints.
    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.out(line)).unwrap()
    }

    /// The data of records, in the order they are printed.
    fn data(&self, line: &str) -> Vec<String> {
        let text = self.out(&format!("{line} --format raw"));
        text.lines().map(str::to_owned).collect()
    }

    fn check_exit(&self, line: &str, code: i32, message: &str) {
        let output = self.run_with(line, b"");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {text}");
        assert!(text.contains(message), "{line}: {text}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn endpoint(directory: &Path) -> String {
    format!("http://127.0.0.1:{}", fs::read_to_string(directory.join("port")).unwrap().trim())
}

fn read_until(source: &mut impl std::io::BufRead, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        assert_ne!(source.read_line(&mut seen).unwrap(), 0, "{text:?} never came:\n{seen}");
    }
}

/// `line 0`, `line 1` and so on, each with its end.
fn numbered_lines(count: u32) -> String {
    let lines: Vec<String> = (0..count).map(|n| format!("line {n}\n")).collect();
    lines.concat()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn records_go_in_and_come_out_in_order() {
    let server = Server::start();
    server.out("stream create orders");
    let put = server.json("put orders a b c -k user-7");
    assert_eq!((&put["accepted"], &put["failed"]), (&json!(3), &json!(0)));
    let span = json!({"partition_id": "shardId-0000000000", "records": 3,
        "first_sequence_number": "0", "last_sequence_number": "2"});
    assert_eq!(put["partitions"], json!([span]));

    let lines = numbered_lines(2500);
    let output = server.run_with("put orders --lines --batch 700 -o jsonl", lines.as_bytes());
    let results = String::from_utf8(output.stdout).unwrap();
    assert_eq!(results.lines().count(), 2500);
    assert!(results.ends_with("{\"partition_id\":\"shardId-0000000000\",\"sequence_number\":\"2502\"}\n"));

    assert_eq!(server.data("tail orders -n 2"), ["line 2498", "line 2499"]);
    assert_eq!(server.data("tail orders --since 1h").len(), 2503);
    assert_eq!(server.data("tail orders --from earliest --count 4"), ["a", "b", "c", "line 0"]);
    assert_eq!(server.data("get orders --from 3 --count 1500").len(), 1500);
    let record = &server.json("get orders --from 1 --count 1 -o json")[0];
    assert_eq!(
        (&record["data"], &record["partition_key"], &record["sequence_number"]),
        (&json!("b"), &json!("user-7"), &json!("1"))
    );
}

#[test]
fn bytes_stay_as_they_are() {
    let server = Server::start();
    server.out("stream create orders");
    let bytes: Vec<u8> = (0..=255).collect();
    fs::write(server.path("blob"), &bytes).unwrap();
    server.out("put orders -d @blob");
    let output = server.run_with("get orders --format raw", b"");
    assert_eq!(output.stdout, [bytes.as_slice(), b"\n"].concat());
    let record = server.json("get orders");
    assert_eq!(record["data_format"], "base64");
}

#[test]
fn output_is_what_was_asked_for() {
    let server = Server::start();
    server.out("stream create orders --partitions 2 --retention 3d --tag team=web");
    server.out("stream create audit");
    let list = server.json("stream list");
    let names: Vec<&Value> = list.as_array().unwrap().iter().map(|stream| &stream["stream_name"]).collect();
    assert_eq!(names, ["audit", "orders"]);
    assert_eq!(list[1]["retention_period"], 72);
    assert_eq!(server.out("stream ls -o name"), "audit\norders\n");
    assert_eq!(server.out("stream ls -o jsonl").lines().count(), 2);
    let table = server.out("stream ls -o table");
    assert!(table.starts_with("NAME    STATUS   PARTITIONS  TYPE") && table.contains("team=web"), "{table}");
    let described = server.json("stream describe orders");
    assert_eq!(described["partitions"].as_array().unwrap().len(), 2);
    let scaled = server.json("stream scale orders 5");
    assert_eq!(
        (&scaled["current_partition_count"], &scaled["target_partition_count"]),
        (&json!(2), &json!(5))
    );
    server.out("stream update orders --retention 24h");
    assert_eq!(server.json("stream describe orders")["retention_period"], 24);
    assert_eq!(server.json("stream create orders --if-not-exists")["created"], false);
    assert_eq!(server.json("stream rm audit --yes")["deleted"], true);
    assert_eq!(server.out("stream ls -o name"), "orders\n");
}

#[test]
fn exit_codes_tell_what_happened() {
    let server = Server::start();
    server.out("stream create orders");
    server.check_exit("stream describe nothing -o table", 3, "`millpond stream list` shows");
    server.check_exit("app describe nobody -o table", 3, "DIS.4332");
    server.check_exit("tail orders -p 7 -o table", 3, "no readable partition 7");
    server.check_exit("stream list --secret-key wrong -o table", 4, "DIS.4112");
    server.check_exit("stream list --access-key NOBODY -o table", 4, "DIS.4107");
    server.check_exit("stream create orders -o table", 5, "DIS.4307");
    server.check_exit("stream rm orders -o table", 2, "repeat it with --yes");
    server.check_exit("stream update orders -o table", 2, "nothing to update");
    server.check_exit("stream list --endpoint nowhere -o table", 2, "not an endpoint");
    server.check_exit("stream scale orders 0", 2, "1 to 10000");
    server.check_exit("put orders x --partition 9 -o table", 1, "DIS.4302");
    server.check_exit("get orders --from 5 -o table", 1, "DIS.4224");
    let error: Value = {
        let output = server.run_with("stream describe nothing -o json", b"");
        assert!(output.stderr.is_empty(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!((&error["error"]["code"], &error["error"]["exit_code"]), (&json!("DIS.4301"), &json!(3)));
    let input = format!("short\n{}\n", "x".repeat(1024 * 1024 + 1));
    let partial = server.run_with("put orders --lines", input.as_bytes());
    assert_eq!(partial.status.code(), Some(7), "{partial:?}");
}

#[test]
fn nobody_there_is_said_plainly() {
    let server = Server::start();
    let endpoint = server.variables[0].1.clone();
    let mut command = server.command("stream list -o table");
    drop(server);
    let output = command.env("MILLPOND_ENDPOINT", &endpoint).current_dir("/").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot connect to") && text.contains("is the server running there?"), "{text}");
}

#[test]
fn refused_records_are_kept() {
    let server = Server::start();
    server.out("stream create orders");
    let output = server.run_with("put orders a b --partition 9 --rejects lost", b"");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let rejects = fs::read_to_string(server.path("lost")).unwrap();
    let first: Value = serde_json::from_str(rejects.lines().next().unwrap()).unwrap();
    assert_eq!((&first["data"], &first["error_code"]), (&json!("YQ=="), &json!("DIS.4302")));
    assert_eq!(rejects.lines().count(), 2);
    server.out("put orders c --rejects none");
    assert!(!server.path("none").try_exists().unwrap());
}

#[test]
fn an_app_goes_on_where_it_was() {
    let server = Server::start();
    server.out("stream create orders");
    server.out("put orders a b c");
    assert_eq!(server.data("tail orders --app billing --count 2"), ["a", "b"]);
    let checkpoint = server.json("checkpoint get billing -s orders -p 0");
    assert_eq!(checkpoint["sequence_number"], "2"); // the next one to read
    assert_eq!(server.json("app lag billing")[0]["lag"], 1);
    assert_eq!(server.data("tail orders --app billing"), ["c"]);
    assert!(server.data("tail orders --app billing").is_empty());

    server.out("checkpoint commit billing 1 -s orders -p 0");
    assert_eq!(server.data("tail orders --app billing"), ["b", "c"]);
    server.out("cp rm billing -s orders --yes");
    let none = server.json("cp get billing -s orders");
    assert_eq!(none[0]["sequence_number"], Value::Null);
    assert_eq!(server.data("tail orders --app billing"), ["a", "b", "c"]);
    assert_eq!(server.out("app ls -o name"), "billing\n");
    assert_eq!(server.json("app rm billing --yes")["deleted"], true);
}

#[test]
fn following_shows_what_comes_and_commits_at_the_end() {
    let server = Server::start();
    server.out("stream create orders --partitions 2");
    server.out("put orders first -p 0");
    let mut tail = server.command("tail orders -f --app billing --format raw");
    let mut tail = tail.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    for (data, partition) in [("second", 0), ("third", 1)] {
        server.out(&format!("put orders {data} -p {partition}"));
        assert_eq!(lines.next().unwrap().unwrap(), data);
    }
    signal(&tail, Signal::INT);
    let mut notes = String::new();
    tail.stderr.take().unwrap().read_to_string(&mut notes).unwrap();
    assert_eq!(tail.wait().unwrap().code(), Some(130), "{notes}");
    let farewell = "stopped at p0:2 p1:1 — continue with: millpond tail orders -f --app billing";
    assert!(notes.contains(farewell), "{notes}");
    let positions = server.json("checkpoint get billing -s orders");
    assert_eq!(
        (&positions[0]["sequence_number"], &positions[1]["sequence_number"]),
        (&json!("2"), &json!("1"))
    );
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let server = Server::start();
    server.out("stream create orders");
    let lines = numbered_lines(2000);
    server.run_with("put orders --lines", lines.as_bytes());
    let mut tail = server.command("tail orders --from earliest");
    let mut tail = tail.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(tail.stdout.take());
    let mut notes = String::new();
    tail.stderr.take().unwrap().read_to_string(&mut notes).unwrap();
    assert_eq!((tail.wait().unwrap().code(), notes.as_str()), (Some(0), ""));
}

#[test]
fn secrets_are_never_shown() {
    let server = Server::start();
    let secret = &server.variables[3].1;
    let output = server.run_with("stream list -vv --show-curl", b"");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("curl -sS -X GET 'http://127.0.0.1:") && text.contains("< 200 GET"), "{text}");
    assert!(!text.contains(secret.as_str()), "{text}");
}

#[test]
fn a_development_server_needs_no_settings() {
    let directory = tempfile::tempdir().unwrap();
    let mut dev = program(directory.path());
    dev.args(["dev", "--listen", "127.0.0.1:0", "--port-file", "port", "--require-signature"]);
    let mut dev = dev.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut page = BufReader::new(dev.stdout.take().unwrap());
    read_until(&mut page, "millpond tail demo");
    let run = |line: &str| {
        let mut command = program(directory.path());
        let output =
            command.args(line.split_whitespace()).env("MILLPOND_ENDPOINT", endpoint(directory.path()));
        output.stdin(Stdio::null()).output().unwrap()
    };
    let (put, tail) = (run("put demo hello"), run("tail demo --format raw"));
    dev.kill().unwrap();
    dev.wait().unwrap();
    assert!(put.status.success(), "{put:?}");
    assert_eq!(String::from_utf8(tail.stdout).unwrap(), "hello\n");
}

#[test]
fn completions_know_the_client_commands() {
    let directory = tempfile::tempdir().unwrap();
    let output = program(directory.path()).args(["completions", "bash"]).output().unwrap();
    let script = String::from_utf8(output.stdout).unwrap();
    for word in ["checkpoint", "tail", "--if-not-exists", "--show-curl"] {
        assert!(script.contains(word), "{word}");
    }
}
