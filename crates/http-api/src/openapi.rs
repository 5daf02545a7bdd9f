//! The document that describes every route. What it is made of is in `openapi/`, beside `src/`.

use http::HeaderValue;

use crate::{answer::Answer, api::Shared};

#[cfg(test)]
mod assemble;
#[cfg(test)]
mod tests;

const DOCUMENT: &str = include_str!("../openapi/openapi.json");

/// `GET /openapi.json`: any page of any origin may show it, as it holds nothing of this server's own.
pub(crate) fn document(_shared: &Shared, _query: Option<&str>) -> Answer {
    Answer::constant(HeaderValue::from_static("application/json"), DOCUMENT)
}
