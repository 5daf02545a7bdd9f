//! The API in process: requests into the router over the in-memory engine, answers out of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod bad_input;
mod documented;
mod failures;
mod forms;
mod harness;
mod hostile;
mod identity;
mod isolation;
mod limits;
mod operators;
mod replay;
mod scenario;
mod vectors;
mod wire;
