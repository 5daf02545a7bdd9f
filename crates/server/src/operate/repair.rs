//! `millpond repair`: gives up what cannot be read, when told to.

use std::{fmt::Write as _, sync::Arc};

use anyhow::Context as _;
use millpond_engine::{Clock, Entropy, OsEntropy, SystemClock};
use millpond_engine_local::{
    check::Concern,
    repair::{Options, Repaired, repair},
};
use serde_json::{Value, json};

use super::{RepairArgs, check, disk, meter::Meter, quiet_store, stamp};
use crate::{args::Output, exit::Exit, output};

/// Runs the command.
pub(crate) fn run(args: &RepairArgs) -> anyhow::Result<Exit> {
    quiet_store();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let (stamp, mut meter) = (stamp(), Meter::new());
    let options = Options { accept_loss: args.accept_loss, stamp: &stamp };
    let done = repair(&disk(), &args.data_dir, (&clock, &entropy), options, &mut |progress| {
        meter.show(progress);
    });
    drop(meter);
    let done = done.with_context(|| format!("cannot repair {}", args.data_dir.display()))?;
    output::data(&match args.output {
        Output::Table => text(&done),
        Output::Json => format!("{:#}\n", as_json(&done)),
    });
    if done.is_nothing() {
        return Ok(Exit::Ok);
    }
    if !args.accept_loss {
        return Ok(Exit::NotFoundOrDamaged);
    }
    let report = check::of(&args.data_dir)?;
    if args.output == Output::Table {
        output::data(&check::shown(&report, Output::Table));
    }
    Ok(if report.is_good() { Exit::Ok } else { Exit::NotFoundOrDamaged })
}

fn text(done: &Repaired) -> String {
    if done.is_nothing() {
        return "nothing is damaged that could be repaired; nothing was changed\n".to_owned();
    }
    let (mut text, applied) = (String::new(), done.originals.is_some());
    let mut line = |words: String| {
        let _infallible = writeln!(text, "{words}");
    };
    for path in &done.damaged {
        line(format!("damaged: {}", path.display()));
    }
    for lost in &done.lost {
        let verb = match (applied, lost.is_certain) {
            (true, true) => "gave up",
            (false, true) => "would give up",
            (true, false) => "passed over, in case they were given to somebody",
            (false, false) => "would pass over, in case they were given to somebody",
        };
        line(format!("{verb}: {}", lost.concern));
    }
    for change in &done.changes {
        line(format!("{}: {change}", if applied { "gave up" } else { "would give up" }));
    }
    if done.kept_records > 0 {
        let kept = if applied { "kept" } else { "would keep" };
        line(format!("{kept}: {} records behind the damage in the journal", done.kept_records));
    }
    if done.lost.is_empty() && done.changes.is_empty() {
        line("nothing is lost".to_owned());
    }
    line(match &done.originals {
        Some(path) => format!("the damaged files are in {}, the record in losses.jsonl", path.display()),
        None => {
            "nothing was changed; restore a backup, or run this again with --accept-loss to give it up for good"
                .to_owned()
        }
    });
    text
}

fn as_json(done: &Repaired) -> Value {
    let lost = |lost: &millpond_engine_local::repair::Lost| {
        let mut value = concern(&lost.concern);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("certain".to_owned(), json!(lost.is_certain));
        }
        value
    };
    json!({
        "changed": done.originals.is_some(),
        "damaged": done.damaged.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "lost": done.lost.iter().map(lost).collect::<Vec<_>>(),
        "changes_lost": done.changes,
        "records_kept": done.kept_records,
        "originals": done.originals.as_ref().map(|path| path.display().to_string()),
    })
}

/// Records of a partition; `last` is absent when there are none.
pub(super) fn concern(concern: &Concern) -> Value {
    json!({
        "stream_id": concern.partition.stream.as_str(),
        "stream_name": concern.stream_name,
        "partition": concern.partition.partition.index(),
        "first": concern.first,
        "last": concern.end.checked_sub(1).filter(|last| *last >= concern.first),
    })
}
