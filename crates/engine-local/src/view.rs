//! The view: a redb file with the state, the streams' logs, their segments, and how far it all goes.
//!
//! Every value begins with a checksum over its table, key and bytes, and every table has a sum over its
//! rows, because the store does not check what it reads. It lives on the engine's disk like everything else.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use millpond_seglog::{
    crc32c,
    disk::{Disk, File, Open},
    journal::Mark,
};
use parking_lot::Mutex;
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction};

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
const SUMS: &[u8] = b"sums";

/// Memory for the store's cache; the engine reads the view only when it opens.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

pub(crate) struct View {
    /// Taken out when the view is dropped.
    database: Option<Database>,
    sums: Mutex<Sums>,
}

/// Key and value, as they are kept.
pub(crate) type Row = (Vec<u8>, Vec<u8>);
/// Key and new value, or nothing to remove the row.
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

/// All that is kept.
pub(crate) struct Kept {
    pub(crate) mark: Mark,
    pub(crate) logs_applied: u64,
    pub(crate) state: Vec<Row>,
    pub(crate) logs: Vec<Row>,
    pub(crate) partitions: Vec<Row>,
    pub(crate) segments: Vec<Row>,
}

/// What changed since the last mark.
pub(crate) struct Changes {
    pub(crate) mark: Mark,
    pub(crate) logs_applied: u64,
    pub(crate) state: Vec<Change>,
    pub(crate) logs: Vec<Change>,
    pub(crate) partitions: Vec<Change>,
    pub(crate) segments: Vec<Change>,
}

/// The view could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ViewError {
    #[error(transparent)]
    Store(#[from] redb::Error),
    #[error("the table {0} is damaged")]
    Damaged(&'static str),
    #[error("the store panicked; its pages are damaged")]
    Panicked,
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
        self.0.sync_data()
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
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Option<(Self, Kept)>, OpenError> {
        let file = match disk.open(path, Open::Existing) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if file.is_empty()? {
            return Ok(None);
        }
        let open = || {
            let mut database = build(file)?;
            if !database.check_integrity().map_err(redb::Error::from)? {
                tracing::warn!(path = %path.display(), "the view was damaged; an older one is used");
            }
            let view = Self { database: Some(database), sums: Mutex::default() };
            Ok(view.load()?.map(|kept| (view, kept)))
        };
        contained(open).map_err(|e| OpenError::View(Box::new(e)))
    }

    /// Creates the file, or empties it.
    pub(crate) fn create(disk: &dyn Disk, path: &Path) -> Result<Self, OpenError> {
        let file = disk.open(path, Open::Empty)?;
        let database = build(file).map_err(|e| OpenError::View(Box::new(e)))?;
        Ok(Self { database: Some(database), sums: Mutex::default() })
    }

    fn database(&self) -> &Database {
        self.database.as_ref().expect("the database is taken out only when the view is dropped")
    }

    fn load(&self) -> Result<Option<Kept>, ViewError> {
        let (meta, _) = self.table(META, "meta")?;
        let find =
            |key: &[u8]| meta.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_slice());
        let (Some(mark), Some(applied)) = (find(MARK), find(LOGS_APPLIED)) else { return Ok(None) };
        let damaged = ViewError::Damaged("meta");
        let Some(mark) = rows::decode_mark(mark) else { return Err(damaged) };
        let Ok(logs_applied) = applied.try_into().map(u64::from_le_bytes) else { return Err(damaged) };
        let Some(sums) = find(SUMS).and_then(Sums::decode) else { return Err(damaged) };
        let checked = |table, name, expected: Sum| {
            let (rows, sum) = self.table(table, name)?;
            if sum == expected { Ok(rows) } else { Err(ViewError::Damaged(name)) }
        };
        let kept = Kept {
            mark,
            logs_applied,
            state: checked(STATE, "state", sums.state)?,
            logs: checked(LOGS, "logs", sums.logs)?,
            partitions: checked(PARTITIONS, "partitions", sums.partitions)?,
            segments: checked(SEGMENTS, "segments", sums.segments)?,
        };
        *self.sums.lock() = sums;
        Ok(Some(kept))
    }

    fn table(&self, table: Table, name: &'static str) -> Result<(Vec<Row>, Sum), ViewError> {
        let read = self.database().begin_read().map_err(redb::Error::from)?;
        let open = match read.open_table(table) {
            Ok(open) => open,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok((Vec::new(), Sum::default())),
            Err(e) => return Err(ViewError::Store(e.into())),
        };
        let (mut found, mut sum) = (Vec::new(), Sum::default());
        for row in open.iter().map_err(redb::Error::from)? {
            let (key, sealed) = row.map_err(redb::Error::from)?;
            let value = unseal(name, key.value(), sealed.value()).ok_or(ViewError::Damaged(name))?;
            sum.add(sealed.value());
            found.push((key.value().to_vec(), value.to_vec()));
        }
        Ok((found, sum))
    }

    /// Keeps the changes, durably, all of them or none.
    pub(crate) fn commit(&self, changes: &Changes) -> Result<(), ViewError> {
        let mut sums = *self.sums.lock();
        contained(|| {
            let write = self.database().begin_write().map_err(redb::Error::from)?;
            put(&write, STATE, "state", &changes.state, &mut sums.state)?;
            put(&write, LOGS, "logs", &changes.logs, &mut sums.logs)?;
            put(&write, PARTITIONS, "partitions", &changes.partitions, &mut sums.partitions)?;
            put(&write, SEGMENTS, "segments", &changes.segments, &mut sums.segments)?;
            let meta = [
                (MARK.to_vec(), Some(rows::encode_mark(&changes.mark))),
                (LOGS_APPLIED.to_vec(), Some(changes.logs_applied.to_le_bytes().to_vec())),
                (SUMS.to_vec(), Some(sums.encode())),
            ];
            put(&write, META, "meta", &meta, &mut Sum::default())?;
            write.commit().map_err(redb::Error::from)?;
            Ok(())
        })?;
        *self.sums.lock() = sums;
        Ok(())
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let database = self.database.take();
        // Closing writes; whatever comes of it, the last commit is durable.
        let _closed = contained(move || {
            drop(database);
            Ok(())
        });
    }
}

fn build(file: Arc<dyn File>) -> Result<Database, ViewError> {
    let builder = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(Backend(file));
    builder.map_err(|e| ViewError::Store(e.into()))
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
    let mut open = write.open_table(table).map_err(redb::Error::from)?;
    for (key, value) in changes {
        let sealed = value.as_ref().map(|value| seal(name, key, value));
        let before = match &sealed {
            Some(sealed) => open.insert(key.as_slice(), sealed.as_slice()),
            None => open.remove(key.as_slice()),
        }
        .map_err(redb::Error::from)?;
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
