use std::{path::Path, sync::Arc};

use super::*;
use crate::{
    batch::DraftBatch,
    disk::{Disk, FaultDisk, Open},
};

const OWNER: Owner = Owner([3; 24]);
const BATCH: usize = HEADER_LEN + 100;

/// Five batches of two records each, from record 10 on.
fn segment() -> Vec<u8> {
    let batch = |i: u64| {
        let draft = DraftBatch::new(2, 100, |body| body.resize(BATCH, b'x'));
        draft.place(OWNER, 10 + 2 * i, 0, 0).bytes().to_vec()
    };
    (0..5).flat_map(batch).collect()
}

fn scanned(file: &dyn File, end: Option<u64>) -> Vec<Piece> {
    let extent = Extent { owner: OWNER, place: 0, place_end: 5 * BATCH as u64, base: 10, end };
    scan(file, extent, |_, _| Ok(())).unwrap()
}

/// First number, number behind the last, and whether it is a gap.
type Outline = (u64, u64, bool);

fn outline(pieces: &[Piece]) -> Vec<Outline> {
    let of = |piece: &Piece| match piece {
        Piece::Run(run) => (run.base, run.end, false),
        Piece::Gap(gap) => (gap.base, gap.end, true),
    };
    pieces.iter().map(of).collect()
}

fn check(what: &str, damage: impl FnOnce(&mut Vec<u8>), end: Option<u64>, expected: &[Outline]) {
    let disk = FaultDisk::default();
    let file = disk.open(Path::new("/s"), Open::Empty).unwrap();
    let mut bytes = segment();
    damage(&mut bytes);
    file.write_at(&bytes, 0).unwrap();
    assert_eq!(outline(&scanned(&*file, end)), expected, "{what}");
}

#[test]
fn only_what_cannot_be_read_is_a_gap() {
    let all = Some(20);
    check("nothing", |_| {}, all, &[(10, 20, false)]);
    check("a body", |b| b[BATCH + 90] ^= 1, all, &[(10, 12, false), (12, 14, true), (14, 20, false)]);
    check("a header", |b| b[BATCH + 20] ^= 1, all, &[(10, 12, false), (12, 14, true), (14, 20, false)]);
    check("a magic", |b| b[0] ^= 1, all, &[(10, 12, true), (12, 20, false)]);
    check("the last", |b| b[4 * BATCH] ^= 1, all, &[(10, 18, false), (18, 20, true)]);
    check(
        "two",
        |b| b[BATCH + 90..3 * BATCH].fill(0),
        all,
        &[(10, 12, false), (12, 16, true), (16, 20, false)],
    );
    check("cut", |b| b.truncate(2 * BATCH + 7), all, &[(10, 14, false), (14, 20, true)]);
    check("cut between", |b| b.truncate(2 * BATCH), all, &[(10, 14, false), (14, 20, true)]);
    check("empty", Vec::clear, all, &[(10, 20, true)]);
    check("too few", |_| {}, Some(22), &[(10, 20, false), (20, 22, true)]);
    check("open end", |b| b[4 * BATCH] ^= 1, None, &[(10, 18, false), (18, 18, true)]);
    check(
        "a copy of the first in place of the second",
        |b| b.copy_within(..BATCH, BATCH),
        all,
        &[(10, 12, false), (12, 14, true), (14, 20, false)],
    );
}

/// Records may hold anything, also the bytes of a batch of their own partition.
#[test]
fn a_batch_within_a_record_is_none() {
    let inner = DraftBatch::new(1, 10, |body| body.extend([1; 10])).place(OWNER, 12, 0, 0);
    let outer = DraftBatch::new(2, 200, |body| body.extend_from_slice(inner.bytes())).place(OWNER, 10, 0, 0);
    let last = DraftBatch::new(1, 1, |body| body.push(7)).place(OWNER, 12, 0, 0);
    let mut bytes = [outer.bytes().as_ref(), last.bytes()].concat();
    bytes[outer.bytes().len() - 1] ^= 1;
    let disk = FaultDisk::default();
    let file = disk.open(Path::new("/s"), Open::Empty).unwrap();
    file.write_at(&bytes, 0).unwrap();
    let extent = Extent { owner: OWNER, place: 0, place_end: bytes.len() as u64, base: 10, end: Some(13) };
    let pieces = scan(&*file, extent, |_, _| Ok(())).unwrap();
    assert_eq!(outline(&pieces), [(10, 12, true), (12, 13, false)]);
    let Piece::Run(run) = pieces[1] else { panic!("{pieces:?}") };
    assert_eq!(run.place, outer.bytes().len() as u64);
}

/// A disk that cannot read some of its blocks.
struct Scratched(Arc<dyn File>, std::ops::Range<u64>);

impl File for Scratched {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        if at < self.1.end && at + buf.len() as u64 > self.1.start {
            return Err(io::Error::from_raw_os_error(Errno::IO.raw_os_error()));
        }
        self.0.read_at(buf, at)
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        unreachable!("nothing is written")
    }
    fn set_len(&self, _: u64) -> io::Result<()> {
        unreachable!("nothing is cut")
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn sync_data(&self) -> io::Result<()> {
        unreachable!("nothing is synced")
    }
}

#[test]
fn blocks_that_cannot_be_read_are_damage() {
    let disk = FaultDisk::default();
    let file = disk.open(Path::new("/s"), Open::Empty).unwrap();
    let draft =
        |i: u64| DraftBatch::new(1, 3000, |body| body.resize(HEADER_LEN + 3000, 1)).place(OWNER, i, 0, 0);
    let bytes: Vec<u8> = (0..10).flat_map(|i| draft(i).bytes().to_vec()).collect();
    file.write_at(&bytes, 0).unwrap();
    let extent = Extent { owner: OWNER, place: 0, place_end: bytes.len() as u64, base: 0, end: Some(10) };
    let scratched = Scratched(file, 8192..12288);
    let pieces = scan(&scratched, extent, |_, _| Ok(())).unwrap();
    assert_eq!(outline(&pieces), [(0, 2, false), (2, 4, true), (4, 10, false)]);
}
