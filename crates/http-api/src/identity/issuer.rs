//! Making tokens, and telling genuine ones.

use std::{sync::Arc, time::Duration};

use millpond_model::Timestamp;
use millpond_service::Entropy;
use millpond_wire::{
    identity::{IssuedToken, Methods, SealedToken, TokenKey, TokenScope},
    signing::{AuthError, body_sha256},
};

use super::{Directory, KnownUser};

/// Makes tokens. It keeps none of them: see [`IssuedToken`].
#[derive(Debug)]
pub(crate) struct Issuer {
    key: TokenKey,
    life: Duration,
}

impl Issuer {
    /// The key follows from the deployment's secret, so that tokens outlive a restart.
    pub(crate) fn new(secret: &[u8; 32], life: Duration) -> Self {
        let mut purpose = b"millpond identity token key 1\n".to_vec();
        purpose.extend_from_slice(secret);
        Self { key: TokenKey::new(body_sha256(&purpose)), life }
    }

    /// A new token and its text. Made of another token it ends no later than that one, else a stolen one
    /// could be renewed for ever.
    pub(crate) fn issue(
        &self,
        user: &KnownUser,
        scope: TokenScope,
        made_of: Option<&IssuedToken>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (IssuedToken, String) {
        // Answers tell whole seconds.
        let issued_at = Timestamp::from_millis(now.as_millis().div_euclid(1000).saturating_mul(1000));
        let expires_at = issued_at.plus(self.life);
        let token = IssuedToken {
            user_id: user.id.clone(),
            scope,
            methods: if made_of.is_some() { Methods::Token } else { Methods::Password },
            issued_at,
            expires_at: made_of.map_or(expires_at, |made_of| expires_at.min(made_of.expires_at)),
            audit_id: entropy.random(),
        };
        let text = token.seal(&self.key, &user.user.password);
        (token, text)
    }

    /// The user and the content of a token that is genuine and still valid.
    ///
    /// # Errors
    /// `TokenInvalid` when it is forged or expired, its user is gone or has another password, or no
    /// longer reaches the project.
    pub(crate) fn open(
        &self,
        text: &str,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<(Arc<KnownUser>, IssuedToken), AuthError> {
        let invalid = AuthError::TokenInvalid;
        let sealed = SealedToken::parse(text).map_err(|_| invalid)?;
        let user = directory.user(sealed.claimed_user_id()).ok_or(invalid)?;
        let token = sealed.verify(&self.key, &user.user.password).map_err(|_| invalid)?;
        let reached = match &token.scope {
            TokenScope::Project(project) => user.user.projects.contains(project),
            TokenScope::Domain | TokenScope::Unscoped => true,
        };
        if token.is_expired(now) || !reached { Err(invalid) } else { Ok((user, token)) }
    }
}
