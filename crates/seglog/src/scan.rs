//! What is intact in a segment that may be damaged, and what is not.
//!
//! ```text
//!   │ run: batches, each with the number expected │ gap │ run │ gap │
//!                                                  │
//!                                                  └ ends at the next intact batch of the owner with a
//!                                                    number not passed yet: found by its magic, decided by
//!                                                    its checksums
//! ```

use std::io;

use bytes::Bytes;
use rustix::io::Errno;

use crate::{
    Owner,
    batch::{BadBatch, Batch, BatchHeader, HEADER_LEN, MAGIC},
    disk::File,
};

/// Bytes read at a time.
const WINDOW_BYTES: usize = 1024 * 1024;
/// Bytes given up together when the device cannot read them.
const BLOCK_BYTES: usize = 4096;

/// What to look at.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Whose batches.
    pub owner: Owner,
    /// Where the first one begins.
    pub place: u64,
    /// Where the last one ends.
    pub place_end: u64,
    /// Number of the first record.
    pub base: u64,
    /// Number behind the last record; `None` when it is not known.
    pub end: Option<u64>,
}

/// A stretch of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Batches that follow each other without a gap.
    Run(Run),
    /// Bytes that are not what they should be.
    Gap(Gap),
}

/// Batches that follow each other without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where the first one begins.
    pub place: u64,
    /// Bytes they take.
    pub len: u64,
    /// Number of the first record.
    pub base: u64,
    /// Number behind the last record.
    pub end: u64,
    /// When the first batch arrived.
    pub first_arrival_ms: i64,
    /// When the last batch arrived.
    pub last_arrival_ms: i64,
    /// The latest time of any record.
    pub time_max_ms: i64,
}

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Where they begin.
    pub place: u64,
    /// How many there are; 0 when the file ends too early.
    pub len: u64,
    /// Number of the first record that is missing.
    pub base: u64,
    /// Number behind the last record that is missing; `base` when none is.
    pub end: u64,
    /// What is wrong at the first byte.
    pub what: String,
}

/// Looks at all of `extent` in `file`. `look` sees every batch that holds and the place where it begins; what
/// it refuses, in words, is damaged as well.
///
/// # Errors
/// Those of the system; bytes that the device cannot read are damage and no error.
pub fn scan(
    file: &dyn File,
    extent: Extent,
    look: impl FnMut(u64, &Batch) -> Result<(), String>,
) -> io::Result<Vec<Piece>> {
    let place_end = extent.place_end.min(file.len()?);
    let window = Window { file, end: place_end, start: 0, bytes: Bytes::new() };
    let mut scan =
        Scan { window, extent: Extent { place_end, ..extent }, look, pieces: Vec::new(), run: None };
    scan.all()?;
    Ok(scan.pieces)
}

/// Reads `len` bytes; those that the device cannot read are zeroes.
///
/// # Errors
/// Those of the system.
pub fn read_bytes(file: &dyn File, at: u64, len: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; len];
    match file.read_exact_at(&mut bytes, at) {
        Err(e) if is_lost_block(&e) => {}
        read => return read.map(|()| bytes.into()),
    }
    for (i, block) in bytes.chunks_mut(BLOCK_BYTES).enumerate() {
        match file.read_exact_at(block, at + (i * BLOCK_BYTES) as u64) {
            Err(e) if is_lost_block(&e) => block.fill(0),
            read => read?,
        }
    }
    Ok(bytes.into())
}

/// Whether the device says that it cannot read what is stored; not that something else failed.
fn is_lost_block(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::NODATA | Errno::BADMSG))
}

struct Scan<'a, L> {
    window: Window<'a>,
    extent: Extent,
    look: L,
    pieces: Vec<Piece>,
    run: Option<Run>,
}

