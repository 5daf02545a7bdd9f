//! The operator's end of the control socket.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};

use anyhow::{Context as _, bail};

use super::{
    SOCKET,
    protocol::{Answer, Done, LINE_BYTES_MAX, Request},
};
use millpond_engine_local::check::Progress;

/// The server refused.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Refused {
    what: String,
    /// Whether stored bytes are damaged.
    pub(crate) is_damage: bool,
}

/// Asks the server on `data_dir`; `None` when none listens there.
///
/// # Errors
/// The server refused, or went away.
pub(crate) fn ask(
    data_dir: &Path,
    request: &Request,
    mut progress: impl FnMut(Progress),
) -> anyhow::Result<Option<Done>> {
    let path = data_dir.join(SOCKET);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(e) if is_nobody(&e) => return Ok(None),
        Err(e) => return Err(e).with_context(|| format!("cannot talk to the server by {}", path.display())),
    };
    stream.write_all((serde_json::to_string(request)? + "\n").as_bytes())?;
    let mut answers = BufReader::new(stream);
    loop {
        let mut line = String::new();
        (&mut answers).take(LINE_BYTES_MAX).read_line(&mut line)?;
        if line.is_empty() {
            bail!("the server went away; see its log");
        }
        match serde_json::from_str(&line).context("the server's answer is not understood")? {
            Answer::Progress { progress: step } => progress(step.progress()),
            Answer::Done { done } => return Ok(Some(done)),
            Answer::Error { error, damaged } => {
                return Err(Refused { what: error, is_damage: damaged }.into());
            }
        }
    }
}

/// Whether nobody listens: there is no socket, a stale one, or none because the path is too long.
fn is_nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused | InvalidInput)
}
