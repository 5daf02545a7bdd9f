//! Records as `get` and `tail` show them.

mod data;

use millpond_client::ReceivedRecord;
use millpond_model::PartitionId;
use serde_json::{Value, json};

pub(crate) use data::DataFormat;

use crate::{
    failure::Failure,
    output::{Format, Output, escaped},
    time,
};

/// Control sequences for dim text and back.
const DIM: (&str, &str) = ("\u{1b}[2m", "\u{1b}[0m");

/// How records are shown.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ShowArgs {
    /// How data is shown. With raw, nothing but the data is written, whatever --output says.
    #[arg(short = 'F', long, value_enum, default_value_t)]
    format: DataFormat,
    /// What follows each record's data with --format raw; \n, \t and \0 are understood.
    #[arg(long, value_name = "TEXT", default_value = "\\n")]
    delimiter: Delimiter,
}

/// What follows a raw record.
#[derive(Clone, Debug)]
struct Delimiter(Vec<u8>);

impl From<&str> for Delimiter {
    fn from(text: &str) -> Self {
        Self(text.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0").into_bytes())
    }
}

/// Prints records in one form.
#[derive(Debug)]
pub(crate) struct Printer {
    show: ShowArgs,
    /// All records of one JSON document.
    document: Option<Vec<Value>>,
}

impl Printer {
    /// A printer for this output.
    ///
    /// # Errors
    /// Usage: a document that never ends.
    pub(crate) fn new(show: ShowArgs, out: &Output, endless: bool) -> Result<Self, Failure> {
        let document = out.format() == Format::Json && show.format != DataFormat::Raw;
        if document && endless {
            return Err(
                Failure::usage("one JSON document never ends with --follow").hint("use --output jsonl")
            );
        }
        Ok(Self { show, document: document.then(Vec::new) })
    }

    /// Writes a record; with `-o json` it keeps it for the document.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(crate) fn print(
        &mut self,
        out: &mut Output,
        partition: PartitionId,
        record: &ReceivedRecord,
    ) -> Result<(), Failure> {
        if self.show.format == DataFormat::Raw {
            out.data(&record.data)?;
            return out.data(&self.show.delimiter.0);
        }
        if let Some(document) = &mut self.document {
            document.push(view(self.show.format, partition, record));
            return Ok(());
        }
        let line = line(self.show.format, out.format(), out.colour(), partition, record);
        out.data(line.as_bytes())
    }

    /// Whether records are kept for a document and not written yet.
    pub(crate) fn keeps(&self) -> bool {
        self.document.is_some()
    }

    /// Writes what was kept.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(crate) fn finish(&mut self, out: &mut Output) -> Result<(), Failure> {
        if let Some(document) = self.document.take() {
            out.list(&document, &[])?;
        }
        out.flush()
    }
}

/// A record as JSON. `data_format` says how to read `data`.
fn view(format: DataFormat, partition: PartitionId, record: &ReceivedRecord) -> Value {
    let (data, data_format) = format.json(&record.data);
    json!({
        "partition_id": partition.to_string(),
        "sequence_number": record.sequence_number.to_string(),
        "timestamp": record.timestamp.as_millis(),
        "time": time::utc(record.timestamp.as_millis()),
        "partition_key": record.partition_key,
        "data": data,
        "data_format": data_format,
    })
}

fn line(
    data_format: DataFormat,
    format: Format,
    colour: bool,
    partition: PartitionId,
    record: &ReceivedRecord,
) -> String {
    let (millis, number) = (record.timestamp.as_millis(), record.sequence_number);
    let key = escaped(record.partition_key.as_deref().unwrap_or_default());
    let data = data_format.text(&record.data);
    match format {
        Format::Json | Format::Jsonl => format!("{}\n", view(data_format, partition, record)),
        Format::Name => format!("{partition}/{number}\n"),
        Format::Tsv => {
            let data = data.replace('\t', "\\t");
            format!("{partition}\t{number}\t{}\t{key}\t{data}\n", time::utc(millis))
        }
        Format::Table => {
            let (dim, normal) = if colour { DIM } else { ("", "") };
            let key = if key.is_empty() { "-".to_owned() } else { key };
            let (time, index) = (time::local(millis), partition.index());
            format!("{dim}{time}  p{index}  {number}  {key}{normal}  {data}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use millpond_model::{SequenceNumber, Timestamp};

    use super::*;

    fn record(data: &'static [u8], key: Option<&str>) -> ReceivedRecord {
        ReceivedRecord {
            sequence_number: SequenceNumber::new(7).unwrap(),
            timestamp: Timestamp::from_millis(1_795_341_600_500),
            partition_key: key.map(str::to_owned),
            data: data.into(),
        }
    }

    fn show(format: DataFormat) -> ShowArgs {
        ShowArgs { format, delimiter: "\\0\\n".into() }
    }

    fn printed(data_format: DataFormat, format: Format, record: &ReceivedRecord) -> String {
        let (mut out, memory) = Output::memory(format);
        let mut printer = Printer::new(show(data_format), &out, false).unwrap();
        printer.print(&mut out, PartitionId::new(1), record).unwrap();
        printer.finish(&mut out).unwrap();
        String::from_utf8(memory.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn records_in_every_form() {
        let check = |format: Format, expected: &str| {
            assert_eq!(
                printed(DataFormat::Auto, format, &record(b"a\tb", Some("k"))),
                expected,
                "{format:?}"
            );
        };
        let json = concat!(
            r#"{"data":"a\tb","data_format":"text","partition_id":"shardId-0000000001","partition_key":"k","#,
            r#""sequence_number":"7","time":"2026-11-22T10:00:00.500Z","timestamp":1795341600500}"#
        );
        check(Format::Jsonl, &format!("{json}\n"));
        check(Format::Tsv, "shardId-0000000001\t7\t2026-11-22T10:00:00.500Z\tk\ta\\tb\n");
        check(Format::Name, "shardId-0000000001/7\n");
        let document = printed(DataFormat::Auto, Format::Json, &record(b"a\tb", Some("k")));
        let expected: Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&document).unwrap(), json!([expected]));
        let line = printed(DataFormat::Auto, Format::Table, &record(b"a\x1b[2J", None));
        assert!(line.ends_with("  p1  7  -  611b5b324a\n"), "{line}");
    }

    #[test]
    fn raw_data_stands_alone() {
        let raw = printed(DataFormat::Raw, Format::Table, &record(b"a\x1b", Some("k")));
        assert_eq!(raw, "a\x1b\0\n");
        assert_eq!(printed(DataFormat::Raw, Format::Json, &record(b"a", None)), "a\0\n");
    }

    #[test]
    fn a_document_cannot_be_endless() {
        let (out, _) = Output::memory(Format::Json);
        assert!(Printer::new(show(DataFormat::Auto), &out, true).is_err());
        let (out, _) = Output::memory(Format::Jsonl);
        assert!(Printer::new(show(DataFormat::Auto), &out, true).is_ok());
    }
}
