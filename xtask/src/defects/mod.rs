//! `cargo xtask defects`: mistakes planted one by one, to see that tests notice them.
//!
//! ```text
//! defects/NAME.toml ─▶ a copy of the sources, with one text replaced     (modules `defect` and `sources`)
//!                      the tests it names, with a time limit              (module `trial`)
//!                      which of them failed                               (module `outcome`)
//! all of them       ─▶ table: defect × tests that noticed                 (modules `report`, `published`)
//! ```
//!
//! A mistake that nobody notices, or one test alone, is a failure: one test can be changed by the same
//! hand that makes the mistake. A test that fails without any defect counts for nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use anyhow::{Context, bail};

use crate::{
    defects::{
        defect::Defect,
        outcome::Outcome,
        report::{Finding, Report},
        sources::Sources,
        trial::Trial,
    },
    output,
    tally::Tally,
    workspace::Workspace,
};

mod defect;
pub mod outcome;
mod published;
mod report;
mod sources;
pub mod trial;

/// Where the defects are, below the top folder.
const FOLDER: &str = "defects";

/// Longest time for the tests of one suite; some minutes more than any takes on a busy machine.
const TIME_MAX: Duration = Duration::from_mins(5);

/// The same for all tests of a package.
const ALL_TIME_MAX: Duration = Duration::from_mins(30);

/// What follows the verb.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Which defects; all when empty.
    names: Vec<String>,
    /// `--jobs N`: how many compilers run at once, as for cargo.
    jobs: Option<String>,
    /// `--list`: only say which there are.
    list: bool,
    /// `--skip-sound`: do not run the tests without a defect first.
    skip_sound: bool,
}

impl Options {
    fn parse(args: &[String]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--list" => options.list = true,
                "--skip-sound" => options.skip_sound = true,
                "--jobs" => {
                    let jobs = args.next().filter(|jobs| jobs.parse::<u16>().is_ok_and(|jobs| jobs > 0));
                    options.jobs = Some(jobs.context("`--jobs` needs a number")?.clone());
                }
                flag if flag.starts_with('-') => bail!("unknown argument `{flag}`; see `cargo xtask help`"),
                name => options.names.push(name.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Plants the chosen defects, one after the other, and prints who noticed.
///
/// # Errors
/// There is no such defect, one is stale, or the sources cannot be copied or compiled as they are.
pub fn run(workspace: &Workspace, args: &[String]) -> anyhow::Result<Tally> {
    let options = Options::parse(args)?;
    let all = defect::read_all(workspace)?;
    let names: Vec<String> = all.iter().map(|defect| defect.name.clone()).collect();
    let chosen = choose(all, &options.names)?;
    if options.list {
        for defect in &chosen {
            output::say(&defect.to_string());
        }
        return Ok(Tally { passed: chosen.len(), ..Tally::default() });
    }
    let folder = workspace.target().join(FOLDER);
    let sources = Sources::copy(workspace.root(), &folder.join("source"))?;
    for defect in &chosen {
        sources.planted(defect)?;
    }
    let trial = Trial {
        sources: sources.folder().to_owned(),
        target: folder.join("target"),
        logs: folder.join("logs"),
        jobs: options.jobs,
        debug_information: false,
        time_max: TIME_MAX,
    };
    let patient = Trial { time_max: ALL_TIME_MAX, ..trial.clone() };
    let broken = if options.skip_sound { BTreeSet::new() } else { sound(&patient, &chosen)? };
    let mut report = Report::default();
    for defect in chosen {
        output::headline(&defect.to_string());
        let found = sources.with(&defect, || Finding::of(&trial, &defect, &broken))??;
        output::say(&found.to_string());
        report.add(defect, found);
    }
    output::say(&report.to_string());
    let path = workspace.root().join(published::PATH);
    let old = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, published::renewed(&old, &names, &report))
        .with_context(|| format!("cannot write {}", published::PATH))?;
    Ok(report.tally())
}

/// Whether every defect can still be planted: its text occurs exactly once.
///
/// # Errors
/// A defect or source file cannot be read.
pub fn check(workspace: &Workspace) -> anyhow::Result<Tally> {
    let mut stale = Vec::new();
    let all = defect::read_all(workspace)?;
    for defect in &all {
        let path = workspace.root().join(&defect.file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()));
        if let Err(error) = text.and_then(|text| defect.planted_in(&text)) {
            stale.push(format!("{error:#}"));
        }
    }
    output::list("Defects that cannot be planted any more:", &stale);
    Ok(Tally::gate(stale.is_empty()))
}

fn choose(all: Vec<Defect>, names: &[String]) -> anyhow::Result<Vec<Defect>> {
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|defect| defect.name == **name)) {
        bail!("there is no defect `{unknown}`; see `cargo xtask defects --list`");
    }
    Ok(all.into_iter().filter(|defect| names.is_empty() || names.contains(&defect.name)).collect())
}

/// Runs all tests that the defects name without any defect; returns those that fail all the same.
fn sound(trial: &Trial, defects: &[Defect]) -> anyhow::Result<BTreeSet<String>> {
    output::headline("without a defect");
    let mut broken = BTreeSet::new();
    for suite in whole(defects.iter().flat_map(|defect| &defect.tests)) {
        match trial.run(&suite)? {
            Outcome::Ran { failed, .. } => broken.extend(failed),
            Outcome::NotCompiled(log) => {
                bail!("`{suite}` does not compile without a defect; see {}", log.display())
            }
        }
    }
    let broken_list: Vec<&String> = broken.iter().collect();
    output::list("Fail without a defect, and count for nothing:", &broken_list);
    Ok(broken)
}

/// One suite for each package, with the programs of all of its suites and without their filters.
fn whole<'a>(suites: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut packages: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for suite in suites {
        let mut words = suite.split_whitespace();
        let programs = packages.entry(words.next().unwrap_or_default()).or_default();
        while let Some(word) = words.next() {
            match word {
                "--test" => programs.extend(words.next().map(|name| format!("--test {name}"))),
                flag if flag.starts_with("--") => programs.extend([flag.to_owned()]),
                _filter => {}
            }
        }
    }
    let suite = |(package, programs): (&str, BTreeSet<String>)| {
        [package.to_owned()].into_iter().chain(programs).collect::<Vec<_>>().join(" ")
    };
    packages.into_iter().map(suite).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> anyhow::Result<Options> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_and_options_are_read() {
        let options = parse(&["a", "--jobs", "1", "b", "--list"]).unwrap();
        assert_eq!(options.names, ["a", "b"]);
        assert_eq!((options.jobs.as_deref(), options.list, options.skip_sound), (Some("1"), true, false));
        for bad in [&["--jobs"][..], &["--jobs", "0"], &["--jobs", "many"], &["--fast"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(choose(Vec::new(), &["no-such-defect".to_owned()]).is_err());
        assert!(choose(Vec::new(), &[]).unwrap().is_empty());
    }

    #[test]
    fn suites_of_a_package_become_one() {
        let suites = ["a --lib x::", "b", "a --test one --test two some", "a --lib y::"].map(String::from);
        assert_eq!(whole(suites.iter()), ["a --lib --test one --test two", "b"]);
    }
}
