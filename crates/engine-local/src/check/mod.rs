//! A look at all of a data directory that changes no byte of it.
//!
//! ```text
//!   FORMAT ─▶ view, on an overlay in memory ─▶ rows that belong together
//!                  ├─▶ every segment: length, header, each batch, each record; its index
//!                  ├─▶ the journal behind the mark, followed as a recovery would
//!                  └─▶ what belongs to nothing
//! ```

mod overlay;
pub(crate) mod replay;
mod report;
pub(crate) mod segments;
mod strangers;

use std::{
    error::Error,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use millpond_model::PartitionRef;
use millpond_seglog::{
    disk::{Disk, Open},
    journal::{Mark, RecoverError, Salvage, salvage},
};
use millpond_state::State;

use self::replay::Replay;
pub use self::report::{Concern, Finding, Remedy, Report, Severity, Totals};
pub(crate) use self::{overlay::Overlay, report::Names, strangers::DAMAGED};
use crate::{
    OpenError,
    commit::kind,
    layout::Layout,
    logs::Logs,
    partition::{PartitionLog, Segment},
    recover::{lock_out, rebuild},
    view::{Kept, View},
};

/// How far a long piece of work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub doing: &'static str,
    /// Bytes it is done with.
    pub done_bytes: u64,
    /// Bytes there are, as far as is known.
    pub total_bytes: u64,
}

/// Who is told how far the work has come.
pub type Tell<'a> = &'a mut dyn FnMut(Progress);

/// Looks at a data directory while nobody uses it, and changes nothing.
///
/// # Errors
/// It is in use, written by a newer version, no data directory at all, or the system failed. Damage is no
/// error but in the report.
pub fn check(disk: &Arc<dyn Disk>, root: &Path, progress: Tell<'_>) -> Result<Report, OpenError> {
    let mut checker = Checker::new(disk, root);
    let _nobody_opens_it = lock_out(&**disk, &checker.layout)?;
    let instance = checker.format()?;
    let Some(Seen { mark, logs, state, followed }) = checker.view(instance.is_some())? else {
        return Ok(checker.report);
    };
    let names = Names::of(&state);
    let longer = checker.segments(&names, &logs, progress)?;
    let mut replay = Replay { logs: followed, state_applied: state.applied().get(), records: 0 };
    checker.journal(instance, &mark, &mut replay)?;
    checker.behind_the_mark(&logs, &replay, &longer);
    checker.strangers(&logs, &replay.logs)?;
    Ok(checker.report)
}

/// What the view says.
pub(crate) struct Seen {
    pub(crate) mark: Mark,
    pub(crate) logs: Logs,
    pub(crate) state: State,
    /// The logs once more, for whoever follows the journal.
    pub(crate) followed: Logs,
}

impl Seen {
    pub(crate) fn of(kept: Kept) -> Result<Self, OpenError> {
        let mark = kept.mark;
        let (followed, _) = rebuild(kept.clone())?;
        let (logs, state) = rebuild(kept)?;
        Ok(Self { mark, logs, state, followed })
    }
}

