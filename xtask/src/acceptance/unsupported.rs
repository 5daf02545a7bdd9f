//! Failures that are expected, because the feature they check is not built yet.
//!
//! The list only shrinks: a failure that is not listed fails the run, and so does a line that no failure
//! matches any more.

use anyhow::{Context, bail, ensure};

use super::transcript::{Failure, Transcript};
use crate::{output, tally::Tally};

/// One line of the list: failures of one section, all or those with a certain text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Line in the list, counted from 1.
    line: usize,
    script: String,
    section: String,
    part: Option<String>,
}

impl Entry {
    fn covers(&self, failure: &Failure) -> bool {
        self.section == failure.section && self.part.as_ref().is_none_or(|part| failure.text.contains(part))
    }

    fn describe(&self) -> String {
        let part = self.part.as_ref().map(|part| format!(": {part}")).unwrap_or_default();
        format!("line {}: {} {}{part}", self.line, self.script, self.section)
    }
}

/// Reads the list. Fields are separated by tabs: `script`, `section` and, where only some checks of the
/// section fail, a part of the check's text. Empty lines and lines that begin with `#` say nothing.
///
/// # Errors
/// A line has another number of fields, an empty one, or names a script not in `scripts`.
pub(super) fn parse(text: &str, scripts: &[&str]) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.trim().is_empty() && !line.starts_with('#') {
            let entry = entry(index + 1, line, scripts).with_context(|| format!("line {}", index + 1))?;
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn entry(line: usize, text: &str, scripts: &[&str]) -> anyhow::Result<Entry> {
    let fields: Vec<&str> = text.split('\t').collect();
    let (script, section, part) = match fields.as_slice() {
        [script, section] => (*script, *section, None),
        [script, section, part] => (*script, *section, Some((*part).to_owned())),
        _ => bail!("write `script<TAB>section` or `script<TAB>section<TAB>part of the check's text`"),
    };
    ensure!(
        fields.iter().all(|field| !field.is_empty() && field.trim() == *field),
        "a field is empty or padded"
    );
    ensure!(scripts.contains(&script), "`{script}` is no script; there are {scripts:?}");
    Ok(Entry { line, script: script.to_owned(), section: section.to_owned(), part })
}

/// How the failures of one run compare with the list.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Listed failures.
    expected: Vec<Failure>,
    /// Failures that are not listed.
    unexpected: Vec<Failure>,
    /// Lines that no failure matches.
    stale: Vec<String>,
}

impl Verdict {
    /// Compares the failures of `script` with its entries.
    pub fn of(script: &str, transcript: &Transcript, entries: &[Entry]) -> Self {
        let own: Vec<&Entry> = entries.iter().filter(|entry| entry.script == script).collect();
        let covered = |failure: &&Failure| own.iter().any(|entry| entry.covers(failure));
        let (expected, unexpected) = transcript.failures.iter().partition::<Vec<_>, _>(covered);
        let stale =
            own.iter().filter(|entry| !transcript.failures.iter().any(|failure| entry.covers(failure)));
        Self {
            expected: expected.into_iter().cloned().collect(),
            unexpected: unexpected.into_iter().cloned().collect(),
            stale: stale.map(|entry| entry.describe()).collect(),
        }
    }

    /// Everything failed that is listed, and nothing else.
    pub fn is_good(&self) -> bool {
        self.unexpected.is_empty() && self.stale.is_empty()
    }

    /// Passed checks, unexpected failures and stale lines, and expected failures as skipped.
    pub fn tally(&self, script: &str, transcript: &Transcript) -> Tally {
        let mut tally = Tally {
            passed: transcript.passed(),
            failed: self.unexpected.len() + self.stale.len(),
            skipped: Vec::new(),
        };
        for failure in &self.expected {
            let what = failure.text.split(" -- ").next().unwrap_or_default();
            tally += Tally::skip(&format!("{script} {}: {what}", failure.section), "not yet supported");
        }
        tally
    }

    /// Prints the counts and whatever was not expected.
    pub fn print(&self, script: &str, transcript: &Transcript) {
        let (passed, failed) = (transcript.passed(), transcript.failures.len());
        output::say(&format!(
            "{script}: {passed} passed, {failed} failed ({} expected)",
            self.expected.len()
        ));
        let lines = |failures: &[Failure]| -> Vec<String> {
            failures.iter().map(|failure| format!("{}: {}", failure.section, failure.text)).collect()
        };
        output::list(&format!("{script}: failed unexpectedly:"), &lines(&self.unexpected));
        output::list(
            &format!("{script}: now supported: remove the line from {}", super::UNSUPPORTED),
            &self.stale,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPTS: [&str; 2] = ["v3", "legacy"];
    const LIST: &str = "# Not built yet\n\nv3\tmetrics\nv3\tpolicies\tno policy rules\nlegacy\tmonitoring\n";

    fn check(output: &str, expected: usize, unexpected: &[&str], stale: &[&str]) {
        let transcript = Transcript::parse(output);
        let verdict = Verdict::of("v3", &transcript, &parse(LIST, &SCRIPTS).unwrap());
        let sections: Vec<&str> = verdict.unexpected.iter().map(|failure| failure.section.as_str()).collect();
        assert_eq!((verdict.expected.len(), sections.as_slice()), (expected, unexpected), "{output}");
        assert_eq!(verdict.stale, stale, "{output}");
        assert_eq!(verdict.is_good(), unexpected.is_empty() && stale.is_empty(), "{output}");
        let tally = verdict.tally("v3", &transcript);
        let counts = (tally.passed, tally.failed, tally.skipped.len());
        assert_eq!(counts, (transcript.passed(), unexpected.len() + stale.len(), expected), "{output}");
    }

    const METRICS: &str = "  FAIL  metrics: section broke off -- 400\n";
    const POLICIES: &str = "  FAIL  policies: a new stream has no policy rules -- got None\n";

    #[test]
    fn listed_failures_are_expected() {
        check(&format!("  ok    a: b\n{METRICS}{METRICS}{POLICIES}"), 3, &[], &[]);
    }

    #[test]
    fn a_failure_that_is_not_listed_fails() {
        let records = "  FAIL  records: nothing failed -- got 1, expected 0\n";
        check(&format!("{METRICS}{POLICIES}{records}"), 2, &["records"], &[]);
        let other = "  FAIL  policies: policies name the stream id -- got None\n";
        check(&format!("{METRICS}{POLICIES}{other}"), 2, &["policies"], &[]);
        let legacy = "  FAIL  monitoring: section broke off -- 400\n";
        check(&format!("{METRICS}{POLICIES}{legacy}"), 2, &["monitoring"], &[]);
    }

    #[test]
    fn a_line_without_a_failure_fails() {
        check(POLICIES, 1, &[], &["line 3: v3 metrics"]);
        check(
            &format!("  ok    policies: all\n{METRICS}"),
            1,
            &[],
            &["line 4: v3 policies: no policy rules"],
        );
    }

    #[test]
    fn malformed_lines_are_refused_with_their_number() {
        for bad in ["v3", "v3 metrics", "v3\t", "v3\tmetrics ", "v3\ta\tb\tc", "v4\tmetrics"] {
            let error = parse(&format!("# list\n{bad}\n"), &SCRIPTS).expect_err(bad);
            assert!(error.to_string().contains("line 2"), "{error:#}");
        }
    }
}
