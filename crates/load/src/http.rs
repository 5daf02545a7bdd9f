//! Answers of HTTP/1.1, read no further than needed.

use crate::Violation;

/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// So much of a body's beginning and of its end is kept, beside the whole of a short one.
const KEPT_BYTES: usize = 1024;

/// What matters of an answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// Bytes of the body.
    pub body_len: usize,
    /// The server closes the connection behind this answer.
    pub close: bool,
}

/// An answer on its way. It begins anew with the first byte behind a complete one.
#[derive(Debug, Default)]
pub struct HttpAnswer {
    head_bytes: Vec<u8>,
    head: Option<Head>,
    seen: usize,
    begin: Vec<u8>,
    end: Vec<u8>,
}

impl HttpAnswer {
    /// Takes what arrived; the head once the answer is complete.
    ///
    /// # Errors
    /// It is not HTTP/1.x, has no length, or goes on behind its end.
    pub fn take(&mut self, received: &[u8]) -> Result<Option<Head>, Violation> {
        if self.head.is_some_and(|head| self.seen == head.body_len) {
            self.restart();
        }
        let Some(head) = self.head else { return self.take_head(received) };
        self.take_body(head, received)
    }

    /// The beginning of the body, up to 1 KiB.
    pub fn begin(&self) -> &[u8] {
        &self.begin
    }

    /// The end of the body: at least its last 1 KiB, if it has as much.
    pub fn end(&self) -> &[u8] {
        &self.end
    }

    /// Status and beginning of the body, for people.
    pub fn text(&self) -> String {
        let status = self.head.map_or(0, |head| head.status);
        format!("{status} {}", String::from_utf8_lossy(&self.begin)).trim_end().to_owned()
    }

    fn restart(&mut self) {
        self.head_bytes.clear();
        self.begin.clear();
        self.end.clear();
        self.head = None;
        self.seen = 0;
    }

    fn take_head(&mut self, received: &[u8]) -> Result<Option<Head>, Violation> {
        let before = self.head_bytes.len();
        self.head_bytes.extend_from_slice(received);
        let searched = self.head_bytes.get(before.saturating_sub(3)..).unwrap_or_default();
        let Some(found) = searched.windows(4).position(|four| four == b"\r\n\r\n") else {
            if self.head_bytes.len() > HEAD_BYTES_MAX {
                return Err(Violation("the head of an answer does not end".to_owned()));
            }
            return Ok(None);
        };
        let head_len = before.saturating_sub(3) + found + 4;
        let head = parse(self.head_bytes.get(..head_len).unwrap_or_default())?;
        self.head = Some(head);
        let behind = received.get(head_len - before..).unwrap_or_default();
        self.take_body(head, behind)
    }

    fn take_body(&mut self, head: Head, received: &[u8]) -> Result<Option<Head>, Violation> {
        self.seen += received.len();
        if self.seen > head.body_len {
            return Err(Violation("there is more than one answer".to_owned()));
        }
        let missing = KEPT_BYTES.saturating_sub(self.begin.len()).min(received.len());
        self.begin.extend_from_slice(received.get(..missing).unwrap_or_default());
        let tail = received.get(received.len().saturating_sub(KEPT_BYTES)..).unwrap_or_default();
        if tail.len() == KEPT_BYTES {
            self.end.clear();
        }
        self.end.extend_from_slice(tail);
        if self.end.len() > 2 * KEPT_BYTES {
            self.end.drain(..self.end.len() - KEPT_BYTES);
        }
        Ok((self.seen == head.body_len).then_some(head))
    }
}

fn parse(head: &[u8]) -> Result<Head, Violation> {
    let text =
        std::str::from_utf8(head).map_err(|_| Violation("the head of an answer is not text".to_owned()))?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|status| status.parse().ok());
    let (true, Some(status)) = (version.starts_with("HTTP/1."), status) else {
        return Err(Violation(format!("{first:?} is not the first line of an answer")));
    };
    let mut head = Head { status, body_len: 0, close: version == "HTTP/1.0" };
    let mut length = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Violation("an answer without a length".to_owned()));
        }
    }
    head.body_len = match (length, status) {
        (Some(length), _) => length,
        (None, 204 | 304) => 0,
        (None, _) => return Err(Violation(format!("an answer without a length: {first:?}"))),
    };
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says_however_it_is_cut() {
        let body: Vec<u8> = (0..5000_u32).map(|n| b'a' + u8::try_from(n % 26).unwrap()).collect();
        let mut whole = b"HTTP/1.1 200 OK\r\ncontent-type: x\r\nContent-Length: 5000\r\n\r\n".to_vec();
        whole.extend_from_slice(&body);
        for cut in [1, 3, 7, 55, 56, 57, 60, 600, 1023, 1024, 1025, 4000, 6000] {
            let mut answer = HttpAnswer::default();
            for round in 0..2 {
                let pieces: Vec<_> = whole.chunks(cut).collect();
                for (index, piece) in pieces.iter().enumerate() {
                    let head = answer.take(piece).unwrap();
                    assert_eq!(head.is_some(), index + 1 == pieces.len(), "{cut} {round} {index}");
                }
                assert_eq!(answer.begin(), &body[..KEPT_BYTES], "{cut}");
                assert!(body.ends_with(answer.end()), "{cut}");
                assert!(answer.end().len() >= KEPT_BYTES, "{cut}");
            }
        }
    }

    #[test]
    fn heads() {
        let check = |head: &str, expected: Option<(u16, usize, bool)>| {
            let got = parse(head.as_bytes()).ok().map(|head| (head.status, head.body_len, head.close));
            assert_eq!(got, expected, "{head}");
        };
        check("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", Some((201, 0, false)));
        check("HTTP/1.1 204 No Content\r\n\r\n", Some((204, 0, false)));
        check("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n", Some((200, 7, true)));
        check("HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", Some((200, 7, true)));
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", None);
        check("HTTP/1.1 200 OK\r\n\r\n", None);
        check("+OK\r\n\r\n", None);
    }

    #[test]
    fn nothing_may_follow_an_answer() {
        let mut answer = HttpAnswer::default();
        assert!(answer.take(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab").is_err());
    }
}
