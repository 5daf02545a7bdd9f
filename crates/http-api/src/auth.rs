//! Who a request comes from (spec/01).
//!
//! In two steps: what the headers alone can prove wrong is refused before the body is read, and the
//! signature, which covers the body, is verified after.

use std::sync::Arc;

use http::{HeaderMap, request::Parts};
use millpond_model::{ProjectId, Timestamp};
use millpond_service::Actor;
use millpond_wire::{
    PlusReading,
    identity::TokenScope,
    signing::{
        AuthError, Credentials, Presented, SignedRequest, VerifyOptions, body_sha256, canonical_request,
        check_security_token, verify,
    },
};

use crate::{
    identity::Issuer,
    keyring::{AccessKey, Keyring},
};

/// Who calls, and for which project.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) project: ProjectId,
    pub(crate) actor: Actor,
}

/// Whom a request claims to come from.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Nobody in particular, where that is allowed.
    Anonymous,
    /// The holder of a token for a project, by name: nothing is left to verify.
    Token(ProjectId, Box<str>),
    /// The holder of an access key; the signature has to prove it.
    Signature(Credentials, Arc<AccessKey>),
}

/// What authentication finds out.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The project of the key or token; `None` for anonymous callers, who may name any.
    pub(crate) project: Option<ProjectId>,
    pub(crate) actor: Actor,
    /// How the client means `+` in its query.
    pub(crate) plus: PlusReading,
}

impl Claim {
    /// Checks what needs no body, in the order of spec/01 §4.
    pub(crate) fn read(
        headers: &HeaderMap,
        keyring: &Keyring,
        issuer: &Issuer,
        allow_anonymous: bool,
        now: Timestamp,
    ) -> Result<Self, AuthError> {
        match Presented::parse(headers) {
            Err(AuthError::Missing) if allow_anonymous => Ok(Self::Anonymous),
            Err(error) => Err(error),
            Ok(Presented::Token(token)) => Self::holder(token.expose(), keyring, issuer, now),
            Ok(Presented::Signature(credentials)) => {
                credentials.check_date(headers, now)?;
                let key = keyring.access_key(credentials.access_key()).ok_or(AuthError::AccessKeyUnknown)?;
                check_security_token(headers, key.security_token.as_ref(), now)?;
                Ok(Self::Signature(credentials, key))
            }
        }
    }

    /// Who holds a token: one that is configured, or one that a login made. The latter has to be for a
    /// project.
    fn holder(text: &str, keyring: &Keyring, issuer: &Issuer, now: Timestamp) -> Result<Self, AuthError> {
        if let Some(found) = keyring.token(text) {
            let is_expired = found.expires_at.is_some_and(|end| now >= end);
            let holder = Self::Token(found.project.clone(), found.owner.clone());
            return if is_expired { Err(AuthError::TokenInvalid) } else { Ok(holder) };
        }
        let (user, token) = issuer.open(text, &keyring.directory(), now)?;
        match token.scope {
            TokenScope::Project(project) => Ok(Self::Token(project, user.user.name.clone())),
            TokenScope::Domain | TokenScope::Unscoped => Err(AuthError::TokenInvalid),
        }
    }

    /// Verifies the signature, if there is one, over the request with this body.
    pub(crate) fn verify(
        self,
        parts: &Parts,
        body: &[u8],
        options: &VerifyOptions<'_>,
        now: Timestamp,
    ) -> Result<Identity, AuthError> {
        match self {
            Self::Anonymous => Ok(Identity::of(None, "anonymous")),
            Self::Token(project, owner) => Ok(Identity::of(Some(project), &owner)),
            Self::Signature(credentials, key) => {
                let request = SignedRequest {
                    method: parts.method.as_str(),
                    target: parts.uri.path_and_query().map_or("/", |target| target.as_str()),
                    headers: &parts.headers,
                    authority: parts.uri.authority().map(http::uri::Authority::as_str),
                    body_sha256: body_sha256(body),
                };
                let verified = verify(&request, &credentials, &key.secret, options, now)
                    .inspect_err(|error| explain(*error, &request, &credentials))?;
                let identity = Identity::of(Some(key.project.clone()), &key.access_key);
                Ok(Identity { plus: verified.plus, ..identity })
            }
        }
    }
}

impl Identity {
    fn of(project: Option<ProjectId>, actor: &str) -> Self {
        Self { project, actor: Actor::new(actor), plus: PlusReading::default() }
    }
}

/// For whoever has to find out why a signature does not fit. The canonical request has headers and a
/// hash of the body, neither a secret nor the body itself.
fn explain(error: AuthError, request: &SignedRequest<'_>, credentials: &Credentials) {
    if error != AuthError::Mismatch || !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    if let Ok(canonical_request) = canonical_request(request, credentials) {
        tracing::debug!(access_key = credentials.access_key(), canonical_request, "signature mismatch");
    }
}
