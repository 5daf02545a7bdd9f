//! The binary `millpond`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;

/// Quick to build and good at many small buffers that one thread fills and another frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    millpond::run(millpond::args::Args::parse())
}
