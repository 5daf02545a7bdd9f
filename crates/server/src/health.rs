//! Whether the process is alive, and whether it can serve.
//!
//! `/healthz` never depends on anything else; `/readyz` turns false before the listener drains.
//! Neither needs a signature, neither tells a secret.

use std::sync::Arc;

use axum::{Router, routing::get};
use http::{HeaderValue, StatusCode, header};
use tokio::sync::watch;

/// Where the server stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Opening, recovering.
    Starting,
    /// Serving.
    Ready,
    /// Finishing open requests.
    Draining,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// The phase, shared by all who set it, answer it or wait for it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<watch::Sender<Phase>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Starting)))
    }
}

impl Readiness {
    /// Enters a phase.
    pub fn set(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// For those who end something when draining begins, such as long polls.
    pub fn subscribe(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }
}

/// `GET /healthz` and `GET /readyz`.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { answer(StatusCode::OK, "alive") }))
        .route("/readyz", get(move || async move { ready(readiness.phase()) }))
}

type Answer = (StatusCode, [(header::HeaderName, HeaderValue); 2], String);

fn ready(phase: Phase) -> Answer {
    let status = if phase == Phase::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, phase.name())
}

fn answer(status: StatusCode, word: &str) -> Answer {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, format!("{{\"status\":\"{word}\"}}\n"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn only_readiness_follows_the_phase() {
        let readiness = Readiness::default();
        let app = routes(readiness.clone());
        let status = async |path: &str| {
            app.clone()
                .oneshot(Request::get(path).body(Body::empty()).unwrap())
                .await
                .unwrap()
                .status()
                .as_u16()
        };
        for (phase, expected) in [(Phase::Starting, 503), (Phase::Ready, 200), (Phase::Draining, 503)] {
            readiness.set(phase);
            assert_eq!((status("/healthz").await, status("/readyz").await), (200, expected), "{phase:?}");
        }
    }
}
