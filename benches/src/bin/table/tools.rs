//! The programs that a measurement starts, and their answers.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use millpond_load::Moment;
use serde_json::Value;

use crate::Args;

/// Longest until a server says where it listens.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Longest from SIGTERM to the end.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How often it is looked whether something has happened.
const POLL: Duration = Duration::from_millis(2);

/// A program that runs in the background; killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).spawn();
        child.map(Self).with_context(|| format!("cannot start {}", command.get_program().display()))
    }

    pub(crate) fn ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    /// Asks it to end, and waits.
    fn stop(mut self) -> anyhow::Result<()> {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::Signal::TERM,
        )?;
        wait_for(STOP_LIMIT, || self.ended().then_some(())).context("a server does not stop")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when there is nothing left to end.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks again and again; none after `limit`.
pub(crate) fn wait_for<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Moment::now();
    loop {
        if let Some(answer) = ready() {
            return Some(answer);
        }
        if Moment::now().since(begin) > limit {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// A server of ours.
pub(crate) struct Millpond {
    process: Process,
    endpoint: String,
}

impl Millpond {
    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.process.stop()
    }

    /// Memory in MiB: at present, and the most so far.
    pub(crate) fn memory_mib(&self) -> anyhow::Result<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let of = |name: &str| -> anyhow::Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib: f64 = line.context("no memory is told")?.trim().trim_end_matches("kB").trim().parse()?;
            Ok(kib / 1024.0)
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }
}

/// A server that does less.
pub(crate) struct Reference {
    _process: Process,
    endpoint: String,
}

/// Where a load goes.
#[derive(Clone, Copy)]
pub(crate) enum To<'a> {
    Ours(&'a Millpond),
    Reference(&'a Reference),
}

/// The programs, and how long they run.
pub(crate) struct Tools {
    binaries: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) scratch: PathBuf,
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) millis: u64,
    pub(crate) warmup: u64,
    key: [String; 3],
}

impl Tools {
    pub(crate) fn new(args: &Args) -> anyhow::Result<Self> {
        let (rounds, millis, warmup) = if args.quick { (2, 500, 100) } else { (5, 6000, 1000) };
        fs::create_dir_all(&args.scratch)?;
        let random =
            || fs::read_to_string("/proc/sys/kernel/random/uuid").map(|text| text.trim().replace('-', ""));
        Ok(Self {
            binaries: args.binaries.clone(),
            root: args.root.clone(),
            scratch: fs::canonicalize(&args.scratch)?,
            quick: args.quick,
            rounds: args.rounds.unwrap_or(rounds),
            millis: args.millis.unwrap_or(millis),
            warmup,
            key: [random()?, random()?, random()?],
        })
    }

