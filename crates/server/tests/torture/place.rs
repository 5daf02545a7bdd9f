//! Where a data directory is: in a directory, or on a file system of its own that can be cut off or filled.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use parking_lot::Mutex;
use rustix::ioctl::{Setter, ioctl, opcode};

/// Of a file system that power is cut of; sparse.
const IMAGE_BYTES: u64 = 2 << 30;
/// Of one that gets full.
const SMALL_BYTES: u64 = 112 << 20;

/// `EXT4_IOC_SHUTDOWN` and `XFS_IOC_GOINGDOWN` are one and the same.
const SHUTDOWN: rustix::ioctl::Opcode = opcode::read::<u32>(b'X', 125);
/// Neither the log nor anything else is written any more.
const NO_LOG_FLUSH: u32 = 2;

/// Kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Ext4,
    Xfs,
    SmallTmpfs,
    SmallExt4,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Plain, Self::Ext4, Self::Xfs, Self::SmallTmpfs, Self::SmallExt4];

    /// Power can be cut.
    pub fn can_be_cut(self) -> bool {
        matches!(self, Self::Ext4 | Self::Xfs)
    }

    /// The disk can be filled.
    pub fn is_small(self) -> bool {
        matches!(self, Self::SmallTmpfs | Self::SmallExt4)
    }

    /// What cannot be tested without it.
    pub fn tests(self) -> &'static str {
        match self {
            Self::Plain => "kills, stops and pauses",
            Self::Ext4 => "power cuts on ext4",
            Self::Xfs => "power cuts on xfs",
            Self::SmallTmpfs => "full disks on tmpfs",
            Self::SmallExt4 => "full disks on ext4",
        }
    }

    fn make(self) -> Option<(&'static str, u64)> {
        match self {
            Self::Plain | Self::SmallTmpfs => None,
            Self::Ext4 => Some(("mkfs.ext4 -q -F", IMAGE_BYTES)),
            Self::Xfs => Some(("mkfs.xfs -q -f", IMAGE_BYTES)),
            // No blocks are kept for root, who would see a disk that is not full.
            Self::SmallExt4 => Some(("mkfs.ext4 -q -F -m 0", SMALL_BYTES)),
        }
    }
}

/// Mounted now; unmounted also when the run is interrupted.
static MOUNTED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Unmounts everything that is mounted.
pub fn unmount_all() {
    for path in MOUNTED.lock().drain(..) {
        // There is nobody left to tell.
        let _ = unmount(&path);
    }
}

/// Unmounts what a run left below `directory` that was killed.
pub fn unmount_leftovers(directory: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    for point in points.filter(|point| Path::new(point).starts_with(directory)) {
        let _ = unmount(Path::new(point));
    }
}

fn unmount(path: &Path) -> io::Result<()> {
    let path = path.display();
    run(&format!("umount {path}")).or_else(|_| run(&format!("umount --lazy {path}")))
}

/// Runs a program; its own words are the error.
fn run(line: &str) -> io::Result<()> {
    let mut words = line.split(' ');
    let program = words.next().unwrap_or_default();
    let output = Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| io::Error::other(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{line}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// A place for one data directory.
pub struct Place {
    pub kind: Kind,
    directory: PathBuf,
}

impl Place {
    /// A new one in an existing directory, whose path has no spaces.
    pub fn new(kind: Kind, directory: &Path) -> io::Result<Self> {
        let place = Self { kind, directory: directory.to_owned() };
        fs::create_dir(place.root())?;
        if let Some((make, length)) = kind.make() {
            File::create(place.image())?.set_len(length)?;
            run(&format!("{make} {}", place.image().display()))?;
        }
        place.mount()?;
        Ok(place)
    }

    fn image(&self) -> PathBuf {
        self.directory.join("disk.img")
    }

    /// The top of its file system.
    pub fn root(&self) -> PathBuf {
        self.directory.join("disk")
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.root().join("data")
    }

    /// Mounts it.
    pub fn mount(&self) -> io::Result<()> {
        let root = self.root();
        match self.kind {
            Kind::Plain => return Ok(()),
            Kind::SmallTmpfs => {
                run(&format!("mount -t tmpfs -o size={SMALL_BYTES} tmpfs {}", root.display()))?;
            }
            _ => run(&format!("mount -o loop {} {}", self.image().display(), root.display()))?,
        }
        MOUNTED.lock().push(root);
        Ok(())
    }

    /// Unmounts it.
    pub fn unmount(&self) -> io::Result<()> {
        let root = self.root();
        let mut mounted = MOUNTED.lock();
        let Some(index) = mounted.iter().position(|path| *path == root) else { return Ok(()) };
        unmount(&root)?;
        mounted.remove(index);
        Ok(())
    }

    /// Cuts the power: from now on the file system writes nothing and fails every write.
    #[expect(unsafe_code, reason = "no safe wrapper of this system call exists")]
    pub fn cut(&self) -> io::Result<()> {
        let root = File::open(self.root())?;
        // SAFETY: the call reads one `u32`, which lives until it returns, and touches no other memory.
        unsafe { ioctl(root.as_fd(), Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH)) }?;
        Ok(())
    }

    fn foreign(&self) -> PathBuf {
        self.root().join("foreign")
    }

    /// Somebody else fills the disk, to the last byte.
    pub fn fill(&self) -> io::Result<()> {
        let mut file = File::create(self.foreign())?;
        for length in [1 << 20, 4 << 10, 1] {
            let chunk = vec![0xee; length];
            loop {
                match file.write(&chunk) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Somebody else takes what is there now, if anything is.
    pub fn top_up(&self) {
        // It need not succeed: the disk is full enough.
        let file = File::options().append(true).open(self.foreign());
        let _ = file.map(|mut file| while file.write(&[0xee; 4096]).is_ok_and(|count| count > 0) {});
    }

    /// Gives back what `fill` took.
    pub fn free(&self) -> io::Result<()> {
        match fs::remove_file(self.foreign()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keeps what is only in memory, for inspection.
    pub fn keep(&self) -> io::Result<()> {
        if self.kind != Kind::SmallTmpfs {
            return Ok(());
        }
        let kept = self.directory.join("data");
        run(&format!("cp -a {} {}", self.data().display(), kept.display()))
    }

    /// Where the data is when the run is over.
    pub fn kept(&self) -> PathBuf {
        match self.kind {
            Kind::Plain => self.data(),
            Kind::SmallTmpfs => self.directory.join("data"),
            _ => self.image(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}
