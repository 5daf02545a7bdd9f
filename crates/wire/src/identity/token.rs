//! Tokens that the server issues: what they say, and how they are protected.
//!
//! ```text
//! mp1.<base64url of user⏎scope⏎methods⏎issued⏎expires⏎audit id>.<base64url of HMAC-SHA-256>
//! ```
//!
//! The code covers every character before it and the user's password, under a key that is derived from
//! the deployment's secret. So a token says by itself whether it is genuine: there is no list of tokens
//! to bound, to expire, to keep over a restart or to share between nodes, and what is checked costs one
//! hash. A list of random tokens would buy one thing, that a single token can be revoked; here all
//! tokens of a user end when its password changes or the user goes.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use millpond_model::{ProjectId, Timestamp};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::signing::{self, SecretKey};

/// What tells an issued token from others, and its form from later ones.
const PREFIX: &str = "mp1.";

/// Longest token that is read, in bytes: twice what the longest project id makes.
const LEN_MAX: usize = 1024;

/// The key that binds tokens to this deployment: shown nowhere, wiped when dropped.
#[derive(Clone)]
pub struct TokenKey(Zeroizing<[u8; 32]>);

impl TokenKey {
    /// From 32 random bytes, the same ones on every node and after every start.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// The text is not a token that this service issued under the user's present password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this service: log in again")]
pub struct InvalidToken;

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenScope {
    /// Everything in one project.
    Project(ProjectId),
    /// Listing projects, and getting a token for one.
    Domain,
    /// The same.
    Unscoped,
}

/// How the holder of a token proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// By a password.
    Password,
    /// By a token that was got with a password.
    Token,
}

impl Methods {
    /// The words that answers have.
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["password"],
            Self::Token => &["token", "password"],
        }
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    /// Id of the user.
    pub user_id: String,
    /// What it is good for.
    pub scope: TokenScope,
    /// How it was got.
    pub methods: Methods,
    /// When it was made.
    pub issued_at: Timestamp,
    /// First moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// Tells it from others, in logs and answers; opens nothing.
    pub audit_id: u128,
}

/// A token as it came, of which nothing is proved.
#[derive(Clone, Debug)]
pub struct SealedToken<'a> {
    signed: &'a str,
    mac: Vec<u8>,
    claimed: IssuedToken,
}

impl IssuedToken {
    /// The token as clients get it: visible ASCII, some 250 characters.
    pub fn seal(&self, key: &TokenKey, password: &SecretKey) -> String {
        let scope = match &self.scope {
            TokenScope::Project(project) => format!("project {project}"),
            TokenScope::Domain => "domain".to_owned(),
            TokenScope::Unscoped => "unscoped".to_owned(),
        };
        let methods = self.methods.words().join(" ");
        let Self { user_id, issued_at, expires_at, audit_id, .. } = self;
        let content = format!("{user_id}\n{scope}\n{methods}\n{issued_at}\n{expires_at}\n{audit_id:032x}");
        let signed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(content));
        let mac = URL_SAFE_NO_PAD.encode(mac(key, password, &signed));
        format!("{signed}.{mac}")
    }

    /// The audit id as answers have it.
    pub fn audit_text(&self) -> String {
        format!("{:032x}", self.audit_id)
    }

    /// Whether it is no longer valid.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    fn from_content(content: &str) -> Option<Self> {
        let mut lines = content.split('\n');
        let mut line = || lines.next();
        let token = Self {
            user_id: line()?.to_owned(),
            scope: match line()? {
                "domain" => TokenScope::Domain,
                "unscoped" => TokenScope::Unscoped,
                scope => TokenScope::Project(scope.strip_prefix("project ")?.parse().ok()?),
            },
            methods: match line()? {
                "password" => Methods::Password,
                "token password" => Methods::Token,
                _ => return None,
            },
            issued_at: timestamp(line()?)?,
            expires_at: timestamp(line()?)?,
            audit_id: u128::from_str_radix(line()?, 16).ok()?,
        };
        lines.next().is_none().then_some(token)
    }
}

impl<'a> SealedToken<'a> {
    /// Takes a text apart. It proves nothing: whoever wrote the text chose what it claims.
    ///
    /// # Errors
    /// `InvalidToken` when it does not have the form.
    pub fn parse(text: &'a str) -> Result<Self, InvalidToken> {
        Self::read(text).ok_or(InvalidToken)
    }

