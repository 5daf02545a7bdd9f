//! What the engine counts, for `/metrics`.

use std::sync::{Arc, Weak};

use millpond_engine_local::LocalEngine;
use millpond_http_api::SharedRegistry;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

/// Reads the engine's counters when they are asked for.
#[derive(Debug)]
pub struct StorageMetrics(Weak<LocalEngine>);

impl StorageMetrics {
    /// Adds the engine's counters to a registry.
    pub fn register(engine: &Arc<LocalEngine>, registry: &SharedRegistry) {
        let collector = Box::new(Self(Arc::downgrade(engine)));
        registry.lock().expect("nobody panics while registering").register_collector(collector);
    }
}

impl Collector for StorageMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(engine) = self.0.upgrade() else { return Ok(()) };
        let stats = engine.stats();
        let counters = [
            ("journal_groups", "Groups written to the journal, one sync each.", None, stats.groups()),
            ("journal_frames", "Batches and commands written to the journal.", None, stats.frames()),
            ("journal", "Bytes written to the journal.", Some(Unit::Bytes), stats.journal_bytes()),
            ("journal_marks", "Times the view caught up with the journal.", None, stats.marks()),
            ("storage_scrubs", "Times all segments were read again to find damage.", None, stats.scrubs()),
            ("storage_scrubbed", "Bytes read again.", Some(Unit::Bytes), stats.scrubbed_bytes()),
        ];
        for (name, help, unit, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, unit.as_ref(), counter.metric_type())?)?;
        }
        let damaged = i64::try_from(engine.damaged().len()).unwrap_or(i64::MAX);
        let gauges = [
            (
                "storage_no_space",
                "1 while writes are refused for want of space.",
                i64::from(engine.lacks_space()),
            ),
            ("storage_damaged_partitions", "Partitions with damaged records; they take no more.", damaged),
            (
                "storage_clock_doubted",
                "1 while nothing expires because the clock jumped.",
                i64::from(engine.doubts_clock()),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds need no more than 52 bits of microseconds")]
        let seconds = ConstCounter::new(stats.sync_micros() as f64 / 1e6);
        let help = "Time spent in writing and syncing groups.";
        let metric =
            encoder.encode_descriptor("journal_sync", help, Some(&Unit::Seconds), seconds.metric_type())?;
        seconds.encode(metric)
    }
}
