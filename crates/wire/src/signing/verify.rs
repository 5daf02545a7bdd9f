//! Does a signature belong to a request? (spec/01 §4)

use http::{HeaderMap, header};
use millpond_model::Timestamp;
use subtle::ConstantTimeEq as _;

use super::{
    AuthError, Credentials, SecretKey, SigningKey, TARGET_BYTES_MAX,
    canonical::{self, Canonical, SignedValues, UNSIGNED_PAYLOAD},
    credentials::single,
    hex, signing_key,
};
use crate::{percent::hex_value, query::PlusReading};

/// A request as it came off the wire, before any layer changed it.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// Upper case, as received.
    pub method: &'a str,
    /// Path and query exactly as received, still encoded.
    pub target: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The authority of the target; stands in for `Host` where there is none, as over HTTP/2.
    pub authority: Option<&'a str>,
    /// [`super::body_sha256`] of the body as received, still compressed.
    pub body_sha256: [u8; 32],
}

/// What a deployment may choose about signatures.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// Public names, with the port where clients use one, that a proxy in front replaces in `Host`.
    pub extra_hosts: &'a [String],
    /// Whether a client may leave its body unsigned by signing the header
    /// `X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD`. Never for JSON bodies.
    pub allow_unsigned_payload: bool,
    /// The only region a scope may name; any when `None`.
    pub region: Option<&'a str>,
    /// The only service a scope may name; any when `None`.
    pub service: Option<&'a str>,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self { extra_hosts: &[], allow_unsigned_payload: true, region: None, service: None }
    }
}

/// What a signature that holds tells beside the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How the client meant `+` in the query.
    pub plus: PlusReading,
}

/// Checks date and signature of a request.
///
/// # Errors
/// As [`Credentials::check_date`]; `RegionInvalid` and `ServiceInvalid` where the options say so;
/// `Mismatch` when the signature is of another request or secret, or the target is longer than
/// [`TARGET_BYTES_MAX`].
pub fn verify(
    request: &SignedRequest<'_>,
    credentials: &Credentials,
    secret: &SecretKey,
    options: &VerifyOptions<'_>,
    now: Timestamp,
) -> Result<Verified, AuthError> {
    let key = signing_key(credentials.access_key(), secret, credentials.scheme(), credentials.scope());
    verify_with_key(request, credentials, &key, options, now)
}

/// [`verify`] with a key made by [`signing_key`] before, for the credentials' scheme and scope.
///
/// # Errors
/// As [`verify`].
pub fn verify_with_key(
    request: &SignedRequest<'_>,
    credentials: &Credentials,
    key: &SigningKey,
    options: &VerifyOptions<'_>,
    now: Timestamp,
) -> Result<Verified, AuthError> {
    let date = credentials.check_date(request.headers, now)?;
    check_scope(credentials, options)?;
    let signature = parse_signature(&credentials.authorization.signature).ok_or(AuthError::Mismatch)?;
    let matches = |canonical: &Canonical<'_>| {
        let text = canonical.string_to_sign(credentials.scheme(), credentials.scope(), date.as_str());
        bool::from(key.sign(&text).ct_eq(&signature))
    };
    find_reading(request, credentials, options, matches)?.ok_or(AuthError::Mismatch)
}

/// The canonical request in the way most clients write it, for a debug log after a mismatch. It
/// repeats header values: never show it to a client.
///
/// # Errors
/// `Mismatch` when a signed header is missing.
pub fn canonical_request(
    request: &SignedRequest<'_>,
    credentials: &Credentials,
) -> Result<String, AuthError> {
    let mut text = String::new();
    let keep_first = |canonical: &Canonical<'_>| {
        text = canonical.text();
        true
    };
    find_reading(request, credentials, &VerifyOptions::default(), keep_first)?;
    Ok(text)
}

