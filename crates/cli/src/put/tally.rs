//! What became of the records.

use std::collections::BTreeMap;

use millpond_client::RecordError;
use millpond_model::{PartitionId, SequenceNumber, StreamName};
use millpond_wire::v2::records::Placed;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{Column, Format, Kind, Output},
};

const PARTITIONS: &[Column] = &[
    Column::text("PARTITION", "partition_id"),
    Column::of("RECORDS", "records", Kind::Number),
    Column::of("FIRST", "first_sequence_number", Kind::Number),
    Column::of("LAST", "last_sequence_number", Kind::Number),
];

/// Most kinds of refusal that are told apart; the rest counts as the last one.
const KINDS_MAX: usize = 20;

/// Counts by partition and by kind of refusal.
#[derive(Debug)]
pub(super) struct Tally {
    stream: StreamName,
    begin: Instant,
    accepted: u64,
    throttled: u64,
    failed: u64,
    bytes: u64,
    partitions: BTreeMap<PartitionId, Span>,
    errors: BTreeMap<Option<String>, (u64, String)>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    records: u64,
    first: SequenceNumber,
    last: SequenceNumber,
}

/// What a partition got.
#[derive(Debug, Serialize)]
struct PartitionView {
    partition_id: String,
    records: u64,
    first_sequence_number: String,
    last_sequence_number: String,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(stream: &StreamName, begin: Instant) -> Self {
        Self {
            stream: stream.clone(),
            begin,
            accepted: 0,
            throttled: 0,
            failed: 0,
            bytes: 0,
            partitions: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    /// A record is stored.
    pub(super) fn accepted(&mut self, placed: &Placed, bytes: usize) {
        let Placed { partition, sequence_number } = *placed;
        self.accepted += 1;
        self.bytes += bytes as u64;
        let span = Span { records: 0, first: sequence_number, last: sequence_number };
        let span = self.partitions.entry(partition).or_insert(span);
        span.records += 1;
        span.first = span.first.min(sequence_number);
        span.last = span.last.max(sequence_number);
    }

    /// So often a record had to wait.
    pub(super) fn throttled(&mut self, times: u64) {
        self.throttled += times;
    }

    /// A record is not stored, or nobody knows.
    pub(super) fn failed(&mut self, error: &RecordError) {
        self.failed += 1;
        if self.errors.len() < KINDS_MAX || self.errors.contains_key(&error.code) {
            self.errors.entry(error.code.clone()).or_insert_with(|| (0, error.message.clone())).0 += 1;
        } else if let Some(mut last) = self.errors.last_entry() {
            last.get_mut().0 += 1;
        }
    }

    /// Records that are done with.
    pub(super) fn records(&self) -> u64 {
        self.accepted + self.failed
    }

    /// Whether any record is stored.
    pub(super) fn any_accepted(&self) -> bool {
        self.accepted > 0
    }

    /// The exit code when nothing else stopped the command.
    pub(super) fn exit(&self) -> Exit {
        match (self.accepted, self.failed) {
            (_, 0) => Exit::Ok,
            (0, _) => Exit::Failure,
            _ => Exit::Partial,
        }
    }

    /// The summary: data in the form that was asked for, and a line for people.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(super) fn print(&self, out: &mut Output, now: Instant) -> Result<(), Failure> {
        let millis = u64::try_from(now.duration_since(self.begin).as_millis()).unwrap_or(u64::MAX);
        let view = |(partition, span): (&PartitionId, &Span)| PartitionView {
            partition_id: partition.to_string(),
            records: span.records,
            first_sequence_number: span.first.to_string(),
            last_sequence_number: span.last.to_string(),
        };
        let partitions: Vec<PartitionView> = self.partitions.iter().map(view).collect();
        match out.format() {
            Format::Json => out.item(&self.document(&partitions, millis), &[])?,
            Format::Jsonl => {} // each record had its line
            Format::Table if partitions.is_empty() => {}
            Format::Table | Format::Tsv | Format::Name => out.list(&partitions, PARTITIONS)?,
        }
        out.flush()?;
        for (code, (count, message)) in &self.errors {
            // Most messages begin with their code (spec/03 §1).
            let code = code.as_deref().filter(|code| !message.contains(code));
            let code = code.map(|code| format!("{code}: ")).unwrap_or_default();
            out.note(crate::output::escaped(&format!("{count} failed: {code}{message}")));
        }
        let Self { accepted, throttled, failed, bytes, .. } = self;
        out.note(format_args!(
            "{accepted} accepted, {throttled} throttled, {failed} failed; {bytes} bytes in {}.{:03} s",
            millis / 1000,
            millis % 1000
        ));
        Ok(())
    }

    fn document(&self, partitions: &[PartitionView], millis: u64) -> serde_json::Value {
        let error = |(code, (count, message)): (&Option<String>, &(u64, String))| json!({"error_code": code, "error_message": message, "records": count});
        json!({
            "stream_name": self.stream.as_str(),
            "accepted": self.accepted,
            "throttled": self.throttled,
            "failed": self.failed,
            "bytes": self.bytes,
            "duration_ms": millis,
            "partitions": partitions,
            "errors": self.errors.iter().map(error).collect::<Vec<_>>(),
        })
    }
}

/// One record's result as a line of JSON, with the members of the API's answer.
pub(super) fn line(result: &Result<Placed, RecordError>) -> String {
    let entry = match result {
        Ok(placed) => json!({
            "partition_id": placed.partition.to_string(),
            "sequence_number": placed.sequence_number.to_string(),
        }),
        Err(error) => json!({"error_code": error.code, "error_message": error.message}),
    };
    format!("{entry}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn placed(partition: u32, number: u64) -> Placed {
        let sequence_number = SequenceNumber::new(number).unwrap();
        Placed { partition: PartitionId::new(partition), sequence_number }
    }

    fn error(code: &str) -> RecordError {
        RecordError { code: Some(code.to_owned()), message: "no".to_owned() }
    }

    #[test]
    fn the_exit_code_tells_all_some_or_none() {
        let check = |accepted: u64, failed: u64, exit: Exit| {
            let mut tally = Tally::new(&"s".parse().unwrap(), Instant::now());
            (0..accepted).for_each(|n| tally.accepted(&placed(0, n), 1));
            (0..failed).for_each(|_| tally.failed(&error("DIS.4302")));
            assert_eq!(tally.exit(), exit, "{accepted} {failed}");
        };
        check(0, 0, Exit::Ok);
        check(2, 0, Exit::Ok);
        check(2, 1, Exit::Partial);
        check(0, 1, Exit::Failure);
    }

    #[test]
    fn the_summary_in_every_form() {
        let begin = Instant::now();
        let mut tally = Tally::new(&"s".parse().unwrap(), begin);
        for result in [placed(0, 5), placed(1, 9), placed(0, 6)] {
            tally.accepted(&result, 10);
        }
        tally.throttled(2);
        tally.failed(&error("DIS.4302"));
        let printed = |format: Format| {
            let (mut out, memory) = Output::memory(format);
            tally.print(&mut out, begin).unwrap();
            String::from_utf8(memory.lock().unwrap().clone()).unwrap()
        };
        let json: Value = serde_json::from_str(&printed(Format::Json)).unwrap();
        let first = json!({"partition_id": "shardId-0000000000", "records": 2,
            "first_sequence_number": "5", "last_sequence_number": "6"});
        assert_eq!(json["partitions"][0], first);
        assert_eq!(json["errors"][0], json!({"error_code": "DIS.4302", "error_message": "no", "records": 1}));
        assert_eq!(
            (&json["accepted"], &json["throttled"], &json["failed"]),
            (&json!(3), &json!(2), &json!(1))
        );
        assert_eq!(printed(Format::Tsv), "shardId-0000000000\t2\t5\t6\nshardId-0000000001\t1\t9\t9\n");
        assert_eq!(printed(Format::Jsonl), "");
    }

    #[test]
    fn kinds_of_refusal_are_bounded() {
        let mut tally = Tally::new(&"s".parse().unwrap(), Instant::now());
        (0..100).for_each(|n| tally.failed(&error(&format!("X.{n}"))));
        assert_eq!((tally.errors.len(), tally.failed), (KINDS_MAX, 100));
        assert_eq!(tally.errors.values().map(|(count, _)| count).sum::<u64>(), 100);
    }

    #[test]
    fn lines_have_the_members_of_the_api() {
        let taken = r#"{"partition_id":"shardId-0000000001","sequence_number":"9"}"#;
        assert_eq!(line(&Ok(placed(1, 9))), format!("{taken}\n"));
        let refused = r#"{"error_code":"DIS.4302","error_message":"no"}"#;
        assert_eq!(line(&Err(error("DIS.4302"))), format!("{refused}\n"));
    }
}
