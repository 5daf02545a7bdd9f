//! What moved within the last minute.

use std::time::Duration;

/// How far back is looked.
pub(super) const SPAN: Duration = Duration::from_mins(1);

const SLOT_MILLIS: u64 = 5_000;
/// Slots that make up the span, the running one not counted.
const SLOTS: u64 = 12;
const KEPT: usize = 13;

/// Sums of five seconds each, for the last minute. The oldest one counts in part, by as much of it as
/// lies within the minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    slots: [Moved; KEPT],
    /// The number of the newest slot; slot `n` stands at `n % 13`.
    newest: u64,
}

/// What moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) put_bytes: u64,
    pub(super) put_records: u64,
    pub(super) get_bytes: u64,
}

impl Window {
    pub(super) fn put(&mut self, records: u64, bytes: u64, now: Duration) {
        let slot = self.slot(now);
        slot.put_records = slot.put_records.saturating_add(records);
        slot.put_bytes = slot.put_bytes.saturating_add(bytes);
    }

    pub(super) fn get(&mut self, bytes: u64, now: Duration) {
        let slot = self.slot(now);
        slot.get_bytes = slot.get_bytes.saturating_add(bytes);
    }

    /// Whether anything moved within the last minute.
    pub(super) fn is_recent(&self, now: Duration) -> bool {
        number(now).saturating_sub(self.newest) <= SLOTS
            && self.slots.iter().any(|slot| *slot != Moved::default())
    }

    /// The mean of the last minute.
    pub(super) fn per_second(&self, now: Duration) -> Moved {
        let current = number(now).max(self.newest);
        let oldest = (current + 1).saturating_sub(KEPT as u64);
        let into_current = millis(now) % SLOT_MILLIS;
        let mut sum = [0_u128; 3];
        for number in oldest..=self.newest {
            let Some(slot) = self.slots.get(place(number)) else { continue };
            let whole = number > oldest || current < SLOTS;
            let weight = u128::from(if whole { SLOT_MILLIS } else { SLOT_MILLIS - into_current });
            let moved = [slot.put_bytes, slot.put_records, slot.get_bytes];
            for (sum, moved) in sum.iter_mut().zip(moved) {
                *sum += u128::from(moved) * weight;
            }
        }
        let mean = |sum: u128| {
            let weights = u128::from(SLOT_MILLIS) * u128::from(SPAN.as_secs());
            u64::try_from(sum / weights).unwrap_or(u64::MAX)
        };
        let [put_bytes, put_records, get_bytes] = sum.map(mean);
        Moved { put_bytes, put_records, get_bytes }
    }

    /// The slot of `now`. What lies between the newest one and it was idle.
    fn slot(&mut self, now: Duration) -> &mut Moved {
        let current = number(now).max(self.newest);
        let idle = (current - self.newest).min(KEPT as u64);
        for number in current + 1 - idle..=current {
            if let Some(slot) = self.slots.get_mut(place(number)) {
                *slot = Moved::default();
            }
        }
        self.newest = current;
        self.slots.get_mut(place(current)).expect("a remainder is below its divisor")
    }
}

fn millis(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

fn number(now: Duration) -> u64 {
    millis(now) / SLOT_MILLIS
}

fn place(number: u64) -> usize {
    usize::try_from(number % KEPT as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_steady_rate_is_its_mean_at_any_moment() {
        let mut window = Window::default();
        for second in 0..300 {
            window.put(3, 600, at(second));
            window.get(6000, at(second));
            let moved = window.per_second(at(second));
            let full = second.min(59) + 1;
            let near = |got: u64, rate: u64| got.abs_diff(rate * full / 60) <= rate / 30 + 1;
            assert!(
                near(moved.put_bytes, 600) && near(moved.put_records, 3) && near(moved.get_bytes, 6000),
                "{second}: {moved:?}"
            );
        }
    }

    #[test]
    fn what_is_older_than_a_minute_is_forgotten() {
        let mut window = Window::default();
        window.put(60, 6000, at(2));
        let check = |window: &Window, second, expected: u64, recent| {
            let got = (window.per_second(at(second)).put_bytes, window.is_recent(at(second)));
            assert_eq!(got, (expected, recent), "{second}");
        };
        check(&window, 2, 100, true);
        check(&window, 59, 100, true);
        check(&window, 60, 100, true);
        check(&window, 61, 80, true);
        check(&window, 64, 20, true);
        check(&window, 65, 0, false);
        check(&window, 10_000, 0, false);
        window.put(1, 60, at(10_000));
        check(&window, 10_000, 1, true);
        // A moment before the newest slot counts as that slot.
        window.put(1, 60, at(9_000));
        check(&window, 10_000, 2, true);
    }
}
