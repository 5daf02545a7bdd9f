//! A server for one run: fresh data, a port of its own, random keys.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow, bail, ensure};

use crate::{
    command::{Background, Run},
    time,
};

/// Name of the file with everything the server printed.
pub const LOG: &str = "server.log";

/// Longest until the server says where it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Longest from SIGTERM to the end.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Name of the region that clients sign for.
pub const REGION: &str = "local";

/// The project and key that the server is started with.
pub struct Credentials {
    /// Project whose streams the key reaches.
    pub project_id: String,
    /// Public name of the key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

impl Credentials {
    /// Values nobody used before, of the lengths that the cloud gives out.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn random() -> anyhow::Result<Self> {
        let access_key = random_hex::<10>()?.to_uppercase();
        Ok(Self { project_id: random_hex::<16>()?, access_key, secret_key: random_hex::<20>()? })
    }
}

/// Twice as many hexadecimal digits as `BYTES`, unlike any before.
///
/// # Errors
/// The operating system has no randomness.
pub fn random_hex<const BYTES: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")))
}

/// A running server; killed when dropped.
pub struct Server {
    process: Background,
    endpoint: String,
    log: PathBuf,
}

impl Server {
    /// Starts `binary` with its data below `folder` and with further `arguments`, and waits until it
    /// listens.
    ///
    /// # Errors
    /// It cannot be started, ends at once, or does not say in time where it listens.
    pub fn start(
        binary: &Path,
        folder: &Path,
        credentials: &Credentials,
        arguments: &[OsString],
    ) -> anyhow::Result<Self> {
        let (port_file, log) = (folder.join("port"), folder.join(LOG));
        let run = Run::new(binary, folder)
            .args(&["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .args(&[folder.join("data")])
            .args(&["--port-file"])
            .args(&[&port_file])
            .args(arguments);
        // Settings of the person who calls would make another server of it.
        let mut process = run
            .env_remove_prefix("MILLPOND_")
            .env("MILLPOND_BOOTSTRAP_PROJECT_ID", &credentials.project_id)
            .env("MILLPOND_BOOTSTRAP_AK", &credentials.access_key)
            .env("MILLPOND_BOOTSTRAP_SK", &credentials.secret_key)
            .spawn_logged(&log)?;
        let port = time::poll(START_LIMIT, || {
            if let Some(status) = process.ended()? {
                bail!("the server ended at once ({status}), see {}", log.display());
            }
            Ok(fs::read_to_string(&port_file).ok().as_deref().and_then(port))
        })?;
        let port = port.with_context(|| {
            format!("the server did not write its port within {START_LIMIT:?}, see {}", log.display())
        })?;
        Ok(Self { process, endpoint: format!("http://127.0.0.1:{port}"), log })
    }

    /// Where it listens, as a URL without a path.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Asks it to stop.
    ///
    /// # Errors
    /// It had ended before, takes too long, or reports a failure as it ends.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let log = self.log.display();
        if let Some(status) = self.process.ended()? {
            bail!("the server ended during the run ({status}), see {log}");
        }
        self.process.terminate()?;
        let status = self.process.wait(STOP_LIMIT)?;
        let status = status
            .with_context(|| format!("the server still ran {STOP_LIMIT:?} after SIGTERM, see {log}"))?;
        ensure!(status.success(), "the server ended with {status} after SIGTERM, see {log}");
        Ok(())
    }
}

/// The port in a port file: the number alone or behind an address; none while the file is unfinished.
fn port(text: &str) -> Option<u16> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.rsplit(':').next()?.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_stands_alone_or_behind_an_address() {
        let cases = [
            ("7347\n", Some(7347)),
            ("7347", Some(7347)),
            ("127.0.0.1:40001\n", Some(40001)),
            ("[::1]:40001\n", Some(40001)),
            ("", None),
            ("\n", None),
            ("0\n", None),
            ("127.0.0.1:", None),
            ("70000\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(port(text), expected, "{text:?}");
        }
    }

    #[test]
    fn credentials_are_random_and_of_usual_length() {
        let (one, two) = (Credentials::random().unwrap(), Credentials::random().unwrap());
        assert_eq!((one.project_id.len(), one.access_key.len(), one.secret_key.len()), (32, 20, 40));
        assert_ne!(one.secret_key, two.secret_key);
    }

    /// A stand-in for the server: a shell script that knows the same command line.
    fn start(behaviour: &str) -> anyhow::Result<Server> {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("xtask-server-{}", random_hex::<8>()?));
        fs::create_dir_all(&folder)?;
        let binary = folder.join("server.sh");
        fs::write(&binary, format!("#!/bin/sh\n{behaviour}\n"))?;
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o700))?;
        let server = Server::start(&binary, &folder, &Credentials::random()?, &["--last".into()]);
        fs::remove_dir_all(&folder)?;
        server
    }

    /// Writes the port file named on the command line, then waits to be stopped.
    const LISTEN: &str = "printf '4711\\n' > \"$7\"; while :; do sleep 0.05; done";

    #[test]
    fn a_server_is_started_by_its_command_line_and_stopped_cleanly() {
        let arguments = "[ \"$1 $2 $3 $4 $6 $8\" = 'serve --listen 127.0.0.1:0 --data-dir --port-file --last' ] || exit 9";
        let server = start(&format!("trap 'exit 0' TERM\n{arguments}\n{LISTEN}")).unwrap();
        assert_eq!(server.endpoint(), "http://127.0.0.1:4711");
        server.stop().unwrap();
    }

    #[test]
    fn a_server_that_ends_badly_is_an_error() {
        let message = |error: anyhow::Error| format!("{error:#}");
        let died = start("exit 3").map(|_| ()).map_err(message);
        assert!(died.clone().is_err_and(|text| text.contains("ended at once")), "{died:?}");
        let failed = start(&format!("trap 'exit 4' TERM\n{LISTEN}")).unwrap().stop().map_err(message);
        assert!(failed.clone().is_err_and(|text| text.contains("after SIGTERM")), "{failed:?}");
    }
}
