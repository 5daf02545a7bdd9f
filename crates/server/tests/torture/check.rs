//! Compares what a server has with what its clients know.

use std::{collections::BTreeSet, fmt::Debug, sync::atomic::Ordering};

use serde_json::Value;

use super::{
    history::{History, Lasting, PASSING, Passing, There},
    load::{checkpoint_target, checkpoint_value},
    passing,
    support::{
        api::{Client, partition_index},
        history::{Broken, Log, Sent, check_records, check_unchanged},
        partitions::{Described, Scaling, check_keys, check_partitions},
        register::{Act, Operation, Unordered, check_register},
    },
    totals::Kind,
};

/// Checks all of it; panics at the first thing that is wrong.
pub fn check(client: &mut Client, history: &History) {
    let listed: BTreeSet<String> = client.streams().into_iter().collect();
    for stream in &history.lasting {
        if !listed.contains(&stream.name) {
            Kind::Loss.found();
            panic!("stream {} is not listed", stream.name);
        }
        check_lasting(client, history, stream);
    }
    for (&name, passing) in PASSING.iter().zip(&history.passing) {
        check_passing(client, name, &mut passing.lock(), listed.contains(name));
    }
    let known = |name: &String| {
        PASSING.contains(&name.as_str()) || history.lasting.iter().any(|stream| stream.name == *name)
    };
    assert!(listed.iter().all(known), "streams that nobody created: {listed:?}");
    check_checkpoints(client, history);
    check_cursors(client, history);
}

fn check_lasting(client: &mut Client, history: &History, stream: &Lasting) {
    let name = &stream.name;
    let (active, found) = read(client, name, stream.active.load(Ordering::SeqCst), &stream.scalings.lock());
    must(name, check_records(&stream.sent.lock(), &found), of_records);
    must(name, check_unchanged(&stream.shown.lock(), &found), of_records);
    stream.settle(active, history.tick());
    must(name, check_keys(&stream.steady.lock(), &stream.keyed.lock()), |_| None);
    for (&partition, records) in &found {
        stream.know(partition, records.len() as u64);
    }
    // What was read now must never change either.
    *stream.shown.lock() = found;
}

fn check_passing(client: &mut Client, name: &str, passing: &mut Passing, is_listed: bool) {
    let good = match passing.there {
        There::Yes => is_listed,
        There::No => !is_listed,
        There::Maybe => true,
    };
    if !good {
        Kind::Loss.found();
        panic!("stream {name}: listed {is_listed}, but known to be there: {:?}", passing.there);
    }
    if !is_listed {
        return passing.next(There::No, 0);
    }
    let described = client.call("GET", &format!("/streams/{name}"), None).expect("an answer");
    passing.see(&passing::id(&described));
    let (active, found) = read(client, name, passing.active, &passing.scalings);
    must(name, check_records(&passing.sent, &found), of_records);
    passing.active = active;
    passing.scalings.clear();
}

/// Reads a stream with all its partitions; also, how many are ACTIVE.
fn read(client: &mut Client, name: &str, before: u32, scalings: &[Scaling]) -> (u32, Log) {
    let described = client.must("GET", &format!("/streams/{name}"), None);
    let partitions = described["partitions"].as_array().expect("partitions");
    let entries: Vec<Described> = partitions.iter().map(partition).collect();
    let active = must(name, check_partitions(before, scalings, &entries), |_| None);
    // An EXPIRED one had no record that is still kept; if it had one that should be, it is missing below.
    let readable = partitions.iter().zip(&entries).filter(|(partition, _)| partition["status"] != "EXPIRED");
    let found = readable.map(|(_, entry)| (entry.index, client.read_partition(name, entry.index)));
    (active, found.collect())
}

fn partition(described: &Value) -> Described {
    let text = |member: &str| described[member].as_str().expect("a text");
    let range = text("hash_range").trim_matches(['[', ']']).split_once(" : ");
    let number = |text: &str| text.parse().expect("a hash key");
    let hash_range = range.map(|(from, to)| (number(from), number(to))).expect("a range");
    let is_active = text("status") == "ACTIVE";
    Described { index: partition_index(text("partition_id")), is_active, hash_range }
}

fn check_checkpoints(client: &mut Client, history: &History) {
    for (register, operations) in &mut *history.registers.lock() {
        let begun_at = history.tick();
        let answer = client.call("GET", &checkpoint_target(register), None).expect("an answer");
        assert_eq!(answer.status, 200, "{register:?}: {answer:?}");
        let act = Act::Read(checkpoint_value(&answer));
        operations.push(Operation { act, begun_at, ended_at: history.tick() });
        must(&format!("{register:?}"), check_register(operations), |unordered| {
            matches!(unordered, Unordered::Torn { .. }).then_some(Kind::Loss)
        });
    }
}

fn check_cursors(client: &mut Client, history: &History) {
    for cursor in history.cursors.lock().drain(..) {
        let (records, _) = client.read(&cursor.text).expect("an answer");
        let shown = history.lasting[cursor.stream].shown.lock();
        let expected = shown[&cursor.partition].iter().find(|record| record.number == cursor.number);
        assert_eq!(records.first(), expected, "{cursor:?}");
    }
}

fn of_records(broken: &Broken) -> Option<Kind> {
    match broken {
        Broken::Lost { .. } | Broken::NumberReused { .. } | Broken::Changed { .. } => Some(Kind::Loss),
        Broken::Duplicate { .. } => Some(Kind::Duplicate),
        Broken::Gap { .. } => Some(Kind::Gap),
        _ => None,
    }
}

/// Panics with what is wrong, if anything is. Long data is cut.
fn must<T, E: Debug>(what: &str, result: Result<T, E>, kind: impl FnOnce(&E) -> Option<Kind>) -> T {
    result.unwrap_or_else(|broken| {
        if let Some(kind) = kind(&broken) {
            kind.found();
        }
        panic!("{what}: {}", shortened(&format!("{broken:?}")))
    })
}

/// Without the padding of records.
pub fn shortened(text: &str) -> String {
    let mut short = String::new();
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == 'x' { run + 1 } else { 0 };
        if run < 4 {
            short.push(letter);
        }
    }
    short
}

/// The history in words, for inspection: fates, without the padding of records.
pub fn told(history: &History) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut sent = |name: &str, all: &[Sent]| {
        for Sent { data, partition, request, begun_at, fate } in all {
            let data = shortened(data);
            let line = format!("{name} request {request} at {begun_at}, {partition:?}: {fate:?} {data}\n");
            text.push_str(&line);
        }
    };
    for stream in &history.lasting {
        sent(&stream.name, &stream.sent.lock());
    }
    for (name, passing) in PASSING.iter().zip(&history.passing) {
        sent(name, &passing.lock().sent);
    }
    for (name, passing) in PASSING.iter().zip(&history.passing) {
        let Passing { there, active, scalings, id, .. } = &*passing.lock();
        let _ = writeln!(text, "{name}: {there:?} {active} {scalings:?} {id:?}");
    }
    for stream in &history.lasting {
        let (scalings, steady) = (stream.scalings.lock(), stream.steady.lock());
        let _ = writeln!(text, "{}: {:?} {scalings:?} {steady:?}", stream.name, stream.active);
    }
    for (register, operations) in &*history.registers.lock() {
        for operation in operations {
            let _ = writeln!(text, "{register:?} {operation:?}");
        }
    }
    text
}
