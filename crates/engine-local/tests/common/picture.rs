//! A picture of everything an engine holds, to be compared with another one's.

use std::{fmt::Write, time::Duration};

use millpond_engine::{Engine, ReadError, ReadLimit};
use millpond_model::{PartitionId, PartitionRef, Record, SequenceNumber};
use millpond_state::State;

use super::on;

/// Every stream's logs with every readable record, then the state.
pub fn picture(engine: &Engine) -> String {
    let mut text = String::new();
    for stream in on(engine.records.streams()).unwrap() {
        for index in 0.. {
            let partition = PartitionRef { stream, partition: PartitionId::new(index) };
            let bounds = match on(engine.records.bounds(partition)) {
                Ok(bounds) => bounds,
                Err(ReadError::UnknownPartition(_)) => break,
                Err(e) => panic!("{partition}: {e:?}"),
            };
            writeln!(text, "{partition}: {}..{}", bounds.oldest, bounds.high_water).unwrap();
            let mut from = bounds.oldest;
            while from < bounds.high_water {
                let page =
                    on(engine.records.read(partition, from, ReadLimit::records(50), Duration::ZERO)).unwrap();
                assert!(!page.records.is_empty(), "{partition}: nothing at {from} of {bounds:?}");
                for record in &page.records {
                    assert_eq!(record.sequence_number, from, "{partition}");
                    writeln!(text, "  {}", record_picture(record)).unwrap();
                    from = SequenceNumber::new(from.get() + 1).unwrap();
                }
                assert_eq!(page.next, from, "{partition}");
            }
        }
    }
    text + &state_picture(&engine.state.view())
}

/// Shows the first line that differs rather than everything.
pub fn assert_same(found: &str, expected: &str, context: &str) {
    if found == expected {
        return;
    }
    let (mut found, mut expected) = (found.lines(), expected.lines());
    loop {
        let (found, expected) = (found.next(), expected.next());
        assert_eq!(found, expected, "{context}");
    }
}

fn record_picture(record: &Record) -> String {
    let mut head = [0; 8];
    head.iter_mut().zip(&record.data).for_each(|(to, from)| *to = *from);
    let sum: u64 = record.data.iter().map(|byte| u64::from(*byte)).sum();
    format!(
        "{} at {}, {} bytes {head:?} {sum}, {:?} {:?} {:?}",
        record.sequence_number,
        record.arrival,
        record.data.len(),
        record.partition_key,
        record.explicit_hash_key,
        record.producer_time
    )
}

/// The state without its places in the log, which every engine counts for itself.
pub fn state_picture(state: &State) -> String {
    let mut text = format!("time {}, secret {:?}\n", state.time(), state.secret());
    for stream in state.streams() {
        let partitions: Vec<_> = stream.partitions().iter().map(|p| (p.id, p.status, p.range)).collect();
        let history: Vec<_> = stream.scaling_history().collect();
        writeln!(
            text,
            "{} {} {:?} {} {} {partitions:?} {history:?}",
            stream.id, stream.project, stream.spec, stream.created, stream.modified
        )
        .unwrap();
    }
    let project = "p".parse().unwrap();
    for app in state.apps_of(&project, None) {
        writeln!(text, "{app:?}").unwrap();
        for (key, checkpoint) in state.checkpoints_of(app.id) {
            let history: Vec<_> = checkpoint
                .history()
                .map(|c| (c.sequence_number, &c.metadata, c.version, c.time, &c.actor))
                .collect();
            writeln!(text, "  {key:?} {history:?}").unwrap();
        }
    }
    text
}
