//! The journal: what comes before the damage is kept, of what comes behind it only records.
//!
//! Changes of streams and checkpoints depend on those before them, so the first that is lost ends them.
//! Records depend on nothing but their numbers: they are kept where they are intact, be it in the journal or
//! in segments that were written behind the last mark.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    sync::Arc,
};

use millpond_engine::{Clock, Entropy, StorageFailure};
use millpond_model::PartitionRef;
use millpond_seglog::{
    batch::{Batch, BatchHeader},
    disk::Open,
    journal::{Journal, Mark, RecoverError, Salvage, salvage},
    scan::{Extent, scan},
    segment::{SEGMENT_HEADER_LEN, check_header},
};
use millpond_state::decode_proposal;

use super::{Lost, RepairError, Repaired, open_view, storage};
use crate::{
    Settings,
    check::{
        Checker, Names, Seen,
        replay::{Replay, decode_records},
    },
    commit::kind,
    layout,
    log_op::LogOp,
    logs::Logs,
    partition::PartitionLog,
    record::RECORD_LEN_MIN,
    recover::{Misfit, REPLAY_BYTES_MAX, rebuild},
    store::Store,
};

/// Positions passed over when it is not known how many were given.
const POSITIONS_UNKNOWN: u64 = 1 << 24;
/// Bytes of batches written to the new journal at a time.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// What becomes of the journal.
pub(super) struct JournalPlan {
    salvage: Salvage,
    steps: Vec<(PartitionRef, Step)>,
    changes: Vec<String>,
}

/// What happens to a partition behind the damage, one after the other.
enum Step {
    Keep(Batch),
    Lose { first: u64, end: u64, arrival_ms: i64, is_certain: bool },
}

/// Batches in segments that the view does not know, by their first numbers.
type Tails = BTreeMap<PartitionRef, BTreeMap<u64, Batch>>;

/// A plan being made.
struct Planner {
    logs: Logs,
    tails: Tails,
    steps: Vec<(PartitionRef, Step)>,
    /// Batches that only segments had.
    from_tails: BTreeSet<(PartitionRef, u64)>,
    /// Batches of which the header is all that is left.
    headed: Vec<(PartitionRef, u64)>,
}

impl JournalPlan {
    pub(super) fn make(
        checker: &Checker<'_>,
        instance: u128,
        seen: Seen,
        now_ms: i64,
    ) -> Result<Self, RepairError> {
        let mut replay =
            Replay { logs: seen.followed, state_applied: seen.state.applied().get(), records: 0 };
        let dir = checker.layout.journal();
        let found = salvage(&**checker.disk, &dir, instance, &seen.mark, |frame| replay.tell(&frame));
        let salvage = found.map_err(|e| match e {
            RecoverError::Io(e) => e.into(),
            other => RepairError::Undecided(other),
        })?;
        let mut plan = Self { salvage, steps: Vec::new(), changes: Vec::new() };
        if plan.salvage.damage.is_none() {
            return Ok(plan);
        }
        if let Some(newer) = plan.salvage.damage.take_if(|damage| is_newer(damage)) {
            return Err(RepairError::Newer(newer));
        }
        let tails = tails(checker, &seen.logs, &replay.logs)?;
        let (ops_applied, state_applied) = (replay.logs.applied, replay.state_applied);
        let mut planner = Planner {
            logs: replay.logs,
            tails,
            steps: Vec::new(),
            from_tails: BTreeSet::new(),
            headed: Vec::new(),
        };
        for frame in &plan.salvage.later {
            let known = match frame.kind {
                kind::COMMAND => frame.position <= state_applied,
                kind::LOG_OP => frame.position <= ops_applied,
                _ => false,
            };
            match frame.kind {
                kind::BATCH => {
                    if let Ok(batch) = Batch::read(&frame.body) {
                        planner.batch(batch);
                    }
                }
                _ if known => {}
                kind::COMMAND => plan.changes.push(command_name(&frame.body)),
                kind::LOG_OP => plan.changes.push(op_name(&frame.body)),
                _ => plan.changes.push("something unknown".to_owned()),
            }
        }
        planner.rest();
        let (mut headed, mut headed_bytes) = (0, 0);
        for head in &plan.salvage.heads {
            if head.kind == kind::BATCH {
                (headed, headed_bytes) = (headed + 1, headed_bytes + head.body.len() as u64);
                if let Ok(header) = BatchHeader::read(&head.body) {
                    planner.head(&header);
                }
            } else {
                plan.changes.push("a change that cannot be read".to_owned());
            }
        }
        // Of the frames that are missing, those are known that segments have or whose numbers can be read.
        let known = planner.known_missing();
        let unknown = plan.salvage.unknown_frames.map(|frames| (frames + headed).saturating_sub(known));
        if unknown != Some(0) {
            planner.pass_over(plan.salvage.unknown_bytes + headed_bytes, now_ms);
            let count = unknown.map_or_else(|| "an unknown number of".to_owned(), |count| count.to_string());
            plan.changes.push(format!("{count} batches of records, or changes, that cannot be read"));
        }
        plan.steps = planner.steps;
        Ok(plan)
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.salvage.damage.is_some() || !self.salvage.headers.is_empty()
    }

