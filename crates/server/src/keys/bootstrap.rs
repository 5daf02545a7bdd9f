//! The keys and users of a server that starts or reloads.

use std::path::{Path, PathBuf};

use super::{
    KeyEntry, Keys, KeysError, NewKey, UserEntry,
    edit::Edit,
    file::{self, CREDENTIALS, KeyFile},
    random,
};
use crate::config::Bootstrap;

/// The keys in force, and what there is to say about how they came to be.
#[derive(Debug)]
pub struct Bootstrapped {
    /// All keys.
    pub keys: Keys,
    /// The key that this start created.
    pub created: Option<KeyEntry>,
    /// The user that this start created.
    pub created_user: Option<UserEntry>,
    /// The data directory's file of keys.
    pub credentials: PathBuf,
    /// What an administrator should know.
    pub warnings: Vec<String>,
}

/// Loads the keys of `data_dir` and `keys_file` at start; the first start creates one.
///
/// The first start is the one that finds no `credentials.toml`. The key then has the parts that
/// `bootstrap` names, and random ones otherwise. A start that finds no user creates the one that
/// `bootstrap` names, if it does, in the first key's project. The data directory must be there.
///
/// # Errors
/// A file cannot be read or written or is not valid, or two keys have the same name. Nothing was
/// created then.
pub fn prepare(
    data_dir: &Path,
    keys_file: Option<&Path>,
    bootstrap: &Bootstrap,
) -> Result<Bootstrapped, KeysError> {
    let edit = Edit::begin(data_dir)?;
    let mut found = reread(data_dir, keys_file)?;
    let mut added = KeyFile::default();
    if let Some(stored) = file::read(&found.credentials)? {
        found.warnings.extend(ignored(bootstrap, &stored.keys, &found.credentials));
    } else {
        let key = first_key(bootstrap, &found.credentials)?;
        added.keys.push(key.clone());
        found.created = Some(key);
    }
    if found.keys.users().next().is_some() {
        found.warnings.extend(ignored_user(bootstrap, &found.keys));
    } else if let Some(name) = &bootstrap.user {
        let key = found.keys.entries().chain(&found.created).next();
        let user = first_user(name, bootstrap, key, &found.credentials)?;
        added.users.push(user.clone());
        found.created_user = Some(user);
    }
    if found.created.is_some() || found.created_user.is_some() {
        found.keys.add_file(&found.credentials, added.clone())?;
        let mut content = edit.content()?;
        content.keys.extend(added.keys);
        content.users.extend(added.users);
        edit.save(&content)?;
    }
    if found.keys.is_empty() {
        let nobody = "there is no access key: nobody can sign a request; `millpond key create` makes one";
        found.warnings.push(nobody.to_owned());
    }
    Ok(found)
}

/// Loads the keys again, of a server that runs. Creates nothing.
///
/// # Errors
/// A file cannot be read or is not valid, or two keys have the same name.
pub fn reread(data_dir: &Path, keys_file: Option<&Path>) -> Result<Bootstrapped, KeysError> {
    let credentials = data_dir.join(CREDENTIALS);
    let mut keys = Keys::default();
    let mut warnings = Vec::new();
    if let Some(path) = keys_file {
        keys.add_file(path, read_keys_file(path)?)?;
        warn_if_open(path, &mut warnings);
    }
    if let Some(stored) = file::read(&credentials)? {
        keys.add_file(&credentials, stored)?;
        warn_if_open(&credentials, &mut warnings);
    }
    Ok(Bootstrapped { keys, created: None, created_user: None, credentials, warnings })
}

/// Unlike the data directory's own file, one that was named must be there.
fn read_keys_file(path: &Path) -> Result<KeyFile, KeysError> {
    file::read(path)?.ok_or_else(|| KeysError::Io {
        path: path.into(),
        doing: "read",
        source: std::io::ErrorKind::NotFound.into(),
    })
}

fn first_key(bootstrap: &Bootstrap, path: &Path) -> Result<KeyEntry, KeysError> {
    let key = random::key(NewKey {
        project_id: bootstrap.project_id.clone(),
        ak: bootstrap.ak.clone(),
        sk: bootstrap.sk.clone(),
    })?;
    let invalid = |what| KeysError::Invalid { path: path.into(), place: "bootstrap key".to_owned(), what };
    key.check().map_err(invalid)?;
    Ok(key)
}

fn first_user(
    name: &str,
    bootstrap: &Bootstrap,
    key: Option<&KeyEntry>,
    path: &Path,
) -> Result<UserEntry, KeysError> {
    let project = key.map(|key| key.project_id.clone()).or_else(|| bootstrap.project_id.clone());
    let user = UserEntry {
        name: name.to_owned(),
        password: bootstrap.password.clone().map_or_else(random::secret, Ok)?,
        projects: vec![project.map_or_else(random::project_id, Ok)?],
    };
    let invalid = |what| KeysError::Invalid { path: path.into(), place: "bootstrap user".to_owned(), what };
    user.check().map_err(invalid)?;
    Ok(user)
}

/// A warning when `bootstrap` asks for a user, or a password, that is not the stored one.
fn ignored_user(bootstrap: &Bootstrap, keys: &Keys) -> Option<String> {
    let name = bootstrap.user.as_ref()?;
    let matches = |user: &UserEntry| {
        user.name == *name && bootstrap.password.as_ref().is_none_or(|password| *password == user.password)
    };
    (!keys.users().any(matches)).then(|| {
        format!(
            "the bootstrap user {name} is ignored: users exist already, and none has this name and password; \
             change the [[user]] entries in the files of keys"
        )
    })
}

/// A warning when `bootstrap` asks for a key that the stored ones do not contain as asked.
fn ignored(bootstrap: &Bootstrap, stored: &[KeyEntry], path: &Path) -> Option<String> {
    let ak = bootstrap.ak.as_ref();
    let matches = |key: &KeyEntry| {
        ak.is_none_or(|ak| *ak == key.ak)
            && bootstrap.sk.as_ref().is_none_or(|sk| *sk == key.sk)
            && bootstrap.project_id.as_ref().is_none_or(|project| *project == key.project_id)
    };
    (!stored.iter().any(matches)).then(|| {
        format!(
            "the bootstrap key{} is ignored: keys exist already and {} differs from it; \
             bootstrap applies to the first start only, use `millpond key` to change keys",
            ak.map_or_else(String::new, |ak| format!(" {ak}")),
            path.display()
        )
    })
}

fn warn_if_open(path: &Path, warnings: &mut Vec<String>) {
    if file::readable_by_others(path) {
        warnings.push(format!("other users may read the keys in {0}; run `chmod 600 {0}`", path.display()));
    }
}
