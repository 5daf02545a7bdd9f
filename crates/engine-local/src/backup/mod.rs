//! Copies of a directory, taken while the engine works, and how they become a directory again.
//!
//! ```text
//!   BACKUP/MANIFEST.json      every file with its length and checksum; written last
//!   BACKUP/data/…             a complete data directory, as a clean stop would have left it
//! ```
//!
//! What is in a backup is as of one moment. For that moment the journal is held while what is not in segments
//! yet is written there, which needs no sync; then appends go on. Bytes of segments before that moment never
//! change, the rows of the view are read from a snapshot, and until all is copied no file is removed.

mod copy;
mod manifest;
mod restore;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use millpond_engine::{Class, StorageFailure};
use millpond_seglog::{disk::Disk, journal::Mark, segment::SegmentError};

pub use self::{
    manifest::{Entry, Manifest},
    restore::{restore, verify},
};
use crate::{
    LocalEngine, OpenError,
    check::Tell,
    commit::Committer,
    failure,
    view::{Snapshot, ViewError},
};

/// The list of what is in a backup.
pub const MANIFEST: &str = "MANIFEST.json";
/// The copied directory within a backup.
const DATA: &str = "data";

/// How a backup is made.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The version that makes it.
    pub version: &'a str,
    /// The time, for people.
    pub created: &'a str,
    /// Whether the file of access keys is copied too. Whoever has the backup has the keys then.
    pub with_credentials: bool,
    /// Ends the copying when it becomes true.
    pub cancel: &'a AtomicBool,
}

/// There is no backup, or it is none.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is one under way.
    #[error("a backup is under way; wait until it is done")]
    Busy,
    /// It was to end early.
    #[error("the backup was broken off; what is in {0} is no backup")]
    Cancelled(PathBuf),
    /// Something is there already.
    #[error("{0} is not empty: name a directory that is empty, or none yet")]
    NotEmpty(PathBuf),
    /// A backup must not become part of the next one.
    #[error("{0} lies in the data directory: name another place")]
    Inside(PathBuf),
    /// What should be copied is damaged.
    #[error("{path} is damaged: stop the server, and see `millpond check` and `millpond repair`")]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: SegmentError,
    },
    /// The records of a batch cannot be read.
    #[error("{0} has records that cannot be read: stop the server, and see `millpond check`")]
    Records(PathBuf),
    /// The storage of the running engine failed.
    #[error("the mark for the backup could not be set")]
    Storage(#[from] StorageFailure),
    /// The list is missing: the backup was never completed.
    #[error("there is no {MANIFEST} in {0}: it is no backup, or was never completed")]
    NoManifest(PathBuf),
    /// The list is damaged or not ours.
    #[error("{0} is damaged, or was written by a newer version")]
    BadManifest(PathBuf),
    /// A file is not what the list says.
    #[error("{path} is damaged: expected {expected}, found {found}; nothing was restored")]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What the list says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The new directory could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The system failed.
    #[error("{path} could not be read or written")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl BackupError {
    /// Whether stored bytes are damaged, so that trying again will not help.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. }
            | Self::Records(_)
            | Self::NoManifest(_)
            | Self::BadManifest(_)
            | Self::BadFile { .. } => true,
            Self::Open(e) => e.is_damage(),
            Self::Storage(failure) => failure.class() == Class::Corrupt,
            Self::Busy | Self::Cancelled(_) | Self::NotEmpty(_) | Self::Inside(_) | Self::Io { .. } => false,
        }
    }

    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }
}

impl LocalEngine {
    /// Copies everything as of one moment to the empty directory `to`, while the engine goes on. Everything
    /// that was acknowledged before the call is in it.
    ///
    /// # Errors
    /// See [`BackupError`]. What is in `to` then is no backup: it has no list.
    pub fn backup(
        &self,
        to: &Path,
        options: Options<'_>,
        progress: Tell<'_>,
    ) -> Result<Manifest, BackupError> {
        let committer = self.committer();
        let store = &committer.store;
        let absolute = |path: &Path| std::path::absolute(path).map_err(BackupError::io(path));
        if absolute(to)?.starts_with(absolute(store.layout.root())?) {
            return Err(BackupError::Inside(to.to_path_buf()));
        }
        expect_empty(&store.disk, to)?;
        let _pinned = Pinned::pin(committer)?;
        let moment = committer.moment()?;
        copy::copy(store, to, moment, options, progress)
    }
}

/// Whether a directory has nothing in it, or is not there.
fn expect_empty(disk: &Arc<dyn Disk>, dir: &Path) -> Result<(), BackupError> {
    match disk.list(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(names) if names.is_empty() => Ok(()),
        Ok(_) => Err(BackupError::NotEmpty(dir.to_path_buf())),
        Err(e) => Err(BackupError::io(dir)(e)),
    }
}

/// Keeps files from being removed for as long as it lives.
struct Pinned<'a>(&'a Committer);

impl<'a> Pinned<'a> {
    fn pin(committer: &'a Committer) -> Result<Self, BackupError> {
        let mut pinned = committer.store.pinned.lock();
        if pinned.is_some() {
            return Err(BackupError::Busy);
        }
        *pinned = Some(Vec::new());
        Ok(Self(committer))
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        let store = &self.0.store;
        let mut behind = store.behind.lock();
        let dropped = store.pinned.lock().take().unwrap_or_default();
        // After a failure nobody knows what the view has; the next start does.
        if store.failure().is_none() {
            store.remove_files(&mut behind, dropped);
        }
    }
}

/// What belongs to a backup.
struct Moment {
    mark: Mark,
    snapshot: Snapshot,
}

impl Committer {
    /// Sets a mark at which state and records are as of the same moment.
    fn moment(&self) -> Result<Moment, StorageFailure> {
        // Leaves little for the moment at which appends wait.
        self.mark()?;
        let mut behind = self.store.behind.lock();
        self.store.failure().map_or(Ok(()), Err)?;
        let prepared = {
            let journal = self.journal.lock();
            let mark = journal.mark();
            self.store.prepare_mark(mark, &mut behind).map(|prepared| (mark, prepared))
        };
        let kept = prepared.and_then(|(mark, prepared)| {
            self.store.keep_mark(prepared, &mut behind).map(|dropped| (mark, dropped))
        });
        let (mark, dropped) = kept.inspect_err(|failure| self.fail_behind(failure.clone()))?;
        let broken = |e: ViewError| failure::of(Class::Unknown, "the view could not be read", e);
        let snapshot = self.store.view.snapshot().map_err(broken)?;
        self.journal.lock().release(&mark);
        self.released.notify_all();
        self.store.remove_files(&mut behind, dropped);
        Ok(Moment { mark, snapshot })
    }
}
