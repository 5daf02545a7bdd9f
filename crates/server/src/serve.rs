//! Running a server until a signal ends it.

use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};
use tracing::{error, info, warn};

use crate::{
    config::{self, Loaded, Sources},
    exit::Exit,
    keys,
    logging::{self, Logging},
    port_file,
    signals::{Request, Signals},
    wiring::{self, Running, Seed},
};

/// How long file work that outlives the drain may hold up the exit.
const LAST_WORK: Duration = Duration::from_secs(1);

/// Told once the server is ready.
pub type Greeting<'a> = &'a dyn Fn(&Loaded, &Running);

/// The greeting of `serve`: only a new key and a new user are shown, and only to a person.
pub fn quiet(loaded: &Loaded, running: &Running) {
    use std::io::IsTerminal as _;
    if !std::io::stdout().is_terminal() {
        return;
    }
    let file = loaded.config.storage.data_dir.join(keys::CREDENTIALS);
    let once = format!("was created. This is the only time it is shown; it is kept in {}.", file.display());
    if let Some(key) = running.created_key() {
        crate::output::data(&format!(
            "An access key {once}\nproject_id  {}\nak          {}\nsk          {}\n",
            key.project_id,
            key.ak,
            key.sk.expose(),
        ));
    }
    if let Some(user) = running.created_user() {
        let (name, password) = (&user.name, user.password.expose());
        crate::output::data(&format!("A user {once}\nuser        {name}\npassword    {password}\n"));
    }
}

/// Runs a server with the configuration of `sources`.
///
/// # Errors
/// The configuration is not valid, or the server cannot start.
pub fn run(sources: &Sources, seed: Seed, greeting: Greeting<'_>) -> anyhow::Result<Exit> {
    let loaded = config::load(sources)?;
    let logging = logging::start(&loaded.config.log)?;
    say_what_is_configured(&loaded);
    let runtime = runtime()?;
    let exit = runtime.block_on(serve(sources, loaded, seed, &logging, greeting));
    runtime.shutdown_timeout(LAST_WORK);
    exit
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name("millpond")
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

fn say_what_is_configured(loaded: &Loaded) {
    for (setting, value) in loaded.chosen() {
        let text = config::shown(setting, &value.text);
        info!(setting = setting.key, value = text, origin = %value.origin, "configured");
    }
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
}

async fn serve(
    sources: &Sources,
    mut loaded: Loaded,
    seed: Seed,
    logging: &Logging,
    greeting: Greeting<'_>,
) -> anyhow::Result<Exit> {
    let mut signals = Signals::take_over().context("cannot handle signals")?;
    let port_path = loaded.config.server.port_file.clone();
    // A server that is there already keeps its file; this start will be refused.
    if let Some(path) = port_path.as_ref().filter(|_| keys::is_free(&loaded.config.storage.data_dir)) {
        port_file::clear(path).with_context(|| format!("cannot replace the port file {}", path.display()))?;
    }
    let mut running = tokio::select! {
        biased;
        name = signals.stop() => {
            info!(signal = name, "stopped before it was ready");
            return Ok(Exit::Ok);
        }
        running = wiring::start(&loaded.config, seed) => running?,
    };
    if let Some(path) = &port_path {
        let port = running.address().port();
        port_file::write(path, port)
            .with_context(|| format!("cannot write the port file {}", path.display()))?;
    }
    info!(port = running.address().port(), "ready");
    greeting(&loaded, &running);
    let name = loop {
        let request = tokio::select! {
            failure = running.storage_failed() => {
                error!(error = &failure as &dyn std::error::Error, "stopping: restart to go on from what is on disk");
                // Requests under way get their answers; what was acknowledged is on disk already.
                tokio::time::sleep(LAST_WORK).await;
                return Ok(Exit::StorageFailed);
            }
            request = signals.next() => request,
        };
        match request {
            Request::Stop(name) => break name,
            Request::Reload => reload(sources, &mut loaded, &mut running, logging),
        }
    };
    info!(signal = name, "draining");
    tokio::select! {
        biased;
        stopped = running.stop() => {
            stopped?;
            info!("stopped");
            Ok(Exit::Ok)
        }
        name = signals.stop() => {
            warn!(signal = name, "forced to stop; what was acknowledged is on disk");
            Ok(Exit::Failure)
        }
    }
}

fn reload(sources: &Sources, loaded: &mut Loaded, running: &mut Running, logging: &Logging) {
    match config::load(sources) {
        Ok(newer) => {
            running.reload(loaded, &newer, logging);
            *loaded = newer;
        }
        Err(problems) => tracing::error!("{problems}; everything stays as it was"),
    }
}
