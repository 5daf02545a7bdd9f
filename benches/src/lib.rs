//! The hot pieces of a request, each as a function without arguments: for micro-benchmarks, and for counting
//! instructions.
//!
//! ```text
//!   pieces ─┬─ benches/pieces.rs     time, by criterion
//!           └─ bench-count           instructions, by callgrind, against benches/instructions.toml
//! ```
#![forbid(unsafe_code)]

pub mod pieces;
