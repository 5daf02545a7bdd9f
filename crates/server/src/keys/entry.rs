//! A key, and the set of keys in force.

use std::path::PathBuf;

use millpond_model::ProjectId;
use serde::{Deserialize, Serialize};

use super::file::KeysError;
use crate::secret::Secret;

/// Longest access key, secret or token, in characters. Far above any cloud's 20 to 40; a token of
/// the cloud has some thousands.
const CHARS_MAX: usize = 8 * 1024;

/// One key. `Debug` does not show what is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The project whose streams it reaches.
    pub project_id: String,
    /// The access key: the public name in a signature.
    pub ak: String,
    /// The secret key.
    pub sk: Secret,
    /// A token that identifies the same project in `X-Auth-Token` (spec/01 §8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// For temporary keys: must come as `X-Security-Token` beside the signature (spec/01 §7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_token: Option<Secret>,
}

impl KeyEntry {
    /// Checks what a file may get wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        self.project_id.parse::<ProjectId>().map_err(|error| format!("project_id: {error}"))?;
        // These characters separate the parts of the Authorization header.
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ',' | '=' | ';');
        if self.ak.is_empty() || self.ak.len() > CHARS_MAX || !self.ak.chars().all(plain) {
            return Err("ak: letters, digits and - _ . are expected".to_owned());
        }
        let secrets = [
            ("sk", Some(&self.sk)),
            ("token", self.token.as_ref()),
            ("security_token", self.security_token.as_ref()),
        ];
        for (name, secret) in secrets {
            let visible =
                |text: &str| !text.is_empty() && text.len() <= CHARS_MAX && !text.contains(char::is_control);
            if secret.is_some_and(|secret| !visible(secret.expose())) {
                return Err(format!("{name}: a text in one line, not empty, is expected"));
            }
        }
        Ok(())
    }
}

/// The keys in force: no two with the same access key or the same token.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<(KeyEntry, PathBuf)>);

impl Keys {
    /// All keys, in the order of their files.
    pub fn entries(&self) -> impl Iterator<Item = &KeyEntry> {
        self.0.iter().map(|(entry, _)| entry)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody can sign.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the keys of one file. A key that another file has in exactly the same words counts once.
    pub(super) fn add_file(
        &mut self,
        path: &std::path::Path,
        entries: Vec<KeyEntry>,
    ) -> Result<(), KeysError> {
        for entry in entries {
            let same_name = |other: &KeyEntry| other.ak == entry.ak;
            let same_token = |other: &KeyEntry| entry.token.is_some() && other.token == entry.token;
            match self.0.iter().find(|(other, _)| same_name(other) || same_token(other)) {
                Some((other, first)) if *other == entry && first != path => {}
                Some((other, first)) => {
                    let what = if same_name(other) { "access key" } else { "token, of the access key" };
                    return Err(KeysError::Duplicate {
                        what,
                        ak: entry.ak,
                        path: path.into(),
                        first: first.clone(),
                    });
                }
                None => self.0.push((entry, path.to_owned())),
            }
        }
        Ok(())
    }
}
