//! The name of a request, in its answer and in the log.

use std::fmt;

use http::{HeaderName, HeaderValue};
use millpond_service::Entropy;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// 32 hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(u128);

impl RequestId {
    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        Self(entropy.random())
    }

    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("hexadecimal digits are a valid header")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
