//! The server without its socket.

use std::{path::Path, sync::Arc};

use axum::{Router, body::Body};
use http::Request;
use http_body_util::BodyExt as _;
use millpond_engine::{ManualClock, SeededEntropy};
use millpond_engine_local::{LocalEngine, Settings as EngineSettings};
use millpond_http_api::{Api, Condition, Health, Keyring, Settings};
use millpond_seglog::{disk::FaultDisk, journal::JournalSettings};
use millpond_service::Service;
use serde_json::Value;
use tower::ServiceExt as _;

/// One process of a life.
pub struct Server {
    pub engine: LocalEngine,
    pub service: Arc<Service>,
    router: Router,
}

/// Small files, so that they roll; everything on the caller's thread.
fn small() -> EngineSettings {
    EngineSettings {
        journal: JournalSettings {
            file_bytes_first: 64 << 10,
            file_bytes_max: 128 << 10,
            total_bytes_max: 1 << 20,
        },
        segment_bytes_max: 2 << 10,
        tail_bytes_max: 1 << 10,
        unwritten_bytes_max: 4 << 10,
        low_water_bytes: Some(0),
        threads: false,
        ..EngineSettings::default()
    }
}

impl Server {
    /// Starts on a disk; `None` when the disk does not let it.
    pub async fn start(disk: &FaultDisk, clock: &Arc<ManualClock>, seed: u64) -> Option<Self> {
        let entropy = Arc::new(SeededEntropy::new(seed));
        let (disk, root) = (Arc::new(disk.clone()), Path::new("/data"));
        let engine = LocalEngine::open(disk, root, Arc::clone(clock) as _, entropy.clone(), small()).ok()?;
        let limits = millpond_service::Settings::default();
        let service = Service::open(engine.engine(), Arc::clone(clock) as _, entropy.clone(), limits);
        let service = Arc::new(service.await.ok()?);
        let health = Health::new();
        health.set(Condition::Ready);
        let settings = Settings { allow_anonymous: true, version: "0.0.0", ..Settings::default() };
        let keyring = Arc::new(Keyring::default());
        let api = Api::new(Arc::clone(&service), keyring, health, settings, Arc::clone(clock) as _, entropy);
        Some(Self { engine, service, router: api.router() })
    }

    /// Status and body of the answer to a request for the project `p1`.
    pub async fn call(&self, method: &str, target: &str, body: Option<&Value>) -> (u16, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/v2/p1{target}"))
            .header("host", "dis.example.test")
            .header("content-type", "application/json")
            .body(Body::from(body.map(Value::to_string).unwrap_or_default()))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
    }
}
