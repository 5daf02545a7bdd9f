//! The view: a redb file with the state, the streams' logs, their segments, and how far it all goes.
//!
//! Every value begins with a checksum over its table, key and bytes, and every table has a sum over its
//! rows, because the store does not check what it reads. It lives on the engine's disk like everything else.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use millpond_seglog::{
    crc32c,
    disk::{self, Disk, File, Open, SyncFailed},
    journal::Mark,
};
use parking_lot::Mutex;
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};

use crate::{
    recover::OpenError,
    rows,
    sums::{Sum, Sums},
};

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

const META: Table = Table::new("meta");
const STATE: Table = Table::new("state");
const LOGS: Table = Table::new("logs");
const PARTITIONS: Table = Table::new("partitions");
const SEGMENTS: Table = Table::new("segments");

const MARK: &[u8] = b"mark";
const LOGS_APPLIED: &[u8] = b"logs-applied";
const AGED: &[u8] = b"aged";
const SUMS: &[u8] = b"sums";

/// Memory for the store's cache; the engine reads the view only when it opens.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

pub(crate) struct View {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    open: Mutex<OpenView>,
}

struct OpenView {
    /// `None` after a failure that took it away, until it is opened again.
    database: Option<Database>,
    sums: Sums,
}

/// Key and value, as they are kept.
pub(crate) type Row = (Vec<u8>, Vec<u8>);
/// Key and new value, or nothing to remove the row.
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

/// All that is kept.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) mark: Mark,
    pub(crate) logs_applied: u64,
    /// Whether the newest commit could not be read and this is the one before.
    pub(crate) is_older: bool,
    /// Where the clock of retention stood; absent in directories of the first versions.
    pub(crate) aged_ms: Option<i64>,
    pub(crate) state: Vec<Row>,
    pub(crate) logs: Vec<Row>,
    pub(crate) partitions: Vec<Row>,
    pub(crate) segments: Vec<Row>,
}

/// What changed since the last mark.
pub(crate) struct Changes {
    pub(crate) mark: Mark,
    pub(crate) logs_applied: u64,
    /// Where the clock of retention stands.
    pub(crate) aged_ms: i64,
    pub(crate) state: Vec<Change>,
    pub(crate) logs: Vec<Change>,
    pub(crate) partitions: Vec<Change>,
    pub(crate) segments: Vec<Change>,
}

/// The view could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ViewError {
    #[error("the store could not read or write its file")]
    Io(#[source] io::Error),
    #[error(transparent)]
    Store(redb::Error),
    #[error("the table {0} is damaged")]
    Damaged(&'static str),
    #[error("the store panicked; its pages are damaged")]
    Panicked,
}

impl<E: Into<redb::Error>> From<E> for ViewError {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::Io(error) => Self::Io(error),
            other => Self::Store(other),
        }
    }
}

pub(crate) struct Backend(pub(crate) Arc<dyn File>);

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data().map_err(SyncFailed::mark)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(data, offset)
    }
}

impl Kept {
    /// Whether anything was ever kept but the first mark.
    pub(crate) fn holds_anything(&self) -> bool {
        let rows = [&self.state, &self.logs, &self.partitions, &self.segments];
        self.mark.position > 0 || rows.iter().any(|rows| !rows.is_empty())
    }
}

