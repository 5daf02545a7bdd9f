//! The listener: accepts connections, bounds what each may cost, drains them at the end.
//!
//! ```text
//! accept ─▶ cap? ─no─▶ refuse: 503, Retry-After
//!             │yes
//!             ▼
//!         TLS handshake ─▶ connection ─▶ app (a router)
//!                              │
//!                          activity: who waits for whom, since when ─▶ cut off
//! ```
//!
//! `axum::serve` installs no timer, so a slow client could hold a connection for ever; hence this
//! loop of our own on hyper.

mod accept;
mod activity;
mod body;
mod connection;
mod io;
mod malformed;
mod refuse;
mod service;
#[cfg(test)]
mod tests;
mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::config::Config;
pub use tls::{TlsError, TlsSource};

/// What a client may do to the listener; see `defaults.rs` for the reasons.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Most open connections.
    pub connections_max: usize,
    /// Time for a TLS handshake.
    pub handshake_timeout: Duration,
    /// Time for the head of a request.
    pub header_timeout: Duration,
    /// Largest head, in bytes; at least 8 KiB.
    pub head_bytes_max: usize,
    /// Most header lines.
    pub headers_max: usize,
    /// Longest pause within a request body.
    pub body_idle_timeout: Duration,
    /// Time for a whole request body.
    pub body_timeout: Duration,
    /// Longest wait for the next request.
    pub keep_alive_idle: Duration,
    /// Longest wait for the client to take a byte.
    pub write_stall_timeout: Duration,
    /// Open requests of an HTTP/2 connection.
    pub http2_streams_max: u32,
}

impl Limits {
    /// The limits of a configuration.
    pub fn of(config: &Config) -> Self {
        let server = &config.server;
        Self {
            connections_max: server.connections_max,
            handshake_timeout: config.tls.handshake_timeout,
            header_timeout: server.header_timeout,
            head_bytes_max: server.head_bytes_max,
            headers_max: server.headers_max,
            body_idle_timeout: server.body_idle_timeout,
            body_timeout: server.body_timeout,
            keep_alive_idle: server.keep_alive_idle,
            write_stall_timeout: server.write_stall_timeout,
            http2_streams_max: server.http2_streams_max,
        }
    }
}

/// A bound address that is not yet served.
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<TlsSource>>,
    limits: Limits,
}

/// What every connection shares.
struct Shared {
    app: Router,
    tls: Option<Arc<TlsSource>>,
    limits: Limits,
    connections: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    tasks: TaskTracker,
    /// No further requests.
    drain: CancellationToken,
    /// No further byte.
    kill: CancellationToken,
}

impl Listener {
    /// Binds `address`; port 0 takes a free port. Connections queue from here on.
    ///
    /// # Errors
    /// The address is in use, is not one of this machine, or needs a right the process lacks.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<TlsSource>>,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        let address = tcp.local_addr()?;
        Ok(Self { tcp, address, tls, limits })
    }

    /// The address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `app` until the result is drained.
    pub fn serve(self, app: Router) -> Serving {
        let shared = Arc::new(Shared {
            app,
            tls: self.tls,
            connections: Arc::new(Semaphore::new(self.limits.connections_max)),
            refusals: Arc::new(Semaphore::new(refuse::AT_ONCE_MAX)),
            limits: self.limits,
            tasks: TaskTracker::new(),
            drain: CancellationToken::new(),
            kill: CancellationToken::new(),
        });
        let accepting = tokio::spawn(accept::run(self.tcp, Arc::clone(&shared)));
        Serving { shared, accepting }
    }
}

/// A listener at work.
pub struct Serving {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Serving {
    /// Stops accepting, lets open requests finish, and cuts what is left after `patience`.
    ///
    /// Idle connections are closed at once. Returns how many connections had to be cut.
    pub async fn drain(self, patience: Duration) -> usize {
        let Self { shared, accepting } = self;
        shared.drain.cancel();
        // Ends by the token; after it no connection is added.
        let _ = accepting.await;
        shared.tasks.close();
        if timeout(patience, shared.tasks.wait()).await.is_ok() {
            return 0;
        }
        let cut = shared.tasks.len();
        shared.kill.cancel();
        shared.tasks.wait().await;
        cut
    }
}
