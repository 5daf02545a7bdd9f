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

mod admission;
mod answer;
mod api;
mod auth;
mod body;
mod call;
mod error;
mod handlers;
mod health;
mod keyring;
mod matcher;
mod metrics;
mod pipeline;
mod request_id;
mod routes;
mod settings;

pub use api::Api;
pub use health::{Condition, Health};
pub use keyring::{AccessKey, Keyring, Keys, StaticToken};
pub use metrics::SharedRegistry;
pub use routes::{ROUTES, Route};
pub use settings::Settings;
