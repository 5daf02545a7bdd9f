//! What things cost, and what lies where: syncs, files, operations.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{GateDisk, ROOT, clock, on, open, open_with, picture, small};
use millpond_engine::{
    Append, AppendError, Appended, Class, Engine, LogConfig, ManualClock, ReadError, ReadLimit,
};
use millpond_engine_local::{LocalEngine, OpenError, Settings};
use millpond_model::{
    Bounds, NewRecord, PartitionId, PartitionRef, RetentionHours, SequenceNumber, StreamId,
};
use millpond_seglog::{
    crc32c,
    disk::{Disk, Fault, FaultDisk, Open, RealDisk},
    segment::SEGMENT_HEADER_LEN,
};
use millpond_state::{Command, CommandId, Proposal};

fn stream(n: u128) -> StreamId {
    StreamId::from_random(n)
}

fn partition(n: u32) -> PartitionRef {
    PartitionRef { stream: stream(1), partition: PartitionId::new(n) }
}

fn hours(n: u32) -> LogConfig {
    LogConfig { retention: RetentionHours::new(n).unwrap() }
}

fn batch(to: u32, len: usize) -> Append {
    Append { partition: partition(to), records: vec![NewRecord::of(vec![7; len])] }
}

fn append(engine: &LocalEngine, to: u32, len: usize) -> Result<Appended, AppendError> {
    on(engine.engine().records.append(vec![batch(to, len)])).remove(0)
}

fn bounds(engine: &LocalEngine, of: u32) -> Bounds {
    on(engine.engine().records.bounds(partition(of))).unwrap()
}

/// An engine with one stream on a disk in memory, on this thread.
struct Bench {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    engine: LocalEngine,
}

impl Bench {
    fn new(partitions: u32, hours_kept: u32) -> Self {
        let (disk, clock) = (FaultDisk::default(), clock());
        let engine = open(&disk, &clock).unwrap();
        on(engine.engine().records.create(stream(1), partitions, hours(hours_kept))).unwrap();
        Self { disk, clock, engine }
    }

    fn reopen(self) -> Self {
        let Self { disk, clock, engine } = self;
        drop(engine);
        let engine = open(&disk, &clock).unwrap();
        Self { disk, clock, engine }
    }

    /// First numbers of the segments that have a file, in order.
    fn segments(&self, of: u32) -> Vec<u64> {
        let dir = Path::new(ROOT).join("streams").join(stream(1).as_str()).join(of.to_string());
        let here = self.disk.paths().into_iter().filter(|path| path.parent() == Some(&dir));
        let segments = here.filter(|path| path.extension().is_some_and(|e| e == "seg"));
        segments.map(|path| path.file_stem().unwrap().to_str().unwrap().parse().unwrap()).collect()
    }
}

#[test]
fn an_append_over_sixteen_partitions_costs_one_sync() {
    let bench = Bench::new(16, 24);
    for round in 0..5 {
        let syncs = bench.disk.syncs();
        let results = on(bench.engine.engine().records.append((0..16).map(|p| batch(p, 20)).collect()));
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(bench.disk.syncs() - syncs, 1, "round {round}");
    }
}

/// All that arrives while a group is synced is the next group.
#[test]
fn sixty_four_requests_at_once_share_their_syncs() {
    let (disk, clock) = (GateDisk::default(), clock());
    let settings = Settings { threads: true, ..small() };
    let engine = open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
    on(engine.engine().records.create(stream(1), 8, hours(24))).unwrap();
    let before = engine.stats().groups();
    disk.shut();
    let asked = Arc::new(AtomicUsize::new(0));
    on(async {
        let mut requests = Vec::new();
        for n in 0..64 {
            requests.push(tokio::spawn(ask(engine.engine(), n, Arc::clone(&asked))));
        }
        // Every request waits in the queue as soon as it was looked at once.
        while asked.load(Ordering::SeqCst) < 64 {
            tokio::task::yield_now().await;
        }
        disk.open_again();
        for request in requests {
            request.await.unwrap();
        }
    });
    let groups = engine.stats().groups() - before;
    assert!((1..8).contains(&groups), "{groups} groups for 64 requests");
}

async fn ask(engine: Engine, n: u32, asked: Arc<AtomicUsize>) {
    asked.fetch_add(1, Ordering::SeqCst);
    if n.is_multiple_of(2) {
        engine.records.append(vec![batch(n % 8, 50)]).await.remove(0).unwrap();
    } else {
        let command = Command::InitDeployment { secret: [1; 32] };
        let proposal = Proposal { id: CommandId::from_random(u128::from(n)), command };
        engine.state.propose(proposal).await.unwrap().unwrap();
    }
}

