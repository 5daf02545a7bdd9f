//! Commands and rows in bytes: protobuf, so that members can be added without a new version.
//!
//! The shapes here are twins of the domain types and convert to and from them; nothing else is written
//! to a log or a table.

mod groups;
pub(crate) mod metrics;
mod outcome;
mod parts;
mod proposal;
pub(crate) mod rows;
mod sharing;
pub(crate) mod task;

pub(crate) use groups::{decode_group, encode_group};
pub use proposal::{decode_proposal, encode_proposal};

/// The bytes are not what they should be, or were written by a newer version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read a {what}: damaged, or written by a newer version")]
pub struct DecodeError {
    what: &'static str,
}

impl DecodeError {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what }
    }
}
