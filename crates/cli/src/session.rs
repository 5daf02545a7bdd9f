//! What every command works with: a client and an output.

use std::sync::Arc;

use millpond_client::{Client, Event, Observer};

use crate::{
    failure::Failure,
    global::GlobalArgs,
    output::{self, Output},
    settings::{Environment, Settings},
};

/// A command at work.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) out: Output,
    /// Deletions need no confirmation.
    pub(crate) yes: bool,
}

/// A client as the flags and the environment ask for it. Nothing is sent yet.
///
/// # Errors
/// Usage: settings that are missing or wrong.
pub(crate) fn client(args: &GlobalArgs, environment: &Environment, out: &Output) -> Result<Client, Failure> {
    let settings = Settings::resolve(args, environment)?;
    if args.verbose > 0 {
        let Settings { endpoint, project, origin, .. } = &settings;
        out.note(format_args!("{endpoint}, project {project}, credentials: {origin}"));
    }
    client_of(settings, args)
}

/// A client with these settings.
///
/// # Errors
/// Usage: settings that are wrong.
pub(crate) fn client_of(settings: Settings, args: &GlobalArgs) -> Result<Client, Failure> {
    let mut builder = Client::builder(settings.endpoint, settings.project)
        .credentials(settings.credentials)
        .certificates(settings.certificates);
    if let Some(region) = settings.region {
        builder = builder.region(region);
    }
    if let Some(timeout) = args.timeout {
        builder = builder.timeout(timeout);
    }
    if let Some(observer) = observer(args) {
        builder = builder.observer(observer);
    }
    Ok(builder.build()?)
}

fn observer(args: &GlobalArgs) -> Option<Observer> {
    let (verbosity, show_curl) = (args.verbose, args.show_curl);
    (verbosity > 0 || show_curl).then(|| {
        Arc::new(move |event: &Event<'_>| output::request::show(event, verbosity, show_curl)) as Observer
    })
}
