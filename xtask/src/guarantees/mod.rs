//! `cargo xtask guarantees`: what is promised, and which tests prove it.
//!
//! ```text
//! table of promises (module `promises`) ─▶ tests exist?            (module `proof`; all that `--check` does)
//!                                       ─▶ run, package by package  (module `run`)
//!                                       ─▶ docs/guarantees.md       (module `document`)
//! ```
//!
//! What no test proves yet is said in the same row.

use std::fs;

use anyhow::{Context, bail, ensure};

use crate::{
    guarantees::{document::Document, promises::PROMISES, run::Results},
    output,
    tally::Tally,
    workspace::Workspace,
};

mod document;
mod promises;
mod proof;
mod run;

/// A promise.
struct Promise {
    /// `G1` and so on.
    name: &'static str,
    says: &'static str,
    /// Files, and the tests in them.
    proofs: &'static [(&'static str, &'static [&'static str])],
    /// What of it no test proves yet; empty when everything is.
    unproved: &'static str,
}

/// Runs the tests of the promises in `args`, or of all, and writes what came of it into the document.
/// `--check` runs nothing.
///
/// # Errors
/// There is no such promise, a test cannot be run, or the document cannot be read or written.
pub fn run(workspace: &Workspace, args: &[String]) -> anyhow::Result<Tally> {
    if args.iter().any(|arg| arg == "--check") {
        ensure!(args.len() == 1, "`--check` checks all promises");
        return check(workspace);
    }
    if let Some(unknown) = args.iter().find(|arg| !PROMISES.iter().any(|promise| promise.name == **arg)) {
        bail!("there is no promise `{unknown}`; see {}", document::PATH);
    }
    let missing = proof::missing(workspace.root())?;
    output::list("Named as a proof, but no such test:", &missing);
    ensure!(missing.is_empty(), "change the table in xtask/src/guarantees/promises.rs");
    let chosen: Vec<&Promise> = PROMISES
        .iter()
        .filter(|promise| args.is_empty() || args.iter().any(|arg| arg == promise.name))
        .collect();
    let results = Results::of(workspace, &chosen)?;
    let path = workspace.root().join(document::PATH);
    let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", document::PATH))?;
    let new = Document::parse(&old)?.with(&results);
    if new != old {
        fs::write(&path, new).with_context(|| format!("cannot write {}", document::PATH))?;
        output::say(&format!("wrote the table of {}", document::PATH));
    }
    let failed = results.failures();
    output::list("Promises whose tests fail:", &failed);
    Ok(Tally { passed: chosen.len() - failed.len(), failed: failed.len(), ..Tally::default() })
}

/// Whether every test that is named exists, and the document names the same ones.
///
/// # Errors
/// A file cannot be read.
pub fn check(workspace: &Workspace) -> anyhow::Result<Tally> {
    let mut findings = proof::missing(workspace.root())?;
    let text = fs::read_to_string(workspace.root().join(document::PATH));
    let text = text.with_context(|| format!("cannot read {}", document::PATH))?;
    if Document::parse(&text)?.with(&Results::default()) != text {
        findings.push(format!("{} is old: run `cargo xtask guarantees`", document::PATH));
    }
    output::list("Proofs of the guarantees:", &findings);
    Ok(Tally::gate(findings.is_empty()))
}
