//! Reading and writing files of keys.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{KeyEntry, ProjectEntry, UserEntry};
use crate::config::line_of;

/// The file of keys in the data directory.
pub const CREDENTIALS: &str = "credentials.toml";

/// Only the owner may read or write.
const OWNER_ONLY: u32 = 0o600;

/// What can be wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("the file of keys {} cannot be {doing}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what it should be. The text never repeats a line of the file.
    #[error("{} {place}: {what}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line or entry.
        place: String,
        /// What is expected.
        what: String,
    },
    /// Two entries with one name.
    #[error("{}: the {what} {name} is already in {}; remove one of the two", path.display(), first.display())]
    Duplicate {
        /// `access key`, `token, of the access key`, `user`, `project` or `name of a project`.
        what: &'static str,
        /// The name.
        name: String,
        /// Where the second stands.
        path: PathBuf,
        /// Where the first stands.
        first: PathBuf,
    },
    /// There is no key with this name.
    #[error("there is no access key {ak} in {}; `millpond key list` shows those there are", path.display())]
    Unknown {
        /// The name.
        ak: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The system has no randomness to give.
    #[error("no random key can be made: {0}")]
    Random(getrandom::Error),
}

/// What a file of keys has.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    #[serde(default, rename = "key")]
    pub(super) keys: Vec<KeyEntry>,
    #[serde(default, rename = "user", skip_serializing_if = "Vec::is_empty")]
    pub(super) users: Vec<UserEntry>,
    #[serde(default, rename = "project", skip_serializing_if = "Vec::is_empty")]
    pub(super) projects: Vec<ProjectEntry>,
}

impl KeyFile {
    /// The first entry that is wrong, and what is expected of it.
    fn check(&self) -> Result<(), (String, String)> {
        let keys = self.keys.iter().map(KeyEntry::check).enumerate().map(|(at, result)| ("key", at, result));
        let users =
            self.users.iter().map(UserEntry::check).enumerate().map(|(at, result)| ("user", at, result));
        let projects = self.projects.iter().map(ProjectEntry::check).enumerate();
        let projects = projects.map(|(at, result)| ("project", at, result));
        keys.chain(users)
            .chain(projects)
            .try_for_each(|(kind, at, result)| result.map_err(|what| (format!("{kind} {}", at + 1), what)))
    }
}

/// What a file has; `None` when there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<KeyFile>, KeysError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeysError::Io { path: path.into(), doing: "read", source }),
    };
    let invalid = |place, what| KeysError::Invalid { path: path.into(), place, what };
    let file: KeyFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map_or(1, line_of);
        // Only the kind of mistake: the parser's message may quote a value.
        let what = error.message().split('`').next().unwrap_or_default();
        let what = what.split(['"', '\'', '\n']).next().unwrap_or_default().trim();
        invalid(
            format!("line {line}"),
            format!(
                "{what} (expected are [[key]] entries with project_id, ak, sk, and [[user]] entries with \
                 name, password, projects)"
            ),
        )
    })?;
    file.check().map_err(|(place, what)| invalid(place, what))?;
    Ok(Some(file))
}

/// Whether others than the owner may read the file.
pub(super) fn readable_by_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// Replaces the file in one step: whoever reads it sees the old keys or the new ones, also after a
/// power cut.
pub(super) fn write(path: &Path, content: &KeyFile) -> Result<(), KeysError> {
    replace(path, content).map_err(|source| KeysError::Io { path: path.into(), doing: "written", source })
}

fn replace(path: &Path, content: &KeyFile) -> io::Result<()> {
    let body = toml::to_string(content).map_err(io::Error::other)?;
    let text =
        format!("# Access keys of this server; `millpond key` edits them. Keep this file secret.\n\n{body}");
    let temporary = path.with_extension("toml.tmp");
    let _ = fs::remove_file(&temporary); // left over from a crash, perhaps with another mode
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
