//! `millpond backup` and `millpond restore`.

use std::{
    path::{Path, absolute},
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::Context as _;
use bytesize::ByteSize;
use millpond_engine::{OsEntropy, SystemClock};
use millpond_engine_local::{
    LocalEngine, OpenError, Settings,
    backup::{Options, restore},
};
use millpond_seglog::disk::Open;
use serde_json::json;

use super::{BackupArgs, RestoreArgs, check, disk, meter::Meter, now};
use crate::{
    args::Output,
    config,
    control::{Done, Request, ask},
    exit::Exit,
    output,
};

/// Runs `millpond backup`.
pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<Exit> {
    let data_dir = config::load(&args.sources())?.config.storage.data_dir;
    let to = absolute(&args.to).with_context(|| format!("{} is no path", args.to.display()))?;
    let request = Request::Backup { to: to.clone(), with_credentials: args.with_credentials };
    let mut meter = Meter::new();
    let asked = ask(&data_dir, &request, |progress| meter.show(progress))?;
    let (done, by_server) = match asked {
        Some(done) => (done, true),
        None => (without_server(&data_dir, &to, args.with_credentials, &mut meter)?, false),
    };
    drop(meter);
    output::data(&shown(&done, &to, by_server, args.output));
    Ok(Exit::Ok)
}

/// Copies a directory that no server uses: opens it as a server would, and closes it.
fn without_server(
    data_dir: &Path,
    to: &Path,
    with_credentials: bool,
    meter: &mut Meter,
) -> anyhow::Result<Done> {
    let failed = || format!("cannot back up {}", data_dir.display());
    // Opening would make a directory where there is none.
    if disk().open(&data_dir.join("FORMAT"), Open::Reading).is_err() {
        return Err(OpenError::NotADataDirectory).with_context(failed);
    }
    let settings = Settings { threads: false, ..Settings::default() };
    let parts = (Arc::new(SystemClock::new()), Arc::new(OsEntropy));
    let engine = LocalEngine::open(disk(), data_dir, parts.0, parts.1, settings).with_context(failed)?;
    let (created, cancel) = (now().to_string(), AtomicBool::new(false));
    let options =
        Options { version: env!("CARGO_PKG_VERSION"), created: &created, with_credentials, cancel: &cancel };
    let made = engine.backup(to, options, &mut |progress| meter.show(progress)).with_context(failed)?;
    engine.close().with_context(failed)?;
    Ok(Done::from(&made))
}

fn shown(done: &Done, to: &Path, by_server: bool, form: Output) -> String {
    let to = to.display();
    match form {
        Output::Json => {
            let (files, bytes, records) = (done.files, done.bytes, done.records);
            let value = json!({
                "backup": to.to_string(),
                "files": files,
                "bytes": bytes,
                "records": records,
                "position": done.position,
                "server_was_running": by_server,
            });
            format!("{value:#}\n")
        }
        Output::Table => format!(
            "backup made: {} in {} files, {} records, in {to}\n",
            ByteSize(done.bytes),
            done.files,
            done.records
        ),
    }
}

/// Runs `millpond restore`.
pub(crate) fn run_restore(args: &RestoreArgs) -> anyhow::Result<Exit> {
    let mut meter = Meter::new();
    let made = restore(&disk(), &args.backup, &args.data_dir, &mut |progress| meter.show(progress));
    drop(meter);
    let (from, to) = (args.backup.display(), args.data_dir.display());
    let manifest = made.with_context(|| format!("cannot restore {from} to {to}"))?;
    let (created, version) = (&manifest.created, &manifest.version);
    output::note(format_args!("restored the backup of {created}, made by millpond {version}, to {to}"));
    let report = check::of(&args.data_dir)?;
    output::data(&check::shown(&report, args.output));
    Ok(if report.is_good() { Exit::Ok } else { Exit::NotFoundOrDamaged })
}
