//! Build verbs of the workspace: `cargo xtask VERB`.
//!
//! ```text
//! ci ── check ─┬─ cargo fmt --check           style
//!   │          ├─ cargo clippy -D warnings
//!   │          ├─ tidy                        house rules no compiler knows (module `tidy`)
//!   │          ├─ guarantees --check          every test named as a proof exists (module `guarantees`)
//!   │          ├─ planted defects             each can still be planted (module `defects`)
//!   │          ├─ cargo deny                  licences, bans, sources, advisories (module `deny`)
//!   │          └─ test                        cargo test, counted (module `suite`)
//!   ├─ cargo build --release
//!   ├─ acceptance                             the scripts of the Python SDKs against the release binary
//!   └─ clients                                programs of other stock clients, and the table of all
//! ```
//!
//! Every verb that counts something ends with the line `N passed, N failed, N skipped`; a check that
//! could not run here is skipped by name, never in silence.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use anyhow::bail;

use crate::{clients::Mode, options::Options, steps::Steps, workspace::Workspace};

mod acceptance;
mod bench;
mod clients;
mod command;
mod defects;
mod deny;
mod guarantees;
mod options;
mod output;
mod python;
mod registry;
mod rows;
mod server;
mod steps;
mod suite;
mod tally;
mod tidy;
mod time;
mod torture;
mod workspace;

/// What `cargo xtask help` prints.
const USAGE: &str = "\
Build verbs of the workspace: cargo xtask VERB

  test         run the test suite and name what could not run on this machine
  tidy         check the house rules: direction of dependencies, manifests, sources
  check        fmt, clippy, tidy, deny and test: what a change must pass
  acceptance   run the stock Python SDKs against the release binary
                 --binary PATH   the server to test (default: build target/release/millpond)
                 --scripts DIR   where the scripts are (default: ../shared/clients beside the checkout)
  clients      run the other stock clients, each if its tools are here, and write the table of
               compat/README.md; the rows of the Python SDKs are those of the last acceptance run
                 --binary PATH   as above
  defects      plant the defects of `defects/` one by one in a copy of the sources, and count the tests
               that notice: [NAME …] [--jobs N] [--list]
                 --skip-sound    do not run the tests without a defect first
  bench        measure: the table of docs/performance.md, its peers and its curves, in one go
                 --quick         short runs, to see that all of it works
                 further options are passed on; `cargo xtask bench --help` lists them
  guarantees   run the tests that prove what is promised, and write the table of docs/guarantees.md: [Gn …]
                 --check         only see that every test named there exists
  torture      kill, cut off, fill up, stop and freeze a server under load, and compare all it has with
               what it acknowledged; the first violation ends the run, and its data is kept
                 --minutes N     how long (a part of a minute is good)
                 --seed S        repeat the choices of a run
                 --binary PATH   as above
                 --dir DIR       where data and images of file systems go (default: target/torture)
  ci           check, release build, acceptance, clients, a minute of torture: what .ci/run calls
  help         print this text
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Carries out the verb in `args`; true when nothing failed.
fn run(args: &[String]) -> anyhow::Result<bool> {
    let (verb, rest) = match args.split_first() {
        Some((verb, rest)) => (verb.as_str(), rest),
        None => ("help", args),
    };
    if !rest.is_empty()
        && !matches!(verb, "acceptance" | "bench" | "clients" | "defects" | "guarantees" | "torture")
    {
        bail!("`{verb}` takes no arguments; see `cargo xtask help`");
    }
    let workspace = Workspace::find()?;
    let mut steps = Steps::default();
    match verb {
        "help" | "--help" | "-h" => {
            output::say(USAGE);
            return Ok(true);
        }
        "test" => test(&mut steps, &workspace),
        "tidy" => steps.run("tidy", || tidy::check(&workspace)),
        "check" => {
            check(&mut steps, &workspace);
            test(&mut steps, &workspace);
        }
        "acceptance" => {
            let options = Options::parse(rest, &["--binary", "--scripts"])?;
            steps.run("acceptance", || acceptance::run(&workspace, &options));
        }
        "clients" => {
            let options = Options::parse(rest, &["--binary"])?;
            steps.run("clients", || clients::run(&workspace, &options, Mode::Write));
        }
        "defects" => steps.run("defects", || defects::run(&workspace, rest)),
        "guarantees" => steps.run("guarantees", || guarantees::run(&workspace, rest)),
        "bench" => steps.run("bench", || bench::run(&workspace, rest)),
        "torture" => steps.run("torture", || torture::run(&workspace, rest)),
        "ci" => {
            check(&mut steps, &workspace);
            steps.run("test", || suite::run(&workspace));
            steps.run("release build", || workspace.build_release());
            steps.run("acceptance", || acceptance::run(&workspace, &Options::default()));
            steps.run("clients", || clients::run(&workspace, &Options::default(), Mode::Compare));
            steps.run("torture", || torture::run(&workspace, &["--minutes".into(), "1".into()]));
        }
        other => bail!("there is no verb `{other}`; see `cargo xtask help`"),
    }
    Ok(steps.finish())
}

/// Everything of `check` that comes before the tests.
fn check(steps: &mut Steps, workspace: &Workspace) {
    steps.run("fmt", || workspace.cargo(&["fmt", "--all", "--", "--check"]).gate());
    steps.run("clippy", || {
        let clippy = ["clippy", "--workspace", "--all-targets"];
        workspace.cargo(&clippy).locked_in_ci().args(&["--", "-D", "warnings"]).gate()
    });
    steps.run("tidy", || tidy::check(workspace));
    steps.run("guarantees", || guarantees::check(workspace));
    steps.run("planted defects", || defects::check(workspace));
    steps.run("deny", || deny::check(workspace));
}

/// The test suite, and the acceptance run by name where this machine could not do it.
fn test(steps: &mut Steps, workspace: &Workspace) {
    steps.run("test", || {
        let mut tally = suite::run(workspace)?;
        acceptance::name_if_impossible(workspace, &mut tally);
        Ok(tally)
    });
}
