//! What is said on a connection, for each load.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use millpond_load::{Head, HttpAnswer, Repeat, Step, Talk, Verdict, Violation};

use super::{args::Form, requests::Maker};

/// When an answer is good.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// Any 2xx.
    Success,
    /// This status.
    Status(u16),
    /// 200, and no record was refused.
    AllPut(Form),
    /// 200, with a body of so many bytes or more.
    Body(usize),
}

impl Expect {
    fn is_met(self, head: &Head, answer: &HttpAnswer) -> bool {
        match self {
            Self::Success => (200..300).contains(&head.status),
            Self::Status(status) => head.status == status,
            Self::AllPut(form) => {
                let none_failed: &[u8] = match form {
                    Form::Json => br#"{"failed_record_count":0,"#,
                    Form::Protobuf => &[0xa8, 0x01, 0x00],
                };
                head.status == 200 && answer.begin().starts_with(none_failed)
            }
            Self::Body(bytes) => head.status == 200 && head.body_len >= bytes,
        }
    }
}

/// The same requests again and again.
pub(super) struct Same {
    pub(super) requests: Repeat,
    pub(super) expect: Expect,
    pub(super) records: u64,
    pub(super) payload_bytes: u64,
    pub(super) answer: HttpAnswer,
}

impl Talk for Same {
    fn request(&mut self) -> Option<Bytes> {
        self.requests.next()
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let Some(head) = self.answer.take(received)? else { return Ok(Step::More) };
        let verdict = if self.expect.is_met(&head, &self.answer) {
            Verdict::Good { records: self.records, payload_bytes: self.payload_bytes }
        } else {
            Verdict::Bad(self.answer.text())
        };
        Ok(Step::Done { verdict, close: head.close })
    }
}

/// A reader's place in a partition.
pub(super) struct Place {
    maker: Maker,
    form: Form,
    limit: u32,
    cursor: String,
    position: u64,
}

impl Place {
    /// At `cursor`, reading up to `limit` records at once.
    ///
    /// # Errors
    /// The cursor does not tell its position.
    pub(super) fn new(maker: Maker, form: Form, limit: u32, cursor: String) -> Result<Self, Violation> {
        let position = position_of(&cursor)?;
        Ok(Self { maker, form, limit, cursor, position })
    }

    fn request(&self) -> Bytes {
        self.maker.get(&self.cursor, self.limit)
    }

    /// Goes on behind what was read; how many records that were.
    fn advance(&mut self, answer: &HttpAnswer) -> Result<u64, Violation> {
        self.cursor = next_cursor(self.form, answer)?;
        let before = std::mem::replace(&mut self.position, position_of(&self.cursor)?);
        Ok(self.position.saturating_sub(before))
    }
}

/// Reads a partition to its end.
pub(super) struct Walk {
    pub(super) place: Place,
    pub(super) record_bytes: u64,
    pub(super) at_end: bool,
    pub(super) answer: HttpAnswer,
}

impl Talk for Walk {
    fn request(&mut self) -> Option<Bytes> {
        (!self.at_end).then(|| self.place.request())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let Some(head) = self.answer.take(received)? else { return Ok(Step::More) };
        if head.status != 200 {
            return Ok(Step::Done { verdict: Verdict::Bad(self.answer.text()), close: head.close });
        }
        let records = self.place.advance(&self.answer)?;
        self.at_end = records == 0;
        let verdict = Verdict::Good { records, payload_bytes: records * self.record_bytes };
        Ok(Step::Done { verdict, close: head.close })
    }
}

/// Puts records and reads until it has them back.
pub(super) struct RoundTrip {
    pub(super) put: Bytes,
    pub(super) expect: Expect,
    pub(super) place: Place,
    pub(super) records: u64,
    pub(super) payload_bytes: u64,
    pub(super) missing: u64,
    pub(super) reading: bool,
    pub(super) answer: HttpAnswer,
}