impl<L: FnMut(u64, &Batch) -> Result<(), String>> Scan<'_, L> {
    fn all(&mut self) -> io::Result<()> {
        let (mut place, mut expected) = (self.extent.place, self.extent.base);
        while place < self.extent.place_end {
            let what = match self.batch_at(place, expected)? {
                Ok(batch) => {
                    self.extend(place, &batch);
                    place += batch.header().byte_len() as u64;
                    expected = batch.header().end();
                    continue;
                }
                Err(what) => what,
            };
            self.close();
            let Some((next, base)) = self.next_intact(place, expected)? else {
                // What the numbers behind it would be is known from elsewhere, or not at all.
                let end = self.extent.end.unwrap_or(expected).max(expected);
                let len = self.extent.place_end - place;
                self.pieces.push(Piece::Gap(Gap { place, len, base: expected, end, what }));
                return Ok(());
            };
            self.pieces.push(Piece::Gap(Gap { place, len: next - place, base: expected, end: base, what }));
            (place, expected) = (next, base);
        }
        self.close();
        if let Some(end) = self.extent.end.filter(|end| *end > expected) {
            let what = "the batches end here".to_owned();
            self.pieces.push(Piece::Gap(Gap { place, len: 0, base: expected, end, what }));
        }
        Ok(())
    }

    /// The batch at `place` if it holds, belongs here and begins with record `expected`; else why not.
    fn batch_at(&mut self, place: u64, expected: u64) -> io::Result<Result<Batch, String>> {
        let header = BatchHeader::read(&self.window.get(place, HEADER_LEN)?);
        let header = match header {
            Ok(header) => header,
            Err(e) => return Ok(Err(e.to_string())),
        };
        if !self.belongs(&header) || header.base != expected {
            let found = format!("{} (it begins with record {})", BadBatch::Misplaced, header.base);
            return Ok(Err(found));
        }
        match Batch::read(&self.window.get(place, header.byte_len())?) {
            Ok(batch) => Ok((self.look)(place, &batch).map(|()| batch)),
            Err(e) => Ok(Err(e.to_string())),
        }
    }

    fn belongs(&self, header: &BatchHeader) -> bool {
        header.owner == self.extent.owner && self.extent.end.is_none_or(|end| header.end() <= end)
    }

    /// Place and first number of the next intact batch behind the damage at `place`, where record `expected`
    /// should be.
    fn next_intact(&mut self, place: u64, expected: u64) -> io::Result<Option<(u64, u64)>> {
        let header = BatchHeader::read(&self.window.get(place, HEADER_LEN)?).ok();
        // A header that holds says where its batch ends: nothing within it is mistaken for a batch.
        let known = header.filter(|header| self.belongs(header) && header.base == expected);
        let (mut at, least) = known.map_or((place + 1, expected), |h| (place + h.byte_len() as u64, h.end()));
        while at < self.extent.place_end {
            let bytes = self.window.get(at, WINDOW_BYTES)?;
            let Some(hit) = bytes.windows(MAGIC.len()).position(|bytes| bytes == MAGIC) else {
                at += (bytes.len().saturating_sub(MAGIC.len() - 1) as u64).max(1);
                continue;
            };
            let candidate = at + hit as u64;
            let header = BatchHeader::read(&self.window.get(candidate, HEADER_LEN)?).ok();
            if let Some(header) = header.filter(|header| self.belongs(header) && header.base >= least) {
                let batch = Batch::read(&self.window.get(candidate, header.byte_len())?);
                if batch.is_ok_and(|batch| (self.look)(candidate, &batch).is_ok()) {
                    return Ok(Some((candidate, header.base)));
                }
            }
            at = candidate + 1;
        }
        Ok(None)
    }

    fn extend(&mut self, place: u64, batch: &Batch) {
        let header = batch.header();
        let run = self.run.get_or_insert(Run {
            place,
            len: 0,
            base: header.base,
            end: header.base,
            first_arrival_ms: header.arrival_ms,
            last_arrival_ms: header.arrival_ms,
            time_max_ms: i64::MIN,
        });
        run.len += header.byte_len() as u64;
        run.end = header.end();
        run.last_arrival_ms = run.last_arrival_ms.max(header.arrival_ms);
        run.time_max_ms = run.time_max_ms.max(header.time_max_ms);
    }

    fn close(&mut self) {
        self.pieces.extend(self.run.take().map(Piece::Run));
    }
}

/// Part of a file in memory.
struct Window<'a> {
    file: &'a dyn File,
    /// Bytes of the file that count.
    end: u64,
    start: u64,
    bytes: Bytes,
}

impl Window<'_> {
    /// The bytes from `at` on: `len`, or as many as there are.
    fn get(&mut self, at: u64, len: usize) -> io::Result<Bytes> {
        let left = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let len = len.min(left);
        let inside = |window: &Self| {
            let start = usize::try_from(at.checked_sub(window.start)?).ok()?;
            let end = start.checked_add(len).filter(|end| *end <= window.bytes.len())?;
            Some(window.bytes.slice(start..end))
        };
        if let Some(bytes) = inside(self) {
            return Ok(bytes);
        }
        self.bytes = read_bytes(self.file, at, len.max(WINDOW_BYTES).min(left))?;
        self.start = at;
        Ok(self.bytes.slice(..len))
    }
}

#[cfg(test)]
mod tests;