#[test]
fn ten_thousand_partitions_cost_nothing_while_idle() {
    const FEW: u64 = 1000;
    let bench = Bench::new(10_000, 24);
    let before = bench.disk.operations();
    for p in [0, 77, 5_000, 9_999] {
        append(&bench.engine, p, 100).unwrap();
    }
    bench.engine.retain().unwrap();
    bench.engine.mark().unwrap();
    assert!(bench.disk.operations() - before < FEW, "{} operations", bench.disk.operations() - before);
    let before = bench.disk.operations();
    let bench = bench.reopen();
    let opening = bench.disk.operations() - before;
    assert!(opening < FEW, "{opening} operations to open");
    assert_eq!(bounds(&bench.engine, 9_999).high_water.get(), 1);
    assert_eq!(bounds(&bench.engine, 4_000), Bounds::default());
    let files = bench.disk.paths().len();
    assert!(files < 30, "{files} files");
}

#[test]
fn retention_removes_whole_segments_and_never_a_younger_record() {
    let bench = Bench::new(1, 2);
    let mut arrivals = Vec::new();
    for _ in 0..40 {
        let appended = append(&bench.engine, 0, 700).unwrap();
        assert_eq!(appended.first.get(), arrivals.len() as u64);
        arrivals.push(appended.arrival);
        bench.engine.retain().unwrap();
        bench.engine.mark().unwrap();
        let now = millpond_engine::Clock::now(&*bench.clock);
        let kept = arrivals.iter().position(|at| *at >= now.minus(Duration::from_hours(2))).unwrap() as u64;
        assert_eq!(bounds(&bench.engine, 0).oldest.get(), kept, "what expired is out of sight, no more");
        let segments = bench.segments(0);
        assert!(segments[0] <= kept, "the oldest record's segment is there: {segments:?}, {kept}");
        assert!(
            segments.get(1).is_none_or(|second| *second > kept),
            "and no older one: {segments:?}, {kept}"
        );
        bench.clock.advance(Duration::from_mins(7));
    }
    let bench = bench.reopen();
    let oldest = bounds(&bench.engine, 0).oldest;
    assert!(oldest.get() > 20);
    let read = bench.engine.engine();
    let page = on(read.records.read(partition(0), oldest, ReadLimit::records(100), Duration::ZERO)).unwrap();
    assert_eq!(page.next.get(), 40);
    bench.clock.advance(Duration::from_hours(3));
    bench.engine.retain().unwrap();
    bench.engine.mark().unwrap();
    assert_eq!(bench.segments(0), [] as [u64; 0]);
    assert_eq!(append(&bench.engine, 0, 10).unwrap().first.get(), 40, "numbers go on");
}

#[test]
fn longer_retention_does_not_bring_back_what_had_expired() {
    let bench = Bench::new(1, 1);
    append(&bench.engine, 0, 10).unwrap();
    bench.engine.mark().unwrap();
    bench.clock.advance(Duration::from_mins(90));
    append(&bench.engine, 0, 10).unwrap();
    assert_eq!(bounds(&bench.engine, 0).oldest.get(), 1);
    on(bench.engine.engine().records.configure(stream(1), hours(100))).unwrap();
    let bench = bench.reopen();
    assert_eq!(bounds(&bench.engine, 0).oldest.get(), 1, "neither end ever goes back");
    bench.engine.mark().unwrap();
    let bench = bench.reopen();
    assert_eq!(bounds(&bench.engine, 0).oldest.get(), 1);
}

#[test]
fn a_dropped_streams_files_are_gone_after_a_mark() {
    let bench = Bench::new(3, 24);
    for p in 0..3 {
        append(&bench.engine, p, 3000).unwrap();
    }
    bench.engine.mark().unwrap();
    append(&bench.engine, 0, 3000).unwrap();
    assert_eq!(bench.segments(0), [0]);
    on(bench.engine.engine().records.drop_stream(stream(1))).unwrap();
    bench.engine.mark().unwrap();
    let streams = Path::new(ROOT).join("streams");
    assert!(bench.disk.paths().iter().all(|path| !path.starts_with(&streams)));
    assert!(bench.disk.list(&streams).unwrap().is_empty());
    assert!(on(bench.reopen().engine.engine().records.streams()).unwrap().is_empty());
}

