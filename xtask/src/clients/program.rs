//! The programs that drive stock clients, with the tools that each of them needs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};

use crate::{
    command::Run,
    python::{self, Interpreter, Minors},
    registry::{self, Fetched},
    workspace::Workspace,
};

/// Longest that one build may take, with all that it fetches for the first time.
const BUILD_LIMIT: Duration = Duration::from_mins(15);

/// Minor versions of Python 3 that otcextensions, its SDK and schemathesis work with.
const PYTHONS: Minors = 11..=12;

/// Oldest minor version of Go 1 that can fetch the newer one that a module asks for.
const GO_MINOR_MIN: u32 = 21;

/// A program, found with its tools.
pub(super) enum Program {
    /// `compat/java`: the Java SDK and the Kafka adapter, built by Maven.
    Java,
    /// `compat/go`: the Go SDKs.
    Go,
    /// `compat/openstack`: the commands `openstack dis`.
    OpenStack(Interpreter),
    /// `compat/schemathesis`: requests generated from the server's own description.
    Schemathesis(Interpreter),
}

/// Finds the tools of every program; a program without its tools is its name and the reason.
pub(super) fn find(workspace: &Workspace) -> Vec<Result<Program, (&'static str, String)>> {
    let java = java(workspace).map(|()| Program::Java).map_err(|reason| ("compat/java", reason));
    let go = go(workspace).map(|()| Program::Go).map_err(|reason| ("compat/go", reason));
    let (oldest, newest) = (PYTHONS.start(), PYTHONS.end());
    let python = || {
        python::find(workspace.root(), &PYTHONS).ok_or_else(|| {
            format!(
                "no Python 3.{oldest} to 3.{newest} with the modules venv and ensurepip on the search path"
            )
        })
    };
    let open_stack = python().map(Program::OpenStack).map_err(|reason| ("compat/openstack", reason));
    let schemathesis = python().map(Program::Schemathesis).map_err(|reason| ("compat/schemathesis", reason));
    vec![java, go, open_stack, schemathesis]
}

/// The three tools of a Maven build. What they print about themselves is not looked at.
fn java(workspace: &Workspace) -> Result<(), String> {
    for tool in ["java", "javac", "mvn"] {
        if Run::new(tool, workspace.root()).args(&["-version"]).quiet_output().is_none() {
            return Err(format!("no `{tool}` on the search path; a JDK from 11 on and Maven are needed"));
        }
    }
    Ok(())
}

fn go(workspace: &Workspace) -> Result<(), String> {
    let version = Run::new("go", workspace.root()).args(&["env", "GOVERSION"]).quiet_output();
    let version = version.ok_or("no `go` on the search path")?;
    match go_minor(&version) {
        Some(minor) if minor < GO_MINOR_MIN => Err(format!(
            "Go 1.{minor} cannot fetch a newer one by itself; it takes Go 1.{GO_MINOR_MIN} or newer"
        )),
        // A version of another form is one that somebody built; the build will tell.
        _ => Ok(()),
    }
}

/// The minor version in `go1.24.4`.
fn go_minor(version: &str) -> Option<u32> {
    let minor = version.trim().strip_prefix("go1.")?.split(|c: char| !c.is_ascii_digit()).next()?;
    minor.parse().ok()
}

impl Program {
    /// The folder of its source.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Java => "compat/java",
            Self::Go => "compat/go",
            Self::OpenStack(_) => "compat/openstack",
            Self::Schemathesis(_) => "compat/schemathesis",
        }
    }

    /// Whether it is a client that people use, with a column of its own in the table.
    pub fn is_client(&self) -> bool {
        !matches!(self, Self::Schemathesis(_))
    }

    /// Its name within a file's name.
    pub fn short_name(&self) -> &'static str {
        self.name().trim_start_matches("compat/")
    }

    /// Builds it, or makes the environment that it runs in.
    ///
    /// # Errors
    /// The build failed for another reason than a registry out of reach.
    pub fn build(&self, workspace: &Workspace) -> anyhow::Result<Fetched> {
        let (root, compat) = (workspace.root(), workspace.compat());
        fs::create_dir_all(&compat)?;
        let log = compat.join(format!("build-{}.log", self.short_name()));
        match self {
            Self::Java => {
                let build = Run::new("mvn", root).args(&["-q", "-B", "-f", "compat/java/pom.xml", "package"]);
                let target = root.join("compat/java/target");
                match registry::fetch(build, &log, BUILD_LIMIT, PathBuf::new())? {
                    Fetched::Done(_) => Ok(Fetched::Done(jar(&target)?)),
                    unreachable @ Fetched::Unreachable(_) => Ok(unreachable),
                }
            }
            Self::Go => {
                let program = compat.join("millpond-compat-go");
                let build = Run::new("go", root).args(&["build", "-C", "compat/go", "-o"]).args(&[&program]);
                registry::fetch(build.args(&["."]), &log, BUILD_LIMIT, program)
            }
            Self::OpenStack(python) | Self::Schemathesis(python) => {
                let pins = root.join(self.name()).join("requirements.txt");
                python::environment(python, &compat, self.short_name(), &pins)
            }
        }
    }

    /// The command that runs what `build` made.
    pub fn command(&self, workspace: &Workspace, product: &Path, folder: &Path) -> Run {
        match self {
            Self::Java => Run::new("java", folder).args(&["-jar"]).args(&[product]),
            Self::Go => Run::new(product, folder),
            Self::OpenStack(_) => {
                Run::new(product, folder).args(&[workspace.root().join("compat/openstack/round.py")])
            }
            Self::Schemathesis(_) => {
                Run::new(product, folder).args(&[workspace.root().join("compat/schemathesis/run.py")])
            }
        }
    }
}

/// The jar to run in Maven's `target`: the one of the agreed name, else the only one.
fn jar(target: &Path) -> anyhow::Result<PathBuf> {
    let agreed = target.join("millpond-compat-java.jar");
    if agreed.is_file() {
        return Ok(agreed);
    }
    let listed = fs::read_dir(target).with_context(|| format!("cannot list {}", target.display()))?;
    let mut jars: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    jars.retain(|path| {
        let is_original =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("original-"));
        path.extension().is_some_and(|extension| extension == "jar") && !is_original
    });
    match <[PathBuf; 1]>::try_from(jars) {
        Ok([jar]) => Ok(jar),
        Err(jars) => bail!("{} jars in {}, expected millpond-compat-java.jar", jars.len(), target.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_go_has_a_minor() {
        let cases = [
            ("go1.24.4\n", Some(24)),
            ("go1.19", Some(19)),
            ("go1.25rc1", Some(25)),
            ("devel +1f2e", None),
            ("", None),
        ];
        for (version, expected) in cases {
            assert_eq!(go_minor(version), expected, "{version:?}");
        }
    }

    #[test]
    fn the_jar_is_the_agreed_one_or_the_only_one() {
        let target = std::env::temp_dir().join(format!("xtask-jar-{}", std::process::id()));
        fs::create_dir_all(&target).unwrap();
        assert!(jar(&target).is_err());
        for (made, found) in [
            ("original-a.jar", None),
            ("a.jar", Some("a.jar")),
            ("b.jar", None),
            ("millpond-compat-java.jar", Some("millpond-compat-java.jar")),
        ] {
            fs::write(target.join(made), "").unwrap();
            assert_eq!(jar(&target).ok(), found.map(|name| target.join(name)), "{made}");
        }
        fs::remove_dir_all(&target).unwrap();
    }
}
