//! Running tests of a copy of the sources: compiled without a hurry, then run within a time limit.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;

use super::outcome::{Outcome, Seen};
use crate::command::Run;

/// Longest time to compile the tests of one package.
const COMPILE_TIME_MAX: Duration = Duration::from_mins(40);

/// How tests are run.
#[derive(Clone)]
pub struct Trial {
    /// The sources.
    pub sources: PathBuf,
    /// Cargo's build directory for them.
    pub target: PathBuf,
    /// Where the outputs of cargo go.
    pub logs: PathBuf,
    /// How many compilers run at once.
    pub jobs: Option<String>,
    /// Whether the tests are compiled with debug information, as at the desk.
    pub debug_information: bool,
    /// Longest time that a suite may run: what takes longer hangs. More than a minute, after which the test
    /// harness names the tests that still run.
    pub time_max: Duration,
}

impl Trial {
    /// Runs one suite: a package and arguments of `cargo test`.
    ///
    /// # Errors
    /// Cargo cannot be started, or its output cannot be read.
    pub fn run(&self, suite: &str) -> anyhow::Result<Outcome> {
        fs::create_dir_all(&self.logs).with_context(|| format!("cannot make {}", self.logs.display()))?;
        let log = self.logs.join(format!("{}.log", file_name(suite)));
        let mut compiling = self.cargo(suite, "--no-run").spawn_logged(&log)?;
        let compiled = compiling.wait(COMPILE_TIME_MAX)?;
        if !compiled.is_some_and(|status| status.success()) {
            return Ok(Outcome::NotCompiled(log));
        }
        let mut running = self.cargo(suite, "--no-fail-fast").spawn_logged(&log)?;
        let status = running.wait(self.time_max)?;
        drop(running);
        Ok(Self::read(suite, &log)?.outcome(status))
    }

    fn read(suite: &str, log: &Path) -> anyhow::Result<Seen> {
        let text = fs::read(log).with_context(|| format!("cannot read {}", log.display()))?;
        let package = suite.split_whitespace().next().unwrap_or_default();
        Ok(Seen::read(package, &String::from_utf8_lossy(&text)))
    }

    /// `cargo test` of the suite. Arguments behind `--` stay there.
    fn cargo(&self, suite: &str, flag: &str) -> Run {
        let cargo: OsString = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut args = vec!["test", flag];
        args.extend(self.jobs.iter().flat_map(|jobs| ["--jobs", jobs]));
        args.push("--package");
        args.extend(suite.split_whitespace());
        let run = Run::new(cargo, &self.sources)
            .args(&args)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            .tree();
        if self.debug_information { run } else { run.env("CARGO_PROFILE_DEV_DEBUG", "0") }
    }
}

/// The suite as part of a file's name.
fn file_name(suite: &str) -> String {
    let words: Vec<&str> =
        suite.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut name = words.join("-");
    name.truncate(100);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_names_its_log() {
        assert_eq!(file_name("millpond-seglog --lib journal::"), "millpond-seglog-lib-journal");
    }
}
