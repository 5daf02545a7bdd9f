//! What can still be told of a journal that is damaged.
//!
//! ```text
//!   mark            damage
//!     │ told in order │ unreadable │ frames that hold again, found at multiples of 8 bytes │ …
//!     ├───────────────┼────────────┼─────────────────────────────────────────────────────────
//!                     └ what is known of it: frame headers without a body, and how many positions are missing
//! ```
//!
//! Nothing is changed here. A file whose header alone is damaged is known again by the salt that the mark or
//! the roll before it names.

use std::{
    collections::BTreeSet,
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    Frame, Journal, JournalSettings, Mark, Preparation, RecoverError, Stamp,
    file::{self, FILE_HEADER_LEN, FileHeader, FoundFile},
    frame::{FRAME_HEADER_LEN, Kind, frame_at, head_of, is_frame_header},
    recover::{Reader, refuse_copies},
};
use crate::{
    disk::{Disk, Open},
    scan::read_bytes,
};

/// Length of a file of which nothing is left to say how long it was.
const LOST_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Length of the first file of a journal that is begun anew: what is kept often fits.
const RESTART_FILE_BYTES: u64 = 64 * 1024;

/// What can still be told of a journal.
#[derive(Debug)]
pub struct Salvage {
    /// What is damaged; `None` when nothing is.
    pub damage: Option<RecoverError>,
    /// Files of which the header is damaged and the rest is not.
    pub headers: Vec<PathBuf>,
    /// The file in which reading ended, and the byte.
    pub end: (PathBuf, u64),
    /// Position of the last frame that was told.
    pub told: u64,
    /// How many of the user's frames were told.
    pub frames: u64,
    /// Whether a group that was cut short by a crash was dropped.
    pub torn: bool,
    /// Intact frames of the user's behind the damage, in the order of their positions.
    pub later: Vec<Frame>,
    /// Frames of the user's behind the damage whose header is all that holds; the body is as it is now.
    pub heads: Vec<Frame>,
    /// How many frames are missing of which nothing is known; `None` when part of a file is gone, and nobody
    /// can tell.
    pub unknown_frames: Option<u64>,
    /// Bytes that these had together, at most.
    pub unknown_bytes: u64,
    /// Highest position and group of which there is a trace.
    pub last: (u64, u64),
    /// Highest number of any file.
    pub last_file_no: u64,
    /// Files with what is damaged or comes behind it.
    pub files: Vec<PathBuf>,
}

/// Reads the journal behind `mark` as far as it holds and tells its frames to `tell`; what `tell` refuses is
/// taken for damage. Then looks for what is intact behind the damage.
///
/// # Errors
/// `Io`, and `FileTwice`: which of the two is right cannot be told.
pub fn salvage(
    disk: &dyn Disk,
    dir: &Path,
    instance: u128,
    mark: &Mark,
    tell: impl FnMut(Frame) -> Result<(), Box<dyn Error + Send + Sync>>,
) -> Result<Salvage, RecoverError> {
    let found = file::scan(disk, dir)?;
    refuse_copies(&found, instance)?;
    let mut reader = Reader::new(disk, dir, instance, &found, mark, tell);
    let mut headers = Vec::new();
    let damage = loop {
        match reader.read_all() {
            Ok(()) => break None,
            Err(RecoverError::Io(e)) => return Err(e.into()),
            Err(missing @ RecoverError::FileMissing { .. }) => {
                let wanted = (reader.file_no, reader.salt, reader.offset);
                let tried = reader.files.get(&wanted.0).is_some_and(|(_, header)| header.salt == wanted.1);
                let known = if tried { None } else { headerless(disk, dir, &found, wanted)? };
                let Some((slot, capacity)) = known else { break Some(missing) };
                let header =
                    FileHeader { file_no: wanted.0, salt: wanted.1, capacity, created_ms: 0, instance };
                reader.files.insert(wanted.0, (slot, header));
                headers.push(file::path(dir, slot));
            }
            Err(damage) => break Some(damage),
        }
    };
    if let Some(RecoverError::Refused { position, .. }) = &damage {
        reader.last_position = position - 1;
    }
    let path = reader.files.get(&reader.file_no).map(|(slot, _)| file::path(dir, *slot));
    let file_no = |file: &FoundFile| file.header.map_or(0, |header| header.file_no);
    let mut salvage = Salvage {
        headers,
        end: (path.unwrap_or_else(|| dir.to_path_buf()), reader.offset),
        told: reader.last_position,
        frames: reader.frames,
        torn: reader.torn,
        later: Vec::new(),
        heads: Vec::new(),
        unknown_frames: Some(0),
        unknown_bytes: 0,
        last: (reader.last_position, reader.last_group),
        last_file_no: found.iter().map(file_no).max().unwrap_or(0).max(reader.file_no).max(mark.file_no),
        files: Vec::new(),
        damage,
    };
    if salvage.damage.is_some() {
        let is_missing = matches!(salvage.damage, Some(RecoverError::FileMissing { .. }));
        let place = (reader.file_no, reader.salt, reader.offset);
        let known: Vec<(u32, FileHeader)> = reader.files.into_values().collect();
        salvage.look_behind(disk, dir, &found, &known, place, is_missing)?;
    }
    Ok(salvage)
}

