//! The sources of configuration, and loading from them.

use std::{
    collections::BTreeMap,
    env, fmt,
    path::{Path, PathBuf},
};

use super::{
    Config, Origin, Setting, Value, data_dir,
    defaults::{SETTINGS, setting},
    layers::Layers,
};

/// The file that is read on every system, when it is there.
pub const SYSTEM_FILE: &str = "/etc/millpond/config.toml";

/// One value given on the command line.
#[derive(Clone, Debug)]
pub struct FlagValue {
    /// The setting, `section.key`.
    pub key: String,
    /// Its text.
    pub text: String,
    /// The flag, for the origin.
    pub flag: &'static str,
}

/// Everything that configuration depends on. Tests make their own.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Read when it is there.
    pub system_file: Option<PathBuf>,
    /// `--config`; before `MILLPOND_CONFIG`.
    pub file: Option<PathBuf>,
    /// `MILLPOND_*`, `STATE_DIRECTORY`, `XDG_DATA_HOME`, `HOME`.
    pub variables: BTreeMap<String, String>,
    /// The command line.
    pub flags: Vec<FlagValue>,
    /// `millpond dev`: project-local, relaxed, without the system's file.
    pub development: bool,
    /// Whether the process runs as a system user.
    pub system_user: bool,
}

impl Sources {
    /// The sources of this process.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<FlagValue>) -> Self {
        let variables = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let ours = |name: &str| {
            name.starts_with("MILLPOND_") || ["STATE_DIRECTORY", "XDG_DATA_HOME", "HOME"].contains(&name)
        };
        Self {
            system_file: Some(SYSTEM_FILE.into()),
            file,
            variables: variables
                .filter(|(name, _)| ours(name))
                .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
                .collect(),
            flags,
            development: false,
            system_user: data_dir::is_system_user(rustix::process::getuid().as_raw()),
        }
    }

    /// The file that was asked for, by flag or by variable.
    pub fn named_file(&self) -> Option<PathBuf> {
        self.file.clone().or_else(|| self.variables.get("MILLPOND_CONFIG").map(PathBuf::from))
    }
}

/// A configuration that holds, and how it came to be.
pub struct Loaded {
    /// The values, typed.
    pub config: Config,
    /// The values as text, each with its origin.
    pub values: BTreeMap<&'static str, Value>,
    /// What is odd but not wrong.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// The settings whose text differs in `newer`, with what that takes.
    pub fn changes(&self, newer: &Self) -> Vec<&'static Setting> {
        let text = |loaded: &Self, key| loaded.values.get(key).map(|value| value.text.clone());
        SETTINGS.iter().filter(|setting| text(self, setting.key) != text(newer, setting.key)).collect()
    }

    /// The values that are not the defaults.
    pub fn chosen(&self) -> impl Iterator<Item = (&'static Setting, &Value)> {
        SETTINGS
            .iter()
            .filter_map(|setting| Some((setting, self.values.get(setting.key)?)))
            .filter(|(_, value)| value.origin != Origin::Default)
    }
}

/// Everything that is wrong with a configuration, one sentence each.
#[derive(Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not valid")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// Lays all sources over each other and checks the result.
///
/// # Errors
/// All problems at once, so that one look at the message repairs the file.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    let mut layers = Layers::defaults();
    if sources.development {
        development(&mut layers);
    } else if let Some(path) = &sources.system_file {
        layers.file(path, false);
    }
    if let Some(path) = sources.named_file() {
        layers.file(&path, true);
    }
    layers.environment(&known_elsewhere(&sources.variables));
    for flag in &sources.flags {
        match setting(&flag.key) {
            Some(setting) => layers.set(setting, flag.text.clone(), Origin::Flag(flag.flag)),
            None => layers.problems.push(format!("{}: there is no setting {}", flag.flag, flag.key)),
        }
    }
    layers.profile();
    find_data_dir(&mut layers, sources);
    let Layers { values, mut problems, warnings } = layers;
    if problems.is_empty() {
        match Config::from_values(&values) {
            Ok(config) => {
                config.check(&mut problems);
                if problems.is_empty() {
                    return Ok(Loaded { config, values, warnings });
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    Err(Problems(problems))
}

/// `MILLPOND_CONFIG` names the file, it is no setting of its own.
fn known_elsewhere(variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    variables
        .iter()
        .filter(|(name, _)| *name != "MILLPOND_CONFIG")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// What `millpond dev` relaxes, and the user that it begins with.
fn development(layers: &mut Layers) {
    let relaxed = [
        ("storage.data_dir", "./.millpond"),
        ("auth.allow_anonymous", "true"),
        ("bootstrap.user", crate::dev::USER),
        ("log.level", "warn"),
    ];
    for (key, text) in relaxed {
        if let Some(setting) = setting(key) {
            layers.set(setting, text.to_owned(), Origin::Development);
        }
    }
}

fn find_data_dir(layers: &mut Layers, sources: &Sources) {
    let Some(setting) = setting("storage.data_dir") else { return };
    if layers.values.get(setting.key).is_some_and(|value| !value.text.is_empty()) {
        return;
    }
    match data_dir::resolve(&sources.variables, sources.system_user) {
        Some((path, how)) => layers.set(setting, path.to_string_lossy().into_owned(), Origin::Found(how)),
        None => layers.problems.push("no data directory: name one with --data-dir".to_owned()),
    }
}

/// A path that is set; empty text means none.
pub(super) fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| Path::new(text).to_owned())
}
