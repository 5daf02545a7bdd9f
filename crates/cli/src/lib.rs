//! The command-line tool: everything that talks to a server.
//!
//! ```text
//! Command ─▶ Session ─▶ settings   flags, environment, ./.millpond/credentials.toml
//!    │          ├─────▶ Client     (millpond-client)
//!    │          └─────▶ Output     the only place that prints
//!    ├─ stream, put, get, tail, app, checkpoint: one module for each noun
//!    └─ bench     loads, by way of millpond-load
//! ```
#![forbid(unsafe_code)]

mod app;
mod bench;
mod checkpoint;
mod command;
mod confirm;
mod exit;
mod failure;
mod get;
mod global;
mod interrupt;
mod output;
mod put;
mod record;
mod session;
mod settings;
mod stream;
mod tail;
#[cfg(test)]
mod testing;
mod time;

pub use command::{Command, run};
pub use exit::{EXIT_CODES, Exit};
pub use global::GlobalArgs;