#[test]
fn leftovers_are_removed_at_open_and_what_is_not_ours_is_left_alone() {
    let bench = Bench::new(2, 24);
    append(&bench.engine, 0, 100).unwrap();
    bench.engine.mark().unwrap();
    let before = picture(&bench.engine.engine());
    let streams = Path::new(ROOT).join("streams");
    let ours = streams.join(stream(1).as_str());
    let put = |path: PathBuf| {
        bench.disk.create_dir(path.parent().unwrap()).unwrap();
        bench.disk.open(&path, Open::OrCreate).unwrap().write_at(b"x", 0).unwrap();
        path
    };
    let leftovers = [
        put(streams.join(stream(9).as_str()).join("0/00000000000000000000.seg")),
        put(ours.join("0/00000000000000000050.seg")),
        put(ours.join("0/00000000000000000050.idx")),
        put(ours.join("7/00000000000000000000.seg")),
    ];
    let others = [put(streams.join("backup/notes.txt")), put(ours.join("0/notes.txt"))];
    let bench = bench.reopen();
    let paths = bench.disk.paths();
    assert!(leftovers.iter().all(|path| !paths.contains(path)), "{paths:?}");
    assert!(others.iter().all(|path| paths.contains(path)), "{paths:?}");
    assert_eq!(picture(&bench.engine.engine()), before);
}

#[test]
fn a_directory_in_use_is_refused_and_names_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let again = || open_with(Arc::new(RealDisk), dir.path(), &clock(), small());
    let engine = again().unwrap();
    on(engine.engine().records.create(stream(1), 1, hours(24))).unwrap();
    let refused = again().err().unwrap();
    assert!(matches!(refused, OpenError::Locked { .. }) && !refused.is_damage(), "{refused:?}");
    let pid = format!("pid={}", std::process::id());
    assert!(refused.to_string().contains(&pid), "{refused}");
    append(&engine, 0, 10).unwrap();
    drop(engine);
    assert_eq!(bounds(&again().unwrap(), 0).high_water.get(), 1, "the refused one changed nothing");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let bench = Bench::new(1, 24);
    let Bench { disk, clock, engine } = bench;
    drop(engine);
    disk.tamper(&Path::new(ROOT).join("FORMAT"), |bytes| {
        bytes[8..12].copy_from_slice(&9_u32.to_le_bytes());
        let crc = crc32c(&[&bytes[..28]]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
    });
    let contents = || disk.paths().into_iter().map(|path| (disk.read(&path), path)).collect::<Vec<_>>();
    let before = contents();
    let refused = open(&disk, &clock).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 9, known: 1 }), "{refused:?}");
    assert!(refused.to_string().contains("newer version"));
    assert_eq!(contents(), before);
}

#[test]
fn a_full_journal_waits_for_a_mark_and_goes_on() {
    for threads in [false, true] {
        let (disk, clock) = (FaultDisk::default(), clock());
        let settings = Settings { threads, ..small() };
        let engine = open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
        on(engine.engine().records.create(stream(1), 1, hours(24))).unwrap();
        let marks = engine.stats().marks();
        for _ in 0..100 {
            append(&engine, 0, 30_000).unwrap();
        }
        assert!(engine.stats().marks() > marks, "threads {threads}");
        let journal = Path::new(ROOT).join("journal");
        let files = disk.paths().into_iter().filter(|path| path.starts_with(&journal));
        let bytes: u64 = files.map(|path| disk.read(&path).unwrap().len() as u64).sum();
        assert!(bytes <= 2 * settings.journal.total_bytes_max, "{bytes} bytes, threads {threads}");
        drop(engine);
        assert_eq!(bounds(&open(&disk, &clock).unwrap(), 0).high_water.get(), 100);
    }
}

/// No room for another journal file: requests are refused, for ever; once there is room they are taken
/// again, and no number was lost.
#[test]
fn a_full_disk_refuses_and_goes_on_without_a_gap() {
    let (disk, clock) = (GateDisk::default(), clock());
    // Everything fits into memory, so that no segment is written.
    let settings = Settings { unwritten_bytes_max: 64 << 20, ..small() };
    let engine = open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
    on(engine.engine().records.create(stream(1), 1, hours(24))).unwrap();
    disk.fill(true);
    let mut taken = 0;
    let refused = loop {
        match append(&engine, 0, 5000) {
            Ok(_) => taken += 1,
            Err(e) => break e,
        }
    };
    let AppendError::Storage(failure) = refused else { panic!("{refused:?}") };
    assert_eq!(failure.class(), Class::NoSpace);
    let both = vec![batch(0, 5000), batch(0, 5000)];
    assert!(on(engine.engine().records.append(both)).iter().all(Result::is_err));
    assert!(on(engine.engine().records.drop_stream(stream(1))).is_err());
    assert_eq!(bounds(&engine, 0).high_water.get(), taken);
    disk.fill(false);
    assert_eq!(append(&engine, 0, 5000).unwrap().first.get(), taken);
    drop(engine);
    assert_eq!(bounds(&open(&disk.disk, &clock).unwrap(), 0).high_water.get(), taken + 1);
}

