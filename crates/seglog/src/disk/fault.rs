//! A file system in memory that loses what was not synced.
//!
//! ```text
//!   write_at ─▶ pending writes ── sync_data ─▶ durable bytes
//!   open/rename/remove ─▶ pending names ── sync_dir ─▶ durable names
//!   create_dir/remove_dir ─▶ pending directories ── sync_dir of the one above ─▶ durable directories
//!
//!   crash(random):  every pending 512-byte sector and every pending name is kept or lost by itself;
//!                   a directory that is lost takes everything in it along
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Disk, File, Lock, Open, Room};

const SECTOR: usize = 512;

/// A file system in memory that loses what was not synced. Clones are the same file system.
#[derive(Clone, Default)]
pub struct FaultDisk(Arc<Mutex<World>>);

/// An error to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which operation fails, counted from 0 over the life of the disk.
    pub operation: u64,
    /// Whether all later ones fail as well.
    pub sticky: bool,
    /// With what.
    pub error: io::ErrorKind,
}

#[derive(Default)]
struct World {
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
    durable_dirs: BTreeSet<PathBuf>,
    files: BTreeMap<u64, Content>,
    locks: BTreeSet<PathBuf>,
    next_file: u64,
    operations: u64,
    syncs: u64,
    let_go: u64,
    fault: Option<Fault>,
    /// Bytes that all files together may have.
    capacity: Option<u64>,
}

#[derive(Clone, Default)]
struct Content {
    current: Vec<u8>,
    /// What was durable before the first failed sync.
    durable: Vec<u8>,
    /// What was to be synced from then on, and whether that is in doubt.
    since_failure: Vec<(Pending, bool)>,
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

struct FaultFile {
    world: Arc<Mutex<World>>,
    id: u64,
    writable: bool,
}

impl FaultFile {
    fn refuse_reader(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

struct FaultLock {
    world: Arc<Mutex<World>>,
    path: PathBuf,
}

impl Lock for FaultLock {}

/// Nobody is kept out in memory: no test takes a lock while a reader looks.
struct NoLock;

impl Lock for NoLock {}

impl Drop for FaultLock {
    fn drop(&mut self) {
        self.world.lock().locks.remove(&self.path);
    }
}

impl FaultDisk {
    /// What a power cut at this moment leaves: each pending sector and name survives when `keep` says so.
    /// The original goes on undisturbed.
    #[must_use]
    pub fn crash(&self, mut keep: impl FnMut() -> bool) -> Self {
        let world = self.0.lock();
        let mut names = world.durable_names.clone();
        for (path, id) in &world.names {
            if names.get(path) != Some(id) && keep() {
                names.insert(path.clone(), *id);
            }
        }
        for path in world.durable_names.keys() {
            if !world.names.contains_key(path) && keep() {
                names.remove(path);
            }
        }
        let dirs = world.crash_dirs(&mut keep);
        names.retain(|path, _| path.parent().is_none_or(|dir| dirs.contains(dir)));
        let files = world.files.iter().map(|(id, content)| (*id, content.crash(&mut keep))).collect();
        Self(Arc::new(Mutex::new(World {
            durable_names: names.clone(),
            names,
            durable_dirs: dirs.clone(),
            dirs,
            files,
            next_file: world.next_file,
            ..World::default()
        })))
    }

    /// How many operations there have been; each call that a fault can hit counts.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// How many times file contents were synced.
    pub fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// How many bytes the system was told not to keep in memory.
    pub fn bytes_let_go(&self) -> u64 {
        self.0.lock().let_go
    }

    /// Lets an operation fail from now on; `None` ends all failing.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.0.lock().fault = fault;
    }

    /// Limits the bytes of all files together; `None` ends the limit. What does not fit is written in part.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.0.lock().capacity = capacity;
    }

    /// Bytes of all files together.
    pub fn used_bytes(&self) -> u64 {
        self.0.lock().used()
    }

    /// The paths of all files.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.0.lock().names.keys().cloned().collect()
    }

    /// The bytes of a file.
    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let world = self.0.lock();
        world.files.get(world.names.get(path)?).map(|content| content.current.clone())
    }

    /// Removes a file behind everybody's back, durably.
    pub fn lose(&self, path: &Path) {
        let mut world = self.0.lock();
        world.names.remove(path);
        world.durable_names.remove(path);
    }

    /// Changes the stored bytes of a file behind everybody's back, durably.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut world = self.0.lock();
        let Some(id) = world.names.get(path).copied() else { return };
        if let Some(content) = world.files.get_mut(&id) {
            change(&mut content.current);
            let current = std::mem::take(&mut content.current);
            *content = Content { durable: current.clone(), current, ..Content::default() };
        }
    }
}

