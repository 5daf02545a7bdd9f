//! `millpond bench`.
//!
//! ```text
//! args ─▶ Shape ─▶ Server (our own, unless --endpoint) ─▶ Stage: stream, app, records ─▶ requests as bytes
//!                                                                                            │
//!                                               Outcome ◀─ millpond_load::run ◀─ talks ◀─────┘
//! ```

mod args;
mod requests;
mod server;
mod stage;
mod talk;

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use millpond_load::{LoadError, Moment, Pace, Plan, Report, Talk};
use serde::Serialize;
use serde_json::json;

pub use args::BenchArgs;

use self::{
    args::{Load, LoadArgs, Shape},
    requests::Maker,
    server::Server,
    stage::Stage,
};
use crate::{
    exit::{Exit, exit_codes, help},
    failure::{Failure, Outcome},
    global::GlobalArgs,
    interrupt::Interrupt,
    output::{Column, Kind, Output},
    session,
    settings::{Environment, Settings},
};

pub(crate) const HELP: &str = help!(
    "\
Examples:
  millpond bench put                             how much this machine takes, with what this directory is on
  millpond bench put -n 500 -b 1KiB -c 16        large requests
  millpond bench put -n 1 --rate 2000            how long single records take at half of what is possible
  millpond bench get -n 1024 --form protobuf     answers of 1 MiB
  millpond bench e2e -c 8                        from the producer to the reader
  millpond bench checkpoint -c 1                 one app that commits one after the other
  millpond bench put --endpoint http://host:7347 --duration 60s -o json

Without --endpoint a server is started with its data in the current directory, or in --data-dir, and
removed afterwards; environment variables that name a server are not looked at. With it, a stream is
made on that server and deleted afterwards: its other clients will feel the load.

How to read the result: every answer to put and checkpoint comes after a sync of the disk. Without
--rate each connection waits for its answer before it sends again, so that the rate is the most
that this number of connections reaches, and the times are those under that load. With --rate the
times count from when a request was due, also for those that had to wait for a stalled server:
choose half of the highest rate to see what clients will. Requests are made and signed beforehand,
and the generator shares this machine's processors with the server."
);

const COLUMNS: &[Column] = &[
    Column::text("LOAD", "load"),
    Column::text("SERVER", "server"),
    Column::of("CONNECTIONS", "connections", Kind::Number),
    Column::of("PARTITIONS", "partitions", Kind::Number),
    Column::of("RECORDS/REQUEST", "records_per_request", Kind::Number),
    Column::of("BYTES/RECORD", "record_bytes", Kind::Number),
    Column::text("FORM", "form"),
    Column::text("SIGNED", "signed"),
    Column::of("RATE ASKED", "rate", Kind::Number),
    Column::of("SECONDS", "seconds", Kind::Number),
    Column::of("REQUESTS", "requests", Kind::Number),
    Column::of("FAILED", "failed", Kind::Number),
    Column::of("NOT SENT", "missed", Kind::Number),
    Column::of("REQUESTS/S", "requests_per_second", Kind::Number),
    Column::of("RECORDS/S", "records_per_second", Kind::Number),
    Column::of("MIB/S", "payload_mib_per_second", Kind::Number),
    Column::of("P50 MS", "p50_ms", Kind::Number),
    Column::of("P90 MS", "p90_ms", Kind::Number),
    Column::of("P99 MS", "p99_ms", Kind::Number),
    Column::of("P99.9 MS", "p999_ms", Kind::Number),
    Column::of("MAX MS", "max_ms", Kind::Number),
    Column::of("SERVER MIB", "server_memory_mib", Kind::Number),
];

/// What was asked for and what came of it. The members are a contract.
#[derive(Serialize)]
struct Measured<'a> {
    load: &'static str,
    server: &'a str,
    connections: u32,
    partitions: u32,
    records_per_request: u32,
    record_bytes: usize,
    form: &'static str,
    signed: bool,
    rate: Option<f64>,
    seconds: f64,
    requests: u64,
    failed: u64,
    missed: u64,
    requests_per_second: f64,
    records_per_second: f64,
    payload_mib_per_second: f64,
    mean_ms: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
    server_memory_mib: Option<f64>,
}

/// Runs a load.
pub(crate) async fn run(args: &BenchArgs, environment: &Environment, out: &mut Output) -> Outcome {
    let shape = Shape::of(&args.command)?;
    let load = args.command.args();
    let mut interrupt = Interrupt::take_over()?;
    tokio::select! {
        outcome = measure(args, load, shape, environment, out) => outcome,
        () = interrupt.wait() => Ok(Exit::Interrupted),
    }
}

