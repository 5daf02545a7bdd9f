//! Group commit: everything that waits becomes one group, one write and one sync.

use std::sync::Arc;

use bytes::Bytes;
use millpond_engine::{AdminError, AppendError, Appended, Class, ProposeError, StorageFailure};
use millpond_model::{SequenceNumber, Timestamp};
use millpond_seglog::{
    batch::Batch,
    disk::is_shortage,
    journal::{self, Journal, Preparation},
};
use millpond_state::{Command, Outcome, Proposal};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::{
    failure,
    log_op::LogOp,
    logs::Effect,
    partition::PartitionLog,
    queue::{AppendResult, PlacedDraft, Queue, Work},
    room,
    store::Store,
};

/// What a frame of the journal is.
pub(crate) mod kind {
    pub(crate) const BATCH: u8 = 1;
    /// The time it was given, milliseconds, then the proposal.
    pub(crate) const COMMAND: u8 = 2;
    pub(crate) const LOG_OP: u8 = 3;
}

/// The journal and what waits for it.
pub(crate) struct Committer {
    pub(crate) store: Arc<Store>,
    pub(crate) queue: Queue,
    pub(crate) journal: Mutex<Journal>,
    /// Tells that a mark was set, or that there will be none.
    pub(crate) released: Condvar,
    /// Wishes for whoever works behind the acknowledgement.
    pub(crate) wishes: Mutex<Wishes>,
    pub(crate) wished: Condvar,
    /// Tells that no more work will come.
    pub(crate) stopping: Condvar,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent wishes")]
pub(crate) struct Wishes {
    /// Something was published.
    pub(crate) write: bool,
    /// The journal fills up.
    pub(crate) mark: bool,
    /// A file to be made ready.
    pub(crate) prepare: Option<Preparation>,
    /// The last group has no group behind it.
    pub(crate) exposed: bool,
    /// No more work will come.
    pub(crate) stop: bool,
}

impl Wishes {
    /// Whether nobody waits for what is wished.
    pub(crate) fn only_writes(&self) -> bool {
        self.write && !self.mark && self.prepare.is_none() && !self.stop
    }
}

/// A group being put together.
#[derive(Default)]
struct Group {
    /// When its records arrived. Never before the time that counts for retention: after the wall clock went
    /// back they would be too old to be kept.
    arrival: Timestamp,
    frames: Vec<(u8, Bytes)>,
    effects: Vec<Frame>,
    replies: Vec<Reply>,
}

/// What a frame means once it is durable; the n-th belongs to the n-th frame.
enum Frame {
    Batch { log: Arc<PartitionLog>, batch: Batch },
    Command(Proposal),
    Op(LogOp),
}

impl Frame {
    fn frees_files(&self) -> bool {
        matches!(self, Self::Op(LogOp::Drop { .. } | LogOp::Trim { .. }))
    }
}

enum Reply {
    Append { results: Vec<AppendResult>, reply: oneshot::Sender<Vec<AppendResult>> },
    Propose(oneshot::Sender<Result<Outcome, ProposeError>>),
    Change { result: Result<(), AdminError>, reply: oneshot::Sender<Result<(), AdminError>> },
    Barrier(Option<oneshot::Sender<Result<millpond_state::LogPosition, ProposeError>>>),
}

impl Committer {
    /// Makes one group of the requests durable, publishes it, and answers.
    pub(crate) fn commit(&self, work: Vec<Work>) {
        if let Some(failure) = self.store.failure() {
            return work.into_iter().for_each(|work| refuse(work, &failure));
        }
        let now = self.store.clock.now();
        let mut group = Group { arrival: now.max(self.store.aging.now()), ..Group::default() };
        let low = self.store.room.is_low(self.store.unwritten.lock().bytes);
        for work in work {
            if low && needs_room(&work) {
                refuse(work, &room::no_space());
            } else {
                self.assemble(work, now, &mut group);
            }
        }
        if group.replies.is_empty() {
            return;
        }
        match self.write(&group.frames) {
            Ok(journal) => {
                let first = journal.next_position() - 1 - group.frames.len() as u64;
                // The next mark removes the files: on a full disk somebody waits for that.
                let hurry = low && group.effects.iter().any(Frame::frees_files);
                let outcomes = self.publish(group.effects, first, now);
                drop(journal);
                self.wish(!group.frames.is_empty(), hurry);
                self.answer(group.replies, outcomes);
            }
            Err(failure) => {
                if matches!(failure.class(), Class::Refused | Class::NoSpace) {
                    self.take_back(group.effects);
                } else {
                    self.store.fail(failure.clone());
                }
                group.replies.into_iter().for_each(|reply| reply.refuse(&failure));
            }
        }
    }

