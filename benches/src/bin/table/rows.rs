//! The rows of the service: everything that goes over HTTP.

use std::{ffi::OsStr, path::Path};

use anyhow::ensure;

use crate::{
    row::{Row, median},
    tools::{Millpond, Reference, To, Tools, number},
};

/// Measures a row.
pub(crate) type Measure = fn(&Tools) -> anyhow::Result<Row>;

pub(crate) const ROWS: &[(&str, Measure)] = &[
    ("1", commits),
    ("2", commits_of_one),
    ("3", single_puts),
    ("4", |tools| large_puts(tools, "json", 0.6)),
    ("5", |tools| large_puts(tools, "protobuf", 0.8)),
    ("6", signed_puts),
    ("7a", |tools| gets(tools, "json", 0.4)),
    ("7b", |tools| gets(tools, "protobuf", 0.7)),
    ("8", catching_up),
    ("9", tail_latency),
    ("10a", |tools| many_partitions(tools, "-n 1 -c 64")),
    ("10b", |tools| many_partitions(tools, "-n 500 -c 16")),
    ("11a", idle_memory),
    ("11b", memory_of_idle_partitions),
    ("11c", memory_under_load),
    ("13a", |tools| connections(tools, "put -n 500 -P 16 --unsigned")),
    ("13b", |tools| connections(tools, "get -n 1024 -P 16 --unsigned --form protobuf")),
    ("13c", |tools| stored(tools, "put -n 500 --unsigned")),
    ("13d", |tools| stored(tools, "get -n 1024 --unsigned --form protobuf")),
];

/// The load of rows 4 to 6 and 11.
const LARGE: &str = "put -n 500 -b 1KiB -P 16 -c 16";

fn server(tools: &Tools) -> anyhow::Result<Millpond> {
    tools.millpond(&tools.fresh("millpond")?)
}

fn bare(tools: &Tools) -> anyhow::Result<Reference> {
    tools.reference(&["bare".as_ref()])
}

fn of(tools: &Tools, to: To<'_>, line: &str, member: &str) -> anyhow::Result<f64> {
    number(&tools.bench(to, line)?, member)
}

/// The same line to ours and to a server that does less.
fn against(tools: &Tools, row: Row, reference: &Reference, line: &str, member: &str) -> anyhow::Result<Row> {
    let ours = server(tools)?;
    row.measure(
        tools.rounds,
        || of(tools, To::Ours(&ours), line, member),
        || of(tools, To::Reference(reference), line, member),
    )
}

fn commits(tools: &Tools) -> anyhow::Result<Row> {
    let work = "checkpoint commits, durable, 64 connections";
    let row = Row::at_least(0.55, work, "bare HTTP, 201 to the same body", "commits/s");
    against(tools, row, &bare(tools)?, "checkpoint -c 64 --unsigned", "requests_per_second")
}

fn commits_of_one(tools: &Tools) -> anyhow::Result<Row> {
    let ours = server(tools)?;
    let work = "checkpoint commits, durable, 1 connection";
    Row::at_least(0.8, work, "one 4 KiB write and sync at a time", "commits/s").measure(
        tools.rounds,
        || of(tools, To::Ours(&ours), "checkpoint -c 1 --unsigned", "requests_per_second"),
        || number(&raw(tools, 4096)?, "requests_per_second"),
    )
}

/// One write and sync at a time, over what was written before.
pub(crate) fn raw(tools: &Tools, bytes: usize) -> anyhow::Result<serde_json::Value> {
    let (dir, bytes) = (tools.fresh("raw")?, bytes.to_string());
    tools.measure(&["disk-raw".as_ref(), "--dir".as_ref(), dir.as_ref(), "--bytes".as_ref(), bytes.as_ref()])
}

fn single_puts(tools: &Tools) -> anyhow::Result<Row> {
    let work = "put 1 × 1 KiB JSON, durable, 64 connections";
    let row = Row::at_least(0.45, work, "bare HTTP, 201 to the same body", "puts/s");
    against(tools, row, &bare(tools)?, "put -n 1 -b 1KiB -c 64 -P 16 --unsigned", "requests_per_second")
}

fn large_puts(tools: &Tools, form: &str, target: f64) -> anyhow::Result<Row> {
    let dir = tools.fresh("sync-only")?;
    let reference = tools.reference(&["sync-only".as_ref(), "--dir".as_ref(), dir.as_os_str()])?;
    let work = format!("put 500 × 1 KiB {form} over 16 partitions, durable, 16 connections");
    let row = Row::at_least(target, &work, "the same bodies into the same journal, not looked at", "MiB/s");
    against(tools, row, &reference, &format!("{LARGE} --unsigned --form {form}"), "payload_mib_per_second")
}

