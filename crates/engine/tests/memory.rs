//! The in-memory engine passes the suite.
#![forbid(unsafe_code)]

use std::sync::Arc;

use async_trait::async_trait;
use millpond_engine::{Engine, ManualClock, conformance::Fixture, conformance_suite, memory::MemoryEngine};

struct Memory(Engine);

#[async_trait]
impl Fixture for Memory {
    async fn create(clock: Arc<ManualClock>) -> Self {
        Self(MemoryEngine::engine(clock))
    }

    fn engine(&self) -> Engine {
        self.0.clone()
    }

    async fn reopen(self) -> Self {
        self
    }
}

conformance_suite!(Memory);
