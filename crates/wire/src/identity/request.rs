//! `POST /v3/auth/tokens`: what a client says to get a token.

use serde::Deserialize;

use crate::{Code, Refusal, echo, signing::SecretKey};

/// A login.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    /// Who the client is.
    pub proof: Proof,
    /// What the token is to be good for.
    pub scope: AskedScope,
}

/// How a client proves who it is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The method `password`.
    Password {
        /// The user.
        user: UserRef,
        /// The password, unchecked.
        password: SecretKey,
    },
    /// The method `token`: one that was issued before, to get one for another place.
    Token(SecretKey),
}

/// A user as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// By id.
    Id(String),
    /// By name, in a domain; absent means the only one there is.
    Name(String, Option<DomainRef>),
}

/// A domain as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainRef {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// A project as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectRef {
    /// By id.
    Id(String),
    /// By name, in a domain; absent means the only one there is.
    Name(String, Option<DomainRef>),
}

/// What a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedScope {
    /// Nothing is said: the user's first project.
    Default,
    /// For no place; good for listing one's projects, and for a token for one of them.
    Unscoped,
    /// For a project.
    Project(ProjectRef),
    /// For the domain; good for the same as an unscoped one.
    Domain(DomainRef),
}

#[derive(Deserialize)]
struct Body {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    identity: Identity,
    #[serde(default)]
    scope: Option<Scope>,
}

#[derive(Deserialize)]
struct Identity {
    methods: Vec<String>,
    #[serde(default)]
    password: Option<Password>,
    #[serde(default)]
    token: Option<TokenId>,
}

#[derive(Deserialize)]
struct Password {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    domain: Option<NamedDomain>,
    password: SecretText,
}

#[derive(Deserialize)]
struct TokenId {
    id: SecretText,
}

/// A text that is wiped when it is dropped.
#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretKey);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(SecretKey::new(text))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scope {
    Word(String),
    Members(ScopeMembers),
}

#[derive(Deserialize)]
struct ScopeMembers {
    #[serde(default)]
    project: Option<Named>,
    #[serde(default)]
    domain: Option<NamedDomain>,
    #[serde(default)]
    unscoped: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    domain: Option<NamedDomain>,
}

#[derive(Deserialize)]
struct NamedDomain {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl LoginRequest {
    /// Reads a body. No refusal repeats anything of it but names of methods: it holds a secret.
    ///
    /// # Errors
    /// 400 when it is not JSON of this shape or lacks a member; 401 for a method other than `password`
    /// and `token`, and for more than one.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let Body { auth } = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            invalid(format!("The body is not a request for a token. See line {line} column {column}."))
        })?;
        Ok(Self { proof: proof(auth.identity)?, scope: scope(auth.scope)? })
    }
}

fn invalid(message: String) -> Refusal {
    Code::InvalidRequest.refuse(message)
}

fn proof(identity: Identity) -> Result<Proof, Refusal> {
    let Identity { methods, password, token } = identity;
    let lacks = |what: &str| invalid(format!("The body lacks auth.identity.{what}."));
    match methods.as_slice() {
        [method] if method == "password" => {
            let User { id, name, domain: named, password } = password.ok_or_else(|| lacks("password"))?.user;
            let user = match (text(id), text(name)) {
                (Some(id), _) => UserRef::Id(id),
                (None, Some(name)) => UserRef::Name(name, domain(named)),
                (None, None) => return Err(lacks("password.user.name")),
            };
            Ok(Proof::Password { user, password: password.0 })
        }
        [method] if method == "token" => Ok(Proof::Token(token.ok_or_else(|| lacks("token"))?.id.0)),
        _ => {
            let asked = methods.join(", ");
            Err(Code::Unauthenticated.refuse(format!(
                "The method of authentication must be password or token, and one of them; asked for: [{}].",
                echo(&asked)
            )))
        }
    }
}

fn scope(scope: Option<Scope>) -> Result<AskedScope, Refusal> {
    let unknown = || invalid("auth.scope must be a project, a domain or unscoped.".to_owned());
    let members = match scope {
        None => return Ok(AskedScope::Default),
        Some(Scope::Word(word)) if word == "unscoped" => return Ok(AskedScope::Unscoped),
        Some(Scope::Word(_)) => return Err(unknown()),
        Some(Scope::Members(members)) => members,
    };
    match members {
        ScopeMembers { project: Some(project), domain: None, unscoped: None } => {
            match (text(project.id), text(project.name)) {
                (Some(id), _) => Ok(AskedScope::Project(ProjectRef::Id(id))),
                (None, Some(name)) => Ok(AskedScope::Project(ProjectRef::Name(name, domain(project.domain)))),
                (None, None) => Err(invalid("auth.scope.project needs an id or a name.".to_owned())),
            }
        }
        ScopeMembers { project: None, domain: Some(named), unscoped: None } => {
            let named = domain(Some(named));
            let needed = || invalid("auth.scope.domain needs an id or a name.".to_owned());
            named.map(AskedScope::Domain).ok_or_else(needed)
        }
        ScopeMembers { project: None, domain: None, unscoped: Some(_) } => Ok(AskedScope::Unscoped),
        _ => Err(unknown()),
    }
}