#[test]
fn segments_roll_by_size_and_by_age() {
    let bench = Bench::new(2, 24);
    for _ in 0..6 {
        append(&bench.engine, 0, 900).unwrap();
        append(&bench.engine, 1, 10).unwrap();
        bench.engine.mark().unwrap();
    }
    assert_eq!(bench.segments(0), [0, 2, 4], "two fit into 2 KiB");
    assert_eq!(bench.segments(1), [0]);
    // A forty-eighth of the retention.
    bench.clock.advance(Duration::from_mins(30));
    append(&bench.engine, 1, 10).unwrap();
    bench.engine.mark().unwrap();
    assert_eq!(bench.segments(1), [0]);
    bench.clock.advance(Duration::from_mins(1));
    append(&bench.engine, 1, 10).unwrap();
    bench.engine.mark().unwrap();
    assert_eq!(bench.segments(1), [0, 7]);
}

/// With threads: the failure is told, everything is refused from then on, and a restart has what was
/// acknowledged.
#[test]
fn a_failed_sync_stops_the_engine_for_good() {
    let (disk, clock) = (FaultDisk::default(), clock());
    let settings = Settings { threads: true, ..small() };
    let engine = open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
    on(engine.engine().records.create(stream(1), 1, hours(24))).unwrap();
    append(&engine, 0, 10).unwrap();
    engine.mark().unwrap();
    let error = std::io::ErrorKind::Other;
    disk.set_fault(Some(Fault { operation: disk.operations(), sticky: true, error }));
    let Err(AppendError::Storage(failure)) = append(&engine, 0, 10) else { panic!("acknowledged") };
    assert!(matches!(failure.class(), Class::Unknown | Class::Fatal), "{failure:?}");
    disk.set_fault(None);
    assert_eq!(on(engine.failed()).class(), Class::Fatal);
    let Err(AppendError::Storage(failure)) = append(&engine, 0, 10) else { panic!("acknowledged") };
    assert_eq!(failure.class(), Class::Fatal);
    assert!(engine.mark().is_err() && engine.close().is_err());
    assert_eq!(bounds(&engine, 0).high_water.get(), 1, "what is durable can still be read");
    drop(engine);
    let engine = open(&disk.crash(|| false), &clock).unwrap();
    assert_eq!(bounds(&engine, 0).high_water.get(), 1);
    assert_eq!(append(&engine, 0, 10).unwrap().first, SequenceNumber::new(1).unwrap());
}

#[test]
fn opening_again_and_again_takes_no_more_space() {
    let mut bench = Bench::new(1, 24);
    let mut files = Vec::new();
    for _ in 0..10 {
        append(&bench.engine, 0, 10).unwrap();
        bench = bench.reopen();
        files.push(bench.disk.paths().len());
    }
    assert_eq!(files[9], files[4], "{files:?}");
}

/// Whether some journal file holds these bytes.
fn journal_holds(disk: &FaultDisk, bytes: &[u8]) -> bool {
    let journal = Path::new(ROOT).join("journal");
    let files = disk.paths().into_iter().filter(|path| path.starts_with(&journal));
    files
        .filter_map(|path| disk.read(&path))
        .any(|file| file.windows(bytes.len()).any(|found| found == bytes))
}

/// What is written and not synced is nobody's to see: a power cut could take it away.
#[test]
fn nothing_is_readable_before_its_sync() {
    const TEXT: &[u8] = b"written and not synced";
    let (disk, clock) = (GateDisk::default(), clock());
    let settings = Settings { threads: true, ..small() };
    let engine = open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
    on(engine.engine().records.create(stream(1), 1, hours(24))).unwrap();
    append(&engine, 0, 10).unwrap();
    disk.shut();
    on(async {
        let records = engine.engine().records;
        let batch = Append { partition: partition(0), records: vec![NewRecord::of(TEXT)] };
        let request = tokio::spawn(async move { records.append(vec![batch]).await.remove(0) });
        while !journal_holds(&disk.disk, TEXT) {
            tokio::task::yield_now().await;
        }
        let records = engine.engine().records;
        let end = records.bounds(partition(0)).await.unwrap().high_water;
        let page =
            records.read(partition(0), SequenceNumber::ZERO, ReadLimit::records(10), Duration::ZERO).await;
        disk.open_again();
        assert_eq!((end.get(), page.unwrap().records.len()), (1, 1));
        assert_eq!(request.await.unwrap().unwrap().first, end);
        assert_eq!(records.bounds(partition(0)).await.unwrap().high_water.get(), 2);
    });
}

