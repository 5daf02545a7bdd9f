//! The directory: what lies where, and the file that says what it is.
//!
//! ```text
//!   LOCK                         who has the directory open
//!   FORMAT                       magic, version, instance
//!   journal/J00000000 …          the journal
//!   state.redb                   the view
//!   streams/<id>/<partition>/    <first number>.seg and .idx
//! ```

use std::{
    io,
    path::{Path, PathBuf},
};

use millpond_model::PartitionRef;
use millpond_seglog::{
    Owner, crc32c,
    disk::{Disk, Open, write_atomically},
    journal::holds_groups,
};

use crate::recover::OpenError;

/// Version of the layout that this engine writes and reads.
pub(crate) const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"MILLPOND";
const FORMAT_LEN: usize = 32;

#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub(crate) fn view(&self) -> PathBuf {
        self.root.join("state.redb")
    }

    pub(crate) fn streams(&self) -> PathBuf {
        self.root.join("streams")
    }

    pub(crate) fn partition(&self, partition: PartitionRef) -> PathBuf {
        self.streams().join(partition.stream.as_str()).join(partition.partition.index().to_string())
    }

    pub(crate) fn segment(&self, partition: PartitionRef, base: u64) -> PathBuf {
        self.partition(partition).join(format!("{base:020}.seg"))
    }

    pub(crate) fn index(&self, partition: PartitionRef, base: u64) -> PathBuf {
        self.partition(partition).join(format!("{base:020}.idx"))
    }

    /// Creates the directory, durably: what was not there is synced in the directory above it, where that
    /// one may be read.
    pub(crate) fn create_root(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut created = Vec::new();
        for dir in self.root.ancestors() {
            match disk.list(dir) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => created.push(dir),
                // It is there, though it may not be read.
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => break,
                // Taken for one that is there, it would never be synced.
                Err(e) => return Err(e),
                Ok(_) => break,
            }
        }
        disk.create_dir(&self.root)?;
        for above in created.into_iter().filter_map(Path::parent) {
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            match disk.sync_dir(above) {
                Err(e) if e.kind() != io::ErrorKind::PermissionDenied => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the FORMAT file; returns the instance, or `None` when there is no such file.
    pub(crate) fn identify(&self, disk: &dyn Disk) -> Result<Option<u128>, OpenError> {
        let file = match disk.open(&self.root.join("FORMAT"), Open::Reading) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let mut bytes = [0; FORMAT_LEN];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(OpenError::NotADataDirectory),
            Err(e) => return Err(e.into()),
        }
        match decode_format(&bytes) {
            None => Err(OpenError::NotADataDirectory),
            Some((found, _)) if found > VERSION => Err(OpenError::Newer { found, known: VERSION }),
            Some((_, instance)) => Ok(Some(instance)),
        }
    }

    /// Writes the FORMAT file: the last step of making a directory, so that one with it is complete.
    pub(crate) fn sign(&self, disk: &dyn Disk, instance: u128) -> io::Result<()> {
        write_atomically(disk, &self.root, "FORMAT", &encode_format(VERSION, instance))
    }

    /// Whether journal or segments hold anything.
    pub(crate) fn holds_records(&self, disk: &dyn Disk) -> io::Result<bool> {
        let absent_is_empty =
            |e: io::Error| if e.kind() == io::ErrorKind::NotFound { Ok(true) } else { Err(e) };
        let no_streams = disk.list(&self.streams()).map(|names| names.is_empty()).or_else(absent_is_empty)?;
        let no_groups = holds_groups(disk, &self.journal()).map(|holds| !holds).or_else(absent_is_empty)?;
        Ok(!(no_streams && no_groups))
    }
}

fn encode_format(version: u32, instance: u128) -> Vec<u8> {
    let mut bytes = [MAGIC.as_slice(), &version.to_le_bytes(), &instance.to_le_bytes()].concat();
    bytes.extend(crc32c(&[&bytes]).to_le_bytes());
    bytes
}

fn decode_format(bytes: &[u8; FORMAT_LEN]) -> Option<(u32, u128)> {
    let (fields, crc) = bytes.split_last_chunk::<4>()?;
    (crc32c(&[fields]) == u32::from_le_bytes(*crc)).then_some(())?;
    let rest = fields.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*version), u128::from_le_bytes(*rest.first_chunk()?)))
}

/// The tag that the partition's batches carry.
pub(crate) fn owner(partition: PartitionRef) -> Owner {
    let mut tag = [0; 24];
    let parts = partition.stream.as_bytes().iter().copied().chain(partition.partition.index().to_le_bytes());
    for (byte, part) in tag.iter_mut().zip(parts) {
        *byte = part;
    }
    Owner(tag)
}

/// Whose batch it is by its tag; `None` when the tag is none of ours.
pub(crate) fn partition_of(owner: Owner) -> Option<PartitionRef> {
    let (stream, partition) = owner.0.split_last_chunk::<4>()?;
    Some(PartitionRef {
        stream: millpond_model::StreamId::from_bytes(stream).ok()?,
        partition: millpond_model::PartitionId::new(u32::from_le_bytes(*partition)),
    })
}

#[cfg(test)]
mod tests {
    use millpond_model::{PartitionId, StreamId};

    use super::*;

    #[test]
    fn tags_name_their_partition() {
        let partition = PartitionRef { stream: StreamId::from_random(7), partition: PartitionId::new(300) };
        assert_eq!(partition_of(owner(partition)), Some(partition));
    }

    #[test]
    fn a_format_file_is_checked() {
        let bytes: [u8; FORMAT_LEN] = encode_format(1, 42).try_into().unwrap();
        assert_eq!(decode_format(&bytes), Some((1, 42)));
        for bit in 0..FORMAT_LEN * 8 {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_format(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_a_damaged_one() {
        use millpond_seglog::disk::FaultDisk;

        let (disk, layout) = (FaultDisk::default(), Layout::new(Path::new("/data")));
        disk.create_dir(layout.root()).unwrap();
        let identify = |version| {
            write_atomically(&disk, layout.root(), "FORMAT", &encode_format(version, 42)).unwrap();
            layout.identify(&disk)
        };
        assert_eq!(identify(VERSION).unwrap(), Some(42));
        for found in [VERSION + 1, u32::MAX] {
            let refused = identify(found).unwrap_err();
            assert!(matches!(refused, OpenError::Newer { found: told, .. } if told == found), "{refused:?}");
            assert!(!refused.is_damage());
        }
    }
}
