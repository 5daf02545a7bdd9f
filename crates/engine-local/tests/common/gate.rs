//! A disk on which the syncs of some files wait behind a gate, and which can be full.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use millpond_seglog::disk::{Disk, FaultDisk, File, Lock, Open, Room};
use parking_lot::{Condvar, Mutex};

/// A disk on which the syncs of some files wait behind a gate, and which can be full.
#[derive(Clone)]
pub struct GateDisk {
    pub disk: FaultDisk,
    /// The files whose paths contain this wait.
    gated: &'static str,
    gate: Arc<Gate>,
    full: Arc<AtomicBool>,
}

#[derive(Default)]
struct Gate {
    shut: Mutex<bool>,
    opened: Condvar,
    waiting: AtomicUsize,
}

impl Default for GateDisk {
    /// The journal waits.
    fn default() -> Self {
        Self::at("/journal/")
    }
}

impl GateDisk {
    pub fn at(gated: &'static str) -> Self {
        Self { disk: FaultDisk::default(), gated, gate: Arc::default(), full: Arc::default() }
    }

    /// Whether somebody waits at the gate.
    pub fn is_waited_for(&self) -> bool {
        self.gate.waiting.load(Ordering::SeqCst) > 0
    }

    pub fn shut(&self) {
        *self.gate.shut.lock() = true;
    }

    /// While it is full there are no new files.
    pub fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    pub fn open_again(&self) {
        *self.gate.shut.lock() = false;
        self.gate.opened.notify_all();
    }
}

struct GateFile {
    file: Arc<dyn File>,
    gate: Option<Arc<Gate>>,
}

impl Disk for GateDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        if how == Open::Empty && self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = self.disk.open(path, how)?;
        let gate = path.to_str().unwrap().contains(self.gated).then(|| Arc::clone(&self.gate));
        Ok(Arc::new(GateFile { file, gate }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn room(&self, path: &Path) -> io::Result<Room> {
        self.disk.room(path)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn Lock>> {
        self.disk.lock(path, holder)
    }

    fn lock_out(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.disk.lock_out(path)
    }
}

impl File for GateFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buf, at)
    }

    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.file.write_at(buf, at)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn sync_data(&self) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            let mut shut = gate.shut.lock();
            gate.waiting.fetch_add(1, Ordering::SeqCst);
            gate.opened.wait_while(&mut shut, |shut| *shut);
            gate.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        self.file.sync_data()
    }

    fn let_go(&self, at: u64, len: u64) {
        self.file.let_go(at, len);
    }
}
