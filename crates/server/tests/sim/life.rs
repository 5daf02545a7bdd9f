//! One life: what is asked, what fails, and what must hold.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::ErrorKind,
    sync::Arc,
    time::Duration,
};

use millpond_engine::{Clock as _, ManualClock};
use millpond_model::Timestamp;
use millpond_seglog::disk::{Fault, FaultDisk};
use millpond_wire::codec::b64;
use serde_json::{Value, json};

use super::{
    service::Server,
    support::{
        api::{Stored, partition_index},
        history::{
            Commit, Fate, Log, Naming, Place, Sent, check_checkpoint, check_records, check_streams,
            check_unchanged,
        },
        random::Random,
    },
};

const PARTITIONS: u32 = 3;
const STEPS: u32 = 24;
const HOUR_MS: i64 = 3_600_000;
/// By how much the clock is wrong all at once.
const JUMPS_MS: [i64; 4] = [HOUR_MS, -HOUR_MS, 400 * 24 * HOUR_MS, -400 * 24 * HOUR_MS];
const ERRORS: [ErrorKind; 2] = [ErrorKind::Other, ErrorKind::StorageFull];

/// What a life came to; equal for equal seeds.
#[derive(Debug, PartialEq, Eq)]
pub struct Totals {
    pub requests: u64,
    pub cuts: u64,
    /// Over all requests, answers and counts of disk operations.
    trace: u64,
}

/// How often things go wrong, in a hundred steps.
struct Rates {
    cut: u32,
    error: u32,
    full: u32,
    jump: u32,
}

pub struct Life {
    random: Random,
    rates: Rates,
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    server: Option<Server>,
    ticks: u64,
    requests: u64,
    cuts: u64,
    /// The disk failed in this process, so that only a power cut tells what is stored.
    failed: bool,
    trace: DefaultHasher,
    sent: Vec<Sent>,
    shown: Log,
    commits: Vec<Commit>,
    namings: Vec<Naming>,
}

