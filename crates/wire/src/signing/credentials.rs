//! What a request says about its caller.

use http::{HeaderMap, HeaderValue, header};
use millpond_model::Timestamp;

use super::{AuthError, CLOCK_TOLERANCE_MS, Scheme, Scope, SdkDate, SecretKey, authorization::Authorization};

pub(super) const X_SDK_DATE: &str = "x-sdk-date";
const X_AUTH_TOKEN: &str = "x-auth-token";

/// The value of a header that may stand once only, trimmed.
///
/// # Errors
/// `otherwise` when it stands twice or is not visible ASCII.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    name: &str,
    otherwise: AuthError,
) -> Result<Option<&'a str>, AuthError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(otherwise);
    }
    let text = |value: &'a HeaderValue| value.to_str().map_err(|_| otherwise);
    Ok(first.map(text).transpose()?.map(str::trim))
}

/// How a request says who its caller is; nothing of it has been verified.
#[derive(Clone, Debug)]
pub enum Presented {
    /// `X-Auth-Token` and no `Authorization` (spec/01 §8). The request is not signed.
    Token(Token),
    /// A signature. [`super::verify`] tells whether it holds.
    Signature(Credentials),
}

/// A token as a client presents it.
#[derive(Clone, Debug)]
pub struct Token(SecretKey);

impl Token {
    /// The token itself, for looking it up.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The parts of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub(super) authorization: Authorization,
}

impl Presented {
    /// Chooses the scheme of a request (spec/01 §1). An empty `Authorization` counts as absent.
    ///
    /// # Errors
    /// `Missing` without either header, `TokenMissing` for an empty token; for signatures
    /// `Malformed`, `PartMissing`, `AccessKeyMissing`, `SignatureMissing`.
    pub fn parse(headers: &HeaderMap) -> Result<Self, AuthError> {
        let authorization = single(headers, header::AUTHORIZATION.as_str(), AuthError::Malformed)?;
        if let Some(text) = authorization.filter(|text| !text.is_empty()) {
            let authorization = Authorization::parse(text)?;
            return Ok(Self::Signature(Credentials { authorization }));
        }
        match single(headers, X_AUTH_TOKEN, AuthError::TokenInvalid)? {
            None => Err(AuthError::Missing),
            Some("") => Err(AuthError::TokenMissing),
            Some(token) => Ok(Self::Token(Token(SecretKey::new(token)))),
        }
    }
}

impl Credentials {
    /// The access key whose secret must be looked up.
    pub fn access_key(&self) -> &str {
        &self.authorization.access_key
    }

    /// How the request is signed.
    pub fn scheme(&self) -> Scheme {
        self.authorization.scheme
    }

    /// The scope, where the scheme has one.
    pub fn scope(&self) -> Option<&Scope> {
        self.authorization.scope.as_ref()
    }

    /// Whether the signature covers this header; `name` in lower case.
    pub fn signs(&self, name: &str) -> bool {
        self.signed_headers().any(|signed| signed.eq_ignore_ascii_case(name))
    }

    pub(super) fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.authorization.signed_headers.split(';')
    }

    /// Checks `X-Sdk-Date` (spec/01 §4 step 2). [`super::verify`] does so too; do it before the
    /// access key is looked up to keep the documented order of answers.
    ///
    /// # Errors
    /// `DateMissing`; `DateMalformed`; `Mismatch` when the scope is of another day; `DateOutOfRange`
    /// more than 15 minutes from `now`.
    pub fn check_date(&self, headers: &HeaderMap, now: Timestamp) -> Result<SdkDate, AuthError> {
        let text = single(headers, X_SDK_DATE, AuthError::DateMalformed)?;
        let text = text.filter(|text| !text.is_empty()).ok_or(AuthError::DateMissing)?;
        let date = SdkDate::parse(text).ok_or(AuthError::DateMalformed)?;
        if self.scope().is_some_and(|scope| scope.date != date.day()) {
            return Err(AuthError::Mismatch);
        }
        let away_ms = now.as_millis().abs_diff(date.timestamp().as_millis());
        if away_ms > CLOCK_TOLERANCE_MS.unsigned_abs() {
            return Err(AuthError::DateOutOfRange);
        }
        Ok(date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn the_scheme_follows_from_the_headers() {
        let check = |pairs: &[(&'static str, &'static str)], expected: &str| {
            let shown = match Presented::parse(&headers(pairs)) {
                Ok(Presented::Token(token)) => format!("token {}", token.expose()),
                Ok(Presented::Signature(credentials)) => format!("key {}", credentials.access_key()),
                Err(error) => format!("{error:?}"),
            };
            assert_eq!(shown, expected, "{pairs:?}");
        };
        let plain = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=ab";
        check(&[], "Missing");
        check(&[("authorization", "")], "Missing");
        check(&[("x-auth-token", "t")], "token t");
        check(&[("x-auth-token", "t"), ("authorization", "")], "token t");
        check(&[("x-auth-token", "t"), ("authorization", plain)], "key AK");
        check(&[("x-auth-token", "")], "TokenMissing");
        check(&[("x-auth-token", "t"), ("x-auth-token", "t")], "TokenInvalid");
        check(&[("authorization", plain)], "key AK");
        check(&[("authorization", plain), ("authorization", plain)], "Malformed");
        check(&[("authorization", "Bearer x")], "Malformed");
    }

    #[test]
    fn a_token_is_not_shown() {
        let presented = Presented::parse(&headers(&[("x-auth-token", "hush")])).unwrap();
        assert!(!format!("{presented:?}").contains("hush"));
    }
}
