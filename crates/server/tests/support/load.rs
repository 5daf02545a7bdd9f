//! A load of many clients, each of which remembers what it did and was told.

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use parking_lot::{Condvar, Mutex};

use super::{
    PATIENCE,
    api::{Client, Key, NewRecord},
    history::{Commit, Fate, Log, Naming, Place, Sent},
    random::Random,
};

/// The stream that is written to.
pub const STREAM: &str = "orders";
/// Its partitions.
pub const PARTITIONS: u32 = 3;

const WRITERS: u64 = 4;
const COMMITTERS: u64 = 2;
/// Largest record, in bytes: so small that there are many, so large that segments fill.
const DATA_MAX: u32 = 3000;
const BATCH_MAX: u32 = 12;
/// Cursors that are remembered.
const CURSORS_MAX: usize = 20;

/// A cursor and what it has to show: the record of this number first.
#[derive(Clone, Debug)]
pub struct Cursor {
    pub text: String,
    pub partition: u32,
    pub number: u64,
}

/// Everything that clients did and were told, over all rounds.
#[derive(Default)]
pub struct History {
    ticks: AtomicU64,
    requests: AtomicU64,
    /// What is acknowledged of every partition, by its length.
    known: [AtomicU64; PARTITIONS as usize],
    acknowledged: Mutex<u64>,
    more: Condvar,
    pub sent: Mutex<Vec<Sent>>,
    pub shown: Mutex<Log>,
    pub commits: Mutex<BTreeMap<(String, u32), Vec<Commit>>>,
    pub namings: Mutex<Vec<Naming>>,
    pub cursors: Mutex<Vec<Cursor>>,
}

/// The name of a committer's app.
fn app(number: u64) -> String {
    format!("app{number}")
}

/// What the load needs to be there.
pub fn prepare(port: u16, key: &Key) {
    let mut client = Client::new(port, key);
    client.create_stream(STREAM, PARTITIONS);
    (0..COMMITTERS).for_each(|number| client.create_app(&app(number)));
}

