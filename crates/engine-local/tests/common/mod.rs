//! What the tests of the engine share: operations that run on any engine, and a picture of all it holds.
#![allow(dead_code, unused_imports, reason = "no test uses all of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test may panic"
)]

mod gate;
mod harm;
mod op;
mod picture;
mod world;

use std::{future::Future, path::Path, sync::Arc, sync::LazyLock};

use millpond_engine::{ManualClock, SeededEntropy};
use millpond_engine_local::{LocalEngine, OpenError, Settings};
use millpond_model::Timestamp;
use millpond_seglog::{disk::Disk, disk::FaultDisk, journal::JournalSettings};
use tokio::runtime::Runtime;

pub use gate::GateDisk;
pub use harm::{End, bytes_of, change, used};
pub use op::{Op, Order, Target, any_op, workload};
pub use picture::{assert_same, picture, state_picture};
pub use world::{Failed, Names, run};

pub const ROOT: &str = "/data";
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Small sizes, so that files roll, tails are forgotten and pages cross segments; everything on the
/// caller's thread.
pub fn small() -> Settings {
    Settings {
        journal: JournalSettings {
            file_bytes_first: 64 << 10,
            file_bytes_max: 128 << 10,
            total_bytes_max: 1 << 20,
        },
        segment_bytes_max: 2 << 10,
        tail_bytes_max: 1 << 10,
        unwritten_bytes_max: 4 << 10,
        low_water_bytes: Some(0),
        doubts_clock: false,
        threads: false,
        ..Settings::default()
    }
}

pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START))
}

pub fn open(disk: &FaultDisk, clock: &Arc<ManualClock>) -> Result<LocalEngine, OpenError> {
    open_with(Arc::new(disk.clone()), Path::new(ROOT), clock, small())
}

pub fn open_with(
    disk: Arc<dyn Disk>,
    root: &Path,
    clock: &Arc<ManualClock>,
    settings: Settings,
) -> Result<LocalEngine, OpenError> {
    // Every life draws its own salts, as it would from the system.
    static LIVES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let seed = LIVES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    LocalEngine::open(disk, root, Arc::clone(clock) as _, Arc::new(SeededEntropy::new(seed)), settings)
}

/// Runs a future to its end.
pub fn on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    RUNTIME.block_on(future)
}

/// How many cases a random test runs: `PROPTEST_CASES` in the environment, or as many as fit a quick run.
pub fn cases(quick: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(quick)
}

/// The same, with more of them where nobody waits: `CI` in the environment.
pub fn cases_in_ci(quick: u32, ci: u32) -> u32 {
    cases(in_ci(quick, ci))
}

/// What is tried of something: the more thorough choice in CI.
pub fn in_ci<T>(quick: T, ci: T) -> T {
    if std::env::var_os("CI").is_some() { ci } else { quick }
}

/// Does the work for every item, on two threads.
pub fn each_of<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        let share = |first: usize| items.iter().skip(first).step_by(2).for_each(&work);
        let other = scope.spawn(move || share(1));
        share(0);
        other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Numbers that follow from a seed.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    pub fn flip(&mut self) -> bool {
        self.roll() & 1 == 0
    }

    /// What a power cut now leaves of the disk.
    pub fn crash(&mut self, disk: &FaultDisk) -> FaultDisk {
        // All lost, all kept, few kept, few lost, or each by itself.
        match self.below(6) {
            0 => disk.crash(|| false),
            1 => disk.crash(|| true),
            2 => disk.crash(|| self.below(8) == 0),
            3 => disk.crash(|| self.below(8) != 0),
            _ => disk.crash(|| self.flip()),
        }
    }
}
