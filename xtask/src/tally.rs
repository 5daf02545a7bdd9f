//! Counting checks: what passed, what failed, what could not run and why.

use std::{fmt, ops::AddAssign};

/// Counts of one or several steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks that held.
    pub passed: usize,
    /// Checks that did not hold.
    pub failed: usize,
    /// Checks that did not run, each as `name: reason`.
    pub skipped: Vec<String>,
}

impl Tally {
    /// One check that passed or failed.
    pub fn gate(passed: bool) -> Self {
        Self { passed: usize::from(passed), failed: usize::from(!passed), skipped: Vec::new() }
    }

    /// One check that could not run.
    pub fn skip(name: &str, reason: &str) -> Self {
        Self { skipped: vec![format!("{name}: {reason}")], ..Self::default() }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_prints_the_closing_line() {
        let mut sum = Tally::default();
        for part in [Tally::gate(true), Tally::gate(true), Tally::gate(false), Tally::skip("deny", "missing")]
        {
            sum += part;
        }
        assert_eq!(sum.to_string(), "2 passed, 1 failed, 1 skipped");
        assert_eq!(sum.skipped, ["deny: missing"]);
    }
}