    fn assemble(&self, work: Work, now: Timestamp, group: &mut Group) {
        match work {
            Work::Append { drafts, reply } => {
                let results = drafts.into_iter().map(|draft| group.batch(draft)).collect();
                group.replies.push(Reply::Append { results, reply });
            }
            Work::Propose { proposal, bytes, reply } => {
                let body = [now.as_millis().to_le_bytes().as_slice(), &bytes].concat();
                group.push(kind::COMMAND, body.into(), Frame::Command(proposal));
                group.replies.push(Reply::Propose(reply));
            }
            Work::Change { op, reply } => {
                let op = self.settle(op);
                let effect = self.store.logs.read().effect(&op);
                let result = match effect {
                    Effect::Change => {
                        self.close_logs(&op, true);
                        group.push(kind::LOG_OP, op.encode().into(), Frame::Op(op));
                        Ok(())
                    }
                    Effect::Nothing => Ok(()),
                    Effect::UnknownStream => Err(AdminError::UnknownStream(op.stream())),
                    Effect::UnknownPartition => Err(unknown_partition(&op)),
                };
                group.replies.push(Reply::Change { result, reply });
            }
            Work::Barrier { reply } => group.replies.push(Reply::Barrier(reply)),
        }
    }

    /// Fixes what an operation means at its place in the journal: told again, it must not depend on what
    /// came later, nor on the clock.
    pub(crate) fn settle(&self, op: LogOp) -> LogOp {
        let logs = self.store.logs.read();
        match op {
            LogOp::Trim { partition, before } => {
                let next = logs.partition(partition).map_or(0, |log| log.lock().next);
                LogOp::Trim { partition, before: before.min(SequenceNumber::ZERO.plus(next)) }
            }
            LogOp::Configure { stream, config, .. } => {
                let floor_ms = logs.cutoff_ms(stream, self.store.aging.now()).unwrap_or(i64::MIN);
                LogOp::Configure { stream, config, floor_ms }
            }
            LogOp::Create { .. } | LogOp::AddPartitions { .. } | LogOp::Drop { .. } => op,
        }
    }

    /// From the moment a drop has its place in the journal, nothing is appended behind it.
    fn close_logs(&self, op: &LogOp, dropped: bool) {
        if let LogOp::Drop { stream } = op {
            let logs = self.store.logs.read();
            for log in logs.streams.get(stream).into_iter().flat_map(|stream| &stream.partitions) {
                log.lock().dropped = dropped;
            }
        }
    }

    /// Undoes what assembling did, for a group that was not written.
    fn take_back(&self, effects: Vec<Frame>) {
        for effect in effects.into_iter().rev() {
            match effect {
                Frame::Batch { log, batch } => log.lock().next = batch.header().base,
                Frame::Op(op) => self.close_logs(&op, false),
                Frame::Command(_) => {}
            }
        }
    }

    /// Appends the frames; the journal stays locked, so that nobody sees it ahead of what is published.
    fn write(&self, frames: &[(u8, Bytes)]) -> Result<parking_lot::MutexGuard<'_, Journal>, StorageFailure> {
        let frames: Vec<(u8, &[u8])> = frames.iter().map(|(kind, body)| (*kind, &body[..])).collect();
        let bytes = frames.iter().map(|(_, body)| Journal::frame_byte_len(body.len())).sum();
        let mut journal = self.journal.lock();
        loop {
            let start = self.store.clock.monotonic();
            match journal.append(&frames, self.store.stamp()) {
                Ok(()) => {
                    let sync = self.store.clock.monotonic().saturating_sub(start);
                    self.store.stats.count_group(frames.len(), bytes, sync);
                    return Ok(journal);
                }
                Err(journal::AppendError::Full) => self.wait_for_release(&mut journal)?,
                Err(e @ journal::AppendError::Prepare(_)) if is_shortage(&e) => {
                    if !self.store.room.give_up_reserve() {
                        return Err(failure::of(Class::NoSpace, "no space for the journal", e));
                    }
                }
                Err(e @ journal::AppendError::Prepare(_)) => {
                    return Err(failure::of(Class::Refused, "no further journal file could be made", e));
                }
                Err(e @ (journal::AppendError::Failed(_) | journal::AppendError::Poisoned)) => {
                    return Err(failure::of(Class::Unknown, "the journal could not be written", e));
                }
            }
        }
    }

    fn wait_for_release(
        &self,
        journal: &mut parking_lot::MutexGuard<'_, Journal>,
    ) -> Result<(), StorageFailure> {
        let mut wishes = self.wishes.lock();
        wishes.mark = true;
        let inline = wishes.stop;
        drop(wishes);
        self.wished.notify_all();
        if inline {
            // Whoever sets marks is gone, or works on this thread.
            return parking_lot::MutexGuard::unlocked(journal, || self.mark())
                .map_err(|failure| if self.store.room.is_short() { room::no_space() } else { failure });
        }
        self.store.failure().map_or(Ok(()), Err)?;
        if self.store.room.is_short() {
            return Err(room::no_space());
        }
        self.released.wait(journal);
        self.store.failure().map_or(Ok(()), Err)
    }

    fn publish(&self, effects: Vec<Frame>, first: u64, now: Timestamp) -> Vec<Outcome> {
        let mut commands = Vec::new();
        for (position, effect) in (first..).zip(effects) {
            match effect {
                Frame::Batch { log, batch } => self.store.publish_batch(&log, batch),
                Frame::Op(op) => self.store.publish_op(&op, position),
                Frame::Command(proposal) => commands.push((proposal, position)),
            }
        }
        self.store.publish_commands(commands, now)
    }

