//! Why a request is not authenticated.

use crate::{Code, Refusal};

/// Why a request is not authenticated. Every variant is one code of spec/08 §4; the texts here are
/// for logs, a client gets the code's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Neither `Authorization` nor `X-Auth-Token`.
    #[error("the request carries neither a signature nor a token")]
    Missing,
    /// Unknown algorithm, bad grammar, too long, or sent twice.
    #[error("the Authorization header is not of a known form")]
    Malformed,
    /// No `X-Sdk-Date`.
    #[error("the X-Sdk-Date header is missing")]
    DateMissing,
    /// `X-Sdk-Date` is not in the basic format.
    #[error("the X-Sdk-Date header is not yyyyMMdd'T'HHmmss'Z'")]
    DateMalformed,
    /// `X-Sdk-Date` is more than 15 minutes away: the client's clock is wrong, or the request old.
    #[error("the X-Sdk-Date header is more than 15 minutes away from the server's clock")]
    DateOutOfRange,
    /// The access key's place is empty.
    #[error("the access key is empty")]
    AccessKeyMissing,
    /// No such access key. Never returned here: the caller looks keys up.
    #[error("the access key is unknown")]
    AccessKeyUnknown,
    /// The scope names another service than the configured one.
    #[error("the scope names another service")]
    ServiceInvalid,
    /// `Credential` or `Access`, `SignedHeaders` or `Signature` is missing.
    #[error("the Authorization header lacks a part")]
    PartMissing,
    /// The signature's place is empty.
    #[error("the signature is empty")]
    SignatureMissing,
    /// The scope names another region than the configured one.
    #[error("the scope names another region")]
    RegionInvalid,
    /// No way of reading the request gives this signature.
    #[error("the signature does not match the request")]
    Mismatch,
    /// A token is needed and its header is empty.
    #[error("the token is empty")]
    TokenMissing,
    /// The token is unknown, expired or of another access key.
    #[error("the token is not valid")]
    TokenInvalid,
}

impl AuthError {
    /// The code a client is told.
    pub const fn code(self) -> Code {
        match self {
            Self::Missing => Code::AuthorizationMissing,
            Self::Malformed => Code::AuthorizationMalformed,
            Self::DateMissing => Code::DateMissing,
            Self::DateMalformed => Code::DateMalformed,
            Self::DateOutOfRange => Code::DateOutOfRange,
            Self::AccessKeyMissing => Code::AccessKeyMissing,
            Self::AccessKeyUnknown => Code::AccessKeyUnknown,
            Self::ServiceInvalid => Code::ServiceInvalid,
            Self::PartMissing => Code::AuthorizationPartMissing,
            Self::SignatureMissing => Code::SignatureMissing,
            Self::RegionInvalid => Code::RegionInvalid,
            Self::Mismatch => Code::SignatureMismatch,
            Self::TokenMissing => Code::TokenMissing,
            Self::TokenInvalid => Code::TokenInvalid,
        }
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        error.code().plain()
    }
}
