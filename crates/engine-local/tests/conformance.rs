//! The embedded engine passes the suite: on the machine's disk, dying or closing between two lives, and on
//! a disk in memory that loses everything that was not synced.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use millpond_engine::{Engine, ManualClock, SeededEntropy, conformance::Fixture, conformance_suite};
use millpond_engine_local::{LocalEngine, Settings};
use millpond_seglog::{
    disk::{Disk, FaultDisk, RealDisk},
    journal::JournalSettings,
};

/// Small sizes, so that files roll and pages cross segments.
fn small(threads: bool) -> Settings {
    Settings {
        journal: JournalSettings {
            file_bytes_first: 64 << 10,
            file_bytes_max: 256 << 10,
            total_bytes_max: 4 << 20,
        },
        segment_bytes_max: 2 << 10,
        tail_bytes_max: 1 << 10,
        threads,
        // The suite lets hours pass between two lives; a server that was away so long doubts the clock.
        doubts_clock: false,
        ..Settings::default()
    }
}

fn open(disk: Arc<dyn Disk>, root: &Path, clock: &Arc<ManualClock>, settings: Settings) -> LocalEngine {
    let entropy = Arc::new(SeededEntropy::new(7));
    LocalEngine::open(disk, root, Arc::clone(clock) as _, entropy, settings).unwrap()
}

/// A process that dies without a word.
struct Killed {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    engine: LocalEngine,
}

#[async_trait]
impl Fixture for Killed {
    async fn create(clock: Arc<ManualClock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(Arc::new(RealDisk), dir.path(), &clock, small(true));
        Self { dir, clock, engine }
    }

    fn engine(&self) -> Engine {
        self.engine.engine()
    }

    async fn reopen(self) -> Self {
        let Self { dir, clock, engine } = self;
        drop(engine);
        let engine = open(Arc::new(RealDisk), dir.path(), &clock, small(true));
        Self { dir, clock, engine }
    }
}

/// A process that is closed, and leaves nothing to recover.
struct Closed(Killed);

#[async_trait]
impl Fixture for Closed {
    async fn create(clock: Arc<ManualClock>) -> Self {
        Self(Killed::create(clock).await)
    }

    fn engine(&self) -> Engine {
        self.0.engine()
    }

    async fn reopen(self) -> Self {
        let Killed { dir, clock, engine } = self.0;
        engine.close().unwrap();
        drop(engine);
        let engine = open(Arc::new(RealDisk), dir.path(), &clock, small(true));
        assert_eq!(engine.recovered_frames(), 0, "a clean stop leaves nothing to recover");
        Self(Killed { dir, clock, engine })
    }
}

/// A machine whose power is cut.
struct PowerCut {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    engine: LocalEngine,
}

#[async_trait]
impl Fixture for PowerCut {
    async fn create(clock: Arc<ManualClock>) -> Self {
        let disk = FaultDisk::default();
        let engine = open(Arc::new(disk.clone()), Path::new("/data"), &clock, small(false));
        Self { disk, clock, engine }
    }

    fn engine(&self) -> Engine {
        self.engine.engine()
    }

    async fn reopen(self) -> Self {
        let disk = self.disk.crash(|| false);
        let engine = open(Arc::new(disk.clone()), Path::new("/data"), &self.clock, small(false));
        Self { disk, clock: self.clock, engine }
    }
}

mod after_a_kill {
    use super::*;
    conformance_suite!(Killed);
}

mod after_a_clean_stop {
    use super::*;
    conformance_suite!(Closed);
}

mod after_a_power_cut {
    use super::*;
    conformance_suite!(PowerCut);
}

mod missing_files {
    use super::*;

    fn open_again(disk: &FaultDisk) -> Result<LocalEngine, millpond_engine_local::OpenError> {
        let clock = Arc::new(ManualClock::new(millpond_model::Timestamp::from_millis(0)));
        let entropy = Arc::new(SeededEntropy::new(9));
        LocalEngine::open(Arc::new(disk.clone()), Path::new("/data"), clock, entropy, small(false))
    }

    async fn used_disk() -> FaultDisk {
        let clock = Arc::new(ManualClock::new(millpond_model::Timestamp::from_millis(0)));
        let cut = PowerCut::create(clock).await;
        let config = millpond_engine::LogConfig { retention: millpond_model::RetentionHours::default() };
        cut.engine().records.create(millpond_model::StreamId::from_random(1), 1, config).await.unwrap();
        cut.disk.crash(|| false)
    }

    /// A directory that lost its view must not pass for a new one: opening would remove every segment.
    #[tokio::test]
    async fn a_directory_without_its_view_is_refused_and_left_alone() {
        let disk = used_disk().await;
        disk.remove_file(Path::new("/data/state.redb")).unwrap();
        let before = disk.paths();
        let error = open_again(&disk).err().unwrap();
        assert!(matches!(error, millpond_engine_local::OpenError::ViewMissing), "{error}");
        assert!(error.is_damage());
        assert_eq!(disk.paths(), before);
    }

    #[tokio::test]
    async fn a_directory_without_its_format_is_refused_and_left_alone() {
        let disk = used_disk().await;
        disk.remove_file(Path::new("/data/FORMAT")).unwrap();
        let before = disk.paths();
        let error = open_again(&disk).err().unwrap();
        assert!(matches!(error, millpond_engine_local::OpenError::FormatMissing), "{error}");
        assert_eq!(disk.paths(), before);
    }
}
