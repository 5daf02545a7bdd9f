//! The API in process: requests into the router over the in-memory engine, answers out of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod bad_input;
mod failures;
mod forms;
mod harness;
mod isolation;
mod operators;
mod scenario;
mod vectors;
mod wire;
