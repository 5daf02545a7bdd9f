//! A row of the table.

use serde::Serialize;

/// Which side of the target is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast,
    AtMost,
}

/// A comparison: medians, ratio, target, verdict.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) against: String,
    pub(crate) unit: &'static str,
    /// All runs, in their order.
    pub(crate) ours: Vec<f64>,
    /// All runs of what it is compared with; empty when a plain number is the target.
    pub(crate) theirs: Vec<f64>,
    pub(crate) target: f64,
    pub(crate) bound: Bound,
    /// Further numbers of the same runs, for people.
    pub(crate) detail: String,
}

impl Row {
    pub(crate) fn at_least(target: f64, work: &str, against: &str, unit: &'static str) -> Self {
        Self {
            work: work.to_owned(),
            against: against.to_owned(),
            unit,
            ours: Vec::new(),
            theirs: Vec::new(),
            target,
            bound: Bound::AtLeast,
            detail: String::new(),
        }
    }

    pub(crate) fn at_most(target: f64, work: &str, against: &str, unit: &'static str) -> Self {
        Self { bound: Bound::AtMost, ..Self::at_least(target, work, against, unit) }
    }

    /// Runs both in turn.
    pub(crate) fn measure(
        mut self,
        rounds: usize,
        mut ours: impl FnMut() -> anyhow::Result<f64>,
        mut theirs: impl FnMut() -> anyhow::Result<f64>,
    ) -> anyhow::Result<Self> {
        for _ in 0..rounds {
            self.ours.push(ours()?);
            self.theirs.push(theirs()?);
        }
        Ok(self)
    }

    /// Ours against theirs, or ours alone.
    pub(crate) fn ratio(&self) -> f64 {
        if self.theirs.is_empty() { median(&self.ours) } else { median(&self.ours) / median(&self.theirs) }
    }

    pub(crate) fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtLeast => self.ratio() >= self.target,
            Bound::AtMost => self.ratio() <= self.target,
        }
    }
}

/// The middle one; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        at(sorted.len() / 2)
    } else {
        f64::midpoint(at((sorted.len() / 2).saturating_sub(1)), at(sorted.len() / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let check =
            |values: &[f64], expected: f64| assert!((median(values) - expected).abs() < 1e-9, "{values:?}");
        check(&[], 0.0);
        check(&[3.0], 3.0);
        check(&[1.0, 9.0], 5.0);
        check(&[9.0, 1.0, 2.0], 2.0);
    }

    #[test]
    fn verdicts() {
        let row = Row::at_least(0.5, "a", "b", "x");
        let at =
            |ours: f64, bound| Row { ours: vec![ours], theirs: vec![10.0], bound, ..row.clone() }.is_met();
        assert!(at(5.0, Bound::AtLeast) && !at(4.9, Bound::AtLeast));
        assert!(at(5.0, Bound::AtMost) && !at(5.1, Bound::AtMost));
    }
}