fn signed_puts(tools: &Tools) -> anyhow::Result<Row> {
    let ours = server(tools)?;
    let unsigned = format!("{LARGE} --unsigned");
    Row::at_least(0.6, "the puts of row 4, signed", "the same, unsigned", "MiB/s").measure(
        tools.rounds,
        || of(tools, To::Ours(&ours), LARGE, "payload_mib_per_second"),
        || of(tools, To::Ours(&ours), &unsigned, "payload_mib_per_second"),
    )
}

fn gets(tools: &Tools, form: &str, target: f64) -> anyhow::Result<Row> {
    let reference = tools.reference(&["static-body".as_ref(), "--bytes".as_ref(), "1048576".as_ref()])?;
    let work = format!("get 1 MiB of data at the head, {form}, 16 connections");
    let row = Row::at_least(target, &work, "HTTP with a prepared body of 1 MiB", "MiB/s");
    let line = format!("get -n 1024 -b 1KiB -c 16 -P 16 --unsigned --form {form}");
    against(tools, row, &reference, &line, "payload_mib_per_second")
}

fn catching_up(tools: &Tools) -> anyhow::Result<Row> {
    const FORM: &str = "--unsigned --form protobuf";
    let dir = tools.fresh("millpond")?;
    let ours = tools.millpond(&dir)?;
    tools.tell(&ours, "stream create cold -P 4")?;
    tools.bench(To::Ours(&ours), &format!("put -s cold -n 500 -c 16 {FORM}"))?;
    ours.stop()?;
    let data = dir.join("data");
    let drop_cache = || tools.plain(&["drop-cache".as_ref(), "--dir".as_ref(), data.as_os_str()]);
    let streams = data.join("streams");
    let against = "reading the same files one after the other, and then row 7b's answers";
    let mut row =
        Row::at_least(0.6, "catch-up read from cold segments, protobuf, 4 connections", against, "MiB/s");
    let mut reads = Vec::new();
    for _ in 0..tools.rounds {
        drop_cache()?;
        let read = tools.plain(&["disk-read".as_ref(), "--dir".as_ref(), streams.as_os_str()])?;
        drop_cache()?;
        let ours = tools.millpond(&dir)?;
        let walk = format!("get --walk -s cold -n 1024 -c 4 {FORM}");
        // It ends by itself at the end of the stream.
        let walk = tools.bench_for(To::Ours(&ours), &walk, 120_000)?;
        row.ours.push(number(&walk, "payload_mib_per_second")?);
        let get =
            of(tools, To::Ours(&ours), &format!("get -n 1024 -c 4 -P 4 {FORM}"), "payload_mib_per_second")?;
        let read = number(&read, "payload_mib_per_second")?;
        reads.push(read);
        row.theirs.push(1.0 / (1.0 / read + 1.0 / get));
        ours.stop()?;
    }
    row.detail = format!("the files alone: {:.0} MiB/s", median(&reads));
    Ok(row)
}

fn tail_latency(tools: &Tools) -> anyhow::Result<Row> {
    const LOAD: &str = "put -n 1 -b 1KiB -c 64 -P 16 --unsigned";
    let ours = server(tools)?;
    let saturated = of(tools, To::Ours(&ours), LOAD, "requests_per_second")?;
    let line = format!("{LOAD} --rate {:.0}", (saturated / 2.0).max(1.0));
    let mut missed = 0.0;
    let row = Row::at_most(3.0, "p99 of put at half the saturation rate", "p99 of one sync", "ms");
    let mut row = row.measure(
        tools.rounds,
        || {
            let answer = tools.bench(To::Ours(&ours), &line)?;
            missed += number(&answer, "missed")?;
            number(&answer, "p99_ms")
        },
        || Ok(number(&raw(tools, 4096)?, "latency/p99_us")? / 1e3),
    )?;
    row.detail = format!("half the rate: {:.0} puts/s; not sent before the end: {missed}", saturated / 2.0);
    Ok(row)
}

fn many_partitions(tools: &Tools, load: &str) -> anyhow::Result<Row> {
    let ours = server(tools)?;
    let work = format!("puts of 1 KiB records ({load}) spread over 10,000 partitions");
    let line = |partitions: u32| format!("put {load} -b 1KiB --unsigned -P {partitions}");
    Row::at_least(0.7, &work, "the same to 16 partitions", "records/s").measure(
        tools.rounds,
        || of(tools, To::Ours(&ours), &line(10_000), "records_per_second"),
        || of(tools, To::Ours(&ours), &line(16), "records_per_second"),
    )
}

fn idle_memory(tools: &Tools) -> anyhow::Result<Row> {
    let mut row = Row::at_most(30.0, "resident memory, idle, empty", "–", "MiB");
    for _ in 0..tools.rounds {
        row.ours.push(server(tools)?.memory_mib()?.0);
    }
    Ok(row)
}

