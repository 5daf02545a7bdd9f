//! I/O that fails at any operation, power cuts at any operation, also during recovery: what was
//! acknowledged is there, what was refused is not, what is unknown is there once or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and tells its figure"
)]

mod common;

use std::{
    io::ErrorKind,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{
    Dice, Failed, Names, Op, ROOT, START, assert_same, cases, cases_in_ci, clock, each_of, in_ci, on, open,
    open_with, picture, run, small, workload,
};
use millpond_engine::{
    Append, Class, Clock, Engine, LogConfig, ManualClock, ReadLimit, memory::MemoryEngine,
};
use millpond_engine_local::{LocalEngine, Settings};
use millpond_model::{
    NewRecord, PartitionId, PartitionRef, RetentionHours, SequenceNumber, StreamId, Timestamp,
};
use millpond_seglog::disk::{Fault, FaultDisk};
use millpond_state::{Command, CommandId, Proposal};

const KINDS: [ErrorKind; 4] =
    [ErrorKind::Other, ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::PermissionDenied];

/// What became of the operations of a run.
struct History {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    /// All of them, each with its time and whether it was acknowledged.
    done: Vec<(Op, Timestamp, bool)>,
    /// Which one's end is not known.
    unknown: Option<usize>,
    context: String,
}

/// Runs the operations on a disk on which something fails.
fn history(ops: &[Op], fault: Option<Fault>, context: String) -> History {
    let (disk, clock) = (FaultDisk::default(), clock());
    disk.set_fault(fault);
    let mut history =
        History { disk: disk.clone(), clock: Arc::clone(&clock), done: Vec::new(), unknown: None, context };
    let Ok(local) = open(&disk, &clock) else { return history };
    let mut names = Names::default();
    let mut stopped = false;
    for op in ops {
        let now = clock.now();
        let before = disk.operations();
        match attempt(&local, &clock, &mut names, op) {
            Ok(()) => {
                let wrote = disk.operations() > before;
                assert!(!(stopped && wrote), "{}: {op:?} went on after a failure", history.context);
                // An engine that stopped can still say that there is no such partition.
                let counts = !stopped || matches!(op, Op::Advance { .. });
                history.done.push((op.clone(), now, counts));
            }
            // Refused is absent, for ever; the names go on all the same.
            Err(Failed(Class::Refused | Class::NoSpace | Class::Fatal)) => {
                history.done.push((op.clone(), now, false));
            }
            Err(Failed(Class::Unknown)) => {
                assert!(!stopped, "{}: {op:?} is unknown although the engine had stopped", history.context);
                stopped = true;
                history.unknown = Some(history.done.len());
                history.done.push((op.clone(), now, false));
            }
            Err(Failed(Class::Corrupt)) => panic!("{}: {op:?} is corrupt", history.context),
        }
        // A failure behind an acknowledgement stops the engine as well.
        stopped |= local.retain().is_err();
    }
    history
}

fn attempt(local: &LocalEngine, clock: &ManualClock, names: &mut Names, op: &Op) -> Result<(), Failed> {
    match op {
        // These acknowledge nothing and keep nothing that was not there.
        Op::Mark => local.mark().or(Ok(())),
        Op::Retain => local.retain().or(Ok(())),
        _ => run(&local.engine(), clock, names, op, usize::MAX).map(drop),
    }
}

impl History {
    /// Pictures of all that may be left: with none, some, or all of the unknown operation. At the end the
    /// clock stands where the run left it.
    fn allowed(&self) -> Vec<String> {
        let parts = match self.unknown.and_then(|i| self.done.get(i)) {
            None => 0,
            Some((Op::Append(batches), ..)) => batches.len(),
            Some(_) => 1,
        };
        (0..=parts).map(|kept| picture(&self.oracle(kept))).collect()
    }

    fn oracle(&self, kept: usize) -> Engine {
        let clock = Arc::new(ManualClock::new(START));
        let oracle = MemoryEngine::engine(Arc::clone(&clock) as _);
        let mut names = Names::default();
        for (i, (op, at, acknowledged)) in self.done.iter().enumerate() {
            clock.jump_to(*at);
            let batches = if *acknowledged { usize::MAX } else { 0 };
            match if self.unknown == Some(i) { kept } else { batches } {
                0 => names.skip(op),
                batches => drop(run(&oracle, &ManualClock::new(START), &mut names, op, batches)),
            }
        }
        clock.jump_to(self.clock.now());
        oracle
    }

    /// Opens what is left of the disk and compares.
    fn check(&self, disk: &FaultDisk) {
        let engine = open(disk, &self.clock).unwrap_or_else(|e| panic!("{}: {e:?}", self.context));
        let found = picture(&engine.engine());
        let allowed = self.allowed();
        if !allowed.contains(&found) {
            let context = format!("{}, the unknown one is {:?}", self.context, self.unknown);
            assert_same(&found, allowed.last().unwrap(), &context);
        }
        engine.close().unwrap_or_else(|e| panic!("{}: {e:?}", self.context));
        drop(engine);
        let again = open(disk, &self.clock).unwrap_or_else(|e| panic!("{}: {e:?}", self.context));
        assert_same(&picture(&again.engine()), &found, &format!("{}, opened again", self.context));
    }
}

/// How many disk operations the whole run costs.
fn operations(ops: &[Op]) -> u64 {
    history(ops, None, "no fault".into()).disk.operations()
}

const SEED: u64 = 20_240;

#[test]
fn a_run_without_faults_is_whole_after_a_power_cut() {
    let history = history(&workload(SEED, 60), None, "no fault".into());
    history.check(&history.disk.crash(|| false));
}

/// From some operation on everything fails, then the power is cut.
#[test]
fn a_disk_that_dies_anywhere_loses_nothing_acknowledged() {
    let ops = workload(SEED, 40);
    fail_everywhere(&ops, true, &KINDS, "disks that die", cases_in_ci(1, 16));
}

/// Lets every operation of a run fail, in CI with every kind of error, and cuts the power so many times after
/// each.
fn fail_everywhere(ops: &[Op], sticky: bool, kinds: &[ErrorKind], what: &str, cuts: u32) {
    let tried = in_ci(1, kinds.len());
    let of = |at: u64| (0..tried).map(move |kind| (at, kind));
    let faults: Vec<(u64, usize)> = (0..operations(ops)).flat_map(of).collect();
    println!("figure: {} {what}, {} power cuts", faults.len(), faults.len() * cuts as usize);
    each_of(&faults, |&(at, kind)| {
        let error = kinds[(usize::try_from(at).unwrap() + kind) % kinds.len()];
        let fault = Fault { operation: at, sticky, error };
        let mut history = history(ops, Some(fault), format!("{fault:?}"));
        let mut dice = Dice(at);
        for cut in 0..cuts {
            history.context = format!("{fault:?}, power cut {cut}");
            history.check(&dice.crash(&history.disk));
        }
    });
}

/// One operation fails and the next ones do not: the engine goes on where that is safe, else it stops.
#[test]
fn one_error_anywhere_loses_nothing_acknowledged() {
    let ops = workload(SEED + 1, 40);
    let kinds = [ErrorKind::Other, ErrorKind::StorageFull, ErrorKind::Interrupted];
    fail_everywhere(&ops, false, &kinds, "single errors", cases_in_ci(1, 4));
}

/// The power is cut, cut again during recovery, and again.
#[test]
fn recovery_can_be_cut_off_anywhere_any_number_of_times() {
    let ops = workload(SEED + 2, 30);
    let len = operations(&ops);
    let all: Vec<u32> = (0..cases_in_ci(70, 2000)).collect();
    let failed = AtomicUsize::new(0);
    each_of(&all, |case| {
        let mut dice = Dice(SEED + 2 + u64::from(*case) * 1_000_000);
        let fault = Fault { operation: dice.below(len), sticky: true, error: ErrorKind::Other };
        let history = history(&ops, Some(fault), format!("case {case}, {fault:?}"));
        let mut disk = dice.crash(&history.disk);
        for _ in 0..=dice.below(3) {
            let sticky = dice.flip();
            disk.set_fault(Some(Fault { operation: dice.below(160), sticky, error: ErrorKind::Other }));
            // A fault behind its end leaves a recovery that was done when the power was cut.
            failed.fetch_add(usize::from(open(&disk, &history.clock).is_err()), Ordering::Relaxed);
            disk = dice.crash(&disk);
        }
        history.check(&disk);
    });
    println!(
        "figure: {} power cuts, each with up to three recoveries, of which {} failed half way",
        all.len(),
        failed.into_inner()
    );
}

/// The power is cut at moments nobody chose, while threads commit, write segments, set marks and make
/// files ready, and streams come and go.
#[test]
fn a_power_cut_while_threads_are_at_work_loses_nothing_acknowledged() {
    let (disk, clock) = (FaultDisk::default(), clock());
    let settings = Settings { threads: true, ..small() };
    let engine = open_with(Arc::new(disk.clone()), Path::new(ROOT), &clock, settings).unwrap();
    let writers: Vec<Arc<Writer>> = (0..4).map(|_| Arc::new(Writer::default())).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let write = |(n, writer): (usize, &Arc<Writer>)| {
        runtime.spawn(write(engine.engine(), n as u128, Arc::clone(writer)))
    };
    let tasks: Vec<_> = writers.iter().enumerate().map(write).collect();
    let mut dice = Dice(SEED);
    println!("figure: {} power cuts beside threads", cases(12));
    for _ in 0..cases(12) {
        // Some more of it, so that cuts come at different places of the work.
        let some = engine.stats().groups() + 1 + dice.below(40);
        while engine.stats().groups() < some {
            std::thread::yield_now();
        }
        if dice.flip() {
            engine.mark().unwrap();
        }
        let least: Vec<usize> = writers.iter().map(|w| w.acknowledged.load(Ordering::SeqCst)).collect();
        let cut = dice.crash(&disk);
        let engine = open(&cut, &clock).unwrap();
        for (n, least) in least.into_iter().enumerate() {
            check_written(&engine.engine(), n as u128, least);
        }
    }
    for writer in &writers {
        writer.stop.store(true, Ordering::SeqCst);
    }
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

#[derive(Default)]
struct Writer {
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

/// A writer has a stream of its own; every twenty records it begins a new one and drops the last but one.
const PER_STREAM: usize = 20;

fn stream_of(writer: u128, record: usize) -> StreamId {
    StreamId::from_random(writer + 10 * (record / PER_STREAM) as u128)
}

async fn write(engine: Engine, writer: u128, shared: Arc<Writer>) {
    let config = LogConfig { retention: RetentionHours::default() };
    for record in 0.. {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let stream = stream_of(writer, record);
        if record % PER_STREAM == 0 {
            engine.records.create(stream, 1, config).await.unwrap();
            if let Some(old) = record.checked_sub(2 * PER_STREAM) {
                engine.records.drop_stream(stream_of(writer, old)).await.unwrap();
            }
        }
        let partition = PartitionRef { stream, partition: PartitionId::new(0) };
        let records = vec![NewRecord::of(text_of(record))];
        engine.records.append(vec![Append { partition, records }]).await.remove(0).unwrap();
        shared.acknowledged.store(record + 1, Ordering::SeqCst);
        if record % 3 == 0 {
            let id = CommandId::from_random(writer + 10 * record as u128);
            let command = Command::InitDeployment { secret: [5; 32] };
            engine.state.propose(Proposal { id, command }).await.unwrap().unwrap();
        }
    }
}

fn text_of(record: usize) -> String {
    format!("{record}{}", "x".repeat(record * 37 % 900))
}

/// Of the writer's last streams, those that are there have all that was acknowledged, in order, and nothing
/// else but what the writer did since.
fn check_written(engine: &Engine, writer: u128, acknowledged: usize) {
    let there = on(engine.records.streams()).unwrap();
    let begun = acknowledged.saturating_sub(1) / PER_STREAM * PER_STREAM;
    for first in [begun.saturating_sub(PER_STREAM), begun, begun + PER_STREAM] {
        let partition = PartitionRef { stream: stream_of(writer, first), partition: PartitionId::new(0) };
        if !there.contains(&partition.stream) {
            // The writer went on since: it dropped this stream, or did not begin it.
            continue;
        }
        let limit = ReadLimit::records(100);
        let page = on(engine.records.read(partition, SequenceNumber::ZERO, limit, Duration::ZERO)).unwrap();
        for (record, expected) in page.records.iter().zip(first..) {
            assert_eq!(record.data, text_of(expected), "{partition}");
        }
        let least = acknowledged.saturating_sub(first).min(PER_STREAM);
        assert!(page.records.len() >= least, "{} of {least} in {partition}", page.records.len());
    }
    let now = [begun, begun + 2 * PER_STREAM].map(|first| stream_of(writer, first));
    assert!(acknowledged == 0 || now.iter().any(|stream| there.contains(stream)));
}

/// A disk that was never used: making the directory can be cut off anywhere too.
#[test]
fn a_directory_can_be_made_after_a_first_try_was_cut_off_anywhere() {
    let end = operations(&[]);
    for (at, seed) in (0..=end).flat_map(|at| (0..3).map(move |seed| (at, seed))) {
        let disk = FaultDisk::default();
        disk.set_fault(Some(Fault { operation: at, sticky: true, error: ErrorKind::Other }));
        drop(open(&disk, &clock()));
        let disk = Dice(at * 3 + seed).crash(&disk);
        let engine = open(&disk, &clock()).unwrap_or_else(|e| panic!("cut off at {at}, {seed}: {e:?}"));
        assert!(on(engine.engine().records.streams()).unwrap().is_empty());
    }
}

/// A directory that cannot be looked for is not taken for one that is there: its name would never be synced, and
/// a power cut would take all of it.
#[test]
fn an_error_while_the_directory_is_looked_for_is_told() {
    for error in [ErrorKind::Other, ErrorKind::StorageFull] {
        let disk = FaultDisk::default();
        disk.set_fault(Some(Fault { operation: 0, sticky: false, error }));
        assert!(open(&disk, &clock()).is_err(), "{error}");
        drop(open(&disk, &clock()).unwrap());
        open(&disk.crash(|| false), &clock()).unwrap();
    }
}
