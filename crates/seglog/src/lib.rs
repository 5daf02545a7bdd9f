//! A group-committed journal and segment files, on a [`Disk`](disk::Disk) trait.
//!
//! This crate counts frames and batches and knows no streams: whoever uses it gives an owner's tag of 24
//! opaque bytes, which is bound into every checksum so that a misplaced block fails like a damaged one.
//!
//! ```text
//!   journal:   one file after another, written before, synced once per group
//!              ┌────────┬──────────────┬─────────────┬───┐   ┌────────┬──
//!              │ header │ group 1      │ group 2     │ … │──▶│ header │ group 9
//!              └────────┴──────────────┴─────────────┴───┘   └────────┴──
//!   segments:  per owner, batches of records one behind the other, and an index beside them
//!              ┌────────┬───────┬───────┬───────┐
//!              │ header │ batch │ batch │ batch │
//!              └────────┴───────┴───────┴───────┘
//! ```
//!
//! `docs/format.md` holds the byte tables.
#![forbid(unsafe_code)]

pub mod batch;
mod codec;
pub mod disk;
pub mod index;
pub mod journal;
pub mod scan;
pub mod segment;

pub use codec::{Crc32c, Owner, crc32c};
