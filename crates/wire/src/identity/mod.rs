//! Shapes of the identity routes: as much of Keystone's v3 API as clients need to log in (spec/01 §8,
//! spec/14 §1).
//!
//! ```text
//! POST /v3/auth/tokens ──▶ LoginRequest   a proof, and what the token is to be good for
//!                      ◀── TokenAnswer    who, for which project, until when, and where the API is
//!                      ◀── IssuedToken    the token itself, in a header: signed, kept by nobody
//! ```

mod answer;
mod error;
mod request;
mod token;

pub use answer::{
    CatalogAnswer, CatalogEntry, Domain, DomainEntry, DomainList, Endpoint, InDomain, Links, ProjectEntry,
    ProjectList, Role, Token, TokenAnswer, Version, VersionAnswer, VersionList, Versions, written_time,
};
pub use error::error_body;
pub use request::{AskedScope, DomainRef, LoginRequest, ProjectRef, Proof, UserRef};
pub use token::{InvalidToken, IssuedToken, Methods, SealedToken, TokenKey, TokenScope};
