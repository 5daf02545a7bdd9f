//! The partitions of a stream that is scaled, and where keys go.

use std::collections::BTreeMap;

use super::history::Fate;

/// The largest hash key (spec/02 §7).
pub const HASH_KEY_MAX: u64 = (1 << 63) - 1;

/// One change of the count of ACTIVE partitions. A stream is scaled by one client at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaling {
    pub target: u32,
    pub fate: Fate<()>,
}

/// A time in which the count of ACTIVE partitions was certain: between two ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steady {
    pub active: u32,
    pub since: u64,
    /// `None`: until now.
    pub until: Option<u64>,
}

/// A record with a key, acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    pub key: String,
    pub partition: u32,
    pub begun_at: u64,
    pub told_at: u64,
}

/// What is wrong with the partitions of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misparted {
    /// Not the count that was acknowledged last, and not one of those in doubt since.
    Count { expected: Vec<u32>, found: u32 },
    /// The ACTIVE partitions are not the first ones.
    Scattered { active: Vec<u32> },
    /// The hash ranges of the ACTIVE partitions have a gap, overlap, or do not reach the ends.
    Untiled { ranges: Vec<(u64, u64)> },
    /// A key went to two partitions though nothing was scaled in between.
    KeyMoved { key: String, first: u32, second: u32 },
}

/// One partition, as it was described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    pub index: u32,
    pub is_active: bool,
    pub hash_range: (u64, u64),
}

/// The ACTIVE partitions are as many as asked for, the first ones, and share all keys; how many.
pub fn check_partitions(created: u32, scalings: &[Scaling], found: &[Described]) -> Result<u32, Misparted> {
    let last = scalings.iter().rposition(|scaling| scaling.fate == Fate::Done(()));
    let settled = last.map_or(created, |index| scalings[index].target);
    let since = &scalings[last.map_or(0, |index| index + 1)..];
    let in_doubt = since.iter().filter(|scaling| scaling.fate == Fate::Unknown).map(|scaling| scaling.target);
    let expected: Vec<u32> = [settled].into_iter().chain(in_doubt).collect();
    let active: Vec<&Described> = found.iter().filter(|partition| partition.is_active).collect();
    let count = u32::try_from(active.len()).expect("few partitions");
    if !expected.contains(&count) {
        return Err(Misparted::Count { expected, found: count });
    }
    if !active.iter().map(|partition| partition.index).eq(0..count) {
        return Err(Misparted::Scattered {
            active: active.iter().map(|partition| partition.index).collect(),
        });
    }
    let ranges: Vec<(u64, u64)> = active.iter().map(|partition| partition.hash_range).collect();
    let ends = ranges.first().is_some_and(|first| first.0 == 0)
        && ranges.last().is_some_and(|last| last.1 == HASH_KEY_MAX);
    let tiled = ranges.windows(2).all(|pair| pair[0].1.checked_add(1) == Some(pair[1].0));
    let ordered = ranges.iter().all(|(from, to)| from <= to);
    if ends && tiled && ordered { Ok(count) } else { Err(Misparted::Untiled { ranges }) }
}

/// With the same ACTIVE partitions a key goes to one of them, always.
pub fn check_keys(steady: &[Steady], keyed: &[Keyed]) -> Result<(), Misparted> {
    let mut homes = BTreeMap::new();
    for Keyed { key, partition, begun_at, told_at } in keyed {
        let within =
            |steady: &&Steady| steady.since < *begun_at && steady.until.is_none_or(|until| *told_at < until);
        let Some(Steady { active, .. }) = steady.iter().find(within) else { continue };
        let home = *homes.entry((key, active)).or_insert(*partition);
        if home != *partition {
            return Err(Misparted::KeyMoved { key: key.clone(), first: home, second: *partition });
        }
    }
    Ok(())
}