    fn answer(&self, replies: Vec<Reply>, outcomes: Vec<Outcome>) {
        let mut outcomes = outcomes.into_iter();
        for reply in replies {
            // Whoever stopped waiting gets no answer; the work is done all the same.
            match reply {
                Reply::Append { results, reply } => drop(reply.send(results)),
                Reply::Propose(reply) => {
                    let outcome = outcomes.next().expect("every command has an outcome");
                    drop(reply.send(Ok(outcome)));
                }
                Reply::Change { result, reply } => drop(reply.send(result)),
                Reply::Barrier(None) => {}
                Reply::Barrier(Some(reply)) => drop(reply.send(Ok(self.store.state.read().applied()))),
            }
        }
    }

    /// Tells whoever works behind what there is to do.
    fn wish(&self, wrote: bool, hurry: bool) {
        let mut journal = self.journal.lock();
        let total = self.store.settings.journal.total_bytes_max;
        let mark = hurry || journal.used_bytes() > total / 2;
        let prepare = journal.prepare(self.store.stamp());
        drop(journal);
        let mut wishes = self.wishes.lock();
        wishes.write |= wrote;
        wishes.mark |= mark;
        wishes.exposed = wrote;
        wishes.prepare = prepare.or_else(|| wishes.prepare.take());
        drop(wishes);
        self.wished.notify_all();
    }

    /// Waits while too much is not in segments yet.
    pub(crate) fn wait_for_segments(&self) {
        let mut unwritten = self.store.unwritten.lock();
        let goes_on = || self.store.failure().is_none() && !self.store.room.is_short();
        while unwritten.bytes > self.store.settings.unwritten_bytes_max && goes_on() {
            self.store.written.wait(&mut unwritten);
        }
    }
}

impl Group {
    fn push(&mut self, kind: u8, body: Bytes, effect: Frame) {
        self.frames.push((kind, body));
        self.effects.push(effect);
    }

    /// Numbers a batch and takes it into the group.
    fn batch(&mut self, draft: PlacedDraft) -> AppendResult {
        let (log, draft) = draft?;
        let mut inner = log.lock();
        if inner.dropped {
            return Err(AppendError::UnknownPartition(log.partition));
        }
        if !inner.damaged.is_empty() {
            return Err(AppendError::Storage(failure::damaged(log.partition)));
        }
        let (base, arrival) = (inner.next, inner.last_arrival_ms.max(self.arrival.as_millis()));
        let first = SequenceNumber::ZERO.plus(base);
        inner.next = first.plus(u64::from(draft.batch.count())).get();
        inner.last_arrival_ms = arrival;
        drop(inner);
        let time_max = draft.time_max(arrival);
        let batch = draft.batch.place(log.owner, base, arrival, time_max);
        self.push(kind::BATCH, batch.bytes().clone(), Frame::Batch { log, batch });
        Ok(Appended { first, arrival: Timestamp::from_millis(arrival) })
    }
}

impl Reply {
    fn refuse(self, failure: &StorageFailure) {
        match self {
            Self::Append { results, reply } => {
                let refused = results.into_iter().map(|r| r.and(Err(AppendError::Storage(failure.clone()))));
                drop(reply.send(refused.collect()));
            }
            Self::Propose(reply) => drop(reply.send(Err(ProposeError::Storage(failure.clone())))),
            Self::Change { reply, .. } => drop(reply.send(Err(AdminError::Storage(failure.clone())))),
            Self::Barrier(reply) => {
                drop(reply.map(|reply| reply.send(Err(ProposeError::Storage(failure.clone())))));
            }
        }
    }
}

fn refuse(work: Work, failure: &StorageFailure) {
    match work {
        Work::Append { drafts, reply } => {
            let refused = drafts.into_iter().map(|d| d.and(Err(AppendError::Storage(failure.clone()))));
            drop(reply.send(refused.collect()));
        }
        Work::Propose { reply, .. } => drop(reply.send(Err(ProposeError::Storage(failure.clone())))),
        Work::Change { reply, .. } => drop(reply.send(Err(AdminError::Storage(failure.clone())))),
        Work::Barrier { reply } => {
            drop(reply.map(|reply| reply.send(Err(ProposeError::Storage(failure.clone())))));
        }
    }
}

/// Whether the request leaves less room than there was: what only takes away is done on a full disk too.
fn needs_room(work: &Work) -> bool {
    match work {
        Work::Append { .. } => true,
        Work::Propose { proposal, .. } => !matches!(
            proposal.command,
            Command::DeleteStream { .. }
                | Command::DeleteApp { .. }
                | Command::DeleteCheckpoints { .. }
                | Command::DeleteTask { .. }
                | Command::ExpirePartitions { .. }
        ),
        Work::Change { op, .. } => matches!(op, LogOp::Create { .. } | LogOp::AddPartitions { .. }),
        Work::Barrier { .. } => false,
    }
}

fn unknown_partition(op: &LogOp) -> AdminError {
    match op {
        LogOp::Trim { partition, .. } => AdminError::UnknownPartition(*partition),
        _ => AdminError::UnknownStream(op.stream()),
    }
}
