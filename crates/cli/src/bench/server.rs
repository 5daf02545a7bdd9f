//! A server of our own, in a directory of its own.

use std::{
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use millpond_load::Moment;
use tempfile::TempDir;

use crate::{exit::Exit, failure::Failure};

/// Longest until it says where it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How often it is looked whether it does.
const POLL: Duration = Duration::from_millis(10);

/// A running server; it and its data are gone when this is dropped.
pub(super) struct Server {
    process: Child,
    directory: TempDir,
    port: u16,
}

impl Server {
    /// Starts this program as a server with its data in a new directory below `parent`.
    ///
    /// # Errors
    /// The directory cannot be made, or the server does not come up.
    pub(super) async fn start(parent: &Path) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix(".millpond-bench-").tempdir_in(parent);
        let directory = directory.map_err(|error| {
            Failure::io(format_args!("cannot make a directory in {}", parent.display()), &error)
                .hint("name another place with --data-dir")
        })?;
        let cannot = |error| Failure::io("cannot start a server", &error);
        let log = fs::File::create(directory.path().join("log")).map_err(cannot)?;
        let program = env::current_exe().map_err(cannot)?;
        let mut command = Command::new(program);
        // Where keys are found by those who look into the directory, as beside `millpond dev`.
        command.arg("serve").arg("--data-dir").arg(directory.path().join(".millpond"));
        command.arg("--port-file").arg(directory.path().join("port"));
        command.args(["--listen", "127.0.0.1:0", "--allow-anonymous", "--log-level", "warn"]);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("MILLPOND_") {
                command.env_remove(name);
            }
        }
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut server = Self { process: process.map_err(cannot)?, directory, port: 0 };
        server.port = server.wait().await?;
        Ok(server)
    }

    async fn wait(&mut self) -> Result<u16, Failure> {
        let begin = Moment::now();
        let path = self.directory.path().join("port");
        loop {
            let ended = self.process.try_wait();
            if let Ok(Some(status)) = ended {
                return Err(self.failed(&format!("the server ended at once ({status})")));
            }
            let port = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            if let Some(port) = port {
                return Ok(port);
            }
            if Moment::now().since(begin) > START_LIMIT {
                return Err(self.failed("the server does not say where it listens"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn failed(&self, what: &str) -> Failure {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let last = log.lines().last().unwrap_or_default();
        Failure::new(Exit::Failure, format!("{what}: {last}"))
    }

    /// Where it listens.
    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The directory in which its keys are found.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Most memory that it had so far, in bytes, where the system tells.
    pub(super) fn memory_bytes_max(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when there is nothing left to end.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
