//! What Millpond is compared with on the same machine: servers that do less, and the bare disk.
//!
//! ```text
//!   bare         HTTP, the body is read and forgotten, 201      what HTTP alone allows
//!   static-body  HTTP, a prepared body                          what sending allows
//!   sync-only    HTTP, the body goes to the journal as it is    what HTTP and the disk allow together
//!   disk …       writes and syncs without HTTP                  what the disk allows
//!   engine …     the embedded engine without HTTP
//!   segments …   a directory with many segments, and opening it
//! ```
//!
//! Servers print `port N` once they listen and run until they are killed; the others print one JSON document.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program that reports to the one who called it")]

mod disk;
mod engine;
mod http;
mod segments;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use millpond_load::{Moment, Report, Tally, Verdict};

/// The same allocator as the server's, so that it makes no difference.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers 201 to everything and forgets it.
    Bare,
    /// Answers everything with a body of so many bytes.
    StaticBody {
        #[arg(long, default_value = "1048576")]
        bytes: usize,
    },
    /// Writes every body to the journal as it is, synced in groups, and answers 201.
    SyncOnly {
        #[arg(long)]
        dir: PathBuf,
    },
    /// Writes to a file that was written before, with a sync after each write.
    DiskRaw {
        #[arg(long)]
        dir: PathBuf,
        /// Bytes of one write.
        #[arg(long)]
        bytes: usize,
        #[command(flatten)]
        time: Time,
    },
    /// Appends to so many growing files, each with a thread and a sync after each write.
    DiskFiles {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        files: usize,
        #[arg(long)]
        bytes: usize,
        #[command(flatten)]
        time: Time,
    },
    /// Reads all files below a directory from the disk, once, one after the other.
    DiskRead {
        #[arg(long)]
        dir: PathBuf,
    },
    /// Drops what the page cache has of the files below a directory.
    DropCache {
        #[arg(long)]
        dir: PathBuf,
    },
    /// Appends batches of 1 KiB records to partitions of the engine, each with a task of its own.
    Engine {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        partitions: u32,
        #[arg(long)]
        batch: usize,
        #[command(flatten)]
        time: Time,
    },
    /// Makes a directory with so many segments, and dies by SIGKILL.
    SegmentsMake {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        count: u32,
    },
    /// Opens a directory and tells how long that took, in milliseconds.
    SegmentsOpen {
        #[arg(long)]
        dir: PathBuf,
    },
}

#[derive(clap::Args, Clone, Copy)]
struct Time {
    /// Milliseconds that count.
    #[arg(long, default_value = "5000")]
    millis: u64,
    /// Milliseconds before.
    #[arg(long, default_value = "500")]
    warmup: u64,
}

impl Time {
    /// A tally for a window that begins after the warm-up, and its end.
    fn window(self) -> (Tally, Moment) {
        let from = Moment::now().plus(Duration::from_millis(self.warmup));
        let until = from.plus(Duration::from_millis(self.millis));
        (Tally::new(from, until), until)
    }
}

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Bare => http::bare(),
        Command::StaticBody { bytes } => http::static_body(bytes),
        Command::SyncOnly { dir } => http::sync_only(&dir),
        Command::DiskRaw { dir, bytes, time } => print(&disk::raw(&dir, bytes, time)?),
        Command::DiskFiles { dir, files, bytes, time } => print(&disk::files(&dir, files, bytes, time)?),
        Command::DiskRead { dir } => print(&disk::read(&dir)?),
        Command::DropCache { dir } => disk::drop_cache(&dir),
        Command::Engine { dir, partitions, batch, time } => {
            print(&engine::append(&dir, partitions, batch, time)?)
        }
        Command::SegmentsMake { dir, count } => segments::make(&dir, count),
        Command::SegmentsOpen { dir } => {
            println!("{}", serde_json::json!({"milliseconds": segments::open(&dir)?}));
            Ok(())
        }
    }
}

fn print(report: &Report) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}

/// An operation that wrote or read so much.
fn good(records: usize, bytes: usize) -> Verdict {
    Verdict::Good { records: records as u64, payload_bytes: bytes as u64 }
}
