//! What the identity routes answer.

use millpond_model::Timestamp;
use serde::Serialize;

use crate::signing::SdkDate;

/// A time as Keystone writes it: `2026-01-15T08:30:00.000000Z`. Fractions of a second are dropped.
pub fn written_time(at: Timestamp) -> String {
    let date = SdkDate::of(at);
    let part = |from: usize, to: usize| date.as_str().get(from..to).unwrap_or_default();
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let (hour, minute, second) = (part(9, 11), part(11, 13), part(13, 15));
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}.000000Z")
}

/// An account: users and projects are in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Domain {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A user or a project, and the domain it is in.
#[derive(Clone, Debug, Serialize)]
pub struct InDomain<'a> {
    /// The domain.
    pub domain: &'a Domain,
    /// The id.
    pub id: &'a str,
    /// The name.
    pub name: &'a str,
}

/// The answer to a login, and to the question what a token is.
#[derive(Clone, Debug, Serialize)]
pub struct TokenAnswer<'a> {
    /// The only member.
    pub token: Token<'a>,
}

/// What a token is.
#[derive(Clone, Debug, Serialize)]
pub struct Token<'a> {
    /// How its holder proved who they are, first of all by a password.
    pub methods: &'a [&'a str],
    /// The holder.
    pub user: InDomain<'a>,
    /// A name of the token for logs; it opens nothing.
    pub audit_ids: [String; 1],
    /// First moment at which it is no longer valid, as [`written_time`].
    pub expires_at: String,
    /// When it was made.
    pub issued_at: String,
    /// The project it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<InDomain<'a>>,
    /// The domain it is good for, in place of a project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<&'a Domain>,
    /// What its holder may do there; absent for a token that is good for no place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<[Role; 1]>,
    /// Where the services are; absent as the roles, and where nobody wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Vec<CatalogEntry<'a>>>,
}

/// What its holder may do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Role {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// One service of the catalogue.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogEntry<'a> {
    /// Where it is.
    pub endpoints: [Endpoint<'a>; 1],
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its type, which clients look for.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// An address of a service.
#[derive(Clone, Debug, Serialize)]
pub struct Endpoint<'a> {
    /// Its id.
    pub id: String,
    /// `public`.
    pub interface: &'static str,
    /// The region, by the older of two names.
    pub region: &'a str,
    /// The region.
    pub region_id: &'a str,
    /// The address.
    pub url: String,
}

/// `GET /v3/auth/catalog`.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogAnswer<'a> {
    /// The services.
    pub catalog: Vec<CatalogEntry<'a>>,
    /// The way here.
    pub links: Links,
}

/// The links of a list that is always whole.
#[derive(Clone, Debug, Serialize)]
pub struct Links {
    next: Option<&'static str>,
    previous: Option<&'static str>,
    #[serde(rename = "self")]
    here: String,
}

impl Links {
    /// Of the list at this address.
    pub fn to(here: String) -> Self {
        Self { next: None, previous: None, here }
    }
}

/// `GET /v3/projects`.
#[derive(Clone, Debug, Serialize)]
pub struct ProjectList<'a> {
    /// The projects.
    pub projects: Vec<ProjectEntry<'a>>,
    /// The way here.
    pub links: Links,
}

/// One project of a list.
#[derive(Clone, Debug, Serialize)]
pub struct ProjectEntry<'a> {
    /// Its id, as in the paths of the API.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The domain it is in.
    pub domain_id: &'a str,
    /// The same: projects are not nested.
    pub parent_id: &'a str,
    /// Always; nobody can turn one off.
    pub enabled: bool,
    /// Never.
    pub is_domain: bool,
    /// Empty.
    pub description: &'static str,
}

/// `GET /v3/auth/domains`.
#[derive(Clone, Debug, Serialize)]
pub struct DomainList<'a> {
    /// The domains.
    pub domains: Vec<DomainEntry<'a>>,
    /// The way here.
    pub links: Links,
}

/// One domain of a list.
#[derive(Clone, Debug, Serialize)]
pub struct DomainEntry<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Always.
    pub enabled: bool,
    /// Empty.
    pub description: &'static str,
}

/// `GET /`: the versions there are.
#[derive(Clone, Debug, Serialize)]
pub struct VersionList {
    /// The only member.
    pub versions: Versions,
}

/// The versions themselves.
#[derive(Clone, Debug, Serialize)]
pub struct Versions {
    /// All of them: one.
    pub values: [Version; 1],
}

/// `GET /v3`.
#[derive(Clone, Debug, Serialize)]
pub struct VersionAnswer {
    /// The only member.
    pub version: Version,
}

/// One version of the identity API.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// `v3.14`.
    pub id: &'static str,
    /// `stable`.
    pub status: &'static str,
    /// When it became what it is.
    pub updated: &'static str,
    /// Where it is.
    pub links: [VersionLink; 1],
    /// What its bodies are.
    #[serde(rename = "media-types")]
    pub media_types: [MediaType; 1],
}

/// The link of a version.
#[derive(Clone, Debug, Serialize)]
pub struct VersionLink {
    rel: &'static str,
    href: String,
}

/// The type of bodies.
#[derive(Clone, Debug, Serialize)]
pub struct MediaType {
    base: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Version {
    /// The one version there is, served at `href`. Its number is that of the Keystone release whose
    /// answers these follow.
    pub fn at(href: String) -> Self {
        Self {
            id: "v3.14",
            status: "stable",
            updated: "2020-04-07T00:00:00Z",
            links: [VersionLink { rel: "self", href }],
            media_types: [MediaType {
                base: "application/json",
                kind: "application/vnd.openstack.identity-v3+json",
            }],
        }
    }
}

#[test]
fn times_are_written_as_keystone_does() {
    let check = |millis: i64, expected: &str| {
        assert_eq!(written_time(Timestamp::from_millis(millis)), expected);
    };
    check(0, "1970-01-01T00:00:00.000000Z");
    check(1_768_465_800_999, "2026-01-15T08:30:00.000000Z");
    check(i64::MAX, "9999-12-31T23:59:59.000000Z");
}
