//! What can go wrong with a call.

use std::fmt;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be set up as asked.
    #[error("{0}")]
    Setup(String),
    /// No connection came about: the request was surely not sent.
    #[error("cannot connect to {endpoint}")]
    Connect {
        /// Scheme, host and port.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The answer did not come in time. What was asked for may have happened.
    #[error("{endpoint} did not answer in time")]
    Timeout {
        /// Scheme, host and port.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke. What was asked for may have happened.
    #[error("the connection to {endpoint} broke")]
    Broken {
        /// Scheme, host and port.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The server answered something else than a success.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// The server answered a success that makes no sense.
    #[error("the answer is not one of this API: {what}")]
    Answer {
        /// What is wrong with it.
        what: String,
        /// `X-Request-Id` of the answer.
        request_id: Option<String>,
    },
}

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// Code such as `DIS.4301`; absent when the answer did not come from the API.
    pub code: Option<String>,
    /// The server's text.
    pub message: String,
    /// `X-Request-Id` of the answer.
    pub request_id: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Stream, partition or app does not exist.
    NotFound,
    /// Credentials are missing, wrong or not enough.
    Auth,
    /// It exists already, is in use, or changed meanwhile.
    Conflict,
    /// Too much at once: the same later.
    Throttled,
    /// The request itself cannot be met.
    Request,
    /// The server failed.
    Server,
    /// No answer in time.
    Timeout,
    /// No connection, or it broke.
    Transport,
    /// Whatever answers there is not this API.
    Protocol,
    /// The client cannot be set up as asked.
    Setup,
}

impl Error {
    /// What can be done about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Setup(_) => Class::Setup,
            Self::Connect { .. } | Self::Broken { .. } => Class::Transport,
            Self::Timeout { .. } => Class::Timeout,
            Self::Answer { .. } => Class::Protocol,
            Self::Refused(refused) => refused.class(),
        }
    }

    /// HTTP status, when the server answered something else than a success.
    pub fn status(&self) -> Option<u16> {
        self.refused().map(|refused| refused.status)
    }

    /// Code such as `DIS.4301`.
    pub fn code(&self) -> Option<&str> {
        self.refused()?.code.as_deref()
    }

    /// `X-Request-Id` of the answer.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => refused.request_id.as_deref(),
            Self::Answer { request_id, .. } => request_id.as_deref(),
            Self::Setup(_) | Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } => None,
        }
    }

    /// The server's refusal.
    pub fn refused(&self) -> Option<&Refused> {
        if let Self::Refused(refused) = self { Some(refused) } else { None }
    }
}

impl Refused {
    /// What can be done about it: the code decides, where there is one (spec/08 §4).
    pub fn class(&self) -> Class {
        match self.code.as_deref().and_then(number) {
            Some(4301 | 4302 | 4306 | 4319 | 4332 | 4354 | 4603 | 4604) => Class::NotFound,
            Some(4307 | 4330 | 4331 | 4355 | 4358 | 4701..=4703) => Class::Conflict,
            Some(4303 | 4305 | 4309) => Class::Throttled,
            Some(4100..=4199) => Class::Auth,
            _ => match self.status {
                401 | 403 | 441 => Class::Auth,
                // 404 is an unknown route: missing things are answered with 400.
                404 | ..=399 => Class::Protocol,
                409 => Class::Conflict,
                429 => Class::Throttled,
                500.. => Class::Server,
                _ => Class::Request,
            },
        }
    }

    /// Whether the API said that it did nothing, so that the same request may be sent again.
    pub(crate) fn surely_without_effect(&self) -> bool {
        self.class() == Class::Throttled || (self.status == 503 && self.code.as_deref().is_some_and(is_ours))
    }
}

fn is_ours(code: &str) -> bool {
    number(code).is_some()
}

/// `4301` of `DIS.4301`.
fn number(code: &str) -> Option<u32> {
    code.strip_prefix("DIS.")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_have_a_class() {
        let check = |status: u16, code: Option<&str>, class: Class| {
            let refused =
                Refused { status, code: code.map(str::to_owned), message: String::new(), request_id: None };
            assert_eq!(refused.class(), class, "{status} {code:?}");
        };
        check(400, Some("DIS.4301"), Class::NotFound);
        check(400, Some("DIS.4332"), Class::NotFound);
        check(401, Some("DIS.4112"), Class::Auth);
        check(400, Some("DIS.4117"), Class::Auth);
        check(403, None, Class::Auth);
        check(400, Some("DIS.4307"), Class::Conflict);
        check(400, Some("DIS.4703"), Class::Conflict);
        check(400, Some("DIS.4303"), Class::Throttled);
        check(429, None, Class::Throttled);
        check(400, Some("DIS.4224"), Class::Request);
        check(413, Some("DIS.4200"), Class::Request);
        check(500, Some("DIS.5000"), Class::Server);
        check(502, None, Class::Server);
        check(404, None, Class::Protocol);
        check(302, None, Class::Protocol);
        check(401, Some("APIGW.0301"), Class::Auth);
    }
}
