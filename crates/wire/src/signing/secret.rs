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
    }
}
