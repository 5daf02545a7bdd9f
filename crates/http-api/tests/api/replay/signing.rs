//! Signatures in the forms that the captures record, made here apart from the code under test.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::capture::Signing;

/// Ways of writing the canonical request that all recorded calls share, or that say nothing new.
const SHARED: [&str; 4] = ["path ends in /", "sha256(body)", "host signed as host:port", "query k=v"];

/// What the captures call a signature that is none.
const MISMATCH: &str = "signature does not match in any known reading";

/// What a signature is made of.
pub struct ToSign<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
}

impl Signing {
    /// Whether the call is signed at all.
    pub fn is_signature(&self) -> bool {
        self.form.is_some()
    }

    /// Whether the signature did not belong to the call.
    pub fn is_mismatch(&self) -> bool {
        self.reading.as_deref() == Some(MISMATCH)
    }

    /// The signature of a call.
    pub fn sign(&self, call: &ToSign<'_>, secret: &str) -> String {
        let ToSign { method, target, headers, body } = *call;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
        let names = self.signed_headers.as_deref().unwrap();
        let without_port = self.reading_parts().contains(&"host signed as host without port");
        let line = |name: &str| match (name, headers[name].split_once(':')) {
            ("host", Some((host, _))) if without_port => format!("host:{host}\n"),
            _ => format!("{name}:{}\n", headers[name].trim()),
        };
        let block: String = names.split(';').map(line).collect();
        let query = canonical_query(query);
        let canonical =
            format!("{method}\n{path}\n{query}\n{block}\n{names}\n{}", hex(&Sha256::digest(body)));
        let date = &headers["x-sdk-date"];
        let hash = hex(&Sha256::digest(canonical));
        // Behind the access key in the scope.
        let scope = self.scope.as_deref().map(|scope| scope.split_once('/').unwrap().1);
        let lines: Vec<&str> =
            [Some(self.scheme.as_str()), Some(date), scope, Some(&hash)].into_iter().flatten().collect();
        hex(&hmac(&self.key(secret, scope), lines.join("\n").as_bytes()))
    }

    fn key(&self, secret: &str, scope: Option<&str>) -> Vec<u8> {
        let plain = || secret.as_bytes().to_vec();
        match (self.reading_parts()[0], scope) {
            ("secret key as is", None) => plain(),
            ("chained key", Some(scope)) => scope
                .split('/')
                .fold(format!("SDK{secret}").into_bytes(), |key, step| hmac(&key, step.as_bytes())),
            // Whatever is made of another secret does not fit.
            (MISMATCH, _) if self.is_mismatch() => plain(),
            other => panic!("unknown: {other:?}"),
        }
    }

    fn reading_parts(&self) -> Vec<&str> {
        let parts: Vec<&str> = self.reading.as_deref().unwrap().split("; ").collect();
        let known = |part: &str| SHARED.contains(&part) || part == "host signed as host without port";
        assert!(parts[1..].iter().all(|part| known(part)), "{parts:?}");
        parts
    }
}

/// Sorted, without empty pairs; no recorded value needs to be encoded.
fn canonical_query(query: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~=&".contains(c);
    assert!(query.chars().all(plain), "{query}");
    let pair = |pair: &str| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") };
    let mut pairs: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
    pairs.sort();
    pairs.join("&")
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}
