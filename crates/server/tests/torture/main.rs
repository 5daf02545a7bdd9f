//! Tortures the program for as long as one likes: `cargo xtask torture --minutes N`.
//!
//! ```text
//!   seed ─▶ data directory on a disk, an ext4, an xfs, or a small file system
//!             │
//!             ├─ round: clients put, read, commit, scale, create, delete ─┬─ kill -9, also during starts
//!             │                                                           ├─ power cut (root)
//!             │  everything that was acknowledged is compared             ├─ full disk (root)
//!             ├─ round …                                                  ├─ SIGTERM
//!             ▼                                                           └─ SIGSTOP, SIGCONT
//!           next seed
//! ```
//!
//! The first thing that is wrong ends the run; data, logs and history are kept. The seed of a data
//! directory repeats the choices made for it; what the machine makes of them varies.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may panic and print, and its numbers are small"
)]

#[path = "../support/mod.rs"]
mod support;

mod check;
mod era;
mod full;
mod history;
mod interrupt;
mod load;
mod options;
mod passing;
mod phase;
mod place;
mod rounds;
mod totals;

use std::{
    env, fs, io,
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
};

use millpond_engine::{Clock as _, SystemClock};

use era::Era;
use options::Options;
use place::{Kind, Place};
use support::random::Random;
use totals::Totals;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let options = match Options::parse(&arguments, Random::seed) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("this takes minutes: `cargo xtask torture --minutes N`");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the run could not go on: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Rounds until the time is up; whether nothing was wrong.
fn run(options: &Options) -> io::Result<bool> {
    interrupt::watch()?;
    fs::create_dir_all(&options.directory)?;
    place::unmount_leftovers(&options.directory);
    let kinds = possible(options)?;
    println!("seed {}, server {}", options.seed, options.binary.display());
    let show = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        totals::remember(panic.to_string());
        show(panic);
    }));
    let (clock, mut totals, mut seed) = (SystemClock::new(), Totals::default(), options.seed);
    let is_over = || clock.monotonic() >= options.length;
    let mut broken = None;
    while broken.is_none() && !is_over() {
        let mut era = Era::new(options, seed, &kinds, &mut totals)?;
        if panic::catch_unwind(AssertUnwindSafe(|| era.run(is_over))).is_ok() {
            era.finish()?;
            seed = Random::new(seed).draw();
        } else {
            broken = Some(era.keep());
        }
    }
    println!("\n{totals}seed {}", options.seed);
    if let Some(directory) = &broken {
        report(directory, seed);
    }
    Ok(broken.is_none())
}

/// Says what was wrong, where to look and how to do it again.
fn report(directory: &Path, seed: u64) {
    println!("\nVIOLATION: {}", totals::first().unwrap_or_default());
    println!("kept in {}: the data, server-*.log, history.txt", directory.display());
    println!("again, from this data directory on: cargo xtask torture --minutes 1 --seed {seed}");
}

/// Places that this machine has; the others are named.
fn possible(options: &Options) -> io::Result<Vec<Kind>> {
    let directory = options.directory.join("probe");
    let mut kinds = Vec::new();
    for kind in Kind::ALL {
        // A run that was killed may have left one.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        let reason = match Place::new(kind, &directory) {
            _ if kind != Kind::Plain && !rustix::process::geteuid().is_root() => "needs root".to_owned(),
            Ok(place) if kind.can_be_cut() => match place.cut() {
                Ok(()) => String::new(),
                Err(error) => error.to_string(),
            },
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        if reason.is_empty() {
            kinds.push(kind);
        } else {
            println!("skipped: {}: {reason}", kind.tests());
        }
    }
    fs::remove_dir_all(&directory)?;
    Ok(kinds)
}
