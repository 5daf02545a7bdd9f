//! Runs the tests of promises, and says what came of each promise.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Promise, proof::Proof};
use crate::{
    defects::{outcome::Outcome, trial::Trial},
    output,
    workspace::Workspace,
};

/// Longest time for the tests of one package.
const TIME_MAX: Duration = Duration::from_mins(30);

impl Promise {
    pub fn all_proofs(&self) -> impl Iterator<Item = Proof> {
        self.proofs.iter().flat_map(|&(file, tests)| tests.iter().map(move |&test| Proof { file, test }))
    }
}

/// What tests said, by the names of their promises.
#[derive(Default)]
pub(super) struct Results(BTreeMap<&'static str, Verdict>);

/// What came of the tests of a promise.
struct Verdict {
    failed: Vec<String>,
    /// For the document.
    figure: String,
}

impl Results {
    /// Runs the tests of these promises, each once.
    ///
    /// # Errors
    /// Cargo cannot be started, or its output cannot be read.
    pub fn of(workspace: &Workspace, promises: &[&Promise]) -> anyhow::Result<Self> {
        let trial = Trial {
            sources: workspace.root().to_owned(),
            target: workspace.target().to_owned(),
            logs: workspace.target().join("guarantees"),
            jobs: None,
            debug_information: true,
            time_max: TIME_MAX,
        };
        let (mut passed, mut figures) = (BTreeSet::new(), BTreeMap::new());
        for suite in suites(promises.iter().flat_map(|promise| promise.all_proofs())) {
            output::say(&format!("cargo test --package {suite}"));
            match trial.run(&suite)? {
                Outcome::NotCompiled(log) => {
                    output::complain(&format!("does not compile: {}", log.display()));
                }
                Outcome::Ran { passed: more, failed, figures: told } => {
                    let failed: Vec<String> = failed.into_iter().collect();
                    output::list("Failed:", &failed);
                    passed.extend(more);
                    figures.extend(told);
                }
            }
        }
        let verdict = |promise: &&Promise| (promise.name, Verdict::of(promise, &passed, &figures));
        Ok(Self(promises.iter().filter(|promise| !promise.proofs.is_empty()).map(verdict).collect()))
    }

    /// What the document says of a promise; none when its tests were not run.
    pub fn figure(&self, promise: &Promise) -> Option<&str> {
        self.0.get(promise.name).map(|verdict| verdict.figure.as_str())
    }

    /// The promises of which a test failed or did not run, with those tests.
    pub fn failures(&self) -> Vec<String> {
        let failures = self.0.iter().filter(|(_, verdict)| !verdict.failed.is_empty());
        failures.map(|(name, verdict)| format!("{name}: {}", verdict.failed.join(", "))).collect()
    }
}

impl Verdict {
    fn of(promise: &Promise, passed: &BTreeSet<String>, figures: &BTreeMap<String, Vec<String>>) -> Self {
        let (mut failed, mut count, mut told) = (Vec::new(), 0, Vec::new());
        for proof in promise.all_proofs() {
            // A suite runs a test once for each engine and end of a life.
            let runs: Vec<&String> = passed.iter().filter(|name| proof.is(name)).collect();
            if runs.is_empty() {
                failed.push(proof.test.to_owned());
            }
            count += runs.len();
            told.extend(runs.into_iter().filter_map(|name| figures.get(name)).flatten().cloned());
        }
        let mut figure = format!("{count} tests pass");
        if !failed.is_empty() {
            figure = format!("**fails:** {}", failed.join(", "));
        } else if !told.is_empty() {
            figure = format!("{figure}; {}", told.join("; "));
        }
        Self { failed, figure }
    }
}

/// One call of `cargo test` for each package, with the names of its tests.
fn suites(proofs: impl Iterator<Item = Proof>) -> Vec<String> {
    let mut packages: BTreeMap<String, (BTreeSet<String>, BTreeSet<&str>)> = BTreeMap::new();
    for proof in proofs {
        if let Some((package, argument)) = proof.target() {
            let (arguments, tests) = packages.entry(package).or_default();
            arguments.insert(argument);
            tests.insert(proof.test);
        }
    }
    let suite = |(package, (arguments, tests)): (String, (BTreeSet<String>, BTreeSet<&str>))| {
        let (arguments, tests): (Vec<_>, Vec<_>) =
            (arguments.into_iter().collect(), tests.into_iter().collect());
        format!("{package} {} -- --show-output {}", arguments.join(" "), tests.join(" "))
    };
    packages.into_iter().map(suite).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMISE: Promise = Promise {
        name: "G0",
        says: "It holds.",
        proofs: &[("crates/a/src/b.rs", &["one", "two"]), ("crates/a/tests/c.rs", &["three"])],
        unproved: "",
    };

    #[test]
    fn every_package_is_run_once() {
        let twice = PROMISE.all_proofs().chain(PROMISE.all_proofs());
        assert_eq!(suites(twice), ["millpond-a --lib --test c -- --show-output one three two"]);
    }

    #[test]
    fn a_verdict_counts_what_ran_and_names_what_did_not() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let all = names(&["a::b::tests::one", "a::b::tests::two", "a/c::x::three", "a/c::y::three"]);
        let figures = BTreeMap::from([("a/c::x::three".to_owned(), vec!["7 kills".to_owned()])]);
        assert_eq!(Verdict::of(&PROMISE, &all, &figures).figure, "4 tests pass; 7 kills");
        let verdict = Verdict::of(&PROMISE, &names(&["a::b::tests::one", "a/d::three"]), &figures);
        assert_eq!(
            (verdict.failed.join(" "), &*verdict.figure),
            ("two three".to_owned(), "**fails:** two, three")
        );
    }
}
