//! Others that keep records or positions, on the same work.
//!
//! Each has a script in `benches/peers`: `install PREFIX` fetches it by the name of its package and prints
//! its version last, `start PREFIX DATA PORT` runs it in the foreground. `bench-peer` speaks to it.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::bail;
use serde::Serialize;

use crate::tools::{Process, To, Tools, number, wait_for};

/// Longest until a peer listens: some start a virtual machine first.
const START_LIMIT: Duration = Duration::from_mins(2);

/// Another system.
pub(crate) struct Peer {
    /// Also the name of its script and its driver.
    pub(crate) name: &'static str,
    pub(crate) durability: &'static str,
    pub(crate) driver: &'static str,
    works: &'static [Work],
}

/// Work that both do.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// One record of 1 KiB in a request, 64 connections.
    Put,
    /// 500 records of 1 KiB in a request, 16 connections.
    Batch,
    /// A position, 64 connections.
    Commit,
}

impl Work {
    const fn word(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Batch => "batch",
            Self::Commit => "commit",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Put => "put 1 × 1 KiB, 64 connections",
            Self::Batch => "put 500 × 1 KiB, 16 connections",
            Self::Commit => "commit a position, 64 connections",
        }
    }

    /// What our generator is told.
    const fn ours(self) -> &'static str {
        match self {
            Self::Put => "put -n 1 -b 1KiB -c 64 -P 16 --unsigned",
            Self::Batch => "put -n 500 -b 1KiB -c 16 -P 16 --unsigned",
            Self::Commit => "checkpoint -c 64 -P 16 --unsigned",
        }
    }
}

const RAW: &str = "our generator, its protocol, prepared bytes";

pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "redis",
        durability: "appendonly, appendfsync always",
        driver: RAW,
        works: &[Work::Put, Work::Batch, Work::Commit],
    },
    Peer {
        name: "nats",
        durability: "JetStream, sync_interval always",
        driver: RAW,
        works: &[Work::Put, Work::Batch],
    },
    Peer {
        name: "etcd",
        durability: "its default: a synced log",
        driver: "our generator, its JSON gateway, prepared bytes",
        works: &[Work::Commit],
    },
    Peer { name: "moto", durability: "none: in memory", driver: RAW, works: &[Work::Put, Work::Batch] },
    Peer {
        name: "kinesalite",
        durability: "its default: LevelDB without a sync",
        driver: RAW,
        works: &[Work::Put, Work::Batch],
    },
    Peer {
        name: "kafka",
        durability: "one broker, acks=all, no sync",
        driver: RAW,
        works: &[Work::Put, Work::Batch],
    },
    Peer {
        name: "kafka-flush",
        durability: "one broker, acks=all, flush.messages=1",
        driver: RAW,
        works: &[Work::Put, Work::Batch],
    },
    Peer {
        name: "s2",
        durability: "its local root, flushed before each answer",
        driver: RAW,
        works: &[Work::Put, Work::Batch],
    },
];

/// Both on one piece of work.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PeerRow {
    pub(crate) version: String,
    pub(crate) work: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: Vec<f64>,
    pub(crate) theirs: Vec<f64>,
    pub(crate) our_p99_ms: Vec<f64>,
    pub(crate) their_p99_ms: Vec<f64>,
}

/// Installs, starts and measures a peer.
pub(crate) fn measure(tools: &Tools, peer: &Peer) -> anyhow::Result<Vec<PeerRow>> {
    let script = tools.root.join("benches/peers").join(format!("{}.sh", peer.name));
    let prefix = tools.scratch.join("peers").join(peer.name);
    fs::create_dir_all(&prefix)?;
    let version = install(&script, &prefix)?;
    let (data, port) = (tools.fresh("peer-data")?, free_port()?);
    let log = fs::File::create(prefix.join("log"))?;
    let mut command = Command::new("sh");
    command.arg(&script).arg("start").arg(&prefix).arg(&data).arg(port.to_string());
    let mut process = Process::spawn(command.stdout(log.try_clone()?).stderr(log))?;
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    let up = wait_for(START_LIMIT, || {
        if process.ended() { Some(false) } else { TcpStream::connect(address).is_ok().then_some(true) }
    });
    if up != Some(true) {
        bail!("it did not start, see the log beside it");
    }
    let ours = tools.millpond(&tools.fresh("millpond")?)?;
    let mut rows = Vec::new();
    for work in peer.works {
        let address = address.to_string();
        let mut row = PeerRow {
            version: version.clone(),
            work: work.text(),
            unit: "per second",
            ours: Vec::new(),
            theirs: Vec::new(),
            our_p99_ms: Vec::new(),
            their_p99_ms: Vec::new(),
        };
        for _ in 0..tools.rounds {
            let our = tools.bench(To::Ours(&ours), work.ours())?;
            row.ours.push(number(&our, "records_per_second")?);
            row.our_p99_ms.push(number(&our, "p99_ms")?);
            let their = tools.peer(&[peer.name, work.word(), "--address", &address])?;
            row.theirs.push(number(&their, "records_per_second")?);
            row.their_p99_ms.push(number(&their, "latency/p99_us")? / 1e3);
        }
        rows.push(row);
    }
    Ok(rows)
}

fn install(script: &PathBuf, prefix: &PathBuf) -> anyhow::Result<String> {
    let output = Command::new("sh").arg(script).arg("install").arg(prefix).stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("it cannot be installed here: {}", errors.lines().last().unwrap_or(&last));
    }
    Ok(last)
}

/// A port that nobody listens on at the moment: a peer has to be told one.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
