use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
};

use super::*;
use crate::Pace;

/// Asks with one byte; `+` is good, `-` is not.
struct Ping;

impl Talk for Ping {
    fn request(&mut self) -> Option<Bytes> {
        Some(Bytes::from_static(b"?"))
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let verdict = match received {
            b"+" => Verdict::Good { records: 1, payload_bytes: 10 },
            b"-" => Verdict::Bad("no".to_owned()),
            other => return Err(Violation(format!("{other:?}"))),
        };
        Ok(Step::Done { verdict, close: false })
    }
}

/// A server that answers every byte with the next of `answers`, for ever, each after `delay`.
fn server(answers: &'static [u8], delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            thread::spawn(move || {
                let mut byte = [0];
                for answer in answers.iter().cycle() {
                    if socket.read_exact(&mut byte).is_err() {
                        return;
                    }
                    thread::sleep(delay);
                    drop(socket.write_all(&[*answer]));
                }
            });
        }
    });
    address
}

fn load(answers: &'static [u8], delay_ms: u64, pace: Pace, connections: usize) -> Result<Report, LoadError> {
    let address = server(answers, Duration::from_millis(delay_ms));
    let mut plan = Plan::new(address, Duration::ZERO, Duration::from_millis(300));
    (plan.pace, plan.threads) = (pace, 2);
    run(&plan, (0..connections).map(|_| Box::new(Ping) as Box<dyn Talk>).collect())
}

#[test]
fn good_and_bad_answers_are_counted() {
    let report = load(b"++-", 0, Pace::Closed, 3).unwrap();
    assert!(report.requests > report.failed && report.failed > 0, "{report:?}");
    assert_eq!(report.records, report.requests);
    assert_eq!(report.payload_bytes, 10 * report.requests);
    assert_eq!(report.first_failure.as_deref(), Some("no"));
}

#[test]
fn a_slow_server_is_charged_for_those_that_wait() {
    // One connection, 20 ms each: 100 in a second cannot be kept up, the queue grows.
    let report = load(b"+", 20, Pace::PerSecond(100.0), 1).unwrap();
    assert!(report.latency.max_us > 40_000.0, "{report:?}");
    assert!(report.missed > 5, "{report:?}");
}

#[test]
fn what_cannot_be_understood_ends_the_load() {
    assert!(matches!(load(b"+x", 0, Pace::Closed, 1), Err(LoadError::Violation(_))));
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plan = Plan::new(address, Duration::ZERO, Duration::from_millis(100));
    assert!(matches!(run(&plan, vec![Box::new(Ping)]), Err(LoadError::Connect(_))));
}
