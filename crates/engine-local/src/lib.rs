//! The embedded engine: one process, one directory.
//!
//! Everything goes to the journal first, in groups that cost one write and one sync each, and is
//! acknowledged then. Behind the acknowledgement, batches are written to the segments of their partitions,
//! and the state and the list of segments to a redb file. That file is a view: it says how far it goes, and
//! the journal has the rest.
//!
//! ```text
//!   append, propose ─▶ queue ─▶ committer: one group, one sync ─▶ publish ─▶ acknowledge
//!                                                                   │
//!                         maintainer: segments ◀── tails in memory ◀┘
//!                                     mark: sync segments, commit the view, free journal files
//! ```
//!
//! A third thread reads all segments again, slowly, to find damage.
//!
//! There are three threads, whatever the number of partitions; an idle partition is a few hundred bytes.
#![forbid(unsafe_code)]

mod aging;
mod append;
pub mod backup;
pub mod check;
mod commit;
mod engine;
mod failure;
mod files;
mod index;
mod layout;
mod leftovers;
mod log_op;
mod logs;
mod maintain;
mod partition;
mod queue;
mod read;
mod record;
mod recover;
pub mod repair;
mod room;
mod rows;
mod scrub;
mod settings;
mod store;
mod sums;
#[cfg(test)]
mod tests;
mod view;
mod write_behind;

pub use engine::LocalEngine;
pub use recover::OpenError;
pub use settings::Settings;
pub use store::Stats;
