//! The command line of `millpond bench`.

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use millpond_model::StreamName;

use crate::{failure::Failure, global::GlobalArgs, time};

/// Longest load, warm-up included: cursors live five minutes (spec/04 §5), and a signature fifteen.
const LONGEST: Duration = Duration::from_mins(4);

/// `millpond bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: BenchCommand,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// The loads.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BenchCommand {
    /// Write records; each answer means that they are on disk.
    Put(LoadArgs),
    /// Read the newest records again and again, or walk through all of them.
    Get {
        #[command(flatten)]
        load: LoadArgs,
        /// Walk through the stream of --stream once, from its oldest record on: what catching up costs.
        #[arg(long, requires = "stream")]
        walk: bool,
    },
    /// Write records and read them back: the time until a reader has them.
    E2e(LoadArgs),
    /// Commit checkpoints; each answer means that it is on disk.
    Checkpoint(LoadArgs),
}

impl BenchCommand {
    pub(crate) fn args(&self) -> &LoadArgs {
        match self {
            Self::Put(load) | Self::Get { load, .. } | Self::E2e(load) | Self::Checkpoint(load) => load,
        }
    }
}

/// What all loads take.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LoadArgs {
    /// Connections, each with one request under way.
    #[arg(short, long, value_name = "COUNT", default_value = "64", value_parser = count::<10_000>)]
    pub(super) connections: u32,
    /// Send so many requests in a second, in place of as many as are answered; times then count from
    /// when a request was due.
    #[arg(short, long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Size of a record's data.
    #[arg(short = 'b', long, value_name = "SIZE", default_value = "1KiB")]
    record_bytes: ByteSize,
    /// Records in a request, or in an answer [default: put 100, get 1000, e2e 1].
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = count::<10_000>)]
    records_per_request: Option<u32>,
    /// Partitions of the stream that is made [default: 16; e2e: one for each connection].
    #[arg(short = 'P', long, value_name = "COUNT", value_parser = count::<100_000>)]
    partitions: Option<u32>,
    /// How a record says where it goes.
    #[arg(long, value_enum, value_name = "WAY", default_value_t)]
    pub(super) by: By,
    /// Form of the bodies.
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub(super) form: Form,
    /// Send requests without a signature.
    #[arg(long)]
    pub(super) unsigned: bool,
    /// How long to count.
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = time::duration)]
    pub(super) duration: Duration,
    /// How long to send before counting.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = time::duration)]
    pub(super) warmup: Duration,
    /// Threads that send; more than one pays only with processors to spare.
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = count::<64>)]
    pub(super) threads: u32,
    /// Where the server that is started keeps its data, in a new directory that is removed afterwards
    /// [default: the current directory].
    #[arg(long, value_name = "DIR", conflicts_with = "endpoint")]
    pub(super) data_dir: Option<PathBuf>,
    /// Use this stream, which exists and stays, in place of a new one that is deleted afterwards.
    #[arg(short, long, value_name = "STREAM", requires = "endpoint")]
    pub(super) stream: Option<StreamName>,
    /// Send the same bytes to a server that is not millpond: nothing is made ready, and any 2xx is good.
    #[arg(long, hide = true, requires = "endpoint")]
    pub(super) reference: bool,
}

/// How a record says where it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum By {
    /// By the id of a partition, all of them in turn.
    #[default]
    Partition,
    /// By a partition key, which the server hashes.
    Key,
}

/// Form of the bodies that carry records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// JSON, with data in base64.
    #[default]
    Json,
    /// The binary form of some SDKs.
    Protobuf,
}

impl Form {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }
}

/// A load with everything that is not given filled in.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) load: Load,
    pub(super) connections: u32,
    pub(super) rate: Option<f64>,
    pub(super) record_bytes: usize,
    pub(super) records: u32,
    pub(super) partitions: u32,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    Put,
    Get,
    Walk,
    RoundTrip,
    Checkpoint,
}

impl Shape {
    /// # Errors
    /// Usage: values that do not fit together.
    pub(super) fn of(command: &BenchCommand) -> Result<Self, Failure> {
        let args = command.args();
        let (load, records, partitions) = match command {
            BenchCommand::Put(_) => (Load::Put, 100, 16),
            BenchCommand::Get { walk: false, .. } => (Load::Get, 1000, 16),
            BenchCommand::Get { walk: true, .. } => (Load::Walk, 1000, 16),
            BenchCommand::E2e(_) => (Load::RoundTrip, 1, args.connections),
            BenchCommand::Checkpoint(_) => (Load::Checkpoint, 1, 16),
        };
        let partitions = args.partitions.unwrap_or(partitions);
        if load == Load::RoundTrip && partitions < args.connections {
            return Err(Failure::usage(
                "each connection of e2e needs a partition of its own: give more --partitions or fewer --connections",
            ));
        }
        if args.warmup + args.duration > LONGEST || args.duration.is_zero() {
            return Err(Failure::usage(
                "--warmup and --duration together may take up to 4m, and not nothing",
            )
            .hint("run several loads one after the other, and take the median"));
        }
        if args.rate.is_some_and(|rate| !(rate.is_finite() && rate >= 0.1)) {
            return Err(Failure::usage("--rate is a number of requests per second, 0.1 or more"));
        }
        Ok(Self {
            load,
            connections: args.connections,
            rate: args.rate,
            record_bytes: usize::try_from(args.record_bytes.as_u64()).unwrap_or(usize::MAX).min(4 << 20),
            records: args.records_per_request.unwrap_or(records),
            partitions,
        })
    }
}

fn count<const MAX: u32>(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX).contains(count));
    count.ok_or_else(|| format!("a number from 1 to {MAX} is expected"))
}