/// The file without a readable header that must be the one with this salt: it has frames of that salt, or it
/// is the only one. It is whole, as far as can be told, and goes beyond `offset`. Returns its slot and length.
fn headerless(
    disk: &dyn Disk,
    dir: &Path,
    found: &[FoundFile],
    (_, salt, offset): (u64, u64, u64),
) -> io::Result<Option<(u32, u64)>> {
    let is_whole = |file: &&FoundFile| file.len.is_multiple_of(FILE_HEADER_LEN) && file.len > offset;
    let nameless: Vec<&FoundFile> =
        found.iter().filter(|file| file.header.is_none()).filter(is_whole).collect();
    for candidate in &nameless {
        let bytes = load(disk, &file::path(dir, candidate.slot))?;
        let first = usize::try_from(FILE_HEADER_LEN).unwrap_or(usize::MAX);
        if bytes.get(first..).is_some_and(|bytes| is_frame_header(bytes, salt)) {
            return Ok(Some((candidate.slot, candidate.len)));
        }
    }
    Ok(match nameless.as_slice() {
        [only] => Some((only.slot, only.len)),
        _ => None,
    })
}

fn load(disk: &dyn Disk, path: &Path) -> io::Result<Bytes> {
    let file = disk.open(path, Open::Reading)?;
    let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
    read_bytes(&*file, 0, len)
}

impl Salvage {
    /// Gathers what is intact in the file of the damage and in those behind it.
    fn look_behind(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        found: &[FoundFile],
        known: &[(u32, FileHeader)],
        (file_no, salt, offset): (u64, u64, u64),
        is_missing: bool,
    ) -> io::Result<()> {
        let told = self.told;
        let mut positions = BTreeSet::new();
        for file in found {
            let header = known.iter().find(|(slot, _)| *slot == file.slot).map(|(_, header)| *header);
            // One whose header is lost may belong to the place that is missing.
            let (no, salt) = match (header, file.header) {
                (Some(header), _) if header.file_no >= file_no => (header.file_no, header.salt),
                (None, None) => (file_no, salt),
                _ => continue,
            };
            self.files.push(file::path(dir, file.slot));
            let bytes = load(disk, &file::path(dir, file.slot))?;
            let start = if no == file_no { offset } else { FILE_HEADER_LEN };
            self.look_into(&bytes, salt, told, start, &mut positions);
        }
        self.later.sort_unstable_by_key(|frame| frame.position);
        self.later.dedup_by_key(|frame| frame.position);
        let unknown = (self.last.0 - told).saturating_sub(positions.len() as u64);
        self.unknown_frames = (!is_missing).then_some(unknown);
        if is_missing {
            let longest = found.iter().map(|file| file.len).max().unwrap_or(0);
            self.unknown_bytes = self.unknown_bytes.max(longest).max(LOST_FILE_BYTES);
        }
        Ok(())
    }

    fn look_into(&mut self, bytes: &Bytes, salt: u64, told: u64, start: u64, positions: &mut BTreeSet<u64>) {
        let first = usize::try_from(FILE_HEADER_LEN).unwrap_or(usize::MAX);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let (mut at, mut held, mut end) = (first, 0, start);
        while at + FRAME_HEADER_LEN <= bytes.len() {
            if let Some(frame) = frame_at(bytes, at, salt) {
                if frame.position > told {
                    positions.insert(frame.position);
                    self.last = (self.last.0.max(frame.position), self.last.1.max(frame.group));
                    if at >= start {
                        held += frame.byte_len;
                    }
                    end = at + frame.byte_len;
                    if let Kind::User(kind) = frame.kind {
                        self.later.push(Frame { position: frame.position, kind, body: frame.body });
                    }
                }
                at += frame.byte_len;
                continue;
            }
            let begun = bytes.get(at..).and_then(|bytes| head_of(bytes, salt));
            if let Some(begun) = begun.filter(|begun| begun.position > told) {
                positions.insert(begun.position);
                self.last = (self.last.0.max(begun.position), self.last.1.max(begun.group));
                let body = at + FRAME_HEADER_LEN;
                let body = bytes.slice(body..body.saturating_add(begun.body_len).min(bytes.len()));
                if let Kind::User(kind) = begun.kind {
                    self.heads.push(Frame { position: begun.position, kind, body });
                }
                end = end.max(at + FRAME_HEADER_LEN);
            }
            at += 8;
        }
        self.unknown_bytes += end.saturating_sub(start).saturating_sub(held) as u64;
    }
}

impl Journal {
    /// A journal that goes on in a new file, behind `last_file_no`, the position and the group `last`. No
    /// file that is there is touched, now or later.
    ///
    /// # Errors
    /// Those of the system.
    pub fn restart(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        instance: u128,
        stamp: Stamp,
        last_file_no: u64,
        last: (u64, u64),
    ) -> io::Result<Self> {
        disk.create_dir(dir)?;
        let found = file::scan(&**disk, dir)?;
        let slot = found.iter().map(|file| file.slot + 1).max().unwrap_or(0);
        let settings = JournalSettings {
            file_bytes_first: RESTART_FILE_BYTES,
            total_bytes_max: u64::MAX,
            ..JournalSettings::default()
        };
        let header = FileHeader {
            file_no: last_file_no + 1,
            salt: stamp.salt,
            capacity: settings.file_bytes_first,
            created_ms: stamp.now_ms,
            instance,
        };
        let dir = dir.to_path_buf();
        let preparation =
            Preparation { disk: Arc::clone(disk), dir: dir.clone(), slot, header, written: false };
        let current = preparation.run()?.0;
        let mut journal = Self::of(Arc::clone(disk), dir, instance, settings, current, slot + 1);
        (journal.last_position, journal.last_group) = last;
        Ok(journal)
    }
}
