//! `millpond put`.
//!
//! ```text
//! arguments, lines ─▶ Input ─▶ Batch ─▶ Client::put_records ─▶ Tally ─▶ summary, exit code
//!                                                        └───▶ Rejects (a file)
//! ```

mod batch;
mod input;
mod rejects;
mod tally;

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use millpond_client::RecordError;
use millpond_model::{
    ExplicitHashKey, HashKey, NewRecord, PartitionId, PartitionKey, PlacedRecord, Placement, StreamName,
};
use tokio::time::{Instant, sleep_until};

use self::{
    batch::Batch,
    input::{Input, Item},
    rejects::Rejects,
    tally::Tally,
};
use crate::{
    exit::{Exit, exit_codes, help},
    failure::{Failure, Outcome},
    global::GlobalArgs,
    interrupt::Interrupt,
    output::{Format, Progress},
    session::Session,
    time,
};

pub(crate) const HELP: &str = help!(
    "\
Examples:
  millpond put demo hello
  millpond put demo one two three                  three records
  millpond put demo -k user-7 -d @order.json       the file is one record
  millpond put demo --file orders.ndjson           each line is one record
  producer | millpond put demo --lines --batch 500 --linger 50ms
  millpond put demo --file orders.ndjson --rejects failed.jsonl
  millpond put demo hello --show-curl

Records keep their order, but those that the server throttles are sent again, up to ten times,
and then stand behind later ones. What it refuses for good is counted, and kept with --rejects
as JSON lines with the data in base64."
);

/// `millpond put`.
#[derive(Debug, clap::Args)]
pub struct PutArgs {
    /// The stream's name.
    stream: StreamName,
    /// Records, one for each argument.
    #[arg(conflicts_with_all = ["file", "lines"])]
    data: Vec<String>,
    /// A record: text, @FILE for a file's content, @- for all of standard input; may be repeated.
    #[arg(short = 'd', long = "data", value_name = "TEXT|@FILE", conflicts_with_all = ["file", "lines"])]
    items: Vec<String>,
    /// Each line of this file is a record; - is standard input.
    #[arg(short, long, value_name = "FILE", conflicts_with = "lines")]
    file: Option<PathBuf>,
    /// Each line of standard input is a record; the default when it is not a terminal.
    #[arg(short, long)]
    lines: bool,
    /// Partition key: equal keys go to one partition, and readers see it.
    #[arg(short, long, value_parser = partition_key)]
    key: Option<PartitionKey>,
    /// The partition: 0 or shardId-0000000000.
    #[arg(short, long, conflicts_with_all = ["key", "hash_key"])]
    partition: Option<PartitionId>,
    /// Place by this number from 0 to 9223372036854775807 and not by the key.
    #[arg(long, value_name = "NUMBER", value_parser = hash_key)]
    hash_key: Option<HashKey>,
    /// Most records of one request.
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// Longest time a line waits for others to go with it.
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = time::duration)]
    linger: Duration,
    /// Keep refused records in this file; it must not exist.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

fn partition_key(text: &str) -> Result<PartitionKey, String> {
    let key = PartitionKey::parse(text).map_err(|error| error.to_string())?;
    key.ok_or_else(|| "a key that is not empty is expected".to_owned())
}

fn hash_key(text: &str) -> Result<HashKey, String> {
    match text.parse() {
        Ok(ExplicitHashKey::Key(key)) => Ok(key),
        _ => Err("a number from 0 to 9223372036854775807 is expected".to_owned()),
    }
}

/// Where all records of a command go.
#[derive(Clone, Debug)]
struct Destination {
    key: Option<PartitionKey>,
    hash_key: Option<HashKey>,
    placement: Placement,
}

impl Destination {
    fn of(args: &PutArgs) -> Self {
        let placement = match (args.partition, args.hash_key, &args.key) {
            (Some(partition), _, _) => Placement::Partition(partition),
            (None, Some(key), _) => Placement::Key(key),
            (None, None, Some(key)) => Placement::Key(HashKey::of_partition_key(key.as_str())),
            (None, None, None) => Placement::Anywhere,
        };
        Self { key: args.key.clone(), hash_key: args.hash_key, placement }
    }

    fn place(&self, data: Bytes) -> PlacedRecord {
        let record = NewRecord {
            partition_key: self.key.clone(),
            explicit_hash_key: self.hash_key,
            ..NewRecord::of(data)
        };
        PlacedRecord { record, placement: self.placement }
    }
}

