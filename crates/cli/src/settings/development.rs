//! The keys of a development server that runs in this directory.

use std::{fs, io};

use millpond_client::Credentials;
use millpond_model::ProjectId;
use millpond_wire::signing::SecretKey;
use serde::Deserialize;

use super::Environment;
use crate::failure::Failure;

/// Where `millpond dev` keeps its keys, below the directory it runs in.
pub(super) const KEYS: &str = ".millpond/credentials.toml";

#[derive(Deserialize)]
struct KeyFile {
    #[serde(default, rename = "key")]
    keys: Vec<Key>,
}

/// An entry of the file in which a server keeps its keys.
#[derive(Deserialize)]
pub(super) struct Key {
    pub(super) project_id: String,
    ak: String,
    sk: String,
    #[serde(default)]
    security_token: Option<String>,
}

impl Key {
    pub(super) fn into_credentials(self) -> Credentials {
        Credentials::AccessKey {
            access_key: self.ak,
            secret_key: SecretKey::new(self.sk),
            security_token: self.security_token.map(SecretKey::new),
        }
    }
}

/// The key of `project`, else the first one, of a development server that runs in this directory. Such
/// servers listen on loopback only, and their keys are used for no other address.
pub(super) fn key(
    environment: &Environment,
    endpoint: &str,
    project: Option<&ProjectId>,
) -> Result<Option<(Key, String)>, Failure> {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    if !["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local)) {
        return Ok(None);
    }
    let origin = format!("./{KEYS}");
    let text = match fs::read_to_string(environment.directory.join(KEYS)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(format_args!("cannot read {origin}"), &error)),
    };
    // The parser's message may quote a line of the file, which holds secrets.
    let file: KeyFile = toml::from_str(&text)
        .map_err(|_| Failure::usage(format!("{origin} is not a file of keys; `millpond dev` writes one")))?;
    let fits = |key: &Key| project.is_none_or(|project| project.as_str() == key.project_id);
    Ok(file.keys.into_iter().find(fits).map(|key| (key, origin)))
}
