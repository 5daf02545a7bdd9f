//! One connection, from its first byte to its last.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    Limits,
    activity::{Activity, Expired},
    io::Watched,
    service::ConnectionService,
};

/// How long an idle connection may take to say goodbye (HTTP/2 asks the peer first).
const GOODBYE: Duration = Duration::from_secs(1);

/// HTTP/2: how often a silent peer is asked whether it is there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);

/// HTTP/2: bytes a peer may send ahead on one stream and on the connection. Small enough that ten
/// thousand connections cannot fill the memory with what nobody reads.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// HTTP/2: bytes of answers that wait in a stream.
const SEND_BUFFER: usize = 256 * 1024;

/// HTTP/2: streams that a peer may reset before the connection is closed ("rapid reset").
const RESETS_PENDING_MAX: usize = 20;
const RESETS_LOCAL_MAX: usize = 64;

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // hyper's own clock for heads also runs while a connection is idle, so it could not tell
    // `header_timeout` from `keep_alive_idle`; `Activity` can, and covers the choice of the protocol too.
    builder
        .http1()
        .timer(TokioTimer::new())
        // Who has said all it wants to say still waits for its answers.
        .half_close(true)
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes_max)
        .max_headers(limits.headers_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(limits.http2_streams_max)
        .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
        .max_local_error_reset_streams(RESETS_LOCAL_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// Serves requests until the client leaves, is cut off, or `drain` ends the connection after the
/// open requests.
pub(super) async fn serve<I>(
    io: I,
    peer: SocketAddr,
    app: &Router,
    limits: &Limits,
    drain: &CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let service =
        ConnectionService { app: app.clone(), peer, limits: limits.clone(), activity: Arc::clone(&activity) };
    let builder = builder(limits);
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(Watched::new(io, Arc::clone(&activity))), service));
    // While draining nobody is waited for who has no open request.
    let draining_limits = Limits { keep_alive_idle: GOODBYE.min(limits.keep_alive_idle), ..limits.clone() };
    let mut watchdog = pin!(activity.expired(limits));
    let mut draining = false;
    let expired = loop {
        tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    debug!(%peer, %error, "connection ended early");
                }
                return;
            }
            why = watchdog.as_mut() => break why,
            () = drain.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
                watchdog.set(activity.expired(&draining_limits));
            }
        }
    };
    debug!(%peer, ?expired, "connection cut off");
    if expired == Expired::Idle {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(GOODBYE, connection).await;
    }
}
