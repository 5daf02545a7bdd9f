//! The embedded engine beside the one in memory: any operations, any ends of a life, the same answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use common::{
    Dice, Names, Op, Order, START, any_op, assert_same, cases_in_ci, clock, on, open, picture, run,
};
use millpond_engine::{Engine, ManualClock, ReadError, ReadLimit, memory::MemoryEngine};
use millpond_engine_local::LocalEngine;
use millpond_model::{PartitionRef, SequenceNumber, Timestamp};
use millpond_seglog::disk::FaultDisk;
use proptest::prelude::*;

/// The engine under test with its oracle beside it.
struct Pair {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    local: Option<LocalEngine>,
    oracle: Engine,
    names: Names,
    dice: Dice,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let (disk, clock) = (FaultDisk::default(), clock());
        let local = Some(open(&disk, &clock).unwrap());
        let oracle = MemoryEngine::engine(Arc::clone(&clock) as _);
        Self { disk, clock, local, oracle, names: Names::default(), dice: Dice(seed) }
    }

    fn local(&self) -> &LocalEngine {
        self.local.as_ref().unwrap()
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Mark => self.local().mark().unwrap(),
            Op::Retain => self.local().retain().unwrap(),
            Op::Close | Op::Kill | Op::Cut(_) => self.reopen(op),
            _ => self.ask(op),
        }
        self.look();
        self.probe();
    }

    fn ask(&mut self, op: &Op) {
        let mut names = self.names.clone();
        let engine = self.local().engine();
        let oracle_clock = ManualClock::new(START);
        let answer = run(&engine, &self.clock, &mut names, op, usize::MAX);
        let expected = run(&self.oracle, &oracle_clock, &mut self.names, op, usize::MAX);
        assert_eq!(answer, expected, "{op:?}");
    }

    fn reopen(&mut self, how: &Op) {
        if matches!(how, Op::Close) {
            self.local().close().unwrap();
        }
        self.local = None;
        if let Op::Cut(seed) = how {
            self.disk = Dice(*seed).crash(&self.disk);
        }
        let local = open(&self.disk, &self.clock).unwrap();
        assert!(!matches!(how, Op::Close) || local.recovered_frames() == 0, "a clean stop leaves nothing");
        self.local = Some(local);
        self.compare();
    }

    /// Everything there is.
    fn compare(&self) {
        assert_same(&picture(&self.local().engine()), &picture(&self.oracle), "after opening again");
    }

    fn partitions(&self) -> Vec<PartitionRef> {
        let partition = |stream, partition| self.names.partition(common::Target { stream, partition });
        (0..3).flat_map(|stream| (0..4).map(move |p| partition(stream, p))).collect()
    }

    /// Both let go of what is out of retention by now.
    fn look(&self) {
        for partition in self.partitions() {
            let answer = on(self.local().engine().records.bounds(partition));
            let expected = on(self.oracle.records.bounds(partition));
            assert_eq!(said(&answer), said(&expected), "{partition}");
        }
    }

    /// One read and one search anywhere.
    fn probe(&mut self) {
        let partitions = self.partitions();
        let of = partitions[usize::try_from(self.dice.below(partitions.len() as u64)).unwrap()];
        let from = SequenceNumber::new(self.dice.below(40)).unwrap();
        let limit = ReadLimit {
            records: u32::try_from(self.dice.below(20)).unwrap(),
            bytes: self.dice.below(6000),
            at_least_one: self.dice.flip(),
        };
        let read = |engine: &Engine| said(&on(engine.records.read(of, from, limit, Duration::ZERO)));
        assert_eq!(read(&self.local().engine()), read(&self.oracle), "{of} from {from}, {limit:?}");
        let at = START.as_millis() - 200_000_000 + i64::try_from(self.dice.below(600_000_000)).unwrap();
        let find = |engine: &Engine| said(&on(engine.records.find_time(of, Timestamp::from_millis(at))));
        assert_eq!(find(&self.local().engine()), find(&self.oracle), "{of} at {at}");
    }
}

/// An answer, or the error without its words.
fn said<T: std::fmt::Debug>(answer: &Result<T, ReadError>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(ReadError::Storage(e)) => panic!("{e:?}"),
        Err(e) => format!("{e:?}"),
    }
}

fn check(ops: &[Op], seed: u64) {
    let mut pair = Pair::new(seed);
    for stream in 0..3 {
        pair.run(&Op::Create { stream, partitions: 2, hours: 24 });
        pair.run(&Op::Propose(Order::CreateStream { stream }));
    }
    pair.run(&Op::Propose(Order::CreateApp { app: 0 }));
    for op in ops {
        pair.run(op);
    }
    pair.compare();
    pair.reopen(&Op::Kill);
    pair.reopen(&Op::Close);
    pair.reopen(&Op::Cut(seed));
}

/// Said once, not for every run.
static SAID: Once = Once::new();

fn runs() -> u32 {
    cases_in_ci(100, 2000)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(runs()) })]

    /// Nothing acknowledged is lost, nothing else appears, and every answer is the oracle's.
    #[test]
    fn the_engine_answers_like_the_oracle(ops in prop::collection::vec(any_op(), 1..60), seed in any::<u64>()) {
        SAID.call_once(|| println!("figure: {} runs beside the oracle", runs()));
        check(&ops, seed);
    }
}
