//! What follows a verb on the command line.

use std::path::PathBuf;

use anyhow::{Context, bail};

/// The options of the verbs that run clients against a server.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--binary PATH`: the server to test, in place of the release binary of the checkout.
    pub binary: Option<PathBuf>,
    /// `--scripts DIR`: where the scripts of the acceptance run are.
    pub scripts: Option<PathBuf>,
}

impl Options {
    /// Reads those options of which `allowed` has the names.
    ///
    /// # Errors
    /// An argument is not allowed or lacks its value.
    pub fn parse(args: &[String], allowed: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let slot = match name.as_str() {
                name if !allowed.contains(&name) => {
                    bail!("unknown argument `{name}`; see `cargo xtask help`")
                }
                "--binary" => &mut options.binary,
                "--scripts" => &mut options.scripts,
                other => bail!("unknown argument `{other}`; see `cargo xtask help`"),
            };
            let value = args.next().with_context(|| format!("`{name}` needs a path"))?;
            *slot = Some(std::path::absolute(value)?);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn options_are_paths_made_absolute() {
        let parse = |args: &[&str], allowed: &[&str]| {
            Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>(), allowed)
        };
        let both = ["--binary", "--scripts"];
        assert_eq!(parse(&[], &both).unwrap(), Options::default());
        let options = parse(&["--scripts", "/a", "--binary", "b"], &both).unwrap();
        assert_eq!(options.scripts.as_deref(), Some(Path::new("/a")));
        assert!(options.binary.is_some_and(|path| path.is_absolute() && path.ends_with("b")));
        for bad in [&["--scripts"][..], &["--port", "1"], &["b"]] {
            assert!(parse(bad, &both).is_err(), "{bad:?}");
        }
        assert!(parse(&["--scripts", "/a"], &["--binary"]).is_err());
    }
}
