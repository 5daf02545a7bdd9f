//! How much may be under way at once.
//!
//! Nothing waits here: what does not fit is refused at once, before it costs memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// An amount of something that is shared by all requests.
#[derive(Debug)]
pub(crate) struct Budget {
    max: usize,
    used: AtomicUsize,
}

/// A part of a budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    amount: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, used: AtomicUsize::new(0) })
    }

    /// Reserves `amount`, or nothing when it does not fit.
    pub(crate) fn try_reserve(self: &Arc<Self>, amount: usize) -> Option<Reservation> {
        self.take(amount).then(|| Reservation { budget: Arc::clone(self), amount })
    }

    fn take(&self, amount: usize) -> bool {
        let fits = |used: usize| used.checked_add(amount).filter(|&sum| sum <= self.max);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
    }
}

impl Reservation {
    /// Extends the reservation to `amount`; `false`, and unchanged, when that does not fit. Never
    /// shrinks.
    pub(crate) fn extend_to(&mut self, amount: usize) -> bool {
        let more = amount.saturating_sub(self.amount);
        let fits = self.budget.take(more);
        if fits {
            self.amount += more;
        }
        fits
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.amount, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_exceeded_and_always_returned() {
        let budget = Budget::new(10);
        let mut first = budget.try_reserve(6).unwrap();
        assert!(budget.try_reserve(5).is_none());
        assert!(budget.try_reserve(usize::MAX).is_none());
        assert!(first.extend_to(10));
        assert!(first.extend_to(3), "less than is held already");
        assert!(!first.extend_to(11));
        assert!(budget.try_reserve(1).is_none());
        drop(first);
        assert!(budget.try_reserve(10).is_some());
    }
}