    /// Tells what is given up.
    pub(super) fn tell(&self, names: &Names, repaired: &mut Repaired) {
        if !self.is_damaged() {
            return;
        }
        let files = self.salvage.files.iter().chain(&self.salvage.headers);
        let mut files: BTreeSet<PathBuf> = files.cloned().collect();
        if files.is_empty() {
            files.insert(self.salvage.end.0.clone());
        }
        repaired.damaged.extend(files);
        for (of, step) in &self.steps {
            match *step {
                Step::Keep(ref batch) => repaired.kept_records += u64::from(batch.header().count),
                Step::Lose { first, end, is_certain, .. } => {
                    repaired.lost.push(Lost { concern: names.concern(*of, first, end), is_certain });
                }
            }
        }
        repaired.changes.extend(self.changes.iter().cloned());
    }

    /// Puts the plan into effect. First all that is kept goes to a new journal, where another repair finds it
    /// if this one does not come to its end; then it goes to the segments; then the view is told.
    pub(super) fn write(
        &self,
        checker: &Checker<'_>,
        instance: u128,
        mark: &Mark,
        (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
    ) -> Result<(), RepairError> {
        let (disk, dir) = (checker.disk, checker.layout.journal());
        let (view, kept) = open_view(checker)?;
        let aged_ms = kept.aged_ms;
        let (logs, state) = rebuild(kept)?;
        let settings = Settings { low_water_bytes: Some(0), ..Settings::default() };
        let parts = (Arc::clone(clock), Arc::clone(entropy));
        let place = (Arc::clone(disk), checker.layout.clone());
        let store = Store::new(place, parts, settings, (view, aged_ms), (logs, state));
        let missing = matches!(self.salvage.damage, Some(RecoverError::FileMissing { .. }));
        let passed = if missing { POSITIONS_UNKNOWN } else { 0 };
        let last = (self.salvage.last.0 + passed, self.salvage.last.1 + passed);
        let mut journal =
            Journal::restart(disk, &dir, instance, store.stamp(), self.salvage.last_file_no, last)?;
        self.write_journal(&store, &mut journal)?;
        let longer = store.check_segments()?;
        let told = salvage(&**disk, &dir, instance, mark, |frame| store.tell(&frame));
        told.map_err(|e| storage("the journal could not be read again")(e.into()))?;
        for (of, step) in &self.steps {
            store.take(*of, step)?;
        }
        let mut behind = store.behind.lock();
        store.write_behind(&mut behind)?;
        store.cut_segments(longer)?;
        let dropped = store.set_mark(journal.mark(), &mut behind)?;
        store.remove_files(&mut behind, dropped);
        Ok(())
    }

    fn write_journal(&self, store: &Store, journal: &mut Journal) -> Result<(), RepairError> {
        let (mut group, mut bytes): (Vec<(u8, &[u8])>, usize) = (Vec::new(), 0);
        let kept = |(_, step): &'_ (PartitionRef, Step)| match step {
            Step::Keep(batch) => Some(batch.bytes().clone()),
            Step::Lose { .. } => None,
        };
        let bodies: Vec<bytes::Bytes> = self.steps.iter().filter_map(kept).collect();
        let failed = |e: millpond_seglog::journal::AppendError| {
            storage("the new journal could not be written")(e.into())
        };
        for body in &bodies {
            bytes += body.len();
            group.push((kind::BATCH, body));
            if bytes >= GROUP_BYTES {
                journal.append(&std::mem::take(&mut group), store.stamp()).map_err(failed)?;
                bytes = 0;
            }
        }
        if !group.is_empty() {
            journal.append(&group, store.stamp()).map_err(failed)?;
        }
        Ok(())
    }
}

