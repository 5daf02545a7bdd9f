//! A disk that is full: what is refused, what works, and that all of it comes back.

use std::time::Duration;

use millpond_engine::{Clock as _, SystemClock};
use rustix::process::Signal;
use serde_json::json;

use super::{
    era::{Era, stop},
    history::{FILLER, History, PASSING, There},
    load::{Batch, fate, sent},
    phase::{Phase, says_no_space},
    place::Place,
    support::{
        api::{Client, NewRecord},
        history::Fate,
        http::Answer,
    },
};

/// Until a disk that was filled is noticed.
const NOTICE_MAX: Duration = Duration::from_secs(10);
/// Until records are taken again after there is space.
const RETURN_MAX: Duration = Duration::from_secs(10);
/// A record that fills, in bytes, and how many a request has.
const FILLING: (usize, u32) = (200_000, 4);
/// Between two tries.
const TRY_PAUSE: Duration = Duration::from_millis(50);

/// How the disk gets full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Load,
    Others,
}

/// How the server ends while it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stop,
    Kill,
    None,
}

impl Era<'_> {
    pub fn fill_under_load(&mut self) {
        let by = if self.random.percent(50) { By::Load } else { By::Others };
        let is_topped_up = self.random.percent(50);
        let end = [End::Stop, End::Kill, End::None][self.random.below(3) as usize];
        let (before, requests) = (Duration::from_secs(2), self.random.below(200).into());
        let during = Duration::from_millis(self.random.below(1200).into());
        let (phase, clock) = (Phase::new(true), SystemClock::new());
        let mut client = self.client();
        let took = self.load(&phase, |server, place, history| {
            phase.wait(before, requests);
            fill(by, &mut client, place, history, &clock);
            if is_topped_up {
                place.fill().expect("the disk is filled");
            }
            works_without_space(&mut client);
            phase.pause(during);
            match end {
                End::None => None,
                End::Stop => Some(stop(&phase, server, &clock)),
                End::Kill => {
                    phase.let_die();
                    server.signal(Signal::KILL);
                    server.wait_until_ended();
                    None
                }
            }
        });
        match end {
            End::None => {}
            End::Stop => {
                self.stopped(took.unwrap_or_default());
                // No byte of what the end gave back is left either.
                if is_topped_up {
                    self.place.top_up();
                }
                self.start();
            }
            End::Kill => {
                let ended = self.ended(true);
                assert_eq!(ended.code, None, "the server ended by itself:\n{}", ended.log);
                self.restart();
            }
        }
        self.totals.full_disks += 1;
        self.check();
        works_without_space(&mut self.client());
        self.empty(&clock);
    }

    /// Makes space, and waits until records are taken again.
    fn empty(&mut self, clock: &SystemClock) {
        let mut client = self.client();
        let mut filler = self.history.passing[FILLER].lock();
        if filler.there == There::Yes {
            let answer = client.call("DELETE", &format!("/streams/{}", PASSING[FILLER]), None);
            let answer = answer.expect("an answer");
            assert_eq!(answer.status, 204, "deleting needs no space: {answer:?}");
            filler.next(There::No, 0);
        }
        self.place.free().expect("the other file is removed");
        let begun = clock.monotonic();
        loop {
            let refused = put(
                &mut client,
                &self.history,
                0,
                NewRecord { data: String::new(), partition: Some(0), key: None },
            );
            let took = clock.monotonic().saturating_sub(begun);
            match refused {
                None => {
                    self.totals.slowest_return = self.totals.slowest_return.max(took);
                    return;
                }
                Some(why) => assert!(took < RETURN_MAX, "there is space since {took:?}, and still: {why}"),
            }
            std::thread::sleep(TRY_PAUSE);
        }
    }
}

/// Fills the disk and waits until records are refused.
fn fill(by: By, client: &mut Client, place: &Place, history: &History, clock: &SystemClock) {
    if by == By::Others {
        place.fill().expect("the disk is filled");
    }
    let begun = clock.monotonic();
    loop {
        let refused = match by {
            By::Load => put_filler(client, history),
            By::Others => {
                put(client, history, 0, NewRecord { data: String::new(), partition: Some(0), key: None })
            }
        };
        if let Some(why) = refused {
            assert!(why.contains("DIS.5250") && why.contains("no space"), "{why}");
            return;
        }
        let took = clock.monotonic().saturating_sub(begun);
        assert!(by == By::Load || took < NOTICE_MAX, "the disk is full since {took:?}, and still it takes");
        assert!(took < super::support::PATIENCE, "the disk does not get full");
    }
}

/// Puts a record of this run's own into a stream that stays; why it was refused.
fn put(client: &mut Client, history: &History, stream: usize, mut record: NewRecord) -> Option<String> {
    let request = history.request();
    record.data = format!("probe-{request}");
    let stream = &history.lasting[stream];
    let (sent, refused) = put_all(client, history, &stream.name, Batch { request, records: vec![record] });
    stream.sent.lock().extend(sent);
    refused
}

fn put_filler(client: &mut Client, history: &History) -> Option<String> {
    let (name, mut filler) = (PASSING[FILLER], history.passing[FILLER].lock());
    if filler.there != There::Yes {
        let body = json!({"stream_name": name, "partition_count": 1});
        let answer = client.call("POST", "/streams", Some(&body)).expect("an answer");
        if answer.status != 201 {
            return Some(answer.text().to_owned());
        }
        filler.next(There::Yes, 1);
    }
    let request = history.request();
    let (length, count) = FILLING;
    let record = |at: u32| {
        let data = format!("{name}-{request}-{at}-{}", "x".repeat(length));
        NewRecord { data, partition: Some(0), key: None }
    };
    let batch = Batch { request, records: (0..count).map(record).collect() };
    let (sent, refused) = put_all(client, history, name, batch);
    filler.sent.extend(sent);
    refused
}

/// Puts, and says why a record was refused, if one was.
fn put_all(
    client: &mut Client,
    history: &History,
    stream: &str,
    batch: Batch,
) -> (Vec<super::support::history::Sent>, Option<String>) {
    let begun_at = history.tick();
    let (placed, text) = client.put_with_text(stream, &batch.records).expect("an answer");
    let refused = !matches!(&placed, Ok(placed) if placed.iter().all(Result::is_ok));
    (sent(batch, &Ok(placed), (begun_at, history.tick())), refused.then_some(text))
}

/// Reading, listing and looking at checkpoints work; what needs room is refused, and says why.
fn works_without_space(client: &mut Client) {
    client.streams();
    client.must("GET", "/streams/orders", None);
    client.must("GET", "/apps", None);
    client.must(
        "GET",
        "/checkpoints?stream_name=orders&app_name=billing&partition_id=0&checkpoint_type=LAST_READ",
        None,
    );
    let cursor = client.cursor("orders", 0, 0).expect("an answer");
    client.read(&cursor).expect("an answer");
    let answer =
        client.call("POST", "/streams", Some(&json!({"stream_name": "extra", "partition_count": 1})));
    // A stream that another client has deleted may have made room.
    let is_there = fate(&answer) == Fate::Done(());
    let is_good = |answer: &Answer| is_there || says_no_space(answer);
    assert!(answer.as_ref().is_ok_and(is_good), "create without space: {answer:?}");
    if is_there {
        client.must("DELETE", "/streams/extra", None);
    }
}
