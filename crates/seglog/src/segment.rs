//! Segment files: a header, then batches one behind the other.
//!
//! ```text
//!    0  magic "MPS1"   8  first record number   24  owner   60  crc of 0..60
//!    4  version u16   16  created, ms           48  0       64  batches …
//! ```

use std::io;

use bytes::Bytes;

use crate::{
    Owner,
    batch::{BadBatch, Batch, BatchHeader, HEADER_LEN},
    codec::{crc32c, put, take, u32_at, u64_at},
    disk::File,
};

/// Bytes of a segment's header; its first batch begins here.
pub const SEGMENT_HEADER_LEN: usize = 64;

const MAGIC: [u8; 4] = *b"MPS1";
const VERSION: u16 = 1;

/// A segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The system failed.
    #[error("the segment could not be read")]
    Io(#[from] io::Error),
    /// The file's header is not that of the segment it should be.
    #[error("the segment header is damaged or belongs elsewhere")]
    Header,
    /// A batch is not what it should be.
    #[error("damage at byte {place}")]
    Batch {
        /// Where in the file.
        place: u64,
        /// What is wrong.
        #[source]
        source: BadBatch,
    },
}

impl SegmentError {
    /// Whether stored bytes are damaged or gone, so that trying again will not help.
    pub fn is_damage(&self) -> bool {
        match self {
            // The caller knows how long the file must be: one that ends earlier lost something.
            Self::Io(e) => matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound),
            Self::Header | Self::Batch { .. } => true,
        }
    }
}

/// The header of the segment that begins with record `base`.
pub fn encode_header(owner: Owner, base: u64, created_ms: i64) -> [u8; SEGMENT_HEADER_LEN] {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    put(&mut bytes, 0, MAGIC);
    put(&mut bytes, 4, VERSION.to_le_bytes());
    put(&mut bytes, 8, base.to_le_bytes());
    put(&mut bytes, 16, created_ms.to_le_bytes());
    put(&mut bytes, 24, owner.0);
    let crc = crc32c(&[bytes.get(..60).unwrap_or_default()]);
    put(&mut bytes, 60, crc.to_le_bytes());
    bytes
}

/// Checks that the file is the segment of `owner` that begins with record `base`.
///
/// # Errors
/// `Header` when it is not; `Io` when it cannot be read.
pub fn check_header(file: &dyn File, owner: Owner, base: u64) -> Result<(), SegmentError> {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    file.read_exact_at(&mut bytes, 0)?;
    let crc = crc32c(&[bytes.get(..60).unwrap_or_default()]);
    let good = take(&bytes, 0) == Some(MAGIC)
        && take(&bytes, 4).map(u16::from_le_bytes) == Some(VERSION)
        && u64_at(&bytes, 8) == Some(base)
        && take(&bytes, 24) == Some(owner.0)
        && u32_at(&bytes, 60) == Some(crc);
    if good { Ok(()) } else { Err(SegmentError::Header) }
}

/// A walk over the batches of a segment, from one of them on. Each is checked, also for its place.
pub struct Walk<'a> {
    file: &'a dyn File,
    owner: Owner,
    /// Where the next batch begins.
    place: u64,
    /// Number its first record must have.
    expected: u64,
    /// Where the known bytes of the file end.
    end: u64,
    chunk: Bytes,
    chunk_bytes: usize,
}

impl<'a> Walk<'a> {
    /// A walk from the batch that begins at `place` with record `expected`, up to byte `end`, reading about
    /// `chunk_bytes` at a time.
    pub fn new(
        file: &'a dyn File,
        owner: Owner,
        place: u64,
        expected: u64,
        end: u64,
        chunk_bytes: usize,
    ) -> Self {
        Self {
            file,
            owner,
            place,
            expected,
            end,
            chunk: Bytes::new(),
            chunk_bytes: chunk_bytes.max(HEADER_LEN),
        }
    }

