//! Router, route table, authentication, request ids and error mapping of the v2 API.
//!
//! ```text
//! server ──▶ Api::router ──▶ pipeline ──▶ matcher, auth, body ──▶ handlers ──▶ service
//!                                │                                    │
//!                                └◀── error: the one place ◀──────────┘
//! ```
//!
//! [`ROUTES`] is the table of everything that is served. What a request means is the business of
//! `millpond-wire`, what it does that of `millpond-service`.
#![forbid(unsafe_code)]

mod addresses;
mod admission;
mod answer;
mod api;
mod auth;
mod body;
mod call;
mod error;
mod handlers;
mod health;
mod identity;
mod keyring;
mod matcher;
mod metrics;
mod openapi;
mod pipeline;
mod rates;
mod request_id;
mod routes;
mod settings;

pub use addresses::AuthBlock;
pub use api::Api;
pub use health::{Condition, Health, Troubles};
pub use identity::{Directory, IdentitySettings, User};
pub use keyring::{AccessKey, Keyring, Keys, StaticToken};
pub use metrics::SharedRegistry;
pub use routes::{ROUTES, Route};
pub use settings::Settings;
