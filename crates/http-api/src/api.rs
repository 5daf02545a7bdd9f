//! The API as a server mounts it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use axum::{Router, extract::Request};
use millpond_service::{Clock, Entropy, Service};
use millpond_wire::{CursorKey, signing::body_sha256};

use crate::{
    addresses::Addresses,
    admission::Budget,
    health::Health,
    identity::Issuer,
    keyring::Keyring,
    metrics::{Metrics, SharedRegistry},
    rates::ProjectRates,
    settings::Settings,
};

/// The API over one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api(Arc<Shared>);

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) service: Arc<Service>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) health: Health,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) metrics: Metrics,
    pub(crate) cursor_key: CursorKey,
    pub(crate) issuer: Issuer,
    /// Bytes of bodies, in and out.
    pub(crate) buffered: Arc<Budget>,
    /// Requests under way.
    pub(crate) requests: Arc<Budget>,
    /// Addresses that fail to authenticate, where they can be blocked.
    pub(crate) addresses: Option<Addresses>,
    /// What projects use of their rate, where they have one.
    pub(crate) rates: Option<ProjectRates>,
    request_sample: AtomicU32,
    successes: AtomicU64,
}

impl Api {
    /// The API over `service`. The keyring can be exchanged and the health set while it serves.
    pub fn new(
        service: Arc<Service>,
        keyring: Arc<Keyring>,
        health: Health,
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self(Arc::new(Shared {
            cursor_key: cursor_key(&service.secret()),
            issuer: Issuer::new(&service.secret(), settings.identity.token_life),
            metrics: Metrics::new(settings.version),
            buffered: Budget::new(settings.buffered_bytes_max),
            requests: Budget::new(settings.requests_max),
            addresses: settings.auth_block.map(Addresses::new),
            rates: settings.project_requests_per_second.map(ProjectRates::new),
            request_sample: AtomicU32::new(settings.request_sample),
            successes: AtomicU64::new(0),
            service,
            keyring,
            health,
            settings,
            clock,
            entropy,
        }))
    }

    /// The router: one service for all paths, because clients disagree with every router about slashes
    /// at the end (spec/00 §2).
    pub fn router(&self) -> Router {
        let shared = Arc::clone(&self.0);
        Router::new().fallback(move |request: Request| Arc::clone(&shared).answer(request))
    }

    /// All metrics; what is registered here is told by `/metrics`. Its prefix is `millpond`.
    pub fn registry(&self) -> &SharedRegistry {
        self.0.metrics.registry()
    }

    /// Changes how many successful requests are logged: one in `sample`, or none when it is 0.
    pub fn set_request_sample(&self, sample: u32) {
        self.0.request_sample.store(sample, Ordering::Relaxed);
    }
}

impl Shared {
    /// Whether the next successful request is to be logged.
    pub(crate) fn is_sampled(&self) -> bool {
        let sample = u64::from(self.request_sample.load(Ordering::Relaxed));
        sample != 0 && self.successes.fetch_add(1, Ordering::Relaxed).is_multiple_of(sample)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The key of cursors, from the deployment's secret: the same on every node and after every start.
fn cursor_key(secret: &[u8; 32]) -> CursorKey {
    let mut purpose = b"millpond cursor key 1\n".to_vec();
    purpose.extend_from_slice(secret);
    CursorKey::new(body_sha256(&purpose))
}
