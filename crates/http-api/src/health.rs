//! What operators and their machines ask (no credentials, no secrets).

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

use http::StatusCode;
use serde::Serialize;

use crate::{answer::Answer, api::Shared, metrics};

/// Whether the server can do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Not yet.
    Starting,
    /// Yes.
    Ready,
    /// It finishes what is open and takes nothing new soon.
    Draining,
    /// The storage has failed and refuses until the server is started again.
    StorageFailed,
}

impl Condition {
    const ALL: [Self; 4] = [Self::Starting, Self::Ready, Self::Draining, Self::StorageFailed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::StorageFailed => "storage failed",
        }
    }
}

/// What is not as it should be although the server does its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Writes are refused because the disk is full.
    pub no_space: bool,
    /// Partitions of which stored records are damaged; they take no more.
    pub damaged_partitions: usize,
    /// Nothing expires because the clock is not believed.
    pub clock_doubted: bool,
}

type Look = Box<dyn Fn() -> Troubles + Send + Sync>;

/// The server's condition, shared between the server, which sets it, and the routes that tell it.
#[derive(Clone)]
pub struct Health {
    condition: Arc<AtomicU8>,
    look: Arc<OnceLock<Look>>,
}

impl Health {
    /// A server that is starting.
    pub fn new() -> Self {
        Self {
            condition: Arc::new(AtomicU8::new(Condition::Starting as u8)),
            look: Arc::new(OnceLock::new()),
        }
    }

    /// Says how to find out about troubles; asked only when somebody wants to know.
    pub fn look_with(&self, look: impl Fn() -> Troubles + Send + Sync + 'static) {
        let _the_first_stays = self.look.set(Box::new(look));
    }

    /// What is not as it should be.
    pub fn troubles(&self) -> Troubles {
        self.look.get().map(|look| look()).unwrap_or_default()
    }

    /// Changes the condition.
    pub fn set(&self, condition: Condition) {
        self.condition.store(condition as u8, Ordering::Release);
    }

    /// The condition.
    pub fn get(&self) -> Condition {
        let stored = self.condition.load(Ordering::Acquire);
        let found = Condition::ALL.into_iter().find(|condition| *condition as u8 == stored);
        found.unwrap_or(Condition::StorageFailed)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Checks>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the answer")]
struct Checks {
    started: bool,
    storage: bool,
    accepting: bool,
    space: bool,
    intact: bool,
    clock: bool,
}

fn status(code: StatusCode, body: &Status) -> Answer {
    Answer::json_text(code, serde_json::to_vec(body).expect("words and flags are always JSON"))
}

/// `GET /healthz`: the process is alive. Depends on nothing else.
pub(crate) fn healthz(_shared: &Shared, _query: Option<&str>) -> Answer {
    status(StatusCode::OK, &Status { status: "alive", checks: None })
}

/// `GET /readyz`: 200 when requests can be served, else 503; `?verbose` tells why. A full disk, a damaged
/// partition and a clock that is not believed do not make it 503: what still works is served.
pub(crate) fn readyz(shared: &Shared, query: Option<&str>) -> Answer {
    let condition = shared.health.get();
    let names = query.unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    let verbose = names.into_iter().any(|name| name == "verbose");
    let checks = verbose.then(|| {
        let troubles = shared.health.troubles();
        Checks {
            started: condition != Condition::Starting,
            storage: condition != Condition::StorageFailed,
            accepting: condition != Condition::Draining,
            space: !troubles.no_space,
            intact: troubles.damaged_partitions == 0,
            clock: !troubles.clock_doubted,
        }
    });
    let code = if condition == Condition::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    status(code, &Status { status: condition.as_str(), checks })
}

/// `GET /version`.
pub(crate) fn version(shared: &Shared, _query: Option<&str>) -> Answer {
    #[derive(Serialize)]
    struct Version {
        version: &'static str,
    }
    Answer::json(&Version { version: shared.settings.version })
}

/// `GET /metrics`: the text that Prometheus reads.
pub(crate) fn metrics(shared: &Shared, _query: Option<&str>) -> Answer {
    Answer::text(metrics::CONTENT_TYPE, shared.metrics.text())
}
