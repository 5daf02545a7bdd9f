//! What is counted. Labels have few values: operations of the route table, codes of the error table.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the duration buckets, in seconds: from a cached describe to a client's time-out.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// All metrics, to which a server may add its own.
pub type SharedRegistry = Arc<Mutex<Registry>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    op: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    op: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttled {
    /// Requests at one time.
    Requests,
    /// Bytes of bodies held at one time.
    Bytes,
    /// Work waiting in front of the storage.
    Storage,
    /// What a partition or a project may do in a second.
    Rate,
}

impl Throttled {
    const fn reason(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Bytes => "bytes",
            Self::Storage => "storage",
            Self::Rate => "rate",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Metrics {
    registry: SharedRegistry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabel, Histogram, fn() -> Histogram>,
    records_in: Counter,
    records_out: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
    record_errors: Family<CodeLabel, Counter>,
    commits: Family<ResultLabel, Counter>,
    throttled: Family<ReasonLabel, Counter>,
}

impl Metrics {
    pub(crate) fn new(version: &'static str) -> Self {
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            records_in: Counter::default(),
            records_out: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            record_errors: Family::default(),
            commits: Family::default(),
            throttled: Family::default(),
        };
        let mut registry = Registry::with_prefix("millpond");
        metrics.register(&mut registry);
        registry.register("build", "The running version", Info::new([("version", version)]));
        *metrics.registry.lock().unwrap_or_else(PoisonError::into_inner) = registry;
        metrics
    }

    #[rustfmt::skip]
    fn register(&self, to: &mut Registry) {
        to.register("requests", "Requests answered, by operation and code", self.requests.clone());
        to.register_with_unit("request_duration", "Time from head to answer", Unit::Seconds, self.durations.clone());
        to.register("records_in", "Records accepted", self.records_in.clone());
        to.register("records_out", "Records delivered", self.records_out.clone());
        to.register("bytes_in", "Bytes of data accepted", self.bytes_in.clone());
        to.register("bytes_out", "Bytes of data delivered", self.bytes_out.clone());
        to.register("record_errors", "Records refused, by code", self.record_errors.clone());
        to.register("checkpoint_commits", "Checkpoints committed or refused", self.commits.clone());
        to.register("throttled", "Requests and records turned away, by what there was too much of", self.throttled.clone());
    }

    pub(crate) fn registry(&self) -> &SharedRegistry {
        &self.registry
    }

    /// All metrics as text.
    pub(crate) fn text(&self) -> String {
        let mut encoded = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        text::encode(&mut encoded, &registry).expect("writing to a string cannot fail");
        encoded
    }

    /// A request was answered. `code` is a status for successes and an error code otherwise.
    pub(crate) fn answered(&self, op: &'static str, code: &'static str, took: Duration) {
        self.requests.get_or_create(&RequestLabels { op, code }).inc();
        self.durations.get_or_create(&OperationLabel { op }).observe(took.as_secs_f64());
    }

    pub(crate) fn records_in(&self, records: u64, bytes: u64) {
        self.records_in.inc_by(records);
        self.bytes_in.inc_by(bytes);
    }

    pub(crate) fn records_out(&self, records: u64, bytes: u64) {
        self.records_out.inc_by(records);
        self.bytes_out.inc_by(bytes);
    }

    pub(crate) fn record_refused(&self, code: &'static str) {
        self.record_errors.get_or_create(&CodeLabel { code }).inc();
    }

    pub(crate) fn committed(&self, committed: bool) {
        let result = if committed { "committed" } else { "refused" };
        self.commits.get_or_create(&ResultLabel { result }).inc();
    }

    pub(crate) fn throttled(&self, what: Throttled) {
        self.throttled.get_or_create(&ReasonLabel { reason: what.reason() }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_the_documented_names() {
        let metrics = Metrics::new("1.2.3");
        metrics.answered("put_records", "200", Duration::from_millis(3));
        metrics.records_in(2, 10);
        metrics.records_out(1, 5);
        metrics.record_refused("DIS.4303");
        metrics.committed(true);
        metrics.throttled(Throttled::Requests);
        let text = metrics.text();
        for line in [
            r#"millpond_requests_total{op="put_records",code="200"} 1"#,
            r#"millpond_request_duration_seconds_bucket{le="0.005",op="put_records"} 1"#,
            "millpond_records_in_total 2",
            "millpond_records_out_total 1",
            "millpond_bytes_in_total 10",
            "millpond_bytes_out_total 5",
            r#"millpond_record_errors_total{code="DIS.4303"} 1"#,
            r#"millpond_checkpoint_commits_total{result="committed"} 1"#,
            r#"millpond_throttled_total{reason="requests"} 1"#,
            r#"millpond_build_info{version="1.2.3"} 1"#,
        ] {
            assert!(text.lines().any(|got| got == line), "{line} is not in\n{text}");
        }
    }
}
