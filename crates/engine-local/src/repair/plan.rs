//! Segments: what is intact goes on under its own numbers, what is not becomes a range without bytes.
//!
//! ```text
//!   before   │ header │ run 5..9 │ ✗ 9..12 │ run 12..20 │        one row: 5..20
//!   after    │ header │ run 5..9 │            the same file, shorter     5..9
//!                                             no file                    9..12, lost
//!            │ header │ run 12..20 │          a file of its own          12..20
//! ```

use std::{path::PathBuf, sync::Arc};

use millpond_model::PartitionRef;
use millpond_seglog::{
    disk::{Disk, Open},
    scan::{Piece, Run, read_bytes},
    segment::{SEGMENT_HEADER_LEN, encode_header},
};

use super::{Lost, RepairError, Repaired, open_view, storage};
use crate::{
    check::{
        Checker, Names, Progress, Tell,
        segments::{Found, examine},
    },
    logs::Logs,
    partition::{PartitionLog, Segment},
    rows,
    view::Changes,
};

/// Bytes copied at a time.
const COPY_BYTES: u64 = 1024 * 1024;

/// The segments that are damaged, and what becomes of them.
pub(super) struct SegmentsPlan(Vec<SegmentPlan>);

struct SegmentPlan {
    log: Arc<PartitionLog>,
    segment: Segment,
    found: Found,
    path: PathBuf,
    /// What takes the segment's place in the list.
    rows: Vec<Segment>,
}

impl SegmentsPlan {
    /// Looks at all segments.
    pub(super) fn make(checker: &Checker<'_>, logs: &Logs, progress: Tell<'_>) -> Result<Self, RepairError> {
        let (mut plans, mut done_bytes) = (Vec::new(), 0);
        let all = || logs.streams.values().flat_map(|stream| &stream.partitions);
        let len = |log: &Arc<PartitionLog>| log.lock().segments.iter().map(|s| s.len).sum::<u64>();
        let total_bytes = all().map(len).sum();
        for log in all() {
            let segments = log.lock().segments.clone();
            for segment in segments.into_iter().filter(|segment| !segment.is_lost()) {
                progress(Progress { doing: "verifying segments", done_bytes, total_bytes });
                done_bytes += segment.len;
                let found = examine(checker, log, &segment)?;
                if found.is_damaged() {
                    let path = checker.layout.segment(log.partition, segment.base);
                    let rows = rows_of(&segment, &found.pieces);
                    plans.push(SegmentPlan { log: Arc::clone(log), segment, found, path, rows });
                }
            }
        }
        Ok(Self(plans))
    }

    /// Tells what is given up.
    pub(super) fn tell(&self, names: &Names, repaired: &mut Repaired) {
        for plan in &self.0 {
            repaired.damaged.push(plan.path.clone());
            for row in plan.rows.iter().filter(|row| row.is_lost()) {
                let concern = names.concern(plan.log.partition, row.base, row.end);
                repaired.lost.push(Lost { concern, is_certain: true });
            }
        }
    }

    /// Writes what is intact and has to move. The view does not know these files yet.
    pub(super) fn write(&self, checker: &Checker<'_>, now_ms: i64) -> Result<(), RepairError> {
        for plan in &self.0 {
            plan.write(checker, now_ms)?;
        }
        Ok(())
    }

    /// Keeps the new rows, all at once.
    pub(super) fn commit(&self, checker: &Checker<'_>, now_ms: i64) -> Result<(), RepairError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (view, kept) = open_view(checker)?;
        let mut segments = Vec::new();
        for plan in &self.0 {
            let of = plan.log.partition;
            segments.push((rows::segment_key(of, plan.segment.base), None));
            let row = |row: &Segment| (rows::segment_key(of, row.base), Some(rows::encode_segment(row)));
            segments.extend(plan.rows.iter().map(row));
        }
        let changes = Changes {
            mark: kept.mark,
            logs_applied: kept.logs_applied,
            aged_ms: kept.aged_ms.unwrap_or(now_ms),
            state: Vec::new(),
            logs: Vec::new(),
            partitions: Vec::new(),
            segments,
        };
        view.commit(&changes).map_err(|e| storage("the view could not be committed")(e.into()))
    }

