//! `millpond dev`: a server for this project, and what to paste into it.

mod snippets;

use std::io::IsTerminal as _;

use anyhow::ensure;

use crate::{
    args::DevArgs,
    config::{FlagValue, Loaded},
    exit::Exit,
    keys::UserEntry,
    output,
    secret::Secret,
    serve,
    wiring::{Running, Seed},
};
pub use snippets::{Login, Snippets};

/// The user that a development server begins with.
pub const USER: &str = "dev";

/// The stream that a development server begins with.
pub const DEMO_STREAM: &str = "demo";

/// Its partitions: two, so that keys and ranges can be seen at work.
pub const DEMO_PARTITIONS: u32 = 2;

/// Runs a development server.
///
/// # Errors
/// As for `serve`; also an address that others could reach.
pub fn run(args: &DevArgs) -> anyhow::Result<Exit> {
    let mut sources = args.sources.sources();
    sources.development = true;
    if args.require_signature {
        let key = "auth.allow_anonymous".to_owned();
        sources.flags.push(FlagValue { key, text: "false".to_owned(), flag: "--require-signature" });
    }
    let listen = crate::config::load(&sources)?.config.server.listen;
    ensure!(
        listen.ip().is_loopback(),
        "`millpond dev` listens on a loopback address only; use `millpond serve` for {listen}"
    );
    serve::run(&sources, Seed::Demo, &|loaded, running| {
        output::data(&greeting(loaded, running, std::io::stdout().is_terminal()));
    })
}

/// What a ready server tells its developer. Secrets only go to a terminal.
fn greeting(loaded: &Loaded, running: &Running, terminal: bool) -> String {
    let keys = running.keys();
    let key = keys.entries().next();
    let config = &loaded.config;
    let credentials = config.storage.data_dir.join(crate::keys::CREDENTIALS);
    let shown = |name: &str, secret: &Secret| {
        if terminal { secret.expose().to_owned() } else { format!("the {name} in {}", credentials.display()) }
    };
    let login = |user: &UserEntry| Login {
        user: user.name.clone(),
        password: shown("password", &user.password),
        domain: config.identity.domain_name.clone(),
        project_id: user.projects.first().cloned().unwrap_or_default(),
    };
    Snippets {
        endpoint: format!("{}://{}", if running.is_https() { "https" } else { "http" }, running.address()),
        region: config.auth.region.clone(),
        project_id: key.map_or_else(|| "dev".to_owned(), |key| key.project_id.clone()),
        ak: key.map_or_else(|| "none".to_owned(), |key| key.ak.clone()),
        sk: key.map_or_else(|| "none".to_owned(), |key| shown("sk", &key.sk)),
        login: keys.users().next().map(login),
        stream: DEMO_STREAM.to_owned(),
        data_dir: config.storage.data_dir.display().to_string(),
        anonymous: config.auth.allow_anonymous,
    }
    .page()
}
