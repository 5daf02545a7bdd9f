//! The journal: everything is written here first, in groups, each with one write and one sync.
//!
//! Positions count frames from 1 and never go back. A group is durable when [`Journal::append`] returns;
//! there is one group in flight at a time, so only the last one can be torn. Files are made ready ahead of
//! need, overwritten rather than grown, and used again once what they hold was put elsewhere.
//!
//! ```text
//!   file 7 (full)            file 8 (in use)          file 9 (ready)        slot free
//!   ├─group─┬─group─┬─roll─┤ ├─group─┬─group─┬ …      ├─                    ├─
//!                        └──▶ number and salt of file 8
//! ```

mod file;
mod frame;
mod recover;
mod salvage;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, io, path::PathBuf, sync::Arc};

use self::{
    file::{FILE_HEADER_LEN, FileHeader, ReadyFile},
    frame::{BLOCK, FRAME_HEADER_LEN, GroupBuilder, Kind, encode_roll, frame_len},
};
use crate::disk::{Disk, File, is_shortage};

pub use file::{Preparation, Prepared, holds_groups};
pub use recover::{Frame, RecoverError, Recovered};
pub use salvage::{Salvage, salvage};

/// The buffer is halved after so many groups that needed less than a quarter of it …
const SMALL_GROUPS_MAX: u32 = 64;
/// … down to this.
const BUFFER_BYTES_MIN: usize = 64 * 1024;

/// Sizes of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// Length of the first file; each new one is twice as long as the longest so far.
    pub file_bytes_first: u64,
    /// Length at which files stop growing.
    pub file_bytes_max: u64,
    /// Length of all files together above which the journal waits for a release.
    pub total_bytes_max: u64,
}

impl Default for JournalSettings {
    /// 1 MiB to 64 MiB a file, 512 MiB in all: a fresh directory stays small until load comes.
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { file_bytes_first: MIB, file_bytes_max: 64 * MIB, total_bytes_max: 512 * MIB }
    }
}

/// A place between two groups: everything before it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Number of the file.
    pub file_no: u64,
    /// Salt of the file, so that a later use of it is not mistaken for it.
    pub salt: u64,
    /// Byte of the file where the next group begins.
    pub offset: u64,
    /// Position of the last frame before the mark; 0 when there is none.
    pub position: u64,
    /// Number of the last group before the mark; 0 when there is none.
    pub group: u64,
}

/// A group was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// All files are in use. Nothing was written; release some, then try again.
    #[error("the journal is full until some of it is released")]
    Full,
    /// No further file could be made ready. Nothing was written.
    #[error("no journal file could be made ready")]
    Prepare(#[source] io::Error),
    /// Writing or syncing failed: the group may or may not be durable, and the journal takes no more.
    #[error("the journal could not be written")]
    Failed(#[source] io::Error),
    /// An earlier write or sync failed.
    #[error("the journal failed before and takes no more")]
    Poisoned,
}

/// The journal, open for appending.
pub struct Journal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    instance: u128,
    settings: JournalSettings,
    current: ReadyFile,
    /// Byte of the current file where the next group begins.
    offset: u64,
    last_position: u64,
    last_group: u64,
    ready: VecDeque<ReadyFile>,
    /// Files that hold groups not yet released, oldest first: number, slot, length.
    full: VecDeque<(u64, u32, u64)>,
    free: Vec<Slot>,
    next_slot: u32,
    next_file_no: u64,
    preparing: bool,
    poisoned: bool,
    buffer: Vec<u8>,
    /// How many groups in a row needed little of the buffer.
    small_groups: u32,
    /// Where the journal ended that this one goes on from, if its end was whole.
    end_before: Option<EndBefore>,
    /// Whether it goes on in the very file in which it ended.
    same_file: bool,
}

/// The end of a journal that was opened again.
struct EndBefore {
    file: Arc<dyn File>,
    salt: u64,
    /// Byte of the file behind its last group.
    offset: u64,
}

/// A file nobody needs.
struct Slot {
    slot: u32,
    /// Its length if all of it was written once, else 0.
    written: u64,
}

/// The randomness and the time that a new file's header takes.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// 64 random bits.
    pub salt: u64,
    /// The time of day.
    pub now_ms: i64,
}

impl Journal {
    /// Bytes that a frame with a body of `body_len` takes in the file.
    pub fn frame_byte_len(body_len: usize) -> usize {
        frame_len(body_len)
    }

    /// Position that the first frame of the next group will have.
    pub fn next_position(&self) -> u64 {
        self.last_position + 1
    }