impl World {
    fn step(&mut self) -> io::Result<()> {
        let operation = self.operations;
        self.operations += 1;
        match self.fault {
            Some(f) if f.operation == operation || (f.sticky && operation > f.operation) => {
                Err(f.error.into())
            }
            _ => Ok(()),
        }
    }

    /// The directories that are there after a power cut: the root of the file system always is.
    fn crash_dirs(&self, keep: &mut impl FnMut() -> bool) -> BTreeSet<PathBuf> {
        let mut dirs = BTreeSet::from([PathBuf::from("/")]);
        // In this order a directory comes before those in it.
        for dir in self.dirs.union(&self.durable_dirs).filter(|dir| dir.parent().is_some()) {
            let (now, durable) = (self.dirs.contains(dir), self.durable_dirs.contains(dir));
            let there = if now == durable || keep() { now } else { durable };
            if there && dir.parent().is_some_and(|above| dirs.contains(above)) {
                dirs.insert(dir.clone());
            }
        }
        dirs
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|id| self.files.get(id)).map(|file| file.current.len() as u64).sum()
    }

    /// Up to which byte a file may be written.
    fn end_max(&mut self, id: u64) -> io::Result<usize> {
        let Some(capacity) = self.capacity else { return Ok(usize::MAX) };
        let free = capacity.saturating_sub(self.used());
        Ok(self.content(id)?.current.len().saturating_add(place(free)))
    }

    fn content(&mut self, id: u64) -> io::Result<&mut Content> {
        self.files.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Content {
    fn write(&mut self, at: usize, bytes: &[u8]) {
        self.pending.push(Pending::Write { at, bytes: bytes.to_vec() });
        overwrite(&mut self.current, at, bytes);
    }

    fn crash(&self, keep: &mut impl FnMut() -> bool) -> Self {
        let mut bytes = self.durable.clone();
        for (pending, in_doubt) in &self.since_failure {
            pending.keep(&mut bytes, || !in_doubt || keep());
        }
        for pending in &self.pending {
            pending.keep(&mut bytes, &mut *keep);
        }
        Self { current: bytes.clone(), durable: bytes, ..Self::default() }
    }

    /// A sync that fails leaves in doubt what it was for, and as with a real file no later sync takes care of
    /// it.
    fn sync(&mut self, fails: bool) {
        for pending in std::mem::take(&mut self.pending) {
            if fails || !self.since_failure.is_empty() {
                self.since_failure.push((pending, fails));
            } else {
                pending.keep(&mut self.durable, || true);
            }
        }
    }
}

impl Pending {
    /// Changes `bytes` by those parts of it that are kept.
    fn keep(&self, bytes: &mut Vec<u8>, mut keep: impl FnMut() -> bool) {
        match self {
            Self::Length(len) if keep() => bytes.resize(*len, 0),
            Self::Length(_) => {}
            Self::Write { at, bytes: written } => {
                for (start, sector) in sectors(*at, written) {
                    if keep() {
                        overwrite(bytes, start, sector);
                    }
                }
            }
        }
    }
}

/// The parts of a write that lie in different sectors of the file.
fn sectors(at: usize, mut bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let (mut start, mut parts) = (at, Vec::new());
    while !bytes.is_empty() {
        let room = SECTOR - start % SECTOR;
        let (part, rest) = bytes.split_at(room.min(bytes.len()));
        parts.push((start, part));
        (start, bytes) = (start + part.len(), rest);
    }
    parts
}

fn overwrite(target: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if target.len() < end {
        target.resize(end, 0);
    }
    if let Some(place) = target.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("a file in memory fits the address space")
}

impl Disk for FaultDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut world = self.0.lock();
        world.step()?;
        let id = match world.names.get(path) {
            Some(id) => *id,
            None if matches!(how, Open::Existing | Open::Reading) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            None => {
                let id = world.next_file;
                world.next_file += 1;
                world.files.insert(id, Content::default());
                world.names.insert(path.into(), id);
                id
            }
        };
        let content = world.content(id)?;
        if how == Open::Empty && !content.current.is_empty() {
            content.pending.push(Pending::Length(0));
            content.current.clear();
        }
        Ok(Arc::new(FaultFile { world: Arc::clone(&self.0), id, writable: how != Open::Reading }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.0.lock();
        world.step()?;
        world.dirs.extend(path.ancestors().map(Path::to_path_buf));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut world = self.0.lock();
        world.step()?;
        if !world.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let entries = world.names.keys().chain(&world.dirs).filter(|path| path.parent() == Some(dir));
        Ok(entries.filter_map(|path| path.file_name().and_then(OsStr::to_str)).map(String::from).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.0.lock();
        world.step()?;
        let id = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.into(), id);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut world = self.0.lock();
        world.step()?;
        world.names.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.0.lock();
        world.step()?;
        let inside = |entry: &PathBuf| entry.parent() == Some(path);
        if world.names.keys().any(inside) || world.dirs.iter().any(inside) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        if world.dirs.remove(path) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.0.lock();
        world.step()?;
        let here = |path: &PathBuf| path.parent() == Some(dir);
        let current: Vec<_> =
            world.names.iter().filter(|(path, _)| here(path)).map(|(p, id)| (p.clone(), *id)).collect();
        world.durable_names.retain(|path, _| !here(path));
        world.durable_names.extend(current);
        let current: Vec<_> = world.dirs.iter().filter(|path| here(path)).cloned().collect();
        world.durable_dirs.retain(|path| !here(path));
        world.durable_dirs.extend(current);
        Ok(())
    }

    fn room(&self, _path: &Path) -> io::Result<Room> {
        let world = self.0.lock();
        let total = world.capacity.unwrap_or(u64::MAX);
        Ok(Room { free: total.saturating_sub(world.used()), total })
    }

    fn lock(&self, path: &Path, _holder: &str) -> io::Result<Box<dyn Lock>> {
        let mut world = self.0.lock();
        world.step()?;
        if !world.locks.insert(path.into()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(FaultLock { world: Arc::clone(&self.0), path: path.into() }))
    }

    fn lock_out(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut world = self.0.lock();
        world.step()?;
        if world.locks.contains(path) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(NoLock))
    }
}