fn memory_of_idle_partitions(tools: &Tools) -> anyhow::Result<Row> {
    let mut row = Row::at_most(100.0, "resident memory, 10,000 idle partitions, after a restart", "–", "MiB");
    let dir = tools.fresh("millpond")?;
    let ours = tools.millpond(&dir)?;
    for stream in 0..10 {
        tools.tell(&ours, &format!("stream create idle-{stream} -P 1000"))?;
    }
    let before = ours.memory_mib()?.0;
    ours.stop()?;
    for _ in 0..tools.rounds {
        let ours = tools.millpond(&dir)?;
        row.ours.push(ours.memory_mib()?.0);
        ours.stop()?;
    }
    row.detail = format!("before the restart: {before:.0} MiB");
    Ok(row)
}

fn memory_under_load(tools: &Tools) -> anyhow::Result<Row> {
    /// The engine's settings: tails, what waits for segments and what waits for the journal, 64 MiB each; a
    /// group and its copy, 8 MiB each; the view's cache, 8 MiB. And 30 MiB for an idle server.
    const BUDGETS_MIB: f64 = 3.0 * 64.0 + 2.0 * 8.0 + 8.0 + 30.0;
    let work = "most resident memory under the load of row 4";
    let mut row =
        Row::at_most(BUDGETS_MIB, work, "the sum of the engine's budgets and an idle server", "MiB");
    for _ in 0..tools.rounds {
        let ours = server(tools)?;
        tools.bench(To::Ours(&ours), &format!("{LARGE} --unsigned"))?;
        row.ours.push(ours.memory_mib()?.1);
    }
    Ok(row)
}

/// The least of several numbers of connections against the most.
fn connections(tools: &Tools, load: &str) -> anyhow::Result<Row> {
    const COUNTS: [u32; 4] = [1, 8, 64, 512];
    let ours = server(tools)?;
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); COUNTS.len()];
    for _ in 0..tools.rounds {
        for (values, count) in found.iter_mut().zip(COUNTS) {
            let line = format!("{load} -b 1KiB -c {count}");
            values.push(of(tools, To::Ours(&ours), &line, "payload_mib_per_second")?);
        }
    }
    let medians: Vec<f64> = found.iter().map(|values| median(values)).collect();
    let work = format!("{load}: the least of 1, 8, 64 and 512 connections");
    let mut row = Row::at_least(0.8, &work, "the most of them", "MiB/s");
    row.ours.push(medians.iter().copied().fold(f64::INFINITY, f64::min));
    row.theirs.push(medians.iter().copied().fold(0.0, f64::max));
    let each = COUNTS.iter().zip(&medians).map(|(count, median)| format!("{count}: {median:.0}"));
    row.detail = each.collect::<Vec<_>>().join(", ");
    Ok(row)
}

/// A load before and after ten times as much is stored.
fn stored(tools: &Tools, load: &str) -> anyhow::Result<Row> {
    let dir = tools.fresh("millpond")?;
    let ours = tools.millpond(&dir)?;
    tools.tell(&ours, "stream create pile -P 16")?;
    let pile = |times: u64| {
        tools.bench_for(
            To::Ours(&ours),
            "put -s pile -n 500 -c 16 --unsigned --form protobuf",
            tools.millis * times,
        )
    };
    let line = format!("{load} -b 1KiB -c 16 -P 16");
    let work = format!("{load}, after 10 × more stored data");
    let mut row = Row::at_least(0.8, &work, "the same before", "MiB/s");
    pile(1)?;
    let before = bytes_below(&dir)?;
    for _ in 0..tools.rounds {
        row.theirs.push(of(tools, To::Ours(&ours), &line, "payload_mib_per_second")?);
    }
    // Loads differ in their speed: so long until it is ten times as much.
    while bytes_below(&dir)? < before * 10 {
        let more = bytes_below(&dir)?;
        pile(2)?;
        ensure!(bytes_below(&dir)? > more, "nothing was stored");
    }
    for _ in 0..tools.rounds {
        row.ours.push(of(tools, To::Ours(&ours), &line, "payload_mib_per_second")?);
    }
    let mib = |bytes: u64| bytes >> 20;
    row.detail = format!("on disk: {} MiB, then {} MiB", mib(before), mib(bytes_below(&dir)?));
    Ok(row)
}

/// Bytes of all files below a directory.
pub(crate) fn bytes_below(dir: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        // What was removed meanwhile counts nothing.
        let Ok(meta) = entry.metadata() else { continue };
        sum += if meta.is_dir() { bytes_below(&entry.path()).unwrap_or(0) } else { meta.len() };
    }
    Ok(sum)
}

/// Words as arguments.
pub(crate) fn words(line: &str) -> Vec<&OsStr> {
    line.split_whitespace().map(OsStr::new).collect()
}
