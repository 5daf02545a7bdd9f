//! What clients did and were told, and whether what is stored fits to it.
//!
//! Every record's data is its own, so that a record is recognised wherever it turns up. Times are
//! ticks of one counter: an event with a smaller tick was over before one with a larger tick began.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::api::Stored;

/// What became of something that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<T> {
    /// The client was told that it is done.
    Done(T),
    /// The client was told that it is not, and never will be.
    Refused,
    /// The client does not know.
    Unknown,
}

/// Where an acknowledged record is, and when that was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub partition: u32,
    pub number: u64,
    pub told_at: u64,
}

/// One record that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub data: String,
    /// The partition that was asked for.
    pub partition: Option<u32>,
    /// The request, counted over all; its records stand in the order of the request.
    pub request: u64,
    pub begun_at: u64,
    pub fate: Fate<Place>,
}

/// All partitions of a stream, as they were read.
pub type Log = BTreeMap<u32, Vec<Stored>>;

/// How a history and what is stored contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The numbers of a partition are not 0, 1, 2 and so on.
    Gap { partition: u32, expected: u64, found: u64 },
    /// An acknowledged record is not there.
    Lost { partition: u32, number: u64, data: String },
    /// An acknowledged number has another record.
    NumberReused { partition: u32, number: u64, acknowledged: String, found: String },
    /// One record is there twice.
    Duplicate { data: String },
    /// A record that nobody sent.
    NeverSent { partition: u32, number: u64, data: String },
    /// A refused record is there.
    RefusedButStored { data: String },
    /// A record is in another partition than was asked for.
    Misplaced { data: String, asked: u32, found: u32 },
    /// The second was acknowledged before the first was sent, or stands before it in the same request.
    Reordered { first: String, second: String },
    /// Records of one request for one partition have others between them.
    Divided { partition: u32, request: u64 },
    /// What was read once is not there any more, or is something else.
    Changed { partition: u32, number: u64 },
    /// A checkpoint is none of those that may be there.
    Checkpoint { expected: Vec<String>, found: Option<String> },
    /// A stream is there, or is not, against what was acknowledged.
    Stream { name: String, found: bool },
}

/// Checks everything that is stored against everything that was sent.
pub fn check_records(sent: &[Sent], found: &Log) -> Result<(), Broken> {
    check_numbers(found)?;
    let by_data: HashMap<&str, &Sent> = sent.iter().map(|sent| (&*sent.data, sent)).collect();
    assert_eq!(by_data.len(), sent.len(), "the data of every record is its own");
    check_acknowledged(sent, found)?;
    let mut seen = BTreeSet::new();
    for (&partition, records) in found {
        let mut senders = Vec::new();
        for Stored { number, data } in records {
            if !seen.insert(&**data) {
                return Err(Broken::Duplicate { data: data.clone() });
            }
            let Some(&sender) = by_data.get(&**data) else {
                return Err(Broken::NeverSent { partition, number: *number, data: data.clone() });
            };
            if sender.fate == Fate::Refused {
                return Err(Broken::RefusedButStored { data: data.clone() });
            }
            if let Some(asked) = sender.partition.filter(|&asked| asked != partition) {
                return Err(Broken::Misplaced { data: data.clone(), asked, found: partition });
            }
            senders.push(sender);
        }
        check_order(&senders)?;
        check_requests(partition, &senders, sent)?;
    }
    Ok(())
}

fn check_numbers(found: &Log) -> Result<(), Broken> {
    for (&partition, records) in found {
        for (expected, record) in (0..).zip(records) {
            if record.number != expected {
                return Err(Broken::Gap { partition, expected, found: record.number });
            }
        }
    }
    Ok(())
}