/// A directory that is looked at.
pub(crate) struct Checker<'a> {
    pub(crate) disk: &'a Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) report: Report,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(disk: &'a Arc<dyn Disk>, root: &Path) -> Self {
        Self { disk, layout: Layout::new(root), report: Report::default() }
    }

    /// The path as seen from the data directory.
    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.layout.root()).unwrap_or(path).to_path_buf()
    }

    /// Reads FORMAT; returns the instance if it can be read.
    fn format(&mut self) -> Result<Option<u128>, OpenError> {
        let path = Path::new("FORMAT");
        let told = match self.layout.identify(&**self.disk) {
            Ok(Some(instance)) => return Ok(Some(instance)),
            Ok(None) if !self.holds_anything()? => return Err(OpenError::NotADataDirectory),
            Ok(None) => "no file, although there is data",
            Err(OpenError::NotADataDirectory) if self.holds_anything()? => "damaged bytes",
            Err(e) => return Err(e),
        };
        let damage = Finding::damage(path, Remedy::PutBack).at(0);
        self.report.add(damage.tells("what this directory is", told));
        Ok(None)
    }

    fn holds_anything(&self) -> Result<bool, OpenError> {
        let view = self.disk.open(&self.layout.view(), Open::Reading);
        Ok(view.is_ok_and(|file| file.len().is_ok_and(|len| len > 0))
            || self.layout.holds_records(&**self.disk)?)
    }

    /// Reads the view on an overlay; `None` when it cannot be used.
    fn view(&mut self, signed: bool) -> Result<Option<Seen>, OpenError> {
        let path = Path::new("state.redb");
        let over: Arc<dyn Disk> = Arc::new(Overlay(Arc::clone(self.disk)));
        let found = match View::open(&over, &self.layout.view()) {
            // A directory that was never completely made is made anew.
            Ok(None) if !signed => return Err(OpenError::NotADataDirectory),
            Ok(None) => "no file, or an empty one".to_owned(),
            Ok(Some((_, kept))) => {
                if kept.is_older {
                    let damage = Finding::damage(path, Remedy::Start);
                    let found = "damaged pages; the commit before it is intact";
                    self.report.add(damage.tells("the newest commit", found));
                }
                match Seen::of(kept) {
                    Ok(seen) => return Ok(Some(seen)),
                    Err(e) => chain(&e),
                }
            }
            Err(e @ OpenError::View(_)) => chain(&e),
            Err(e) => return Err(e),
        };
        let damage = Finding::damage(path, Remedy::Restore);
        let found = format!("{found}; without it nothing else can be verified");
        self.report.add(damage.tells("the state and the list of segments", found));
        Ok(None)
    }

    /// Checks all segments; returns those that are longer than the view says.
    fn segments(
        &mut self,
        names: &Names,
        logs: &Logs,
        progress: Tell<'_>,
    ) -> Result<Vec<(PartitionRef, Segment)>, OpenError> {
        let all = || logs.streams.values().flat_map(|stream| &stream.partitions);
        let total_bytes = all().map(|log| bytes_of(log)).sum();
        let (mut done_bytes, mut longer) = (0, Vec::new());
        self.report.totals.streams = logs.streams.len() as u64;
        for log in all() {
            self.report.totals.partitions += 1;
            let segments = log.lock().segments.clone();
            for segment in segments {
                progress(Progress { doing: "verifying segments", done_bytes, total_bytes });
                done_bytes += segment.len;
                if self.segment(names, log, &segment)? {
                    longer.push((log.partition, segment));
                }
            }
        }
        Ok(longer)
    }

    /// Follows the journal from the mark on.
    fn journal(&mut self, instance: Option<u128>, mark: &Mark, replay: &mut Replay) -> Result<(), OpenError> {
        // Without FORMAT nothing says which files belong here.
        let Some(instance) = instance else { return Ok(()) };
        let dir = self.layout.journal();
        let salvaged = match salvage(&**self.disk, &dir, instance, mark, |frame| replay.tell(&frame)) {
            Err(RecoverError::Io(e)) => return Err(e.into()),
            Err(e) => {
                let damage = Finding::damage(&self.relative(&dir), Remedy::MoveOneAway);
                self.report.add(damage.tells("one file of each number", e.to_string()));
                return Ok(());
            }
            Ok(salvaged) => salvaged,
        };
        self.report.totals.journal_frames += salvaged.frames;
        for path in &salvaged.headers {
            let damage = Finding::damage(&self.relative(path), Remedy::RepairOrRestore).at(0);
            self.report.add(
                damage.tells("the header of a journal file", "damaged bytes; what is behind them is intact"),
            );
        }
        let (path, offset) = &salvaged.end;
        if let Some(damage) = &salvaged.damage {
            let finding = Finding::damage(&self.relative(path), Remedy::RepairOrRestore).at(*offset);
            let expected = format!("the frame at position {}, which was durable", salvaged.told + 1);
            self.report.add(finding.tells(expected, what_is_left(damage, &salvaged)));
        } else if salvaged.torn {
            let note = Finding::note(&self.relative(path), Remedy::Start).at(*offset);
            let found = "a group that a crash cut short: none of it was ever acknowledged";
            self.report.add(note.tells("the end of the journal", found));
        }
        Ok(())
    }

    /// A segment is longer than the view says when records were written behind the mark; then the journal
    /// has them too.
    fn behind_the_mark(&mut self, logs: &Logs, replay: &Replay, longer: &[(PartitionRef, Segment)]) {
        self.report.totals.journal_records = replay.records;
        for (partition, segment) in longer {
            let next = |logs: &Logs| logs.partition(*partition).map(|log| log.lock().next);
            let before = next(logs);
            if next(&replay.logs).is_none_or(|after| Some(after) > before) {
                continue;
            }
            let path = self.relative(&self.layout.segment(*partition, segment.base));
            let note = Finding::note(&path, Remedy::Start).at(segment.len);
            let found = "more of them: they do not count and are cut off";
            self.report.add(note.tells(format!("{} bytes", segment.len), found));
        }
    }
}

fn bytes_of(log: &PartitionLog) -> u64 {
    log.lock().segments.iter().map(|segment| segment.len).sum()
}

/// The damage in words, and what is intact behind it.
fn what_is_left(damage: &RecoverError, salvaged: &Salvage) -> String {
    let mut text = chain(damage);
    let batches = salvaged.later.iter().filter(|frame| frame.kind == kind::BATCH).count();
    let others = salvaged.later.len() - batches;
    let missing = salvaged.unknown_frames.map_or_else(|| "nobody knows how many".into(), |n| n.to_string());
    let _infallible = write!(
        text,
        "; intact behind it: {batches} batches and {others} changes; {missing} frames are missing altogether"
    );
    text
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            let _infallible = write!(text, ": {words}");
        }
        next = cause.source();
    }
    text
}
