//! A directory with many segments, and opening it.

use std::{path::Path, time::Duration};

use millpond_engine::Append;
use millpond_engine_local::Settings;
use millpond_load::Moment;
use millpond_model::{NewRecord, PartitionId, PartitionRef};
use tokio::runtime::Builder;

use crate::engine;

/// Partitions that the segments belong to.
const PARTITIONS: u32 = 100;

/// A segment is closed at this length: one record of twice as much closes it.
const SEGMENT_BYTES: u64 = 1024;

/// Appends behind the last mark, so that there is something to recover.
const UNMARKED: u32 = 20;

/// Makes a directory with `count` segments or a few more, and dies without closing it.
pub(crate) fn make(dir: &Path, count: u32) -> anyhow::Result<()> {
    let settings = Settings { segment_bytes_max: SEGMENT_BYTES, scrub_interval: None, ..Settings::default() };
    let local = engine::open(dir, settings)?;
    let logs = local.engine();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = engine::create(&logs, PARTITIONS).await?;
        let bytes = usize::try_from(SEGMENT_BYTES)? * 2;
        let rounds = count.div_ceil(PARTITIONS);
        for round in 0..rounds + UNMARKED {
            let one = |partition| Append {
                partition: PartitionRef { stream, partition: PartitionId::new(partition) },
                records: vec![NewRecord::of(vec![0x5a; bytes])],
            };
            for appended in logs.records.append((0..PARTITIONS).map(one).collect()).await {
                appended?;
            }
            // A segment is closed when its batches are written behind; two rounds written at once would
            // share one.
            if round < rounds {
                local.mark()?;
            }
        }
        anyhow::Ok(())
    })?;
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
    unreachable!("the process was killed")
}

/// Milliseconds that opening takes.
pub(crate) fn open(dir: &Path) -> anyhow::Result<f64> {
    let begin = Moment::now();
    let engine = engine::open(dir, Settings { scrub_interval: None, ..Settings::default() })?;
    let took: Duration = Moment::now().since(begin);
    // Nothing is marked: the next one that opens it finds the same.
    drop(engine);
    Ok(took.as_secs_f64() * 1e3)
}
