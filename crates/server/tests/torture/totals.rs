//! What was done and checked, and what was found.

use std::{fmt, time::Duration};

use parking_lot::Mutex;

/// Counts over a whole run.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    pub directories: u64,
    /// Under load.
    pub kills: u64,
    /// During a start.
    pub killed_starts: u64,
    pub power_cuts: u64,
    pub full_disks: u64,
    pub stops: u64,
    pub pauses: u64,
    /// Comparisons of all that is stored with all that is known.
    pub checks: u64,
    /// Acknowledged, over all data directories.
    pub records: u64,
    pub commits: u64,
    pub scalings: u64,
    pub streams: u64,
    /// From the start of the process until it is ready, after an end without a warning.
    pub slowest_start: Duration,
    pub slowest_stop: Duration,
    /// Until something is written again after there is space.
    pub slowest_return: Duration,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (losses, duplicates, gaps) = Kind::counts();
        let seconds = |duration: &Duration| format!("{:.2} s", duration.as_secs_f64());
        let rows: [(&str, String); 19] = [
            ("data directories", self.directories.to_string()),
            ("kills under load", self.kills.to_string()),
            ("kills during a start", self.killed_starts.to_string()),
            ("power cuts", self.power_cuts.to_string()),
            ("full-disk rounds", self.full_disks.to_string()),
            ("stops under load", self.stops.to_string()),
            ("pauses under load", self.pauses.to_string()),
            ("full checks", self.checks.to_string()),
            ("acknowledged records checked", self.records.to_string()),
            ("acknowledged commits checked", self.commits.to_string()),
            ("acknowledged scalings checked", self.scalings.to_string()),
            ("streams created or deleted, checked", self.streams.to_string()),
            ("losses", losses.to_string()),
            ("duplicates", duplicates.to_string()),
            ("gaps", gaps.to_string()),
            ("other violations", Kind::others().to_string()),
            ("slowest start after a kill", seconds(&self.slowest_start)),
            ("slowest stop", seconds(&self.slowest_stop)),
            ("slowest return of writes", seconds(&self.slowest_return)),
        ];
        rows.iter().try_for_each(|(name, value)| writeln!(f, "{name:<36} {value:>10}"))
    }
}

/// What kind of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Loss,
    Duplicate,
    Gap,
}

/// The first violation that has a kind.
static FOUND: Mutex<Option<Kind>> = Mutex::new(None);
/// What failed first: what follows from it is of less use.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

impl Kind {
    /// Remembers the first one.
    pub fn found(self) {
        FOUND.lock().get_or_insert(self);
    }

    fn counts() -> (u32, u32, u32) {
        let found = *FOUND.lock();
        let count = |kind| u32::from(found == Some(kind));
        (count(Self::Loss), count(Self::Duplicate), count(Self::Gap))
    }

    fn others() -> u32 {
        u32::from(FOUND.lock().is_none() && FIRST.lock().is_some())
    }
}

/// Remembers what the first panic said.
pub fn remember(message: String) {
    FIRST.lock().get_or_insert(message);
}

/// What the first panic said.
pub fn first() -> Option<String> {
    FIRST.lock().clone()
}
