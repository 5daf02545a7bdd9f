//! `cargo deny`: licences, banned crates, sources and advisories, by the rules of `deny.toml`.

use std::{path::PathBuf, time::Duration};

use crate::{command::Run, output, tally::Tally, workspace::Workspace};

/// Longest that fetching the advisory database may take, so that a silent network costs little.
const FETCH_LIMIT: Duration = Duration::from_mins(1);

/// Runs all checks that can run here; the others are skipped by name.
///
/// # Errors
/// The tool was found but could not be started.
pub fn check(workspace: &Workspace) -> anyhow::Result<Tally> {
    let Some(tool) = find(workspace) else {
        return Ok(Tally::skip(
            "cargo deny",
            "not installed; `cargo install --locked cargo-deny@0.20.2` gets it",
        ));
    };
    let run = |args: &[&str]| Run::new(&tool, workspace.root()).args(args);
    let mut tally =
        run(&["--log-level", "error", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"])
            .gate()?;
    let log = workspace.target().join("advisory-db.log");
    let mut fetch = run(&["fetch", "db"]).env("GIT_TERMINAL_PROMPT", "0").spawn_logged(&log)?;
    if fetch.wait(FETCH_LIMIT)?.is_some_and(|status| status.success()) {
        tally += run(&["check", "advisories"]).gate()?;
    } else {
        output::say(&format!("advisories: not checked, see {}", log.display()));
        tally += Tally::skip("cargo deny check advisories", "the advisory database cannot be reached");
    }
    Ok(tally)
}

/// `cargo-deny` below the build directory, else the one on the search path.
fn find(workspace: &Workspace) -> Option<PathBuf> {
    let own = workspace.target().join("tools/bin/cargo-deny");
    [own, PathBuf::from("cargo-deny")]
        .into_iter()
        .find(|tool| Run::new(tool, workspace.root()).args(&["--version"]).quiet_output().is_some())
}
