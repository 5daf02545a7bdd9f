//! `millpond config`.

use crate::{
    args::{ConfigArgs, ConfigCommand, Output},
    config::{self, Loaded, Origin},
    exit::Exit,
    output,
};

/// Runs one verb.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<Exit> {
    match &args.command {
        ConfigCommand::Print { sources, origin, output: form } => {
            print(config::load(&sources.sources())?, *origin, *form);
        }
        ConfigCommand::Check { sources } => {
            let loaded = config::load(&sources.sources())?;
            loaded.warnings.iter().for_each(output::note);
            output::note("the configuration is valid");
        }
        ConfigCommand::Init => output::data(&config::init_file()),
        ConfigCommand::Reference => output::data(&config::reference()),
    }
    Ok(Exit::Ok)
}

/// Without `--origin` only what was chosen is shown, with it everything.
fn print(mut loaded: Loaded, origin: bool, form: Output) {
    loaded.warnings.iter().for_each(output::note);
    if !origin {
        loaded.values.retain(|_, value| value.origin != Origin::Default);
    }
    output::data(&match form {
        Output::Table => config::origins_table(&loaded.values),
        Output::Json => config::origins_json(&loaded.values),
    });
}
