//! What came of a load.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{Moment, Verdict};

/// Longest time that is told apart from longer ones.
const LONGEST: Duration = Duration::from_mins(5);

/// Answers counted within a window of time.
pub struct Tally {
    from: Moment,
    until: Moment,
    histogram: Histogram<u64>,
    good: u64,
    bad: u64,
    records: u64,
    payload_bytes: u64,
    first_failure: Option<String>,
}

impl Tally {
    /// Counts what ends from `from` on and before `until`.
    pub fn new(from: Moment, until: Moment) -> Self {
        let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
        let histogram =
            Histogram::new_with_bounds(1_000, longest, 3).expect("a microsecond is less than five minutes");
        Self { from, until, histogram, good: 0, bad: 0, records: 0, payload_bytes: 0, first_failure: None }
    }

    /// Counts an answer to a request that was due at `due` and is complete at `end`.
    pub fn count(&mut self, due: Moment, end: Moment, verdict: Verdict) {
        if end < self.from || end >= self.until {
            return;
        }
        match verdict {
            Verdict::Good { records, payload_bytes } => {
                self.good += 1;
                self.records += records;
                self.payload_bytes += payload_bytes;
                let nanos = u64::try_from(end.since(due).as_nanos()).unwrap_or(u64::MAX);
                self.histogram.saturating_record(nanos);
            }
            Verdict::Bad(what) => {
                self.bad += 1;
                self.first_failure.get_or_insert(what);
            }
        }
    }

    /// Takes what another counted in the same window.
    pub fn add(&mut self, other: Self) {
        self.histogram.add(&other.histogram).expect("all histograms have the same bounds");
        self.good += other.good;
        self.bad += other.bad;
        self.records += other.records;
        self.payload_bytes += other.payload_bytes;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }

    /// The sums, over the window or, if everything was done before its end, until `last`.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn report(self, last: Moment, missed: u64) -> Report {
        let seconds = self.until.min(last).since(self.from).as_secs_f64().max(f64::EPSILON);
        let per_second = |count: u64| count as f64 / seconds;
        Report {
            seconds,
            requests: self.good,
            failed: self.bad,
            missed,
            records: self.records,
            payload_bytes: self.payload_bytes,
            requests_per_second: per_second(self.good),
            records_per_second: per_second(self.records),
            payload_mib_per_second: per_second(self.payload_bytes) / (1024.0 * 1024.0),
            latency: Latency::of(&self.histogram),
            first_failure: self.first_failure,
        }
    }
}

/// What came of a load. The members are a contract, as all JSON output is.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Length of the window.
    pub seconds: f64,
    /// Requests that were answered as asked.
    pub requests: u64,
    /// Requests that were refused.
    pub failed: u64,
    /// Requests that had an appointed time and were not sent before the end.
    pub missed: u64,
    /// Records or commits in the good answers.
    pub records: u64,
    /// Their bytes.
    pub payload_bytes: u64,
    /// Good answers in a second.
    pub requests_per_second: f64,
    /// Records or commits in a second.
    pub records_per_second: f64,
    /// Their bytes in a second, in units of 2^20.
    pub payload_mib_per_second: f64,
    /// How long the good answers took.
    pub latency: Latency,
    /// What the server said first when it refused.
    pub first_failure: Option<String>,
}

/// Times in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// The mean.
    pub mean_us: f64,
    /// Half took no longer.
    pub p50_us: f64,
    /// 90 % took no longer.
    pub p90_us: f64,
    /// 99 % took no longer.
    pub p99_us: f64,
    /// 99.9 % took no longer.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
}

impl Latency {
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53 nanoseconds")]
    fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            mean_us: histogram.mean() / 1e3,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: histogram.max() as f64 / 1e3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn only_what_ends_in_the_window_counts() {
        let start = Moment::now();
        let (from, until) = (start.plus(1000 * MILLI), start.plus(3000 * MILLI));
        let mut tally = Tally::new(from, until);
        let good = || Verdict::Good { records: 2, payload_bytes: 1 << 20 };
        tally.count(start, start.plus(999 * MILLI), good());
        tally.count(start.plus(990 * MILLI), start.plus(1000 * MILLI), good());
        tally.count(start.plus(1970 * MILLI), start.plus(2000 * MILLI), good());
        tally.count(start.plus(1970 * MILLI), start.plus(2000 * MILLI), Verdict::Bad("no".into()));
        tally.count(start, until, good());
        let report = tally.report(until.plus(MILLI), 0);
        assert_eq!((report.requests, report.failed, report.records), (2, 1, 4));
        assert!((report.records_per_second - 2.0).abs() < 1e-9, "{report:?}");
        assert!((report.payload_mib_per_second - 1.0).abs() < 1e-9, "{report:?}");
        assert!((report.latency.p50_us - 10_000.0).abs() < 20.0, "{report:?}");
        assert!((report.latency.max_us - 30_000.0).abs() < 50.0, "{report:?}");
        assert_eq!(report.first_failure.as_deref(), Some("no"));
    }

    #[test]
    fn tallies_add_up() {
        let start = Moment::now();
        let tally = |records| {
            let mut tally = Tally::new(start, start.plus(1000 * MILLI));
            tally.count(start, start.plus(MILLI), Verdict::Good { records, payload_bytes: 0 });
            tally
        };
        let mut sum = tally(3);
        sum.add(tally(4));
        let report = sum.report(start.plus(500 * MILLI), 7);
        assert_eq!((report.requests, report.records, report.missed), (2, 7, 7));
        assert!((report.seconds - 0.5).abs() < 1e-9);
    }
}
