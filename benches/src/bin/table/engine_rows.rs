//! The rows of the engine alone, and opening it.

use crate::{
    row::Row,
    rows::{Measure, raw, words},
    tools::{Tools, number},
};

pub(crate) const ROWS: &[(&str, Measure)] = &[
    ("E1", |tools| one_partition(tools, 100, 0.80)),
    ("E2", |tools| one_partition(tools, 500, 0.70)),
    ("E3", many_partitions),
    ("12", opening),
];

/// Bytes of a record.
const RECORD_BYTES: usize = 1024;

fn engine(tools: &Tools, partitions: u32, batch: usize) -> anyhow::Result<f64> {
    let dir = tools.fresh("engine")?;
    let line = format!("engine --partitions {partitions} --batch {batch} --dir");
    let mut arguments = words(&line);
    arguments.push(dir.as_os_str());
    number(&tools.measure(&arguments)?, "payload_mib_per_second")
}

fn one_partition(tools: &Tools, batch: usize, target: f64) -> anyhow::Result<Row> {
    let work = format!("engine: append {batch} × 1 KiB to one partition, one batch after the other");
    let against = "one write and sync of as many bytes at a time, on a file written before";
    Row::at_least(target, &work, against, "MiB/s").measure(
        tools.rounds,
        || engine(tools, 1, batch),
        || number(&raw(tools, batch * RECORD_BYTES)?, "payload_mib_per_second"),
    )
}

fn many_partitions(tools: &Tools) -> anyhow::Result<Row> {
    let work = "engine: 64 partitions, each appending 10 × 1 KiB, one batch after the other";
    Row::at_least(2.0, work, "one growing, synced file for each partition", "MiB/s").measure(
        tools.rounds,
        || engine(tools, 64, 10),
        || {
            let dir = tools.fresh("files")?;
            let line = format!("disk-files --files 64 --bytes {} --dir", 10 * RECORD_BYTES);
            let mut arguments = words(&line);
            arguments.push(dir.as_os_str());
            number(&tools.measure(&arguments)?, "payload_mib_per_second")
        },
    )
}

fn opening(tools: &Tools) -> anyhow::Result<Row> {
    let (many, few) = if tools.quick { (2_000, 200) } else { (100_000, 1_000) };
    let make = |name: &str, count: u32| {
        let dir = tools.fresh(name)?;
        let line = format!("segments-make --count {count} --dir");
        let mut arguments = words(&line);
        arguments.push(dir.as_os_str());
        // It dies by a signal, as it should.
        tools.plain(&arguments)?;
        anyhow::Ok(dir)
    };
    let (large, small) = (make("segments-many", many)?, make("segments-few", few)?);
    let open = |dir: &std::path::Path| {
        let arguments = ["segments-open".as_ref(), "--dir".as_ref(), dir.as_os_str()];
        number(&tools.plain(&arguments)?, "milliseconds")
    };
    let work = format!("open after kill -9 with {many} segments");
    let row = Row::at_most(1.5, &work, &format!("the same with {few}"), "ms");
    row.measure(tools.rounds, || open(&large), || open(&small))
}
