//! Logging in: as much of Keystone's API as clients need that have a user and a password in place of
//! access keys (spec/01 §8, spec/14 §1).
//!
//! ```text
//! Keyring ── Directory   users, their projects                 read from the files of keys
//!    │           ▲
//!    │       Issuer      makes tokens, and tells genuine ones  its key comes from the deployment's secret
//!    ▼           │
//! auth.rs ───────┘       a token is good on every route of the API, as a configured one is
//! ```
//!
//! There is one domain, and nothing here can be changed by a request. Without users the routes do not
//! exist: they are answered as every unknown path is.

mod base;
mod call;
mod directory;
mod issuer;

use std::time::Duration;

use millpond_wire::identity::Domain;

pub(crate) use call::{IdentityCall, IdentityCaller};
pub use directory::{Directory, User};
pub(crate) use directory::{KnownUser, is_domain};
pub(crate) use issuer::Issuer;

/// What a deployment may choose about logging in.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// The domain that all users and projects are in.
    pub domain: Domain,
    /// The region of the catalogue. A caller's first project answers to this name too.
    pub region: String,
    /// Where clients reach the server: scheme, authority, and a path if there is one, without a slash at
    /// the end. `None` takes what the request says.
    pub public_url: Option<String>,
    /// Whether the listener itself speaks HTTPS, which a request does not say.
    pub is_https: bool,
    /// How long a token is valid.
    pub token_life: Duration,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            domain: Domain { id: "default".to_owned(), name: "Default".to_owned() },
            region: "local".to_owned(),
            public_url: None,
            is_https: false,
            // spec/01 §8.
            token_life: Duration::from_hours(24),
        }
    }
}