impl View {
    /// Opens the file and reads all that is kept; `None` when it is missing, or nothing ever was kept.
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path) -> Result<Option<(Self, Kept)>, OpenError> {
        let file = match disk.open(path, Open::Existing) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if file.is_empty()? {
            return Ok(None);
        }
        let found = contained(|| {
            let mut database = build(file)?;
            let is_older = !database.check_integrity()?;
            if is_older {
                tracing::warn!(path = %path.display(), "the view was damaged; an older one is used");
            }
            let found = load(&database)?;
            let opened =
                |(kept, sums)| (OpenView { database: Some(database), sums }, Kept { is_older, ..kept });
            Ok(found.map(opened))
        });
        let found = found.map_err(|e| OpenError::View(Box::new(e)))?;
        Ok(found.map(|(open, kept)| (Self::of(disk, path, open), kept)))
    }

    /// All that is kept at this moment, to be read later.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, ViewError> {
        let open = self.open.lock();
        let database = open.database.as_ref().ok_or(ViewError::Panicked)?;
        contained(|| Ok(Snapshot(database.begin_read()?)))
    }

    /// Creates the file, or empties it.
    pub(crate) fn create(disk: &Arc<dyn Disk>, path: &Path) -> Result<Self, OpenError> {
        let file = disk.open(path, Open::Empty)?;
        let database = build(file).map_err(|e| OpenError::View(Box::new(e)))?;
        Ok(Self::of(disk, path, OpenView { database: Some(database), sums: Sums::default() }))
    }

    fn of(disk: &Arc<dyn Disk>, path: &Path, open: OpenView) -> Self {
        Self { disk: Arc::clone(disk), path: path.to_path_buf(), open: Mutex::new(open) }
    }

    /// Keeps the changes, durably, all of them or none.
    ///
    /// After a shortage it can be asked again: the store, which trusts nothing after a failed write, is
    /// opened anew then.
    pub(crate) fn commit(&self, changes: &Changes) -> Result<(), ViewError> {
        let mut open = self.open.lock();
        if open.database.is_none() && self.reopen(&mut open, &changes.mark)? {
            return Ok(());
        }
        let OpenView { database: Some(database), sums } = &mut *open else { return Err(ViewError::Panicked) };
        match contained(|| write(database, *sums, changes)) {
            Ok(now) => {
                *sums = now;
                Ok(())
            }
            Err(e) => {
                if disk::is_shortage(&e) {
                    close(open.database.take());
                }
                Err(e)
            }
        }
    }

    /// Opens the store again after a write that failed. Says whether that write was kept after all.
    fn reopen(&self, open: &mut OpenView, mark: &Mark) -> Result<bool, ViewError> {
        let file = self.disk.open(&self.path, Open::Existing).map_err(ViewError::Io)?;
        let (database, found) = contained(|| {
            let database = build(file)?;
            let found = load(&database)?;
            Ok((database, found))
        })?;
        let kept = found.as_ref().is_some_and(|(kept, _)| kept.mark == *mark);
        let sums = found.map(|(_, sums)| sums).unwrap_or_default();
        if !kept && sums != open.sums {
            return Err(ViewError::Damaged("meta"));
        }
        *open = OpenView { database: Some(database), sums };
        Ok(kept)
    }
}

/// All that was kept at one moment.
pub(crate) struct Snapshot(ReadTransaction);

impl Snapshot {
    /// Reads all of it, and checks it.
    pub(crate) fn read(&self) -> Result<Kept, ViewError> {
        let found = contained(|| load_from(&self.0))?;
        found.map(|(kept, _)| kept).ok_or(ViewError::Damaged("meta"))
    }
}

impl Kept {
    /// What would have to be written to a new view so that it keeps the same, but for the mark.
    pub(crate) fn into_changes(self, mark: Mark, now_ms: i64) -> Changes {
        let all = |rows: Vec<Row>| rows.into_iter().map(|(key, value)| (key, Some(value))).collect();
        Changes {
            mark,
            logs_applied: self.logs_applied,
            aged_ms: self.aged_ms.unwrap_or(now_ms),
            state: all(self.state),
            logs: all(self.logs),
            partitions: all(self.partitions),
            segments: all(self.segments),
        }
    }
}

fn load(database: &Database) -> Result<Option<(Kept, Sums)>, ViewError> {
    load_from(&database.begin_read()?)
}

fn load_from(database: &ReadTransaction) -> Result<Option<(Kept, Sums)>, ViewError> {
    let (meta, _) = rows_of(database, META, "meta")?;
    let find = |key: &[u8]| meta.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_slice());
    let (Some(mark), Some(applied)) = (find(MARK), find(LOGS_APPLIED)) else { return Ok(None) };
    let damaged = ViewError::Damaged("meta");
    let Some(mark) = rows::decode_mark(mark) else { return Err(damaged) };
    let Ok(logs_applied) = applied.try_into().map(u64::from_le_bytes) else { return Err(damaged) };
    let Ok(aged_ms) = find(AGED).map(|aged| aged.try_into().map(i64::from_le_bytes)).transpose() else {
        return Err(damaged);
    };
    let Some(sums) = find(SUMS).and_then(Sums::decode) else { return Err(damaged) };
    let checked = |table, name, expected: Sum| {
        let (rows, sum) = rows_of(database, table, name)?;
        if sum == expected { Ok(rows) } else { Err(ViewError::Damaged(name)) }
    };
    let kept = Kept {
        mark,
        logs_applied,
        is_older: false,
        aged_ms,
        state: checked(STATE, "state", sums.state)?,
        logs: checked(LOGS, "logs", sums.logs)?,
        partitions: checked(PARTITIONS, "partitions", sums.partitions)?,
        segments: checked(SEGMENTS, "segments", sums.segments)?,
    };
    Ok(Some((kept, sums)))
}

