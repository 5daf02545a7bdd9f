//! The file system of the machine.

use std::{
    fs,
    io::{self, Write},
    num::NonZeroU64,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use rustix::{
    fs::{Advice, FlockOperation, fadvise, flock, statvfs},
    io::Errno,
};

use super::{Disk, File, Lock, Open, Room};

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

struct RealFile(fs::File);

struct RealLock {
    _file: fs::File,
}

impl Lock for RealLock {}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        // Records and checkpoints are nobody else's business on a shared machine.
        options.read(true).write(how != Open::Reading).mode(0o600);
        options.create(matches!(how, Open::OrCreate | Open::Empty)).truncate(how == Open::Empty);
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        fs::read_dir(dir)?.map(name).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn room(&self, path: &Path) -> io::Result<Room> {
        let found = statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Room { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn Lock>> {
        // Not emptied on opening: the holder's name must stay readable for whoever is refused.
        let mut file =
            fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        try_lock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.set_len(0)?;
        file.write_all(holder.as_bytes())?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn lock_out(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let file = fs::File::open(path)?;
        try_lock(&file, FlockOperation::NonBlockingLockShared)?;
        Ok(Box::new(RealLock { _file: file }))
    }
}

fn try_lock(file: &fs::File, how: FlockOperation) -> io::Result<()> {
    match flock(file, how) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
        Err(e) => Err(e.into()),
    }
}

impl File for RealFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buf, at)
    }

    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(buf, at)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.metadata().map(|meta| meta.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn let_go(&self, at: u64, len: u64) {
        if let Some(len) = NonZeroU64::new(len) {
            let _only_a_hint = fadvise(&self.0, at, Some(len), Advice::DontNeed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_tells_its_room() {
        let dir = tempfile::tempdir().unwrap();
        let room = RealDisk.room(dir.path()).unwrap();
        assert!(room.total > 0 && room.free <= room.total, "{room:?}");
    }

    #[test]
    fn a_file_to_be_read_is_not_made_and_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        assert_eq!(RealDisk.open(&path, Open::Reading).err().unwrap().kind(), io::ErrorKind::NotFound);
        fs::write(&path, "x").unwrap();
        let file = RealDisk.open(&path, Open::Reading).unwrap();
        assert!(file.write_at(b"y", 0).is_err() && file.set_len(0).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
    }

    #[test]
    fn a_lock_has_one_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        let held = RealDisk.lock(&path, "pid=1\n").unwrap();
        assert_eq!(RealDisk.lock(&path, "pid=2\n").err().unwrap().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(fs::read_to_string(&path).unwrap(), "pid=1\n", "the refused one leaves the name alone");
        assert_eq!(RealDisk.lock_out(&path).err().unwrap().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        let (one, other) = (RealDisk.lock_out(&path).unwrap(), RealDisk.lock_out(&path).unwrap());
        assert_eq!(RealDisk.lock(&path, "pid=2\n").err().unwrap().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(fs::read_to_string(&path).unwrap(), "pid=1\n", "keeping others out changes nothing");
        drop((one, other));
        RealDisk.lock(&path, "pid=3\n").unwrap();
    }
}
