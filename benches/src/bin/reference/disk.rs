//! The bare disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Mutex,
    thread,
};

use anyhow::Context as _;
use millpond_load::{Moment, Report, Tally};

use crate::{Time, good};

/// Length of the file that is written over and over: as long as a journal file.
const PREPARED_BYTES: usize = 64 << 20;

/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// The unit in which the journal writes too.
const BLOCK: usize = 4096;

/// One write and one sync at a time, over what was written before.
pub(crate) fn raw(dir: &Path, bytes: usize, time: Time) -> anyhow::Result<Report> {
    let file = create(dir, "raw")?;
    let length = PREPARED_BYTES.max(bytes.next_multiple_of(BLOCK) * 4);
    let piece = vec![0; READ_BYTES];
    for at in (0..length).step_by(READ_BYTES) {
        file.write_all_at(&piece, at as u64)?;
    }
    file.sync_all()?;
    let data = vec![0x5a; bytes.next_multiple_of(BLOCK)];
    let (mut tally, until) = time.window();
    let mut at = 0;
    loop {
        let begin = Moment::now();
        if begin >= until {
            return Ok(tally.report(begin, 0));
        }
        file.write_all_at(&data, at as u64)?;
        file.sync_data()?;
        tally.count(begin, Moment::now(), good(1, bytes));
        at += data.len();
        if at + data.len() > length {
            at = 0;
        }
    }
}

/// A growing file for each thread, with a sync after each write.
pub(crate) fn files(dir: &Path, files: usize, bytes: usize, time: Time) -> anyhow::Result<Report> {
    let data = vec![0x5a; bytes];
    let (sum, until) = time.window();
    let sum = Mutex::new(sum);
    let one = |index: usize| -> io::Result<()> {
        let file =
            OpenOptions::new().create_new(true).append(true).open(dir.join(format!("part-{index}")))?;
        loop {
            let begin = Moment::now();
            if begin >= until {
                return Ok(());
            }
            io::Write::write_all(&mut &file, &data)?;
            file.sync_data()?;
            sum.lock().expect("nobody panics with the lock").count(begin, Moment::now(), good(1, bytes));
        }
    };
    fs::create_dir_all(dir)?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..files).map(|index| scope.spawn(move || one(index))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a writer does not panic"))
    })?;
    let sum: Tally = sum.into_inner().expect("nobody panics with the lock");
    Ok(sum.report(Moment::now(), 0))
}

/// Everything below `dir`, one file after the other.
pub(crate) fn read(dir: &Path) -> anyhow::Result<Report> {
    let begin = Moment::now();
    let far = begin.plus(std::time::Duration::from_hours(1));
    let mut tally = Tally::new(begin, far);
    let mut buffer = vec![0; READ_BYTES];
    each(dir, &mut |path| {
        let mut file = File::open(path)?;
        loop {
            let piece = Moment::now();
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            tally.count(piece, Moment::now(), good(1, count));
        }
    })?;
    Ok(tally.report(Moment::now(), 0))
}

/// Drops what the page cache has of the files below `dir`.
pub(crate) fn drop_cache(dir: &Path) -> anyhow::Result<()> {
    each(dir, &mut |path| {
        let file = File::open(path)?;
        file.sync_all()?;
        Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?)
    })
}

fn each(dir: &Path, see: &mut impl FnMut(&Path) -> io::Result<()>) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            each(&entry.path(), see)?;
        } else {
            see(&entry.path())?;
        }
    }
    Ok(())
}

fn create(dir: &Path, name: &str) -> anyhow::Result<File> {
    fs::create_dir_all(dir)?;
    let file = OpenOptions::new().create_new(true).write(true).open(dir.join(name));
    file.with_context(|| format!("cannot make a file in {}", dir.display()))
}
