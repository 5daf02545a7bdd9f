//! Grammar of the `Authorization` header (spec/01 §1).
//!
//! ```text
//! ALG SP part *( "," *SP part )      part = Credential=… | Access=… | SignedHeaders=h1;h2 | Signature=…
//! ```

use super::{ACCESS_KEY_BYTES_MAX, AUTHORIZATION_BYTES_MAX, AuthError, SIGNED_HEADERS_MAX};

const SDK: &str = "SDK-HMAC-SHA256";
const V11: &str = "V11-HMAC-SHA256";
const TERMINATOR: &str = "sdk_request";

/// How a request is signed (spec/01 §1, §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// A: `SDK-HMAC-SHA256 Credential=`, a key chained from the secret over the scope.
    Chained,
    /// B: `SDK-HMAC-SHA256 Access=`, the secret itself is the key.
    Plain,
    /// A-V11: `V11-HMAC-SHA256 Credential=…/sdk_request`, chained from a derived secret.
    DerivedChained,
    /// C: `V11-HMAC-SHA256 Credential=` with a scope of four parts, the derived secret is the key.
    Derived,
}

impl Scheme {
    /// First line of the string to sign, and first word of the header.
    pub const fn algorithm(self) -> &'static str {
        match self {
            Self::Chained | Self::Plain => SDK,
            Self::DerivedChained | Self::Derived => V11,
        }
    }
}

/// What a key is good for. Region and service may be empty: one client leaves them so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Eight digits.
    pub date: String,
    /// As the client wrote it.
    pub region: String,
    /// As the client wrote it.
    pub service: String,
}

impl Scope {
    /// The scope's line in the string to sign; `None` where a scheme has no such line.
    pub(super) fn line(&self, scheme: Scheme) -> Option<String> {
        let Self { date, region, service } = self;
        match scheme {
            Scheme::Chained | Scheme::DerivedChained => {
                Some(format!("{date}/{region}/{service}/{TERMINATOR}"))
            }
            Scheme::Derived => Some(format!("{date}/{region}/{service}")),
            Scheme::Plain => None,
        }
    }
}

/// A header taken apart. Nothing in it has been believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorization {
    pub(super) scheme: Scheme,
    pub(super) access_key: String,
    pub(super) scope: Option<Scope>,
    pub(super) signed_headers: String,
    pub(super) signature: String,
}

impl Authorization {
    pub(super) fn parse(text: &str) -> Result<Self, AuthError> {
        if text.len() > AUTHORIZATION_BYTES_MAX {
            return Err(AuthError::Malformed);
        }
        let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
        if algorithm != SDK && algorithm != V11 {
            return Err(AuthError::Malformed);
        }
        let parts = Parts::parse(rest)?;
        let (scheme, access_key, scope) = match (algorithm == SDK, parts.credential, parts.access) {
            (true, None, Some(access)) => (Scheme::Plain, access.to_owned(), None),
            (true, Some(credential), None) => chained(credential, Scheme::Chained)?,
            (false, Some(credential), None) if credential.split('/').count() == 4 => derived(credential)?,
            (false, Some(credential), None) => chained(credential, Scheme::DerivedChained)?,
            (_, None, None) => return Err(AuthError::PartMissing),
            _ => return Err(AuthError::Malformed),
        };
        if access_key.is_empty() {
            return Err(AuthError::AccessKeyMissing);
        }
        if access_key.len() > ACCESS_KEY_BYTES_MAX {
            return Err(AuthError::Malformed);
        }
        let signed_headers = parts.signed_headers.filter(|names| !names.is_empty());
        let signed_headers = signed_headers.ok_or(AuthError::PartMissing)?;
        check_names(signed_headers)?;
        let signature = parts.signature.ok_or(AuthError::PartMissing)?;
        if signature.is_empty() {
            return Err(AuthError::SignatureMissing);
        }
        let (signed_headers, signature) = (signed_headers.to_owned(), signature.to_owned());
        Ok(Self { scheme, access_key, scope, signed_headers, signature })
    }
}

