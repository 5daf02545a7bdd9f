//! `cargo xtask test`: the whole suite by plain `cargo test`, counted.

use crate::{output, tally::Tally, workspace::Workspace};

/// Runs unit, integration and documentation tests of every crate; nothing but the Rust toolchain is
/// needed. Benchmarks are compiled by clippy, not run.
///
/// # Errors
/// Cargo could not be started, or its output could not be read.
pub fn run(workspace: &Workspace) -> anyhow::Result<Tally> {
    let test = workspace.cargo(&["test", "--workspace", "--no-fail-fast"]).locked_in_ci();
    let mut tally = Tally::default();
    let status = test.each_line(|line| count(line, &mut tally))?;
    if !status.success() && tally.failed == 0 {
        output::complain("cargo test failed outside the tests: see its messages above");
        tally.failed = 1;
    }
    Ok(tally)
}

/// Adds one line of `cargo test`'s output: a `test result:` line, or the line of an ignored test.
fn count(line: &str, tally: &mut Tally) {
    if let Some(result) = line.strip_prefix("test result: ") {
        tally.passed += number_before(result, " passed");
        tally.failed += number_before(result, " failed");
    } else if let Some(name) = ignored(line) {
        tally.skipped.push(format!("{name}: ignored in the source"));
    }
}

/// The number right before `word` in a line such as `ok. 3 passed; 0 failed; 1 ignored; …`; 0 without it.
fn number_before(result: &str, word: &str) -> usize {
    let before = result.split(word).next().unwrap_or_default();
    if before.len() == result.len() {
        return 0;
    }
    before.rsplit(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// Name of the test in `test NAME ... ignored` or `test NAME ... ignored, reason`.
fn ignored(line: &str) -> Option<&str> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    (outcome == "ignored" || outcome.starts_with("ignored, ")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 3 tests
test names::tests::accepts ... ok
test names::tests::refuses ... FAILED
test names::tests::slow ... ignored, takes an hour

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running tests/wire.rs
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.20s
   Doc-tests millpond_model
test crates/model/src/lib.rs - (line 3) ... ignored
test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn result_lines_are_summed_and_ignored_tests_named() {
        let mut tally = Tally::default();
        OUTPUT.lines().for_each(|line| count(line, &mut tally));
        assert_eq!((tally.passed, tally.failed), (13, 1));
        assert_eq!(
            tally.skipped,
            [
                "names::tests::slow: ignored in the source",
                "crates/model/src/lib.rs - (line 3): ignored in the source"
            ]
        );
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in
            ["", "test result", "3 passed", "test a ... ok", "test result: nonsense", "running 3 tests"]
        {
            let mut tally = Tally::default();
            count(line, &mut tally);
            assert_eq!(tally, Tally::default(), "{line}");
        }
    }
}
