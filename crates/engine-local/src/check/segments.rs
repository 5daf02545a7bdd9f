//! Segments and their indexes against the view.

use std::{io, path::Path};

use millpond_seglog::{
    disk::{File, Open},
    index::{ENTRY_LEN, IndexEntry},
    scan::{Extent, Gap, Piece, read_bytes, scan},
    segment::{SEGMENT_HEADER_LEN, SegmentError, check_header},
};

use super::{
    Checker,
    replay::decode_records,
    report::{Finding, Names, Remedy},
};
use crate::{
    index::IndexRule,
    partition::{PartitionLog, Segment},
};

/// What the file of a segment holds.
pub(crate) struct Found {
    /// Length of the file; `None` when there is none.
    pub(crate) len: Option<u64>,
    /// Whether the header is that of the segment.
    pub(crate) header_holds: bool,
    /// What is intact and what is not.
    pub(crate) pieces: Vec<Piece>,
    /// The index that the segment should have.
    pub(crate) index: Vec<IndexEntry>,
    pub(crate) records: u64,
}

impl Found {
    /// Whether the segment is not all it should be.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.header_holds || self.pieces.iter().any(|piece| matches!(piece, Piece::Gap(_)))
    }
}

/// Looks at all of a segment.
pub(crate) fn examine(checker: &Checker<'_>, log: &PartitionLog, segment: &Segment) -> io::Result<Found> {
    let path = checker.layout.segment(log.partition, segment.base);
    let lost = |found| {
        let what = "the file is missing".to_owned();
        let gap = Gap { place: 0, len: 0, base: segment.base, end: segment.end, what };
        let pieces = vec![Piece::Gap(gap)];
        Found { len: found, header_holds: true, pieces, index: Vec::new(), records: 0 }
    };
    let file = match checker.disk.open(&path, Open::Reading) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(lost(None)),
        file => file?,
    };
    let len = file.len()?;
    let header_holds = match check_header(&*file, log.owner, segment.base) {
        Ok(()) => true,
        Err(SegmentError::Io(e)) if e.kind() != io::ErrorKind::UnexpectedEof => return Err(e),
        Err(_) => false,
    };
    let (mut index, mut records, mut time_max, mut rule) = (Vec::new(), 0, i64::MIN, IndexRule::new(None));
    let extent = Extent {
        owner: log.owner,
        place: SEGMENT_HEADER_LEN as u64,
        place_end: segment.len,
        base: segment.base,
        end: Some(segment.end),
    };
    let mut last_place = None;
    let pieces = scan(&*file, extent, |place, batch| {
        decode_records(batch).map_err(|e| e.to_string())?;
        // Behind damage a batch is looked at when it is found, and again when it is walked to.
        if last_place.replace(place) == Some(place) {
            return Ok(());
        }
        let header = batch.header();
        records += u64::from(header.count);
        if rule.wants(place) {
            let (base, arrival_ms) = (header.base, header.arrival_ms);
            index.push(IndexEntry { base, place, time_max_before_ms: time_max, arrival_ms });
        }
        time_max = time_max.max(header.time_max_ms);
        Ok(())
    })?;
    Ok(Found { len: Some(len), header_holds, pieces, index, records })
}

impl Checker<'_> {
    /// Checks one segment; whether the file is longer than the view says.
    pub(super) fn segment(
        &mut self,
        names: &Names,
        log: &PartitionLog,
        segment: &Segment,
    ) -> io::Result<bool> {
        let path = self.layout.segment(log.partition, segment.base);
        let relative = self.relative(&path);
        if segment.is_lost() {
            let about = names.concern(log.partition, segment.base, segment.end);
            let note = Finding::note(&relative, Remedy::Nothing);
            self.report.add(note.tells("records", "that they were given up in a repair").about(about));
            return Ok(false);
        }
        let found = examine(self, log, segment)?;
        self.report.totals.segments += 1;
        self.report.totals.records += found.records;
        self.report.totals.bytes += found.len.unwrap_or(0).min(segment.len);
        let about = |first, end| names.concern(log.partition, first, end);
        match found.len {
            None => {
                let expected = format!("a segment of {} bytes", segment.len);
                let damage = Finding::damage(&relative, Remedy::RepairOrRestore);
                self.report.add(damage.tells(expected, "no file").about(about(segment.base, segment.end)));
                return Ok(false);
            }
            Some(len) if len < segment.len => {
                let damage = Finding::damage(&relative, Remedy::RepairOrRestore).at(len);
                let tells = (format!("{} bytes", segment.len), format!("{len}: the file ends too early"));
                self.report.add(damage.tells(tells.0, tells.1).about(about(segment.base, segment.base)));
            }
            Some(_) => {}
        }
        if !found.header_holds {
            let expected = format!("the header of the segment that begins with record {}", segment.base);
            let damage = Finding::damage(&relative, Remedy::RepairOrRestore).at(0);
            let text = SegmentError::Header.to_string();
            self.report.add(damage.tells(expected, text).about(about(segment.base, segment.end)));
        }
        for piece in &found.pieces {
            let Piece::Gap(gap) = piece else { continue };
            let expected = format!("a batch that begins with record {}", gap.base);
            let damage = Finding::damage(&relative, Remedy::RepairOrRestore).at(gap.place);
            let told = format!("{}, for {} bytes", gap.what, gap.len);
            self.report.add(damage.tells(expected, told).about(about(gap.base, gap.end)));
        }
        if !found.is_damaged() {
            self.index(log, segment, &found.index)?;
        }
        Ok(found.len.is_some_and(|len| len > segment.len))
    }

    /// Compares an index with what it should be. It is derived: whatever it is, nothing is lost.
    fn index(&mut self, log: &PartitionLog, segment: &Segment, expected: &[IndexEntry]) -> io::Result<()> {
        let path = self.layout.index(log.partition, segment.base);
        let relative = self.relative(&path);
        let file = match self.disk.open(&path, Open::Reading) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let note = Finding::note(&relative, Remedy::Nothing);
                self.report.add(note.tells("an index", "no file: readers walk the segment"));
                return Ok(());
            }
            file => file?,
        };
        let stored = read_index(&*file, expected.len())?;
        let mut entries = IndexEntry::decode_all(&stored, log.owner, segment.base);
        entries.retain(|entry| entry.place < segment.len && entry.base < segment.end);
        let good = entries.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
        if good < expected.len() {
            self.index_note(&relative, good, expected.len(), entries.len() > good);
        }
        Ok(())
    }

    fn index_note(&mut self, relative: &Path, good: usize, expected: usize, is_wrong: bool) {
        let remedy = if is_wrong { Remedy::RemoveIndex } else { Remedy::Nothing };
        let found = format!("{good} that are right: readers walk the rest of the segment");
        let note = Finding::note(relative, remedy).at((good * ENTRY_LEN) as u64);
        self.report.add(note.tells(format!("{expected} entries"), found));
    }
}

/// The entries of an index, no more than one behind the last that can be right.
fn read_index(file: &dyn File, entries: usize) -> io::Result<bytes::Bytes> {
    let most = (entries + 1) * ENTRY_LEN;
    read_bytes(file, 0, usize::try_from(file.len()?).unwrap_or(usize::MAX).min(most))
}
