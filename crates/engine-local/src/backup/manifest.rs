//! The list of what is in a backup.
//!
//! ```json
//! {"crc32c": "0a1b2c3d", "backup": { … }}
//! ```
//!
//! The checksum is that of the text of `backup`, byte for byte.

use std::path::{Component, Path, PathBuf};

use millpond_seglog::crc32c;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Version of the list.
const FORMAT: u32 = 1;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The version that made it.
    pub version: String,
    /// When it was made.
    pub created: String,
    /// The instance of the directory, in hexadecimal digits.
    pub instance: String,
    /// The position of the log that it goes up to.
    pub position: u64,
    /// Records in it.
    pub records: u64,
    /// Every file.
    pub files: Vec<Entry>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is in the data directory.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// CRC-32C of all its bytes.
    pub crc32c: u32,
}

#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    crc32c: String,
    #[serde(borrow)]
    backup: &'a RawValue,
}

impl Manifest {
    pub(super) fn new(version: &str, created: &str, instance: u128, position: u64) -> Self {
        Self {
            format: FORMAT,
            version: version.to_owned(),
            created: created.to_owned(),
            instance: format!("{instance:032x}"),
            position,
            records: 0,
            files: Vec::new(),
        }
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(super) fn encode(&self) -> serde_json::Result<String> {
        let backup = serde_json::value::to_raw_value(self)?;
        let crc32c = format!("{:08x}", crc32c(&[backup.get().as_bytes()]));
        serde_json::to_string(&Sealed { crc32c, backup: &backup }).map(|text| text + "\n")
    }

    /// `None` when it is damaged, newer, or names a file outside of the directory.
    pub(super) fn decode(text: &[u8]) -> Option<Self> {
        let sealed: Sealed<'_> = serde_json::from_slice(text).ok()?;
        let found = format!("{:08x}", crc32c(&[sealed.backup.get().as_bytes()]));
        (found == sealed.crc32c).then_some(())?;
        let manifest: Self = serde_json::from_str(sealed.backup.get()).ok()?;
        let inside = manifest.files.iter().all(|file| is_inside(&file.path));
        (manifest.format == FORMAT && inside).then_some(manifest)
    }
}

fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_))) && path.file_name().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(path: &str) -> Manifest {
        let mut manifest = Manifest::new("1.2.3", "today", 7, 42);
        manifest.files.push(Entry { path: path.into(), bytes: 5, crc32c: 9 });
        manifest
    }

    #[test]
    fn a_list_reads_back_and_every_flipped_bit_is_noticed() {
        let text = manifest("streams/a/0/1.seg").encode().unwrap();
        assert_eq!(Manifest::decode(text.as_bytes()), Some(manifest("streams/a/0/1.seg")));
        // The line's end does not count.
        for bit in 0..(text.len() - 1) * 8 {
            let mut bad = text.clone().into_bytes();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Manifest::decode(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_list_names_no_file_outside() {
        for path in ["/etc/passwd", "../x", "a/../../x", "./x", ""] {
            assert_eq!(Manifest::decode(manifest(path).encode().unwrap().as_bytes()), None, "{path}");
        }
    }
}
