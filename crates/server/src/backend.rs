//! Engine, service and API: the only place that names a concrete engine.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use millpond_engine::{Clock, Entropy, OsEntropy, StorageFailure, SystemClock};
use millpond_engine_local::{LocalEngine, Settings as EngineSettings};
use millpond_http_api::{
    AccessKey, Api, Condition, Directory, Health, IdentitySettings, Keyring, Settings as ApiSettings,
    StaticToken, Troubles, User,
};
use millpond_model::{PartitionCount, ProjectId, StreamSpec, Timestamp};
use millpond_seglog::{disk::RealDisk, journal::JournalSettings};
use millpond_service::{Error as ServiceError, Service};
use millpond_wire::{
    identity::Domain,
    signing::{SecretKey, SecurityToken},
};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::{
    config::{Config, UnsignedPayload},
    control::Control,
    descriptors::Descriptors,
    dev,
    keys::{Keys, UserEntry},
    storage_metrics::StorageMetrics,
};

/// How often partitions expire and what was left over is removed.
const HOUSEKEEPING: Duration = Duration::from_mins(1);

/// How often rounds of consumer groups end by themselves. The time-outs are 3 s and more (spec/07 §4).
const GROUP_TICK: Duration = Duration::from_secs(1);

/// Journal files of full size that fit before the engine waits for segments.
const JOURNAL_FILES: u64 = 8;

/// Everything behind the listener.
pub struct Backend {
    engine: Arc<LocalEngine>,
    service: Arc<Service>,
    api: Api,
    keyring: Arc<Keyring>,
    health: Health,
    housekeeping: JoinHandle<()>,
    control: Control,
}

