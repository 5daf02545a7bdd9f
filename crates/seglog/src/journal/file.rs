//! One file of the journal: its header, and how a file is made ready for use.
//!
//! ```text
//!    0  magic "MPJ1"   8  file number   24  length of the file   40  instance   60  crc of 0..60
//!    4  version u16   16  salt          32  made ready, ms       56  0          4096  groups …
//! ```
//!
//! A file is made ready before it is needed: all of it was written once, and its header, with a number and
//! a salt never used before, is durable. So a frame never lies in a file whose header could be lost.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::frame::{BLOCK, FRAME_HEADER_LEN, is_frame_header};
use crate::{
    codec::{crc32c, i64_at, put, take, u32_at, u64_at},
    disk::{Disk, File, Open},
};

/// Bytes of a file's header; its first group begins here.
pub(super) const FILE_HEADER_LEN: u64 = BLOCK as u64;

const MAGIC: [u8; 4] = *b"MPJ1";
const VERSION: u16 = 1;
/// Bytes written at a time while a file is written for the first time.
const ZERO_CHUNK: usize = 1024 * 1024;

/// A file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    /// Grows with every use of any file.
    pub(super) file_no: u64,
    /// Random, for this use of the file.
    pub(super) salt: u64,
    /// Length of the file in bytes.
    pub(super) capacity: u64,
    /// When the file was made ready.
    pub(super) created_ms: i64,
    /// The data directory it belongs to.
    pub(super) instance: u128,
}

impl FileHeader {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 4, VERSION.to_le_bytes());
        put(&mut bytes, 8, self.file_no.to_le_bytes());
        put(&mut bytes, 16, self.salt.to_le_bytes());
        put(&mut bytes, 24, self.capacity.to_le_bytes());
        put(&mut bytes, 32, self.created_ms.to_le_bytes());
        put(&mut bytes, 40, self.instance.to_le_bytes());
        let crc = crc32c(&[bytes.get(..60).unwrap_or_default()]);
        put(&mut bytes, 60, crc.to_le_bytes());
        bytes
    }

    /// `None` when the bytes are no header of this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let good = take(bytes, 0)? == MAGIC
            && u16::from_le_bytes(take(bytes, 4)?) == VERSION
            && u32_at(bytes, 60)? == crc32c(&[bytes.get(..60)?]);
        good.then_some(Self {
            file_no: u64_at(bytes, 8)?,
            salt: u64_at(bytes, 16)?,
            capacity: u64_at(bytes, 24)?,
            created_ms: i64_at(bytes, 32)?,
            instance: u128::from_le_bytes(take(bytes, 40)?),
        })
    }
}

/// A file that is ready to take groups.
pub(super) struct ReadyFile {
    pub(super) slot: u32,
    pub(super) header: FileHeader,
    pub(super) file: Arc<dyn File>,
}

/// A file of the directory that has, or could get, a place in the journal.
pub(super) struct FoundFile {
    pub(super) slot: u32,
    /// `None` when its header cannot be read.
    pub(super) header: Option<FileHeader>,
    pub(super) len: u64,
}

impl FoundFile {
    /// Its length if all of it was written once, else 0. A crash while the file was made ready can keep the
    /// header and lose what is behind it.
    pub(super) fn written(&self) -> u64 {
        self.header.map(|header| header.capacity).filter(|capacity| *capacity <= self.len).unwrap_or(0)
    }
}

pub(super) fn path(dir: &Path, slot: u32) -> PathBuf {
    dir.join(format!("J{slot:08}"))
}

/// All journal files of a directory.
pub(super) fn scan(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<FoundFile>> {
    let mut found = Vec::new();
    for name in disk.list(dir)? {
        let Some(slot) = name.strip_prefix('J').and_then(|digits| digits.parse().ok()) else { continue };
        let file = disk.open(&path(dir, slot), Open::Reading)?;
        let mut bytes = vec![0; BLOCK];
        let header = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => FileHeader::decode(&bytes),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(e) => return Err(e),
        };
        found.push(FoundFile { slot, header, len: file.len()? });
    }
    Ok(found)
}

/// Whether any file of a journal's directory holds a group.
///
/// # Errors
/// Those of the system.
pub fn holds_groups(disk: &dyn Disk, dir: &Path) -> io::Result<bool> {
    for found in scan(disk, dir)? {
        let Some(header) = found.header else { continue };
        if holds_group(disk, dir, found.slot, &header)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a group was written to the file since it got this header. One that was being made ready when a
/// crash came may be shorter than its header says; it was never used.
pub(super) fn holds_group(disk: &dyn Disk, dir: &Path, slot: u32, header: &FileHeader) -> io::Result<bool> {
    let file = disk.open(&path(dir, slot), Open::Reading)?;
    let mut first = [0; FRAME_HEADER_LEN];
    match file.read_exact_at(&mut first, FILE_HEADER_LEN) {
        Ok(()) => Ok(is_frame_header(&first, header.salt)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// The work of making a file ready; may run on another thread than the journal's.
pub struct Preparation {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) slot: u32,
    pub(super) header: FileHeader,
    /// Whether the slot holds a file of this length that was written before.
    pub(super) written: bool,
}

/// A file made ready, on its way to the journal.
pub struct Prepared(pub(super) ReadyFile);

impl Preparation {
    /// Says which file it is, for [`Journal::preparation_failed`](super::Journal::preparation_failed).
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// The same with a file of no more than `length` bytes; `None` when it is no longer anyway, or was
    /// written before and takes no room.
    pub(super) fn cut_to(&self, length: u64) -> Option<Self> {
        let capacity = length.next_multiple_of(FILE_HEADER_LEN);
        (!self.written && capacity < self.header.capacity).then(|| Self {
            disk: Arc::clone(&self.disk),
            dir: self.dir.clone(),
            header: FileHeader { capacity, ..self.header },
            ..*self
        })
    }

    /// Does the work.
    ///
    /// # Errors
    /// Those of the system; the file is then of no use, and no harm.
    pub fn run(self) -> io::Result<Prepared> {
        let how = if self.written { Open::Existing } else { Open::Empty };
        let file = self.disk.open(&path(&self.dir, self.slot), how)?;
        if !self.written {
            write_zeroes(&*file, self.header.capacity)?;
        }
        file.write_at(&self.header.encode(), 0)?;
        file.sync_data()?;
        if !self.written {
            self.disk.sync_dir(&self.dir)?;
        }
        Ok(Prepared(ReadyFile { slot: self.slot, header: self.header, file }))
    }
}

/// Overwriting bytes that were written before costs half of what growing a file costs at each sync.
fn write_zeroes(file: &dyn File, len: u64) -> io::Result<()> {
    let zeroes = vec![0; ZERO_CHUNK];
    let mut at = 0;
    while at < len {
        let chunk = usize::try_from(len - at).map_or(ZERO_CHUNK, |left| left.min(ZERO_CHUNK));
        file.write_at(zeroes.get(..chunk).unwrap_or_default(), at)?;
        at += chunk as u64;
    }
    Ok(())
}
