//! A request of an identity route, as its handler gets it.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use millpond_model::{ProjectId, Timestamp};
use millpond_wire::{
    PlusReading, Query, Refusal,
    identity::{IssuedToken, ProjectRef, TokenScope},
    signing::{AuthError, Presented},
};

use super::{Directory, IdentitySettings, KnownUser, base};
use crate::{api::Shared, auth::Claim};

/// A request of an identity route. Nobody has been authenticated yet.
#[derive(Debug)]
pub(crate) struct IdentityCall<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) parts: &'a Parts,
    pub(crate) body: Bytes,
    /// The users when the request came.
    pub(crate) directory: Arc<Directory>,
    pub(crate) now: Timestamp,
}

/// Who asks.
#[derive(Debug)]
pub(crate) enum IdentityCaller {
    /// A user, with the token that proves it.
    User(Arc<KnownUser>, IssuedToken),
    /// The holder of an access key or of a configured token, of which the project is known.
    Key(ProjectId),
}

impl IdentityCaller {
    /// The projects it reaches.
    pub(crate) fn projects(&self) -> &[ProjectId] {
        match self {
            Self::User(user, _) => &user.user.projects,
            Self::Key(project) => std::slice::from_ref(project),
        }
    }

    /// What it asks for.
    pub(crate) fn scope(&self) -> TokenScope {
        match self {
            Self::User(_, token) => token.scope.clone(),
            Self::Key(project) => TokenScope::Project(project.clone()),
        }
    }
}

impl IdentityCall<'_> {
    pub(crate) fn settings(&self) -> &IdentitySettings {
        &self.shared.settings.identity
    }

    /// The server's address, for links.
    pub(crate) fn base(&self) -> Result<String, Refusal> {
        base::of_request(self.settings(), self.parts)
    }

    /// Who asks, and for what. Access keys are as good as tokens: some clients have nothing else, and look
    /// here for the id of their project (spec/01 §8).
    pub(crate) fn authenticate(&self) -> Result<(IdentityCaller, Query), Refusal> {
        let (caller, plus) = self.caller()?;
        Ok((caller, Query::parse(self.parts.uri.query().unwrap_or_default(), plus)?))
    }

    fn caller(&self) -> Result<(IdentityCaller, PlusReading), AuthError> {
        let shared = self.shared;
        if let Presented::Token(token) = Presented::parse(&self.parts.headers)?
            && let Ok((user, token)) = shared.issuer.open(token.expose(), &self.directory, self.now)
        {
            return Ok((IdentityCaller::User(user, token), PlusReading::default()));
        }
        let claim = Claim::read(&self.parts.headers, &shared.keyring, &shared.issuer, false, self.now)?;
        let options = shared.settings.verify_options();
        let identity = claim.verify(self.parts, &self.body, &options, self.now)?;
        let project = identity.project.ok_or(AuthError::Missing)?;
        Ok((IdentityCaller::Key(project), identity.plus))
    }

    /// A header that stands once, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.parts.headers.get_all(name).iter();
        let first = values.next().filter(|_| values.next().is_none())?;
        first.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The project of a name, out of those that the caller reaches.
    pub(crate) fn find_project<'p>(
        &self,
        named: &ProjectRef,
        reached: &'p [ProjectId],
    ) -> Option<&'p ProjectId> {
        self.directory.find_project(named, reached, self.settings())
    }

    /// What a project is called.
    pub(crate) fn project_name(&self, project: &ProjectId) -> String {
        self.directory.project_name(project, self.settings())
    }
}
