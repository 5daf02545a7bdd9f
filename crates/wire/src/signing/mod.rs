//! Request signatures and tokens: the five ways in which clients say who they are (spec/01).
//!
//! ```text
//! headers ──▶ Presented ──▶ Token          the caller looks it up
//!                      └──▶ Credentials    access key, scope, signed headers, signature
//!                             │ check_date
//!                             │ the caller looks the secret key up
//!                             └ verify ──▶ how `+` in the query was meant
//! ```
//!
//! Clients disagree about what exactly they sign, so [`verify`] rebuilds the request in every way a
//! known client does and accepts when one of them fits (spec/01 §3). Each way covers the method, the
//! path, every parameter, the signed headers and the body.

mod authorization;
mod canonical;
mod credentials;
mod date;
mod error;
mod key;
mod secret;
mod security_token;
mod signer;
mod verify;

pub use authorization::{Scheme, Scope};
pub use credentials::{Credentials, Presented, Token};
pub use date::SdkDate;
pub use error::AuthError;
pub(crate) use key::hmac_sha256;
pub use key::{SigningKey, signing_key};
pub use secret::SecretKey;
pub use security_token::{SecurityToken, check_security_token};
pub use signer::{Signer, ToSign};
pub use verify::{SignedRequest, Verified, VerifyOptions, canonical_request, verify, verify_with_key};

use sha2::{Digest as _, Sha256};

/// Longest `Authorization` header that is read, in bytes. Not in the contract: real ones have some
/// 300.
pub const AUTHORIZATION_BYTES_MAX: usize = 8 * 1024;

/// Most headers a signature may cover. Not in the contract: real clients sign fewer than a dozen.
pub const SIGNED_HEADERS_MAX: usize = 64;

/// Longest target that is verified, in bytes. Not in the contract: the longest real one carries a
/// cursor of 512 characters. It bounds the work that an unsigned request can cause.
pub const TARGET_BYTES_MAX: usize = 32 * 1024;

/// Longest access key, in bytes. Not in the contract: those of the cloud have 20.
pub const ACCESS_KEY_BYTES_MAX: usize = 128;

/// How far `X-Sdk-Date` may lie from the server's clock, in milliseconds (spec/01 §9: 15 minutes).
pub const CLOCK_TOLERANCE_MS: i64 = 15 * 60 * 1000;

/// The hash of a body as a signature covers it: of the bytes as received, still compressed
/// (spec/01 §3.4).
pub fn body_sha256(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// Appends lower-case hexadecimal digits.
fn push_hex(target: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0x0f] {
            target.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}