    fn read(text: &'a str) -> Option<Self> {
        let (signed, mac) = text.rsplit_once('.').filter(|_| text.len() <= LEN_MAX)?;
        let content = URL_SAFE_NO_PAD.decode(signed.strip_prefix(PREFIX)?).ok()?;
        let claimed = IssuedToken::from_content(str::from_utf8(&content).ok()?)?;
        Some(Self { signed, mac: URL_SAFE_NO_PAD.decode(mac).ok()?, claimed })
    }

    /// Id of the user that it claims to belong to, whose password must be looked up.
    pub fn claimed_user_id(&self) -> &str {
        &self.claimed.user_id
    }

    /// What the token says, when it is genuine. Its age is not checked.
    ///
    /// # Errors
    /// `InvalidToken` when it was made with another key or another password, or not here at all.
    pub fn verify(self, key: &TokenKey, password: &SecretKey) -> Result<IssuedToken, InvalidToken> {
        let genuine = mac(key, password, self.signed);
        if bool::from(genuine.as_slice().ct_eq(&self.mac)) { Ok(self.claimed) } else { Err(InvalidToken) }
    }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    i64::from_str(text).ok().map(Timestamp::from_millis)
}

/// The password goes in as its hash, so that nothing runs into it.
fn mac(key: &TokenKey, password: &SecretKey, signed: &str) -> [u8; 32] {
    let mut message = b"millpond token 1\n".to_vec();
    message.extend_from_slice(&signing::body_sha256(password.expose().as_bytes()));
    message.extend_from_slice(signed.as_bytes());
    signing::hmac_sha256(&*key.0, &message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> TokenKey {
        TokenKey::new([7; 32])
    }

    fn token() -> IssuedToken {
        IssuedToken {
            user_id: "0123456789abcdef0123456789abcdef".to_owned(),
            scope: TokenScope::Project("p1".parse().unwrap()),
            methods: Methods::Password,
            issued_at: Timestamp::from_millis(1_700_000_000_000),
            expires_at: Timestamp::from_millis(1_700_086_400_000),
            audit_id: 5,
        }
    }

    fn open(text: &str, key: &TokenKey, password: &str) -> Result<IssuedToken, InvalidToken> {
        SealedToken::parse(text)?.verify(key, &SecretKey::new(password))
    }

    #[test]
    fn what_is_sealed_is_opened() {
        let longest = TokenScope::Project("p".repeat(64).parse().unwrap());
        for scope in [token().scope, longest, TokenScope::Domain, TokenScope::Unscoped] {
            for methods in [Methods::Password, Methods::Token] {
                let token = IssuedToken { scope: scope.clone(), methods, ..token() };
                let text = token.seal(&key(), &SecretKey::new("secret"));
                assert!(text.len() < LEN_MAX / 2 && text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
                assert_eq!(open(&text, &key(), "secret"), Ok(token));
            }
        }
    }

    #[test]
    fn another_key_or_password_opens_nothing() {
        let text = token().seal(&key(), &SecretKey::new("secret"));
        assert_eq!(open(&text, &TokenKey::new([8; 32]), "secret"), Err(InvalidToken));
        assert_eq!(open(&text, &key(), "changed"), Err(InvalidToken));
        assert_eq!(SealedToken::parse(&text).unwrap().claimed_user_id(), token().user_id);
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = token().seal(&key(), &SecretKey::new("secret"));
        for at in 0..text.len() {
            for other in ["A", "b", "9", "_", ".", ""] {
                let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                let expected = if changed == text { Ok(token()) } else { Err(InvalidToken) };
                assert_eq!(open(&changed, &key(), "secret"), expected, "{at} {other}");
            }
        }
        for other in [format!("{text}="), format!("{text}A"), format!("{text}."), String::new()] {
            assert_eq!(open(&other, &key(), "secret"), Err(InvalidToken), "{other}");
        }
    }

    #[test]
    fn a_token_ends_at_its_time() {
        assert!(!token().is_expired(Timestamp::from_millis(1_700_086_399_999)));
        assert!(token().is_expired(Timestamp::from_millis(1_700_086_400_000)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "mp1\\.[A-Za-z0-9_-]{0,200}\\.[A-Za-z0-9_-]{0,60}", noise in ".{0,1500}") {
            prop_assert_eq!(open(&text, &key(), "secret"), Err(InvalidToken));
            prop_assert_eq!(open(&noise, &key(), "secret"), Err(InvalidToken));
        }
    }
}