/// The checksum of a batch holds wherever the batch lies; whose it is tells that it lies in the wrong place.
#[test]
fn a_batch_of_another_partition_is_told_as_damage() {
    let bench = Bench::new(2, 24);
    for of in [0, 1] {
        append(&bench.engine, of, 100).unwrap();
    }
    bench.engine.mark().unwrap();
    let file = |of: u32| {
        let dir = Path::new(ROOT).join("streams").join(stream(1).as_str()).join(of.to_string());
        dir.join("00000000000000000000.seg")
    };
    let bench = bench.reopen();
    let other = bench.disk.read(&file(1)).unwrap();
    bench
        .disk
        .tamper(&file(0), |bytes| bytes[SEGMENT_HEADER_LEN..].copy_from_slice(&other[SEGMENT_HEADER_LEN..]));
    let read = |of: u32| {
        let records = bench.engine.engine().records;
        on(records.read(partition(of), SequenceNumber::ZERO, ReadLimit::records(10), Duration::ZERO))
    };
    assert_eq!(read(1).unwrap().records.len(), 1);
    let Err(ReadError::Storage(failure)) = read(0) else { panic!("it is read as if it were ours") };
    assert_eq!(failure.class(), Class::Corrupt);
}

/// Once it is known that stored records are damaged, their partition takes no more; the others do.
#[test]
fn a_partition_that_is_known_to_be_damaged_is_refused_and_the_others_are_not() {
    let bench = Bench::new(2, 24);
    append(&bench.engine, 0, 100).unwrap();
    bench.engine.mark().unwrap();
    let bench = bench.reopen();
    let dir = Path::new(ROOT).join("streams").join(stream(1).as_str()).join("0");
    bench.disk.tamper(&dir.join("00000000000000000000.seg"), |bytes| *bytes.last_mut().unwrap() ^= 1);
    let records = bench.engine.engine().records;
    let read = on(records.read(partition(0), SequenceNumber::ZERO, ReadLimit::records(10), Duration::ZERO));
    assert!(matches!(read, Err(ReadError::Storage(_))), "{read:?}");
    assert_eq!(bench.engine.damaged(), [partition(0)]);
    let appended = on(records.append(vec![batch(0, 10), batch(1, 10)]));
    let [Err(AppendError::Storage(failure)), Ok(other)] = &appended[..] else { panic!("{appended:?}") };
    assert_eq!((failure.class(), other.first), (Class::Corrupt, SequenceNumber::ZERO));
    assert_eq!(bounds(&bench.engine, 0).high_water.get(), 1);
}

/// Segments go out of the system's memory once, when a mark synced them; they are read as before.
#[test]
fn what_a_mark_synced_is_let_go_once() {
    let (disk, clock) = (FaultDisk::default(), clock());
    let settings = Settings { segment_bytes_max: 1 << 20, tail_bytes_max: 0, ..small() };
    let open = || open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
    let engine = open();
    on(engine.engine().records.create(stream(1), 2, hours(24))).unwrap();
    let steps: [(usize, u64); 4] = [(200, 192), (0, 192), (30, 192), (30, 256)];
    for (kib, let_go_kib) in steps {
        for _ in 0..kib {
            append(&engine, 0, 1024).unwrap();
        }
        append(&engine, 1, 100).unwrap();
        engine.mark().unwrap();
        assert_eq!(disk.bytes_let_go(), let_go_kib << 10, "after {kib} KiB more");
    }
    drop(engine);
    let engine = open();
    append(&engine, 1, 100).unwrap();
    engine.mark().unwrap();
    assert_eq!(disk.bytes_let_go(), 256 << 10, "what an earlier life wrote is left to its readers");
    let limit = ReadLimit::records(1000);
    let page = on(engine.engine().records.read(partition(0), SequenceNumber::ZERO, limit, Duration::ZERO));
    assert!(page.unwrap().records.iter().all(|record| record.data == vec![7; 1024]));
}
