//! Opening a directory: the view, then what the journal has beyond it.

use std::{collections::BTreeMap, error::Error, io, path::Path, sync::Arc};

use millpond_engine::{Clock, Entropy, StorageFailure};
use millpond_model::{PartitionId, PartitionRef, StreamId, Timestamp};
use millpond_seglog::{
    batch::Batch,
    disk::{Disk, Lock, Open, Room, is_shortage},
    journal::{Frame, Journal, Mark, RecoverError, Recovered},
};
use millpond_state::{DecodeError, State, decode_proposal};

use crate::{
    Settings,
    commit::kind,
    layout::{self, Layout},
    log_op::LogOp,
    logs::{Logs, StreamLogs},
    partition::{PartitionLog, Segment},
    room, rows,
    store::Store,
    view::{Kept, View},
};

/// Bytes of batches gathered from the journal before they go to segments.
pub(crate) const REPLAY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bytes of the lock file that are read to name its holder.
const HOLDER_BYTES_MAX: u64 = 256;

/// The directory cannot be opened. Nothing in it was changed, except by `Io` in the middle of recovery,
/// which starts anew the next time.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else has it open.
    #[error(
        "the data directory is in use by another process ({holder}); stop it first, or use another directory"
    )]
    Locked {
        /// What the holder wrote into the lock file.
        holder: String,
    },
    /// A newer version wrote it.
    #[error(
        "the data directory has format {found}, this version knows formats up to {known}: use a newer version of millpond"
    )]
    Newer {
        /// The directory's format.
        found: u32,
        /// The newest known one.
        known: u32,
    },
    /// Its FORMAT file is none.
    #[error("the FORMAT file is damaged or not ours: this is no data directory of millpond")]
    NotADataDirectory,
    /// The FORMAT file is gone, what it describes is not.
    #[error("the FORMAT file is missing although there is data: put it back, or use another directory")]
    FormatMissing,
    /// The view is gone, what it describes is not.
    #[error(
        "the view (state.redb) is missing or empty although there is data: put it back, or restore a backup"
    )]
    ViewMissing,
    /// The system failed.
    #[error("the data directory could not be read or written")]
    Io(#[from] io::Error),
    /// The view is damaged.
    #[error("the view (state.redb) cannot be read")]
    View(#[source] Box<dyn Error + Send + Sync>),
    /// The journal is damaged.
    #[error("the journal cannot be read")]
    Journal(#[source] RecoverError),
    /// Recovery could not be made durable.
    #[error("what was recovered could not be written")]
    Storage(#[source] StorageFailure),
}

impl OpenError {
    /// Whether stored bytes are damaged, so that opening again will not help.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::View(_) | Self::ViewMissing | Self::NotADataDirectory | Self::FormatMissing => true,
            Self::Journal(e) => !matches!(e, RecoverError::Io(_)),
            Self::Locked { .. } | Self::Newer { .. } | Self::Io(_) | Self::Storage(_) => false,
        }
    }
}

/// Everything an engine is made of.
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    pub(crate) journal: Journal,
    pub(crate) lock: Box<dyn Lock>,
    pub(crate) recovered: Recovered,
}

/// Opens the directory, or makes one. On a full disk once more, without the reserve.
pub(crate) fn open(
    disk: &Arc<dyn Disk>,
    root: &Path,
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
    settings: Settings,
) -> Result<Opened, OpenError> {
    let layout = Layout::new(root);
    layout.create_root(&**disk)?;
    let lock = take_lock(&**disk, &layout)?;
    let settings = fitted(settings, disk.room(root)?);
    let open = || open_locked(Arc::clone(disk), &layout, (Arc::clone(clock), Arc::clone(entropy)), settings);
    let mut opened = open();
    if matches!(&opened, Err(e) if is_shortage(e)) && room::remove_reserve(&**disk, root) {
        tracing::warn!("the disk is full: the reserve is used to recover");
        opened = open();
    }
    let (store, journal, recovered) = opened?;
    Ok(Opened { store, journal, lock, recovered })
}

