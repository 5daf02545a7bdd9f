//! The embedded engine without HTTP.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::Context as _;
use millpond_engine::{Append, Engine, LogConfig, OsEntropy, SystemClock};
use millpond_engine_local::{LocalEngine, Settings};
use millpond_load::{Moment, Report};
use millpond_model::{NewRecord, PartitionId, PartitionRef, RetentionHours, StreamId};
use millpond_seglog::disk::RealDisk;
use tokio::runtime::Builder;

use crate::{Time, good};

/// Bytes of a record.
pub(crate) const RECORD_BYTES: usize = 1024;

/// The stream that is written to.
const STREAM: u128 = 1;

/// Opens the engine on a directory.
pub(crate) fn open(dir: &Path, settings: Settings) -> anyhow::Result<LocalEngine> {
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(OsEntropy));
    LocalEngine::open(Arc::new(RealDisk), dir, clock, entropy, settings)
        .context("the engine cannot be opened")
}

/// Creates a stream with so many partitions.
pub(crate) async fn create(engine: &Engine, partitions: u32) -> anyhow::Result<StreamId> {
    let stream = StreamId::from_random(STREAM);
    let config = LogConfig { retention: RetentionHours::default() };
    engine.records.create(stream, partitions, config).await?;
    Ok(stream)
}

/// Each task appends one batch after the other to a partition of its own.
pub(crate) fn append(dir: &Path, partitions: u32, batch: usize, time: Time) -> anyhow::Result<Report> {
    let engine = open(dir, Settings::default())?;
    let logs = engine.engine();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let stream = create(&logs, partitions).await?;
        let records: Vec<NewRecord> = (0..batch).map(|_| NewRecord::of(vec![0x5a; RECORD_BYTES])).collect();
        let (sum, until) = time.window();
        let sum = Arc::new(Mutex::new(sum));
        let tasks: Vec<_> = (0..partitions)
            .map(|partition| {
                let partition = PartitionRef { stream, partition: PartitionId::new(partition) };
                let (logs, records, sum) = (logs.clone(), records.clone(), Arc::clone(&sum));
                tokio::spawn(async move {
                    loop {
                        let begin = Moment::now();
                        if begin >= until {
                            return anyhow::Ok(());
                        }
                        let append = Append { partition, records: records.clone() };
                        for appended in logs.records.append(vec![append]).await {
                            appended?;
                        }
                        let mut sum = sum.lock().expect("nobody panics with the lock");
                        sum.count(begin, Moment::now(), good(batch, batch * RECORD_BYTES));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        let sum = Arc::into_inner(sum).context("all tasks have ended")?;
        anyhow::Ok(sum.into_inner().expect("nobody panics with the lock").report(Moment::now(), 0))
    })?;
    engine.close()?;
    Ok(report)
}
