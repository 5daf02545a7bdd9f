//! What hyper refuses by itself, because it is no HTTP, in the form that clients read.
//!
//! hyper answers a broken head with a bare status line and closes. No request was begun then, so nothing
//! above the connection can put words to it; here, where the bytes pass, it is told by its form: one short
//! piece without a body and without the request id that every answer of ours has.

use millpond_engine::{Entropy, OsEntropy};

/// More than hyper writes then, and less than any answer of ours.
const BARE_BYTES_MAX: usize = 256;

/// The answer to give instead of `bytes`, if these are hyper's own refusal.
pub(super) fn in_our_words(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > BARE_BYTES_MAX || !bytes.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let (status_line, headers) = head.split_once("\r\n")?;
    let is = |line: &str, name: &str| {
        line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
    };
    let has = |name: &str| headers.split("\r\n").any(|line| is(line, name));
    if has("x-request-id") || has("content-type") {
        return None;
    }
    let message = match status_line.split(' ').nth(1)? {
        "431" => "The head of the request is too large. Send fewer or shorter headers.",
        "414" => "The target of the request is too long. Shorten it.",
        _ => "The request is malformed HTTP.",
    };
    let body = format!(
        "{{\"errorCode\":\"DIS.4200\",\"message\":\"{message}\",\"error_code\":\"DIS.4200\",\"error_msg\":\"{message}\"}}"
    );
    let kept: Vec<&str> = headers.split("\r\n").filter(|line| !is(line, "content-length")).collect();
    let id = OsEntropy.random();
    let answer = format!(
        "{status_line}\r\n{}\r\ncontent-type: application/json\r\nx-request-id: {id:032x}\r\ncontent-length: {}\r\n\r\n{body}",
        kept.join("\r\n"),
        body.len()
    );
    Some(answer.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_refusal_gets_words() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let answer = String::from_utf8(in_our_words(bare).unwrap()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 ") && head.contains("connection: close"), "{head}");
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(head.matches("content-length").count(), 1);
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error_code"], "DIS.4200");
    }

    #[test]
    fn everything_else_stays() {
        let long = format!("HTTP/1.1 400 Bad Request\r\nx: {}\r\n\r\n", "y".repeat(300));
        let cases = [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nX-Request-Id: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 4",
            "",
            &long,
        ];
        for case in cases {
            assert_eq!(in_our_words(case.as_bytes()), None, "{case}");
        }
    }
}
