//! Payloads as text.

use std::fmt::Write as _;

use millpond_wire::codec::b64;
use serde_json::Value;

use crate::output::escaped;

/// How data is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DataFormat {
    /// Text when it is text; else hexadecimal digits, or base64 in JSON.
    #[default]
    Auto,
    /// Text; what is none is replaced.
    Text,
    /// JSON in one line; what is none as a string.
    Json,
    /// The bytes as they are.
    Raw,
    /// Hexadecimal digits.
    Hex,
    /// Base64.
    Base64,
}

impl DataFormat {
    /// In one line that is safe on a terminal.
    pub(crate) fn text(self, data: &[u8]) -> String {
        match self {
            Self::Auto | Self::Raw => match plain(data) {
                Some(text) => escaped(text),
                None => hex(data),
            },
            Self::Text => escaped(&String::from_utf8_lossy(data)),
            Self::Json => escaped(&self.json(data).0.to_string()),
            Self::Hex => hex(data),
            Self::Base64 => b64::encode(data),
        }
    }

    /// As a JSON value, and the word for what it is.
    pub(crate) fn json(self, data: &[u8]) -> (Value, &'static str) {
        match self {
            Self::Auto | Self::Raw => match plain(data) {
                Some(text) => (Value::from(text), "text"),
                None => (Value::from(b64::encode(data)), "base64"),
            },
            Self::Text => (Value::from(String::from_utf8_lossy(data)), "text"),
            Self::Json => match serde_json::from_slice(data) {
                Ok(value) => (value, "json"),
                Err(_) => Self::Auto.json(data),
            },
            Self::Hex => (Value::from(hex(data)), "hex"),
            Self::Base64 => (Value::from(b64::encode(data)), "base64"),
        }
    }
}

/// Data that is text and nothing else: UTF-8 without control characters but tabs and line ends.
fn plain(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data).ok()?;
    let harmless = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().all(harmless).then_some(text)
}

fn hex(data: &[u8]) -> String {
    let mut text = String::with_capacity(data.len() * 2);
    for byte in data {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_as_text() {
        let check = |format: DataFormat, data: &[u8], expected: &str| {
            assert_eq!(format.text(data), expected, "{format:?} {data:?}");
        };
        check(DataFormat::Auto, "hällo\n".as_bytes(), "hällo\\n");
        check(DataFormat::Auto, b"", "");
        check(DataFormat::Auto, b"\x00\xff", "00ff");
        check(DataFormat::Auto, b"a\x1b", "611b");
        check(DataFormat::Text, b"a\x1b\xff", "a\\u{1b}\u{fffd}");
        check(DataFormat::Json, b" {\"b\" : 1,\n\"a\":[ ] } ", "{\"a\":[],\"b\":1}");
        check(DataFormat::Json, b"plain", "\"plain\"");
        check(DataFormat::Hex, b"hi", "6869");
        check(DataFormat::Base64, b"hi", "aGk=");
    }

    #[test]
    fn data_as_json() {
        let check = |format: DataFormat, data: &[u8], value: Value, word: &str| {
            assert_eq!(format.json(data), (value, word), "{format:?} {data:?}");
        };
        check(DataFormat::Auto, b"hi\n", json!("hi\n"), "text");
        check(DataFormat::Auto, b"\xff", json!("/w=="), "base64");
        check(DataFormat::Json, b"{\"a\":1}", json!({"a": 1}), "json");
        check(DataFormat::Json, b"x", json!("x"), "text");
        check(DataFormat::Hex, b"hi", json!("6869"), "hex");
        check(DataFormat::Base64, b"hi", json!("aGk="), "base64");
        check(DataFormat::Text, b"a\xff", json!("a\u{fffd}"), "text");
    }
}
