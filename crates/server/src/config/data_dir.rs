//! Where the data lives when nobody says so.

use std::{collections::BTreeMap, path::PathBuf};

/// The directory of a service that runs under a system user.
const SYSTEM_DIR: &str = "/var/lib/millpond";

/// The first id that distributions give to people; below it are root and services.
const FIRST_PERSON: u32 = 1000;

/// Whether `user_id` belongs to a service. 65534 is `nobody`, 61184 to 65519 systemd's dynamic users.
pub(super) fn is_system_user(user_id: u32) -> bool {
    user_id < FIRST_PERSON || (61_184..=65_534).contains(&user_id)
}

/// The data directory, and how it was found: systemd's, the system's, the user's.
///
/// `None` for a user without a home.
pub fn resolve(variables: &BTreeMap<String, String>, system_user: bool) -> Option<(PathBuf, &'static str)> {
    let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    if let Some(listed) = variable("STATE_DIRECTORY") {
        // systemd separates several directories by colons; the first is the service's own.
        let first = listed.split(':').next().unwrap_or(listed);
        return Some((first.into(), "systemd (STATE_DIRECTORY)"));
    }
    if system_user {
        return Some((SYSTEM_DIR.into(), "the system's directory (system user)"));
    }
    if let Some(data_home) = variable("XDG_DATA_HOME") {
        return Some((PathBuf::from(data_home).join("millpond"), "the user's directory (XDG_DATA_HOME)"));
    }
    let below_home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    let home = PathBuf::from(variable("HOME")?);
    Some((home.join(below_home).join("millpond"), "the user's directory (HOME)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_applies_is_taken() {
        let check = |variables: &[(&str, &str)], system_user: bool, expected: Option<&str>| {
            let variables =
                variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            let found = resolve(&variables, system_user).map(|(path, _)| path);
            assert_eq!(found, expected.map(PathBuf::from), "{variables:?}");
        };
        check(&[("STATE_DIRECTORY", "/var/lib/mp:/b"), ("HOME", "/h")], true, Some("/var/lib/mp"));
        check(&[("HOME", "/root")], true, Some("/var/lib/millpond"));
        check(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")], false, Some("/x/millpond"));
        check(&[("XDG_DATA_HOME", "")], false, None);
        if cfg!(target_os = "linux") {
            check(&[("HOME", "/h")], false, Some("/h/.local/share/millpond"));
        }
    }

    #[test]
    fn people_are_no_system_users() {
        for (id, expected) in
            [(0, true), (999, true), (1000, false), (60_000, false), (65_534, true), (65_532, true)]
        {
            assert_eq!(is_system_user(id), expected, "{id}");
        }
    }
}