impl Planner {
    fn next(&self, of: PartitionRef) -> Option<u64> {
        self.logs.partition(of).map(|log| log.lock().next)
    }

    fn keep(&mut self, of: PartitionRef, batch: Batch) {
        if let Some(log) = self.logs.partition(of) {
            log.lock().next = batch.header().end();
        }
        self.steps.push((of, Step::Keep(batch)));
    }

    fn lose(&mut self, of: PartitionRef, end: u64, arrival_ms: i64, is_certain: bool) {
        let Some(log) = self.logs.partition(of) else { return };
        let first = std::mem::replace(&mut log.lock().next, end);
        self.steps.push((of, Step::Lose { first, end, arrival_ms, is_certain }));
    }

    /// Goes on to record `to`: what segments have is kept, the rest is lost. Everything before `to` arrived
    /// at `arrival_ms` or earlier.
    fn advance(&mut self, of: PartitionRef, to: u64, arrival_ms: i64) {
        while let Some(next) = self.next(of) {
            let tail = self.tails.get_mut(&of);
            if let Some(batch) = tail.and_then(|tail| tail.remove(&next)) {
                self.from_tails.insert((of, next));
                self.keep(of, batch);
                continue;
            }
            if next >= to {
                return;
            }
            let later = self.tails.get(&of).and_then(|tail| tail.range(next..to).next());
            let (end, arrival) =
                later.map_or((to, arrival_ms), |(base, batch)| (*base, batch.header().arrival_ms));
            self.lose(of, end, arrival, true);
        }
    }

    /// A batch that the journal still has.
    fn batch(&mut self, batch: Batch) {
        let header = *batch.header();
        let Some(of) = layout::partition_of(header.owner) else { return };
        if decode_records(&batch).is_err() {
            return self.head(&header);
        }
        // The journal is asked first: what it has is not among what is missing from it.
        if let Some(tail) = self.tails.get_mut(&of) {
            tail.remove(&header.base);
        }
        self.advance(of, header.base, header.arrival_ms);
        if self.next(of) == Some(header.base) {
            self.keep(of, batch);
        }
    }

    /// What only segments have.
    fn rest(&mut self) {
        let ends: Vec<_> =
            self.tails.iter().filter_map(|(of, tail)| Some((*of, *tail.last_key_value()?.0))).collect();
        for (of, last) in ends {
            self.advance(of, last, i64::MIN);
        }
    }

    /// A batch of which the header is all that is left.
    fn head(&mut self, header: &BatchHeader) {
        let Some(of) = layout::partition_of(header.owner) else { return };
        self.headed.push((of, header.base));
        self.advance(of, header.end(), header.arrival_ms);
    }

    /// How many frames that the journal does not have any more are known all the same.
    fn known_missing(&self) -> u64 {
        let headed = self.headed.iter().filter(|head| !self.from_tails.contains(head)).count();
        (self.from_tails.len() + headed) as u64
    }

    /// Numbers that records in so many unreadable bytes may have had, whose ever they were.
    fn pass_over(&mut self, bytes: u64, now_ms: i64) {
        let all = self.logs.streams.values().flat_map(|stream| &stream.partitions);
        let partitions: Vec<PartitionRef> = all.map(|log| log.partition).collect();
        for of in partitions {
            if let Some(next) = self.next(of) {
                self.lose(of, next + bytes / RECORD_LEN_MIN + 1, now_ms, false);
            }
        }
    }
}

