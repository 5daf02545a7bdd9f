//! Drivers of other systems: the same generator, speaking their protocols with prepared bytes.
//!
//! ```text
//!   bench-peer SYSTEM WORK --address HOST:PORT     prints one JSON document, as `millpond bench` does
//! ```
//!
//! Works are `put`, 1 × 1 KiB on 64 connections, `batch`, 500 × 1 KiB on 16 connections, and `commit`, a
//! position on 64 connections. All write to 16 streams, shards or partitions, as far as the system has such.
#![forbid(unsafe_code)]

mod etcd;
mod kafka;
mod kinesis;
mod nats;
mod redis;
mod s2;

use std::{net::SocketAddr, time::Duration};

use clap::Parser;
use millpond_load::{Plan, Talk, run};

/// Connections of a work, and records in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Work {
    /// 1 × 1 KiB, 64 connections.
    Put,
    /// 500 × 1 KiB, 16 connections.
    Batch,
    /// A position, 64 connections.
    Commit,
}

impl Work {
    const fn connections(self) -> usize {
        match self {
            Self::Put | Self::Commit => 64,
            Self::Batch => 16,
        }
    }

    const fn records(self) -> usize {
        match self {
            Self::Put | Self::Commit => 1,
            Self::Batch => 500,
        }
    }
}

/// Bytes of a record.
const RECORD_BYTES: usize = 1024;

/// Streams, shards or partitions.
const STREAMS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum System {
    Redis,
    Nats,
    Etcd,
    Moto,
    Kinesalite,
    Kafka,
    KafkaFlush,
    S2,
}

#[derive(Parser)]
struct Args {
    system: System,
    work: Work,
    #[arg(long)]
    address: SocketAddr,
    /// Milliseconds that count.
    #[arg(long, default_value = "5000")]
    millis: u64,
    /// Milliseconds before.
    #[arg(long, default_value = "500")]
    warmup: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (address, work) = (args.address, args.work);
    let talks: Vec<Box<dyn Talk>> = match args.system {
        System::Redis => redis::talks(work),
        System::Nats => nats::talks(address, work)?,
        System::Etcd => etcd::talks(address),
        System::Moto | System::Kinesalite => kinesis::talks(address, work)?,
        System::Kafka => kafka::talks(address, work, false)?,
        System::KafkaFlush => kafka::talks(address, work, true)?,
        System::S2 => s2::talks(address, work)?,
    };
    let (warmup, millis) = (Duration::from_millis(args.warmup), Duration::from_millis(args.millis));
    let report = run(&Plan::new(address, warmup, millis), talks)?;
    anyhow::ensure!(report.failed == 0, "refused: {}", report.first_failure.unwrap_or_default());
    anyhow::ensure!(report.requests > 0, "there was no answer in the time that counts");
    print(&serde_json::to_string(&report)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a program that reports to the one who called it")]
fn print(text: &str) {
    println!("{text}");
}

/// Bytes that do not compress, the same in every run.
fn data(seed: usize) -> Vec<u8> {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(RECORD_BYTES).collect()
}

/// What a request of `work` stands for when it was done.
fn good(work: Work) -> millpond_load::Verdict {
    let records = work.records() as u64;
    let bytes = if work == Work::Commit { 0 } else { RECORD_BYTES as u64 };
    millpond_load::Verdict::Good { records, payload_bytes: records * bytes }
}
