//! Times of the hot pieces: `cargo bench -p millpond-benches`.

use std::{sync::Arc, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millpond_benches::pieces;
use millpond_engine::{Append, LogConfig, OsEntropy, SystemClock};
use millpond_engine_local::{LocalEngine, Settings};
use millpond_model::{NewRecord, PartitionId, PartitionRef, RetentionHours, StreamId};
use millpond_seglog::disk::RealDisk;
use tokio::runtime::Builder;

fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    for piece in pieces::all() {
        group.throughput(Throughput::Bytes(piece.payload_bytes as u64));
        group.bench_function(piece.name, |bencher| bencher.iter(&piece.work));
    }
    group.finish();
}

/// One call of the engine, with its sync; the directory is on the disk of the build.
fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.measurement_time(Duration::from_secs(5)).sample_size(20);
    for (partitions, batch) in [(1_u32, 100_usize), (1, 500), (64, 10)] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build has a directory");
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(OsEntropy));
        let engine = LocalEngine::open(Arc::new(RealDisk), dir.path(), clock, entropy, Settings::default());
        let engine = engine.expect("an empty directory can be opened");
        let logs = engine.engine();
        let runtime = Builder::new_multi_thread().enable_all().build().expect("there is a runtime");
        let stream = StreamId::from_random(1);
        let config = LogConfig { retention: RetentionHours::default() };
        runtime.block_on(logs.records.create(stream, partitions, config)).expect("a stream can be created");
        let records = vec![NewRecord::of(vec![0x5a; pieces::RECORD_BYTES]); batch];
        let appends = || -> Vec<Append> {
            let one = |partition| Append {
                partition: PartitionRef { stream, partition: PartitionId::new(partition) },
                records: records.clone(),
            };
            (0..partitions).map(one).collect()
        };
        let bytes = u64::from(partitions) * (batch * pieces::RECORD_BYTES) as u64;
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(format!("{partitions} × {batch}"), |bencher| {
            bencher.iter(|| {
                for appended in runtime.block_on(logs.records.append(appends())) {
                    appended.expect("the disk takes it");
                }
            });
        });
        engine.close().expect("the directory can be closed");
    }
    group.finish();
}

criterion_group!(benches, wire, append);
criterion_main!(benches);
