//! Encodings of payloads.

pub mod b64;
