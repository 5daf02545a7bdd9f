//! The measurements: built for release, and run by a program of their own.

use anyhow::ensure;

use crate::{
    command::Run,
    tally::Tally,
    workspace::{SERVER, Workspace},
};

/// Package of the programs that measure.
const BENCHES: &str = "millpond-benches";

/// Builds the server and the programs that measure, and runs the table with `args`.
///
/// # Errors
/// The build failed, or the program could not be started.
pub fn run(workspace: &Workspace, args: &[String]) -> anyhow::Result<Tally> {
    let build = ["build", "--release", "--package", SERVER, "--package", BENCHES, "--bins"];
    ensure!(workspace.cargo(&build).success()?, "the release build failed");
    let binaries = workspace.target().join("release");
    Run::new(binaries.join("bench-table"), workspace.root())
        .args(&["--binaries".as_ref(), binaries.as_os_str(), "--root".as_ref(), workspace.root().as_os_str()])
        .args(&["--scratch".as_ref(), workspace.target().join("bench").as_os_str()])
        .args(args)
        .gate()
}