async fn measure(
    args: &BenchArgs,
    load: &LoadArgs,
    mut shape: Shape,
    environment: &Environment,
    out: &mut Output,
) -> Outcome {
    let own = if args.global.endpoint.is_none() {
        Some(Server::start(load.data_dir.as_deref().unwrap_or(Path::new("."))).await?)
    } else {
        None
    };
    let (settings, global) = settings(args, load, own.as_ref(), environment)?;
    let host = settings.endpoint.strip_prefix("http://").map(|rest| rest.trim_end_matches('/').to_owned());
    let host = host.ok_or_else(|| {
        Failure::usage("bench speaks plain HTTP only").hint("give an --endpoint that begins with http://")
    })?;
    let address = address(&host)?;
    let maker = Maker::new(&host, &settings, load.form, load.unsigned);
    let client = session::client_of(settings, &global)?;
    let server = own.as_ref().map_or_else(|| client.endpoint().to_owned(), |_| "own".to_owned());
    let (stage, talks) = if load.reference {
        (None, stage::reference(&maker, load, &shape)?)
    } else {
        let stage = Stage::set(client, load, &mut shape).await?;
        let talks = stage.talks(&maker, load, &shape).await?;
        (Some(stage), talks)
    };
    let plan = plan(address, load, &shape);
    let ended = send(plan, talks, out).await;
    let memory = own.as_ref().and_then(Server::memory_bytes_max);
    if let (Some(stage), None) = (stage, &own) {
        stage.clear(shape.load).await?;
    }
    let report = ended?;
    show(&report, &shape, load, (&server, maker.signs(), memory), out)
}

/// Where the server is and who asks it.
fn settings(
    args: &BenchArgs,
    load: &LoadArgs,
    own: Option<&Server>,
    environment: &Environment,
) -> Result<(Settings, GlobalArgs), Failure> {
    let mut global = args.global.clone();
    if load.reference && global.project.is_none() {
        global.project = "millpond-bench".parse().ok();
    }
    let settings = match own {
        Some(server) => {
            global.endpoint = Some(server.endpoint());
            Settings::resolve(&global, &Environment::of_directory(server.directory()))?
        }
        None => Settings::resolve(&global, environment)?,
    };
    Ok((settings, global))
}

fn address(host: &str) -> Result<SocketAddr, Failure> {
    let with_port = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut found = with_port
        .to_socket_addrs()
        .map_err(|error| Failure::io(format_args!("cannot find {host}"), &error))?;
    found.next().ok_or_else(|| Failure::new(Exit::Failure, format!("{host} has no address")))
}

fn plan(address: SocketAddr, load: &LoadArgs, shape: &Shape) -> Plan {
    let mut plan = Plan::new(address, load.warmup, load.duration);
    plan.threads = load.threads as usize;
    if let Some(rate) = shape.rate {
        plan.pace = Pace::PerSecond(rate);
    }
    if shape.load == Load::Walk {
        // It goes through the records once; there is nothing to warm up with.
        plan.warmup = Duration::ZERO;
    }
    plan
}

/// Runs the plan on threads of its own, and shows how far it is.
async fn send(plan: Plan, talks: Vec<Box<dyn Talk>>, out: &Output) -> Result<Report, Failure> {
    const TICK: Duration = Duration::from_millis(500);
    let (answers, begin) = (Arc::clone(&plan.progress), Moment::now());
    let progress = out.countdown(plan.warmup + plan.duration);
    let mut running = tokio::task::spawn_blocking(move || millpond_load::run(&plan, talks));
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended,
            () = tokio::time::sleep(TICK) => {
                let answers = answers.load(Ordering::Relaxed);
                progress.pass(Moment::now().since(begin), format!("{answers} answers"));
            }
        }
    };
    progress.finish();
    let ended = ended.map_err(|error| Failure::new(Exit::Failure, format!("the load broke off: {error}")))?;
    ended.map_err(|error: LoadError| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::new(Exit::Failure, format!("{error}{cause}"))
    })
}

fn show(
    report: &Report,
    shape: &Shape,
    load: &LoadArgs,
    (server, signed, memory): (&str, bool, Option<u64>),
    out: &mut Output,
) -> Outcome {
    let latency = &report.latency;
    let millis = |micros: f64| rounded(micros / 1e3);
    let measured = Measured {
        load: match shape.load {
            Load::Put => "put",
            Load::Get => "get",
            Load::Walk => "walk",
            Load::RoundTrip => "e2e",
            Load::Checkpoint => "checkpoint",
        },
        server,
        connections: shape.connections,
        partitions: shape.partitions,
        records_per_request: shape.records,
        record_bytes: shape.record_bytes,
        form: match load.form {
            args::Form::Json => "json",
            args::Form::Protobuf => "protobuf",
        },
        signed,
        rate: shape.rate,
        seconds: rounded(report.seconds),
        requests: report.requests,
        failed: report.failed,
        missed: report.missed,
        requests_per_second: rounded(report.requests_per_second),
        records_per_second: rounded(report.records_per_second),
        payload_mib_per_second: rounded(report.payload_mib_per_second),
        mean_ms: millis(latency.mean_us),
        p50_ms: millis(latency.p50_us),
        p90_ms: millis(latency.p90_us),
        p99_ms: millis(latency.p99_us),
        p999_ms: millis(latency.p999_us),
        max_ms: millis(latency.max_us),
        #[expect(clippy::cast_precision_loss, reason = "an amount of memory is far below 2^53")]
        server_memory_mib: memory.map(|bytes| rounded(bytes as f64 / (1024.0 * 1024.0))),
    };
    out.item(&json!(measured), COLUMNS)?;
    if let Some(failure) = &report.first_failure {
        out.note(format_args!("the first refusal: {}", crate::output::escaped(failure)));
    }
    match (report.requests, report.failed) {
        (0, 0) => Err(Failure::new(Exit::Failure, "there was no answer in the time that counts")
            .hint("give it more --duration")),
        (0, _) => Ok(Exit::Failure),
        (_, 0) => Ok(Exit::Ok),
        _ => Ok(Exit::Partial),
    }
}

/// To three decimals, which is more than any of it is good for.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests;
