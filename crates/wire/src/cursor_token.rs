//! Cursors: what they say, and how they are protected (spec/04 §4).
//!
//! ```text
//! base64url, no padding, of
//! {"getIteratorParam":{"stream-name":…,"partition-id":"0","cursor-type":…,
//!                      "starting-sequence-number":"10","stream-id":…,"mac":…},
//!  "generateTimestamp":1506159563405}
//! ```
//!
//! One client reads `starting-sequence-number` out of it and allows no other member at the top. The
//! code at the end binds all of it, and the project, to this service's key.

use std::{fmt, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use millpond_model::{
    CursorType, PartitionId, ProjectId, SequenceNumber, StreamId, StreamName, Timestamp, limits,
};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{Code, Refusal, signing};

/// Bytes of the code that are kept: 96 bits, 16 characters.
const MAC_BYTES: usize = 12;

/// The key that binds cursors to this service: shown nowhere, wiped when dropped.
#[derive(Clone)]
pub struct CursorKey(Zeroizing<[u8; 32]>);

impl CursorKey {
    /// From 32 random bytes, the same ones on every node and after every start.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// The text is not a cursor that this service made for this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this service and project: get a new one")]
pub struct InvalidCursor;

impl InvalidCursor {
    /// `DIS.4217` about the text that was taken for a cursor.
    pub fn refusal(self, text: &str) -> Refusal {
        Code::InvalidCursor.about(text)
    }
}

/// A place to read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorToken {
    /// The stream's name when the cursor was made.
    pub stream_name: StreamName,
    /// The stream's incarnation: a new stream of the same name does not take old cursors.
    pub stream_id: StreamId,
    /// The partition.
    pub partition: PartitionId,
    /// What the client asked for; an echo only.
    pub cursor_type: CursorType,
    /// The first number to read: always resolved, whatever the type.
    pub position: SequenceNumber,
    /// When the cursor was made.
    pub generated_at: Timestamp,
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(rename = "getIteratorParam", borrow)]
    inner: Inner<'a>,
    #[serde(rename = "generateTimestamp")]
    generated_at: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Inner<'a> {
    stream_name: &'a str,
    partition_id: &'a str,
    cursor_type: &'a str,
    starting_sequence_number: &'a str,
    stream_id: &'a str,
}

