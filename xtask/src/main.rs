//! Build verbs of the workspace: `cargo xtask VERB`.
//!
//! ```text
//! ci ── check ─┬─ cargo fmt --check           style
//!   │          ├─ cargo clippy -D warnings
//!   │          ├─ tidy                        house rules no compiler knows (module `tidy`)
//!   │          ├─ cargo deny                  licences, bans, sources, advisories (module `deny`)
//!   │          └─ test                        cargo test, counted (module `suite`)
//!   ├─ cargo build --release
//!   └─ acceptance                             stock clients against the release binary
//! ```
//!
//! Every verb that counts something ends with the line `N passed, N failed, N skipped`; a check that
//! could not run here is skipped by name, never in silence.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use anyhow::bail;

use crate::{acceptance::Options, steps::Steps, workspace::Workspace};

mod acceptance;
mod command;
mod deny;
mod output;
mod steps;
mod suite;
mod tally;
mod tidy;
mod time;
mod workspace;

/// What `cargo xtask help` prints.
const USAGE: &str = "\
Build verbs of the workspace: cargo xtask VERB

  test         run the test suite and name what could not run on this machine
  tidy         check the house rules: direction of dependencies, manifests, sources
  check        fmt, clippy, tidy, deny and test: what a change must pass
  acceptance   run the stock clients against the release binary
                 --binary PATH   the server to test (default: build target/release/millpond)
                 --scripts DIR   where the scripts are (default: ../shared/clients beside the checkout)
  ci           check, release build and acceptance: what .ci/run calls
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
    if !rest.is_empty() && verb != "acceptance" {
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
            let options = Options::parse(rest)?;
            steps.run("acceptance", || acceptance::run(&workspace, &options));
        }
        "ci" => {
            check(&mut steps, &workspace);
            steps.run("test", || suite::run(&workspace));
            steps.run("release build", || acceptance::build(&workspace));
            steps.run("acceptance", || acceptance::run(&workspace, &Options::default()));
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
