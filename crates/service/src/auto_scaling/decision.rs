//! Whether a stream gets other partitions, and how many: a function of plain data (spec/13 §7.3).
//!
//! ```text
//!   use of the write bandwidth   0 %          30 %                    80 %        100 %
//!                                 ├── halve ───┼──── leave alone ──────┼─ n / 0.6 ─┤
//!                                   reads too                            throttled
//! ```

use std::time::Duration;

use millpond_model::{
    AutoScale, PartitionCount, Timestamp,
    limits::{
        AUTO_SCALE_DOWN_PERCENT, AUTO_SCALE_DOWNS_PER_HOUR, AUTO_SCALE_REVERSAL, AUTO_SCALE_SPACING,
        AUTO_SCALE_UP_PERCENT, AUTO_SCALE_UPS_PER_HOUR, SCALING_HISTORY_MAX,
    },
};
use millpond_state::ScalingChange;

const HOUR: Duration = Duration::from_hours(1);

/// What a stream took and gave in a second, in the mean of the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Bytes of data written.
    pub put_bytes: u64,
    /// Records written.
    pub put_records: u64,
    /// Bytes of data read.
    pub get_bytes: u64,
    /// Whether something was refused for being too much; `None` when writes are not limited, and the rate
    /// alone decides.
    pub throttled: Option<bool>,
    /// Whether the whole minute was measured. Otherwise the stream only looks idle.
    pub whole: bool,
}

/// What one ACTIVE partition is good for in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Bytes of data written.
    pub put_bytes: u64,
    /// Records written; `None` when their number is not limited.
    pub put_records: Option<u64>,
    /// Bytes of data read.
    pub get_bytes: u64,
}

/// Which way the partition count goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl Direction {
    /// Which way a change from one count to another goes.
    pub const fn between(before: u32, after: u32) -> Self {
        if after > before { Self::Up } else { Self::Down }
    }

    /// Which way a change went.
    pub const fn of(change: &ScalingChange) -> Self {
        Self::between(change.before, change.after)
    }
}

/// How many partitions a stream with `active` ones should have instead; `None` when it is well as it is,
/// or must wait.
///
/// `history` holds the stream's last changes, oldest first, as far as the stream remembers them.
pub(crate) fn target<'a>(
    load: Load,
    capacity: Capacity,
    active: u32,
    settings: AutoScale,
    history: impl DoubleEndedIterator<Item = &'a ScalingChange> + Clone,
    now: Timestamp,
) -> Option<PartitionCount> {
    let direction = wanted(load, capacity, active)?;
    let count = match direction {
        Direction::Up => grown(active),
        Direction::Down => active / 2,
    };
    let count = PartitionCount::new(count.max(settings.min).min(settings.max)).ok()?;
    let goes_there = match direction {
        Direction::Up => count.get() > active,
        Direction::Down => count.get() < active,
    };
    (goes_there && settings.admits(count) && may_go(direction, history, now)).then_some(count)
}

/// Which way the load calls for.
fn wanted(load: Load, capacity: Capacity, active: u32) -> Option<Direction> {
    let share = |used, of_partition| Share { used, whole: u128::from(of_partition) * u128::from(active) };
    let put = share(load.put_bytes, capacity.put_bytes);
    let records = capacity.put_records.map(|limit| share(load.put_records, limit));
    let get = share(load.get_bytes, capacity.get_bytes);
    let busy = |share: Share| share.exceeds(AUTO_SCALE_UP_PERCENT);
    let idle = |share: Share| share.is_below(AUTO_SCALE_DOWN_PERCENT);
    if load.throttled != Some(false) && (busy(put) || records.is_some_and(busy)) {
        Some(Direction::Up)
    } else if load.whole && idle(put) && records.is_none_or(idle) && idle(get) {
        Some(Direction::Down)
    } else {
        None
    }
}

/// `active` divided by 0.6, rounded up.
fn grown(active: u32) -> u32 {
    u32::try_from((u64::from(active) * 5).div_ceil(3)).unwrap_or(u32::MAX)
}

/// Whether the changes so far allow another one in that direction now.
fn may_go<'a>(
    direction: Direction,
    history: impl DoubleEndedIterator<Item = &'a ScalingChange> + Clone,
    now: Timestamp,
) -> bool {
    let spaced = |change: &ScalingChange| !change.automatic || age(change, now) > AUTO_SCALE_SPACING;
    let settled = |change: &ScalingChange| {
        Direction::of(change) == direction || age(change, now) >= AUTO_SCALE_REVERSAL
    };
    if !history.clone().all(|change| spaced(change) && settled(change)) {
        return false;
    }
    let Some(changes) = in_the_last_hour(history, now) else { return false };
    let taken = changes.filter(|change| change.automatic && Direction::of(change) == direction).count();
    let cap = match direction {
        Direction::Up => AUTO_SCALE_UPS_PER_HOUR,
        Direction::Down => AUTO_SCALE_DOWNS_PER_HOUR,
    };
    taken < cap
}

/// The changes of the last hour; `None` when there may have been more than the stream remembers.
pub(crate) fn in_the_last_hour<'a>(
    history: impl DoubleEndedIterator<Item = &'a ScalingChange> + Clone,
    now: Timestamp,
) -> Option<impl Iterator<Item = &'a ScalingChange>> {
    let recent = history.rev().take_while(move |change| age(change, now) < HOUR);
    (recent.clone().count() < SCALING_HISTORY_MAX).then_some(recent)
}

/// How long ago a change was; not at all, when the clock went back behind it.
fn age(change: &ScalingChange, now: Timestamp) -> Duration {
    let millis = now.as_millis().saturating_sub(change.time.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// What part of a stream's bandwidth is in use.
#[derive(Clone, Copy)]
struct Share {
    used: u64,
    whole: u128,
}

impl Share {
    fn exceeds(self, percent: u32) -> bool {
        u128::from(self.used) * 100 > self.whole * u128::from(percent)
    }

    fn is_below(self, percent: u32) -> bool {
        u128::from(self.used) * 100 < self.whole * u128::from(percent)
    }
}

#[cfg(test)]
mod tests;