impl File for FaultFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let mut world = self.world.lock();
        world.step()?;
        let content = world.content(self.id)?;
        let rest = content.current.get(place(at)..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.refuse_reader()?;
        let mut world = self.world.lock();
        world.step()?;
        let end = world.end_max(self.id)?;
        let fits = end.saturating_sub(place(at)).min(buf.len());
        world.content(self.id)?.write(place(at), buf.get(..fits).unwrap_or_default());
        if fits < buf.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.refuse_reader()?;
        let mut world = self.world.lock();
        world.step()?;
        if place(len) > world.end_max(self.id)? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let content = world.content(self.id)?;
        content.pending.push(Pending::Length(place(len)));
        content.current.resize(place(len), 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut world = self.world.lock();
        world.step()?;
        world.content(self.id).map(|content| content.current.len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut world = self.world.lock();
        let stepped = world.step();
        world.content(self.id)?.sync(stepped.is_err());
        stepped?;
        world.syncs += 1;
        Ok(())
    }

    /// # Panics
    /// When not all of it is synced.
    fn let_go(&self, at: u64, len: u64) {
        let mut world = self.world.lock();
        world.let_go += len;
        let wanted = place(at)..place(at + len);
        let Ok(content) = world.content(self.id) else { return };
        let is_unsynced = |pending: &Pending| match pending {
            Pending::Write { at, bytes } => *at < wanted.end && at + bytes.len() > wanted.start,
            Pending::Length(_) => true,
        };
        assert!(!content.pending.iter().any(is_unsynced), "bytes are let go before they are synced");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(disk: &FaultDisk, path: &str, bytes: &[u8]) -> Arc<dyn File> {
        let file = disk.open(Path::new(path), Open::OrCreate).unwrap();
        file.write_at(bytes, 0).unwrap();
        file
    }

    #[test]
    fn a_crash_loses_what_was_not_synced() {
        let disk = FaultDisk::default();
        disk.create_dir(Path::new("/d")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        write(&disk, "/d/unsynced", b"x");
        write(&disk, "/d/no-name", b"x").sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        write(&disk, "/d/late", b"x").sync_data().unwrap();
        let nothing = disk.crash(|| false);
        assert_eq!(nothing.read(Path::new("/d/unsynced")), Some(vec![]));
        assert_eq!(nothing.read(Path::new("/d/no-name")), Some(b"x".to_vec()));
        assert_eq!(nothing.read(Path::new("/d/late")), None);
        let all = disk.crash(|| true);
        assert_eq!(all.read(Path::new("/d/unsynced")), Some(b"x".to_vec()));
        assert_eq!(all.read(Path::new("/d/late")), Some(b"x".to_vec()));
    }

    #[test]
    fn a_directory_that_is_lost_takes_its_files_along() {
        let disk = FaultDisk::default();
        disk.create_dir(Path::new("/a/b")).unwrap();
        write(&disk, "/a/b/f", b"x").sync_data().unwrap();
        disk.sync_dir(Path::new("/a/b")).unwrap();
        disk.sync_dir(Path::new("/a")).unwrap();
        assert_eq!(disk.crash(|| false).paths(), [] as [PathBuf; 0], "the name of /a was never synced");
        disk.sync_dir(Path::new("/")).unwrap();
        assert_eq!(disk.crash(|| false).paths(), [PathBuf::from("/a/b/f")]);
        disk.remove_file(Path::new("/a/b/f")).unwrap();
        disk.remove_dir(Path::new("/a/b")).unwrap();
        assert_eq!(disk.crash(|| false).paths(), [PathBuf::from("/a/b/f")], "the removal was never synced");
        assert_eq!(disk.crash(|| false).list(Path::new("/a/b")).unwrap(), ["f"]);
    }

    #[test]
    fn what_a_failed_sync_left_is_in_doubt_although_the_next_one_succeeds() {
        let disk = FaultDisk::default();
        disk.create_dir(Path::new("/d")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let file = write(&disk, "/d/f", b"one");
        disk.sync_dir(Path::new("/d")).unwrap();
        file.sync_data().unwrap();
        file.write_at(b"two", 0).unwrap();
        let error = io::ErrorKind::Other;
        disk.set_fault(Some(Fault { operation: disk.operations(), sticky: false, error }));
        assert!(file.sync_data().is_err());
        file.write_at(b"!", 3).unwrap();
        file.sync_data().unwrap();
        for (kept, expected) in [(true, b"two!"), (false, b"one!")] {
            assert_eq!(disk.crash(|| kept).read(Path::new("/d/f")).unwrap(), expected);
        }
        file.write_at(b"new", 0).unwrap();
        file.sync_data().unwrap();
        for kept in [true, false] {
            assert_eq!(disk.crash(|| kept).read(Path::new("/d/f")).unwrap(), b"new!");
        }
    }

    #[test]
    fn writes_tear_between_sectors() {
        let disk = FaultDisk::default();
        write(&disk, "/f", &[0; 1024]).sync_data().unwrap();
        disk.create_dir(Path::new("/")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let file = disk.open(Path::new("/f"), Open::Existing).unwrap();
        file.write_at(&[1; 600], 100).unwrap();
        let mut flip = false;
        let torn = disk.crash(|| std::mem::replace(&mut flip, true)).read(Path::new("/f")).unwrap();
        assert_eq!((torn[100], torn[511], torn[512], torn[699]), (0, 0, 1, 1));
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let disk = FaultDisk::default();
        disk.set_capacity(Some(10));
        let file = write_ok(&disk);
        file.write_at(&[1; 8], 0).unwrap();
        assert_eq!(file.write_at(&[2; 8], 6).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.read(Path::new("/f")), Some(vec![1, 1, 1, 1, 1, 1, 2, 2, 2, 2]));
        assert_eq!(disk.room(Path::new("/")).unwrap(), Room { free: 0, total: 10 });
        file.write_at(&[3; 10], 0).unwrap();
        assert!(file.set_len(11).is_err());
        file.set_len(2).unwrap();
        file.write_at(&[4; 8], 2).unwrap();
    }

    #[test]
    fn faults_hit_the_operation_they_name() {
        let disk = FaultDisk::default();
        let error = io::ErrorKind::StorageFull;
        disk.set_fault(Some(Fault { operation: 1, sticky: false, error }));
        let file = write_ok(&disk);
        assert_eq!(file.write_at(b"x", 0).unwrap_err().kind(), error);
        file.write_at(b"x", 0).unwrap();
        disk.set_fault(Some(Fault { operation: disk.operations(), sticky: true, error }));
        assert!(file.sync_data().is_err() && file.sync_data().is_err());
    }

    fn write_ok(disk: &FaultDisk) -> Arc<dyn File> {
        disk.open(Path::new("/f"), Open::OrCreate).unwrap()
    }
}