fn check_acknowledged(sent: &[Sent], found: &Log) -> Result<(), Broken> {
    for Sent { data, fate, .. } in sent {
        let Fate::Done(Place { partition, number, .. }) = *fate else { continue };
        let index = usize::try_from(number).expect("few records");
        match found.get(&partition).and_then(|records| records.get(index)) {
            None => return Err(Broken::Lost { partition, number, data: data.clone() }),
            Some(record) if record.data != *data => {
                let (acknowledged, found) = (data.clone(), record.data.clone());
                return Err(Broken::NumberReused { partition, number, acknowledged, found });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Records of a partition in the order of their numbers: none may have been acknowledged before one
/// with a smaller number was sent.
fn check_order(in_order: &[&Sent]) -> Result<(), Broken> {
    let mut latest: Option<&Sent> = None;
    for &sent in in_order {
        if let (Fate::Done(place), Some(earlier)) = (sent.fate, latest)
            && place.told_at < earlier.begun_at
        {
            return Err(Broken::Reordered { first: earlier.data.clone(), second: sent.data.clone() });
        }
        if latest.is_none_or(|latest| latest.begun_at < sent.begun_at) {
            latest = Some(sent);
        }
    }
    Ok(())
}

/// Records of one request for one partition stand side by side, in the order of the request.
fn check_requests(partition: u32, in_order: &[&Sent], sent: &[Sent]) -> Result<(), Broken> {
    let rank: HashMap<&str, usize> = sent.iter().enumerate().map(|(at, sent)| (&*sent.data, at)).collect();
    let mut over = BTreeSet::new();
    for pair in in_order.windows(2) {
        let [first, second] = pair else { continue };
        if first.request != second.request {
            over.insert(first.request);
            if over.contains(&second.request) {
                return Err(Broken::Divided { partition, request: second.request });
            }
        } else if rank[&*first.data] > rank[&*second.data] {
            return Err(Broken::Reordered { first: first.data.clone(), second: second.data.clone() });
        }
    }
    Ok(())
}

/// Whatever anybody has read is still there, under the same numbers.
pub fn check_unchanged(shown: &Log, found: &Log) -> Result<(), Broken> {
    for (&partition, records) in shown {
        for record in records {
            let index = usize::try_from(record.number).expect("few records");
            if found.get(&partition).and_then(|found| found.get(index)) != Some(record) {
                return Err(Broken::Changed { partition, number: record.number });
            }
        }
    }
    Ok(())
}

/// One commit of a checkpoint. Its note is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub number: u64,
    pub note: String,
    pub fate: Fate<()>,
}

/// The commits of one checkpoint, in the order of their only writer: the last acknowledged one is
/// there, or one after it of which nobody knows.
pub fn check_checkpoint(commits: &[Commit], found: Option<&(u64, String)>) -> Result<(), Broken> {
    let last = commits.iter().rposition(|commit| commit.fate == Fate::Done(()));
    let open = commits[last.unwrap_or(0)..].iter().filter(|commit| commit.fate != Fate::Refused);
    let fits = |commit: &Commit| found == Some(&(commit.number, commit.note.clone()));
    if open.clone().any(fits) || (last.is_none() && found.is_none()) {
        return Ok(());
    }
    Err(Broken::Checkpoint {
        expected: open.map(|commit| format!("{} {}", commit.number, commit.note)).collect(),
        found: found.map(|(number, note)| format!("{number} {note}")),
    })
}

/// A stream's creation or deletion; every name has one writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    pub name: String,
    /// Created, or else deleted.
    pub created: bool,
    pub fate: Fate<()>,
}

/// Of every name, the last acknowledged change holds, or one after it of which nobody knows.
pub fn check_streams(changes: &[Naming], found: &BTreeSet<String>) -> Result<(), Broken> {
    let mut possible: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
    for Naming { name, created, fate } in changes {
        let states = possible.entry(name).or_insert_with(|| [false].into());
        match fate {
            Fate::Done(()) => *states = [*created].into(),
            Fate::Unknown => {
                states.insert(*created);
            }
            Fate::Refused => {}
        }
    }
    let wrong = possible.into_iter().find(|(name, states)| !states.contains(&found.contains(*name)));
    wrong.map_or(Ok(()), |(name, _)| {
        Err(Broken::Stream { name: name.to_owned(), found: found.contains(name) })
    })
}
