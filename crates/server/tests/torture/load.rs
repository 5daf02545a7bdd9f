//! Clients that write, read, commit and scale at once, each of which writes down what it did and was told.

use std::{thread, time::Duration};

use super::{
    history::{APPS, Cursor, History, LASTING, Lasting, PARTITIONS},
    passing,
    phase::{Alarm, Phase},
    support::{
        api::{Client, Key, NewRecord, Placed},
        history::{Fate, Place, Sent},
        http::Answer,
        partitions::{Keyed, Scaling, Steady},
        random::Random,
        register::{Act, Operation},
    },
};

const WRITERS: u32 = 5;
const COMMITTERS: u32 = 3;
const READERS: u32 = 2;
/// Clients that create and delete streams, each with names of its own.
pub const NAMERS: u32 = 2;
/// Largest record, in bytes: so small that there are many, so large that segments fill.
const DATA_MAX: u32 = 3000;
const BATCH_MAX: u32 = 12;
/// Keys of a writer.
const KEYS: u32 = 3;
const CURSORS_MAX: usize = 12;
/// Before a client tries again that was told that there is no space.
const NO_SPACE_PAUSE: Duration = Duration::from_millis(20);
/// Between two changes of partitions.
const SCALING_PAUSE: Duration = Duration::from_millis(60);

/// A client and what it needs to know.
pub struct Hand<'a> {
    pub history: &'a History,
    pub phase: &'a Phase,
    pub client: Client,
    pub random: Random,
    pub number: u32,
    pub round: u32,
}

/// One thing that a client does; `None` ends the client.
type Step<'a> = fn(&mut Hand<'a>) -> Option<()>;

