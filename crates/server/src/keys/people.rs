//! Users, who log in with a password, and the names of projects (spec/01 §8).

use serde::{Deserialize, Serialize};

use super::entry::{check_project_id, is_line};
use crate::secret::Secret;

/// Longest name of a user or a project, in characters. The cloud allows 64.
const NAME_CHARS_MAX: usize = 255;

/// Somebody who may log in. `Debug` does not show what is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// The name.
    pub name: String,
    /// The password, as it is: see `millpond_http_api::User`.
    pub password: Secret,
    /// The projects it reaches; the first is that of a login that names none.
    pub projects: Vec<String>,
}

/// The name of a project, for clients that ask for one by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectEntry {
    /// The project.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl UserEntry {
    /// Checks what a file may get wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        if !is_line(self.password.expose()) {
            return Err("password: a text in one line, not empty, is expected".to_owned());
        }
        if self.projects.is_empty() {
            return Err("projects: the id of at least one project is expected".to_owned());
        }
        self.projects.iter().try_for_each(|project| check_project_id("projects", project))
    }
}

impl ProjectEntry {
    /// Checks what a file may get wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        check_project_id("id", &self.id)?;
        check_name(&self.name)
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if is_line(name) && name.chars().count() <= NAME_CHARS_MAX {
        return Ok(());
    }
    Err(format!("name: a text in one line of at most {NAME_CHARS_MAX} characters, not empty, is expected"))
}
