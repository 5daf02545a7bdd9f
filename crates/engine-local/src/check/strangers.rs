//! What lies in the directory and belongs to nothing.

use std::{io, path::Path};

use millpond_model::StreamId;

use super::{
    Checker,
    report::{Finding, Remedy},
};
use crate::logs::Logs;

/// What may lie in a data directory.
const KNOWN: &[&str] = &[
    "FORMAT",
    "FORMAT.tmp",
    "LOCK",
    "control.sock",
    "control.sock.tmp",
    "credentials.env",
    "credentials.toml",
    "credentials.toml.tmp",
    "journal",
    "losses.jsonl",
    "reserve",
    "state.redb",
    "streams",
];

/// What a repair moves out of the way begins with this.
pub(crate) const DAMAGED: &str = "damaged-";

impl Checker<'_> {
    /// Notes what belongs to nothing. `before` are the logs as the view has them, `after` as the journal
    /// leaves them.
    pub(super) fn strangers(&mut self, before: &Logs, after: &Logs) -> io::Result<()> {
        let root = self.layout.root().to_path_buf();
        for name in sorted(self.disk.list(&root)?) {
            if !KNOWN.contains(&name.as_str()) && !name.starts_with(DAMAGED) {
                self.not_ours(&root.join(name));
            }
        }
        let streams = self.layout.streams();
        for name in sorted(absent_is_empty(self.disk.list(&streams))?) {
            let dir = streams.join(&name);
            match name.parse::<StreamId>() {
                Err(_) => self.not_ours(&dir),
                Ok(id) if !before.streams.contains_key(&id) && !after.streams.contains_key(&id) => {
                    self.leftover(&dir);
                }
                Ok(id) => self.strange_partitions(&dir, id, before, after)?,
            }
        }
        Ok(())
    }

    fn strange_partitions(
        &mut self,
        dir: &Path,
        stream: StreamId,
        before: &Logs,
        after: &Logs,
    ) -> io::Result<()> {
        let count = |logs: &Logs| logs.streams.get(&stream).map_or(0, |logs| logs.partitions.len());
        let partitions = count(before).max(count(after));
        for name in sorted(self.disk.list(dir)?) {
            let path = dir.join(&name);
            match name.parse::<usize>() {
                Ok(index) if index < partitions => {
                    let of = |logs: &Logs| logs.streams.get(&stream)?.partitions.get(index).cloned();
                    let rows = of(before).map(|log| {
                        let inner = log.lock();
                        let bases: Vec<u64> = inner.segments.iter().map(|segment| segment.base).collect();
                        (bases, inner.written)
                    });
                    self.strange_segments(&path, &rows.unwrap_or_default())?;
                }
                Ok(_) => self.leftover(&path),
                Err(_) => self.not_ours(&path),
            }
        }
        Ok(())
    }

    /// A segment that the view does not have is either older than what the partition keeps, or was begun
    /// behind the mark: then the journal has its records.
    fn strange_segments(&mut self, dir: &Path, (known, written): &(Vec<u64>, u64)) -> io::Result<()> {
        for name in sorted(self.disk.list(dir)?) {
            let digits = name.strip_suffix(".seg").or_else(|| name.strip_suffix(".idx"));
            match digits.and_then(|digits| digits.parse::<u64>().ok()) {
                None => self.not_ours(&dir.join(name)),
                Some(base) if known.contains(&base) || base >= *written => {}
                Some(_) => self.leftover(&dir.join(name)),
            }
        }
        Ok(())
    }

    fn not_ours(&mut self, path: &Path) {
        let note = Finding::note(&self.relative(path), Remedy::NotOurs);
        self.report.add(note.tells("only files of millpond", "something else"));
    }

    fn leftover(&mut self, path: &Path) {
        let note = Finding::note(&self.relative(path), Remedy::Start);
        self.report.add(note.tells("nothing", "what was removed and is not needed any more"));
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

fn absent_is_empty(listed: io::Result<Vec<String>>) -> io::Result<Vec<String>> {
    match listed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}
