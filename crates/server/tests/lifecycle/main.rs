//! The life of a server: starts, refused starts, keys, stops, and the development server.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod damaged;
mod dev;
mod keys;
mod limits;
mod login;
mod open;
mod refused;
mod secrets;
mod stop;