impl History {
    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    /// Requests acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        *self.acknowledged.lock()
    }

    fn acknowledge(&self) {
        *self.acknowledged.lock() += 1;
        self.more.notify_all();
    }

    /// Waits until so many requests are acknowledged.
    pub fn wait_for(&self, acknowledged: u64) {
        let mut guard = self.acknowledged.lock();
        while *guard < acknowledged {
            let late = self.more.wait_for(&mut guard, PATIENCE).timed_out();
            assert!(!late, "{} of {acknowledged} requests are acknowledged", *guard);
        }
    }

    /// Runs all clients against a server while `meanwhile` does something to it; they end when the
    /// server does.
    pub fn load<T>(&self, port: u16, key: &Key, random: &mut Random, meanwhile: impl FnOnce() -> T) -> T {
        let round = random.below(1_000_000);
        thread::scope(|scope| {
            for number in 0..WRITERS {
                let (mut client, mut random) = (Client::new(port, key), random.fork());
                let name = format!("{round}w{number}");
                scope.spawn(move || while self.put_some(&mut client, &name, &mut random).is_ok() {});
            }
            for number in 0..COMMITTERS {
                let (mut client, mut random) = (Client::new(port, key), random.fork());
                scope.spawn(move || while self.commit(&mut client, number, &mut random).is_ok() {});
            }
            let (mut client, mut random) = (Client::new(port, key), random.fork());
            scope.spawn(move || while self.read_some(&mut client, &mut random).is_ok() {});
            let mut client = Client::new(port, key);
            let names = (0..).map(move |number| format!("t{round}-{number}"));
            scope.spawn(move || {
                let mut names = names;
                while names.next().is_some_and(|name| self.name_one(&mut client, &name).is_ok()) {}
            });
            meanwhile()
        })
    }

    fn put_some(&self, client: &mut Client, name: &str, random: &mut Random) -> io::Result<()> {
        let request = self.requests.fetch_add(1, Ordering::SeqCst);
        let by_key = random.percent(25);
        let records: Vec<NewRecord> = (0..=random.below(BATCH_MAX))
            .map(|at| {
                let padding = "x".repeat(random.below(DATA_MAX) as usize);
                NewRecord {
                    data: format!("{name}-{request}-{at}-{padding}"),
                    partition: (!by_key).then(|| random.below(PARTITIONS)),
                    key: by_key.then(|| name.to_owned()),
                }
            })
            .collect();
        let begun_at = self.tick();
        let answer = client.put(STREAM, &records);
        let told_at = self.tick();
        let fate_of = |index: usize| match &answer {
            Ok(Ok(placed)) => match &placed[index] {
                Ok((partition, number)) => {
                    self.known[*partition as usize].fetch_max(number + 1, Ordering::SeqCst);
                    Fate::Done(Place { partition: *partition, number: *number, told_at })
                }
                Err(code) if code.starts_with("DIS.5") => Fate::Unknown,
                Err(_) => Fate::Refused,
            },
            Ok(Err(answer)) if answer.status < 500 => Fate::Refused,
            Ok(Err(_)) | Err(_) => Fate::Unknown,
        };
        let fates: Vec<_> = (0..records.len()).map(fate_of).collect();
        let sent = records.into_iter().zip(fates).map(|(NewRecord { data, partition, .. }, fate)| Sent {
            data,
            partition,
            request,
            begun_at,
            fate,
        });
        self.sent.lock().extend(sent);
        match answer? {
            Ok(_) => self.acknowledge(),
            // Nothing in this load is too much, and nothing is wrong with it.
            Err(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
        }
        Ok(())
    }

    fn commit(&self, client: &mut Client, number: u64, random: &mut Random) -> io::Result<()> {
        let partition = random.below(PARTITIONS);
        let (app, note) = (app(number), format!("note {}", self.tick()));
        let known = self.known[partition as usize].load(Ordering::SeqCst);
        let position = random.draw() % (known + 1);
        let answer = client.commit((&app, STREAM, partition), position, &note);
        let fate = fate(answer.as_ref().ok().map(|answer| answer.status));
        let commit = Commit { number: position, note, fate };
        self.commits.lock().entry((app, partition)).or_default().push(commit);
        let answer = answer?;
        assert!(answer.status == 201 || answer.status == 503, "{} {}", answer.status, answer.text());
        Ok(())
    }

    /// Reads at some place near the end, where records may be that are not yet safe.
    fn read_some(&self, client: &mut Client, random: &mut Random) -> io::Result<()> {
        let partition = random.below(PARTITIONS);
        let known = self.known[partition as usize].load(Ordering::SeqCst);
        let number = known.saturating_sub(random.below(20).into());
        let text = client.cursor(STREAM, partition, number)?;
        let (records, _) = client.read(&text)?;
        self.shown.lock().entry(partition).or_default().extend(records);
        if number < known {
            let mut cursors = self.cursors.lock();
            if cursors.len() == CURSORS_MAX {
                cursors.remove(0);
            }
            cursors.push(Cursor { text, partition, number });
        }
        Ok(())
    }

    /// Creates a stream, and deletes it unless its name ends in 7: some stay.
    fn name_one(&self, client: &mut Client, name: &str) -> io::Result<()> {
        let body = serde_json::json!({"stream_name": name, "partition_count": 2});
        let answer = client.call("POST", "/streams", Some(&body));
        self.name(name, true, &answer);
        answer?;
        if name.ends_with('7') {
            return Ok(());
        }
        let answer = client.call("DELETE", &format!("/streams/{name}"), None);
        self.name(name, false, &answer);
        answer.map(drop)
    }

    fn name(&self, name: &str, created: bool, answer: &io::Result<super::http::Answer>) {
        let fate = fate(answer.as_ref().ok().map(|answer| answer.status));
        self.namings.lock().push(Naming { name: name.to_owned(), created, fate });
    }
}

fn fate(status: Option<u16>) -> Fate<()> {
    match status {
        Some(200..=299) => Fate::Done(()),
        Some(300..=499) => Fate::Refused,
        Some(_) | None => Fate::Unknown,
    }
}
