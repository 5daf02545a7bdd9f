//! The command line.

use std::{env, path::PathBuf, time::Duration};

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long new rounds begin.
    pub length: Duration,
    pub seed: u64,
    /// The server.
    pub binary: PathBuf,
    /// Where the data directories and the images of file systems go.
    pub directory: PathBuf,
}

impl Options {
    /// Reads the arguments; `None` without `--minutes`, as when all tests run.
    pub fn parse(arguments: &[String], fresh_seed: impl FnOnce() -> u64) -> Result<Option<Self>, String> {
        if !arguments.iter().any(|argument| argument == "--minutes") {
            return Ok(None);
        }
        let (mut length, mut seed) = (Duration::ZERO, None);
        let mut binary = PathBuf::from(env!("CARGO_BIN_EXE_millpond"));
        let mut directory = env::temp_dir().join("millpond-torture");
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let bad = || format!("{name} cannot be {value}");
            let path = || std::path::absolute(value).map_err(|_| bad());
            match name.as_str() {
                "--minutes" => {
                    let minutes: f64 = value.parse().map_err(|_| bad())?;
                    length = Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| bad())?;
                }
                "--seed" => seed = Some(value.parse().map_err(|_| bad())?),
                "--binary" => binary = path()?,
                "--dir" => directory = path()?,
                _ => return Err(format!("{name} is not known: --minutes, --seed, --binary, --dir")),
            }
        }
        Ok(Some(Self { length, seed: seed.unwrap_or_else(fresh_seed), binary, directory }))
    }
}
