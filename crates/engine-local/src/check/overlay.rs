//! A disk whose files can be written to without a trace: what is written stays in memory.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use millpond_seglog::disk::{Disk, File, Lock, Open, Room};
use parking_lot::Mutex;

const PAGE: usize = 4096;
const PAGE_BYTES: u64 = PAGE as u64;

/// A disk whose files can be written to without a trace. Names cannot be changed.
pub(crate) struct Overlay(pub(crate) Arc<dyn Disk>);

struct OverlayFile {
    below: Arc<dyn File>,
    written: Mutex<Written>,
}

struct Written {
    len: u64,
    /// Bytes of the file below that still count; behind them there are zeroes.
    below_len: u64,
    pages: BTreeMap<u64, Box<[u8]>>,
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Disk for Overlay {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        if matches!(how, Open::OrCreate | Open::Empty) {
            return unsupported();
        }
        let below = self.0.open(path, Open::Reading)?;
        let len = below.len()?;
        let written = Mutex::new(Written { len, below_len: len, pages: BTreeMap::new() });
        Ok(Arc::new(OverlayFile { below, written }))
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        unsupported()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        unsupported()
    }

    fn remove_file(&self, _path: &Path) -> io::Result<()> {
        unsupported()
    }

    fn remove_dir(&self, _path: &Path) -> io::Result<()> {
        unsupported()
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn room(&self, path: &Path) -> io::Result<Room> {
        self.0.room(path)
    }

    fn lock(&self, _path: &Path, _holder: &str) -> io::Result<Box<dyn Lock>> {
        unsupported()
    }

    fn lock_out(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.0.lock_out(path)
    }
}

impl OverlayFile {
    /// The page as the file below has it.
    fn below(&self, page: u64, below_len: u64) -> io::Result<Box<[u8]>> {
        let mut bytes = vec![0; PAGE];
        let there = below_len.saturating_sub(page * PAGE_BYTES).min(PAGE_BYTES);
        let there = usize::try_from(there).unwrap_or(PAGE);
        self.below.read_exact_at(bytes.get_mut(..there).unwrap_or_default(), page * PAGE_BYTES)?;
        Ok(bytes.into())
    }
}

/// Where byte `at` is: its page, and the place in it.
fn page_of(at: u64) -> (u64, usize) {
    (at / PAGE_BYTES, usize::try_from(at % PAGE_BYTES).unwrap_or(0))
}

impl File for OverlayFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let written = self.written.lock();
        let left = usize::try_from(written.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = buf.len().min(left);
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..wanted).filter(|rest| !rest.is_empty()) {
            let (page, start) = page_of(at + done as u64);
            let below;
            let bytes = if let Some(bytes) = written.pages.get(&page) {
                bytes
            } else {
                below = self.below(page, written.below_len)?;
                &below
            };
            let from = bytes.get(start..).unwrap_or_default();
            let count = from.len().min(rest.len());
            rest.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            done += count;
        }
        Ok(done)
    }

    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        let mut written = self.written.lock();
        let mut done = 0;
        while let Some(rest) = buf.get(done..).filter(|rest| !rest.is_empty()) {
            let (page, start) = page_of(at + done as u64);
            if !written.pages.contains_key(&page) {
                let below = self.below(page, written.below_len)?;
                written.pages.insert(page, below);
            }
            let bytes = written.pages.get_mut(&page).and_then(|page| page.get_mut(start..));
            let to = bytes.unwrap_or_default();
            let count = to.len().min(rest.len());
            to.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            done += count;
        }
        written.len = written.len.max(at + buf.len() as u64);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written.lock();
        if len < written.len {
            let (page, start) = page_of(len);
            written.below_len = written.below_len.min(len);
            written.pages.split_off(&len.div_ceil(PAGE_BYTES));
            if let Some(rest) = written.pages.get_mut(&page).and_then(|page| page.get_mut(start..)) {
                rest.fill(0);
            }
        }
        written.len = len;
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.written.lock().len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use millpond_seglog::disk::FaultDisk;

    use super::*;

    /// The same writes and cuts on a file and on an overlay give the same bytes, and leave what is below.
    #[test]
    fn an_overlay_is_like_a_file_and_leaves_no_trace() {
        let (disk, plain) = (FaultDisk::default(), FaultDisk::default());
        let path = Path::new("/f");
        let original: Vec<u8> = (0..10_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        for disk in [&disk, &plain] {
            disk.open(path, Open::Empty).unwrap().write_at(&original, 0).unwrap();
        }
        let over = Overlay(Arc::new(disk.clone())).open(path, Open::Existing).unwrap();
        let plain = plain.open(path, Open::Existing).unwrap();
        let steps: [(u64, usize); 7] =
            [(5, 10), (4090, 20), (9_990, 100), (30_000, 5), (0, 9000), (8191, 2), (12_288, 4096)];
        for (i, (at, len)) in steps.into_iter().enumerate() {
            for file in [&over, &plain] {
                file.write_at(&vec![7; len], at).unwrap();
                if i % 3 == 2 {
                    file.set_len(6000 + 100 * i as u64).unwrap();
                    file.set_len(20_000).unwrap();
                }
            }
            assert_eq!(over.len().unwrap(), plain.len().unwrap(), "step {i}");
            let len = usize::try_from(over.len().unwrap()).unwrap();
            let read = |file: &Arc<dyn File>| {
                let mut bytes = vec![0; len];
                file.read_exact_at(&mut bytes, 0).unwrap();
                bytes
            };
            assert!(read(&over) == read(&plain), "step {i}");
        }
        assert_eq!(disk.read(path).unwrap(), original);
    }
}