fn rows_of(read: &ReadTransaction, table: Table, name: &'static str) -> Result<(Vec<Row>, Sum), ViewError> {
    let open = match read.open_table(table) {
        Ok(open) => open,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok((Vec::new(), Sum::default())),
        Err(e) => return Err(e.into()),
    };
    let (mut found, mut sum) = (Vec::new(), Sum::default());
    for row in open.iter()? {
        let (key, sealed) = row?;
        let value = unseal(name, key.value(), sealed.value()).ok_or(ViewError::Damaged(name))?;
        sum.add(sealed.value());
        found.push((key.value().to_vec(), value.to_vec()));
    }
    Ok((found, sum))
}

/// Writes the changes in one transaction; returns the new sums.
fn write(database: &Database, mut sums: Sums, changes: &Changes) -> Result<Sums, ViewError> {
    let write = database.begin_write()?;
    put(&write, STATE, "state", &changes.state, &mut sums.state)?;
    put(&write, LOGS, "logs", &changes.logs, &mut sums.logs)?;
    put(&write, PARTITIONS, "partitions", &changes.partitions, &mut sums.partitions)?;
    put(&write, SEGMENTS, "segments", &changes.segments, &mut sums.segments)?;
    let meta = [
        (MARK.to_vec(), Some(rows::encode_mark(&changes.mark))),
        (LOGS_APPLIED.to_vec(), Some(changes.logs_applied.to_le_bytes().to_vec())),
        (AGED.to_vec(), Some(changes.aged_ms.to_le_bytes().to_vec())),
        (SUMS.to_vec(), Some(sums.encode())),
    ];
    put(&write, META, "meta", &meta, &mut Sum::default())?;
    write.commit()?;
    Ok(sums)
}

impl Drop for View {
    fn drop(&mut self) {
        close(self.open.get_mut().database.take());
    }
}

/// Closing writes; whatever comes of it, the last commit is durable.
fn close(database: Option<Database>) {
    let _closed = contained(move || {
        drop(database);
        Ok(())
    });
}

fn build(file: Arc<dyn File>) -> Result<Database, ViewError> {
    Ok(Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(Backend(file))?)
}

/// Runs work on the store, which may panic on damaged pages.
fn contained<T>(work: impl FnOnce() -> Result<T, ViewError>) -> Result<T, ViewError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(ViewError::Panicked))
}

fn put(
    write: &WriteTransaction,
    table: Table,
    name: &'static str,
    changes: &[Change],
    sum: &mut Sum,
) -> Result<(), ViewError> {
    let mut open = write.open_table(table)?;
    for (key, value) in changes {
        let sealed = value.as_ref().map(|value| seal(name, key, value));
        let before = match &sealed {
            Some(sealed) => open.insert(key.as_slice(), sealed.as_slice()),
            None => open.remove(key.as_slice()),
        }?;
        if let Some(before) = before {
            sum.remove(before.value());
        }
        if let Some(sealed) = &sealed {
            sum.add(sealed);
        }
    }
    Ok(())
}

fn seal(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = row_crc(table, key, value).to_le_bytes().to_vec();
    sealed.extend(value);
    sealed
}

fn unseal<'a>(table: &str, key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (crc, value) = sealed.split_first_chunk::<4>()?;
    (row_crc(table, key, value) == u32::from_le_bytes(*crc)).then_some(value)
}

fn row_crc(table: &str, key: &[u8], value: &[u8]) -> u32 {
    crc32c(&[table.as_bytes(), &(key.len() as u64).to_le_bytes(), key, value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_bound_to_its_table_its_key_and_its_bytes() {
        let sealed = seal("state", b"key", b"value");
        assert_eq!(unseal("state", b"key", &sealed), Some(b"value".as_slice()));
        assert_eq!(unseal("logs", b"key", &sealed), None, "another table");
        assert_eq!(unseal("state", b"ke", &sealed), None, "another key");
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal("state", b"key", &bad), None, "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert_eq!(unseal("state", b"key", &sealed[..len]), None, "{len} bytes");
        }
    }
}