impl Life {
    pub async fn run(seed: u64) -> Totals {
        let mut random = Random::new(seed);
        let mut rate = |most: u32| if random.percent(40) { 0 } else { random.below(most) };
        let rates = Rates { cut: rate(20), error: rate(25), full: rate(15), jump: rate(15) };
        let mut life = Self {
            random,
            rates,
            disk: FaultDisk::default(),
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000))),
            server: None,
            ticks: 0,
            requests: 0,
            cuts: 0,
            failed: false,
            trace: DefaultHasher::new(),
            sent: Vec::new(),
            shown: Log::new(),
            commits: Vec::new(),
            namings: Vec::new(),
        };
        life.start().await;
        life.create("orders", PARTITIONS).await;
        assert_eq!(life.call("POST", "/apps", Some(json!({"app_name": "app"}))).await.0, 201);
        for _ in 0..STEPS {
            life.trouble().await;
            life.step().await;
        }
        life.restart().await;
        life.recover().await;
        life.check().await;
        Totals { requests: life.requests, cuts: life.cuts, trace: life.trace.finish() }
    }

    async fn start(&mut self) {
        let seed = self.random.draw();
        self.server = Server::start(&self.disk, &self.clock, seed).await;
    }

    fn fail_from(&mut self, within: u32, sticky: bool) {
        let operation = self.disk.operations() + u64::from(self.random.below(within));
        let error = ERRORS[self.random.below(2) as usize];
        self.disk.set_fault(Some(Fault { operation, sticky, error }));
        self.failed = true;
    }

    async fn trouble(&mut self) {
        self.clock.advance(Duration::from_millis(u64::from(self.random.below(2000))));
        if self.random.percent(self.rates.jump) {
            let by = JUMPS_MS[self.random.below(4) as usize];
            self.clock.jump_to(Timestamp::from_millis(self.clock.now().as_millis() + by));
        }
        if self.random.percent(self.rates.full) {
            let room = u64::from(self.random.below(64 << 10));
            self.disk.set_capacity(Some(self.disk.used_bytes() + room));
            self.failed = true;
        } else if self.random.percent(20) {
            self.disk.set_capacity(None);
        }
        if self.random.percent(self.rates.error) {
            let sticky = self.random.percent(50);
            self.fail_from(40, sticky);
        }
        if self.random.percent(self.rates.cut) {
            self.restart().await;
            self.check().await;
        }
    }

    /// Ends the process, by a power cut or a kill, and starts others until one lives.
    async fn restart(&mut self) {
        self.cuts += 1;
        // What ends now writes nothing more.
        let from = Fault { operation: self.disk.operations(), sticky: true, error: ErrorKind::Other };
        self.disk.set_fault(Some(from));
        self.server = None;
        if self.failed || self.random.percent(60) {
            self.cut_power();
        }
        self.disk.set_fault(None);
        self.disk.set_capacity(None);
        self.failed = false;
        while self.random.percent(25) {
            self.fail_from(60, true);
            self.start().await;
            self.server = None;
            self.cut_power();
            self.cuts += 1;
            self.failed = false;
        }
        self.start().await;
        assert!(self.server.is_some(), "a healthy disk lets the server start");
    }

    fn cut_power(&mut self) {
        let mut random = self.random.fork();
        self.disk = match random.below(4) {
            0 => self.disk.crash(|| false),
            1 => self.disk.crash(|| true),
            _ => self.disk.crash(|| random.percent(50)),
        };
    }

    async fn call(&mut self, method: &str, target: &str, body: Option<Value>) -> (u16, Value) {
        self.requests += 1;
        let server = self.server.as_ref().unwrap();
        let (status, bytes) = server.call(method, target, body.as_ref()).await;
        (method, target, body.map(|body| body.to_string())).hash(&mut self.trace);
        (status, &bytes, self.disk.operations()).hash(&mut self.trace);
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    async fn step(&mut self) -> bool {
        match self.random.below(10) {
            0..=3 => self.put().await,
            4..=5 => self.commit().await,
            6 => self.name().await,
            7 => self.read().await,
            8 => {
                let server = self.server.as_ref().unwrap();
                server.engine.mark().is_ok()
            }
            _ => {
                let server = self.server.as_ref().unwrap();
                server.service.housekeep().await;
                server.engine.retain().is_ok()
            }
        }
    }

    async fn put(&mut self) -> bool {
        let (request, begun_at) = (self.requests, self.tick());
        let records: Vec<(String, u32)> = (0..=self.random.below(5))
            .map(|at| {
                let padding = "x".repeat(self.random.below(800) as usize);
                (format!("{request}-{at}-{padding}"), self.random.below(PARTITIONS))
            })
            .collect();
        let entry = |(data, partition): &(String, u32)| json!({"data": b64::encode(data.as_bytes()), "partition_id": partition.to_string()});
        let entries: Vec<Value> = records.iter().map(entry).collect();
        let body = json!({"stream_name": "orders", "records": entries});
        let (status, answer) = self.call("POST", "/records", Some(body)).await;
        let told_at = self.tick();
        let mut all_done = true;
        for (at, (data, partition)) in records.into_iter().enumerate() {
            let fate = match status {
                200 => fate_of(&answer["records"][at], told_at),
                300..=499 => Fate::Refused,
                _ => Fate::Unknown,
            };
            all_done &= matches!(fate, Fate::Done(_));
            self.sent.push(Sent { data, partition: Some(partition), request, begun_at, fate });
        }
        all_done
    }

    async fn commit(&mut self) -> bool {
        let known = self.shown.get(&0).map_or(0, Vec::len);
        let (number, note) = (self.random.draw() % (known as u64 + 1), format!("note {}", self.tick()));
        let body = json!({
            "stream_name": "orders", "app_name": "app", "partition_id": "0",
            "sequence_number": number.to_string(), "metadata": note, "checkpoint_type": "LAST_READ",
        });
        let (status, _) = self.call("POST", "/checkpoints", Some(body)).await;
        self.commits.push(Commit { number, note, fate: fate(status) });
        status == 201
    }

    async fn create(&mut self, name: &str, partitions: u32) -> bool {
        let body = json!({"stream_name": name, "partition_count": partitions});
        let (status, _) = self.call("POST", "/streams", Some(body)).await;
        self.namings.push(Naming { name: name.to_owned(), created: true, fate: fate(status) });
        status == 201
    }

    /// Creates or deletes one of a few streams, whose names are used again.
    async fn name(&mut self) -> bool {
        let name = format!("t{}", self.random.below(3));
        if self.random.percent(50) {
            return self.create(&name, 1).await;
        }
        let (status, _) = self.call("DELETE", &format!("/streams/{name}"), None).await;
        self.namings.push(Naming { name, created: false, fate: fate(status) });
        status == 204
    }

    async fn read(&mut self) -> bool {
        let partition = self.random.below(PARTITIONS);
        let Some(records) = self.read_partition(partition).await else { return false };
        self.shown.insert(partition, records);
        true
    }

    /// All records of a partition; `None` when the storage failed.
    async fn read_partition(&mut self, partition: u32) -> Option<Vec<Stored>> {
        let target = format!(
            "/cursors?stream-name=orders&partition-id={partition}\
             &cursor-type=AT_SEQUENCE_NUMBER&starting-sequence-number=0"
        );
        let (status, answer) = self.call("GET", &target, None).await;
        assert!(status == 200 || status >= 500, "{target}: {status} {answer}");
        let mut cursor = answer["partition_cursor"].as_str()?.to_owned();
        let mut all = Vec::new();
        loop {
            let (status, answer) =
                self.call("GET", &format!("/records?partition-cursor={cursor}"), None).await;
            assert!(status == 200 || status >= 500, "{status} {answer}");
            let page = answer["records"].as_array()?;
            if page.is_empty() {
                return Some(all);
            }
            all.extend(page.iter().map(stored));
            answer["next_partition_cursor"].as_str()?.clone_into(&mut cursor);
        }
    }

    /// Without faults every kind of request succeeds within a minute.
    async fn recover(&mut self) {
        for name in ["put", "commit", "create", "delete"] {
            let since = self.clock.monotonic();
            loop {
                let done = match name {
                    "put" => self.put().await,
                    "commit" => self.commit().await,
                    "create" => self.create("last", 1).await,
                    _ => self.call("DELETE", "/streams/last", None).await.0 == 204,
                };
                if done {
                    break;
                }
                self.clock.advance(Duration::from_secs(1));
                let waited = self.clock.monotonic().saturating_sub(since);
                assert!(waited < Duration::from_mins(1), "{name} does not succeed again");
            }
        }
        self.namings.push(Naming { name: "last".to_owned(), created: false, fate: Fate::Done(()) });
    }

    /// Compares what is stored with what was sent and told.
    async fn check(&mut self) {
        self.disk.set_fault(None);
        self.disk.set_capacity(None);
        let mut found = Log::new();
        for partition in 0..PARTITIONS {
            found.insert(partition, self.read_partition(partition).await.unwrap());
        }
        assert_eq!(check_records(&self.sent, &found), Ok(()));
        assert_eq!(check_unchanged(&self.shown, &found), Ok(()));
        self.shown = found;
        let target = "/checkpoints?stream_name=orders&app_name=app&partition_id=0&checkpoint_type=LAST_READ";
        let (status, answer) = self.call("GET", target, None).await;
        assert_eq!(status, 200, "{answer}");
        let number = answer["sequence_number"].as_str().and_then(|text| text.parse::<u64>().ok());
        let checkpoint = number.map(|number| (number, answer["metadata"].as_str().unwrap().to_owned()));
        assert_eq!(check_checkpoint(&self.commits, checkpoint.as_ref()), Ok(()));
        let (status, answer) = self.call("GET", "/streams?limit=100", None).await;
        assert_eq!(status, 200, "{answer}");
        let names = answer["stream_names"].as_array().unwrap().iter();
        let names: BTreeSet<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(check_streams(&self.namings, &names), Ok(()));
    }
}

fn fate(status: u16) -> Fate<()> {
    match status {
        200..=299 => Fate::Done(()),
        300..=499 => Fate::Refused,
        _ => Fate::Unknown,
    }
}

fn fate_of(entry: &Value, told_at: u64) -> Fate<Place> {
    match entry["error_code"].as_str() {
        Some(code) if code.starts_with("DIS.5") => Fate::Unknown,
        Some(_) => Fate::Refused,
        None => Fate::Done(Place {
            partition: partition_index(entry["partition_id"].as_str().unwrap()),
            number: entry["sequence_number"].as_str().unwrap().parse().unwrap(),
            told_at,
        }),
    }
}

fn stored(record: &Value) -> Stored {
    let data = b64::decode(record["data"].as_str().unwrap(), usize::MAX).unwrap();
    Stored {
        number: record["sequence_number"].as_str().unwrap().parse().unwrap(),
        data: String::from_utf8(data.to_vec()).unwrap(),
    }
}