#[derive(Default)]
struct Parts<'a> {
    credential: Option<&'a str>,
    access: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn parse(text: &'a str) -> Result<Self, AuthError> {
        let mut parts = Self::default();
        if text.trim_matches(' ').is_empty() {
            return Ok(parts);
        }
        for part in text.split(',') {
            let (name, value) = part.trim_matches(' ').split_once('=').ok_or(AuthError::Malformed)?;
            let place = match name {
                "Credential" => &mut parts.credential,
                "Access" => &mut parts.access,
                "SignedHeaders" => &mut parts.signed_headers,
                "Signature" => &mut parts.signature,
                _ => return Err(AuthError::Malformed),
            };
            if place.replace(value).is_some() {
                return Err(AuthError::Malformed);
            }
        }
        Ok(parts)
    }
}

type Named = (Scheme, String, Option<Scope>);

/// `AK/date/region/service/sdk_request`.
fn chained(credential: &str, scheme: Scheme) -> Result<Named, AuthError> {
    let mut fields = credential.split('/');
    let named = named(&mut fields, scheme)?;
    match (fields.next(), fields.next()) {
        (Some(TERMINATOR), None) => Ok(named),
        _ => Err(AuthError::Malformed),
    }
}

/// `AK/date/region/service`.
fn derived(credential: &str) -> Result<Named, AuthError> {
    named(&mut credential.split('/'), Scheme::Derived)
}

fn named<'a>(fields: &mut impl Iterator<Item = &'a str>, scheme: Scheme) -> Result<Named, AuthError> {
    let mut field = || fields.next().map(str::to_owned).ok_or(AuthError::Malformed);
    let (access_key, date, region, service) = (field()?, field()?, field()?, field()?);
    if date.len() != 8 || !date.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(AuthError::Malformed);
    }
    Ok((scheme, access_key, Some(Scope { date, region, service })))
}

