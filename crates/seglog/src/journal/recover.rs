//! Opening a journal: what was durable is told again, a torn tail is dropped, damage is refused.
//!
//! A tail is torn when the last group was cut short by a crash: nothing of any later group can be there,
//! because a group is written only after the one before it was synced. A frame of a later group behind a
//! bad one therefore proves that the bad one was durable: that is damage, and never cut.

use std::{
    collections::BTreeMap,
    collections::VecDeque,
    io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    EndBefore, Journal, JournalSettings, Mark, Preparation, Slot, Stamp,
    file::{self, FILE_HEADER_LEN, FileHeader, FoundFile, ReadyFile},
    frame::{FRAME_HEADER_LEN, FoundFrame, Kind, decode_roll, frame_at, head_of},
};
use crate::disk::{Disk, Open, is_shortage};

/// A frame that was durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its position.
    pub position: u64,
    /// The user's kind.
    pub kind: u8,
    /// The body.
    pub body: Bytes,
}

/// What recovery found beside the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// How many of the user's frames there were.
    pub frames: u64,
    /// Whether a group that was cut short by a crash was dropped, in whole or in part.
    pub torn: bool,
}

/// The journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The system failed.
    #[error("the journal could not be read")]
    Io(#[from] io::Error),
    /// A file that must be there is not, or is not what it must be.
    #[error("journal file number {file_no} is missing or its header is damaged")]
    FileMissing {
        /// The number it would have.
        file_no: u64,
    },
    /// Two files say that they have the same number: one is a copy, and perhaps an old one.
    #[error("there are two journal files with number {file_no}; remove the one that does not belong here")]
    FileTwice {
        /// Their number.
        file_no: u64,
    },
    /// A frame that was durable is damaged.
    #[error(
        "damage in {path} at byte {offset}: the frame at position {position} was durable and cannot be read"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// Which frame.
        position: u64,
    },
    /// The caller refused a frame.
    #[error("the frame at position {position} was refused")]
    Refused {
        /// Which frame.
        position: u64,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Journal {
    /// A new journal in an empty directory.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        instance: u128,
        settings: JournalSettings,
        stamp: Stamp,
    ) -> io::Result<Self> {
        disk.create_dir(dir)?;
        let leftovers = file::scan(&**disk, dir)?;
        Self::start(disk, dir, instance, settings, stamp, &leftovers, None)
    }

    /// Opens the journal and tells every frame behind `mark` to `tell`, in order, once all of them are known
    /// to be good.
    ///
    /// The journal goes on in a new file. The caller has to put what it was told elsewhere and keep
    /// [`Journal::mark`] before it appends anything: what lies before that mark is not told again.
    ///
    /// # Errors
    /// See [`RecoverError`]. Nothing was changed then.
    pub fn recover(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        instance: u128,
        settings: JournalSettings,
        stamp: Stamp,
        mark: &Mark,
        tell: impl FnMut(Frame) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<(Self, Recovered), RecoverError> {
        let found = file::scan(&**disk, dir)?;
        refuse_copies(&found, instance)?;
        Reader::new(&**disk, dir, instance, &found, mark, |_| Ok(())).read_all()?;
        let mut reader = Reader::new(&**disk, dir, instance, &found, mark, tell);
        reader.read_all()?;
        let recovered = Recovered { frames: reader.frames, torn: reader.torn };
        let last = (reader.last_position, reader.last_group);
        let end_before = reader.whole_end()?;
        let used = mark.file_no..=reader.file_no;
        let mut journal = match Self::start(disk, dir, instance, settings, stamp, &found, Some(&used)) {
            Ok(journal) => journal,
            Err(e) => {
                let end = end_before.filter(|_| is_shortage(&e)).ok_or(e)?;
                let ended = reader.files.get(&reader.file_no).copied();
                let last_file = ended.ok_or(RecoverError::FileMissing { file_no: reader.file_no })?;
                return Ok((
                    Self::go_on(disk, dir, settings, stamp, &found, last_file, end, last)?,
                    recovered,
                ));
            }
        };
        (journal.last_position, journal.last_group) = last;
        journal.end_before = end_before;
        Ok((journal, recovered))
    }

    /// A journal that goes on where it ended, as if nothing had happened, because there is no room for another
    /// file. What was told is durable then: the empty group that is appended proves it.
    #[expect(clippy::too_many_arguments, reason = "all that was found out about the journal")]
    fn go_on(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        settings: JournalSettings,
        stamp: Stamp,
        found: &[FoundFile],
        (slot, header): (u32, FileHeader),
        end: EndBefore,
        last: (u64, u64),
    ) -> io::Result<Self> {
        let numbers = found.iter().filter_map(|file| Some((file.slot, file.header?)));
        let earlier = numbers.filter(|(_, found)| found.instance == header.instance);
        let mut full: Vec<(u64, u32, u64)> = earlier
            .filter(|(_, found)| found.file_no < header.file_no)
            .map(|(slot, found)| (found.file_no, slot, found.capacity))
            .collect();
        full.sort_unstable();
        let next_slot = found.iter().map(|file| file.slot + 1).max().unwrap_or(0);
        let current = file::ReadyFile { slot, header, file: end.file };
        let mut journal =
            Self::of(Arc::clone(disk), dir.to_path_buf(), header.instance, settings, current, next_slot);
        journal.next_file_no =
            found.iter().filter_map(|file| file.header).map(|h| h.file_no + 1).max().unwrap_or(1);
        (journal.full, journal.offset, journal.same_file) = (full.into(), end.offset, true);
        (journal.last_position, journal.last_group) = last;
        journal.append(&[], stamp).map_err(io::Error::other)?;
        Ok(journal)
    }

    /// A journal that goes on in another file. The files with the `used` numbers, from the mark's to the last
    /// one that holds a group, are out of use until the caller kept the new mark; the others are free, and
    /// one of them is taken if there is any, so that opening again and again takes no more space.
    fn start(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        instance: u128,
        settings: JournalSettings,
        stamp: Stamp,
        found: &[FoundFile],
        used: Option<&RangeInclusive<u64>>,
    ) -> io::Result<Self> {
        let needed = |file: &FoundFile| {
            let header = file.header.filter(|h| used.is_some_and(|used| used.contains(&h.file_no)))?;
            Some((header.file_no, file.slot, header.capacity))
        };
        let mut full: Vec<(u64, u32, u64)> = found.iter().filter_map(needed).collect();
        full.sort_unstable();
        let unneeded = found.iter().filter(|file| needed(file).is_none());
        let mut free: Vec<Slot> =
            unneeded.map(|file| Slot { slot: file.slot, written: file.written() }).collect();
        let mut next_slot = found.iter().map(|file| file.slot + 1).max().unwrap_or(0);
        let file_no = found.iter().filter_map(|file| file.header).map(|h| h.file_no + 1).max().unwrap_or(1);
        let length = settings.file_bytes_first.next_multiple_of(FILE_HEADER_LEN).max(4 * FILE_HEADER_LEN);
        let Slot { slot, written } = first_slot(&mut free, length, &mut next_slot);
        let capacity = if written > 0 { written } else { length };
        let header = FileHeader { file_no, salt: stamp.salt, capacity, created_ms: stamp.now_ms, instance };
        let dir = dir.to_path_buf();
        let preparation =
            Preparation { disk: Arc::clone(disk), dir: dir.clone(), slot, header, written: written > 0 };
        let current = preparation.run()?.0;
        let mut journal = Self::of(Arc::clone(disk), dir, instance, settings, current, next_slot);
        (journal.full, journal.free) = (full.into(), free);
        Ok(journal)
    }

    /// A journal with nothing in its current file, and no other.
    pub(super) fn of(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        instance: u128,
        settings: JournalSettings,
        current: ReadyFile,
        next_slot: u32,
    ) -> Self {
        let next_file_no = current.header.file_no + 1;
        Self {
            disk,
            dir,
            instance,
            settings,
            current,
            offset: FILE_HEADER_LEN,
            last_position: 0,
            last_group: 0,
            ready: VecDeque::new(),
            full: VecDeque::new(),
            free: Vec::new(),
            next_slot,
            next_file_no,
            preparing: false,
            poisoned: false,
            buffer: Vec::new(),
            small_groups: 0,
            end_before: None,
            same_file: false,
        }
    }
}

/// The place of a file of `length`: one that was written before, else any free one, else a new one. Only a
/// file that was written before keeps its length.
fn first_slot(free: &mut Vec<Slot>, length: u64, next_slot: &mut u32) -> Slot {
    if let Some(i) = free.iter().position(|slot| slot.written >= length) {
        return free.swap_remove(i);
    }
    let slot = free.pop().map_or(*next_slot, |small| small.slot);
    *next_slot = (*next_slot).max(slot + 1);
    Slot { slot, written: 0 }
}

/// Two files with one number cannot both be right.
pub(super) fn refuse_copies(found: &[FoundFile], instance: u128) -> Result<(), RecoverError> {
    let ours = found.iter().filter_map(|file| file.header).filter(|header| header.instance == instance);
    let mut numbers: Vec<u64> = ours.map(|header| header.file_no).collect();
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
        Some(pair) => Err(RecoverError::FileTwice { file_no: pair.first().copied().unwrap_or_default() }),
        None => Ok(()),
    }
}