/// Runs all clients while `meanwhile` does something to the server. They end with the phase, or when
/// their connection does after the server was left to die.
pub fn load<'a, T>(
    (history, phase): (&'a History, &'a Phase),
    (port, key): (u16, &Key),
    random: &mut Random,
    meanwhile: impl FnOnce() -> T,
) -> T {
    let round = random.below(1_000_000);
    thread::scope(|scope| {
        let roles: [(u32, Step<'a>); 5] = [
            (WRITERS, Hand::put),
            (COMMITTERS, Hand::commit),
            (READERS, Hand::read),
            (1, Hand::scale),
            (NAMERS, passing::step),
        ];
        for (count, step) in roles {
            for number in 0..count {
                let (client, random) = (Client::new(port, key), random.fork());
                let mut hand = Hand { history, phase, client, random, number, round };
                scope.spawn(move || {
                    let _alarm = Alarm(phase);
                    while !phase.is_over() && step(&mut hand).is_some() {}
                });
            }
        }
        let _alarm = Alarm(phase);
        let value = meanwhile();
        phase.end();
        value
    })
}

/// What became of a change, by the status of its answer.
pub fn fate(answer: &std::io::Result<Answer>) -> Fate<()> {
    match answer.as_ref().map(|answer| answer.status) {
        Ok(200..=299) => Fate::Done(()),
        Ok(300..=499) => Fate::Refused,
        Ok(_) | Err(_) => Fate::Unknown,
    }
}

/// Records to put, with their request.
pub struct Batch {
    pub request: u64,
    pub records: Vec<NewRecord>,
}

impl Batch {
    /// Some records for partitions below `partitions`, or by keys that begin with `name`.
    pub fn some(history: &History, random: &mut Random, name: &str, partitions: u32) -> Self {
        let request = history.request();
        let kind = random.below(100);
        let key = format!("{name}k{}", random.below(KEYS));
        let record = |at: u32| {
            let padding = "x".repeat(random.below(DATA_MAX) as usize);
            let key = (kind < 30).then(|| key.clone());
            let partition = (kind >= 40).then(|| random.below(partitions));
            let begin = key.as_deref().unwrap_or(name);
            NewRecord { data: format!("{begin}-{request}-{at}-{padding}"), partition, key }
        };
        let count = 1 + if kind.is_multiple_of(4) { 0 } else { kind % BATCH_MAX };
        Self { request, records: (0..count).map(record).collect() }
    }
}

/// What clients write down of a put: every record with its fate.
pub fn sent(
    batch: Batch,
    answer: &std::io::Result<Result<Vec<Placed>, Answer>>,
    (begun_at, told_at): (u64, u64),
) -> Vec<Sent> {
    let fate_of = |index: usize| match answer {
        Ok(Ok(placed)) => match &placed[index] {
            Ok((partition, number)) => Fate::Done(Place { partition: *partition, number: *number, told_at }),
            Err(code) if code.starts_with("DIS.5") => Fate::Unknown,
            Err(_) => Fate::Refused,
        },
        Ok(Err(answer)) if answer.status < 500 => Fate::Refused,
        Ok(Err(_)) | Err(_) => Fate::Unknown,
    };
    let request = batch.request;
    let records = batch.records.into_iter().enumerate();
    records
        .map(|(index, NewRecord { data, partition, .. })| Sent {
            data,
            partition,
            request,
            begun_at,
            fate: fate_of(index),
        })
        .collect()
}

impl Hand<'_> {
    fn lasting(&mut self) -> &'static str {
        LASTING[self.random.below(LASTING.len() as u32) as usize].0
    }

    fn stream(&mut self) -> (usize, &Lasting) {
        let index = self.random.below(LASTING.len() as u32) as usize;
        (index, &self.history.lasting[index])
    }

    /// Judges a put: every record may be refused that names a partition which may not be ACTIVE, and
    /// every one in doubt when there may be no space. `None` ends the client.
    pub fn judge_put(
        &self,
        stream: &str,
        partitions: &[Option<u32>],
        answer: std::io::Result<Result<Vec<Placed>, Answer>>,
    ) -> Option<Vec<Placed>> {
        let what = format!("put into {stream}");
        let placed = match answer {
            Ok(Ok(placed)) => placed,
            Ok(Err(answer)) => {
                self.phase.judge(&what, Ok(answer), |_| false)?;
                return Some(Vec::new());
            }
            Err(error) => return self.phase.judge(&what, Err(error), |_| false).map(|_| Vec::new()),
        };
        for (partition, placed) in partitions.iter().zip(&placed) {
            let Err(code) = placed else { continue };
            let good = match code.as_str() {
                "DIS.4302" => partition.is_some_and(|partition| partition >= PARTITIONS.0),
                "DIS.5250" => self.phase.may_be_full(),
                _ => false,
            };
            assert!(good || self.phase.is_dying(), "{what}, partition {partition:?}: refused with {code}");
        }
        if placed.iter().any(|placed| placed.as_ref().is_err_and(|code| code == "DIS.5250")) {
            self.phase.pause(NO_SPACE_PAUSE);
        } else {
            self.phase.acknowledge();
        }
        Some(placed)
    }

    /// Puts records; reads some of them at once, on a connection of its own.
    fn put(&mut self) -> Option<()> {
        let name = format!("{}w{}", self.round, self.number);
        let history = self.history;
        let index = self.random.below(LASTING.len() as u32) as usize;
        let stream = &history.lasting[index];
        let partitions = stream.partitions.load(std::sync::atomic::Ordering::SeqCst);
        let batch = Batch::some(history, &mut self.random, &name, partitions);
        let asked: Vec<Option<u32>> = batch.records.iter().map(|record| record.partition).collect();
        let keys: Vec<Option<String>> = batch.records.iter().map(|record| record.key.clone()).collect();
        let begun_at = history.tick();
        let answer = self.client.put(&stream.name, &batch.records);
        let told_at = history.tick();
        let sent = sent(batch, &answer, (begun_at, told_at));
        let mut last = None;
        for (sent, key) in sent.iter().zip(keys) {
            let Fate::Done(Place { partition, number, .. }) = sent.fate else { continue };
            stream.know(partition, number + 1);
            last = Some((partition, number, sent.data.clone()));
            let keyed = key.map(|key| Keyed { key, partition, begun_at, told_at });
            stream.keyed.lock().extend(keyed);
        }
        stream.sent.lock().extend(sent);
        self.judge_put(&stream.name, &asked, answer)?;
        match last {
            Some((partition, number, data)) if self.random.percent(5) => {
                let records = self.read_at(stream, partition, number)?;
                let found = records.first().map(|record| (record.number, &record.data));
                assert_eq!(found, Some((number, &data)), "an acknowledged record is read at once");
                Some(())
            }
            _ => Some(()),
        }
    }

    fn read_at(
        &mut self,
        stream: &Lasting,
        partition: u32,
        number: u64,
    ) -> Option<Vec<super::support::api::Stored>> {
        let cursor = self.cursor(&stream.name, partition, number)?;
        self.show(stream, partition, &cursor)
    }

    fn cursor(&mut self, stream: &str, partition: u32, number: u64) -> Option<String> {
        let target = format!(
            "/cursors?stream-name={stream}&partition-id={partition}\
             &cursor-type=AT_SEQUENCE_NUMBER&starting-sequence-number={number}"
        );
        let answer = self.client.call("GET", &target, None);
        // There may be no space, but reading needs none.
        let answer = self.phase.judge(&target, answer, |answer| answer.status == 200)?;
        assert!(answer.status == 200 || self.phase.is_dying(), "{target}: {answer:?}");
        Some(answer.json()["partition_cursor"].as_str()?.to_owned())
    }

    fn show(
        &mut self,
        stream: &Lasting,
        partition: u32,
        cursor: &str,
    ) -> Option<Vec<super::support::api::Stored>> {
        let answer = self.client.call("GET", &format!("/records?partition-cursor={cursor}"), None);
        let answer = self.phase.judge("read", answer, |answer| answer.status == 200)?;
        if answer.status != 200 {
            assert!(self.phase.is_dying(), "reading needs no space: {answer:?}");
            return None;
        }
        let records = super::support::api::records(&answer);
        stream.shown.lock().entry(partition).or_default().extend(records.iter().cloned());
        Some(records)
    }

    /// Reads at some place near the end, where records may be that are not yet safe.
    fn read(&mut self) -> Option<()> {
        let (index, _) = self.stream();
        let stream = &self.history.lasting[index];
        let partition = self.random.below(PARTITIONS.1);
        let known = stream.known(partition);
        if known == 0 {
            self.phase.pause(Duration::from_millis(1));
            return Some(());
        }
        let number = known.saturating_sub(self.random.below(20).into());
        let cursor = self.cursor(&stream.name, partition, number)?;
        self.show(stream, partition, &cursor)?;
        if number < known {
            let mut cursors = self.history.cursors.lock();
            if cursors.len() == CURSORS_MAX {
                cursors.remove(0);
            }
            cursors.push(Cursor { text: cursor, stream: index, partition, number });
        }
        Some(())
    }

    /// Commits a checkpoint, or reads it; others do the same at the same time.
    fn commit(&mut self) -> Option<()> {
        let stream = self.lasting();
        let partition = self.random.below(PARTITIONS.0);
        let app = APPS[self.random.below(APPS.len() as u32) as usize];
        let register = (app.to_owned(), stream.to_owned(), partition);
        let history = self.history;
        if self.random.percent(30) {
            let target = checkpoint_target(&register);
            let begun_at = history.tick();
            let answer = self.client.call("GET", &target, None);
            let ended_at = history.tick();
            let answer = self.phase.judge(&target, answer, |answer| answer.status == 200)?;
            if answer.status == 200 {
                let act = Act::Read(checkpoint_value(&answer));
                history.operate(register, Operation { act, begun_at, ended_at });
            } else {
                assert!(self.phase.is_dying(), "reading a checkpoint needs no space: {answer:?}");
            }
            return Some(());
        }
        let known = history.lasting.iter().find(|lasting| lasting.name == stream)?.known(partition);
        let position = self.random.draw() % (known + 1);
        let begun_at = history.tick();
        let note = format!("note {begun_at}");
        let answer = self.client.commit((app, stream, partition), position, &note);
        let (told_at, fate) = (history.tick(), fate(&answer));
        let ended_at = if fate == Fate::Unknown { u64::MAX } else { told_at };
        let act = Act::Write(format!("{position} {note}"), fate);
        history.operate(register, Operation { act, begun_at, ended_at });
        let answer = self.phase.judge("commit", answer, |answer| answer.status == 201)?;
        if answer.status == 201 {
            self.phase.acknowledge();
        } else {
            self.phase.pause(NO_SPACE_PAUSE);
        }
        Some(())
    }

    /// Changes how many partitions a stream has.
    fn scale(&mut self) -> Option<()> {
        self.phase.pause(SCALING_PAUSE * self.random.below(4));
        if self.phase.is_over() {
            return None;
        }
        let (index, _) = self.stream();
        let stream = &self.history.lasting[index];
        let target = PARTITIONS.0 + self.random.below(PARTITIONS.1 - PARTITIONS.0 + 1);
        stream.partitions.fetch_max(target, std::sync::atomic::Ordering::SeqCst);
        let begun_at = self.history.tick();
        if let Some(steady) = stream.steady.lock().last_mut() {
            steady.until.get_or_insert(begun_at);
        }
        let body = serde_json::json!({"stream_name": stream.name, "target_partition_count": target});
        let answer = self.client.call("PUT", &format!("/streams/{}", stream.name), Some(&body));
        let (since, fate) = (self.history.tick(), fate(&answer));
        stream.scalings.lock().push(Scaling { target, fate });
        if fate == Fate::Done(()) {
            stream.steady.lock().push(Steady { active: target, since, until: None });
        }
        self.phase.judge("scale", answer, |answer| answer.status == 200).map(drop)
    }
}

/// Where a checkpoint is read.
pub fn checkpoint_target((app, stream, partition): &(String, String, u32)) -> String {
    format!(
        "/checkpoints?stream_name={stream}&app_name={app}&partition_id={partition}&checkpoint_type=LAST_READ"
    )
}

/// The checkpoint in an answer, as a value of its register.
pub fn checkpoint_value(answer: &Answer) -> Option<String> {
    let json = answer.json();
    let number = json["sequence_number"].as_str().expect("a number");
    (number != "-1").then(|| format!("{number} {}", json["metadata"].as_str().expect("a note")))
}
