//! The one way to files: everything stored goes through [`Disk`], so that tests can make it lie.

mod fault;
mod real;
mod shortage;

use std::{io, path::Path, sync::Arc};

pub use fault::{Fault, FaultDisk};
pub use real::RealDisk;
pub use shortage::{SyncFailed, is_shortage};

/// A file system.
///
/// A new file, a rename and a removal are durable only once the directory was synced.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// Those of the system; `NotFound` when the file is absent and not to be created.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;

    /// Creates a directory and those above it.
    ///
    /// # Errors
    /// Those of the system.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, in no order.
    ///
    /// # Errors
    /// Those of the system; `NotFound` when there is no such directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Renames a file over whatever has the new name.
    ///
    /// # Errors
    /// Those of the system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Those of the system.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// Those of the system.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// Those of the system. After one, nothing is known about the names.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// The room on the file system that holds `path`.
    ///
    /// # Errors
    /// Those of the system.
    fn room(&self, path: &Path) -> io::Result<Room>;

    /// Takes the lock that the file stands for and writes `holder` into it.
    ///
    /// # Errors
    /// `WouldBlock` when somebody else holds it.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn Lock>>;

    /// Keeps others from taking the lock that the file stands for, and changes nothing in it. Several may do
    /// so at once.
    ///
    /// # Errors
    /// `WouldBlock` when somebody holds the lock; `NotFound` when there is no such file.
    fn lock_out(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
}

/// The room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What this process may still write.
    pub free: u64,
    /// The size of all of it.
    pub total: u64,
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It must be there, and is only read.
    Reading,
    /// It must be there.
    Existing,
    /// It is created if it is not there.
    OrCreate,
    /// It is created, or emptied.
    Empty,
}

/// An open file. Closed when dropped.
pub trait File: Send + Sync {
    /// Reads up to `buf.len()` bytes; 0 only at the end.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `buf`.
    ///
    /// # Errors
    /// Those of the system. Any part of `buf` may have been written.
    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<()>;

    /// Cuts the file or fills it up with zeroes.
    ///
    /// # Errors
    /// Those of the system.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Its length in bytes.
    ///
    /// # Errors
    /// Those of the system.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// Those of the system.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Makes the bytes durable.
    ///
    /// # Errors
    /// Those of the system. After one the file must not be trusted again: what was written may be lost
    /// although a later sync succeeds.
    fn sync_data(&self) -> io::Result<()>;

    /// Says that nobody is expected to read these bytes soon, so that the system need not keep them in memory.
    /// They must be synced. Only a hint: what cannot be done is not done, and reading works as before.
    fn let_go(&self, _at: u64, _len: u64) {}

    /// Reads exactly `buf.len()` bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before; otherwise those of the system.
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, at + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// A lock; released when dropped.
pub trait Lock: Send + Sync {}

/// Writes a small file so that after a crash it is there completely or not at all.
///
/// # Errors
/// Those of the system.
pub fn write_atomically(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    let file = disk.open(&temporary, Open::Empty)?;
    file.write_at(bytes, 0)?;
    file.sync_data()?;
    disk.rename(&temporary, &dir.join(name))?;
    disk.sync_dir(dir)
}
