//! Streams that change their partition count by themselves (spec/13 §7.3).
//!
//! ```text
//!   the last minute: bytes, records, refusals ─┐
//!   settings, ACTIVE partitions, last changes ─┴─▶ decision::target ─▶ SetPartitions, unless the
//!                                                                      stream has changed meanwhile
//! ```
//!
//! The command names the count that was seen, so that a decision that is taken twice is carried out once.
//! What a stream took is known only while this process measures it: from when the service was opened and
//! the stream was told to scale. So a stream keeps its partitions until a minute after the later of these,
//! and of any other change of it; before, it may only look idle.

pub(crate) mod decision;

use millpond_model::{PartitionCount, StreamId, StreamName};
use millpond_state::{Rejected, Stream};

use self::decision::{Capacity, Load};
use crate::{Error, Housekeeping, Service, flow::USAGE_SPAN, scaling::Wanted};

/// A change that is due.
struct Due {
    id: StreamId,
    name: StreamName,
    active: u32,
    target: PartitionCount,
}

impl Service {
    /// Changes the partition counts that are due.
    pub(crate) async fn scale_streams(&self, done: &mut Housekeeping) {
        for due in self.scalings_due() {
            let Due { id, ref name, active, target } = due;
            match self.scale_automatically(&due).await {
                Ok(Ok((before, after))) => {
                    // A warning, as the contract has it: nobody asked for it (spec/11 §6).
                    tracing::warn!(stream = %id, %name, before, after, "automatic stream scaling succeeded");
                    done.streams_scaled += 1;
                }
                // Somebody else was faster; the next look decides anew.
                Ok(Err(
                    Rejected::PartitionsChanged { .. }
                    | Rejected::AutoScaleForbids
                    | Rejected::StreamNotFound,
                )) => {}
                Ok(Err(rejected)) => {
                    let target = target.get();
                    tracing::warn!(stream = %id, %name, active, target, %rejected, "automatic stream scaling failed");
                }
                Err(error) => done.failed("automatic stream scaling failed", &error),
            }
        }
    }

    fn scalings_due(&self) -> Vec<Due> {
        let state = self.engine.state.view();
        let streams = state.streams().filter(|stream| stream.spec.auto_scale.enabled);
        streams.filter_map(|stream| self.scaling_due(stream)).collect()
    }

    fn scaling_due(&self, stream: &Stream) -> Option<Due> {
        let (active, settings) = (stream.active_count(), stream.spec.auto_scale);
        let (load, capacity) = (self.load(stream), self.capacity(stream));
        let history = stream.scaling_history();
        let target = decision::target(load, capacity, active, settings, history, self.clock.now())?;
        Some(Due { id: stream.id, name: stream.spec.name.clone(), active, target })
    }

    fn load(&self, stream: &Stream) -> Load {
        let now = self.clock.monotonic();
        let begin = self.clock.now().minus(USAGE_SPAN);
        let usage = self.flow.usage(stream.id, now);
        let limited = self.flow.limits_puts(stream.spec.stream_type);
        Load {
            put_bytes: usage.put_bytes_per_second,
            put_records: usage.put_records_per_second,
            get_bytes: usage.get_bytes_per_second,
            throttled: limited.then_some(usage.throttled_within_last_minute),
            whole: now.saturating_sub(self.opened) >= USAGE_SPAN && stream.modified <= begin,
        }
    }

    fn capacity(&self, stream: &Stream) -> Capacity {
        let of = stream.spec.stream_type;
        let bandwidth = self.flow.bandwidth(of);
        Capacity {
            put_bytes: bandwidth.put_bytes.unwrap_or(u64::MAX),
            put_records: bandwidth.put_records.filter(|_| self.flow.limits_puts(of)),
            get_bytes: bandwidth.get_bytes.unwrap_or(u64::MAX),
        }
    }

    async fn scale_automatically(&self, due: &Due) -> Result<Result<(u32, u32), Rejected>, Error> {
        let wanted =
            Wanted { id: due.id, target: due.target, expected_active: Some(due.active), automatic: true };
        self.set_partitions(&wanted, &due.name).await
    }
}
