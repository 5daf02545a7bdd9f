//! The canonical request and its parts, in every form that a known client writes (spec/01 §3).

use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::{AuthError, Credentials, Scheme, Scope, push_hex};
use crate::{
    percent,
    query::{PlusReading, pairs},
};

pub(super) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Path and query of a target as received.
pub(super) fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// The path with every segment decoded once and encoded again, so that all spellings of a segment
/// are one.
pub(super) fn path(raw: &str) -> String {
    let mut canonical = String::with_capacity(raw.len() + 1);
    for (i, segment) in raw.split('/').enumerate() {
        if i > 0 {
            canonical.push('/');
        }
        percent::encode_into(&mut canonical, &percent::decode(segment.as_bytes(), false));
    }
    canonical
}

/// The canonical paths to try: nearly every client signs a final slash, sent or not (spec/01 §3.1).
pub(super) fn paths(raw: &str) -> Vec<String> {
    let received = path(raw);
    if received.ends_with('/') { vec![received] } else { vec![format!("{received}/"), received] }
}

/// One way of writing the canonical query.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QueryForm {
    pub(super) plus: PlusReading,
    /// A space is `+`, not `%20`.
    space_is_plus: bool,
    /// An empty value leaves `key`, not `key=`.
    bare_key: bool,
}

/// The ways in which this query can differ; one for most queries.
pub(super) fn query_forms(raw: &str) -> Vec<QueryForm> {
    let readings: &[PlusReading] =
        if raw.contains('+') { &[PlusReading::Space, PlusReading::Plus] } else { &[PlusReading::Space] };
    let choice = |differs: bool| if differs { [false, true].as_slice() } else { &[false] };
    let has_empty_value = pairs(raw).any(|(_, value)| value.is_empty());
    let mut forms = Vec::new();
    for &plus in readings {
        let decoded = percent::decode(raw.as_bytes(), plus == PlusReading::Space);
        for &space_is_plus in choice(decoded.contains(&b' ')) {
            for &bare_key in choice(has_empty_value) {
                forms.push(QueryForm { plus, space_is_plus, bare_key });
            }
        }
    }
    forms
}

/// The query sorted by encoded name, then value.
pub(super) fn query(raw: &str, form: QueryForm) -> String {
    let encode = |text: &str| {
        let mut encoded = String::with_capacity(text.len());
        percent::encode_into(
            &mut encoded,
            &percent::decode(text.as_bytes(), form.plus == PlusReading::Space),
        );
        if form.space_is_plus { encoded.replace("%20", "+") } else { encoded }
    };
    let mut encoded: Vec<(String, String)> =
        pairs(raw).map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort();
    let mut canonical = String::with_capacity(raw.len());
    for (name, value) in &encoded {
        if !canonical.is_empty() {
            canonical.push('&');
        }
        canonical.push_str(name);
        if !(value.is_empty() && form.bare_key) {
            canonical.push('=');
            canonical.push_str(value);
        }
    }
    canonical
}

/// The signed headers with their values, in the order of `SignedHeaders`.
pub(super) struct SignedValues {
    /// Lower-case name and value without surrounding whitespace.
    pairs: Vec<(String, Vec<u8>)>,
}

impl SignedValues {
    /// # Errors
    /// `Mismatch` when the date is not signed, nor the host by a scheme whose clients all do, and when a
    /// signed header is missing or stands twice. A missing `content-length` reads 0; over HTTP/2 the
    /// authority is the host.
    pub(super) fn collect(
        credentials: &Credentials,
        headers: &HeaderMap,
        authority: Option<&str>,
    ) -> Result<Self, AuthError> {
        let needs_host = !matches!(credentials.scheme(), Scheme::Plain | Scheme::Derived);
        if !credentials.signs("x-sdk-date") || needs_host && !credentials.signs("host") {
            return Err(AuthError::Mismatch);
        }
        let value = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let value = match (values.next(), values.next()) {
                (Some(value), None) => value.as_bytes().trim_ascii().to_vec(),
                (None, _) if name == "content-length" => b"0".to_vec(),
                (None, _) if name == "host" => authority.ok_or(AuthError::Mismatch)?.as_bytes().to_vec(),
                _ => return Err(AuthError::Mismatch),
            };
            Ok(value)
        };
        let pair = |name: &str| {
            let name = name.to_ascii_lowercase();
            let value = value(&name)?;
            Ok((name, value))
        };
        Ok(Self { pairs: credentials.signed_headers().map(pair).collect::<Result<_, AuthError>>()? })
    }

    /// The received host.
    pub(super) fn host(&self) -> &[u8] {
        let host = self.pairs.iter().find(|(name, _)| name == "host");
        host.map_or(&[], |(_, value)| value.as_slice())
    }

    /// Whether collapsing runs of whitespace changes a value.
    pub(super) fn has_runs(&self) -> bool {
        self.pairs.iter().any(|(_, value)| collapse(value) != *value)
    }

    /// The block of `name:value` lines with this host in place of the received one.
    pub(super) fn block(&self, host: &[u8], collapsed: bool) -> Vec<u8> {
        let mut block = Vec::with_capacity(256);
        for (name, value) in &self.pairs {
            block.extend_from_slice(name.as_bytes());
            block.push(b':');
            match (name == "host", collapsed) {
                (true, _) => block.extend_from_slice(host),
                (false, true) => block.extend_from_slice(&collapse(value)),
                (false, false) => block.extend_from_slice(value),
            }
            block.push(b'\n');
        }
        block
    }
}

