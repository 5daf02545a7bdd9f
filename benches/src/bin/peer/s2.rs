//! s2-lite: appends of its JSON API.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use millpond_load::{HttpAnswer, Step, Talk, Verdict, Violation};

use crate::{STREAMS, Work, data, good};

/// The basin that the streams are in.
const BASIN: &str = "bench-basin";

struct S2 {
    work: Work,
    request: Bytes,
    answer: HttpAnswer,
}

pub(crate) fn talks(address: SocketAddr, work: Work) -> anyhow::Result<Vec<Box<dyn Talk>>> {
    ask(address, "/v1/basins", &format!(r#"{{"basin":"{BASIN}"}}"#))?;
    for stream in 0..STREAMS {
        ask(address, "/v1/streams", &format!(r#"{{"stream":"s{stream}"}}"#))?;
    }
    let talk = |index: usize| {
        let record =
            |record: usize| format!(r#"{{"body":"{}"}}"#, STANDARD.encode(data(index * 500 + record)));
        let records: Vec<String> = (0..work.records()).map(record).collect();
        let body = format!(r#"{{"records":[{}]}}"#, records.join(","));
        let path = format!("/v1/streams/s{}/records", index % STREAMS);
        S2 { work, request: request(address, &path, &body), answer: HttpAnswer::default() }
    };
    Ok((0..work.connections()).map(|index| Box::new(talk(index)) as Box<dyn Talk>).collect())
}

fn request(address: SocketAddr, path: &str, body: &str) -> Bytes {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ns2-basin: {BASIN}\r\ns2-format: base64\r\n\
         authorization: Bearer none\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn ask(address: SocketAddr, path: &str, body: &str) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.write_all(&request(address, path, body))?;
    let (mut answer, mut buffer) = (HttpAnswer::default(), [0; 8192]);
    loop {
        let count = socket.read(&mut buffer)?;
        ensure!(count > 0, "the connection was closed");
        if let Some(head) = answer.take(buffer.get(..count).unwrap_or_default())? {
            // 409: it exists already.
            ensure!(head.status < 300 || head.status == 409, "{path}: {}", answer.text());
            return Ok(());
        }
    }
}

impl Talk for S2 {
    fn request(&mut self) -> Option<Bytes> {
        Some(self.request.clone())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let Some(head) = self.answer.take(received)? else { return Ok(Step::More) };
        let verdict = if (200..300).contains(&head.status) {
            good(self.work)
        } else {
            Verdict::Bad(self.answer.text())
        };
        Ok(Step::Done { verdict, close: head.close })
    }
}
