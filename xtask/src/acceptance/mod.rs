//! `cargo xtask acceptance`: stock clients against the release binary.
//!
//! ```text
//! for each client:  its pins → virtual environment      (module `python`)
//!                   a fresh server of its own           (module `server`)
//!                   script → output → ok and FAIL lines (module `transcript`)
//!                   the lines by calls                  (module `calls`), for `cargo xtask clients`
//!                   failures ↔ compat/unsupported.txt   (module `unsupported`)
//! ```
//!
//! Each client gets a server and a data directory of its own, so both run at the same time and neither
//! sees the streams of the other.

use std::{fs, path::PathBuf, thread, time::Duration};

use anyhow::{Context, bail, ensure};

use crate::{
    acceptance::{
        transcript::Transcript,
        unsupported::{Entry, Verdict},
    },
    command::Run,
    options::Options,
    output,
    python::{self, Interpreter, Minors},
    registry::Fetched,
    server::{self, Credentials, REGION, Server},
    tally::Tally,
    workspace::{self, Workspace},
};

mod calls;
mod kept;
mod transcript;
mod unsupported;

pub use kept::last_rows;

/// The scripts, seen from the top folder of the checkout.
const SCRIPTS: &str = "../shared/clients";

/// Where the expected failures are written down, below the top folder.
const UNSUPPORTED: &str = "compat/unsupported.txt";

/// Longest that one script may run. The slowest checks wait 90 seconds each for something to appear.
const SCRIPT_LIMIT: Duration = Duration::from_mins(12);

/// Minor versions of Python 3 that both client libraries work with.
const PYTHONS: Minors = 9..=12;

/// Variables that make a script leave checks out: a full run has none of them.
const NARROWING: [&str; 3] = ["ONLY", "AUTH", "WAIT"];

/// A stock client library and the script that exercises it.
struct Client {
    /// Its name in reports and in the list of expected failures.
    name: &'static str,
    script: &'static str,
    /// Pinned packages, below the top folder, as pip reads them.
    requirements: &'static str,
}

const CLIENTS: [Client; 2] = [
    Client { name: "v3", script: "v3_python.py", requirements: "compat/requirements-v3.txt" },
    Client { name: "legacy", script: "legacy_python.py", requirements: "compat/requirements-legacy.txt" },
];

/// Counts every client as skipped, with the reason, when this machine cannot run them.
pub fn name_if_impossible(workspace: &Workspace, tally: &mut Tally) {
    if let Err(reason) = Means::find(workspace, &Options::default()) {
        *tally += skipped(&reason);
    }
}

/// Runs every client and compares its failures with the expected ones. Checks of features not yet
/// supported are counted as skipped.
///
/// # Errors
/// In CI, the scripts or Python are missing; anywhere, the server cannot be built or started, a script
/// does not come to its end, or the server does not stop cleanly.
pub fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Tally> {
    let means = match Means::find(workspace, options) {
        Ok(means) => means,
        Err(reason) if workspace::in_ci() => bail!("ACCEPTANCE CANNOT RUN, and in CI it must: {reason}"),
        Err(reason) => return Ok(skipped(&reason)),
    };
    let listed = fs::read_to_string(workspace.root().join(UNSUPPORTED))
        .with_context(|| format!("cannot read {UNSUPPORTED}"))?;
    let names: Vec<&str> = CLIENTS.iter().map(|client| client.name).collect();
    let entries = unsupported::parse(&listed, &names).with_context(|| format!("in {UNSUPPORTED}"))?;
    let binary = workspace.server(options.binary.as_deref())?;
    let compat = workspace.compat();
    let mut trials = Vec::new();
    for client in CLIENTS {
        let requirements = workspace.root().join(client.requirements);
        let python = match python::environment(&means.python, &compat, client.name, &requirements)? {
            Fetched::Done(python) => python,
            Fetched::Unreachable(line) => bail!("the Python package index cannot be reached: {line}"),
        };
        let folder = compat.join(format!("run-{}-{}", client.name, std::process::id()));
        trials.push(Trial { client, python, scripts: means.scripts.clone(), binary: binary.clone(), folder });
    }
    let transcripts = together(&trials);
    let mut total = Tally::default();
    for (trial, transcript) in trials.iter().zip(transcripts) {
        kept::keep(workspace, &trial.client, transcript.as_ref().ok())?;
        total += trial.report(transcript, &entries);
    }
    Ok(total)
}

