//! Streams that come and go: one client at a time uses a name.

use serde_json::json;

use super::{
    history::{FILLER, History, PARTITIONS, PASSING, Passing, There},
    load::{Batch, Hand, NAMERS, fate, sent},
    support::{api::NewRecord, history::Fate, http::Answer, partitions::Scaling},
};

/// Creates, fills, scales or deletes a stream. Names are divided between the clients.
pub fn step(hand: &mut Hand<'_>) -> Option<()> {
    let own = FILLER as u32 / NAMERS;
    let index = (hand.number * own + hand.random.below(own)) as usize;
    let history = hand.history;
    let (name, mut passing) = (PASSING[index], history.passing[index].lock());
    match (passing.there, hand.random.below(100)) {
        // Nobody knows; the check after the end of the server finds out.
        (There::Maybe, _) => find_out(hand, name, &mut passing),
        (There::No, _) => create(hand, name, &mut passing),
        (There::Yes, 0..70) => put(hand, name, &mut passing),
        (There::Yes, 70..80) => scale(hand, name, &mut passing),
        (There::Yes, _) => delete(hand, name, &mut passing),
    }
}

/// A change in doubt while the server lives: it had no space, and one look decides.
fn find_out(hand: &mut Hand<'_>, name: &str, passing: &mut Passing) -> Option<()> {
    let answer = hand.client.call("GET", &format!("/streams/{name}"), None);
    let answer = hand.phase.judge(name, answer, |answer| answer.status == 200 || is_unknown(answer))?;
    // What a dying server says of a change in doubt need not be so after its end.
    if answer.status < 500 && !hand.phase.is_dying() {
        if answer.status == 200 { passing.see(&id(&answer)) } else { passing.next(There::No, 0) }
    }
    Some(())
}

/// The id of a described stream.
pub fn id(described: &Answer) -> String {
    described.json()["stream_id"].as_str().expect("an id").to_owned()
}

fn is_unknown(answer: &Answer) -> bool {
    answer.status == 400 && answer.code() == "DIS.4301"
}

fn count(history: &History, answer: &std::io::Result<Answer>) {
    if fate(answer) == Fate::Done(()) {
        history.namings.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

fn create(hand: &mut Hand<'_>, name: &str, passing: &mut Passing) -> Option<()> {
    let active = 1 + hand.random.below(3);
    let body = json!({"stream_name": name, "partition_count": active});
    let answer = hand.client.call("POST", "/streams", Some(&body));
    count(hand.history, &answer);
    let fate = fate(&answer);
    if fate != Fate::Refused {
        let there = if fate == Fate::Unknown { There::Maybe } else { There::Yes };
        passing.next(there, active);
    }
    let what = format!("create {name}");
    hand.phase.judge(&what, answer, |answer| answer.status == 201)?;
    if fate != Fate::Done(()) {
        return Some(());
    }
    let answer = hand.client.call("GET", &format!("/streams/{name}"), None);
    let answer = hand.phase.judge(name, answer, |answer| answer.status == 200)?;
    if answer.status != 200 {
        return Some(());
    }
    passing.see(&id(&answer));
    for partition in answer.json()["partitions"].as_array().expect("partitions") {
        assert_eq!(partition["sequence_number_range"], "[0 : 0]", "{name} is new, and something is in it");
    }
    Some(())
}

fn put(hand: &mut Hand<'_>, name: &str, passing: &mut Passing) -> Option<()> {
    let prefix = format!("{name}r{}", hand.round);
    let batch = Batch::some(hand.history, &mut hand.random, &prefix, passing.active);
    let asked: Vec<Option<u32>> = batch.records.iter().map(|record| record.partition).collect();
    let begun_at = hand.history.tick();
    let answer = hand.client.put(name, &batch.records);
    let told_at = hand.history.tick();
    passing.sent.extend(sent(batch, &answer, (begun_at, told_at)));
    hand.judge_put(name, &asked, answer)?;
    if hand.random.percent(20) {
        let target = format!("/cursors?stream-name={name}&partition-id=0&cursor-type=TRIM_HORIZON");
        let answer = hand.client.call("GET", &target, None);
        let answer = hand.phase.judge(&target, answer, |answer| answer.status == 200)?;
        passing.cursor = answer.json()["partition_cursor"].as_str().map(str::to_owned);
    }
    Some(())
}

/// Only up, so that no record that names a partition is refused.
fn scale(hand: &mut Hand<'_>, name: &str, passing: &mut Passing) -> Option<()> {
    let target = PARTITIONS.1.min(passing.scalings.last().map_or(passing.active, |last| last.target) + 1);
    let body = json!({"stream_name": name, "target_partition_count": target});
    let answer = hand.client.call("PUT", &format!("/streams/{name}"), Some(&body));
    passing.scalings.push(Scaling { target, fate: fate(&answer) });
    hand.phase.judge(&format!("scale {name}"), answer, |answer| answer.status == 200).map(drop)
}

/// Deletes, also without space; afterwards nothing of it may be reached.
fn delete(hand: &mut Hand<'_>, name: &str, passing: &mut Passing) -> Option<()> {
    let answer = hand.client.call("DELETE", &format!("/streams/{name}"), None);
    count(hand.history, &answer);
    let fate = fate(&answer);
    match fate {
        Fate::Done(()) => passing.next(There::No, 0),
        Fate::Unknown => passing.there = There::Maybe,
        Fate::Refused => {}
    }
    let what = format!("delete {name}");
    hand.phase.judge(&what, answer, |answer| answer.status == 204)?;
    if fate != Fate::Done(()) {
        assert!(hand.phase.is_dying(), "{what}: deleting needs no space");
        return Some(());
    }
    let record = NewRecord { data: format!("{name} is gone"), partition: None, key: None };
    match hand.client.put(name, &[record]) {
        Ok(Ok(placed)) => panic!("{name} is deleted and takes records: {placed:?}"),
        Ok(Err(answer)) => {
            hand.phase.judge(&what, Ok(answer), is_unknown)?;
        }
        Err(error) => {
            hand.phase.judge(&what, Err(error), |_| false)?;
        }
    }
    if let Some(cursor) = passing.cursor.take() {
        let answer = hand.client.call("GET", &format!("/records?partition-cursor={cursor}"), None);
        hand.phase.judge("read of a deleted stream", answer, |answer| answer.status == 400)?;
    }
    Some(())
}
