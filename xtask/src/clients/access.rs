//! How clients come in: by signature, by a token, or by a password.

use std::{ffi::OsString, fs, path::Path};

use anyhow::Context;

use crate::server::{Credentials, REGION, random_hex};

/// The user that clients log in as, and the domain that all users of the server are in.
const USER: &str = "compat";
const DOMAIN: &str = "Default";

/// All that a client program may prove itself with, for one project.
pub(super) struct Access {
    pub credentials: Credentials,
    /// Good as `X-Auth-Token` without logging in (spec/01 §8).
    token: String,
    /// Of the user, to log in with.
    password: String,
}

impl Access {
    /// Values nobody used before.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn random() -> anyhow::Result<Self> {
        let credentials = Credentials::random()?;
        Ok(Self { credentials, token: random_hex::<16>()?, password: random_hex::<16>()? })
    }

    /// Writes the token and the user into a file in `folder`; the server's arguments that name it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn server_arguments(&self, folder: &Path) -> anyhow::Result<Vec<OsString>> {
        let file = folder.join("keys.toml");
        fs::write(&file, self.keys()?).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(vec!["--keys-file".into(), file.into()])
    }

    /// A keys file. A token belongs to a key, hence one more of those, which nobody uses.
    fn keys(&self) -> anyhow::Result<String> {
        let (key, secret) = (random_hex::<10>()?, random_hex::<20>()?);
        let Self { credentials, token, password } = self;
        let project = &credentials.project_id;
        Ok(format!(
            "[[key]]\nproject_id = \"{project}\"\nak = \"{key}\"\nsk = \"{secret}\"\ntoken = \"{token}\"\n\n\
             [[user]]\nname = \"{USER}\"\npassword = \"{password}\"\nprojects = [\"{project}\"]\n"
        ))
    }

    /// The variables that tell a program where the server is and who it may be.
    pub fn variables(&self, endpoint: &str) -> Vec<(&'static str, String)> {
        vec![
            ("MILLPOND_ENDPOINT", endpoint.to_owned()),
            ("MILLPOND_REGION", REGION.to_owned()),
            ("MILLPOND_PROJECT_ID", self.credentials.project_id.clone()),
            ("MILLPOND_ACCESS_KEY", self.credentials.access_key.clone()),
            ("MILLPOND_SECRET_KEY", self.credentials.secret_key.clone()),
            ("MILLPOND_TOKEN", self.token.clone()),
            ("MILLPOND_IDENTITY_ENDPOINT", format!("{endpoint}/v3")),
            ("MILLPOND_USER", USER.to_owned()),
            ("MILLPOND_PASSWORD", self.password.clone()),
            ("MILLPOND_DOMAIN", DOMAIN.to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_file_has_the_values_that_programs_get() {
        let access = Access::random().unwrap();
        let file: toml::Table = access.keys().unwrap().parse().unwrap();
        let entry = |kind: &str| file[kind].as_array().unwrap()[0].clone();
        let variables = access.variables("http://127.0.0.1:1");
        let value = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            toml::Value::String(found.expect(name).1.clone())
        };
        assert_eq!(entry("key")["token"], value("MILLPOND_TOKEN"));
        assert_eq!(entry("key")["project_id"], value("MILLPOND_PROJECT_ID"));
        assert_ne!(entry("key")["ak"], value("MILLPOND_ACCESS_KEY"));
        assert_eq!(entry("user")["name"], value("MILLPOND_USER"));
        assert_eq!(entry("user")["password"], value("MILLPOND_PASSWORD"));
        assert_eq!(entry("user")["projects"][0], value("MILLPOND_PROJECT_ID"));
        assert!(variables.iter().all(|(name, value)| name.starts_with("MILLPOND_") && !value.is_empty()));
    }
}
