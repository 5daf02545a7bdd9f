//! The accept loop.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tracing::{debug, warn};

use super::{Shared, connection, refuse, tls};

/// First pause after a failed accept.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// Longest pause. Long enough not to spin, short enough to notice freed descriptors at once.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Accepts until the listener drains; then closes the socket, so that new clients go elsewhere.
pub(super) async fn run(tcp: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.drain.cancelled() => return,
            accepted = next(|| tcp.accept()) => accepted,
        };
        let (stream, peer) = accepted;
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "connection lost before its first byte");
            continue;
        }
        take(stream, peer, &shared);
    }
}

/// The next accepted connection, however many attempts that takes.
///
/// Running out of descriptors is no reason to stop or to spin: the connections stay in the
/// system's queue until others close.
async fn next<T, F: Future<Output = io::Result<T>>>(mut accept: impl FnMut() -> F) -> T {
    let mut pause = PAUSE_MIN;
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_connection(&error) => {
                debug!(%error, "a connection was gone before it was accepted");
            }
            Err(error) => {
                warn!(%error, ?pause, "no connection can be accepted; is the limit of open files (ulimit -n) high enough?");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Gives the connection a task, or refuses it when there are too many.
fn take(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) {
    let Ok(permit) = Arc::clone(&shared.connections).try_acquire_owned() else {
        // TLS clients could not read a plain answer, and a handshake is what we cannot afford now.
        let refusal =
            shared.tls.is_none().then(|| Arc::clone(&shared.refusals).try_acquire_owned().ok()).flatten();
        debug!(%peer, answered = refusal.is_some(), "connection refused: server.connections_max are open");
        if let Some(permit) = refusal {
            shared.tasks.spawn(async move {
                refuse::refuse(stream).await;
                drop(permit);
            });
        }
        return;
    };
    let shared = Arc::clone(shared);
    shared.tasks.clone().spawn(async move {
        tokio::select! {
            biased;
            () = shared.kill.cancelled() => {}
            () = serve(stream, peer, &shared) => {}
        }
        drop(permit);
    });
}

async fn serve(stream: TcpStream, peer: SocketAddr, shared: &Shared) {
    let Some(source) = &shared.tls else {
        return connection::serve(stream, peer, &shared.app, &shared.limits, &shared.drain).await;
    };
    let handshake = tls::handshake(source, stream, shared.limits.handshake_timeout);
    let stream = tokio::select! {
        biased;
        () = shared.drain.cancelled() => return,
        stream = handshake => stream,
    };
    match stream {
        Ok(stream) => connection::serve(stream, peer, &shared.app, &shared.limits, &shared.drain).await,
        Err(error) => debug!(%peer, %error, "TLS handshake failed"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// `EMFILE`: too many open files.
    const TOO_MANY_FILES: i32 = 24;

    #[tokio::test(start_paused = true)]
    async fn a_lack_of_descriptors_is_waited_for() {
        let begin = Instant::now();
        let mut failures = 6;
        let accepted = next(|| {
            failures -= 1;
            std::future::ready(if failures >= 0 {
                Err(io::Error::from_raw_os_error(TOO_MANY_FILES))
            } else {
                Ok("client")
            })
        });
        assert_eq!(accepted.await, "client");
        // 50 + 100 + 200 + 400 + 800 + 1000
        assert_eq!(begin.elapsed(), Duration::from_millis(2550));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_connection_costs_no_pause() {
        let begin = Instant::now();
        let mut attempts = 0;
        let accepted = next(|| {
            attempts += 1;
            std::future::ready(if attempts < 100 {
                Err(io::ErrorKind::ConnectionAborted.into())
            } else {
                Ok(attempts)
            })
        });
        assert_eq!(accepted.await, 100);
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
