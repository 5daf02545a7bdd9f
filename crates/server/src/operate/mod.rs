//! The commands that work on a data directory itself: check, repair, backup, restore.

mod args;
mod backup;
mod check;
mod meter;
mod repair;

use std::{
    panic,
    sync::{Arc, Once},
};

use jiff::Timestamp;
use millpond_engine::{Clock, SystemClock};
use millpond_seglog::disk::{Disk, RealDisk};

pub use self::args::{
    BACKUP_EXAMPLES, BackupArgs, CHECK_EXAMPLES, CheckArgs, REPAIR_EXAMPLES, RESTORE_EXAMPLES, RepairArgs,
    RestoreArgs,
};
pub(crate) use self::{
    backup::{run as backup, run_restore as restore},
    check::run as check,
    repair::run as repair,
};

fn disk() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

/// The time of day.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millisecond(SystemClock::new().now().as_millis()).unwrap_or_default()
}

/// The time of day, as text that sorts and may stand in a file name: `20261122T184150Z`.
fn stamp() -> String {
    now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Keeps panics of the store quiet: damaged pages make it panic, which is caught and told in other words.
fn quiet_store() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|location| location.file().contains("redb")) {
                usual(info);
            }
        }));
    });
}
