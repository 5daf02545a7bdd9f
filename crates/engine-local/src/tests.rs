use std::{future::Future, path::Path, pin::pin, sync::Arc, task::Context};

use millpond_engine::{Append, AppendError, LogConfig, ManualClock, SeededEntropy};
use millpond_model::{
    NewRecord, PartitionId, PartitionRef, RetentionHours, SequenceNumber, StreamId, Timestamp,
};
use millpond_seglog::{
    disk::{Disk, Fault, FaultDisk},
    journal::{JournalSettings, Mark},
};
use millpond_state::{Command, CommandId, Proposal};
use redb::{Database, ReadableTable, TableDefinition};

use crate::{
    LocalEngine, OpenError, Settings,
    log_op::LogOp,
    queue::Work,
    record::Draft,
    view::{Changes, View},
    write_behind::Taken,
};

fn open(disk: &FaultDisk) -> LocalEngine {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
    let settings = Settings { threads: false, ..Settings::default() };
    let entropy = Arc::new(SeededEntropy::new(disk.operations()));
    LocalEngine::open(Arc::new(disk.clone()), Path::new("/data"), clock, entropy, settings).unwrap()
}

/// The answer of a request that is done on this thread: it never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(answer) = pin!(future).poll(&mut context) else { panic!("it waits") };
    answer
}

/// Whoever writes behind took a partition's batches; before it looks for the stream, one more batch is published
/// and the stream dropped. Bytes that nobody counts down would hold commits up in the end.
#[test]
fn a_batch_published_while_its_stream_goes_is_counted_down() {
    let (_disk, engine) = engine_with_a_stream();
    let store = &engine.committer().store;
    append(&engine, "one").unwrap();
    let log = store.partition(partition()).unwrap();
    let taken = Taken::of(&log);
    append(&engine, "two").unwrap();
    at_once(engine.engine().records.drop_stream(stream())).unwrap();
    let mut behind = store.behind.lock();
    store.write_taken(&log, taken, &mut behind).unwrap();
    store.write_behind(&mut behind).unwrap();
    assert_eq!(store.unwritten.lock().bytes, 0);
}

