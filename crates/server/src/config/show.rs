//! The configuration as text: with origins, as a file to begin with, as a reference.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::json;

use super::{
    Value,
    defaults::SETTINGS,
    setting::{Applies, Kind, Setting},
};
use crate::output;

/// What is shown in place of a secret.
const REDACTED: &str = "(redacted)";

/// A value as it may be shown: secrets only as being there.
pub(crate) fn shown(setting: &Setting, text: &str) -> String {
    if setting.is_secret() && !text.is_empty() { REDACTED.to_owned() } else { text.to_owned() }
}

fn rows(values: &BTreeMap<&'static str, Value>) -> impl Iterator<Item = (&'static Setting, String, String)> {
    SETTINGS.iter().filter_map(|setting| {
        let value = values.get(setting.key)?;
        Some((setting, shown(setting, &value.text), value.origin.to_string()))
    })
}

/// One line per setting: name, value, origin.
pub fn origins_table(values: &BTreeMap<&'static str, Value>) -> String {
    let rows = rows(values).map(|(setting, text, origin)| {
        let text = if text.is_empty() { "-".to_owned() } else { text };
        [setting.key.to_owned(), text, origin]
    });
    output::columns(["SETTING", "VALUE", "ORIGIN"], rows)
}

/// The same as one JSON document: `[{"key", "value", "origin"}]`; an unset value is null.
pub fn origins_json(values: &BTreeMap<&'static str, Value>) -> String {
    let rows: Vec<_> = rows(values)
        .map(|(setting, text, origin)| {
            let value = (!text.is_empty()).then_some(text);
            json!({ "key": setting.key, "value": value, "origin": origin })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(rows))
}

/// A value the way a TOML file writes it.
fn toml_text(setting: &Setting, text: &str) -> String {
    match setting.kind {
        Kind::Flag | Kind::Count(..) => text.to_owned(),
        Kind::List if text.is_empty() => "[]".to_owned(),
        Kind::List => {
            format!("[{}]", text.split(',').map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", "))
        }
        Kind::Quota(_) if text.parse::<u64>().is_ok() => text.to_owned(),
        _ => format!("{text:?}"),
    }
}

/// A commented file with what people usually change. As written it changes nothing.
pub fn init_file() -> String {
    let mut out = String::from(
        "# Configuration of millpond. Every line that is commented out shows the default.\n\
         # All settings: `millpond config reference`. What is in force: `millpond config print --origin`.\n",
    );
    let mut section = "";
    for setting in SETTINGS.iter().filter(|setting| setting.common) {
        if setting.section() != section {
            section = setting.section();
            let _ = write!(out, "\n[{section}]\n");
        }
        let value = toml_text(setting, setting.default);
        let _ = write!(out, "# {}\n# {} = {value}\n", setting.why, setting.name());
    }
    out
}

/// The reference of all settings, in Markdown.
pub fn reference() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         Written by `millpond config reference`; a test compares it with the table in the program.\n\n\
         Values come from the defaults below, `/etc/millpond/config.toml`, the file of `--config` or\n\
         `MILLPOND_CONFIG`, the environment, and flags; a later source wins, value by value. Every setting has\n\
         the variable `MILLPOND_SECTION__KEY` and can be given as `--set section.key=value`; the shorter names are\n\
         listed. Sizes and time spans need a unit (`64MiB`, `5m`). Where a second default stands behind *cloud*, it is the
         one of profile `cloud`, see [limits](#limits). Unknown names are refused. Secrets can also be\n\
         read from a file named by the variable with `_FILE` appended. SIGHUP applies what is marked *reload*.\n\n\
         ```sh\n\
         millpond config init > config.toml     # a file to begin with\n\
         millpond config check --config config.toml\n\
         millpond config print --origin         # every value and where it comes from\n\
         ```\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        if setting.section() != section {
            section = setting.section();
            let _ = write!(
                out,
                "\n## [{section}]\n\n| Key | Default | Allowed | Short names | Meaning |\n|---|---|---|---|---|\n"
            );
        }
        out.push_str(&reference_row(setting));
    }
    out
}

fn reference_row(setting: &Setting) -> String {
    let default = match (setting.default, setting.cloud) {
        ("", _) => "unset".to_owned(),
        (text, None) => format!("`{text}`"),
        (text, Some(cloud)) => format!("`{text}`; cloud `{cloud}`"),
    };
    let names: Vec<_> = setting.flag.iter().chain(&setting.env).map(|name| format!("`{name}`")).collect();
    let reload = if setting.applies == Applies::Reload { " *reload*" } else { "" };
    let (name, allowed, names, why) = (setting.name(), setting.kind.expected(), names.join(" "), setting.why);
    format!("| `{name}` | {default} | {allowed} | {names} | {why}{reload} |\n")
}
