//! Laying one source of values over the other; every value keeps its origin.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{
    defaults::{CLOUD, PROFILE, SETTINGS, setting},
    setting::{Kind, Setting},
};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The table of defaults.
    Default,
    /// The table of defaults of a profile, by its name.
    Profile(&'static str),
    /// `millpond dev`, which relaxes some defaults.
    Development,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable, by its name.
    Environment(String),
    /// A command-line flag, by its name.
    Flag(&'static str),
    /// Found out at start; the text says how.
    Found(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Development => f.write_str("development mode"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Found(how) => f.write_str(how),
        }
    }
}

/// The text of one setting, and where it comes from.
#[derive(Clone)]
pub struct Value {
    /// The text; may be a secret.
    pub text: String,
    /// Its source.
    pub origin: Origin,
}

/// The layers laid over each other so far, and everything that is wrong with them.
#[derive(Default)]
pub(super) struct Layers {
    pub(super) values: BTreeMap<&'static str, Value>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Layers {
    /// The lowest layer.
    pub(super) fn defaults() -> Self {
        let mut layers = Self::default();
        for setting in SETTINGS {
            layers.set(setting, setting.default.to_owned(), Origin::Default);
        }
        layers
    }

    /// Puts the defaults of the chosen profile in place of those that nobody has changed.
    pub(super) fn profile(&mut self) {
        if self.values.get(PROFILE).is_none_or(|profile| profile.text != CLOUD) {
            return;
        }
        for setting in SETTINGS {
            let is_default =
                self.values.get(setting.key).is_some_and(|value| value.origin == Origin::Default);
            if let Some(text) = setting.cloud.filter(|_| is_default) {
                self.set(setting, text.to_owned(), Origin::Profile(CLOUD));
            }
        }
    }

    /// Sets one value, when it is one.
    pub(super) fn set(&mut self, setting: &'static Setting, text: String, origin: Origin) {
        match setting.check(&text) {
            Ok(()) => drop(self.values.insert(setting.key, Value { text, origin })),
            Err(expected) => {
                let shown = if setting.is_secret() { "the value".to_owned() } else { format!("{text:?}") };
                self.problems.push(format!("{} ({origin}): {shown} is not {expected}", setting.key));
            }
        }
    }

    /// Lays a file over what is there. A file that is not there is an error only when it was asked for.
    pub(super) fn file(&mut self, path: &Path, must_exist: bool) {
        match fs::read_to_string(path) {
            Ok(text) => self.file_text(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {}
            Err(error) => {
                self.problems
                    .push(format!("the configuration file {} cannot be read: {error}", path.display()));
            }
        }
    }

    fn file_text(&mut self, path: &Path, text: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().and_then(|span| text.get(..span.start)).map_or(1, line_of);
                self.problems.push(format!("{} line {line}: {}", path.display(), error.message()));
                return;
            }
        };
        for (section, value) in &table {
            let Some(keys) = value.as_table() else {
                self.unknown(&path.display().to_string(), section);
                continue;
            };
            for (name, value) in keys {
                self.file_value(path, &format!("{section}.{name}"), value);
            }
        }
    }

    fn file_value(&mut self, path: &Path, key: &str, value: &toml::Value) {
        let Some(setting) = setting(key) else {
            return self.unknown(&path.display().to_string(), key);
        };
        match setting.text_of(value) {
            Ok(text) => self.set(setting, text, Origin::File(path.to_owned())),
            Err(expected) => {
                self.problems.push(format!("{key} (file {}): expected {expected}", path.display()));
            }
        }
    }

    /// Lays the environment over what is there. The short name of a setting wins over its long one.
    pub(super) fn environment(&mut self, variables: &BTreeMap<String, String>) {
        for setting in SETTINGS {
            for name in [Some(setting.long_env()), setting.env.map(str::to_owned)].into_iter().flatten() {
                self.variable(setting, &name, variables);
            }
        }
        for name in variables.keys().filter(|name| name.starts_with("MILLPOND_")) {
            self.stray_variable(name);
        }
    }

    fn variable(&mut self, setting: &'static Setting, name: &str, variables: &BTreeMap<String, String>) {
        let file_name = format!("{name}_FILE");
        let file = variables.get(&file_name).filter(|_| has_file_variant(setting));
        match (variables.get(name), file) {
            (Some(_), Some(_)) => {
                self.problems.push(format!("{name} and {file_name} are both set; keep one of them"));
            }
            (Some(text), None) => self.set(setting, text.clone(), Origin::Environment(name.to_owned())),
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => {
                    let text = text.trim_end_matches(['\r', '\n']).to_owned();
                    self.set(setting, text, Origin::Environment(file_name));
                }
                Err(error) => self.problems.push(format!("{file_name}: {path} cannot be read: {error}")),
            },
            (None, None) => {}
        }
    }

    /// Refuses `MILLPOND_SECTION__KEY` that names nothing; warns of a short name that nearly names something.
    fn stray_variable(&mut self, name: &str) {
        let names = || SETTINGS.iter().flat_map(variable_names);
        if names().any(|known| known == name) {
            return;
        }
        let rest = name.trim_start_matches("MILLPOND_");
        if rest.contains("__") {
            self.unknown("environment", &rest.to_lowercase().replacen("__", ".", 1));
        } else if let Some(nearest) = nearest(name, names(), 2) {
            self.warnings.push(format!("{name} is not a setting; did you mean {nearest}?"));
        }
    }

    fn unknown(&mut self, source: &str, key: &str) {
        let keys = || SETTINGS.iter().map(|setting| setting.key.to_owned());
        let sections = || SETTINGS.iter().map(|setting| setting.section().to_owned());
        let nearest = if key.contains('.') { nearest(key, keys(), 6) } else { nearest(key, sections(), 3) };
        let hint = nearest.map_or_else(
            || "see `millpond config reference`".to_owned(),
            |nearest| format!("did you mean {nearest}?"),
        );
        self.problems.push(format!("{source}: there is no setting {key}; {hint}"));
    }
}

/// Secrets may come from a file, and with them the two values that belong to the same key.
fn has_file_variant(setting: &Setting) -> bool {
    setting.kind == Kind::Secret || setting.section() == "bootstrap"
}

/// Every environment variable that sets `setting`.
fn variable_names(setting: &Setting) -> Vec<String> {
    let plain = [Some(setting.long_env()), setting.env.map(str::to_owned)].into_iter().flatten();
    if has_file_variant(setting) {
        plain.flat_map(|name| [format!("{name}_FILE"), name]).collect()
    } else {
        plain.collect()
    }
}

/// The candidate with the fewest edits from `text`, when there are at most `edits_max` of them.
fn nearest(text: &str, candidates: impl Iterator<Item = String>, edits_max: usize) -> Option<String> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(text, &candidate), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of the line that follows `before`, counted from one.
pub(crate) fn line_of(before: &str) -> usize {
    before.matches('\n').count() + 1
}