/// The settings for a file system of this size: on a small one everything is smaller.
fn fitted(mut settings: Settings, room: Room) -> Settings {
    const FILE_PART: u64 = 64;
    const JOURNAL_PART: u64 = 8;
    let low_water = *settings.low_water_bytes.get_or_insert_with(|| room::low_water(room.total));
    if low_water > 0 {
        // What waits for its segment has to fit into the reserve, beside the view.
        let waiting_max = room::reserve_bytes(low_water) / 4 * 3;
        settings.unwritten_bytes_max = settings.unwritten_bytes_max.min(waiting_max);
    }
    let journal = &mut settings.journal;
    journal.file_bytes_max = journal.file_bytes_max.min(room.total / FILE_PART).max(journal.file_bytes_first);
    journal.total_bytes_max =
        journal.total_bytes_max.min(room.total / JOURNAL_PART).max(4 * journal.file_bytes_first);
    settings
}

fn open_locked(
    disk: Arc<dyn Disk>,
    layout: &Layout,
    (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
    settings: Settings,
) -> Result<(Arc<Store>, Journal, Recovered), OpenError> {
    let signed = layout.identify(&*disk)?;
    let instance = signed.unwrap_or_else(|| entropy.random());
    let (view, kept) = open_view(&disk, layout, signed.is_some())?;
    disk.create_dir(&layout.journal())?;
    disk.create_dir(&layout.streams())?;
    disk.sync_dir(layout.root())?;
    let (mark, aged_ms) = kept.as_ref().map(|kept| (kept.mark, kept.aged_ms)).unzip();
    let aged_ms = aged_ms.flatten();
    let (logs, state) = kept.map(rebuild).transpose()?.unwrap_or_default();
    let store =
        Store::new((disk, layout.clone()), (clock, entropy), settings, (view, aged_ms), (logs, state));
    let longer = store.check_segments()?;
    let (mut journal, recovered) = if let Some(mark) = mark {
        replay(&store, instance, &mark)?
    } else {
        let (disk, dir) = (&store.disk, store.layout.journal());
        let journal = Journal::create(disk, &dir, instance, settings.journal, store.stamp())?;
        (journal, Recovered { frames: 0, torn: false })
    };
    store.cut_segments(longer)?;
    first_mark(&store, &mut journal, recovered)?;
    store.remove_strangers()?;
    if signed.is_none() {
        store.layout.sign(&*store.disk, instance)?;
    }
    Ok((Arc::new(store), journal, recovered))
}

/// Sets the mark from which the new life goes on. On a full disk it waits: the journal is tied to where it
/// was then, so that the mark before leads on to what comes now.
fn first_mark(store: &Store, journal: &mut Journal, recovered: Recovered) -> Result<(), OpenError> {
    let mark = journal.mark();
    let mut behind = store.behind.lock();
    match store.room.with_reserve(|| store.set_mark(mark, &mut behind)) {
        Ok(dropped) => {
            journal.release(&mark);
            store.remove_files(&mut behind, dropped);
            Ok(())
        }
        Err(failure) if room::is_shortage(&failure) && !recovered.torn => {
            journal.tie().map_err(|_| OpenError::Storage(failure))?;
            store.room.set_short(true);
            Ok(())
        }
        Err(failure) => Err(OpenError::Storage(failure)),
    }
}

/// Opens the view. A directory that was signed has one, with a mark in it. One that was not was never
/// completely made, so nothing was ever acknowledged from it, and it is made anew; unless there is
/// something in it after all: then it lost its signature.
fn open_view(disk: &Arc<dyn Disk>, layout: &Layout, signed: bool) -> Result<(View, Option<Kept>), OpenError> {
    let path = layout.view();
    if signed {
        let (view, kept) = View::open(disk, &path)?.ok_or(OpenError::ViewMissing)?;
        return Ok((view, Some(kept)));
    }
    let view_holds = |found: Option<(View, Kept)>| found.is_some_and(|(_, kept)| kept.holds_anything());
    // A view whose making was cut short cannot be opened.
    if layout.holds_records(&**disk)? || View::open(disk, &path).is_ok_and(view_holds) {
        return Err(OpenError::FormatMissing);
    }
    Ok((View::create(disk, &path)?, None))
}

/// Takes the lock, and leaves our name in it.
pub(crate) fn take_lock(disk: &dyn Disk, layout: &Layout) -> Result<Box<dyn Lock>, OpenError> {
    disk.lock(&layout.lock(), &format!("pid={}\n", std::process::id())).map_err(|e| refused(disk, layout, e))
}

/// Keeps others from opening the directory while it is looked at; changes nothing in it.
pub(crate) fn lock_out(disk: &dyn Disk, layout: &Layout) -> Result<Option<Box<dyn Lock>>, OpenError> {
    match disk.lock_out(&layout.lock()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        locked => locked.map(Some).map_err(|e| refused(disk, layout, e)),
    }
}

fn refused(disk: &dyn Disk, layout: &Layout, e: io::Error) -> OpenError {
    if e.kind() != io::ErrorKind::WouldBlock {
        return OpenError::Io(e);
    }
    OpenError::Locked { holder: read_holder(disk, &layout.lock()).unwrap_or_else(|_| "pid unknown".into()) }
}

/// What the holder of the lock wrote into it.
fn read_holder(disk: &dyn Disk, path: &Path) -> io::Result<String> {
    let file = disk.open(path, Open::Reading)?;
    let mut bytes = vec![0; usize::try_from(file.len()?.min(HOLDER_BYTES_MAX)).unwrap_or_default()];
    file.read_exact_at(&mut bytes, 0)?;
    let text = String::from_utf8_lossy(&bytes);
    let first = text.lines().next().map(str::trim).filter(|line| !line.is_empty());
    first.map(String::from).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Logs and state as the view has them.
pub(crate) fn rebuild(kept: Kept) -> Result<(Logs, State), OpenError> {
    let state = State::from_rows(kept.state.into_iter().map(Ok::<_, DecodeError>)).map_err(damaged_view)?;
    let mut segments: BTreeMap<PartitionRef, Vec<Segment>> = BTreeMap::new();
    for (key, row) in &kept.segments {
        let (partition, base) = rows::decode_segment_key(key).ok_or_else(|| bad_row("segments"))?;
        let segment = rows::decode_segment(base, row).ok_or_else(|| bad_row("segments"))?;
        segments.entry(partition).or_default().push(segment);
    }
    let mut partitions: BTreeMap<PartitionRef, rows::PartitionRow> = BTreeMap::new();
    for (key, row) in &kept.partitions {
        let partition = rows::decode_partition_key(key).ok_or_else(|| bad_row("partitions"))?;
        partitions.insert(partition, rows::decode_partition(row).ok_or_else(|| bad_row("partitions"))?);
    }
    let mut logs = Logs { applied: kept.logs_applied, ..Logs::default() };
    for (key, row) in &kept.logs {
        let stream = StreamId::from_bytes(key).map_err(|_| bad_row("logs"))?;
        let row = rows::decode_logs(row).ok_or_else(|| bad_row("logs"))?;
        let mut of = |index| {
            let partition = PartitionRef { stream, partition: PartitionId::new(index) };
            let Some(row) = partitions.remove(&partition) else { return Ok(PartitionLog::empty(partition)) };
            let mut segments = segments.remove(&partition).unwrap_or_default();
            segments.sort_unstable_by_key(|segment| segment.base);
            if !is_whole(&row, &segments) {
                return Err(bad_row("segments"));
            }
            Ok(PartitionLog::with(partition, row.written, row.oldest, row.last_arrival_ms, segments))
        };
        let partitions =
            (0..row.partitions).map(|index| of(index).map(Arc::new)).collect::<Result<_, OpenError>>()?;
        logs.streams.insert(stream, StreamLogs { config: row.config, floor_ms: row.floor_ms, partitions });
    }
    if !partitions.is_empty() || !segments.is_empty() {
        return Err(bad_row("partitions"));
    }
    Ok((logs, state))
}

/// Whether the segments hold every record from the oldest to the last.
fn is_whole(row: &rows::PartitionRow, segments: &[Segment]) -> bool {
    let adjacent = segments.windows(2).all(|pair| matches!(pair, [a, b] if a.end == b.base));
    let ends = segments.last().map_or(row.oldest == row.written, |last| last.end == row.written);
    let begins = segments.first().is_none_or(|first| first.base <= row.oldest);
    adjacent && ends && begins && row.oldest <= row.written
}

fn bad_row(table: &str) -> OpenError {
    OpenError::View(format!("the table {table} has rows that do not belong together").into())
}

fn damaged_view(e: impl Error + Send + Sync + 'static) -> OpenError {
    OpenError::View(Box::new(e))
}

/// Folds in what the journal has behind the mark.
fn replay(store: &Store, instance: u128, mark: &Mark) -> Result<(Journal, Recovered), OpenError> {
    let (disk, dir, settings) = (&store.disk, store.layout.journal(), store.settings.journal);
    let tell = |frame: Frame| store.tell(&frame);
    let opened = Journal::recover(disk, &dir, instance, settings, store.stamp(), mark, tell);
    opened.map_err(|e| match e {
        RecoverError::Io(e) => OpenError::Io(e),
        other => OpenError::Journal(other),
    })
}

/// The journal does not fit what the view has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misfit {
    #[error("a frame of unknown kind {0}: written by a newer version")]
    Kind(u8),
    #[error("an operation on the logs that this version does not know")]
    Op,
    #[error("records of partition {0}, which does not exist")]
    Partition(PartitionRef),
    #[error("records from {found} on where {expected} must come next in partition {partition}")]
    Gap { partition: PartitionRef, expected: u64, found: u64 },
    #[error("a command without its time")]
    Command,
    #[error("records that belong to no partition")]
    Owner,
}

impl Store {
    pub(crate) fn tell(&self, frame: &Frame) -> Result<(), Box<dyn Error + Send + Sync>> {
        match frame.kind {
            kind::BATCH => self.retell_batch(frame),
            kind::COMMAND => {
                if frame.position > self.state.read().applied().get() {
                    let (time, proposal) = frame.body.split_first_chunk::<8>().ok_or(Misfit::Command)?;
                    let time = Timestamp::from_millis(i64::from_le_bytes(*time));
                    self.publish_commands([(decode_proposal(proposal)?, frame.position)], time);
                }
                Ok(())
            }
            kind::LOG_OP => {
                if frame.position > self.logs.read().applied {
                    self.publish_op(&LogOp::decode(&frame.body).ok_or(Misfit::Op)?, frame.position);
                }
                Ok(())
            }
            other => Err(Misfit::Kind(other).into()),
        }
    }

    fn retell_batch(&self, frame: &Frame) -> Result<(), Box<dyn Error + Send + Sync>> {
        let batch = Batch::read(&frame.body)?;
        let header = *batch.header();
        let partition = layout::partition_of(header.owner).ok_or(Misfit::Owner)?;
        let Some(log) = self.partition(partition) else {
            // Its stream was dropped later, and that is known already.
            let known = frame.position < self.logs.read().applied;
            return if known { Ok(()) } else { Err(Misfit::Partition(partition).into()) };
        };
        let expected = log.lock().next;
        if header.base > expected {
            return Err(Misfit::Gap { partition, expected, found: header.base }.into());
        }
        if header.base == expected {
            let mut inner = log.lock();
            inner.next = header.end();
            inner.last_arrival_ms = inner.last_arrival_ms.max(header.arrival_ms);
            drop(inner);
            self.publish_batch(&log, batch);
            if self.unwritten.lock().bytes > REPLAY_BYTES_MAX {
                // Without room they stay in memory, as they would have without a restart.
                self.write_behind(&mut self.behind.lock())
                    .or_else(|failure| if room::is_shortage(&failure) { Ok(()) } else { Err(failure) })?;
            }
        }
        Ok(())
    }
}
