//! Who may call, and for which project.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use millpond_model::{ProjectId, Timestamp};
use millpond_wire::signing::{SecretKey, SecurityToken, body_sha256};

use crate::identity::Directory;

/// An access key with what belongs to it.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Its public half.
    pub access_key: Box<str>,
    /// Its secret half.
    pub secret: SecretKey,
    /// The project it acts for.
    pub project: ProjectId,
    /// For a temporary key, the token that has to come with every request (spec/01 §7).
    pub security_token: Option<SecurityToken>,
}

/// A token that is accepted as `X-Auth-Token` (spec/01 §8).
#[derive(Clone, Debug)]
pub struct StaticToken {
    /// The token.
    pub token: SecretKey,
    /// The project it acts for.
    pub project: ProjectId,
    /// Who it belongs to, for logs and the history of checkpoints; never a secret.
    pub owner: Box<str>,
    /// First moment at which it is no longer valid; `None` for one that stays.
    pub expires_at: Option<Timestamp>,
}

/// All keys and tokens at one time.
#[derive(Debug, Default)]
pub struct Keys {
    signers: HashMap<Box<str>, Arc<AccessKey>>,
    /// By the hash of the token: looking one up takes a time that tells nothing about the tokens.
    tokens: HashMap<[u8; 32], Arc<StaticToken>>,
    directory: Arc<Directory>,
}

impl Keys {
    /// Of two entries with the same access key, or the same token, the later one counts.
    pub fn new(
        access_keys: impl IntoIterator<Item = AccessKey>,
        tokens: impl IntoIterator<Item = StaticToken>,
    ) -> Self {
        let access_keys = access_keys.into_iter().map(|key| (key.access_key.clone(), Arc::new(key)));
        let tokens =
            tokens.into_iter().map(|token| (body_sha256(token.token.expose().as_bytes()), Arc::new(token)));
        let directory = Arc::default();
        Self { signers: access_keys.collect(), tokens: tokens.collect(), directory }
    }

    /// With people who may log in beside them; without, nobody may.
    #[must_use]
    pub fn with_directory(self, directory: Directory) -> Self {
        Self { directory: Arc::new(directory), ..self }
    }
}

/// The keys in force. They can be replaced while requests are served.
#[derive(Debug, Default)]
pub struct Keyring(ArcSwap<Keys>);

impl Keyring {
    /// A keyring with these keys.
    pub fn new(keys: Keys) -> Self {
        Self(ArcSwap::from_pointee(keys))
    }

    /// Puts other keys in force. Requests that were authenticated before go on.
    pub fn replace(&self, keys: Keys) {
        self.0.store(Arc::new(keys));
    }

    /// The key with this public half, which is no secret.
    pub(crate) fn access_key(&self, access_key: &str) -> Option<Arc<AccessKey>> {
        self.0.load().signers.get(access_key).cloned()
    }

    /// The token with this text.
    pub(crate) fn token(&self, text: &str) -> Option<Arc<StaticToken>> {
        let found = self.0.load().tokens.get(&body_sha256(text.as_bytes())).cloned();
        found.filter(|found| found.token.is(text))
    }

    /// The people who may log in.
    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.0.load().directory)
    }

    /// Whether there are any, so that logging in is something that the server knows of.
    pub(crate) fn has_users(&self) -> bool {
        !self.0.load().directory.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, project: &str) -> StaticToken {
        let (token, project) = (SecretKey::new(text), project.parse().unwrap());
        StaticToken { token, project, owner: "owner".into(), expires_at: None }
    }

    #[test]
    fn keys_are_exchanged_as_a_whole() {
        let key = AccessKey {
            access_key: "AK1".into(),
            secret: SecretKey::new("SK1"),
            project: "p1".parse().unwrap(),
            security_token: None,
        };
        let keyring = Keyring::new(Keys::new([key], [token("t1", "p1"), token("t2", "p2")]));
        assert_eq!(keyring.token("t2").unwrap().project.as_str(), "p2");
        assert!(keyring.token("").is_none());
        assert!(keyring.access_key("AK1").unwrap().secret.is("SK1"));
        assert!(keyring.access_key("ak1").is_none());
        keyring.replace(Keys::new([], [token("t1", "p3")]));
        assert_eq!(keyring.token("t1").unwrap().project.as_str(), "p3");
        assert!(keyring.token("t2").is_none() && keyring.access_key("AK1").is_none());
    }
}