pub(super) struct Reader<'a, T> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    pub(super) files: BTreeMap<u64, (u32, FileHeader)>,
    tell: T,
    pub(super) file_no: u64,
    pub(super) salt: u64,
    pub(super) offset: u64,
    pub(super) last_position: u64,
    pub(super) last_group: u64,
    /// Whether the last frame ended its group.
    group_ended: bool,
    pub(super) frames: u64,
    pub(super) torn: bool,
}

enum End {
    /// The journal goes on in another file.
    Rolled,
    /// This is the end of the journal.
    Tail,
}

impl<'a, T> Reader<'a, T>
where
    T: FnMut(Frame) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
{
    pub(super) fn new(
        disk: &'a dyn Disk,
        dir: &'a Path,
        instance: u128,
        found: &[FoundFile],
        mark: &Mark,
        tell: T,
    ) -> Self {
        let ours = |file: &FoundFile| {
            file.header.filter(|h| h.instance == instance).map(|h| (h.file_no, (file.slot, h)))
        };
        Self {
            disk,
            dir,
            files: found.iter().filter_map(ours).collect(),
            tell,
            file_no: mark.file_no,
            salt: mark.salt,
            offset: mark.offset,
            last_position: mark.position,
            last_group: mark.group,
            group_ended: true,
            frames: 0,
            torn: false,
        }
    }

    pub(super) fn read_all(&mut self) -> Result<(), RecoverError> {
        while let End::Rolled = self.read_file()? {}
        Ok(())
    }

    fn read_file(&mut self) -> Result<End, RecoverError> {
        let missing = RecoverError::FileMissing { file_no: self.file_no };
        let (slot, header) =
            *self.files.get(&self.file_no).filter(|(_, h)| h.salt == self.salt).ok_or(missing)?;
        let path = file::path(self.dir, slot);
        let bytes = self.load(&path, header.capacity)?;
        let mut next_file = None;
        loop {
            let at = usize::try_from(self.offset).unwrap_or(usize::MAX);
            let Some(frame) = frame_at(&bytes, at, self.salt).filter(|frame| self.follows(frame)) else {
                if let (Some((file_no, salt)), true) = (next_file, self.group_ended) {
                    (self.file_no, self.salt, self.offset) = (file_no, salt, FILE_HEADER_LEN);
                    return Ok(End::Rolled);
                }
                return self.end(&path, &bytes);
            };
            (self.last_position, self.last_group) = (frame.position, frame.group);
            self.group_ended = frame.last;
            self.offset += frame.byte_len as u64;
            match frame.kind {
                Kind::Pad => {}
                Kind::Roll => next_file = decode_roll(&frame.body),
                Kind::User(kind) => self.tell(kind, frame)?,
            }
        }
    }

    fn load(&self, path: &Path, capacity: u64) -> Result<Bytes, RecoverError> {
        let missing = RecoverError::FileMissing { file_no: self.file_no };
        let file = self.disk.open(path, Open::Reading)?;
        if file.len()? < capacity {
            return Err(missing);
        }
        let mut bytes = vec![0; usize::try_from(capacity).map_err(|_| missing)?];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes.into())
    }

    /// Whether the frame is the one expected next.
    fn follows(&self, frame: &FoundFrame) -> bool {
        frame.position == self.last_position + 1 && frame.group == self.expected_group()
    }

    fn expected_group(&self) -> u64 {
        self.last_group + u64::from(self.group_ended)
    }

    fn tell(&mut self, kind: u8, frame: FoundFrame) -> Result<(), RecoverError> {
        let position = frame.position;
        self.frames += 1;
        (self.tell)(Frame { position, kind, body: frame.body })
            .map_err(|source| RecoverError::Refused { position, source })
    }

    /// Decides whether the bad frame at the present place is the end of the journal or damage.
    fn end(&mut self, path: &Path, bytes: &Bytes) -> Result<End, RecoverError> {
        let expected = self.expected_group();
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let mut same_group = false;
        let mut at = start;
        while at + FRAME_HEADER_LEN <= bytes.len() {
            // Its header is enough: whatever became of the rest, the group was begun.
            let head = bytes.get(at..).and_then(|bytes| head_of(bytes, self.salt));
            if let Some(head) = head.filter(|head| head.position > self.last_position) {
                if head.group > expected {
                    return Err(self.damaged(path));
                }
                same_group = true;
            }
            at += 8;
        }
        if self.later_file_is_used()? {
            return Err(self.damaged(path));
        }
        self.torn = same_group || !self.group_ended;
        Ok(End::Tail)
    }

    /// Whether a file behind the present one holds a group: the way to it was lost.
    fn later_file_is_used(&self) -> Result<bool, RecoverError> {
        for (slot, header) in self.files.range(self.file_no + 1..).map(|(_, file)| file) {
            if file::holds_group(self.disk, self.dir, *slot, header)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The end of the journal, unless it is torn: then the bytes behind it are not those of a group.
    fn whole_end(&self) -> io::Result<Option<EndBefore>> {
        let Some((slot, _)) = self.files.get(&self.file_no).filter(|_| !self.torn) else { return Ok(None) };
        let file = self.disk.open(&file::path(self.dir, *slot), Open::Existing)?;
        Ok(Some(EndBefore { file, salt: self.salt, offset: self.offset }))
    }

    fn damaged(&self, path: &Path) -> RecoverError {
        RecoverError::Damaged {
            path: path.to_path_buf(),
            offset: self.offset,
            position: self.last_position + 1,
        }
    }
}
