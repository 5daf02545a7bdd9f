//! `millpond key`: the keys of a data directory, whether a server runs on it or not.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use crate::{
    args::{KeyArgs, KeyCommand, KeyCommon, Output},
    config,
    exit::Exit,
    keys::{self, KeyEntry, NewKey},
    output,
};

/// Runs one verb.
pub(crate) fn run(args: KeyArgs) -> anyhow::Result<Exit> {
    match args.command {
        KeyCommand::Create { project_id, ak, common } => {
            let data_dir = data_dir(&common)?;
            crate::wiring::make_data_dir(&data_dir)?;
            let key = keys::create(&data_dir, NewKey { project_id, ak, sk: None })?;
            output::data(&created(&key, common.output));
            tell_server(&data_dir)?;
        }
        KeyCommand::List { common } => {
            output::data(&listed(&keys::list(&data_dir(&common)?)?, common.output));
        }
        KeyCommand::Revoke { ak, common } => {
            let data_dir = data_dir(&common)?;
            keys::revoke(&data_dir, &ak)?;
            output::note(format_args!("revoked {ak}"));
            tell_server(&data_dir)?;
        }
    }
    Ok(Exit::Ok)
}

fn data_dir(common: &KeyCommon) -> anyhow::Result<std::path::PathBuf> {
    Ok(config::load(&common.sources())?.config.storage.data_dir)
}

fn tell_server(data_dir: &Path) -> anyhow::Result<()> {
    let told = keys::notify_server(data_dir)
        .context("the keys are changed, but the running server could not be told; send it SIGHUP")?;
    output::note(if told {
        "the running server reads its keys again"
    } else {
        "no server runs on this directory"
    });
    Ok(())
}

/// The new key, with its secret.
fn created(key: &KeyEntry, form: Output) -> String {
    let (project_id, ak, sk) = (&key.project_id, &key.ak, key.sk.expose());
    match form {
        Output::Table => format!("project_id  {project_id}\nak          {ak}\nsk          {sk}\n"),
        Output::Json => format!("{:#}\n", json!({ "project_id": project_id, "ak": ak, "sk": sk })),
    }
}

/// The keys without their secrets.
fn listed(keys: &[KeyEntry], form: Output) -> String {
    match form {
        Output::Table => {
            let rows = keys.iter().map(|key| [key.ak.clone(), key.project_id.clone()]);
            output::columns(["AK", "PROJECT"], rows)
        }
        Output::Json => {
            let rows: Vec<_> =
                keys.iter().map(|key| json!({ "ak": key.ak, "project_id": key.project_id })).collect();
            format!("{:#}\n", serde_json::Value::Array(rows))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn only_creation_shows_the_secret() {
        let key = KeyEntry {
            project_id: "p".into(),
            ak: "AK".into(),
            sk: Secret::new("s3cret".into()),
            token: Some(Secret::new("t0ken".into())),
            security_token: None,
            expires_at: None,
        };
        for form in [Output::Table, Output::Json] {
            assert!(created(&key, form).contains("s3cret"));
            let listed = listed(std::slice::from_ref(&key), form);
            assert!(
                listed.contains("AK") && !listed.contains("s3cret") && !listed.contains("t0ken"),
                "{listed}"
            );
        }
    }
}
