//! Following partitions as records arrive.

use std::{collections::BTreeSet, time::Duration};

use futures::StreamExt as _;
use millpond_client::{Class, Client, Error};
use millpond_model::{PartitionId, SequenceNumber, StreamName};
use millpond_wire::v2::cursors::CursorStart;
use tokio::time::{Instant, sleep};

use super::{
    End,
    commit::may_pass,
    delivery::Delivery,
    source::{Filled, Source},
};
use crate::{failure::Failure, interrupt::Interrupt};

/// Partitions that are read at the same time.
const READS_MAX: usize = 8;

/// Waits between two rounds in which nothing came: it grows from the first to the last.
const IDLE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Longest wait after a failed round.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// How often new partitions are looked for.
const WATCH_INTERVAL: Duration = Duration::from_secs(10);

/// Records of a new partition that are asked for at a time.
const PAGE_RECORDS: u32 = 1000;

/// What one round over all partitions brought.
#[derive(Debug, Default)]
struct Round {
    records: u64,
    gone: BTreeSet<PartitionId>,
    failed: Option<Error>,
}

/// Reads in rounds until Ctrl-C, or until as many records came as were asked for. With `watch`, new
/// partitions of the stream join in.
pub(super) async fn run(
    mut sources: Vec<Source>,
    watch: bool,
    client: &Client,
    stream: &StreamName,
    delivery: &mut Delivery<'_>,
    interrupt: &mut Interrupt,
) -> Result<End, Failure> {
    let mut wait = IDLE.0;
    let mut troubled = false;
    let mut watched = Instant::now();
    loop {
        let round = tokio::select! {
            biased;
            () = interrupt.wait() => return Ok(End::Interrupted),
            round = round(&mut sources, delivery) => round?,
        };
        delivery.flush()?;
        if delivery.is_full() {
            return Ok(End::Done);
        }
        delivery.commit_if_due().await?;
        sources.retain(|source| !round.gone.contains(&source.partition()));
        wait = match &round.failed {
            Some(error) => {
                if !troubled {
                    delivery.note(format_args!("{error}; trying again until Ctrl-C"));
                }
                (wait * 2).min(RETRY_MAX)
            }
            None if round.records > 0 => IDLE.0,
            None => (wait * 2).min(IDLE.1),
        };
        if troubled && round.failed.is_none() {
            delivery.note("reading again");
        }
        troubled = round.failed.is_some();
        if round.records > 0 && !troubled {
            continue;
        }
        tokio::select! {
            biased;
            () = interrupt.wait() => return Ok(End::Interrupted),
            () = sleep(wait) => {}
        }
        delivery.commit_if_due().await?;
        if watch && watched.elapsed() >= WATCH_INTERVAL && !troubled {
            add_new(&mut sources, client, stream, delivery).await?;
            watched = Instant::now();
        }
    }
}

/// Reads every partition once, several at the same time.
async fn round(sources: &mut [Source], delivery: &mut Delivery<'_>) -> Result<Round, Failure> {
    let mut round = Round::default();
    let reads = futures::stream::iter(sources.iter_mut().map(async |source| {
        let filled = source.fill().await;
        (source, filled)
    }));
    let mut reads = std::pin::pin!(reads.buffered(READS_MAX));
    while let Some((source, filled)) = reads.next().await {
        let partition = source.partition();
        match filled {
            Ok(Filled::Normally) => {}
            Ok(Filled::BehindGap) => delivery.gap(partition),
            Err(error) if is_partition_gone(&error) => {
                delivery.note(format_args!("p{} has expired; nothing more comes from it", partition.index()));
                round.gone.insert(partition);
            }
            Err(error) if may_pass(&error) => round.failed = Some(error),
            Err(error) => return Err(error.into()),
        }
        while let Some(record) = source.pop() {
            delivery.deliver(partition, &record)?;
            round.records += 1;
            if delivery.is_full() {
                return Ok(round);
            }
        }
    }
    Ok(round)
}

fn is_partition_gone(error: &Error) -> bool {
    error.class() == Class::NotFound && error.code() != Some("DIS.4301")
}

/// Adds the partitions that the stream got meanwhile, from their oldest record on.
async fn add_new(
    sources: &mut Vec<Source>,
    client: &Client,
    stream: &StreamName,
    delivery: &Delivery<'_>,
) -> Result<(), Failure> {
    let description = match client.describe_stream(stream).await {
        Ok(description) => description,
        Err(error) if may_pass(&error) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for info in description.partitions.iter().filter(|info| info.bounds().is_some()) {
        let Ok(partition) = info.partition_id.parse::<PartitionId>() else { continue };
        if sources.iter().all(|source| source.partition() != partition) {
            delivery.note(format_args!("p{} is new", partition.index()));
            let start = CursorStart::TrimHorizon;
            sources.push(Source::new(client, stream, partition, start, SequenceNumber::ZERO, PAGE_RECORDS));
        }
    }
    Ok(())
}