    /// The place behind everything appended.
    pub fn mark(&self) -> Mark {
        Mark {
            file_no: self.current.header.file_no,
            salt: self.current.header.salt,
            offset: self.offset,
            position: self.last_position,
            group: self.last_group,
        }
    }

    /// Bytes in files that are not released, the current one included.
    pub fn used_bytes(&self) -> u64 {
        self.full.iter().map(|(.., len)| len).sum::<u64>() + self.offset
    }

    /// Appends a group of frames, each a kind from 1 to 0x7f and a body, with one write and one sync. The
    /// first has `next_position()`, the others follow. A group without frames marks everything before it
    /// as durable.
    ///
    /// # Errors
    /// See [`AppendError`]; only after `Failed` it is unknown whether the group is durable.
    ///
    /// # Panics
    /// When a kind is outside 1 to 0x7f.
    pub fn append(&mut self, frames: &[(u8, &[u8])], stamp: Stamp) -> Result<(), AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        assert!(frames.iter().all(|(kind, _)| (1..0x80).contains(kind)), "other kinds are the journal's own");
        let bodies: usize = frames.iter().map(|(_, body)| frame_len(body.len())).sum();
        let needed = (bodies + FRAME_HEADER_LEN).next_multiple_of(BLOCK) as u64;
        if self.offset + needed > self.room_end() {
            self.roll(needed, stamp)?;
        }
        let mut group = self.begin_group(needed);
        for (kind, body) in frames {
            group.push(Kind::User(*kind), body);
        }
        self.write_group(group)
    }

    /// After [`Journal::recover`], instead of a mark that could not be kept: ties the journal to the files it
    /// goes on from, so that the mark before still leads to what is appended now. Needs no room.
    ///
    /// # Errors
    /// `Failed` when it could not be written, or when the end was torn and cannot be tied to; nothing may be
    /// appended then.
    pub fn tie(&mut self) -> Result<(), AppendError> {
        if self.same_file {
            return Ok(());
        }
        let torn = || io::Error::other("the journal ends in a group that was cut short");
        let Some(end) = self.end_before.take() else { return Err(AppendError::Failed(torn())) };
        let buffer = std::mem::take(&mut self.buffer);
        let mut closing = GroupBuilder::new(end.salt, self.last_group + 1, self.last_position + 1, buffer);
        closing.push(Kind::Roll, &encode_roll(self.current.header.file_no, self.current.header.salt));
        let (bytes, next_position) = closing.finish();
        if let Err(e) = end.file.write_at(&bytes, end.offset).and_then(|()| end.file.sync_data()) {
            self.poisoned = true;
            return Err(AppendError::Failed(e));
        }
        self.last_position = next_position - 1;
        self.last_group += 1;
        Ok(())
    }

    /// Where groups have to end so that the closing one still fits.
    fn room_end(&self) -> u64 {
        self.current.header.capacity - BLOCK as u64
    }

    fn begin_group(&mut self, byte_len: u64) -> GroupBuilder {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.reserve(usize::try_from(byte_len).unwrap_or_default());
        GroupBuilder::new(self.current.header.salt, self.last_group + 1, self.last_position + 1, buffer)
    }

    fn write_group(&mut self, group: GroupBuilder) -> Result<(), AppendError> {
        let (bytes, next_position) = group.finish();
        let file = &self.current.file;
        if let Err(e) = file.write_at(&bytes, self.offset).and_then(|()| file.sync_data()) {
            self.poisoned = true;
            return Err(AppendError::Failed(e));
        }
        self.offset += bytes.len() as u64;
        self.last_position = next_position - 1;
        self.last_group += 1;
        self.keep_buffer(bytes);
        Ok(())
    }

    /// Keeps the memory for the next group. What only a rare large group needs is given back after a while.
    fn keep_buffer(&mut self, buffer: Vec<u8>) {
        self.small_groups = if buffer.len() < buffer.capacity() / 4 { self.small_groups + 1 } else { 0 };
        self.buffer = buffer;
        if self.small_groups >= SMALL_GROUPS_MAX {
            self.small_groups = 0;
            self.buffer.shrink_to((self.buffer.capacity() / 2).max(BUFFER_BYTES_MIN));
        }
    }

    /// Closes the current file and goes on in another with room for `needed` bytes.
    fn roll(&mut self, needed: u64, stamp: Stamp) -> Result<(), AppendError> {
        let length = needed + FILE_HEADER_LEN + BLOCK as u64;
        while self.ready.front().is_some_and(|ready| ready.header.capacity < length) {
            let small = self.ready.pop_front().expect("the front was just looked at");
            self.free.push(Slot { slot: small.slot, written: small.header.capacity });
        }
        if self.ready.is_empty() {
            self.make_ready(length, stamp)?;
        }
        let Some(next) = self.ready.pop_front() else { return Err(AppendError::Full) };
        let mut closing = self.begin_group(BLOCK as u64);
        closing.push(Kind::Roll, &encode_roll(next.header.file_no, next.header.salt));
        self.write_group(closing)?;
        let full = std::mem::replace(&mut self.current, next);
        self.full.push_back((full.header.file_no, full.slot, full.header.capacity));
        self.offset = FILE_HEADER_LEN;
        Ok(())
    }

    /// Makes a file ready that has room for `length` bytes: a long one, or on a full disk just that.
    fn make_ready(&mut self, length: u64, stamp: Stamp) -> Result<(), AppendError> {
        let mut preparation = self.plan(length, stamp).ok_or(AppendError::Full)?;
        loop {
            let (slot, short) = (preparation.slot(), preparation.cut_to(length));
            match preparation.run() {
                Ok(prepared) => {
                    self.add(prepared);
                    return Ok(());
                }
                Err(e) => {
                    let Some(short) = short.filter(|_| is_shortage(&e)) else {
                        self.preparation_failed(slot);
                        return Err(AppendError::Prepare(e));
                    };
                    preparation = short;
                }
            }
        }
    }

    /// The work that would make the next file ready ahead of need, if one is wanted and none is under way.
    /// Give the result to [`Journal::add`], or say [`Journal::preparation_failed`].
    pub fn prepare(&mut self, stamp: Stamp) -> Option<Preparation> {
        if self.poisoned || self.preparing || !self.ready.is_empty() {
            return None;
        }
        self.plan(0, stamp)
    }

    fn plan(&mut self, length_min: u64, stamp: Stamp) -> Option<Preparation> {
        let grown = self.longest().saturating_mul(2).min(self.settings.file_bytes_max);
        let length = grown.max(self.settings.file_bytes_first).max(length_min).next_multiple_of(BLOCK as u64);
        let reusable = self.free.iter().position(|slot| slot.written >= length);
        let in_files: u64 = self.full.iter().map(|(.., len)| len).sum::<u64>() + self.current.header.capacity;
        if reusable.is_none()
            && in_files + length > self.settings.total_bytes_max.max(length)
            && !self.full.is_empty()
        {
            return None;
        }
        let (slot, written) = match reusable.map(|i| self.free.swap_remove(i)) {
            Some(found) => (found.slot, found.written),
            None => (self.fresh_slot(), 0),
        };
        let header = FileHeader {
            file_no: self.next_file_no,
            salt: stamp.salt,
            capacity: if written > 0 { written } else { length },
            created_ms: stamp.now_ms,
            instance: self.instance,
        };
        self.next_file_no += 1;
        self.preparing = true;
        Some(Preparation {
            disk: Arc::clone(&self.disk),
            dir: self.dir.clone(),
            slot,
            header,
            written: written > 0,
        })
    }

    /// A slot whose file, if there is one, is written anew.
    fn fresh_slot(&mut self) -> u32 {
        if let Some(small) = self.free.pop() {
            return small.slot;
        }
        self.next_slot += 1;
        self.next_slot - 1
    }

    fn longest(&self) -> u64 {
        let free = self.free.iter().map(|slot| slot.written);
        let full = self.full.iter().map(|(.., len)| *len);
        let ready = self.ready.iter().map(|ready| ready.header.capacity);
        free.chain(full).chain(ready).chain([self.current.header.capacity]).max().unwrap_or(0)
    }

    /// Takes a file that was made ready. One that comes after the journal went on in a file with a larger
    /// number is no more than a free place: numbers grow along the journal.
    pub fn add(&mut self, prepared: Prepared) {
        self.preparing = false;
        let Prepared(file) = prepared;
        let last = self.ready.back().unwrap_or(&self.current).header.file_no;
        if file.header.file_no > last {
            self.ready.push_back(file);
        } else {
            self.free.push(Slot { slot: file.slot, written: file.header.capacity });
        }
    }

    /// Says that making a file ready came to nothing. The next try begins the same file anew, so that
    /// trying on a full disk does not leave ever more behind.
    pub fn preparation_failed(&mut self, slot: u32) {
        self.preparing = false;
        self.free.push(Slot { slot, written: 0 });
    }

    /// Says that everything before `mark` was put elsewhere, durably: files that end before it are free.
    pub fn release(&mut self, mark: &Mark) {
        while let Some((_, slot, written)) = self.full.pop_front_if(|(file_no, ..)| *file_no < mark.file_no) {
            self.free.push(Slot { slot, written });
        }
    }
}
