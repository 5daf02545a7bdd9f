//! `cargo xtask tidy`: the house rules that no compiler knows.
//!
//! Each check is a plain function from text to findings; this module reads the files and prints.

use std::fmt;

use crate::{
    output,
    tally::Tally,
    tidy::{files::SourceFile, manifest::Manifest},
    workspace::Workspace,
};

mod direction;
mod files;
mod manifest;
mod source;
mod words;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Runs every check over the checkout and prints what it found as `file:line: message`.
///
/// # Errors
/// A file could not be read, or a manifest is not valid TOML.
pub fn check(workspace: &Workspace) -> anyhow::Result<Tally> {
    let files = files::read(workspace)?;
    let mut findings = manifest_findings(&files)?;
    findings.extend(files.iter().flat_map(source_findings));
    for finding in &findings {
        output::say(&finding.to_string());
    }
    output::say(&format!("{} files checked, {} findings", files.len(), findings.len()));
    Ok(Tally::gate(findings.is_empty()))
}

fn manifest_findings(files: &[SourceFile]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_member_manifest()) {
        let manifest = Manifest::parse(&file.path, &file.text)?;
        findings.extend(manifest.findings());
        findings.extend(direction::findings(&manifest));
    }
    Ok(findings)
}

fn source_findings(file: &SourceFile) -> Vec<Finding> {
    let mut findings = words::findings(file);
    if file.is_rust() {
        findings.extend(source::ignored_tests(file));
    }
    if file.is_crate_source() {
        findings.extend(source::header(file));
        findings.extend(source::length(file));
    }
    if file.is_crate_root() {
        findings.extend(source::unsafe_forbidden(file));
    }
    findings
}
