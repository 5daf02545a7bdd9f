//! The token that goes with a temporary access key (spec/01 §7).

use http::HeaderMap;
use millpond_model::Timestamp;

use super::{AuthError, SecretKey, credentials::single};

/// The token that was handed out together with a temporary access key.
#[derive(Clone, Debug)]
pub struct SecurityToken {
    /// The token.
    pub token: SecretKey,
    /// First moment at which it is no longer valid.
    pub expires_at: Timestamp,
}

/// Checks `X-Security-Token` against the token of the access key that signed; `None` for a permanent
/// key, which needs no token: the header is then ignored. Clients differ in whether they sign the
/// header, so both is accepted.
///
/// # Errors
/// `TokenMissing` when a temporary key comes without the header; `TokenInvalid` when the token is
/// another one or has expired.
pub fn check_security_token(
    headers: &HeaderMap,
    issued: Option<&SecurityToken>,
    now: Timestamp,
) -> Result<(), AuthError> {
    let Some(issued) = issued else { return Ok(()) };
    let presented = single(headers, "x-security-token", AuthError::TokenInvalid)?;
    let presented = presented.filter(|token| !token.is_empty()).ok_or(AuthError::TokenMissing)?;
    if !issued.token.is(presented) || now >= issued.expires_at {
        return Err(AuthError::TokenInvalid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn temporary_keys_need_their_token() {
        let issued =
            SecurityToken { token: SecretKey::new("right"), expires_at: Timestamp::from_millis(100) };
        let check = |header: &[&'static str], temporary: bool, now: i64, expected: Result<(), AuthError>| {
            let mut headers = HeaderMap::new();
            for value in header {
                headers.append("x-security-token", HeaderValue::from_static(value));
            }
            let issued = temporary.then_some(&issued);
            let got = check_security_token(&headers, issued, Timestamp::from_millis(now));
            assert_eq!(got, expected, "{header:?} {temporary} {now}");
        };
        check(&[], false, 0, Ok(()));
        check(&["wrong"], false, 0, Ok(()));
        check(&["right"], true, 99, Ok(()));
        check(&["right"], true, 100, Err(AuthError::TokenInvalid));
        check(&["wrong"], true, 0, Err(AuthError::TokenInvalid));
        check(&["right", "right"], true, 0, Err(AuthError::TokenInvalid));
        check(&[""], true, 0, Err(AuthError::TokenMissing));
        check(&[], true, 0, Err(AuthError::TokenMissing));
    }
}
