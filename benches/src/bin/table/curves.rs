//! How throughput and times change as the work grows.

use crate::{
    plot::{Curve, Series},
    rows::bytes_below,
    tools::{Millpond, To, Tools, number},
};

type Measure = fn(&Tools) -> anyhow::Result<Curve>;

pub(crate) const CURVES: &[(&str, Measure)] = &[
    ("connections", connections),
    ("partitions", partitions),
    ("stored", stored),
    ("checkpoints", checkpoints),
];

/// A line of a plot: its name, the number of the answer, and what `millpond bench` is told at each point.
type Load<'a> = (&'a str, &'a str, &'a dyn Fn(u32) -> String);

/// Median of the rounds at each point of every load.
fn points(
    tools: &Tools,
    server: &Millpond,
    across: &[u32],
    loads: &[Load<'_>],
) -> anyhow::Result<Vec<Series>> {
    let mut series = Vec::new();
    for (name, member, line) in loads {
        let mut points = Vec::new();
        for &x in across {
            let mut values = Vec::new();
            for _ in 0..tools.rounds {
                values.push(number(&tools.bench(To::Ours(server), &line(x))?, member)?);
            }
            points.push((f64::from(x), crate::row::median(&values)));
        }
        series.push(Series { name: (*name).to_owned(), points });
    }
    Ok(series)
}

fn curve(title: &str, x: &str, y: &str, series: Vec<Series>) -> Curve {
    Curve { title: title.to_owned(), x: x.to_owned(), y: y.to_owned(), series }
}

fn connections(tools: &Tools) -> anyhow::Result<Curve> {
    let ours = tools.millpond(&tools.fresh("millpond")?)?;
    let series = points(
        tools,
        &ours,
        &[1, 8, 64, 512],
        &[
            ("put 1 × 1 KiB", "requests_per_second", &|c| format!("put -n 1 --unsigned -c {c}")),
            ("commit", "requests_per_second", &|c| format!("checkpoint --unsigned -c {c}")),
        ],
    )?;
    Ok(curve("Durable requests and connections", "connections", "requests/s", series))
}

fn partitions(tools: &Tools) -> anyhow::Result<Curve> {
    let ours = tools.millpond(&tools.fresh("millpond")?)?;
    let series = points(
        tools,
        &ours,
        &[16, 1000, 10_000],
        &[
            ("put 1 × 1 KiB, 64 conn.", "records_per_second", &|p| format!("put -n 1 --unsigned -P {p}")),
            ("put 500 × 1 KiB, 16 conn.", "records_per_second", &|p| {
                format!("put -n 500 -c 16 --unsigned -P {p}")
            }),
        ],
    )?;
    Ok(curve("Puts and partitions", "partitions of the stream", "records/s", series))
}

fn stored(tools: &Tools) -> anyhow::Result<Curve> {
    let dir = tools.fresh("millpond")?;
    let ours = tools.millpond(&dir)?;
    tools.tell(&ours, "stream create pile -P 16")?;
    let (mut puts, mut gets) = (Vec::new(), Vec::new());
    for step in 0..5_u32 {
        let line = "put -s pile -n 500 -c 16 --unsigned --form protobuf";
        let millis = tools.millis * u64::from(1_u32 << step);
        let put = number(&tools.bench_for(To::Ours(&ours), line, millis)?, "payload_mib_per_second")?;
        let line = "get -n 1024 -c 16 --unsigned --form protobuf";
        let get = number(&tools.bench(To::Ours(&ours), line)?, "payload_mib_per_second")?;
        #[expect(clippy::cast_precision_loss, reason = "a disk is far smaller than 2^53 MiB")]
        let mib = (bytes_below(&dir)? >> 20) as f64;
        puts.push((mib, put));
        gets.push((mib, get));
    }
    let series = |name: &str, points| Series { name: name.to_owned(), points };
    let both = vec![series("put 500 × 1 KiB", puts), series("get 1 MiB", gets)];
    Ok(curve("Protobuf and stored data", "MiB on disk", "MiB/s", both))
}

fn checkpoints(tools: &Tools) -> anyhow::Result<Curve> {
    let ours = tools.millpond(&tools.fresh("millpond")?)?;
    let series = points(
        tools,
        &ours,
        &[1, 100, 1000, 10_000],
        &[("64 connections", "requests_per_second", &|p| format!("checkpoint --unsigned -P {p}"))],
    )?;
    Ok(curve("Commits and checkpoints of an app", "checkpoints of the app", "commits/s", series))
}
