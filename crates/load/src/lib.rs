//! A load generator: prebuilt requests over plain sockets, and how long each took.
//!
//! It has to be cheaper than what it measures. Requests are bytes made before the clock starts, answers are
//! looked at no further than needed to know where they end and whether they are good.
//!
//! ```text
//!   Plan ─▶ run ─┬─ thread ─┬─ connection: Talk::request ─▶ socket ─▶ Talk::answer ─┐
//!           ▲    │          └─ connection …                                        ├─▶ Tally ─▶ Report
//!         Pace   └─ thread …                                                       ┘
//! ```
//!
//! With [`Pace::Closed`] each connection sends as soon as it has its answer. With [`Pace::PerSecond`]
//! requests have appointed times, the next free connection takes the next one, and the time it took counts
//! from the appointment: a server that stalls is charged for all requests that had to wait.
//!
//! The crate knows no protocol of ours: whoever uses it brings a [`Talk`]; [`HttpAnswer`] helps with HTTP.
#![forbid(unsafe_code)]

mod clock;
mod http;
mod pace;
mod plan;
mod report;
mod run;
mod talk;

pub use clock::Moment;
pub use http::{Head, HttpAnswer};
pub use plan::{Pace, Plan};
pub use report::{Latency, Report, Tally};
pub use run::{LoadError, run};
pub use talk::{Repeat, Step, Talk, Verdict, Violation};
