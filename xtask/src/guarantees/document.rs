//! The generated part of docs/guarantees.md, between two comments.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Context;

use super::{Promise, promises::PROMISES, run::Results};

/// The document, below the top folder.
pub(super) const PATH: &str = "docs/guarantees.md";

const BEGIN: &str = "<!-- guarantees: written by `cargo xtask guarantees`, do not edit -->\n";
const END: &str = "<!-- guarantees: end -->\n";

/// What stands where tests were never run.
const NOT_RUN: &str = "not run";

/// The document cut at the table.
pub(super) struct Document<'a> {
    before: &'a str,
    behind: &'a str,
    /// The figures of the table, by promise.
    figures: BTreeMap<&'a str, &'a str>,
}

impl<'a> Document<'a> {
    /// # Errors
    /// A comment is missing.
    pub fn parse(text: &'a str) -> anyhow::Result<Self> {
        let marked = || format!("{PATH} needs the two lines {BEGIN}{END}in this order");
        let (before, rest) = text.split_once(BEGIN).with_context(marked)?;
        let (table, behind) = rest.split_once(END).with_context(marked)?;
        let figures = table.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
            Some((cells.next()?, cells.last()?))
        });
        Ok(Self { before, behind, figures: figures.collect() })
    }

    /// The document with a row for each promise. What was not run keeps its figure.
    pub fn with(&self, results: &Results) -> String {
        let mut table =
            String::from("| | Promise | Proved by | Run with | Latest |\n| - | - | - | - | - |\n");
        for promise in PROMISES {
            let old = self.figures.get(promise.name).copied().unwrap_or(NOT_RUN);
            table.push_str(&row(promise, results.figure(promise).unwrap_or(old)));
        }
        format!("{}{BEGIN}\n{table}\n{END}{}", self.before, self.behind)
    }
}

fn row(promise: &Promise, figure: &str) -> String {
    let Promise { name, says, proofs, unproved } = promise;
    let mut proved = String::new();
    for (file, tests) in *proofs {
        for test in *tests {
            let _ = write!(proved, "`{file}::{test}`<br>");
        }
    }
    if !unproved.is_empty() {
        let _ = write!(proved, "*No test yet:* {unproved}");
    }
    let (command, figure) = if proofs.is_empty() {
        ("–".to_owned(), "–")
    } else {
        (format!("`cargo xtask guarantees {name}`"), figure)
    };
    format!("| {name} | {says} | {} | {command} | {figure} |\n", proved.trim_end_matches("<br>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_kept_until_the_tests_run_again() {
        let empty = format!("# A\n\n{BEGIN}{END}behind\n");
        let first = Document::parse(&empty).unwrap().with(&Results::default());
        assert!(first.starts_with("# A\n\n<!--") && first.ends_with("-->\nbehind\n"), "{first}");
        assert_eq!(first.matches("\n| G").count(), PROMISES.len());
        let known = first.replacen(NOT_RUN, "4 tests pass", 1);
        assert_eq!(Document::parse(&known).unwrap().with(&Results::default()), known);
        for bad in ["# A\n", BEGIN, END] {
            assert!(Document::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_row_says_what_is_not_proved() {
        let promise = Promise { name: "G0", says: "It holds.", proofs: &[], unproved: "all of it." };
        assert_eq!(row(&promise, NOT_RUN), "| G0 | It holds. | *No test yet:* all of it. | – | – |\n");
        let promise = Promise { proofs: &[("crates/a/src/b.rs", &["one", "two"])], unproved: "", ..promise };
        assert_eq!(
            row(&promise, "2 tests pass"),
            "| G0 | It holds. | `crates/a/src/b.rs::one`<br>`crates/a/src/b.rs::two` | `cargo xtask guarantees G0` | 2 tests pass |\n"
        );
    }
}