    /// Removes files and bytes that do not count any more. What a crash leaves of them is in nobody's way.
    pub(super) fn clear(&self, checker: &Checker<'_>, is_cut: bool) -> Result<(), RepairError> {
        for plan in &self.0 {
            let (of, base) = (plan.log.partition, plan.segment.base);
            let Some(len) = plan.found.len else { continue };
            let row = plan.rows.iter().find(|row| row.base == base && !row.is_lost());
            match row {
                None => {
                    checker.disk.remove_file(&plan.path)?;
                    let _derived = checker.disk.remove_file(&checker.layout.index(of, base));
                }
                // A start cuts by itself; whoever replayed the journal did so too.
                Some(row) if row.len < len && !is_cut => {
                    checker.disk.open(&plan.path, Open::Existing)?.set_len(row.len)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl SegmentPlan {
    fn write(&self, checker: &Checker<'_>, now_ms: i64) -> Result<(), RepairError> {
        let (owner, base) = (self.log.owner, self.segment.base);
        let mut wrote = false;
        for piece in &self.found.pieces {
            let Piece::Run(run) = piece else { continue };
            if run.base != base {
                self.move_run(checker, run, now_ms)?;
                wrote = true;
            } else if !self.found.header_holds {
                let file = checker.disk.open(&self.path, Open::Existing)?;
                file.write_at(&encode_header(owner, base, now_ms), 0)?;
                file.sync_data()?;
            }
        }
        if wrote {
            checker.disk.sync_dir(&checker.layout.partition(self.log.partition))?;
        }
        Ok(())
    }

    /// Copies a run into a segment of its own.
    fn move_run(&self, checker: &Checker<'_>, run: &Run, now_ms: i64) -> Result<(), RepairError> {
        let of: PartitionRef = self.log.partition;
        let from = checker.disk.open(&self.path, Open::Reading)?;
        let to = checker.disk.open(&checker.layout.segment(of, run.base), Open::Empty)?;
        to.write_at(&encode_header(self.log.owner, run.base, now_ms), 0)?;
        let mut done = 0;
        while done < run.len {
            let len = usize::try_from(COPY_BYTES.min(run.len - done)).unwrap_or_default();
            let bytes = read_bytes(&*from, run.place + done, len)?;
            to.write_at(&bytes, SEGMENT_HEADER_LEN as u64 + done)?;
            done += len as u64;
        }
        to.sync_data()?;
        Ok(())
    }
}

/// The rows that take the place of a segment's.
fn rows_of(segment: &Segment, pieces: &[Piece]) -> Vec<Segment> {
    let mut rows = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Run(run) => rows.push(Segment {
                base: run.base,
                end: run.end,
                len: SEGMENT_HEADER_LEN as u64 + run.len,
                first_arrival_ms: run.first_arrival_ms,
                last_arrival_ms: run.last_arrival_ms,
                time_max_ms: run.time_max_ms,
                ..segment.clone()
            }),
            Piece::Gap(gap) if gap.base < gap.end => {
                // They arrived no later than what comes behind them.
                let next = pieces.iter().skip(i).find_map(|piece| match piece {
                    Piece::Run(run) => Some(run.first_arrival_ms),
                    Piece::Gap(_) => None,
                });
                let arrival_ms = next.unwrap_or(segment.last_arrival_ms);
                rows.push(Segment::lost(gap.base, gap.end, arrival_ms, segment.time_max_ms));
            }
            Piece::Gap(_) => {}
        }
    }
    rows
}

/// Copies a file byte for byte; what the device cannot read becomes zeroes.
pub(super) fn copy_file(
    disk: &dyn Disk,
    from: &std::path::Path,
    to: &std::path::Path,
) -> std::io::Result<()> {
    let (from, to) = (disk.open(from, Open::Reading)?, disk.open(to, Open::Empty)?);
    let (len, mut done) = (from.len()?, 0);
    while done < len {
        let chunk = usize::try_from(COPY_BYTES.min(len - done)).unwrap_or_default();
        to.write_at(&read_bytes(&*from, done, chunk)?, done)?;
        done += chunk as u64;
    }
    to.sync_data()
}
