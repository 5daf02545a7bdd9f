//! Requests as `-v`, `-vv` and `--show-curl` show them.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName};
use millpond_client::{Event, Outgoing};

use super::{escaped, say};

/// Longest body that a curl command repeats, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Headers that are never shown, and the variable a curl command has in their place.
const SECRET_HEADERS: [(&str, &str); 2] =
    [("x-auth-token", "MILLPOND_TOKEN"), ("x-security-token", "MILLPOND_SECURITY_TOKEN")];

/// Shows what the flags ask for, on standard error.
pub(crate) fn show(event: &Event<'_>, verbosity: u8, show_curl: bool) {
    let text = lines(event, verbosity, show_curl);
    if !text.is_empty() {
        say(text.trim_end());
    }
}

fn lines(event: &Event<'_>, verbosity: u8, show_curl: bool) -> String {
    let mut text = String::new();
    match event {
        Event::Sending(request) => {
            if show_curl {
                text.push_str(&curl(request));
            }
            if verbosity >= 2 {
                let _ = writeln!(text, "> {} {}", request.method, request.url);
                push_headers(&mut text, '>', request.headers);
            }
        }
        Event::Answered { request, status, headers, body_bytes, took } if verbosity > 0 => {
            let millis = took.as_millis();
            let _ = writeln!(
                text,
                "< {status} {} {} in {millis} ms, {body_bytes} bytes",
                request.method, request.url
            );
            if verbosity >= 2 {
                push_headers(&mut text, '<', headers);
            }
        }
        Event::Failed { request, error, took } if verbosity > 0 => {
            let millis = took.as_millis();
            let _ = writeln!(text, "< {} {} failed in {millis} ms: {error}", request.method, request.url);
        }
        Event::Waiting { delay, attempt } if verbosity > 0 => {
            let _ = writeln!(text, "  attempt {attempt} failed, again in {} ms", delay.as_millis());
        }
        Event::Answered { .. } | Event::Failed { .. } | Event::Waiting { .. } => {}
    }
    text
}

fn push_headers(text: &mut String, direction: char, headers: &HeaderMap) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let shown = match (variable(name), value.rsplit_once("Signature=")) {
            (Some(_), _) => "…".to_owned(),
            (None, Some((before, _))) if *name == http::header::AUTHORIZATION => {
                format!("{before}Signature=…")
            }
            (None, _) => escaped(&value),
        };
        let _ = writeln!(text, "{direction}   {name}: {shown}");
    }
}

fn variable(name: &HeaderName) -> Option<&'static str> {
    SECRET_HEADERS.iter().find(|(secret, _)| name.as_str() == *secret).map(|(_, variable)| *variable)
}

/// The request as a command. It holds a signature, which is good for some minutes, but no secret.
fn curl(request: &Outgoing<'_>) -> String {
    let mut command = format!("curl -sS -X {} {}", request.method, quoted(request.url));
    for (name, value) in request.headers {
        let header = match variable(name) {
            Some(variable) => format!("\"{name}: ${variable}\""),
            None => quoted(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))),
        };
        let _ = write!(command, " -H {header}");
    }
    if request.body.len() > BODY_BYTES_MAX {
        let _ = write!(command, " --data-binary @body.json # {} bytes, not shown", request.body.len());
    } else if !request.body.is_empty() {
        let _ = write!(command, " --data-binary {}", quoted(&String::from_utf8_lossy(request.body)));
    }
    command + "\n"
}

/// In single quotes, as every shell takes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderValue, Method};

    use super::*;

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        let signature = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=abc";
        headers.insert("authorization", HeaderValue::from_static(signature));
        headers.insert("x-security-token", HeaderValue::from_static("hush"));
        headers
    }

    fn check(event: &Event<'_>, verbosity: u8, show_curl: bool, expected: &str) {
        assert_eq!(lines(event, verbosity, show_curl), expected);
    }

    #[test]
    fn requests_are_shown_without_secrets() {
        let (headers, body) = (headers(), br#"{"a":"it's"}"#);
        let request = Outgoing {
            method: &Method::POST,
            url: "http://h/v2/p/records",
            headers: &headers,
            body,
            attempt: 1,
        };
        check(&Event::Sending(request), 0, false, "");
        check(&Event::Sending(request), 1, false, "");
        check(
            &Event::Sending(request),
            2,
            false,
            "> POST http://h/v2/p/records\n>   authorization: SDK-HMAC-SHA256 Access=AK, \
             SignedHeaders=host, Signature=…\n>   x-security-token: …\n",
        );
        check(
            &Event::Sending(request),
            0,
            true,
            "curl -sS -X POST 'http://h/v2/p/records' -H 'authorization: SDK-HMAC-SHA256 Access=AK, \
             SignedHeaders=host, Signature=abc' -H \"x-security-token: $MILLPOND_SECURITY_TOKEN\" \
             --data-binary '{\"a\":\"it'\\''s\"}'\n",
        );
        let took = Duration::from_millis(12);
        let answered =
            Event::Answered { request, status: 200, headers: &HeaderMap::new(), body_bytes: 5, took };
        check(&answered, 0, true, "");
        check(&answered, 1, false, "< 200 POST http://h/v2/p/records in 12 ms, 5 bytes\n");
        let waiting = Event::Waiting { delay: Duration::from_millis(50), attempt: 1 };
        check(&waiting, 1, false, "  attempt 1 failed, again in 50 ms\n");
    }

    #[test]
    fn long_bodies_are_not_repeated() {
        let (headers, body) = (HeaderMap::new(), vec![b'x'; BODY_BYTES_MAX + 1]);
        let request =
            Outgoing { method: &Method::POST, url: "u", headers: &headers, body: &body, attempt: 1 };
        check(
            &Event::Sending(request),
            0,
            true,
            "curl -sS -X POST 'u' --data-binary @body.json # 65537 bytes, not shown\n",
        );
    }
}
