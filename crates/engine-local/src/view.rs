//! The view: a redb file with the state, the streams' logs, their segments, and how far it all goes.
//!
//! Every value begins with a checksum over its table, key and bytes, because the store does not check what
//! it reads. It lives on the engine's disk like everything else.

use std::{fmt, io, path::Path, sync::Arc};

use millpond_seglog::{
    crc32c,
    disk::{Disk, File, Open},
    journal::Mark,
};
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction};

use crate::{recover::OpenError, rows};

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

const META: Table = Table::new("meta");
const STATE: Table = Table::new("state");
const LOGS: Table = Table::new("logs");
const PARTITIONS: Table = Table::new("partitions");
const SEGMENTS: Table = Table::new("segments");

const MARK: &[u8] = b"mark";
const LOGS_APPLIED: &[u8] = b"logs-applied";

/// Memory for the store's cache; the engine reads the view only when it opens.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

pub(crate) struct View {
    database: Database,
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
    #[error("a row of the table {0} is damaged")]
    Damaged(&'static str),
}

struct Backend(Arc<dyn File>);

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

impl View {
    /// Opens the file, or creates it. `None` in place of what is kept: nothing ever was.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<(Self, Option<Kept>), OpenError> {
        let file = disk.open(path, Open::OrCreate)?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(Backend(file))
            .map_err(|e| OpenError::View(Box::new(ViewError::Store(e.into()))))?;
        let view = Self { database };
        let kept = view.load().map_err(|e| OpenError::View(Box::new(e)))?;
        Ok((view, kept))
    }

    fn load(&self) -> Result<Option<Kept>, ViewError> {
        let meta = self.table(META, "meta")?;
        let find =
            |key: &[u8]| meta.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_slice());
        let (Some(mark), Some(applied)) = (find(MARK), find(LOGS_APPLIED)) else { return Ok(None) };
        let damaged = ViewError::Damaged("meta");
        let Some(mark) = rows::decode_mark(mark) else { return Err(damaged) };
        let Ok(applied) = applied.try_into().map(u64::from_le_bytes) else { return Err(damaged) };
        Ok(Some(Kept {
            mark,
            logs_applied: applied,
            state: self.table(STATE, "state")?,
            logs: self.table(LOGS, "logs")?,
            partitions: self.table(PARTITIONS, "partitions")?,
            segments: self.table(SEGMENTS, "segments")?,
        }))
    }

    fn table(&self, table: Table, name: &'static str) -> Result<Vec<Row>, ViewError> {
        let read = self.database.begin_read().map_err(redb::Error::from)?;
        let open = match read.open_table(table) {
            Ok(open) => open,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(e) => return Err(ViewError::Store(e.into())),
        };
        let mut found = Vec::new();
        for row in open.iter().map_err(redb::Error::from)? {
            let (key, value) = row.map_err(redb::Error::from)?;
            let value = unseal(name, key.value(), value.value()).ok_or(ViewError::Damaged(name))?;
            found.push((key.value().to_vec(), value.to_vec()));
        }
        Ok(found)
    }

    /// Keeps the changes, durably, all of them or none.
    pub(crate) fn commit(&self, changes: &Changes) -> Result<(), ViewError> {
        let write = self.database.begin_write().map_err(redb::Error::from)?;
        put(&write, STATE, "state", &changes.state)?;
        put(&write, LOGS, "logs", &changes.logs)?;
        put(&write, PARTITIONS, "partitions", &changes.partitions)?;
        put(&write, SEGMENTS, "segments", &changes.segments)?;
        let meta = [
            (MARK.to_vec(), Some(rows::encode_mark(&changes.mark))),
            (LOGS_APPLIED.to_vec(), Some(changes.logs_applied.to_le_bytes().to_vec())),
        ];
        put(&write, META, "meta", &meta)?;
        write.commit().map_err(redb::Error::from)?;
        Ok(())
    }
}

fn put(
    write: &WriteTransaction,
    table: Table,
    name: &'static str,
    changes: &[Change],
) -> Result<(), ViewError> {
    let mut open = write.open_table(table).map_err(redb::Error::from)?;
    for (key, value) in changes {
        match value {
            Some(value) => open.insert(key.as_slice(), seal(name, key, value).as_slice()).map(drop),
            None => open.remove(key.as_slice()).map(drop),
        }
        .map_err(redb::Error::from)?;
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
