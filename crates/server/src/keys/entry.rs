//! A key, and everything that is in force.

use std::path::{Path, PathBuf};

use millpond_model::{ProjectId, Timestamp};
use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use super::{
    ProjectEntry, UserEntry,
    file::{KeyFile, KeysError},
};
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
    /// First moment at which security token and token are no longer taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Datetime>,
}

impl KeyEntry {
    /// When it ends, if it does. What is no time was refused by the check of its file.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires_at.as_ref().and_then(timestamp)
    }

    /// Checks what a file may get wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        check_project_id("project_id", &self.project_id)?;
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
            if secret.is_some_and(|secret| !is_line(secret.expose())) {
                return Err(format!("{name}: a text in one line, not empty, is expected"));
            }
        }
        match &self.expires_at {
            Some(at) if timestamp(at).is_none() => {
                Err("expires_at: a date and time with its offset is expected, as 2026-12-24T18:00:00Z"
                    .to_owned())
            }
            // A signature alone has no way to say that its key has ended (spec/01 §7).
            Some(_) if self.security_token.is_none() => {
                Err("expires_at: belongs to a security_token; add one, or remove the key when its time is up"
                    .to_owned())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A text in one line, not empty and not endless.
pub(super) fn is_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= CHARS_MAX && !text.contains(char::is_control)
}

/// Whether `text` can be a project's id; `name` is what the file calls it.
pub(super) fn check_project_id(name: &str, text: &str) -> Result<(), String> {
    text.parse::<ProjectId>().map(drop).map_err(|error| format!("{name}: {error}"))
}

/// The point in time; `None` for a date alone, a time alone, and one without an offset.
fn timestamp(at: &Datetime) -> Option<Timestamp> {
    let at: jiff::Timestamp = at.to_string().parse().ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// Everything in force: no two keys with the same access key or the same token, no two users or projects
/// with one name.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    access: Vec<(KeyEntry, PathBuf)>,
    users: Vec<(UserEntry, PathBuf)>,
    projects: Vec<(ProjectEntry, PathBuf)>,
}

impl Keys {
    /// All keys, in the order of their files.
    pub fn entries(&self) -> impl Iterator<Item = &KeyEntry> {
        self.access.iter().map(|(entry, _)| entry)
    }

    /// All users, in the same order.
    pub fn users(&self) -> impl Iterator<Item = &UserEntry> {
        self.users.iter().map(|(entry, _)| entry)
    }

    /// The projects that have a name.
    pub fn projects(&self) -> impl Iterator<Item = &ProjectEntry> {
        self.projects.iter().map(|(entry, _)| entry)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.access.len()
    }

    /// Whether nobody can sign.
    pub fn is_empty(&self) -> bool {
        self.access.is_empty()
    }

    /// Adds what one file has. An entry that another file has in exactly the same words counts once.
    pub(super) fn add_file(&mut self, path: &Path, file: KeyFile) -> Result<(), KeysError> {
        for key in file.keys {
            let clash = |other: &KeyEntry| {
                let same_token = key.token.is_some() && other.token == key.token;
                let token = same_token.then_some(("token, of the access key", key.ak.as_str()));
                (other.ak == key.ak).then_some(("access key", key.ak.as_str())).or(token)
            };
            add(&mut self.access, path, &key, clash)?;
        }
        for user in file.users {
            let clash = |other: &UserEntry| (other.name == user.name).then_some(("user", user.name.as_str()));
            add(&mut self.users, path, &user, clash)?;
        }
        for project in file.projects {
            let clash = |other: &ProjectEntry| {
                let name =
                    (other.name == project.name).then_some(("name of a project", project.name.as_str()));
                (other.id == project.id).then_some(("project", project.id.as_str())).or(name)
            };
            add(&mut self.projects, path, &project, clash)?;
        }
        Ok(())
    }
}

/// Adds one entry unless it is there; `clash` says in which way another one is in its way.
fn add<'a, T: Clone + PartialEq>(
    entries: &mut Vec<(T, PathBuf)>,
    path: &Path,
    entry: &T,
    clash: impl Fn(&T) -> Option<(&'static str, &'a str)>,
) -> Result<(), KeysError> {
    let found = entries.iter().find_map(|(other, first)| Some((clash(other)?, other, first)));
    match found {
        Some((_, other, first)) if other == entry && first != path => Ok(()),
        Some(((what, name), _, first)) => {
            let (name, path, first) = (name.to_owned(), path.to_owned(), first.clone());
            Err(KeysError::Duplicate { what, name, path, first })
        }
        None => {
            entries.push((entry.clone(), path.to_owned()));
            Ok(())
        }
    }
}