    /// An empty directory on the disk that is measured.
    pub(crate) fn fresh(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.scratch.join(name);
        if path.try_exists()? {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MILLPOND_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Starts our server with its data in `dir`.
    pub(crate) fn millpond(&self, dir: &Path) -> anyhow::Result<Millpond> {
        let port_file = dir.join("port");
        // An earlier server's port is not this one's.
        if port_file.try_exists()? {
            fs::remove_file(&port_file)?;
        }
        let log = fs::File::create(dir.join("log"))?;
        let mut command = self.command("millpond");
        command.args(["serve", "--listen", "127.0.0.1:0", "--allow-anonymous", "--log-level", "warn"]);
        command.arg("--data-dir").arg(dir.join("data")).arg("--port-file").arg(&port_file);
        let [project, ak, sk] = &self.key;
        command.env("MILLPOND_BOOTSTRAP_PROJECT_ID", project);
        command.env("MILLPOND_BOOTSTRAP_AK", ak).env("MILLPOND_BOOTSTRAP_SK", sk);
        let mut process = Process::spawn(command.stdout(Stdio::null()).stderr(log))?;
        let port = wait_for(START_LIMIT, || {
            let port = fs::read_to_string(&port_file).ok().and_then(|text| text.trim().parse::<u16>().ok());
            if port.is_none() && process.ended() { Some(None) } else { port.map(Some) }
        });
        let port = port.flatten().with_context(|| {
            format!("the server did not start: {}", fs::read_to_string(dir.join("log")).unwrap_or_default())
        })?;
        Ok(Millpond { process, endpoint: format!("http://127.0.0.1:{port}") })
    }

    /// Starts a server that does less.
    pub(crate) fn reference(&self, arguments: &[&OsStr]) -> anyhow::Result<Reference> {
        let mut command = self.command("bench-reference");
        let mut process = Process::spawn(command.args(arguments).stdout(Stdio::piped()))?;
        let stdout = process.0.stdout.take().context("the output was to be piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().strip_prefix("port ").context("the reference server did not start")?;
        Ok(Reference { endpoint: format!("http://127.0.0.1:{port}"), _process: process })
    }

    /// Runs `millpond bench` with the words of `line` and the common times.
    pub(crate) fn bench(&self, to: To<'_>, line: &str) -> anyhow::Result<Value> {
        self.bench_for(to, line, self.millis)
    }

    /// The same for so many milliseconds.
    pub(crate) fn bench_for(&self, to: To<'_>, line: &str, millis: u64) -> anyhow::Result<Value> {
        let mut command = self.client(to, &format!("bench {line}"));
        command
            .arg("--duration")
            .arg(format!("{millis}ms"))
            .arg("--warmup")
            .arg(format!("{}ms", self.warmup));
        if let To::Reference(_) = to {
            command.arg("--reference");
        }
        let answer = json(command)?;
        ensure!(
            answer.get("failed").and_then(Value::as_u64) == Some(0),
            "`millpond bench {line}` had failures: {answer}"
        );
        Ok(answer)
    }

    /// Runs another command of ours.
    pub(crate) fn tell(&self, to: &Millpond, line: &str) -> anyhow::Result<Value> {
        json(self.client(To::Ours(to), line))
    }

    /// Our client; the endpoint goes behind the verb.
    fn client(&self, to: To<'_>, line: &str) -> Command {
        let endpoint = match to {
            To::Ours(server) => &server.endpoint,
            To::Reference(server) => &server.endpoint,
        };
        let mut command = self.command("millpond");
        let [project, ak, sk] = &self.key;
        command.env("MILLPOND_PROJECT_ID", project).env("MILLPOND_AK", ak).env("MILLPOND_SK", sk);
        command.args(line.split_whitespace()).args(["-o", "json", "--quiet", "--endpoint", endpoint]);
        command
    }

    /// Runs a measurement of the disk or the engine.
    pub(crate) fn measure(&self, arguments: &[&OsStr]) -> anyhow::Result<Value> {
        let mut command = self.command("bench-reference");
        command.args(arguments).arg("--millis").arg(self.millis.to_string());
        command.arg("--warmup").arg(self.warmup.to_string());
        json(command)
    }

    /// Runs `bench-reference` without times.
    pub(crate) fn plain(&self, arguments: &[&OsStr]) -> anyhow::Result<Value> {
        let mut command = self.command("bench-reference");
        command.args(arguments);
        json(command)
    }

    /// Runs a driver of a peer.
    pub(crate) fn peer(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let mut command = self.command("bench-peer");
        command.args(arguments).arg("--millis").arg(self.millis.to_string());
        command.arg("--warmup").arg(self.warmup.to_string());
        json(command)
    }
}

/// Runs to the end; what it printed, as JSON. Null when that is nothing.
fn json(mut command: Command) -> anyhow::Result<Value> {
    let output =
        command.output().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() && output.status.code().is_some() {
        let arguments: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        bail!("`{}` failed ({}): {stdout}{stderr}", arguments.join(" "), output.status);
    }
    if stdout.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&stdout).with_context(|| format!("no JSON: {stdout}"))
}

/// A number of an answer; `a/b` is a member of a member.
pub(crate) fn number(answer: &Value, member: &str) -> anyhow::Result<f64> {
    let found = answer.pointer(&format!("/{member}")).and_then(Value::as_f64);
    found.with_context(|| format!("the answer has no {member}: {answer}"))
}