/// Puts everything and says what became of it.
pub(crate) async fn run(args: PutArgs, session: &mut Session) -> Outcome {
    let input = Input::open(&args)?;
    let rejects = args.rejects.as_deref().map(Rejects::create).transpose()?;
    let interrupt = Interrupt::take_over()?;
    let progress = session.out.progress(input.bytes());
    let mut putter = Putter {
        batch: Batch::new(args.batch),
        destination: Destination::of(&args),
        tally: Tally::new(&args.stream, Instant::now()),
        args,
        rejects,
        progress,
        session,
    };
    let stopped = putter.drive(input, interrupt).await;
    putter.progress.finish();
    putter.conclude(stopped)
}

/// A put at work.
struct Putter<'a> {
    args: PutArgs,
    session: &'a mut Session,
    destination: Destination,
    batch: Batch,
    tally: Tally,
    rejects: Option<Rejects>,
    progress: Progress,
}

impl Putter<'_> {
    /// From the first record to the last; `Some` when it was interrupted.
    async fn drive(&mut self, mut input: Input, mut interrupt: Interrupt) -> Result<bool, Failure> {
        loop {
            let deadline = self.batch.since().map(|since| since + self.args.linger);
            let item = tokio::select! {
                biased;
                () = interrupt.wait() => {
                    self.send().await?;
                    return Ok(true);
                }
                item = input.next() => item,
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.send().await?;
                    continue;
                }
            };
            match item {
                Some(Item::Record(data)) => self.take(data).await?,
                Some(Item::TooLong { line }) => self.too_long(line),
                Some(Item::Failed(error)) => {
                    self.send().await?;
                    return Err(Failure::io("cannot read the input", &error));
                }
                None => {
                    self.send().await?;
                    return Ok(false);
                }
            }
        }
    }

    async fn take(&mut self, data: Bytes) -> Result<(), Failure> {
        if !self.batch.has_room_for(data.len()) {
            self.send().await?;
        }
        self.batch.push(self.destination.place(data), Instant::now());
        if self.batch.is_full() { self.send().await } else { Ok(()) }
    }

    fn too_long(&mut self, line: u64) {
        let error = RecordError {
            code: None,
            message: format!(
                "longer than a record may be, {} bytes",
                millpond_model::limits::RECORD_DATA_BYTES_MAX
            ),
        };
        self.session.out.note(format_args!("line {line} is {}; it was not sent", error.message));
        self.tally.failed(&error);
    }

    /// Sends what is gathered.
    async fn send(&mut self) -> Result<(), Failure> {
        let records = self.batch.take();
        if records.is_empty() {
            return Ok(());
        }
        let report = match self.session.client.put_records(&self.args.stream, &records).await {
            Ok(report) => report,
            Err(error) => {
                let refusal =
                    RecordError { code: error.code().map(str::to_owned), message: error.to_string() };
                for record in &records {
                    self.refused(record, &refusal)?;
                }
                return Err(error.into());
            }
        };
        self.tally.throttled(report.throttled);
        let mut bytes = 0;
        for (record, result) in records.iter().zip(&report.results) {
            bytes += record.record.data.len() as u64 + 1;
            match result {
                Ok(placed) => self.tally.accepted(placed, record.record.data.len()),
                Err(error) => self.refused(record, error)?,
            }
            if self.session.out.format() == Format::Jsonl {
                let line = tally::line(result);
                self.session.out.data(line.as_bytes())?;
            }
        }
        self.progress.advance(bytes, self.tally.records());
        if self.session.out.format() == Format::Jsonl { self.session.out.flush() } else { Ok(()) }
    }

    fn refused(&mut self, record: &PlacedRecord, error: &RecordError) -> Result<(), Failure> {
        self.tally.failed(error);
        match &mut self.rejects {
            Some(rejects) => rejects.keep(record, error),
            None => Ok(()),
        }
    }

    /// The summary, and the exit code that follows from it.
    fn conclude(self, stopped: Result<bool, Failure>) -> Outcome {
        let Self { session, tally, rejects, .. } = self;
        if let Some(rejects) = rejects {
            rejects.finish()?;
        }
        tally.print(&mut session.out, Instant::now())?;
        match stopped {
            Ok(true) => Ok(Exit::Interrupted),
            Ok(false) => Ok(tally.exit()),
            // Some records are stored: whoever repeats the command has to know.
            Err(failure) if tally.any_accepted() && !failure.is_silent() => Err(failure.exit(Exit::Partial)),
            Err(failure) => Err(failure),
        }
    }
}
