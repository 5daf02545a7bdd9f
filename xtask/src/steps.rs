//! Running named steps one after the other, with their durations and one closing line.

use std::time::Duration;

use crate::{output, tally::Tally, time::Stopwatch};

/// The steps of one call, in order. A step that fails does not stop the later ones: one run shows all
/// that is wrong.
#[derive(Default)]
pub struct Steps(Vec<Step>);

struct Step {
    name: &'static str,
    tally: Tally,
    took: Duration,
}

impl Steps {
    /// Runs `step` under `name`. A step that breaks off counts as one failure.
    pub fn run(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<Tally>) {
        output::headline(name);
        let watch = Stopwatch::start();
        let tally = step().unwrap_or_else(|error| {
            output::complain(&format!("error: {name}: {error:#}"));
            Tally::gate(false)
        });
        self.0.push(Step { name, tally, took: watch.elapsed() });
    }

    /// Prints what was skipped, the durations and the closing line; true when nothing failed and
    /// something passed.
    pub fn finish(&self) -> bool {
        let total = self.total();
        output::list("Skipped:", &total.skipped);
        if self.0.len() > 1 {
            let rows: Vec<String> = self.0.iter().map(Step::row).collect();
            output::list("Steps:", &rows);
        }
        output::say(&format!("\n{total}"));
        passes(&total)
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for step in &self.0 {
            total += step.tally.clone();
        }
        total
    }
}

impl Step {
    fn row(&self) -> String {
        format!("{:<14} {:>7.1} s   {}", self.name, self.took.as_secs_f64(), self.tally)
    }
}

/// Nothing failed. A call in which nothing passed either is good only when all was skipped by name.
fn passes(total: &Tally) -> bool {
    total.failed == 0 && (total.passed > 0 || !total.skipped.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_or_no_check_at_all_is_a_failure() {
        let cases = [
            (Tally::gate(true), true),
            (Tally::gate(false), false),
            (Tally::default(), false),
            (Tally::skip("acceptance", "no Python"), true),
        ];
        for (tally, expected) in cases {
            assert_eq!(passes(&tally), expected, "{tally}");
        }
    }

    #[test]
    fn a_step_that_breaks_off_counts_as_a_failure_and_the_next_still_runs() {
        let mut steps = Steps::default();
        steps.run("first", || anyhow::bail!("broken"));
        steps.run("second", || Ok(Tally::gate(true)));
        assert_eq!(steps.total().to_string(), "1 passed, 1 failed, 0 skipped");
        assert!(!steps.finish());
    }
}
