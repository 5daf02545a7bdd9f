//! `JetStream` of NATS: publish with a reply subject of the connection's own, where the acknowledgement comes.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use millpond_load::{Step, Talk, Verdict, Violation};

use crate::{STREAMS, Work, data, good};

struct Nats {
    work: Work,
    inbox: String,
    request: Bytes,
    missing: usize,
    greeting: bool,
    pending: Vec<u8>,
    error: Option<String>,
}

const CONNECT: &str =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"bench\",\"version\":\"1\"}\r\n";

/// Creates the streams and makes the talks.
pub(crate) fn talks(address: SocketAddr, work: Work) -> anyhow::Result<Vec<Box<dyn Talk>>> {
    create(address)?;
    Ok((0..work.connections())
        .map(|index| {
            let inbox = format!("_INBOX.{index}");
            let mut request = Vec::new();
            for record in 0..work.records() {
                let data = data(index * 500 + record);
                let subject = (index + record) % STREAMS;
                request.extend_from_slice(format!("PUB s.{subject} {inbox} {}\r\n", data.len()).as_bytes());
                request.extend_from_slice(&data);
                request.extend_from_slice(b"\r\n");
            }
            let (request, pending) = (request.into(), Vec::new());
            Box::new(Nats { work, inbox, request, missing: 0, greeting: false, pending, error: None })
                as Box<dyn Talk>
        })
        .collect())
}

/// One stream for each subject; creating it again with the same settings changes nothing.
fn create(address: SocketAddr) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.write_all(format!("{CONNECT}SUB _INBOX.c 1\r\n").as_bytes())?;
    let mut seen = String::new();
    for stream in 0..STREAMS {
        let body = format!(
            r#"{{"name":"S{stream}","subjects":["s.{stream}"],"storage":"file","retention":"limits","num_replicas":1,"discard":"old","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msg_size":-1}}"#
        );
        let subject = format!("$JS.API.STREAM.CREATE.S{stream}");
        socket.write_all(format!("PUB {subject} _INBOX.c {}\r\n{body}\r\n", body.len()).as_bytes())?;
        let mut buffer = [0; 8192];
        while seen.matches("MSG _INBOX.c").count() <= stream || !seen.ends_with("\r\n") {
            let count = socket.read(&mut buffer).context("JetStream does not answer")?;
            ensure!(count > 0, "the connection was closed: {seen}");
            seen.push_str(&String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()));
        }
    }
    ensure!(!seen.contains("\"error\""), "a stream was refused: {seen}");
    Ok(())
}

impl Talk for Nats {
    fn greeting(&mut self) -> Bytes {
        self.greeting = true;
        format!("{CONNECT}SUB {} 1\r\nPING\r\n", self.inbox).into()
    }

    fn request(&mut self) -> Option<Bytes> {
        self.missing = self.work.records();
        Some(self.request.clone())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        self.pending.extend_from_slice(received);
        let mut at = 0;
        while let Some(used) = self.message(at)? {
            at += used;
        }
        self.pending.drain(..at);
        if self.greeting || self.missing > 0 {
            return Ok(Step::More);
        }
        let verdict = self.error.take().map_or_else(|| good(self.work), Verdict::Bad);
        Ok(Step::Done { verdict, close: false })
    }
}

impl Nats {
    /// Looks at the message that begins at `at`; its length if it is complete.
    fn message(&mut self, at: usize) -> Result<Option<usize>, Violation> {
        let rest = self.pending.get(at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).trim_end().to_owned();
        let mut used = end + 1;
        if line.starts_with("MSG ") {
            let len: usize = line
                .rsplit(' ')
                .next()
                .and_then(|len| len.parse().ok())
                .ok_or_else(|| Violation(line.clone()))?;
            let Some(body) = rest.get(used..used + len + 2) else { return Ok(None) };
            if body.windows(8).any(|window| window == b"\"error\":") {
                self.error.get_or_insert(String::from_utf8_lossy(body).into_owned());
            }
            used += len + 2;
            self.missing = self.missing.saturating_sub(1);
        } else if line == "PONG" {
            self.greeting = false;
        } else if line.starts_with("-ERR") {
            return Err(Violation(line));
        }
        Ok(Some(used))
    }
}
