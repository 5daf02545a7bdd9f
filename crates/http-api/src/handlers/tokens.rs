//! Logging in, and what a token is (spec/01 §8).

use http::{HeaderName, HeaderValue, StatusCode};
use millpond_model::ProjectId;
use millpond_wire::{
    Code, Refusal, echo,
    identity::{
        AskedScope, InDomain, IssuedToken, LoginRequest, ProjectRef, Proof, Role, Token, TokenAnswer,
        TokenScope, written_time,
    },
};

use super::projects::services;
use crate::{
    answer::Answer,
    identity::{IdentityCall, IdentityCaller, KnownUser, is_domain},
};

/// The one role there is: all that the API does, in the project.
const MEMBER: Role = Role { id: "member", name: "member" };

const X_SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// `POST /v3/auth/tokens`: 201, with the token in a header.
pub(crate) fn create(call: &IdentityCall<'_>) -> Result<Answer, Refusal> {
    let login = LoginRequest::parse(&call.body)?;
    let shared = call.shared;
    let (user, made_of) = match &login.proof {
        Proof::Password { user, password } => {
            let user = call.directory.authenticate(user, password, &call.settings().domain);
            (user.ok_or_else(|| denied("The user, its domain or the password is wrong."))?, None)
        }
        Proof::Token(text) => {
            let (user, token) = shared.issuer.open(text.expose(), &call.directory, call.now)?;
            (user, Some(token))
        }
    };
    let scope = granted(call, &user, &login.scope)?;
    let (token, text) = shared.issuer.issue(&user, scope, made_of.as_ref(), call.now, &*shared.entropy);
    described(call, StatusCode::CREATED, &user, &token, &text)
}

/// `GET /v3/auth/tokens`: a user may ask what its own tokens are.
pub(crate) fn describe(call: &IdentityCall<'_>) -> Result<Answer, Refusal> {
    let (caller, _) = call.authenticate()?;
    let subject = call.header("x-subject-token").ok_or_else(|| {
        Code::InvalidRequest.refuse("The header X-Subject-Token must name the token that is asked about.")
    })?;
    let opened = call.shared.issuer.open(subject, &call.directory, call.now);
    let (user, token) = opened.map_err(|_| {
        Code::TokenInvalid.refuse("There is no such token.").with_status(StatusCode::NOT_FOUND.as_u16())
    })?;
    let own = matches!(&caller, IdentityCaller::User(caller, _) if caller.id == user.id);
    if !own {
        return Err(Code::PermissionDenied.refuse("The token is another user's."));
    }
    described(call, StatusCode::OK, &user, &token, subject)
}

/// The scope that was asked for, where the user has it.
fn granted(call: &IdentityCall<'_>, user: &KnownUser, asked: &AskedScope) -> Result<TokenScope, Refusal> {
    let reached = &user.user.projects;
    let of_project = |project: &ProjectId| TokenScope::Project(project.clone());
    match asked {
        AskedScope::Default => Ok(reached.first().map_or(TokenScope::Unscoped, of_project)),
        AskedScope::Unscoped => Ok(TokenScope::Unscoped),
        AskedScope::Project(named) => call.find_project(named, reached).map(of_project).ok_or_else(|| {
            let (ProjectRef::Id(text) | ProjectRef::Name(text, _)) = named;
            let text = echo(text);
            denied(&format!("The user has no project [{text}]. GET /v3/auth/projects lists what it has."))
        }),
        AskedScope::Domain(named) if is_domain(named, &call.settings().domain) => Ok(TokenScope::Domain),
        AskedScope::Domain(_) => Err(denied("The user is not in this domain.")),
    }
}

fn denied(message: &str) -> Refusal {
    Code::Unauthenticated.refuse(message.to_owned())
}

fn described(
    call: &IdentityCall<'_>,
    status: StatusCode,
    user: &KnownUser,
    token: &IssuedToken,
    text: &str,
) -> Result<Answer, Refusal> {
    let domain = &call.settings().domain;
    let wants_catalog = call.parts.uri.query().is_none_or(|query| !query.contains("nocatalog"));
    let base = call.base()?;
    let project = match &token.scope {
        TokenScope::Project(project) => Some((project.as_str(), call.project_name(project))),
        TokenScope::Domain | TokenScope::Unscoped => None,
    };
    let is_scoped = token.scope != TokenScope::Unscoped;
    let answer = TokenAnswer {
        token: Token {
            methods: token.methods.words(),
            user: InDomain { domain, id: &user.id, name: &user.user.name },
            audit_ids: [token.audit_text()],
            expires_at: written_time(token.expires_at),
            issued_at: written_time(token.issued_at),
            project: project.as_ref().map(|(id, name)| InDomain { domain, id, name }),
            domain: (token.scope == TokenScope::Domain).then_some(domain),
            roles: is_scoped.then_some([MEMBER]),
            catalog: (is_scoped && wants_catalog).then(|| services(call, &base, &token.scope)),
        },
    };
    let header = HeaderValue::from_str(text).map_err(|_| Code::TokenInvalid.plain())?;
    Ok(Answer::json_of(status, &answer).with_header(X_SUBJECT_TOKEN, header))
}
