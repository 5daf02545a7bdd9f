//! Keys that signatures are made with (spec/01 §2).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Scheme, Scope, SecretKey, hex};

/// The key of one access key, scheme and scope. It stays the same for the scope's day, so it may be
/// kept for that long.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// The signature of a string to sign.
    pub(super) fn sign(&self, string_to_sign: &str) -> [u8; 32] {
        hmac_sha256(&self.0, string_to_sign.as_bytes())
    }
}

pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The key for a scheme. Only [`Scheme::Plain`] has no scope; without one the others get the empty
/// scope, which verifies nothing.
pub fn signing_key(
    access_key: &str,
    secret: &SecretKey,
    scheme: Scheme,
    scope: Option<&Scope>,
) -> SigningKey {
    let none = Scope { date: String::new(), region: String::new(), service: String::new() };
    let scope = scope.unwrap_or(&none);
    let secret = secret.expose();
    SigningKey(match scheme {
        Scheme::Plain => Zeroizing::new(secret.as_bytes().to_vec()),
        Scheme::Chained => chain(secret, scope),
        Scheme::DerivedChained => chain(&derived_secret(access_key, secret, scope), scope),
        Scheme::Derived => Zeroizing::new(derived_secret(access_key, secret, scope).as_bytes().to_vec()),
    })
}

/// From the secret over date, region and service to the key.
fn chain(secret: &str, scope: &Scope) -> Zeroizing<Vec<u8>> {
    let start = Zeroizing::new(format!("SDK{secret}").into_bytes());
    let steps = [scope.date.as_str(), &scope.region, &scope.service, "sdk_request"];
    steps.iter().fold(start, |key, step| Zeroizing::new(hmac_sha256(&key, step.as_bytes()).to_vec()))
}

/// HKDF-SHA256 of the secret with the access key as salt: extract, then one block of expand, as
/// hexadecimal text.
fn derived_secret(access_key: &str, secret: &str, scope: &Scope) -> Zeroizing<String> {
    let extracted = Zeroizing::new(hmac_sha256(access_key.as_bytes(), secret.as_bytes()));
    let info = format!("{}/{}/{}\u{1}", scope.date, scope.region, scope.service);
    let expanded = Zeroizing::new(hmac_sha256(extracted.as_slice(), info.as_bytes()));
    Zeroizing::new(hex(expanded.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS_KEY: &str = "AKEXAMPLE0123456789A";
    const SECRET: &str = "SkExample0123456789abcdefghijklmnopqrstu";
    const HASH: &str = "18470289f7696ba81936b381be01725f546690e3a2da543e2c4a39dbbcf418b1";

    fn scope() -> Scope {
        Scope { date: "20260115".into(), region: "eu-de".into(), service: "dis".into() }
    }

    /// Every intermediate value of spec/01 §5.
    #[test]
    fn worked_example() {
        let check = |value: &[u8], expected: &str| assert_eq!(hex(value), expected);
        let day = hmac_sha256(format!("SDK{SECRET}").as_bytes(), b"20260115");
        check(&day, "029021b2484aa12e65dad3c7c5b79ea34523fda4a348534ded9d4e9f09891cad");
        let region = hmac_sha256(&day, b"eu-de");
        check(&region, "455e4e6704c01ff1aece29f4c722ed81ec8de4c790f736c0d7c1c369c08402d9");
        let service = hmac_sha256(&region, b"dis");
        check(&service, "cee4872836f0665bf6077a7b1c9d3fe2986838346e420b64e0b62243c4aaf579");
        let key = "239a4eea4bf95f7be87001f32cd6a7722cda7f3f3b630d379378634b4680adfe";
        check(&hmac_sha256(&service, b"sdk_request"), key);
        let prk = hmac_sha256(ACCESS_KEY.as_bytes(), SECRET.as_bytes());
        check(&prk, "1ebd2fe5012e460e7fada6558b751cdc4daab126167f4592500aff2db59093f0");
        let derived = "eeaca228655ae85b286f250922ad387ff133c07164b81565da0bf0dc7de92c78";
        assert_eq!(derived_secret(ACCESS_KEY, SECRET, &scope()).as_str(), derived);

        let check = |scheme: Scheme, key: &str, signature: &str| {
            let made = signing_key(ACCESS_KEY, &SecretKey::new(SECRET), scheme, Some(&scope()));
            assert_eq!(hex(&made.0), key, "{scheme:?}");
            let line = scope().line(scheme).unwrap();
            let text = format!("{}\n20260115T083000Z\n{line}\n{HASH}", scheme.algorithm());
            assert_eq!(hex(&made.sign(&text)), signature, "{scheme:?}");
        };
        check(Scheme::Chained, key, "54057d855bf208ec23af7c07f489e77bcaa0a9484bdc88b87f656413daade8d4");
        check(
            Scheme::DerivedChained,
            "a179bbe5c0f21989469f6f23e8011cc624e6ae112be58f59ae3b35434408e294",
            "95c909f16991be0fc39019077ae6a2e5f322ada1ec8f6595e6e8ab264a15d895",
        );
    }

    #[test]
    fn keys_are_not_shown() {
        let key = signing_key(ACCESS_KEY, &SecretKey::new(SECRET), Scheme::Plain, None);
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
