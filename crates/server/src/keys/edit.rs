//! Changing `credentials.toml`, with or without a server running on the directory.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::{
    KeyEntry, Keys, KeysError,
    file::{self, CREDENTIALS, KeyFile},
    random,
};
use crate::secret::Secret;

/// The parts of a key that are wanted; the rest is random.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// The project.
    pub project_id: Option<String>,
    /// The access key.
    pub ak: Option<String>,
    /// The secret key.
    pub sk: Option<Secret>,
}

/// The right to change the file. Two editors take turns: the directory itself carries the lock.
pub(super) struct Edit {
    path: PathBuf,
    _directory: File,
}

impl Edit {
    /// Waits for other editors of the same directory.
    pub(super) fn begin(data_dir: &Path) -> Result<Self, KeysError> {
        let failed = |source| KeysError::Io { path: data_dir.into(), doing: "locked", source };
        let directory = File::open(data_dir).map_err(failed)?;
        flock(&directory, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
        Ok(Self { path: data_dir.join(CREDENTIALS), _directory: directory })
    }

    pub(super) fn content(&self) -> Result<KeyFile, KeysError> {
        file::read(&self.path).map(Option::unwrap_or_default)
    }

    pub(super) fn save(&self, content: &KeyFile) -> Result<(), KeysError> {
        file::write(&self.path, content)
    }
}

/// Adds a key and returns it, with its secret.
///
/// A key without a project gets that of the first key, so that both see the same streams.
///
/// # Errors
/// The file cannot be read or written, a part is not valid, or the access key exists.
pub fn create(data_dir: &Path, mut wanted: NewKey) -> Result<KeyEntry, KeysError> {
    let edit = Edit::begin(data_dir)?;
    let mut content = edit.content()?;
    if wanted.project_id.is_none() {
        wanted.project_id = content.keys.first().map(|key| key.project_id.clone());
    }
    let key = random::key(wanted)?;
    key.check().map_err(|what| KeysError::Invalid {
        path: edit.path.clone(),
        place: "new key".to_owned(),
        what,
    })?;
    content.keys.push(key.clone());
    Keys::default().add_file(&edit.path, content.clone())?;
    edit.save(&content)?;
    Ok(key)
}

/// The keys of the data directory.
///
/// # Errors
/// The file cannot be read or is not valid.
pub fn list(data_dir: &Path) -> Result<Vec<KeyEntry>, KeysError> {
    Ok(file::read(&data_dir.join(CREDENTIALS))?.unwrap_or_default().keys)
}

/// Removes a key.
///
/// # Errors
/// `Unknown` when there is none with this name; else the file cannot be read or written.
pub fn revoke(data_dir: &Path, ak: &str) -> Result<(), KeysError> {
    let edit = Edit::begin(data_dir)?;
    let mut content = edit.content()?;
    let before = content.keys.len();
    content.keys.retain(|key| key.ak != ak);
    if content.keys.len() == before {
        return Err(KeysError::Unknown { ak: ak.to_owned(), path: edit.path });
    }
    edit.save(&content)
}

#[cfg(test)]
mod tests;
