//! `cargo xtask torture`: kills, power cuts and full disks, for as long as one likes.
//!
//! The program is a test target of the server, `torture`, which shares its clients and checkers with the
//! other tests there. Here it is built, given its arguments, and what it skips is counted.

use anyhow::{Context, bail};

use crate::{
    tally::Tally,
    workspace::{SERVER, Workspace},
};

/// What the program is told; each has a value.
const OPTIONS: [&str; 4] = ["--minutes", "--seed", "--binary", "--dir"];

/// Builds the program and runs it with `arguments`; without `--binary` against the release build.
///
/// # Errors
/// An argument is wrong, a build failed, or the program could not be started.
pub fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<Tally> {
    let mut arguments = complete(arguments)?;
    if !arguments.iter().any(|argument| argument == "--binary") {
        let binary = workspace.server(None)?;
        arguments.extend(["--binary".to_owned(), path(&binary)?]);
    }
    if !arguments.iter().any(|argument| argument == "--dir") {
        arguments.extend(["--dir".to_owned(), path(&workspace.target().join("torture"))?]);
    }
    let build = ["test", "--quiet", "--package", SERVER, "--test", "torture"];
    let run = workspace.cargo(&build).locked_in_ci().args(&["--"]).args(&arguments);
    let mut skipped = Vec::new();
    let status = run.each_line(|line| skipped.extend(line.strip_prefix("skipped: ").map(str::to_owned)))?;
    Ok(Tally { skipped, ..Tally::gate(status.success()) })
}

/// The arguments with absolute paths, once they are known to be good.
fn complete(arguments: &[String]) -> anyhow::Result<Vec<String>> {
    let mut complete = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        if !OPTIONS.contains(&name.as_str()) {
            bail!("unknown argument `{name}`; see `cargo xtask help`");
        }
        let value = arguments.next().with_context(|| format!("`{name}` needs a value"))?;
        let is_path = matches!(name.as_str(), "--binary" | "--dir");
        let value = if is_path { path(&std::path::absolute(value)?)? } else { value.clone() };
        complete.extend([name.clone(), value]);
    }
    if !complete.iter().any(|argument| argument == "--minutes") {
        bail!("say how long: `cargo xtask torture --minutes 10`");
    }
    Ok(complete)
}

fn path(path: &std::path::Path) -> anyhow::Result<String> {
    Ok(path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_known_and_paths_absolute() {
        let check = |arguments: &str, good: bool| {
            let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
            assert_eq!(complete(&arguments).is_ok(), good, "{arguments:?}");
        };
        check("--minutes 1", true);
        check("--seed 7 --minutes 0.5 --dir d --binary b", true);
        check("", false);
        check("--seed 7", false);
        check("--minutes", false);
        check("--minutes 1 --hours 2", false);
        let complete = complete(&["--minutes", "1", "--dir", "d"].map(str::to_owned)).unwrap();
        assert!(complete[3].starts_with('/') && complete[3].ends_with("/d"), "{complete:?}");
    }
}
