//! The one place where the parts meet: data directory, keys, backend, listener.
//!
//! ```text
//! start:  data directory ─▶ backend (engine, service, API) ─▶ keys ─▶ listener ─▶ ready
//! stop:   not ready ─▶ drain the listener ─▶ close the backend
//! ```

use std::{fs::DirBuilder, net::SocketAddr, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use millpond_engine::StorageFailure;
use millpond_http_api::Condition;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::{
    backend::Backend,
    config::{Applies, Config, Loaded},
    descriptors::Descriptors,
    keys::{self, Bootstrapped, KeyEntry, Keys, UserEntry},
    listener::{Limits, Listener, Serving, TlsSource},
    logging::Logging,
};

/// What a fresh server has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// Nothing.
    Nothing,
    /// The stream that the development server's snippets use.
    Demo,
}

/// A server at work.
pub struct Running {
    address: SocketAddr,
    backend: Backend,
    serving: Serving,
    tls: Option<Arc<TlsSource>>,
    keys: Arc<ArcSwap<Keys>>,
    created: Option<KeyEntry>,
    created_user: Option<UserEntry>,
    config: Config,
}

/// Starts a server. When it returns, the server is ready.
///
/// # Errors
/// What is in the way: the directory, the keys, the certificate, the address.
pub async fn start(config: &Config, seed: Seed) -> anyhow::Result<Running> {
    let tls = tls(config)?;
    let data_dir = &config.storage.data_dir;
    make_data_dir(data_dir)?;
    info!(path = %data_dir.display(), "data directory");
    // First of all, because the engine locks the directory: nobody else writes keys into it then.
    let descriptors = Descriptors::share(config.server.connections_max);
    let backend = Backend::open(config, descriptors).await?;
    let keys = Arc::new(ArcSwap::from_pointee(Keys::default()));
    let found = keys::prepare(data_dir, config.auth.keys_file.as_deref(), &config.bootstrap)?;
    let (created, created_user) = (found.created.clone(), found.created_user.clone());
    put_in_force(found, &keys, &backend)?;
    if seed == Seed::Demo {
        for key in keys.load().entries() {
            backend.seed(&key.project_id).await.context("cannot create the demo stream")?;
        }
    }
    let listen = config.server.listen;
    let limits = Limits { connections_max: descriptors.connections, ..Limits::of(config) };
    let listener = Listener::bind(listen, tls.clone(), limits)
        .await
        .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
    let address = listener.address();
    let serving = listener.serve(backend.router());
    backend.health().set(Condition::Ready);
    info!(%address, https = tls.is_some(), anonymous = config.auth.allow_anonymous, "listening");
    Ok(Running { address, backend, serving, tls, keys, created, created_user, config: config.clone() })
}

impl Running {
    /// Where the API listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the API is served over HTTPS.
    pub fn is_https(&self) -> bool {
        self.tls.is_some()
    }

    /// The keys in force.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// The key that this start created, if it did.
    pub fn created_key(&self) -> Option<&KeyEntry> {
        self.created.as_ref()
    }

    /// The user that this start created, if it did.
    pub fn created_user(&self) -> Option<&UserEntry> {
        self.created_user.as_ref()
    }

    /// Reads again what can be read again: keys, certificate, log level. What is not valid is
    /// reported, and the old one stays in force.
    pub fn reload(&mut self, before: &Loaded, after: &Loaded, logging: &Logging) {
        let changed = before.changes(after);
        if let Err(error) = logging.set_level(&after.config.log.level) {
            error!(%error, "the log level stays as it was");
        }
        match keys::reread(&self.config.storage.data_dir, self.config.auth.keys_file.as_deref()) {
            Ok(found) => {
                if let Err(error) = put_in_force(found, &self.keys, &self.backend) {
                    error!(error = %chain(error), "the keys stay as they were");
                }
            }
            Err(error) => error!(error = %chain(error), "the keys stay as they were"),
        }
        self.backend.set_request_sample(after.config.log.request_sample);
        if let Some(tls) = &self.tls {
            match tls.reload() {
                Ok(()) => info!("certificate read again"),
                Err(error) => error!(error = %chain(error), "the certificate stays as it was"),
            }
        }
        for setting in changed {
            match setting.applies {
                Applies::Reload => info!(setting = setting.key, "changed"),
                Applies::Restart => {
                    warn!(setting = setting.key, "changed, but takes effect only at the next start");
                }
            }
        }
    }

    /// Waits until the storage fails; nothing is taken from then on.
    pub async fn storage_failed(&self) -> StorageFailure {
        self.backend.storage_failed().await
    }

    /// Stops: not ready, no new connections, open requests finish, the storage closes.
    ///
    /// # Errors
    /// The storage could not be left clean; the next start recovers it.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.backend.health().set(Condition::Draining);
        sleep(self.config.server.drain_delay).await;
        let cut = self.serving.drain(self.config.server.drain_timeout).await;
        if cut > 0 {
            warn!(connections = cut, "cut off: they did not finish within server.drain_timeout");
        }
        self.backend.close().await
    }
}

/// An error and its causes, in one line.
fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

/// Creates the data directory for its owner alone. One that is there stays as it is.
///
/// # Errors
/// It is not there and cannot be made.
pub fn make_data_dir(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
        format!("cannot create the data directory {}; choose another one with --data-dir", path.display())
    })
}

fn tls(config: &Config) -> anyhow::Result<Option<Arc<TlsSource>>> {
    let (Some(certificate), Some(private_key)) = (&config.tls.certificate, &config.tls.private_key) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(TlsSource::load(certificate, private_key)?)))
}

/// Puts the keys and users of all files in force.
fn put_in_force(loaded: Bootstrapped, keys: &ArcSwap<Keys>, backend: &Backend) -> anyhow::Result<()> {
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    let credentials = loaded.credentials.display();
    if let Some(key) = &loaded.created {
        info!(ak = key.ak, project_id = key.project_id, %credentials, "access key created; its secret is in the file");
    }
    if let Some(user) = &loaded.created_user {
        info!(user = user.name, project_id = user.projects.first(), %credentials, "user created; its password is in the file");
    }
    let (count, users) = (loaded.keys.len(), loaded.keys.users().count());
    backend.replace_keys(&loaded.keys)?;
    keys.store(Arc::new(loaded.keys));
    info!(keys = count, users, %credentials, "keys loaded");
    Ok(())
}
