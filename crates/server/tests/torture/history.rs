//! Everything that clients did and were told of one data directory.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

use parking_lot::Mutex;

use super::support::{
    history::{Fate, Log, Sent},
    partitions::{Keyed, Scaling, Steady},
    register::Operation,
};

/// Streams that stay, with the partitions they are created with.
pub const LASTING: [(&str, u32); 3] = [("orders", 3), ("clicks", 5), ("audit", 2)];
/// Partitions that a stream is scaled to: at least, at most.
pub const PARTITIONS: (u32, u32) = (2, 8);
/// Apps that commit.
pub const APPS: [&str; 3] = ["billing", "search", "mirror"];
/// Names of streams that come and go; each is used by one client at a time.
pub const PASSING: [&str; 7] = ["t0", "t1", "t2", "t3", "t4", "t5", "filler"];
/// The one that fills the disk; the others are for the load.
pub const FILLER: usize = PASSING.len() - 1;

/// A stream that stays.
#[derive(Debug, Default)]
pub struct Lasting {
    pub name: String,
    /// Partitions that were ACTIVE before the first of `scalings`.
    pub active: AtomicU32,
    /// Partitions that there may be: more were never asked for.
    pub partitions: AtomicU32,
    /// Of every partition, how long it is at least.
    pub known: [AtomicU64; PARTITIONS.1 as usize],
    pub sent: Mutex<Vec<Sent>>,
    pub keyed: Mutex<Vec<Keyed>>,
    pub shown: Mutex<Log>,
    /// Since the last check.
    pub scalings: Mutex<Vec<Scaling>>,
    /// Acknowledged and checked.
    pub scaled: AtomicU64,
    pub steady: Mutex<Vec<Steady>>,
}

impl Lasting {
    fn new((name, created): (&str, u32)) -> Self {
        Self { name: name.to_owned(), active: created.into(), partitions: created.into(), ..Self::default() }
    }

    /// So many are ACTIVE, whatever was in doubt.
    pub fn settle(&self, active: u32, since: u64) {
        let done = self.scalings.lock().drain(..).filter(|scaling| scaling.fate == Fate::Done(())).count();
        self.scaled.fetch_add(done as u64, Ordering::SeqCst);
        self.active.store(active, Ordering::SeqCst);
        let mut steady = self.steady.lock();
        if steady.last().is_none_or(|last| last.until.is_some()) {
            steady.push(Steady { active, since, until: None });
        }
    }

    /// A partition is so long at least.
    pub fn know(&self, partition: u32, length: u64) {
        self.known[partition as usize].fetch_max(length, Ordering::SeqCst);
    }

    pub fn known(&self, partition: u32) -> u64 {
        self.known[partition as usize].load(Ordering::SeqCst)
    }
}

/// Whether a stream that comes and goes is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum There {
    #[default]
    No,
    Yes,
    /// A creation or a deletion is in doubt.
    Maybe,
}

/// A stream that comes and goes.
#[derive(Clone, Debug, Default)]
pub struct Passing {
    pub there: There,
    /// Partitions at first, or at the last check.
    pub active: u32,
    pub sent: Vec<Sent>,
    pub scalings: Vec<Scaling>,
    /// Once it was seen.
    pub id: Option<String>,
    /// Of the stream that had the name before.
    pub former_id: Option<String>,
    pub cursor: Option<String>,
}

impl Passing {
    /// What follows under the same name.
    pub fn next(&mut self, there: There, active: u32) {
        let former_id = self.id.take().or(self.former_id.take());
        *self = Self { there, active, former_id, cursor: self.cursor.take(), ..Self::default() };
    }

    /// It is certainly there, and has an id.
    pub fn see(&mut self, id: &str) {
        let same = self.id.as_deref().is_none_or(|known| known == id);
        assert!(same, "a stream has the id {id} and had {:?}", self.id);
        assert_ne!(self.former_id.as_deref(), Some(id), "a stream has the id of one that was deleted");
        self.there = There::Yes;
        self.id = Some(id.to_owned());
    }
}

/// A cursor and what it has to show first.
#[derive(Clone, Debug)]
pub struct Cursor {
    pub text: String,
    pub stream: usize,
    pub partition: u32,
    pub number: u64,
}

/// Of an app, in a stream, in a partition.
pub type Register = (String, String, u32);

/// The whole history of a data directory.
#[derive(Debug)]
pub struct History {
    ticks: AtomicU64,
    requests: AtomicU64,
    pub lasting: Vec<Lasting>,
    pub passing: Vec<Mutex<Passing>>,
    pub registers: Mutex<BTreeMap<Register, Vec<Operation>>>,
    pub cursors: Mutex<Vec<Cursor>>,
    /// Creations and deletions that were acknowledged.
    pub namings: AtomicU64,
}

impl History {
    pub fn new() -> Self {
        Self {
            // Before everything is 0.
            ticks: 1.into(),
            requests: AtomicU64::default(),
            lasting: LASTING.into_iter().map(Lasting::new).collect(),
            passing: PASSING.iter().map(|_| Mutex::default()).collect(),
            registers: Mutex::default(),
            cursors: Mutex::default(),
            namings: AtomicU64::default(),
        }
    }

    pub fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    /// A request, counted over all.
    pub fn request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::SeqCst)
    }

    /// Writes an operation on a checkpoint down. One in doubt ends when the process is known to have ended.
    pub fn operate(&self, register: Register, operation: Operation) {
        self.registers.lock().entry(register).or_default().push(operation);
    }

    /// The process that was asked is gone: what it has not done by now it will never do.
    pub fn settle(&self) {
        let now = self.tick();
        for operation in self.registers.lock().values_mut().flatten() {
            operation.ended_at = operation.ended_at.min(now);
        }
    }

    /// Acknowledged records, commits and scalings of the lasting streams, with the records of passing ones.
    pub fn acknowledged(&self) -> [u64; 3] {
        let records = |sent: &[Sent]| sent.iter().filter(|sent| matches!(sent.fate, Fate::Done(_))).count();
        let lasting: usize = self.lasting.iter().map(|stream| records(&stream.sent.lock())).sum();
        let passing: usize = self.passing.iter().map(|stream| records(&stream.lock().sent)).sum();
        let registers = self.registers.lock();
        let commits =
            registers.values().flatten().filter(|operation| operation.is_acknowledged_write()).count();
        let scaled: u64 = self.lasting.iter().map(|stream| stream.scaled.load(Ordering::SeqCst)).sum();
        [(lasting + passing) as u64, commits as u64, scaled]
    }
}
