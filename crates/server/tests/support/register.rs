//! A register that many write and read at once, and whether all that they saw fits into one order.
//!
//! Every value is written once. The zone of a value reaches from the first end to the last beginning of
//! the operations on it: between the two it was certainly the value. Hence the operations fit into an
//! order if and only if no value is read before it is written, no two such zones overlap, and none of
//! the values whose operations all overlap was written and replaced within the zone of another
//! (Gibbons and Korach, "Testing shared memories", 1997).

use std::collections::{HashMap, HashSet};

use super::history::Fate;

/// What was done to a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Written, with a value of its own.
    Write(String, Fate<()>),
    /// Read; `None` before anything was written.
    Read(Option<String>),
}

/// One operation, between two ticks. One of which nobody knows the end ends with the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub act: Act,
    pub begun_at: u64,
    pub ended_at: u64,
}

impl Operation {
    /// A write of which somebody was told that it is done.
    pub fn is_acknowledged_write(&self) -> bool {
        matches!(self.act, Act::Write(_, Fate::Done(())))
    }
}

/// How the operations contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unordered {
    /// A value that nobody wrote, or whose writer was refused.
    NeverWritten { value: String },
    /// It was read before anybody wrote it.
    Early { value: String },
    /// One of them was the value when it was certainly the other.
    Torn { one: Option<String>, other: Option<String> },
}

/// Values with the place of their operations.
type Zones<'a> = HashMap<Option<&'a str>, Zone>;

#[derive(Clone, Copy)]
struct Zone {
    written_from: u64,
    first_end: u64,
    last_beginning: u64,
    /// Somebody was told of it.
    is_certain: bool,
}

/// Whether there is an order of all operations in which each takes effect between its beginning and its
/// end, and every read returns what was written last.
pub fn check_register(operations: &[Operation]) -> Result<(), Unordered> {
    let zones = zones(operations)?;
    let (mut steady, brief): (Vec<_>, Vec<_>) = zones
        .into_iter()
        .filter(|(_, zone)| zone.is_certain)
        .partition(|(_, zone)| zone.first_end < zone.last_beginning);
    let torn = |one: Option<&str>, other: Option<&str>| {
        Err(Unordered::Torn { one: one.map(str::to_owned), other: other.map(str::to_owned) })
    };
    steady.sort_by_key(|(_, zone)| zone.first_end);
    for pair in steady.windows(2) {
        if let [(one, before), (other, after)] = pair
            && after.first_end < before.last_beginning
        {
            return torn(*one, *other);
        }
    }
    for (value, Zone { first_end, last_beginning, .. }) in brief {
        let around = steady.partition_point(|(_, zone)| zone.first_end < last_beginning);
        if let Some((other, zone)) = around.checked_sub(1).and_then(|index| steady.get(index))
            && first_end < zone.last_beginning
        {
            return torn(value, *other);
        }
    }
    Ok(())
}

fn zones(operations: &[Operation]) -> Result<Zones<'_>, Unordered> {
    let none = Zone { written_from: 0, first_end: 0, last_beginning: 0, is_certain: true };
    let mut zones = Zones::from([(None, none)]);
    let mut refused = HashSet::new();
    for Operation { act, begun_at, ended_at } in operations {
        let Act::Write(value, fate) = act else { continue };
        if *fate == Fate::Refused {
            refused.insert(&**value);
            continue;
        }
        let zone = Zone {
            written_from: *begun_at,
            first_end: *ended_at,
            last_beginning: *begun_at,
            is_certain: matches!(fate, Fate::Done(())),
        };
        let earlier = zones.insert(Some(value), zone);
        assert!(earlier.is_none(), "every value is written once: {value}");
    }
    for Operation { act, begun_at, ended_at } in operations {
        let Act::Read(value) = act else { continue };
        let value = value.as_deref();
        let Some(zone) = zones.get_mut(&value) else {
            return Err(Unordered::NeverWritten { value: value.unwrap_or_default().to_owned() });
        };
        if *ended_at < zone.written_from {
            return Err(Unordered::Early { value: value.unwrap_or_default().to_owned() });
        }
        zone.first_end = zone.first_end.min(*ended_at);
        zone.last_beginning = zone.last_beginning.max(*begun_at);
        zone.is_certain = true;
    }
    Ok(zones)
}