    /// Where the next batch begins.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// `Batch` at damage, `Io` when the file cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, SegmentError> {
        if self.place >= self.end {
            return Ok(None);
        }
        let place = self.place;
        let damaged = |source| SegmentError::Batch { place, source };
        if self.chunk.len() < HEADER_LEN {
            self.fill(self.chunk_bytes)?;
        }
        let header = BatchHeader::read(&self.chunk).map_err(damaged)?;
        if header.owner != self.owner || header.base != self.expected {
            return Err(damaged(BadBatch::Misplaced));
        }
        if self.chunk.len() < header.byte_len() {
            self.fill(header.byte_len().max(self.chunk_bytes))?;
        }
        let batch = Batch::read(&self.chunk).map_err(damaged)?;
        self.chunk = self.chunk.slice(header.byte_len()..);
        self.place += header.byte_len() as u64;
        self.expected = header.end();
        Ok(Some(batch))
    }

    /// Reads anew from where the next batch begins.
    fn fill(&mut self, wanted: usize) -> Result<(), SegmentError> {
        let left = usize::try_from(self.end - self.place).unwrap_or(usize::MAX);
        let mut bytes = vec![0; wanted.min(left)];
        self.file.read_exact_at(&mut bytes, self.place)?;
        self.chunk = bytes.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        batch::DraftBatch,
        disk::{Disk, FaultDisk, Open},
    };

    const OWNER: Owner = Owner([3; 24]);

    fn segment(sizes: &[usize]) -> (FaultDisk, Arc<dyn File>, u64) {
        let disk = FaultDisk::default();
        let file = disk.open(Path::new("/s"), Open::Empty).unwrap();
        let mut bytes = encode_header(OWNER, 10, 0).to_vec();
        for (i, &size) in sizes.iter().enumerate() {
            let draft = DraftBatch::new(2, size, |body| body.resize(HEADER_LEN + size, b'x'));
            bytes.extend_from_slice(draft.place(OWNER, 10 + 2 * i as u64, 0, 0).bytes());
        }
        file.write_at(&bytes, 0).unwrap();
        (disk, file, bytes.len() as u64)
    }

    fn walk(file: &dyn File, end: u64, chunk: usize) -> Result<Vec<u64>, SegmentError> {
        let mut walk = Walk::new(file, OWNER, SEGMENT_HEADER_LEN as u64, 10, end, chunk);
        let mut bases = Vec::new();
        while let Some(batch) = walk.next_batch()? {
            bases.push(batch.header().base);
        }
        assert_eq!(walk.place(), end);
        Ok(bases)
    }

    #[test]
    fn a_walk_finds_every_batch_whatever_it_reads_at_a_time() {
        let (_disk, file, end) = segment(&[0, 1, 500, 5000, 3]);
        check_header(&*file, OWNER, 10).unwrap();
        assert!(matches!(check_header(&*file, OWNER, 11), Err(SegmentError::Header)));
        for chunk in [1, 80, 100, 1000, 1 << 20] {
            assert_eq!(walk(&*file, end, chunk).unwrap(), [10, 12, 14, 16, 18], "chunk {chunk}");
        }
    }

    #[test]
    fn damage_names_its_place() {
        let (disk, file, end) = segment(&[10, 10, 10]);
        let second = SEGMENT_HEADER_LEN + HEADER_LEN + 10;
        disk.tamper(Path::new("/s"), |bytes| bytes[second + HEADER_LEN + 3] ^= 1);
        let Err(SegmentError::Batch { place, source }) = walk(&*file, end, 4096) else {
            panic!("damage unnoticed")
        };
        assert_eq!((place, source), (second as u64, BadBatch::Body));
    }

    #[test]
    fn a_batch_in_the_wrong_place_is_damage() {
        let (disk, file, end) = segment(&[10, 10]);
        let len = HEADER_LEN + 10;
        disk.tamper(Path::new("/s"), |bytes| {
            bytes.copy_within(SEGMENT_HEADER_LEN..SEGMENT_HEADER_LEN + len, SEGMENT_HEADER_LEN + len);
        });
        let Err(SegmentError::Batch { source, .. }) = walk(&*file, end, 4096) else {
            panic!("damage unnoticed")
        };
        assert_eq!(source, BadBatch::Misplaced);
    }

    #[test]
    fn a_batch_of_another_owner_is_damage() {
        let (disk, file, end) = segment(&[10, 10]);
        let second = SEGMENT_HEADER_LEN + HEADER_LEN + 10;
        let draft = DraftBatch::new(2, 10, |body| body.resize(HEADER_LEN + 10, b'x'));
        let other = draft.place(Owner([4; 24]), 12, 0, 0);
        disk.tamper(Path::new("/s"), |bytes| bytes[second..].copy_from_slice(other.bytes()));
        let Err(SegmentError::Batch { place, source }) = walk(&*file, end, 4096) else {
            panic!("damage unnoticed")
        };
        assert_eq!((place, source), (second as u64, BadBatch::Misplaced));
    }
}
