//! Files that say more than the view: what was written behind the last mark, and what belongs to nothing.

use std::{io, path::Path, sync::Arc};

use millpond_model::StreamId;

use crate::{OpenError, files::Part, logs::StreamLogs, partition::PartitionLog, store::Store};

/// A segment that is longer than the view says, and how long it is.
type Longer = (Arc<PartitionLog>, u64, u64);

impl Store {
    /// Compares the segments with the view: what is missing is damage, and stays with its partition. Returns
    /// those that are longer, with their length: they were written behind the last mark.
    pub(crate) fn check_segments(&self) -> io::Result<Vec<Longer>> {
        let logs = self.logs.read();
        let mut longer = Vec::new();
        for log in logs.streams.values().flat_map(|stream| &stream.partitions) {
            let segments: Vec<(u64, u64)> =
                log.lock().segments.iter().filter(|s| !s.is_lost()).map(|s| (s.base, s.len)).collect();
            for (base, len) in segments {
                let found = match self.files.existing(log.partition, base, Part::Records) {
                    Err(e) if e.kind() == io::ErrorKind::NotFound => None,
                    opened => Some(opened?.len()?),
                };
                if found.is_some_and(|found| found > len) {
                    longer.push((Arc::clone(log), base, found.unwrap_or(len)));
                } else if found != Some(len) {
                    log.lock().note_damage(base);
                    tracing::error!(
                        path = %self.layout.segment(log.partition, base).display(),
                        expected_bytes = len,
                        found_bytes = found,
                        "stored records are missing: their partition takes no more, reading stops there; `millpond check` tells more"
                    );
                }
            }
        }
        Ok(longer)
    }

    /// Cuts off what the journal told again, or never kept. That waits until the journal is known to be
    /// good: were it damaged, these bytes could be the only copy.
    pub(crate) fn cut_segments(&self, longer: Vec<Longer>) -> io::Result<()> {
        for (log, base, found) in longer {
            let len = log.lock().segments.iter().find(|segment| segment.base == base).map(|s| s.len);
            if let Some(len) = len.filter(|len| *len < found) {
                self.files.existing(log.partition, base, Part::Records)?.set_len(len)?;
            }
        }
        Ok(())
    }

    /// Removes files that belong to nothing: a crash came between the view and their removal. What this
    /// engine cannot have made is left alone.
    pub(crate) fn remove_strangers(&self) -> Result<(), OpenError> {
        let logs = self.logs.read();
        let streams = self.layout.streams();
        for name in self.disk.list(&streams)? {
            let dir = streams.join(&name);
            match name.parse::<StreamId>().map(|id| logs.streams.get(&id)) {
                Ok(Some(stream)) => self.remove_strange_partitions(&dir, stream)?,
                Ok(None) => self.remove_stream_dir(&dir),
                Err(_) => tracing::warn!(path = %dir.display(), "does not belong here and is left alone"),
            }
        }
        Ok(())
    }

    /// Looks only where there is a directory: most partitions of a large stream have none.
    fn remove_strange_partitions(&self, dir: &Path, stream: &StreamLogs) -> Result<(), OpenError> {
        for name in self.disk.list(dir)? {
            let Ok(index) = name.parse::<usize>() else { continue };
            match stream.partitions.get(index) {
                Some(log) => self.remove_strange_segments(log)?,
                None => self.remove_partition_dir(&dir.join(name)),
            }
        }
        Ok(())
    }

    fn remove_stream_dir(&self, dir: &Path) {
        for name in self.disk.list(dir).unwrap_or_default() {
            self.remove_partition_dir(&dir.join(name));
        }
        if let Err(error) = self.disk.remove_dir(dir) {
            tracing::warn!(%error, path = %dir.display(), "could not be removed; the next start tries again");
        }
    }

    fn remove_strange_segments(&self, log: &PartitionLog) -> Result<(), OpenError> {
        let dir = self.layout.partition(log.partition);
        let names = match self.disk.list(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names?,
        };
        let known: Vec<u64> = log.lock().segments.iter().map(|segment| segment.base).collect();
        for name in names {
            let digits = name.strip_suffix(".seg").or_else(|| name.strip_suffix(".idx"));
            let base = digits.and_then(|digits| digits.parse::<u64>().ok());
            if base.is_some_and(|base| !known.contains(&base)) {
                self.disk.remove_file(&dir.join(name))?;
            }
        }
        Ok(())
    }
}
