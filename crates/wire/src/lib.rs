//! JSON and protobuf shapes of the v2 API, error codes, cursor tokens, request signing.
//!
//! ```text
//! bytes of a request ──▶ signing  who signed it, and how `+` was meant
//!                    ──▶ query    parameters of the target
//!                    ──▶ codec    the body as it was before it was compressed
//!                    ──▶ v2       JSON or protobuf body ──▶ model types ──▶ … ──▶ answer
//!                    ──▶ identity login and token, for those that have a password
//!                    ──▶ refusal  what the client is told when any of this fails
//! ```
//!
//! Nothing here does I/O, reads a clock or knows a route.
#![forbid(unsafe_code)]

pub mod codec;
mod cursor_token;
mod error_code;
pub mod identity;
mod percent;
mod query;
mod refusal;
pub mod signing;
pub mod v2;

pub use cursor_token::{CursorKey, CursorToken, InvalidCursor};
pub use error_code::Code;
pub use query::{PlusReading, Query, QueryTooLarge, write_query};
pub use refusal::{RecordRefusal, Refusal, echo};