impl Talk for RoundTrip {
    fn request(&mut self) -> Option<Bytes> {
        self.reading = false;
        self.missing += self.records;
        Some(self.put.clone())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let Some(head) = self.answer.take(received)? else { return Ok(Step::More) };
        let met = if self.reading { head.status == 200 } else { self.expect.is_met(&head, &self.answer) };
        if !met {
            self.missing = 0;
            return Ok(Step::Done { verdict: Verdict::Bad(self.answer.text()), close: head.close });
        }
        if self.reading {
            self.missing = self.missing.saturating_sub(self.place.advance(&self.answer)?);
        }
        self.reading = true;
        if self.missing > 0 {
            return Ok(Step::Again(self.place.request()));
        }
        let (records, payload_bytes) = (self.records, self.payload_bytes);
        Ok(Step::Done { verdict: Verdict::Good { records, payload_bytes }, close: head.close })
    }
}

/// The cursor of an answer: in JSON its last member, in protobuf its first field, number 14.
fn next_cursor(form: Form, answer: &HttpAnswer) -> Result<String, Violation> {
    let bytes = match form {
        Form::Json => {
            const NAME: &[u8] = br#""next_partition_cursor":""#;
            let end = answer.end();
            let found = end.windows(NAME.len()).rposition(|window| window == NAME);
            let text = found.and_then(|at| end.get(at + NAME.len()..));
            text.and_then(|text| text.split(|&byte| byte == b'"').next())
        }
        Form::Protobuf => match answer.begin() {
            [0x72, len, rest @ ..] if *len < 0x80 => rest.get(..usize::from(*len)),
            [0x72, low, high, rest @ ..] if *high < 0x80 => {
                rest.get(..usize::from(low & 0x7f) + (usize::from(*high) << 7))
            }
            _ => None,
        },
    };
    let text = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    text.ok_or_else(|| Violation("an answer without a cursor".to_owned()))
}

/// The position that a cursor tells (spec/04 §4).
fn position_of(cursor: &str) -> Result<u64, Violation> {
    const NAME: &str = r#""starting-sequence-number":""#;
    let content = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let position = content.as_deref().and_then(|text| text.split_once(NAME));
    let position = position.and_then(|(_, rest)| rest.split('"').next()?.parse().ok());
    position.ok_or_else(|| Violation(format!("{cursor:?} does not tell its position")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &[u8]) -> HttpAnswer {
        let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        let mut answer = HttpAnswer::default();
        assert!(answer.take(&bytes).unwrap().is_some());
        answer
    }

    #[test]
    fn refused_records_make_an_answer_bad() {
        let check = |expect: Expect, status: u16, body: &[u8], met: bool| {
            let head = Head { status, body_len: body.len(), close: false };
            assert_eq!(expect.is_met(&head, &answer(status, body)), met, "{expect:?} {status}");
        };
        let none = br#"{"failed_record_count":0,"records":[]}"#;
        check(Expect::AllPut(Form::Json), 200, none, true);
        check(Expect::AllPut(Form::Json), 400, none, false);
        check(Expect::AllPut(Form::Json), 200, br#"{"failed_record_count":1,"records":[]}"#, false);
        check(Expect::AllPut(Form::Protobuf), 200, &[0xa8, 1, 0, 0xb2], true);
        check(Expect::AllPut(Form::Protobuf), 200, &[0xa8, 1, 2, 0xb2], false);
        check(Expect::Success, 201, b"", true);
        check(Expect::Status(201), 200, b"", false);
        check(Expect::Body(3), 200, b"abc", true);
        check(Expect::Body(4), 200, b"abc", false);
    }

    #[test]
    fn cursors_are_found_in_answers_of_both_forms() {
        let content = r#"{"getIteratorParam":{"starting-sequence-number":"1234"},"generateTimestamp":1}"#;
        let cursor = URL_SAFE_NO_PAD.encode(content);
        let json = format!(r#"{{"records":[],"next_partition_cursor":"{cursor}"}}"#);
        let found = next_cursor(Form::Json, &answer(200, json.as_bytes())).unwrap();
        assert_eq!(position_of(&found), Ok(1234));
        for cursor in ["short".to_owned(), "c".repeat(300)] {
            let mut body = vec![0x72];
            prost::encoding::encode_varint(cursor.len() as u64, &mut body);
            body.extend_from_slice(cursor.as_bytes());
            body.extend_from_slice(&[0x82, 0x01, 0]);
            assert_eq!(next_cursor(Form::Protobuf, &answer(200, &body)), Ok(cursor));
        }
        assert!(next_cursor(Form::Json, &answer(200, b"{}")).is_err());
        assert!(position_of("c").is_err());
    }
}