fn domain(named: Option<NamedDomain>) -> Option<DomainRef> {
    let NamedDomain { id, name } = named?;
    text(id).map(DomainRef::Id).or_else(|| text(name).map(DomainRef::Name))
}

/// Empty text counts as absent.
fn text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(auth: &Value) -> Result<LoginRequest, Refusal> {
        LoginRequest::parse(json!({ "auth": auth }).to_string().as_bytes())
    }

    #[test]
    fn users_are_named_by_id_or_by_name_and_domain() {
        let check = |user: Value, expected: UserRef| {
            let identity = json!({ "methods": ["password"], "password": { "user": user } });
            let Proof::Password { user, password } = parse(&json!({ "identity": identity })).unwrap().proof
            else {
                panic!("not a password")
            };
            assert_eq!((user, password.expose()), (expected, "p"));
        };
        let name = |domain| UserRef::Name("u".into(), domain);
        check(json!({ "id": "1", "name": "u", "password": "p" }), UserRef::Id("1".into()));
        check(json!({ "id": null, "name": "u", "password": "p" }), name(None));
        check(
            json!({ "name": "u", "domain": { "id": "d" }, "password": "p" }),
            name(Some(DomainRef::Id("d".into()))),
        );
        check(
            json!({ "name": "u", "domain": { "name": "D" }, "password": "p", "other": 1 }),
            name(Some(DomainRef::Name("D".into()))),
        );
    }

    #[test]
    fn scopes_are_read_as_clients_write_them() {
        let check = |scope: Value, expected: Option<AskedScope>| {
            let identity = json!({ "methods": ["token"], "token": { "id": "t" } });
            let parsed = parse(&json!({ "identity": identity, "scope": scope }));
            assert_eq!(parsed.ok().map(|login| login.scope), expected, "{scope}");
        };
        let project = |named| Some(AskedScope::Project(named));
        check(Value::Null, Some(AskedScope::Default));
        check(json!("unscoped"), Some(AskedScope::Unscoped));
        check(json!({ "unscoped": {} }), Some(AskedScope::Unscoped));
        check(json!({ "project": { "id": "p" } }), project(ProjectRef::Id("p".into())));
        check(json!({ "project": { "name": "n" } }), project(ProjectRef::Name("n".into(), None)));
        check(
            json!({ "project": { "name": "n", "domain": { "name": "D" } } }),
            project(ProjectRef::Name("n".into(), Some(DomainRef::Name("D".into())))),
        );
        check(json!({ "domain": { "id": "d" } }), Some(AskedScope::Domain(DomainRef::Id("d".into()))));
        for wrong in [
            json!("all"),
            json!({}),
            json!({ "project": {} }),
            json!({ "domain": {} }),
            json!({ "system": { "all": true } }),
            json!({ "project": { "id": "p" }, "domain": { "id": "d" } }),
            json!(7),
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn refusals_repeat_no_secret() {
        let check = |auth: Value, status: u16, message: &str| {
            let refusal = parse(&auth).unwrap_err();
            assert_eq!((refusal.status(), refusal.message()), (status, message), "{auth}");
        };
        let identity = |identity: Value| json!({ "identity": identity });
        for password in
            [json!({ "user": "hush" }), json!("hush"), json!({ "user": { "password": ["hush"] } })]
        {
            let refusal =
                parse(&identity(json!({ "methods": ["password"], "password": password }))).unwrap_err();
            let shape = "The body is not a request for a token. See line 1 column ";
            assert!(refusal.status() == 400 && refusal.message().starts_with(shape), "{refusal:?}");
            assert!(!refusal.message().contains("hush"), "{refusal:?}");
        }
        check(identity(json!({ "methods": ["password"] })), 400, "The body lacks auth.identity.password.");
        check(
            identity(json!({ "methods": ["password"], "password": { "user": { "password": "hush" } } })),
            400,
            "The body lacks auth.identity.password.user.name.",
        );
        check(identity(json!({ "methods": ["token"] })), 400, "The body lacks auth.identity.token.");
        for methods in [json!([]), json!(["totp"]), json!(["password", "totp"])] {
            let refusal = parse(&identity(json!({ "methods": methods }))).unwrap_err();
            assert_eq!(refusal.status(), 401);
        }
        for body in ["", "{", "[]", "{}", r#"{"auth":{}}"#] {
            assert_eq!(LoginRequest::parse(body.as_bytes()).unwrap_err().status(), 400, "{body}");
        }
    }

    #[test]
    fn a_login_does_not_show_its_secret() {
        let identity = json!({ "methods": ["token"], "token": { "id": "hush" } });
        assert!(!format!("{:?}", parse(&json!({ "identity": identity }))).contains("hush"));
    }
}
