//! Secrets in memory.

use std::fmt;

use zeroize::Zeroizing;

/// A secret access key, or a token that is as good as one: shown nowhere, wiped when dropped.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Box<str>>);

impl SecretKey {
    /// Takes the secret over.
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this secret, in a time that depends on the lengths only.
    pub fn is(&self, other: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }

    /// As [`SecretKey::is`], in a time that does not even tell the length of this secret. For passwords,
    /// whose length is a secret too.
    pub fn matches(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        let hash = |secret: &Self| super::body_sha256(secret.expose().as_bytes());
        hash(self).ct_eq(&hash(other)).into()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = SecretKey::new("hush");
        assert_eq!(format!("{secret:?}"), "SecretKey(…)");
        assert_eq!(secret.expose(), "hush");
        assert!(secret.is("hush") && !secret.is("hus") && !secret.is("Hush"));
        assert!(secret.matches(&secret.clone()) && !secret.matches(&SecretKey::new("hus")));
    }
}
