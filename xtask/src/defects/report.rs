//! Who noticed which defect.

use std::{collections::BTreeSet, fmt, path::PathBuf};

use super::{defect::Defect, outcome::Outcome, published, trial::Trial};
use crate::tally::Tally;

/// So many tests have to notice a defect.
const TESTS_MIN: usize = 2;

/// What became of a planted defect.
#[derive(Debug)]
pub(super) enum Finding {
    /// It does not compile, so it says nothing; the compiler's words are in this file.
    NotCompiled(PathBuf),
    /// These tests noticed.
    By(BTreeSet<String>),
}

impl Finding {
    /// Runs the tests that a defect names while it is planted. Those in `broken` fail anyway.
    ///
    /// # Errors
    /// Cargo cannot be started.
    pub fn of(trial: &Trial, defect: &Defect, broken: &BTreeSet<String>) -> anyhow::Result<Self> {
        let mut by = BTreeSet::new();
        for suite in &defect.tests {
            match trial.run(suite)? {
                Outcome::NotCompiled(log) => return Ok(Self::NotCompiled(log)),
                Outcome::Ran { failed, .. } => by.extend(failed),
            }
        }
        by.retain(|test| !broken.contains(test));
        Ok(Self::By(by))
    }

    fn is_enough(&self) -> bool {
        matches!(self, Self::By(tests) if tests.len() >= TESTS_MIN)
    }

    fn count(&self) -> String {
        match self {
            Self::NotCompiled(_) => "–".to_owned(),
            Self::By(tests) => tests.len().to_string(),
        }
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Self::NotCompiled(log) => vec![format!("does not compile: {}", log.display())],
            Self::By(tests) if tests.is_empty() => vec!["nobody".to_owned()],
            Self::By(tests) => tests.iter().cloned().collect(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found by {}: {}", self.count(), self.lines().join(", "))
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Report(Vec<(Defect, Finding)>);

impl Report {
    pub fn add(&mut self, defect: Defect, finding: Finding) {
        self.0.push((defect, finding));
    }

    /// The rows of the published table, by name.
    pub fn rows(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(defect, finding)| published::row(defect, &finding.count(), &finding.lines()))
    }

    pub fn tally(&self) -> Tally {
        let passed = self.0.iter().filter(|(_, finding)| finding.is_enough()).count();
        Tally { passed, failed: self.0.len() - passed, ..Tally::default() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<36} {:<7} {:>5}  found by", "defect", "promise", "tests")?;
        for (defect, finding) in &self.0 {
            let (name, promise, count) = (&defect.name, &defect.promise, finding.count());
            let mut head = format!("{name:<36} {promise:<7} {count:>5}");
            if !finding.is_enough() {
                head.push_str(" !");
            }
            for line in finding.lines() {
                writeln!(f, "{head:<50}  {line}")?;
                head.clear();
            }
        }
        Ok(())
    }
}