impl Store {
    fn take(&self, of: PartitionRef, step: &Step) -> Result<(), StorageFailure> {
        let Some(log) = self.partition(of) else { return Ok(()) };
        match step {
            Step::Keep(batch) => {
                let mut inner = log.lock();
                inner.next = batch.header().end();
                inner.last_arrival_ms = inner.last_arrival_ms.max(batch.header().arrival_ms);
                drop(inner);
                self.publish_batch(&log, batch.clone());
                if self.unwritten.lock().bytes > REPLAY_BYTES_MAX {
                    self.write_behind(&mut self.behind.lock())?;
                }
            }
            Step::Lose { first, end, arrival_ms, .. } => {
                let mut behind = self.behind.lock();
                self.write_behind(&mut behind)?;
                let mut inner = log.lock();
                let arrival_ms = inner.last_arrival_ms.max(*arrival_ms);
                inner.lose(*end, arrival_ms, arrival_ms);
                inner.last_arrival_ms = arrival_ms;
                drop(inner);
                behind.segments.insert((of, *first));
                behind.partitions.insert(of, log);
            }
        }
        Ok(())
    }
}

/// Whether a frame that holds was not understood.
fn is_newer(damage: &RecoverError) -> bool {
    let RecoverError::Refused { source, .. } = damage else { return false };
    !matches!(
        source.downcast_ref::<Misfit>(),
        Some(Misfit::Gap { .. } | Misfit::Partition(_) | Misfit::Owner)
    )
}

/// What segments hold beyond what the view knows: written behind the mark.
fn tails(checker: &Checker<'_>, before: &Logs, after: &Logs) -> io::Result<Tails> {
    let mut tails = Tails::new();
    for log in after.streams.values().flat_map(|stream| &stream.partitions) {
        let names = match checker.disk.list(&checker.layout.partition(log.partition)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            names => names?,
        };
        let known = before.partition(log.partition);
        let mut found = BTreeMap::new();
        for name in names {
            let digits = name.strip_suffix(".seg").and_then(|digits| digits.parse::<u64>().ok());
            if let Some(base) = digits {
                tail(checker, log, known.map(|known| &**known), base, &mut found)?;
            }
        }
        tails.insert(log.partition, found);
    }
    Ok(tails)
}

fn tail(
    checker: &Checker<'_>,
    log: &PartitionLog,
    known: Option<&PartitionLog>,
    base: u64,
    found: &mut BTreeMap<u64, Batch>,
) -> io::Result<()> {
    let file = checker.disk.open(&checker.layout.segment(log.partition, base), Open::Reading)?;
    let row = known.and_then(|known| {
        let inner = known.lock();
        inner.segments.iter().find(|segment| segment.base == base).map(|s| (s.len, s.end))
    });
    let (place, first) = match row {
        Some((0, _)) => return Ok(()),
        Some(row) => row,
        None if check_header(&*file, log.owner, base).is_err() => return Ok(()),
        None => (SEGMENT_HEADER_LEN as u64, base),
    };
    let least = known.map_or(0, |known| known.lock().written);
    let extent = Extent { owner: log.owner, place, place_end: file.len()?, base: first, end: None };
    scan(&*file, extent, |_, batch| {
        decode_records(batch).map_err(|e| e.to_string())?;
        if batch.header().base >= least {
            found.insert(batch.header().base, batch.clone());
        }
        Ok(())
    })?;
    Ok(())
}

/// The kind of a change, without what is in it.
fn command_name(body: &[u8]) -> String {
    let decoded = body.split_first_chunk::<8>().and_then(|(_, bytes)| decode_proposal(bytes).ok());
    decoded.map_or_else(unreadable, |proposal| first_word(&format!("{:?}", proposal.command)))
}

fn op_name(body: &[u8]) -> String {
    LogOp::decode(body).map_or_else(unreadable, |op| format!("{} of a log", first_word(&format!("{op:?}"))))
}

fn unreadable() -> String {
    "a change that this version does not know".to_owned()
}

fn first_word(debug: &str) -> String {
    debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
