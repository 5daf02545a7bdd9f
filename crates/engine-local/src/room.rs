//! Room on the disk: when to take no more, and a reserve to finish what was taken.
//!
//! ```text
//!   free ──────────────── low water ─────────────── 0
//!    │ everything is taken │ nothing that needs more │ what was acknowledged goes to segments
//!    │                     │ room; deletions are     │ and the view by giving up the file `reserve`
//! ```
//!
//! What was acknowledged is in the journal, which was written before it was needed: a full disk loses
//! nothing. Everything behind it – segments, the view – waits until it fits.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use millpond_engine::{Class, StorageFailure};
use millpond_seglog::disk::{self, Disk, Open, Room as DiskRoom};
use parking_lot::Mutex;

use crate::Settings;

const MIB: u64 = 1024 * 1024;

/// The part of the file system below which nothing is taken that needs room, unless it was set.
const LOW_WATER_PART: u64 = 20;
const LOW_WATER_BYTES: (u64, u64) = (8 * MIB, 1024 * MIB);

/// The reserve, as a part of the low water: large enough for a mark with its segments.
const RESERVE_PART: u64 = 4;
const RESERVE_BYTES: (u64, u64) = (2 * MIB, 80 * MIB);

/// The reserve is made when less than so many times the low water, or itself, is free: a disk with plenty of
/// room needs none yet, and a fresh directory stays small.
const AMPLE: u64 = 8;

/// Bytes written at a time while the reserve is filled.
const CHUNK: usize = 1024 * 1024;

pub(crate) struct Room {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    low_water: u64,
    reserve_bytes: u64,
    /// Whether the reserve is there; the lock is held while it is made or given up.
    reserve: Mutex<bool>,
    /// Something did not fit, and has not since.
    short: AtomicBool,
    /// Whether people were told that writes are refused.
    told: AtomicBool,
}

impl Room {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: &Path, settings: &Settings) -> Self {
        let low_water = settings.low_water_bytes.unwrap_or(LOW_WATER_BYTES.1);
        let reserve_bytes = reserve_bytes(low_water);
        let there = disk.open(&reserve_path(root), Open::Existing).is_ok();
        Self {
            disk,
            root: root.to_path_buf(),
            low_water,
            reserve_bytes,
            reserve: Mutex::new(there),
            short: AtomicBool::new(false),
            told: AtomicBool::new(false),
        }
    }

    /// Whether nothing may be taken that needs room, when `waiting` bytes were taken that still need theirs.
    pub(crate) fn is_low(&self, waiting: u64) -> bool {
        let low =
            self.is_short() || self.free().is_some_and(|free| free.saturating_sub(waiting) < self.low_water);
        if low != self.told.swap(low, Ordering::Relaxed) {
            if low {
                tracing::error!(
                    low_water_bytes = self.low_water,
                    free_bytes = self.free(),
                    "no space: records and changes are refused until there is more; reading and deleting work"
                );
            } else {
                tracing::info!("there is space again: records and changes are taken");
            }
        }
        low
    }

    /// Whether something did not fit, and has not since.
    pub(crate) fn is_short(&self) -> bool {
        self.short.load(Ordering::Acquire)
    }

    pub(crate) fn set_short(&self, short: bool) {
        self.short.store(short, Ordering::Release);
    }

    /// Whether writes are refused, as far as it was looked at last.
    pub(crate) fn refuses(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }

    /// Gives the reserve up; `false` when there is none.
    pub(crate) fn give_up_reserve(&self) -> bool {
        let mut there = self.reserve.lock();
        let had = std::mem::take(&mut *there);
        if had {
            // Cut as well: somebody may have the file open.
            let cut =
                self.disk.open(&reserve_path(&self.root), Open::Existing).and_then(|file| file.set_len(0));
            let removed = self.disk.remove_file(&reserve_path(&self.root));
            tracing::warn!(
                bytes = self.reserve_bytes,
                "the disk is full: the reserve is used to finish what was taken"
            );
            return cut.is_ok() || removed.is_ok();
        }
        false
    }

    /// Does work behind the acknowledgement; if it finds no room, once more with the reserve given up.
    pub(crate) fn with_reserve<T>(
        &self,
        mut work: impl FnMut() -> Result<T, StorageFailure>,
    ) -> Result<T, StorageFailure> {
        match work() {
            Err(failure) if is_shortage(&failure) && self.give_up_reserve() => work(),
            done => done,
        }
    }

    /// Makes the reserve when the disk fills up, while there is room for it.
    pub(crate) fn make_reserve(&self) {
        let mut there = self.reserve.lock();
        let wanted = self.low_water.saturating_add(self.reserve_bytes);
        let ample = self.low_water.max(self.reserve_bytes).saturating_mul(AMPLE);
        let is_due = |free: u64| (wanted..ample).contains(&free);
        if *there || self.reserve_bytes == 0 || self.is_short() || !self.free().is_some_and(is_due) {
            return;
        }
        match self.write_reserve() {
            Ok(()) => *there = true,
            Err(error) => {
                let _a_part_is_of_no_use = self.disk.remove_file(&reserve_path(&self.root));
                tracing::warn!(%error, "the reserve for a full disk could not be made; it is tried again");
            }
        }
    }

    fn write_reserve(&self) -> std::io::Result<()> {
        let file = self.disk.open(&reserve_path(&self.root), Open::Empty)?;
        let chunk = vec![0xa5; CHUNK];
        let mut at = 0;
        while at < self.reserve_bytes {
            file.write_at(&chunk, at)?;
            at += CHUNK as u64;
        }
        file.sync_data()
    }

    fn free(&self) -> Option<u64> {
        self.disk.room(&self.root).ok().map(|DiskRoom { free, .. }| free)
    }
}

/// The low water on a file system of so many bytes, unless it was set.
pub(crate) fn low_water(total: u64) -> u64 {
    (total / LOW_WATER_PART).clamp(LOW_WATER_BYTES.0, LOW_WATER_BYTES.1)
}

/// Bytes of the reserve.
pub(crate) fn reserve_bytes(low_water: u64) -> u64 {
    match low_water {
        0 => 0,
        _ => (low_water / RESERVE_PART).clamp(RESERVE_BYTES.0, RESERVE_BYTES.1),
    }
}

/// What is refused while there is no room.
pub(crate) fn no_space() -> StorageFailure {
    StorageFailure::new(Class::NoSpace, "no space is left on the disk of the data directory")
}

/// Whether the failure passes by itself.
pub(crate) fn is_shortage(failure: &StorageFailure) -> bool {
    disk::is_shortage(failure)
}

/// Removes the reserve of a directory that cannot be opened for want of room; whether there was one.
pub(crate) fn remove_reserve(disk: &dyn Disk, root: &Path) -> bool {
    disk.remove_file(&reserve_path(root)).is_ok()
}

fn reserve_path(root: &Path) -> PathBuf {
    root.join("reserve")
}
