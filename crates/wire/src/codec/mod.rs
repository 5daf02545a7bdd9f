//! Encodings of payloads, and of whole bodies.

pub mod b64;
pub mod compress;
