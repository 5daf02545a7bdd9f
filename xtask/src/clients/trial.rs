//! One program against a server of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use crate::{
    clients::{access::Access, program::Program},
    output,
    registry::Fetched,
    rows::Row,
    server::{self, Server},
    tally::Tally,
    workspace::Workspace,
};

/// Longest that one program may run.
const RUN_LIMIT: Duration = Duration::from_mins(10);

/// One program with all it needs for its run.
pub(super) struct Trial {
    pub program: Program,
    /// The server to start.
    pub binary: PathBuf,
    /// Data, logs and port file of this run.
    pub folder: PathBuf,
}

/// What came of a trial.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It could not be built here, for this reason.
    Skipped(String),
    /// It ran.
    Ran {
        /// What it said of single calls.
        rows: Vec<Row>,
        /// What else is wrong with the run.
        problems: Vec<String>,
    },
}

impl Trial {
    /// Builds the program, starts a server, runs the one against the other, stops the server.
    ///
    /// # Errors
    /// The build fails, the server does not start or stop as it should, a file cannot be used.
    pub fn run(&self, workspace: &Workspace) -> anyhow::Result<Outcome> {
        let product = match self.program.build(workspace)? {
            Fetched::Done(product) => product,
            Fetched::Unreachable(line) => {
                return Ok(Outcome::Skipped(format!("its package registry cannot be reached: {line}")));
            }
        };
        fs::create_dir_all(&self.folder)?;
        let access = Access::random()?;
        let arguments = access.server_arguments(&self.folder)?;
        let server = Server::start(&self.binary, &self.folder, &access.credentials, &arguments)?;
        let outcome = self.run_program(workspace, &product, &access.variables(server.endpoint()));
        let stopped = server.stop();
        let outcome = outcome?;
        stopped?;
        Ok(outcome)
    }

    fn run_program(
        &self,
        workspace: &Workspace,
        product: &Path,
        variables: &[(&str, String)],
    ) -> anyhow::Result<Outcome> {
        let mut run = self.program.command(workspace, product, &self.folder).env_remove_prefix("MILLPOND_");
        for (name, value) in variables {
            run = run.env(name, value);
        }
        for (name, value) in [("NO_PROXY", "*"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONUTF8", "1")] {
            run = run.env(name, value);
        }
        let (out, log) = (self.out(), self.log());
        let ended = run.tree().spawn_split(&out, &log)?.wait(RUN_LIMIT)?;
        let text = fs::read(&out)?;
        Ok(judged(&String::from_utf8_lossy(&text), ended))
    }

    fn out(&self) -> PathBuf {
        self.folder.join("client.out")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("client.log")
    }

    /// Prints and counts the outcome; its rows are added to `all`. What went well leaves nothing on disk.
    pub fn report(&self, outcome: anyhow::Result<Outcome>, all: &mut Vec<Row>) -> Tally {
        let name = self.program.name();
        let (rows, problems) = match outcome {
            Ok(Outcome::Skipped(reason)) => return skipped(name, &reason),
            Ok(Outcome::Ran { rows, problems }) => (rows, problems),
            Err(error) => (Vec::new(), vec![format!("{error:#}")]),
        };
        let failures: Vec<String> = rows.iter().filter(|row| row.failure.is_some()).map(line).collect();
        let (passed, failed) = (rows.len() - failures.len(), failures.len() + problems.len());
        output::say(&format!("{name}: {passed} passed, {failed} failed"));
        output::list(&format!("{name}: failed:"), &failures);
        output::list(&format!("{name}: wrong:"), &problems);
        if failed == 0 {
            drop(fs::remove_dir_all(&self.folder));
        } else {
            output::say(&format!("  output and server log: {}", self.folder.display()));
            output::tail(&self.log());
            output::tail(&self.folder.join(server::LOG));
        }
        if self.program.is_client() {
            all.extend(rows);
        }
        Tally { passed, failed, skipped: Vec::new() }
    }
}

/// A program that did not run.
pub(super) fn skipped(name: &str, reason: &str) -> Tally {
    Tally::skip(&format!("the clients of {name}"), reason)
}

/// A failed row for people.
fn line(row: &Row) -> String {
    row.to_string().trim_start_matches("FAIL\t").replace('\t', " | ")
}

/// What a program printed and how it ended; none is a program that ran too long.
fn judged(output: &str, ended: Option<ExitStatus>) -> Outcome {
    let mut problems = Vec::new();
    let rows = Row::parse_all(output).unwrap_or_else(|error| {
        problems.push(format!("{error:#}"));
        output.lines().filter_map(|line| Row::parse(line).ok().flatten()).collect()
    });
    if rows.is_empty() {
        problems.push("it printed no result line".to_owned());
    }
    let failed = rows.iter().any(|row| row.failure.is_some());
    match ended {
        None => problems.push(format!("it ran longer than {RUN_LIMIT:?}")),
        Some(status) if !status.success() && !failed => {
            problems.push(format!("it ended with {status}, though no check failed"));
        }
        Some(status) if status.success() && failed => {
            problems.push("it ended with exit code 0, though a check failed".to_owned());
        }
        Some(_) => {}
    }
    Outcome::Ran { rows, problems }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn lines_and_exit_code_must_agree() {
        const OK: &str = "ok\tsdk\tcall\t-\n";
        const FAIL: &str = "FAIL\tsdk\tcall\t-\twrong\n";
        let (good, bad) = (Some(ExitStatus::from_raw(0)), Some(ExitStatus::from_raw(1 << 8)));
        let cases = [
            (OK.to_owned(), good, 1, &[][..]),
            (FAIL.to_owned(), bad, 1, &[]),
            (format!("starting\n{OK}{FAIL}"), bad, 2, &[]),
            (OK.to_owned(), bad, 1, &["no check failed"]),
            (FAIL.to_owned(), good, 1, &["exit code 0"]),
            (String::new(), good, 0, &["no result line"]),
            (OK.to_owned(), None, 1, &["longer than"]),
            (format!("{OK}ok\tsdk\n{OK}"), good, 2, &["line 2"]),
        ];
        for (output, ended, expected, told) in cases {
            let Outcome::Ran { rows, problems } = judged(&output, ended) else { panic!("{output}") };
            assert_eq!((rows.len(), problems.len()), (expected, told.len()), "{output} {problems:?}");
            for (problem, part) in problems.iter().zip(told) {
                assert!(problem.contains(part), "{problem}");
            }
        }
    }
}
