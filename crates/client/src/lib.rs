//! Rust client of the v2 API.
//!
//! ```text
//! Client ─▶ streams, records, cursors, apps, checkpoints    one method per operation
//!    │           └─ Pages, Reader, PutReport               what takes more than one request
//!    └────▶ transport ─▶ signing, retries, one answer or one Error
//! ```
//!
//! Names are parsed before they get here ([`millpond_model::StreamName`] and the like), bodies are the
//! shapes of `millpond_wire`. Redirects are never followed: a signature holds for one address only.
#![forbid(unsafe_code)]

mod apps;
mod builder;
mod checkpoints;
mod cursors;
mod error;
mod observer;
mod pages;
mod reader;
mod records;
mod retry;
mod streams;
#[cfg(test)]
mod test_server;
mod transport;

pub use builder::{Client, ClientBuilder, Credentials};
pub use error::{Class, Error, Refused};
pub use observer::{Event, Observer, Outgoing};
pub use pages::{AppPages, StreamPages};
pub use reader::{Page, Reader};
pub use records::{PutReport, ReceivedRecord, RecordError};
pub use retry::RetryPolicy;
