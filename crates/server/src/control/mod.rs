//! The control socket: what an operator on the same machine may ask a running server.
//!
//! `control.sock` in the data directory, for its owner only: whoever may open it is the operator. One request
//! per connection, one JSON object per line.
//!
//! ```text
//!   ─▶ {"command":"backup","to":"/backups/monday","with_credentials":false}
//!   ◀─ {"progress":{"doing":"copying segments","done_bytes":1048576,"total_bytes":9437184}}
//!   ◀─ {"done":{"files":12,"bytes":9502720,"records":40000,"position":81234}}      or
//!   ◀─ {"error":"…","damaged":false}
//! ```
//!
//! Whoever goes away breaks off what was begun.

mod ask;
mod protocol;
mod serve;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use millpond_engine_local::LocalEngine;
use tokio::net::UnixListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

pub(crate) use self::{
    ask::{Refused, ask},
    protocol::{Done, Request},
};

/// The socket's name in the data directory.
const SOCKET: &str = "control.sock";

/// Only the owner may connect.
const OWNER_ONLY: u32 = 0o600;

/// The control socket of a running server.
pub(crate) struct Control {
    path: PathBuf,
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Control {
    /// Listens in the data directory, which this process has locked: a socket that is there is stale. Where
    /// there can be none the server runs without.
    pub(crate) fn listen(engine: &Arc<LocalEngine>, data_dir: &Path) -> Self {
        let path = data_dir.join(SOCKET);
        let (token, tasks) = (CancellationToken::new(), TaskTracker::new());
        match bind(&path) {
            Ok(listener) => {
                let (engine, token, connections) = (Arc::downgrade(engine), token.clone(), tasks.clone());
                info!(path = %path.display(), "control socket");
                tasks.spawn(serve::serve(listener, engine, token, connections));
            }
            Err(error) => warn!(
                %error,
                path = %path.display(),
                "there is no control socket: `millpond backup` works only while the server is stopped"
            ),
        }
        Self { path, token, tasks }
    }

    /// Breaks off what is under way and takes the socket away.
    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let _it_may_not_be_there = fs::remove_file(&self.path);
    }
}

/// A socket that nobody but the owner could ever connect to.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let temporary = path.with_extension("sock.tmp");
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&temporary)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(OWNER_ONLY))?;
    fs::rename(&temporary, path)?;
    Ok(listener)
}