impl CursorToken {
    /// The cursor as clients get it: at most 512 characters that need no escaping in a query.
    pub fn encode(&self, key: &CursorKey, project: &ProjectId) -> String {
        let Self { stream_name, stream_id, partition, cursor_type, position, generated_at } = self;
        // No value needs escaping: names, ids, numbers and words have none of JSON's characters.
        let mut content = format!(
            concat!(
                r#"{{"getIteratorParam":{{"stream-name":"{}","partition-id":"{}","cursor-type":"{}","#,
                r#""starting-sequence-number":"{}","stream-id":"{}""#,
            ),
            stream_name,
            partition.index(),
            cursor_type.as_str(),
            position,
            stream_id
        );
        let mac = mac(key, project, &content, *generated_at);
        let written = write!(content, r#","mac":"{mac}"}},"generateTimestamp":{generated_at}}}"#);
        written.expect("writing to a string cannot fail");
        URL_SAFE_NO_PAD.encode(content)
    }

    /// Reads a cursor. Valid is exactly the text that [`CursorToken::encode`] makes with this key
    /// and project; the comparison takes the same time wherever they differ. Age is not checked.
    ///
    /// # Errors
    /// `InvalidCursor` for other text, which covers tampering and cursors of other projects.
    pub fn decode(text: &str, key: &CursorKey, project: &ProjectId) -> Result<Self, InvalidCursor> {
        if text.len() > limits::CURSOR_CHARS_MAX {
            return Err(InvalidCursor);
        }
        let content = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let outer: Outer<'_> = serde_json::from_slice(&content).map_err(|_| InvalidCursor)?;
        let token = Self::from_content(&outer).ok_or(InvalidCursor)?;
        let genuine = token.encode(key, project);
        if bool::from(genuine.as_bytes().ct_eq(text.as_bytes())) { Ok(token) } else { Err(InvalidCursor) }
    }

    fn from_content(outer: &Outer<'_>) -> Option<Self> {
        let inner = &outer.inner;
        Some(Self {
            stream_name: inner.stream_name.parse().ok()?,
            stream_id: inner.stream_id.parse().ok()?,
            partition: inner.partition_id.parse().ok()?,
            cursor_type: inner.cursor_type.parse().ok()?,
            position: inner.starting_sequence_number.parse().ok()?,
            generated_at: Timestamp::from_millis(outer.generated_at),
        })
    }
}

/// Binds the project, the time and the content so far. A project id has no line break, so the three
/// cannot run into each other.
fn mac(key: &CursorKey, project: &ProjectId, content: &str, generated_at: Timestamp) -> String {
    let message = format!("millpond cursor 1\n{project}\n{generated_at}\n{content}");
    let code = signing::hmac_sha256(&*key.0, message.as_bytes());
    URL_SAFE_NO_PAD.encode(code.get(..MAC_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> CursorKey {
        CursorKey::new([7; 32])
    }

    fn project(name: &str) -> ProjectId {
        name.parse().unwrap()
    }

    fn token() -> CursorToken {
        CursorToken {
            stream_name: "orders".parse().unwrap(),
            stream_id: StreamId::from_random(1 << 100),
            partition: PartitionId::new(3),
            cursor_type: CursorType::AtTimestamp,
            position: SequenceNumber::new(10).unwrap(),
            generated_at: Timestamp::from_millis(1_506_159_563_405),
        }
    }

    #[test]
    fn the_content_is_what_clients_look_into() {
        let text = token().encode(&key(), &project("p1"));
        let content = String::from_utf8(URL_SAFE_NO_PAD.decode(&text).unwrap()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&content).unwrap();
        assert_eq!(
            value.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["generateTimestamp", "getIteratorParam"]
        );
        assert!(content.starts_with(r#"{"getIteratorParam":{"stream-name":"orders","partition-id":"3","#));
        assert!(content.ends_with(r#"},"generateTimestamp":1506159563405}"#), "{content}");
        assert_eq!(value["getIteratorParam"]["starting-sequence-number"], "10");
        assert_eq!(value["getIteratorParam"]["cursor-type"], "AT_TIMESTAMP");
        assert_eq!(value["getIteratorParam"]["mac"].as_str().unwrap().len(), 16);
    }

    #[test]
    fn the_longest_cursor_fits() {
        let longest = CursorToken {
            stream_name: "x".repeat(limits::STREAM_NAME_LEN_MAX).parse().unwrap(),
            partition: PartitionId::new(u32::MAX),
            cursor_type: CursorType::AfterSequenceNumber,
            position: SequenceNumber::new(limits::SEQUENCE_NUMBER_MAX).unwrap(),
            generated_at: Timestamp::from_millis(i64::MIN),
            ..token()
        };
        let project = project(&"p".repeat(64));
        let text = longest.encode(&key(), &project);
        assert!(text.len() <= limits::CURSOR_CHARS_MAX, "{} characters", text.len());
        assert_eq!(CursorToken::decode(&text, &key(), &project), Ok(longest));
    }

    #[test]
    fn only_the_project_and_key_that_made_it_read_it() {
        let text = token().encode(&key(), &project("p1"));
        assert_eq!(CursorToken::decode(&text, &key(), &project("p1")), Ok(token()));
        assert_eq!(CursorToken::decode(&text, &key(), &project("p2")), Err(InvalidCursor));
        assert_eq!(CursorToken::decode(&text, &CursorKey::new([8; 32]), &project("p1")), Err(InvalidCursor));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = token().encode(&key(), &project("p1"));
        for at in 0..text.len() {
            for other in ['A', 'B', '9', '_'] {
                let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                let expected = if changed == text { Ok(token()) } else { Err(InvalidCursor) };
                assert_eq!(CursorToken::decode(&changed, &key(), &project("p1")), expected, "{at} {other}");
            }
        }
        for other in [format!("{text}="), format!("{text}A"), text[1..].to_owned(), String::new()] {
            assert_eq!(CursorToken::decode(&other, &key(), &project("p1")), Err(InvalidCursor), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9_-]{0,200}", noise in ".{0,600}") {
            prop_assert_eq!(CursorToken::decode(&text, &key(), &project("p1")), Err(InvalidCursor));
            prop_assert_eq!(CursorToken::decode(&noise, &key(), &project("p1")), Err(InvalidCursor));
        }
    }
}
