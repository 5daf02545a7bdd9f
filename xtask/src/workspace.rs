//! Where the checkout and its build directory are.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

use crate::{command::Run, tally::Tally};

/// Package name of the server, whose binary has the same name.
pub const SERVER: &str = "millpond";

/// The checkout that the verbs work on.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace that `cargo xtask` was called in.
    ///
    /// # Errors
    /// `xtask` was started by something else than `cargo run`.
    pub fn find() -> anyhow::Result<Self> {
        let own = env::var_os("CARGO_MANIFEST_DIR").context("start me with `cargo xtask VERB`")?;
        let root = Path::new(&own).parent().context("xtask has no workspace above it")?.to_path_buf();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// Top folder of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's build directory.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The server built for release.
    pub fn release_binary(&self) -> PathBuf {
        self.target.join("release").join(SERVER)
    }

    /// Builds the server for release.
    ///
    /// # Errors
    /// Cargo could not be started.
    pub fn build_release(&self) -> anyhow::Result<Tally> {
        self.cargo(&["build", "--release", "--package", SERVER]).locked_in_ci().gate()
    }

    /// The server to test: `chosen`, else the release binary of this checkout, built if need be.
    ///
    /// # Errors
    /// The build failed.
    pub fn server(&self, chosen: Option<&Path>) -> anyhow::Result<PathBuf> {
        if let Some(binary) = chosen {
            return Ok(binary.to_path_buf());
        }
        ensure!(self.build_release()?.failed == 0, "the release build failed");
        Ok(self.release_binary())
    }

    /// Where the clients, their environments and the traces of their runs are kept.
    pub fn compat(&self) -> PathBuf {
        self.target.join("compat")
    }

    /// The cargo that runs this verb, with `args`, in the top folder.
    pub fn cargo(&self, args: &[&str]) -> Run {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Run::new(cargo, &self.root).args(args)
    }
}

/// True on the continuous-integration machine, where nothing that should run may be skipped.
pub fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty())
}
