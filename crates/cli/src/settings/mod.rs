//! Where the server is and who asks: flags, then the environment, then the keys of a development server
//! in this directory.

mod development;

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use millpond_client::Credentials;
use millpond_model::ProjectId;
use millpond_wire::signing::SecretKey;

use crate::{failure::Failure, global::GlobalArgs, output::Format};

const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:7347";

/// Variables of one origin: access key, secret key, file of the secret key, token of a temporary key.
const FAMILIES: [[Option<&str>; 4]; 3] = [
    [Some("MILLPOND_AK"), Some("MILLPOND_SK"), Some("MILLPOND_SK_FILE"), Some("MILLPOND_SECURITY_TOKEN")],
    [Some("HUAWEICLOUD_SDK_AK"), Some("HUAWEICLOUD_SDK_SK"), None, Some("HUAWEICLOUD_SDK_SECURITY_TOKEN")],
    [Some("HW_ACCESS_KEY"), Some("HW_SECRET_KEY"), None, Some("HW_SECURITY_TOKEN")],
];

/// What the settings depend on beside the flags. Tests make their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: env::vars_os().filter_map(text).collect(), directory: PathBuf::from(".") }
    }

    /// Nothing but a directory in which a development server may have its keys.
    pub(crate) fn of_directory(directory: &std::path::Path) -> Self {
        Self { variables: BTreeMap::new(), directory: directory.to_owned() }
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)], directory: &std::path::Path) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { variables: variables.collect(), directory: directory.to_owned() }
    }

    /// A variable that is set and not empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| self.get(name).map(|value| (*name, value)))
    }

    /// The form of the output that is asked for.
    ///
    /// # Errors
    /// `MILLPOND_OUTPUT` names none.
    pub(crate) fn output(&self) -> Result<Option<Format>, Failure> {
        use clap::ValueEnum as _;
        let parse = |text: &str| {
            let expected = "table, json, jsonl, tsv or name";
            Format::from_str(text, true)
                .map_err(|_| Failure::usage(format!("MILLPOND_OUTPUT is {text:?}; {expected} is expected")))
        };
        self.get("MILLPOND_OUTPUT").map(parse).transpose()
    }
}

/// Everything that a client is made from.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: String,
    pub(crate) project: ProjectId,
    pub(crate) credentials: Credentials,
    /// Where the credentials come from.
    pub(crate) origin: String,
    pub(crate) region: Option<String>,
    pub(crate) certificates: Vec<u8>,
}

impl Settings {
    /// Lays flags over the environment.
    ///
    /// # Errors
    /// Usage: no project, a key without its secret, a file that cannot be read.
    pub(crate) fn resolve(args: &GlobalArgs, environment: &Environment) -> Result<Self, Failure> {
        let endpoint = args.endpoint.as_deref().or_else(|| environment.get("MILLPOND_ENDPOINT"));
        let endpoint = endpoint.unwrap_or(ENDPOINT_DEFAULT).to_owned();
        let project = project(args, environment)?;
        let (credentials, origin, project) = match credentials(args, environment)? {
            Some((credentials, origin)) => (credentials, origin, project),
            None => match development::key(environment, &endpoint, project.as_ref())? {
                Some((key, origin)) => {
                    let own = key
                        .project_id
                        .parse()
                        .map_err(|error| Failure::usage(format!("{origin}: {}: {error}", key.project_id)))?;
                    (key.into_credentials(), origin, Some(own))
                }
                None => (Credentials::None, "none, requests are not signed".to_owned(), project),
            },
        };
        let project = project.ok_or_else(|| {
            Failure::usage("no project is named").hint(
                "give --project or set MILLPOND_PROJECT_ID; in the directory of `millpond dev` neither is needed",
            )
        })?;
        let region = args.region.as_deref().or_else(|| environment.get("MILLPOND_REGION"));
        Ok(Self {
            endpoint,
            project,
            credentials,
            origin,
            region: region.map(str::to_owned),
            certificates: certificates(args, environment)?,
        })
    }
}

fn project(args: &GlobalArgs, environment: &Environment) -> Result<Option<ProjectId>, Failure> {
    if args.project.is_some() {
        return Ok(args.project.clone());
    }
    let named = environment.first(&["MILLPOND_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID"]);
    let parse = |(name, text): (&str, &str)| {
        text.parse().map_err(|error| Failure::usage(format!("{name} is {text:?}: {error}")))
    };
    named.map(parse).transpose()
}

fn certificates(args: &GlobalArgs, environment: &Environment) -> Result<Vec<u8>, Failure> {
    let path = args.ca_cert.clone().or_else(|| environment.get("MILLPOND_CA_CERT").map(PathBuf::from));
    let Some(path) = path else { return Ok(Vec::new()) };
    fs::read(&path).map_err(|error| {
        Failure::io(format_args!("cannot read the certificates {}", path.display()), &error)
            .exit(crate::Exit::Usage)
    })
}

/// The credentials that flags or variables name. A key and its secret come from one origin, so that the
/// halves of two keys are never put together; only flags may complete what the environment names.
fn credentials(
    args: &GlobalArgs,
    environment: &Environment,
) -> Result<Option<(Credentials, String)>, Failure> {
    let token = environment.get("MILLPOND_TOKEN");
    if let (Some(token), None, None) = (token, &args.access_key, &args.secret_key) {
        return Ok(Some((Credentials::Token(SecretKey::new(token)), "MILLPOND_TOKEN".to_owned())));
    }
    for [ak, sk, sk_file, security_token] in FAMILIES {
        let variable = |name: Option<&'static str>| name.and_then(|name| environment.get(name));
        let named_here = variable(ak).is_some();
        let Some(access_key) = args.access_key.as_deref().or(variable(ak)) else { continue };
        let secret_key = match (&args.secret_key, variable(sk), variable(sk_file)) {
            (Some(secret), _, _) => Some(secret.clone()),
            (None, Some(secret), _) => Some(SecretKey::new(secret)),
            (None, None, Some(path)) => Some(secret_of_file(path)?),
            (None, None, None) => None,
        };
        let origin = if args.access_key.is_some() { "--access-key" } else { ak.unwrap_or_default() };
        match secret_key {
            Some(secret_key) => {
                let security_token = variable(security_token).map(SecretKey::new);
                let credentials =
                    Credentials::AccessKey { access_key: access_key.to_owned(), secret_key, security_token };
                return Ok(Some((credentials, origin.to_owned())));
            }
            None if named_here && args.access_key.is_none() => {
                let missing = sk.unwrap_or_default();
                return Err(Failure::usage(format!("{origin} is set, but {missing} is not")));
            }
            None => {}
        }
    }
    match (&args.access_key, &args.secret_key) {
        (Some(_), _) => {
            Err(Failure::usage("--access-key needs a secret: set MILLPOND_SK or MILLPOND_SK_FILE"))
        }
        (None, Some(_)) => Err(Failure::usage("--secret-key needs --access-key or MILLPOND_AK")),
        (None, None) => Ok(None),
    }
}

fn secret_of_file(path: &str) -> Result<SecretKey, Failure> {
    let cannot = |error| {
        Failure::io(format_args!("cannot read {path}, which MILLPOND_SK_FILE names"), &error)
            .exit(crate::Exit::Usage)
    };
    let text = fs::read_to_string(path).map_err(cannot)?;
    Ok(SecretKey::new(text.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests;
