//! What a check finds, in words for people and in parts for programs.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use millpond_model::{PartitionRef, StreamId};
use millpond_state::State;

/// Most findings that are kept one by one; the rest is counted.
const FINDINGS_MAX: usize = 10_000;

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is damaged or noteworthy, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub totals: Totals,
    /// Pieces of damage, those among them that are not in `findings` included.
    pub damage: u64,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Streams that have logs.
    pub streams: u64,
    /// Their partitions.
    pub partitions: u64,
    /// Segments, those left out that were given up in a repair.
    pub segments: u64,
    /// Bytes of segments that were verified.
    pub bytes: u64,
    /// Records in segments that were verified.
    pub records: u64,
    /// Frames of the journal behind the mark that were verified.
    pub journal_frames: u64,
    /// Records that only the journal has.
    pub journal_records: u64,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is damage.
    pub severity: Severity,
    /// The file or directory, relative to the data directory.
    pub path: PathBuf,
    /// The byte.
    pub offset: Option<u64>,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// The records it is about.
    pub concerns: Option<Concern>,
    /// What can be done.
    pub remedy: Remedy,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Stored bytes are not what they were.
    Damage,
    /// Nothing is lost that was not given up before.
    Note,
}

/// Records of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// Which partition.
    pub partition: PartitionRef,
    /// The stream's name, where the state tells it.
    pub stream_name: Option<String>,
    /// Number of the first record.
    pub first: u64,
    /// Number behind the last record; `first` when no record is concerned.
    pub end: u64,
}

/// What can be done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// `millpond repair`, or a backup.
    RepairOrRestore,
    /// Only a backup.
    Restore,
    /// Put the file back, or restore a backup.
    PutBack,
    /// Start the server: it does the rest.
    Start,
    /// Remove the file while no server runs.
    RemoveIndex,
    /// Decide which of the files belongs here, and move the other one away.
    MoveOneAway,
    /// Nothing has to be done.
    Nothing,
    /// Somebody put it there: whoever did may take it away.
    NotOurs,
}

impl Severity {
    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Note => "note",
        }
    }
}

impl Remedy {
    /// What to do, as a clause.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RepairOrRestore => {
                "restore a backup, or give up what is lost with `millpond repair DATA_DIR --accept-loss`"
            }
            Self::Restore => "restore a backup",
            Self::PutBack => "put the file back, or restore a backup",
            Self::Start => "start the server, which sets it right",
            Self::RemoveIndex => "remove the file while no server runs: it is made anew from its segment",
            Self::MoveOneAway => "find out which of the two belongs here and move the other one away",
            Self::Nothing => "nothing has to be done",
            Self::NotOurs => "move it elsewhere if it is not needed here",
        }
    }
}

impl Report {
    /// Whether nothing is damaged.
    pub fn is_good(&self) -> bool {
        self.damage == 0
    }

    /// Whether there were more findings than are kept.
    pub fn is_cut_short(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        self.damage += u64::from(finding.severity == Severity::Damage);
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

impl Finding {
    pub(crate) fn new(severity: Severity, path: &Path, remedy: Remedy) -> Self {
        let (expected, found) = (String::new(), String::new());
        Self { severity, path: path.to_path_buf(), offset: None, expected, found, concerns: None, remedy }
    }

    pub(crate) fn damage(path: &Path, remedy: Remedy) -> Self {
        Self::new(Severity::Damage, path, remedy)
    }

    pub(crate) fn note(path: &Path, remedy: Remedy) -> Self {
        Self::new(Severity::Note, path, remedy)
    }

    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    pub(crate) fn tells(mut self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        (self.expected, self.found) = (expected.into(), found.into());
        self
    }

    pub(crate) fn about(mut self, concern: Concern) -> Self {
        self.concerns = Some(concern);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity.as_str(), self.path.display())?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)?;
        if let Some(concern) = &self.concerns {
            write!(f, "; {concern}")?;
        }
        write!(f, "; {}", self.remedy.as_str())
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.partition.stream;
        match &self.stream_name {
            Some(name) => write!(f, "stream {name} ({id})")?,
            None => write!(f, "stream {id}")?,
        }
        write!(f, ", partition {}, ", self.partition.partition.index())?;
        match self.end.saturating_sub(self.first) {
            0 => f.write_str("no records"),
            1 => write!(f, "record {}", self.first),
            _ => write!(f, "records {} to {}", self.first, self.end - 1),
        }
    }
}

/// The names of streams, for messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(BTreeMap<StreamId, String>);

impl Names {
    pub(crate) fn of(state: &State) -> Self {
        Self(state.streams().map(|stream| (stream.id, stream.spec.name.as_str().to_owned())).collect())
    }

    pub(crate) fn get(&self, stream: StreamId) -> Option<String> {
        self.0.get(&stream).cloned()
    }

    pub(crate) fn concern(&self, partition: PartitionRef, first: u64, end: u64) -> Concern {
        Concern { partition, stream_name: self.get(partition.stream), first, end }
    }
}
