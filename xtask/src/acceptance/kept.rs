//! What the last run says of single calls, kept in a file for each client until the next run.

use std::{fmt::Write, fs, io::ErrorKind, path::PathBuf};

use anyhow::Context;

use super::{CLIENTS, Client, calls, transcript::Transcript};
use crate::{rows::Row, workspace::Workspace};

/// One client and its last run.
pub struct Last {
    /// The client, for people.
    pub client: String,
    /// What its run said of single calls; none without a complete run.
    pub rows: Option<Vec<Row>>,
}

/// The last run of each client.
///
/// # Errors
/// What a run has left cannot be read.
pub fn last_rows(workspace: &Workspace) -> anyhow::Result<Vec<Last>> {
    let mut all = Vec::new();
    for client in CLIENTS {
        let rows = match fs::read_to_string(file(workspace, &client)) {
            Ok(text) => Some(Row::parse_all(&text)?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        all.push(Last { client: format!("the {} Python SDK", client.name), rows });
    }
    Ok(all)
}

/// Keeps what a run says; a run that broke off leaves nothing, not even of earlier ones.
pub(super) fn keep(
    workspace: &Workspace,
    client: &Client,
    transcript: Option<&Transcript>,
) -> anyhow::Result<()> {
    let file = file(workspace, client);
    let Some(transcript) = transcript else {
        return match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        };
    };
    let pins = fs::read_to_string(workspace.root().join(client.requirements))?;
    let library = library(&pins).with_context(|| format!("{} pins nothing", client.requirements))?;
    let mut lines = String::new();
    for row in calls::rows(client.name, &library, transcript) {
        writeln!(lines, "{row}")?;
    }
    Ok(fs::write(file, lines)?)
}

fn file(workspace: &Workspace, client: &Client) -> PathBuf {
    workspace.compat().join(format!("rows-{}.tsv", client.name))
}

/// Name and version of the first package in `requirements`, the library under test.
fn library(requirements: &str) -> Option<String> {
    let pin = requirements.lines().find(|line| !line.starts_with('#'))?;
    let (name, version) = pin.split_once("==")?;
    Some(format!("{} {}", name.trim(), version.trim()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_first_pin_is_the_library() {
        assert_eq!(library("# pins\nsdk==1.2\nother==3\n").as_deref(), Some("sdk 1.2"));
        assert_eq!(library("# pins\n"), None);
        for client in CLIENTS {
            let pins = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(client.requirements);
            let library = library(&fs::read_to_string(pins).unwrap()).expect(client.name);
            assert!(library.starts_with("huaweicloud") && library.contains(' '), "{library}");
        }
    }
}