/// Damage is found although nobody reads it, and its partition takes no more; the others do.
#[test]
fn a_scrub_finds_damage_that_nobody_reads() {
    use crate::scrub::Scrubbed;
    let (disk, engine) = engine_with_a_stream();
    for text in ["one", "two", "three"] {
        append(&engine, text).unwrap();
    }
    engine.mark().unwrap();
    let store = &engine.committer().store;
    let log = store.partition(partition()).unwrap();
    let segment = log.lock().segments[0].clone();
    assert!(matches!(store.scrub_segment(&log, &segment, |_| true), Scrubbed::Good));
    assert!(matches!(store.scrub_segment(&log, &segment, |_| false), Scrubbed::Stopped));
    disk.tamper(&store.layout.segment(partition(), 0), |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert_eq!(engine.damaged(), []);
    assert!(matches!(store.scrub_segment(&log, &segment, |_| true), Scrubbed::Damaged));
    assert_eq!(engine.damaged(), [partition()]);
    let Err(AppendError::Storage(failure)) = append(&engine, "four") else { panic!("it was taken") };
    assert_eq!(failure.class(), millpond_engine::Class::Corrupt);
}

fn shared(disk: &FaultDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn stream() -> StreamId {
    StreamId::from_random(1)
}

fn partition() -> PartitionRef {
    PartitionRef { stream: stream(), partition: PartitionId::new(0) }
}

fn engine_with_a_stream() -> (FaultDisk, LocalEngine) {
    let disk = FaultDisk::default();
    let engine = open(&disk);
    let config = LogConfig { retention: RetentionHours::default() };
    at_once(engine.engine().records.create(stream(), 1, config)).unwrap();
    (disk, engine)
}

fn append(engine: &LocalEngine, text: &str) -> Result<(), AppendError> {
    let records = vec![NewRecord::of(text.as_bytes().to_vec())];
    let batch = Append { partition: partition(), records };
    at_once(engine.engine().records.append(vec![batch])).remove(0).map(drop)
}

/// A failed sync is never tried again, and what a failed mark had taken along is not left out of a later
/// one: there is no later one.
#[test]
fn after_a_failed_mark_there_is_never_another() {
    for at in 0.. {
        let (disk, engine) = engine_with_a_stream();
        append(&engine, "a").unwrap();
        let error = std::io::ErrorKind::Other;
        disk.set_fault(Some(Fault { operation: disk.operations() + at, sticky: false, error }));
        let committer = engine.committer();
        if committer.mark().is_ok() {
            assert!(at > 5, "a mark has more operations than that");
            break;
        }
        let operations = disk.operations();
        assert!(committer.mark().is_err(), "after a failure at operation {at}");
        committer.write_behind();
        assert_eq!(disk.operations(), operations, "after a failure at operation {at}");
        drop(engine);
        let engine = open(&disk.crash(|| false));
        let bounds = at_once(engine.engine().records.bounds(partition())).unwrap();
        assert_eq!(bounds.high_water.get(), 1, "after a failure at operation {at}");
    }
}

/// What a mark that found no room did not keep, only the journal has.
#[test]
fn a_mark_that_is_put_off_frees_no_journal_file() {
    let (file_bytes, total_bytes_max) = (64 << 10, 1 << 20);
    let journal =
        JournalSettings { file_bytes_first: file_bytes, file_bytes_max: file_bytes, total_bytes_max };
    let settings = Settings { threads: false, low_water_bytes: Some(0), journal, ..Settings::default() };
    let open = |disk: &FaultDisk| {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let entropy = Arc::new(SeededEntropy::new(disk.operations()));
        LocalEngine::open(shared(disk), Path::new("/data"), clock, entropy, settings).unwrap()
    };
    let mut put_off = 0;
    for at in 0.. {
        let disk = FaultDisk::default();
        let engine = open(&disk);
        let config = LogConfig { retention: RetentionHours::default() };
        at_once(engine.engine().records.create(stream(), 1, config)).unwrap();
        let fill = || (0..8).for_each(|_| append(&engine, &"x".repeat(20_000)).unwrap());
        fill();
        let (operation, error) = (disk.operations() + at, std::io::ErrorKind::StorageFull);
        disk.set_fault(Some(Fault { operation, sticky: false, error }));
        let marked = engine.mark().is_ok();
        let ended_before = disk.operations() <= operation;
        disk.set_fault(None);
        let goes_on = engine.committer().store.failure().is_none();
        if goes_on {
            engine.committer().write_behind();
            fill();
        }
        put_off += u32::from(goes_on && !marked);
        drop(engine);
        for kept in [true, false] {
            let engine = open(&disk.crash(|| kept));
            let bounds = at_once(engine.engine().records.bounds(partition())).unwrap();
            let taken = if goes_on { 16 } else { 8 };
            assert_eq!(bounds.high_water.get(), taken, "no room at operation {at}, unsynced kept: {kept}");
        }
        if ended_before {
            break;
        }
    }
    assert!(put_off > 5, "{put_off} marks were put off");
}

/// One group: what is behind a drop in it must not be taken, or the journal could not be told again.
#[test]
fn nothing_is_appended_behind_a_drop_in_the_same_group() {
    let (disk, engine) = engine_with_a_stream();
    append(&engine, "a").unwrap();
    let committer = engine.committer();
    let log = committer.store.partition(partition()).unwrap();
    let draft = || vec![Ok((Arc::clone(&log), Draft::encode(&[NewRecord::of("b")])))];
    let (reply, before) = tokio::sync::oneshot::channel();
    committer.queue.push(Work::Append { drafts: draft(), reply }).unwrap();
    let (reply, dropped) = tokio::sync::oneshot::channel();
    committer.queue.push(Work::Change { op: LogOp::Drop { stream: stream() }, reply }).unwrap();
    let (reply, behind) = tokio::sync::oneshot::channel();
    committer.queue.push(Work::Append { drafts: draft(), reply }).unwrap();
    let groups = engine.stats().groups();
    committer.turn();
    assert_eq!(engine.stats().groups(), groups + 1);
    assert_eq!(at_once(before).unwrap().remove(0).unwrap().first, SequenceNumber::ZERO.plus(1));
    assert!(at_once(dropped).unwrap().is_ok());
    assert!(matches!(at_once(behind).unwrap().remove(0), Err(AppendError::UnknownPartition(_))));
    drop(engine);
    assert!(at_once(open(&disk.crash(|| false)).engine().records.streams()).unwrap().is_empty());
}

/// Told again when more is known to be there, a trim must not take more than it took.
#[test]
fn a_trim_is_kept_as_far_as_it_went() {
    let (_disk, engine) = engine_with_a_stream();
    append(&engine, "a").unwrap();
    let before = SequenceNumber::ZERO.plus(99);
    let settled = engine.committer().settle(LogOp::Trim { partition: partition(), before });
    assert_eq!(settled, LogOp::Trim { partition: partition(), before: SequenceNumber::ZERO.plus(1) });
}

/// The store follows damaged pages without a word: a row that is not there, or an old one with a good
/// checksum, is noticed all the same.
#[test]
fn a_missing_or_outdated_row_of_the_view_is_damage() {
    let path = Path::new("/v");
    let mark = Mark { file_no: 1, salt: 1, offset: 4096, position: 9, group: 1 };
    let row = |value: &str| (b"key".to_vec(), Some(value.as_bytes().to_vec()));
    let changes = |value| Changes {
        mark,
        logs_applied: 0,
        aged_ms: 0,
        state: vec![row(value)],
        logs: Vec::new(),
        partitions: Vec::new(),
        segments: Vec::new(),
    };
    let disk = FaultDisk::default();
    let view = View::create(&shared(&disk), path).unwrap();
    view.commit(&changes("old")).unwrap();
    drop(view);
    let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("state");
    let tampered = |disk: &FaultDisk, value: Option<&[u8]>| {
        let file = disk.open(path, millpond_seglog::disk::Open::Existing).unwrap();
        let database = Database::builder().create_with_backend(crate::view::Backend(file)).unwrap();
        let write = database.begin_write().unwrap();
        let mut open = write.open_table(table).unwrap();
        let before = open.get(b"key".as_slice()).unwrap().map(|value| value.value().to_vec());
        match value {
            Some(value) => drop(open.insert(b"key".as_slice(), value).unwrap()),
            None => drop(open.remove(b"key".as_slice()).unwrap()),
        }
        drop(open);
        write.commit().unwrap();
        before.unwrap()
    };
    let old = tampered(&disk.crash(|| true), None);
    let (view, kept) = View::open(&shared(&disk), path).unwrap().unwrap();
    assert_eq!(kept.state, [(b"key".to_vec(), b"old".to_vec())]);
    view.commit(&changes("new")).unwrap();
    drop(view);
    assert_eq!(
        View::open(&shared(&disk), path).unwrap().unwrap().1.state,
        [(b"key".to_vec(), b"new".to_vec())]
    );
    // The checksum in front stays what it was.
    let newest = tampered(&disk.crash(|| true), None);
    let forged = [&newest[..4], b"bad"].concat();
    for value in [None, Some(old.as_slice()), Some(forged.as_slice())] {
        let disk = disk.crash(|| true);
        tampered(&disk, value);
        assert!(matches!(View::open(&shared(&disk), path), Err(OpenError::View(_))), "{value:?}");
    }
}

/// A good view, but for one row that is gone, in whichever table.
#[test]
fn a_start_without_any_one_row_of_the_view_is_refused() {
    let (disk, engine) = engine_with_a_stream();
    let proposal =
        Proposal { id: CommandId::from_random(1), command: Command::InitDeployment { secret: [3; 32] } };
    at_once(engine.engine().state.propose(proposal)).unwrap().unwrap();
    append(&engine, "a").unwrap();
    engine.close().unwrap();
    drop(engine);
    let view = Path::new("/data/state.redb");
    let mut rows = 0;
    for name in ["state", "logs", "partitions", "segments"] {
        let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(name);
        for n in 0.. {
            let disk = disk.crash(|| true);
            let file = disk.open(view, millpond_seglog::disk::Open::Existing).unwrap();
            let database = Database::builder().create_with_backend(crate::view::Backend(file)).unwrap();
            let write = database.begin_write().unwrap();
            let mut open = write.open_table(table).unwrap();
            let Some(key) = open.iter().unwrap().nth(n).map(|row| row.unwrap().0.value().to_vec()) else {
                break;
            };
            drop(open.remove(key.as_slice()).unwrap());
            drop(open);
            write.commit().unwrap();
            drop(database);
            let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
            let (entropy, settings) = (Arc::new(SeededEntropy::new(9)), Settings::default());
            let opened = LocalEngine::open(shared(&disk), Path::new("/data"), clock, entropy, settings);
            assert!(opened.is_err_and(|e| e.is_damage()), "row {n} of {name}");
            rows += 1;
        }
    }
    assert!(rows > 4, "{rows} rows");
}
