//! Giving up what cannot be read, so that the rest can go on. The only way in which loss is accepted.
//!
//! ```text
//!   plan (changes nothing) ─▶ copy the originals to damaged-<time>/ ─▶ tell losses.jsonl
//!       ─▶ write what is intact into segments of their own ─▶ commit their rows            (segments)
//!       ─▶ write what is intact into a journal of its own  ─▶ replay, mark it in the view  (journal)
//! ```
//!
//! Numbers are never given anew: those that are lost stay in the list of segments as a segment without bytes,
//! and whoever reads there is told. A crash at any step leaves the damage as it was, or part of it repaired;
//! the copies and the new files are in nobody's way, and the next repair begins anew.

mod journal;
mod keep;
mod plan;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use millpond_engine::{Clock, Entropy, StorageFailure};
use millpond_seglog::{disk::Disk, journal::RecoverError};

use self::{journal::JournalPlan, plan::SegmentsPlan};
use crate::{
    OpenError,
    check::{Checker, Concern, Names, Overlay, Seen, Tell, chain},
    recover::{lock_out, take_lock},
    view::View,
};

/// What the operator decided.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Whether what is lost may be given up; without, nothing is changed.
    pub accept_loss: bool,
    /// What the directory of the originals and the records of losses are named by: the time, as text that may
    /// stand in a file name.
    pub stamp: &'a str,
}

/// What a repair did, or would do.
#[derive(Clone, Debug, Default)]
pub struct Repaired {
    /// What was damaged.
    pub damaged: Vec<PathBuf>,
    /// Records that were given up.
    pub lost: Vec<Lost>,
    /// Changes of streams, apps, checkpoints and the like that were given up: what each was.
    pub changes: Vec<String>,
    /// Records behind the damage in the journal that were kept.
    pub kept_records: u64,
    /// Where the originals are now; `None` when nothing was changed.
    pub originals: Option<PathBuf>,
}

/// Records that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which ones.
    pub concern: Concern,
    /// Whether they were there. If not, something was lost of which it cannot be told whose it was, and the
    /// numbers are passed over in case they were given to somebody.
    pub is_certain: bool,
}

/// Nothing can be repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is damaged cannot be given up in part.
    #[error("{what} cannot be repaired: restore a backup")]
    NeedsBackup {
        /// What it is.
        what: &'static str,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// There is more than was expected, and nobody knows which of it is right.
    #[error("the journal cannot be repaired as it is")]
    Undecided(#[source] RecoverError),
    /// A newer version wrote it.
    #[error("the journal holds what this version does not know: use a newer version of millpond")]
    Newer(#[source] RecoverError),
    /// What was repaired could not be written.
    #[error("what was repaired could not be written; the next repair begins anew")]
    Storage(#[from] StorageFailure),
}

impl From<std::io::Error> for RepairError {
    fn from(error: std::io::Error) -> Self {
        Self::Open(error.into())
    }
}

impl RepairError {
    /// Whether stored bytes are damaged, so that trying again will not help.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Open(e) => e.is_damage(),
            Self::NeedsBackup { .. } | Self::Undecided(_) => true,
            Self::Newer(_) | Self::Storage(_) => false,
        }
    }
}

impl Repaired {
    /// Whether nothing was damaged.
    pub fn is_nothing(&self) -> bool {
        self.damaged.is_empty()
    }
}

/// Repairs a data directory that nobody uses, or tells what would be given up.
///
/// # Errors
/// See [`RepairError`]. What was changed until then is in nobody's way.
pub fn repair(
    disk: &Arc<dyn Disk>,
    root: &Path,
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
    options: Options<'_>,
    progress: Tell<'_>,
) -> Result<Repaired, RepairError> {
    let checker = Checker::new(disk, root);
    let instance = match checker.layout.identify(&**disk) {
        Ok(instance) => instance.ok_or(OpenError::NotADataDirectory)?,
        Err(source @ OpenError::NotADataDirectory) => {
            return Err(RepairError::NeedsBackup { what: "the FORMAT file", source });
        }
        Err(e) => return Err(e.into()),
    };
    let _lock = if options.accept_loss {
        Some(take_lock(&**disk, &checker.layout)?)
    } else {
        lock_out(&**disk, &checker.layout)?
    };
    let seen = view(&checker)?;
    let (names, mark) = (Names::of(&seen.state), seen.mark);
    let segments = SegmentsPlan::make(&checker, &seen.logs, progress)?;
    let journal = JournalPlan::make(&checker, instance, seen, clock.now().as_millis())?;
    let mut repaired = Repaired::default();
    segments.tell(&names, &mut repaired);
    journal.tell(&names, &mut repaired);
    if repaired.is_nothing() || !options.accept_loss {
        return Ok(repaired);
    }
    let originals = keep::copy(&checker, options.stamp, &repaired.damaged)?;
    keep::record(&checker, options.stamp, &repaired, &originals)?;
    repaired.originals = Some(originals);
    segments.write(&checker, clock.now().as_millis())?;
    segments.commit(&checker, clock.now().as_millis())?;
    if journal.is_damaged() {
        journal.write(&checker, instance, &mark, (clock, entropy))?;
    }
    segments.clear(&checker, journal.is_damaged())?;
    keep::record_end(&checker, options.stamp)?;
    Ok(repaired)
}

/// What the view says, read without changing it.
fn view(checker: &Checker<'_>) -> Result<Seen, RepairError> {
    let over: Arc<dyn Disk> = Arc::new(Overlay(Arc::clone(checker.disk)));
    let found = View::open(&over, &checker.layout.view()).and_then(|found| {
        let (_, kept) = found.ok_or(OpenError::ViewMissing)?;
        Seen::of(kept)
    });
    found.map_err(|source| match source {
        OpenError::View(_) | OpenError::ViewMissing => {
            RepairError::NeedsBackup { what: "the view (state.redb)", source }
        }
        other => other.into(),
    })
}

/// Opens the view to change it.
fn open_view(checker: &Checker<'_>) -> Result<(View, crate::view::Kept), RepairError> {
    Ok(View::open(checker.disk, &checker.layout.view())?.ok_or(OpenError::ViewMissing)?)
}

/// What went wrong, for a failure of the storage.
fn storage(what: &'static str) -> impl Fn(Box<dyn std::error::Error + Send + Sync>) -> RepairError {
    move |e| {
        let text = format!("{what}: {}", chain(&*e));
        RepairError::Storage(StorageFailure::new(millpond_engine::Class::Unknown, text))
    }
}
