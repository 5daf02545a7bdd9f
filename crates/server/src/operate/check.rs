//! `millpond check`: everything in a data directory, verified.

use std::{fmt::Write as _, path::Path};

use anyhow::Context as _;
use bytesize::ByteSize;
use millpond_engine_local::check::{Finding, Report, check};
use serde_json::{Value, json};

use super::{CheckArgs, disk, meter::Meter, quiet_store};
use crate::{args::Output, exit::Exit, output};

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let report = of(&args.data_dir)?;
    output::data(&shown(&report, args.output));
    Ok(if report.is_good() { Exit::Ok } else { Exit::NotFoundOrDamaged })
}

/// Checks a directory, with progress for a person who waits.
pub(super) fn of(data_dir: &Path) -> anyhow::Result<Report> {
    quiet_store();
    let mut meter = Meter::new();
    check(&disk(), data_dir, &mut |progress| meter.show(progress))
        .with_context(|| format!("cannot check {}", data_dir.display()))
}

pub(super) fn shown(report: &Report, form: Output) -> String {
    match form {
        Output::Json => format!("{:#}\n", as_json(report)),
        Output::Table => {
            let mut text = String::new();
            for finding in &report.findings {
                let _infallible = writeln!(text, "{finding}");
            }
            text + &summary(report)
        }
    }
}

fn summary(report: &Report) -> String {
    let totals = report.totals;
    let verdict = match report.damage {
        0 => "good".to_owned(),
        1 => "DAMAGED in 1 place".to_owned(),
        n => format!("DAMAGED in {n} places"),
    };
    let cut = if report.is_cut_short() { "; not all findings are shown" } else { "" };
    format!(
        "{verdict}: {} streams, {} partitions, {} segments of {} with {} records, {} frames of the journal with {} \
         records more{cut}\n",
        totals.streams,
        totals.partitions,
        totals.segments,
        ByteSize(totals.bytes),
        totals.records,
        totals.journal_frames,
        totals.journal_records,
    )
}

fn as_json(report: &Report) -> Value {
    let totals = report.totals;
    json!({
        "good": report.is_good(),
        "damage": report.damage,
        "streams": totals.streams,
        "partitions": totals.partitions,
        "segments": totals.segments,
        "segment_bytes": totals.bytes,
        "records": totals.records,
        "journal_frames": totals.journal_frames,
        "journal_records": totals.journal_records,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "findings_cut_short": report.is_cut_short(),
    })
}

fn finding(finding: &Finding) -> Value {
    let concerns = finding.concerns.as_ref();
    json!({
        "severity": finding.severity.as_str(),
        "path": finding.path.display().to_string(),
        "offset": finding.offset,
        "expected": finding.expected,
        "found": finding.found,
        "concerns": concerns.map(super::repair::concern),
        "remedy": finding.remedy.as_str(),
    })
}