/// Names of headers, each once, not too many.
fn check_names(text: &str) -> Result<(), AuthError> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let mut seen: Vec<String> = Vec::new();
    for name in text.split(';') {
        let lower = name.to_ascii_lowercase();
        let valid = !name.is_empty() && name.bytes().all(letter);
        if !valid || seen.len() == SIGNED_HEADERS_MAX || seen.contains(&lower) {
            return Err(AuthError::Malformed);
        }
        seen.push(lower);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIGNATURE: &str = "54057d855bf208ec23af7c07f489e77bcaa0a9484bdc88b87f656413daade8d4";

    fn header(start: &str) -> String {
        format!("{start}, SignedHeaders=host;x-sdk-date, Signature={SIGNATURE}")
    }

    #[test]
    fn the_four_forms_are_told_apart() {
        let check = |start: &str, scheme: Scheme, line: Option<&str>| {
            let parsed = Authorization::parse(&header(start)).unwrap();
            let shown = parsed.scope.as_ref().and_then(|scope| scope.line(scheme));
            assert_eq!((parsed.scheme, shown.as_deref()), (scheme, line), "{start}");
            assert_eq!((parsed.access_key.as_str(), parsed.signature.as_str()), ("AK", SIGNATURE));
        };
        check(
            "SDK-HMAC-SHA256 Credential=AK/20260115/eu-de/dis/sdk_request",
            Scheme::Chained,
            Some("20260115/eu-de/dis/sdk_request"),
        );
        check(
            "SDK-HMAC-SHA256 Credential=AK/20260115///sdk_request",
            Scheme::Chained,
            Some("20260115///sdk_request"),
        );
        check("SDK-HMAC-SHA256 Access=AK", Scheme::Plain, None);
        check("SDK-HMAC-SHA256   Access=AK   ", Scheme::Plain, None);
        check(
            "V11-HMAC-SHA256 Credential=AK/20260115/eu-de/dis/sdk_request",
            Scheme::DerivedChained,
            Some("20260115/eu-de/dis/sdk_request"),
        );
        check(
            "V11-HMAC-SHA256 Credential=AK/20260115/eu-de/dis",
            Scheme::Derived,
            Some("20260115/eu-de/dis"),
        );
    }

    #[test]
    fn what_is_wrong_has_its_own_error() {
        let check = |text: &str, error: AuthError| {
            assert_eq!(Authorization::parse(text), Err(error), "{text:?}");
        };
        check("AWS4-HMAC-SHA256 Credential=AK", AuthError::Malformed);
        check("SDK-HMAC-SM3 Access=AK", AuthError::Malformed);
        check("sdk-hmac-sha256 Access=AK", AuthError::Malformed);
        check("SDK-HMAC-SHA256", AuthError::PartMissing);
        check("SDK-HMAC-SHA256 Access=AK", AuthError::PartMissing);
        check("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host", AuthError::PartMissing);
        check("SDK-HMAC-SHA256 Access=AK, SignedHeaders=, Signature=x", AuthError::PartMissing);
        check("SDK-HMAC-SHA256 Access=AK, Signature=x", AuthError::PartMissing);
        check("SDK-HMAC-SHA256 SignedHeaders=host, Signature=x", AuthError::PartMissing);
        check("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=", AuthError::SignatureMissing);
        check("SDK-HMAC-SHA256 Access=, SignedHeaders=host, Signature=x", AuthError::AccessKeyMissing);
        check(&header("SDK-HMAC-SHA256 Credential=/20260115/a/b/sdk_request"), AuthError::AccessKeyMissing);
        check(&header("SDK-HMAC-SHA256 Credential=AK/20260115/a/b"), AuthError::Malformed);
        check(&header("SDK-HMAC-SHA256 Credential=AK/20260115/a/b/c/sdk_request"), AuthError::Malformed);
        check(&header("SDK-HMAC-SHA256 Credential=AK/2026011x/a/b/sdk_request"), AuthError::Malformed);
        check(&header("SDK-HMAC-SHA256 Access=AK, Access=AK"), AuthError::Malformed);
        check(&header("SDK-HMAC-SHA256 Access=AK, Credential=AK"), AuthError::Malformed);
        check(&header("SDK-HMAC-SHA256 Access=AK, Other=x"), AuthError::Malformed);
        check(&header("SDK-HMAC-SHA256 Access=AK, x"), AuthError::Malformed);
        check(&header("V11-HMAC-SHA256 Access=AK"), AuthError::Malformed);
        check(&header(&format!("SDK-HMAC-SHA256 Access={}", "A".repeat(129))), AuthError::Malformed);
        check(&format!("SDK-HMAC-SHA256 {}", "x".repeat(8192)), AuthError::Malformed);
    }

    #[test]
    fn signed_headers_are_names_each_once_and_not_many() {
        let check = |names: &str, valid: bool| assert_eq!(check_names(names).is_ok(), valid, "{names:?}");
        let many = |count: usize| (0..count).map(|i| format!("h{i}")).collect::<Vec<_>>().join(";");
        check("host;x-sdk-date", true);
        check("host;Host", false);
        check("host;", false);
        check("ho st", false);
        check("host:x", false);
        check(&many(SIGNED_HEADERS_MAX), true);
        check(&many(SIGNED_HEADERS_MAX + 1), false);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(
            text in "((SDK|V11)-HMAC-SHA256 )?((Credential|Access|SignedHeaders|Signature)?=?[a-z0-9/;=é ]{0,12},? ?){0,5}",
            noise in ".{0,60}",
        ) {
            let _ = Authorization::parse(&text);
            let _ = Authorization::parse(&noise);
            let _ = Authorization::parse(&format!("{text}{noise}"));
        }
    }
}
