//! Making a directory of a backup.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use millpond_seglog::disk::{Disk, Open, write_atomically};

use super::{
    BackupError, DATA, Entry, MANIFEST, Manifest,
    copy::{copy_file, sum_of},
    expect_empty,
};
use crate::{
    check::{Progress, Tell},
    layout::Layout,
    recover::take_lock,
};

/// Written last: a directory with it is complete.
const FORMAT: &str = "FORMAT";

/// Verifies every file of a backup; changes nothing.
///
/// # Errors
/// `NoManifest`, `BadManifest`, `BadFile`, `Io`.
pub fn verify(disk: &Arc<dyn Disk>, backup: &Path, progress: Tell<'_>) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(&**disk, backup)?;
    let (mut done_bytes, total_bytes) = (0, manifest.bytes());
    for entry in &manifest.files {
        progress(Progress { doing: "verifying the backup", done_bytes, total_bytes });
        let path = backup.join(DATA).join(&entry.path);
        let found = match disk.open(&path, Open::Reading) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            file => Some(file.and_then(|file| sum_of(&*file)).map_err(BackupError::io(&path))?),
        };
        expect(&path, entry, found)?;
        done_bytes += entry.bytes;
    }
    Ok(manifest)
}

/// Makes the empty directory `root` what a backup holds, after all of the backup was verified.
///
/// The file by which a data directory is known comes last: one that was broken off is not taken for one.
///
/// # Errors
/// See [`BackupError`]. What is in `root` then is of no use.
pub fn restore(
    disk: &Arc<dyn Disk>,
    backup: &Path,
    root: &Path,
    progress: Tell<'_>,
) -> Result<Manifest, BackupError> {
    expect_empty(disk, root)?;
    let manifest = verify(disk, backup, progress)?;
    let layout = Layout::new(root);
    layout.create_root(&**disk).map_err(BackupError::io(root))?;
    let _lock = take_lock(&**disk, &layout)?;
    let (mut done_bytes, total_bytes) = (0, manifest.bytes());
    let mut dirs: BTreeSet<PathBuf> = [root.to_path_buf(), layout.journal(), layout.streams()].into();
    for dir in [layout.journal(), layout.streams()] {
        disk.create_dir(&dir).map_err(BackupError::io(&dir))?;
    }
    for entry in manifest.files.iter().filter(|entry| entry.path != Path::new(FORMAT)) {
        progress(Progress { doing: "restoring", done_bytes, total_bytes });
        let (from, to) = (backup.join(DATA).join(&entry.path), root.join(&entry.path));
        if let Some(dir) = to.parent().filter(|dir| !dirs.contains(*dir)) {
            disk.create_dir(dir).map_err(BackupError::io(dir))?;
            dirs.extend(dir.ancestors().take_while(|above| above.starts_with(root)).map(Path::to_path_buf));
        }
        expect(&from, entry, Some(copy_file(&**disk, &from, &to)?))?;
        done_bytes += entry.bytes;
    }
    for dir in &dirs {
        disk.sync_dir(dir).map_err(BackupError::io(dir))?;
    }
    let path = backup.join(DATA).join(FORMAT);
    let bytes = read(&**disk, &path).map_err(BackupError::io(&path))?;
    write_atomically(&**disk, root, FORMAT, &bytes).map_err(BackupError::io(&root.join(FORMAT)))?;
    Ok(manifest)
}

fn read_manifest(disk: &dyn Disk, backup: &Path) -> Result<Manifest, BackupError> {
    let path = backup.join(MANIFEST);
    let bytes = match read(disk, &path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(BackupError::NoManifest(backup.to_path_buf()));
        }
        bytes => bytes.map_err(BackupError::io(&path))?,
    };
    let manifest = Manifest::decode(&bytes).ok_or(BackupError::BadManifest(path))?;
    let signed = manifest.files.iter().any(|entry| entry.path == Path::new(FORMAT));
    if signed { Ok(manifest) } else { Err(BackupError::BadManifest(backup.join(MANIFEST))) }
}

fn read(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Open::Reading)?;
    let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn expect(path: &Path, entry: &Entry, found: Option<(u64, u32)>) -> Result<(), BackupError> {
    if found == Some((entry.bytes, entry.crc32c)) {
        return Ok(());
    }
    let words = |bytes: u64, crc32c: u32| format!("{bytes} bytes with checksum {crc32c:08x}");
    Err(BackupError::BadFile {
        path: path.to_path_buf(),
        expected: words(entry.bytes, entry.crc32c),
        found: found.map_or_else(|| "no file".to_owned(), |(bytes, crc32c)| words(bytes, crc32c)),
    })
}
