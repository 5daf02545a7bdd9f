//! A Python that the clients work with, and a virtual environment for each client.

use std::{
    env, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};

use crate::{
    command::Run,
    output,
    registry::{self, Fetched},
};

/// Minor versions of Python 3 that a client library works with.
pub type Minors = RangeInclusive<u32>;

/// Longest that installing the packages of one client may take.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// Prints `MAJOR.MINOR` when virtual environments can be made.
const PROBE: &str = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";

/// File inside an environment that says what was installed into it.
const INSTALLED: &str = "installed.txt";

/// A suitable Python.
#[derive(Debug)]
pub struct Interpreter {
    program: PathBuf,
    version: String,
}

/// The first Python 3 with one of `minors`: `python3` itself, then by version, then those that pyenv keeps.
pub fn find(directory: &Path, minors: &Minors) -> Option<Interpreter> {
    candidates(minors).into_iter().find_map(|program| {
        let probed = Run::new(&program, directory).args(&["-c", PROBE]).quiet_output()?;
        let version = suitable(&probed, minors)?;
        Some(Interpreter { program, version })
    })
}

fn candidates(minors: &Minors) -> Vec<PathBuf> {
    let mut candidates = vec![PathBuf::from("python3")];
    candidates.extend(minors.clone().rev().map(|minor| PathBuf::from(format!("python3.{minor}"))));
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let versions = pyenv.and_then(|pyenv| fs::read_dir(pyenv.join("versions")).ok());
    let mut kept: Vec<PathBuf> =
        versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python3")).collect();
    kept.sort();
    candidates.extend(kept);
    candidates
}

/// The version in what `PROBE` printed, if it is one of `minors`.
fn suitable(probed: &str, minors: &Minors) -> Option<String> {
    let version = probed.trim();
    let minor: u32 = version.strip_prefix("3.")?.parse().ok()?;
    minors.contains(&minor).then(|| version.to_owned())
}

/// The Python of an environment `venv-NAME` in `folder` with exactly the packages of `requirements`. An
/// environment made earlier is used again when neither the pins nor the Python changed.
///
/// # Errors
/// The environment could not be made, or pip could not install packages that the index has.
pub fn environment(
    python: &Interpreter,
    folder: &Path,
    name: &str,
    requirements: &Path,
) -> anyhow::Result<Fetched> {
    let pins = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let wanted = format!("# Python {}\n{pins}", python.version);
    let home = folder.join(format!("venv-{name}"));
    let own = home.join("bin/python");
    let installed = home.join(INSTALLED);
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(Fetched::Done(own));
    }
    output::say(&format!("installing the {name} client for Python {}", python.version));
    fs::create_dir_all(folder)?;
    let made = Run::new(&python.program, folder).args(&["-m", "venv", "--clear"]).args(&[&home]).success()?;
    ensure!(made, "cannot make a virtual environment in {}", home.display());
    let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--requirement"];
    let install = Run::new(&own, folder).args(&pip).args(&[requirements]);
    let log = folder.join(format!("venv-{name}.log"));
    let fetched = registry::fetch(install, &log, INSTALL_LIMIT, own)?;
    if matches!(fetched, Fetched::Done(_)) {
        fs::write(&installed, wanted)?;
    }
    Ok(fetched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_versions_asked_for_are_suitable() {
        let cases = [
            ("3.9\n", Some("3.9")),
            ("3.11\n", Some("3.11")),
            ("3.12", Some("3.12")),
            ("3.8\n", None),
            ("3.13\n", None),
            ("2.7\n", None),
            ("", None),
            ("Python 3.11\n", None),
        ];
        for (probed, expected) in cases {
            assert_eq!(suitable(probed, &(9..=12)).as_deref(), expected, "{probed:?}");
        }
    }

    #[test]
    fn python3_of_the_search_path_comes_first() {
        assert_eq!(candidates(&(9..=12)).first().map(PathBuf::as_path), Some(Path::new("python3")));
    }
}
