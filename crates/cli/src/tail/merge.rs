//! Reading several partitions up to their ends, merged by time.

use millpond_client::ReceivedRecord;
use millpond_model::PartitionId;

use super::{
    End,
    delivery::Delivery,
    source::{Filled, Source},
};
use crate::{failure::Failure, interrupt::Interrupt};

/// Delivers records in the order of their time, and of their number within a partition, until every
/// source is at its end. `None` then; `Some` when it ended before.
pub(super) async fn run(
    sources: &mut [Source],
    delivery: &mut Delivery<'_>,
    interrupt: &mut Interrupt,
) -> Result<Option<End>, Failure> {
    loop {
        for source in sources.iter_mut().filter(|source| source.is_hungry()) {
            // What was read must not wait for what is being read.
            delivery.flush()?;
            let filled = tokio::select! {
                biased;
                () = interrupt.wait() => return Ok(Some(End::Interrupted)),
                filled = source.fill() => filled?,
            };
            if filled == Filled::BehindGap {
                delivery.gap(source.partition());
            }
            delivery.commit_if_due().await?;
        }
        if interrupt.came() {
            return Ok(Some(End::Interrupted));
        }
        // Until one of the buffers is empty nobody has to ask the server.
        while let Some((partition, record)) = next(sources) {
            delivery.deliver(partition, &record)?;
            if delivery.is_full() {
                return Ok(Some(End::Done));
            }
            if sources.iter().any(Source::is_hungry) {
                break;
            }
        }
        if sources.iter().all(|source| source.next_time().is_none() && !source.is_hungry()) {
            delivery.flush()?;
            return Ok(None);
        }
    }
}

/// The oldest of the records that come next; at the same time that of the first partition.
fn next(sources: &mut [Source]) -> Option<(PartitionId, ReceivedRecord)> {
    let waiting = sources.iter_mut().filter_map(|source| Some((source.next_time()?, source)));
    let (_, source) = waiting.min_by_key(|(time, source)| (*time, source.partition()))?;
    let partition = source.partition();
    source.pop().map(|record| (partition, record))
}
