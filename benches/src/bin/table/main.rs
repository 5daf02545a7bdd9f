//! Runs the table of measurements on one machine in one go and writes `docs/performance.md`.
//!
//! ```text
//!   rows ─┬─ Tools ─▶ millpond serve, millpond bench       ours
//!         │      └──▶ bench-reference                      what a row is compared with
//!   peers ┼─ benches/peers/*.sh, bench-peer                others, same work, same durability
//!   curves┘
//!     └─▶ Document ─▶ performance.md, performance.json, performance-*.svg
//! ```
//!
//! What is compared runs alternately, A B A B …, and the median of each counts. `cargo xtask bench` builds
//! everything for release and starts this.
#![forbid(unsafe_code)]

mod curves;
mod document;
mod engine_rows;
mod machine;
mod peers;
mod plot;
mod row;
mod rows;
mod tools;

use std::path::PathBuf;

use clap::Parser;

use self::{document::Document, tools::Tools};

/// Runs the table of measurements and writes docs/performance.md.
#[derive(Parser)]
pub(crate) struct Args {
    /// Half-second runs, to see that everything works; the numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// Directory with the release binaries.
    #[arg(long)]
    binaries: PathBuf,
    /// Top folder of the checkout.
    #[arg(long)]
    root: PathBuf,
    /// On the disk to measure; emptied.
    #[arg(long)]
    scratch: PathBuf,
    /// Where the documents go [default: docs in the checkout; with --quick in the scratch directory].
    #[arg(long)]
    out: Option<PathBuf>,
    /// The day, for the document.
    #[arg(long)]
    date: Option<String>,
    /// Only these rows, peers and curves, separated by commas: 1, 7a, E1, redis, connections …
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// No peers: nothing is fetched.
    #[arg(long)]
    no_peers: bool,
    /// Rounds of every comparison [default: 5].
    #[arg(long)]
    rounds: Option<usize>,
    /// Milliseconds of every run [default: 6000].
    #[arg(long)]
    millis: Option<u64>,
}

impl Args {
    fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == id)
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let tools = Tools::new(&args)?;
    let mut document = Document::new(&args, &tools)?;
    for (id, measure) in rows::ROWS.iter().chain(engine_rows::ROWS) {
        if args.wants(id) {
            document.row(id, measure(&tools));
        }
    }
    for (id, measure) in curves::CURVES {
        if args.wants(id) {
            document.curve(id, measure(&tools));
        }
    }
    for peer in peers::PEERS {
        if args.wants(peer.name) && !args.no_peers {
            document.peer(peer.name, peers::measure(&tools, peer));
        }
    }
    document.write()
}