impl Backend {
    /// Opens the data directory and puts service and API on it. No key is in force yet.
    ///
    /// # Errors
    /// The directory is in use, damaged, newer than this version, or cannot be read.
    pub async fn open(config: &Config, descriptors: Descriptors) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let engine =
            Arc::new(open_engine(engine_settings(config, descriptors), config, &clock, &entropy).await?);
        if engine.recovered_frames() > 0 {
            info!(frames = engine.recovered_frames(), "recovered what the last process left in the journal");
        }
        let service = Service::open(
            engine.engine(),
            Arc::clone(&clock),
            Arc::clone(&entropy),
            config.limits.service.clone(),
        );
        let service = Arc::new(service.await.context("the service cannot start on the data directory")?);
        let (keyring, health) = (Arc::new(Keyring::default()), Health::new());
        let api = Api::new(
            Arc::clone(&service),
            Arc::clone(&keyring),
            health.clone(),
            api_settings(config),
            clock,
            entropy,
        );
        let control = Control::listen(&engine, &config.storage.data_dir);
        StorageMetrics::register(&engine, api.registry());
        watch_for_troubles(&health, &engine);
        let (house, groups) = (keep_house(Arc::clone(&service)), keep_groups(Arc::clone(&service)));
        let housekeeping = tokio::spawn(async move {
            tokio::join!(house, groups);
        });
        Ok(Self { engine, service, api, keyring, health, housekeeping, control })
    }

    /// What the listener serves.
    pub fn router(&self) -> Router {
        self.api.router()
    }

    /// The condition that `/readyz` tells.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Puts other keys in force.
    ///
    /// # Errors
    /// A key that is not valid; the old ones stay.
    pub fn replace_keys(&self, keys: &Keys) -> anyhow::Result<()> {
        let (mut access_keys, mut tokens) = (Vec::new(), Vec::new());
        for entry in keys.entries() {
            let project: ProjectId = entry.project_id.parse().context("project_id of a key")?;
            access_keys.push(AccessKey {
                access_key: entry.ak.as_str().into(),
                secret: SecretKey::new(entry.sk.expose()),
                project: project.clone(),
                security_token: entry.security_token.as_ref().map(|token| SecurityToken {
                    token: SecretKey::new(token.expose()),
                    expires_at: entry.expires().unwrap_or(Timestamp::from_millis(i64::MAX)),
                }),
            });
            tokens.extend(entry.token.as_ref().map(|token| StaticToken {
                token: SecretKey::new(token.expose()),
                project,
                owner: entry.ak.as_str().into(),
                expires_at: entry.expires(),
            }));
        }
        let keys = millpond_http_api::Keys::new(access_keys, tokens).with_directory(directory(keys)?);
        self.keyring.replace(keys);
        Ok(())
    }

    /// Changes how many successful requests are logged.
    pub fn set_request_sample(&self, sample: u32) {
        self.api.set_request_sample(sample);
    }

    /// Creates the demo stream in a project that has none.
    ///
    /// # Errors
    /// The project's id is none, or the storage failed.
    pub async fn seed(&self, project: &str) -> anyhow::Result<()> {
        let project: ProjectId = project.parse()?;
        let spec = StreamSpec::new(dev::DEMO_STREAM.parse()?, PartitionCount::new(dev::DEMO_PARTITIONS)?);
        match self.service.create_stream(&project, spec).await {
            Ok(()) | Err(ServiceError::StreamExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the storage fails; tells so through `/readyz` first.
    pub async fn storage_failed(&self) -> StorageFailure {
        let failure = self.engine.failed().await;
        self.health.set(Condition::StorageFailed);
        failure
    }

    /// Closes the data directory so that the next start has nothing to recover.
    ///
    /// # Errors
    /// The storage failed; the next start recovers what was acknowledged.
    pub async fn close(self) -> anyhow::Result<()> {
        self.housekeeping.abort();
        self.control.stop().await;
        if let Err(error) = self.service.flush_metrics().await {
            warn!(error = &error as &dyn std::error::Error, "the metrics of the last minute are lost");
        }
        let engine = self.engine;
        tokio::task::spawn_blocking(move || engine.close())
            .await?
            .context("the data directory was not left clean")
    }
}

/// The engine is asked only when somebody asks for the server's health, and never kept alive by it.
fn watch_for_troubles(health: &Health, engine: &Arc<LocalEngine>) {
    let engine = Arc::downgrade(engine);
    health.look_with(move || {
        engine.upgrade().map_or_else(Troubles::default, |engine| Troubles {
            no_space: engine.lacks_space(),
            damaged_partitions: engine.damaged().len(),
            clock_doubted: engine.doubts_clock(),
        })
    });
}

async fn open_engine(
    settings: EngineSettings,
    config: &Config,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> anyhow::Result<LocalEngine> {
    let (root, clock, entropy) = (config.storage.data_dir.clone(), Arc::clone(clock), Arc::clone(entropy));
    let open = move || LocalEngine::open(Arc::new(RealDisk), &root, clock, entropy, settings);
    let opened = tokio::task::spawn_blocking(open).await?;
    opened.with_context(|| format!("cannot open the data directory {}", config.storage.data_dir.display()))
}

fn engine_settings(config: &Config, descriptors: Descriptors) -> EngineSettings {
    let file_bytes_max = config.storage.journal_file_bytes;
    EngineSettings {
        journal: JournalSettings {
            file_bytes_max,
            total_bytes_max: file_bytes_max.saturating_mul(JOURNAL_FILES),
            ..JournalSettings::default()
        },
        segment_bytes_max: config.storage.segment_bytes,
        open_files_max: descriptors.files,
        low_water_bytes: config.storage.low_water_bytes,
        scrub_interval: Some(config.storage.scrub_interval),
        ..EngineSettings::default()
    }
}

/// The users and the names of projects.
fn directory(keys: &Keys) -> anyhow::Result<Directory> {
    let user = |entry: &UserEntry| -> anyhow::Result<User> {
        let projects = entry.projects.iter().map(|id| id.parse().context("a project of a user"));
        Ok(User {
            name: entry.name.as_str().into(),
            password: SecretKey::new(entry.password.expose()),
            projects: projects.collect::<anyhow::Result<_>>()?,
        })
    };
    let users: Vec<User> = keys.users().map(user).collect::<anyhow::Result<_>>()?;
    let names = keys.projects().map(|entry| {
        let id: ProjectId = entry.id.parse().context("the id of a named project")?;
        Ok((id, entry.name.as_str().into()))
    });
    let names: Vec<(ProjectId, Box<str>)> = names.collect::<anyhow::Result<_>>()?;
    Ok(Directory::new(users, names))
}

fn identity_settings(config: &Config) -> IdentitySettings {
    let identity = &config.identity;
    IdentitySettings {
        domain: Domain { id: identity.domain_id.clone(), name: identity.domain_name.clone() },
        region: config.auth.region.clone(),
        public_url: identity.public_url.clone(),
        is_https: config.tls.certificate.is_some(),
        token_life: identity.token_life,
    }
}

fn api_settings(config: &Config) -> ApiSettings {
    let auth = &config.auth;
    ApiSettings {
        body_bytes_max: config.server.body_bytes_max,
        allow_anonymous: auth.allow_anonymous,
        extra_hosts: auth.public_hosts.clone(),
        allow_unsigned_payload: auth.unsigned_payload == UnsignedPayload::NotJson,
        region: auth.check_scope.then(|| auth.region.clone()),
        service: auth.check_scope.then(|| auth.service.clone()),
        identity: identity_settings(config),
        auth_block: config.limits.auth_block,
        project_requests_per_second: config.limits.requests_per_second_per_project,
        request_sample: config.log.request_sample,
        version: env!("CARGO_PKG_VERSION"),
        ..ApiSettings::default()
    }
}

/// Ends what is overdue in consumer groups that no client calls at the moment.
async fn keep_groups(service: Arc<Service>) {
    let mut ticks = tokio::time::interval(GROUP_TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        service.tick_groups().await;
    }
}

async fn keep_house(service: Arc<Service>) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let done = service.housekeep().await;
        if done.partitions_expired > 0 || done.logs_dropped > 0 {
            info!(expired = done.partitions_expired, dropped = done.logs_dropped, "housekeeping");
        }
        if done.failures > 0 {
            warn!(
                failures = done.failures,
                "housekeeping could not do everything; it tries again in a minute"
            );
        }
    }
}
