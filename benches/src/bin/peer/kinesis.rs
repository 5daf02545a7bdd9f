//! The API of Kinesis: `PutRecords` in JSON. The servers do not check signatures.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use millpond_load::{HttpAnswer, Step, Talk, Verdict, Violation};

use crate::{STREAMS, Work, data, good};

/// Longest that a stream may be in creation.
const CREATING: u32 = 100;

struct Kinesis {
    work: Work,
    request: Bytes,
    answer: HttpAnswer,
}

pub(crate) fn talks(address: SocketAddr, work: Work) -> anyhow::Result<Vec<Box<dyn Talk>>> {
    let created =
        ask(address, "CreateStream", &format!(r#"{{"StreamName":"bench","ShardCount":{STREAMS}}}"#))?;
    ensure!(created.starts_with("HTTP/1.1 200") || created.contains("ResourceInUse"), "{created}");
    for _ in 0..CREATING {
        let described = ask(address, "DescribeStreamSummary", r#"{"StreamName":"bench"}"#)?;
        if described.contains("\"ACTIVE\"") {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let talk = |index: usize| Kinesis {
        work,
        request: request(address, "PutRecords", &body(work, index)),
        answer: HttpAnswer::default(),
    };
    Ok((0..work.connections()).map(|index| Box::new(talk(index)) as Box<dyn Talk>).collect())
}

fn body(work: Work, index: usize) -> String {
    let record = |record: usize| {
        let seed = index * 500 + record;
        format!(r#"{{"Data":"{}","PartitionKey":"key-{seed}"}}"#, STANDARD.encode(data(seed)))
    };
    let records: Vec<String> = (0..work.records()).map(record).collect();
    format!(r#"{{"StreamName":"bench","Records":[{}]}}"#, records.join(","))
}

/// The signature has the right form and nothing else: both servers only look at the form.
fn request(address: SocketAddr, operation: &str, body: &str) -> Bytes {
    format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amz-target: Kinesis_20131202.{operation}\r\nx-amz-date: 20260101T000000Z\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/kinesis/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=00\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn ask(address: SocketAddr, operation: &str, body: &str) -> anyhow::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.write_all(&request(address, operation, body))?;
    let mut answer = HttpAnswer::default();
    let (mut text, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let count = socket.read(&mut buffer)?;
        ensure!(count > 0, "the connection was closed: {}", String::from_utf8_lossy(&text));
        let received = buffer.get(..count).unwrap_or_default();
        text.extend_from_slice(received);
        if answer.take(received)?.is_some() {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

impl Talk for Kinesis {
    fn request(&mut self) -> Option<Bytes> {
        Some(self.request.clone())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let Some(head) = self.answer.take(received)? else { return Ok(Step::More) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(' ', "");
        let counted = r#""FailedRecordCount":0"#;
        let none_failed =
            text(self.answer.begin()).contains(counted) || text(self.answer.end()).contains(counted);
        let verdict = if head.status == 200 && none_failed {
            good(self.work)
        } else {
            Verdict::Bad(self.answer.text())
        };
        Ok(Step::Done { verdict, close: head.close })
    }
}
