//! The server `millpond`: configuration, keys, listener, logs, signals, wiring.
//!
//! `main.rs` only calls [`run`]; everything else is here, so that tests reach it.
//!
//! ```text
//! args ─▶ serve, dev ─▶ config::load ─▶ wiring::start ─▶ listener::Listener::serve
//!             │                            │
//!          signals ─▶ reload, drain        └─ engine, service and router plug in here
//! ```
#![forbid(unsafe_code)]

pub mod args;
mod backend;
pub mod config;
mod config_command;
mod control;
mod descriptors;
pub mod dev;
pub mod exit;
mod key_command;
pub mod keys;
pub mod listener;
pub mod logging;
pub mod operate;
pub mod output;
mod port_file;
pub mod secret;
pub mod serve;
pub mod signals;
mod storage_metrics;
pub mod wiring;

use std::process::ExitCode;

use args::{Args, Command};
use exit::Exit;

/// Runs one command of the program.
pub fn run(args: Args) -> ExitCode {
    let result = match args.command {
        Command::Serve(serve) => serve::run(&serve.sources.sources(), wiring::Seed::Nothing, &serve::quiet),
        Command::Client(command) => return millpond_cli::run(command),
        Command::Dev(dev) => dev::run(&dev),
        Command::Key(key) => key_command::run(key),
        Command::Check(check) => operate::check(&check),
        Command::Repair(repair) => operate::repair(&repair),
        Command::Backup(backup) => operate::backup(&backup),
        Command::Restore(restore) => operate::restore(&restore),
        Command::Config(config) => config_command::run(&config),
        Command::Completions { shell } => {
            output::data(&args::completions(shell));
            Ok(Exit::Ok)
        }
    };
    let exit = result.unwrap_or_else(|error| {
        output::note(format_args!("millpond: {error:#}"));
        Exit::of(&error)
    });
    exit.into()
}