/// Every run of whitespace as one space.
fn collapse(value: &[u8]) -> Vec<u8> {
    let mut collapsed = Vec::with_capacity(value.len());
    for &byte in value {
        let space = byte.is_ascii_whitespace();
        if !(space && collapsed.last() == Some(&b' ')) {
            collapsed.push(if space { b' ' } else { byte });
        }
    }
    collapsed
}

/// The hosts to try: as received, without the port, and the configured public names.
pub(super) fn hosts<'a>(received: &'a [u8], extra: &'a [String]) -> Vec<&'a [u8]> {
    let mut hosts = vec![received];
    hosts.extend(without_port(received));
    hosts.extend(extra.iter().map(String::as_bytes));
    hosts
}

fn without_port(host: &[u8]) -> Option<&[u8]> {
    let colon = host.iter().rposition(|&byte| byte == b':')?;
    let (name, port) = (host.get(..colon)?, host.get(colon + 1..)?);
    let whole_name = !name.contains(&b':') || name.ends_with(b"]");
    (whole_name && !port.is_empty() && port.iter().all(u8::is_ascii_digit)).then_some(name)
}

/// The pieces of one canonical request.
pub(super) struct Canonical<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a [u8],
    pub(super) signed_headers: &'a str,
    pub(super) payload: &'a str,
}

impl Canonical<'_> {
    fn lines(&self) -> [&[u8]; 6] {
        [
            self.method.as_bytes(),
            self.path.as_bytes(),
            self.query.as_bytes(),
            self.headers,
            self.signed_headers.as_bytes(),
            self.payload.as_bytes(),
        ]
    }

    /// The request as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines().join(&b'\n')).into_owned()
    }

    /// The string to sign (spec/01 §2).
    pub(super) fn string_to_sign(&self, scheme: Scheme, scope: Option<&Scope>, date: &str) -> String {
        let mut text = format!("{}\n{date}\n", scheme.algorithm());
        if let Some(line) = scope.and_then(|scope| scope.line(scheme)) {
            text.push_str(&line);
            text.push('\n');
        }
        let mut hash = Sha256::new();
        for (i, line) in self.lines().into_iter().enumerate() {
            if i > 0 {
                hash.update(b"\n");
            }
            hash.update(line);
        }
        push_hex(&mut text, &hash.finalize());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spelled_one_way_and_end_in_a_slash() {
        let check = |raw: &str, expected: &[&str]| assert_eq!(paths(raw), expected, "{raw:?}");
        check("/v2/p/streams/", &["/v2/p/streams/"]);
        check("/v2/p/streams", &["/v2/p/streams/", "/v2/p/streams"]);
        check("/%7ea%2Fb+c/", &["/~a%2Fb%2Bc/"]);
        check("/", &["/"]);
        check("", &["/", ""]);
    }

    #[test]
    fn queries_are_tried_in_the_ways_they_can_differ() {
        let check = |raw: &str, expected: &[&str]| {
            let got: Vec<String> = query_forms(raw).into_iter().map(|form| query(raw, form)).collect();
            assert_eq!(got, expected, "{raw:?}");
        };
        check("", &[""]);
        check("b=2&a=1&", &["a=1&b=2"]);
        check("a=2&a=1", &["a=1&a=2"]);
        check("b=&a=1", &["a=1&b=", "a=1&b"]);
        check("a=x%20y", &["a=x%20y", "a=x+y"]);
        check("a=x+y", &["a=x%20y", "a=x+y", "a=x%2By"]);
        check("a=x+y&b", &["a=x%20y&b=", "a=x%20y&b", "a=x+y&b=", "a=x+y&b", "a=x%2By&b=", "a=x%2By&b"]);
        check("a=%7e%c3%bc%zz", &["a=~%C3%BC%25zz"]);
    }

    #[test]
    fn ports_are_taken_off() {
        let check = |host: &str, expected: Option<&str>| {
            assert_eq!(without_port(host.as_bytes()), expected.map(str::as_bytes), "{host:?}");
        };
        check("dis.example.test:8443", Some("dis.example.test"));
        check("dis.example.test", None);
        check("[::1]:80", Some("[::1]"));
        check("[::1]", None);
        check("::1", None);
        check("host:", None);
    }

    #[test]
    fn whitespace_collapses() {
        assert_eq!(collapse(b"a  b\t c d"), b"a b c d");
    }
}