/// Goes through the canonical requests that known clients would make of this one, until one
/// `matches`. Dimensions in which the request cannot differ have one member, so that one or two
/// candidates are usual.
fn find_reading(
    request: &SignedRequest<'_>,
    credentials: &Credentials,
    options: &VerifyOptions<'_>,
    mut matches: impl FnMut(&Canonical<'_>) -> bool,
) -> Result<Option<Verified>, AuthError> {
    if request.target.len() > TARGET_BYTES_MAX {
        return Err(AuthError::Mismatch);
    }
    let values = SignedValues::collect(credentials, request.headers, request.authority)?;
    let (raw_path, raw_query) = canonical::split_target(request.target);
    let paths = canonical::paths(raw_path);
    let queries: Vec<(PlusReading, String)> = canonical::query_forms(raw_query)
        .into_iter()
        .map(|form| (form.plus, canonical::query(raw_query, form)))
        .collect();
    let blocks = header_blocks(&values, options.extra_hosts);
    let payloads = payloads(request, credentials, options);
    for path in &paths {
        for headers in &blocks {
            for (plus, query) in &queries {
                for payload in &payloads {
                    let signed_headers = &credentials.authorization.signed_headers;
                    let method = request.method;
                    if matches(&Canonical { method, path, query, headers, signed_headers, payload }) {
                        return Ok(Some(Verified { plus: *plus }));
                    }
                }
            }
        }
    }
    Ok(None)
}

fn header_blocks(values: &SignedValues, extra_hosts: &[String]) -> Vec<Vec<u8>> {
    let hosts = canonical::hosts(values.host(), extra_hosts);
    let treatments: &[bool] = if values.has_runs() { &[false, true] } else { &[false] };
    let block = |host: &&[u8]| treatments.iter().map(|&collapsed| values.block(host, collapsed)).collect();
    hosts.iter().flat_map(|host| -> Vec<Vec<u8>> { block(host) }).collect()
}

/// The payload lines to try: the hash of the body, and the literal where that is allowed.
fn payloads(
    request: &SignedRequest<'_>,
    credentials: &Credentials,
    options: &VerifyOptions<'_>,
) -> Vec<String> {
    let mut payloads = vec![hex(&request.body_sha256)];
    let header = single(request.headers, "x-sdk-content-sha256", AuthError::Mismatch);
    let unsigned = options.allow_unsigned_payload
        && header == Ok(Some(UNSIGNED_PAYLOAD))
        && credentials.signs("x-sdk-content-sha256")
        && !is_json(request.headers);
    if unsigned {
        payloads.push(UNSIGNED_PAYLOAD.to_owned());
    }
    payloads
}

/// JSON and its kin must be signed; so must a body of no stated type, which is read as JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Ok(Some(content_type)) = single(headers, header::CONTENT_TYPE.as_str(), AuthError::Mismatch) else {
        return true;
    };
    let content_type = content_type.to_ascii_lowercase();
    content_type.is_empty() || content_type.contains("json") || content_type.contains("bson")
}

fn check_scope(credentials: &Credentials, options: &VerifyOptions<'_>) -> Result<(), AuthError> {
    let Some(scope) = credentials.scope() else { return Ok(()) };
    if options.region.is_some_and(|region| region != scope.region) {
        return Err(AuthError::RegionInvalid);
    }
    if options.service.is_some_and(|service| service != scope.service) {
        return Err(AuthError::ServiceInvalid);
    }
    Ok(())
}

/// 64 lower-case hexadecimal digits.
fn parse_signature(text: &str) -> Option<[u8; 32]> {
    let mut signature = [0; 32];
    if text.len() != 64 || text.bytes().any(|digit| digit.is_ascii_uppercase()) {
        return None;
    }
    for (byte, digits) in signature.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
        let [high, low] = *digits;
        *byte = hex_value(high)? << 4 | hex_value(low)?;
    }
    Some(signature)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::signing::Presented;

    fn check(content_type: Option<&'static str>, hash: Option<&'static str>, unsigned_too: bool) {
        let names = "content-type;host;x-sdk-content-sha256;x-sdk-date";
        let authorization =
            format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders={names}, Signature={}", "0".repeat(64));
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization.parse().unwrap());
        for (name, value) in [("content-type", content_type), ("x-sdk-content-sha256", hash)] {
            headers
                .extend(value.map(|value| (HeaderName::from_static(name), HeaderValue::from_static(value))));
        }
        let Ok(Presented::Signature(credentials)) = Presented::parse(&headers) else { panic!("a signature") };
        let body_sha256 = [7; 32];
        let request =
            SignedRequest { method: "POST", target: "/", headers: &headers, authority: None, body_sha256 };
        let mut expected = vec!["07".repeat(32)];
        expected.extend(unsigned_too.then(|| UNSIGNED_PAYLOAD.to_owned()));
        assert_eq!(payloads(&request, &credentials, &VerifyOptions::default()), expected, "{content_type:?}");
    }

    #[test]
    fn the_body_counts_unless_it_may_be_unsigned_and_is_said_to_be() {
        let (unsigned, protobuf) = (Some(UNSIGNED_PAYLOAD), Some("application/x-protobuf"));
        check(protobuf, unsigned, true);
        check(protobuf, None, false);
        check(protobuf, Some("unsigned-payload"), false);
        // What a client says of its body is never taken for the hash of it.
        check(protobuf, Some("0808080808080808080808080808080808080808080808080808080808080808"), false);
        for json in [
            None,
            Some(""),
            Some("application/json"),
            Some("text/JSON; charset=utf-8"),
            Some("application/bson"),
        ] {
            check(json, unsigned, false);
        }
    }
}
