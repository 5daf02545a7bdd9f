//! What `cargo test` printed: which tests passed, failed, or never ended.
//!
//! ```text
//!      Running tests/crash.rs (target/debug/deps/crash-0123456789abcdef)
//! test one ... ok
//! test two ... FAILED
//! test three has been running for over 60 seconds
//! ---- one stdout ----
//! figure: 180 crash images
//! ```
//!
//! A test is named `crate::module::name` when it is part of a crate, `crate/file::name` when it is one of
//! its integration tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::ExitStatus,
};

/// What became of a suite.
#[derive(Debug)]
pub enum Outcome {
    /// It does not compile; the compiler's words are in this file.
    NotCompiled(PathBuf),
    /// It ran.
    Ran {
        /// Tests that passed.
        passed: BTreeSet<String>,
        /// Tests that failed. One that did not end is named so.
        failed: BTreeSet<String>,
        /// What tests said about their size, by their names.
        figures: BTreeMap<String, Vec<String>>,
    },
}

/// What the output says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
    late: BTreeSet<String>,
    figures: BTreeMap<String, Vec<String>>,
    /// The program that ran last, and whether it told its result.
    last: String,
    unfinished: bool,
}

impl Seen {
    /// Reads both outputs of `cargo test` for one package.
    pub fn read(package: &str, output: &str) -> Self {
        let name = package.strip_prefix("millpond-").unwrap_or(package);
        let mut seen = Self::default();
        let mut shown = None;
        for line in output.lines() {
            if let Some(program) = running(line) {
                (seen.last, seen.unfinished, shown) = (prefix(name, program), true, None);
            } else if let Some((test, passed)) = result(line) {
                let test = seen.name(test);
                seen.late.remove(&test);
                if passed {
                    seen.passed.insert(test)
                } else {
                    seen.failed.insert(test)
                };
            } else if let Some(test) = late(line) {
                let test = seen.name(test);
                seen.late.insert(test);
            } else if line.starts_with("test result: ") {
                seen.unfinished = false;
            } else if let Some(test) = section(line) {
                shown = Some(seen.name(test));
            } else if let (Some(test), Some(figure)) = (&shown, line.strip_prefix("figure: ")) {
                seen.figures.entry(test.clone()).or_default().push(figure.to_owned());
            }
        }
        seen
    }

    fn name(&self, test: &str) -> String {
        format!("{}::{test}", self.last)
    }

    /// What it means, given how cargo ended; `None` when it had to be stopped.
    pub fn outcome(self, status: Option<ExitStatus>) -> Outcome {
        let Self { passed, mut failed, late, figures, last, unfinished } = self;
        match status {
            None if late.is_empty() => drop(failed.insert(format!("{last} (hangs)"))),
            None => failed.extend(late.into_iter().map(|test| format!("{test} (hangs)"))),
            Some(status) if !status.success() && (unfinished || failed.is_empty()) => {
                failed.insert(format!("{last} (dies)"));
            }
            Some(_) => {}
        }
        Outcome::Ran { passed, failed, figures }
    }
}

/// The program in a line such as `Running tests/crash.rs (target/…)` or `Running unittests src/lib.rs (…)`.
fn running(line: &str) -> Option<&str> {
    let program = line.trim_start().strip_prefix("Running ")?;
    let (program, _) = program.split_once(" (")?;
    Some(program.strip_prefix("unittests ").unwrap_or(program))
}

fn prefix(package: &str, program: &str) -> String {
    let Some(file) = program.strip_prefix("tests/") else { return package.to_owned() };
    let file = file.strip_suffix("/main.rs").or_else(|| file.strip_suffix(".rs")).unwrap_or(file);
    format!("{package}/{file}")
}

/// The test in `test NAME ... ok`, and whether it passed.
fn result(line: &str) -> Option<(&str, bool)> {
    let (test, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    match end {
        "ok" => Some((test, true)),
        "FAILED" => Some((test, false)),
        _ => None,
    }
}

fn late(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" has been running for over 60 seconds")
}

fn section(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const OUTPUT: &str = "\
    Finished `test` profile in 2.00s
     Running unittests src/lib.rs (target/debug/deps/millpond_seglog-01)

running 2 tests
test batch::tests::one ... ok
test batch::tests::two ... FAILED

failures:

---- batch::tests::two stdout ----
figure: 1 case
it broke

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running tests/kill/main.rs (target/debug/deps/kill-01)
test slow has been running for over 60 seconds
test three has been running for over 60 seconds
test three ... ok
";

    fn outcome(text: &str, status: Option<i32>) -> (Vec<String>, Vec<String>) {
        let outcome = Seen::read("millpond-seglog", text).outcome(status.map(ExitStatus::from_raw));
        let Outcome::Ran { passed, failed, .. } = outcome else { panic!("it ran") };
        (passed.into_iter().collect(), failed.into_iter().collect())
    }

    #[test]
    fn tests_are_named_with_their_crate_and_file() {
        let (passed, failed) = outcome(OUTPUT, None);
        assert_eq!(passed, ["seglog/kill::three", "seglog::batch::tests::one"]);
        assert_eq!(failed, ["seglog/kill::slow (hangs)", "seglog::batch::tests::two"]);
    }

    #[test]
    fn a_program_that_dies_or_hangs_counts_once() {
        let begun = "     Running tests/shape.rs (target/debug/deps/shape-01)\ntest one ... ok\n";
        assert_eq!(outcome(begun, None).1, ["seglog/shape (hangs)"]);
        assert_eq!(outcome(begun, Some(101 << 8)).1, ["seglog/shape (dies)"]);
        let ended = format!("{begun}test two ... FAILED\ntest result: FAILED. 1 passed; 1 failed;\n");
        assert_eq!(outcome(&ended, Some(101 << 8)).1, ["seglog/shape::two"]);
        let well = format!("{begun}test result: ok. 1 passed; 0 failed;\n");
        assert!(outcome(&well, Some(0)).1.is_empty());
    }

    #[test]
    fn figures_belong_to_the_test_that_printed_them() {
        let seen = Seen::read("millpond-seglog", &format!("figure: nobody's\n{OUTPUT}"));
        let figures = BTreeMap::from([("seglog::batch::tests::two".to_owned(), vec!["1 case".to_owned()])]);
        assert_eq!(seen.figures, figures);
    }
}