/// Runs all clients at the same time.
fn together(trials: &[Trial]) -> Vec<anyhow::Result<Transcript>> {
    thread::scope(|scope| {
        let running: Vec<_> = trials.iter().map(|trial| scope.spawn(|| trial.run())).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| bail!("the thread that ran the client panicked"))
        };
        running.into_iter().map(join).collect()
    })
}

fn skipped(reason: &str) -> Tally {
    let mut tally = Tally::default();
    for client in CLIENTS {
        tally += Tally::skip(&format!("acceptance with the {} Python SDK", client.name), reason);
    }
    tally
}

/// What this machine must have.
struct Means {
    scripts: PathBuf,
    python: Interpreter,
}

impl Means {
    /// # Errors
    /// The reason why the clients cannot run here, for people.
    fn find(workspace: &Workspace, options: &Options) -> Result<Self, String> {
        let scripts = options.scripts.clone().unwrap_or_else(|| workspace.root().join(SCRIPTS));
        for client in CLIENTS {
            if !scripts.join(client.script).is_file() {
                let place = if options.scripts.is_some() {
                    scripts.display().to_string()
                } else {
                    SCRIPTS.to_owned()
                };
                return Err(format!("{} is not in {place}; name the folder with --scripts", client.script));
            }
        }
        let python = python::find(workspace.root(), &PYTHONS).ok_or_else(|| {
            let (oldest, newest) = (PYTHONS.start(), PYTHONS.end());
            format!(
                "no Python 3.{oldest} to 3.{newest} with the modules venv and ensurepip on the search path"
            )
        })?;
        Ok(Self { scripts, python })
    }
}

/// One client with all it needs for its run.
struct Trial {
    client: Client,
    python: PathBuf,
    scripts: PathBuf,
    binary: PathBuf,
    /// Data, logs and port file of this run.
    folder: PathBuf,
}

impl Trial {
    /// Starts a server, runs the script against it, stops the server.
    fn run(&self) -> anyhow::Result<Transcript> {
        fs::create_dir_all(&self.folder)?;
        let credentials = Credentials::random()?;
        let server = Server::start(&self.binary, &self.folder, &credentials, &[])?;
        let output = self.run_script(server.endpoint(), &credentials);
        let stopped = server.stop();
        let transcript = Transcript::parse(&output?);
        stopped?;
        ensure!(transcript.is_complete(), "the script did not come to its end, see {}", self.log().display());
        Ok(transcript)
    }

    fn run_script(&self, endpoint: &str, credentials: &Credentials) -> anyhow::Result<String> {
        let mut run = Run::new(&self.python, &self.scripts).args(&[self.client.script]);
        for name in NARROWING {
            run = run.env_remove(name);
        }
        let variables = [
            ("ENDPOINT", endpoint),
            ("PROJECT_ID", &credentials.project_id),
            ("AK", &credentials.access_key),
            ("SK", &credentials.secret_key),
            ("REGION", REGION),
            ("VERBOSE", "1"),
            ("NO_PROXY", "*"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PYTHONUNBUFFERED", "1"),
            ("PYTHONUTF8", "1"),
        ];
        for (name, value) in variables {
            run = run.env(name, value);
        }
        let log = self.log();
        let ended = run.spawn_logged(&log)?.wait(SCRIPT_LIMIT)?;
        ensure!(ended.is_some(), "the script ran longer than {SCRIPT_LIMIT:?}, see {}", log.display());
        Ok(String::from_utf8_lossy(&fs::read(&log)?).into_owned())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("client.log")
    }

    /// Prints and counts the outcome. What went as expected leaves nothing on disk.
    fn report(&self, transcript: anyhow::Result<Transcript>, entries: &[Entry]) -> Tally {
        let name = self.client.name;
        let transcript = match transcript {
            Ok(transcript) => transcript,
            Err(error) => {
                output::complain(&format!("{name}: {error:#}"));
                output::tail(&self.log());
                output::tail(&self.folder.join(server::LOG));
                return Tally::gate(false);
            }
        };
        let verdict = Verdict::of(name, &transcript, entries);
        verdict.print(name, &transcript);
        if verdict.is_good() {
            drop(fs::remove_dir_all(&self.folder));
        } else {
            output::say(&format!("  output and server log: {}", self.folder.display()));
            output::tail(&self.folder.join(server::LOG));
        }
        verdict.tally(name, &transcript)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_list_of_expected_failures_can_be_read() {
        let names: Vec<&str> = CLIENTS.iter().map(|client| client.name).collect();
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(UNSUPPORTED)).unwrap();
        unsupported::parse(&text, &names).unwrap();
    }
}
