//! Directories at rest, and what may happen to their bytes.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use millpond_engine::{ManualClock, ReadLevel};
use millpond_seglog::disk::FaultDisk;

use super::{Dice, Names, Op, clock, on, open, run, workload};

/// One change of a file, drawn from a seed. Most hit bytes that mean something.
pub fn change(dice: &mut Dice, bytes: &mut Vec<u8>) -> String {
    let used: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i] != 0).collect();
    let any = |dice: &mut Dice| usize::try_from(dice.below(bytes.len() as u64)).unwrap();
    let at = match dice.below(5) {
        0 => any(dice),
        _ if used.is_empty() => any(dice),
        _ => used[usize::try_from(dice.below(used.len() as u64)).unwrap()],
    };
    match dice.below(8) {
        0 => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
        1 => {
            let start = at / 512 * 512;
            let end = (start + 512).min(bytes.len());
            bytes[start..end].fill(0);
            format!("sector at {start} zeroed")
        }
        2 => {
            let (from, to) = (any(dice) / 512 * 512, at / 512 * 512);
            let len = 512.min(bytes.len() - from.max(to));
            bytes.copy_within(from..from + len, to);
            format!("sector at {from} found at {to}")
        }
        _ => {
            let bit = dice.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
    }
}

/// How the last life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Close,
    /// Death, a while after the last request: the empty group behind it was written.
    Kill,
}

/// A directory that was worked with for a while; nothing was trimmed and nothing expired.
pub fn used(seed: u64, end: End) -> (FaultDisk, Arc<ManualClock>) {
    let (disk, clock) = (FaultDisk::default(), clock());
    let engine = open(&disk, &clock).unwrap();
    let mut names = Names::default();
    let mut ask = |op: &Op| drop(run(&engine.engine(), &clock, &mut names, op, usize::MAX).unwrap());
    for op in workload(seed, 60) {
        match op {
            Op::Mark => engine.mark().unwrap(),
            Op::Retain | Op::Advance { .. } | Op::Trim { .. } => {}
            op => ask(&op),
        }
    }
    if end == End::Kill {
        engine.mark().unwrap();
        let more = workload(seed + 1, 12).into_iter();
        more.filter(|op| matches!(op, Op::Append(_) | Op::Propose(_))).for_each(|op| ask(&op));
        on(engine.engine().state.barrier(ReadLevel::Strict)).unwrap();
    } else {
        engine.close().unwrap();
    }
    drop(engine);
    (disk, clock)
}

/// Every file with its bytes.
pub fn bytes_of(disk: &FaultDisk) -> BTreeMap<PathBuf, Vec<u8>> {
    disk.paths().into_iter().map(|path| (path.clone(), disk.read(&path).unwrap())).collect()
}
