//! etcd: a `put` of its JSON gateway for each position.

use std::net::SocketAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use millpond_load::{HttpAnswer, Step, Talk, Verdict, Violation};

use crate::{STREAMS, Work, good};

struct Etcd {
    request: Bytes,
    answer: HttpAnswer,
}

pub(crate) fn talks(address: SocketAddr) -> Vec<Box<dyn Talk>> {
    let talk = |index: usize| {
        let key = STANDARD.encode(format!("app/{}", index % STREAMS));
        let body = format!(r#"{{"key":"{key}","value":"{}"}}"#, STANDARD.encode("12345"));
        let request = format!(
            "POST /v3/kv/put HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Etcd { request: request.into(), answer: HttpAnswer::default() }
    };
    (0..Work::Commit.connections()).map(|index| Box::new(talk(index)) as Box<dyn Talk>).collect()
}

impl Talk for Etcd {
    fn request(&mut self) -> Option<Bytes> {
        Some(self.request.clone())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let Some(head) = self.answer.take(received)? else { return Ok(Step::More) };
        let verdict = if head.status == 200 { good(Work::Commit) } else { Verdict::Bad(self.answer.text()) };
        Ok(Step::Done { verdict, close: head.close })
    }
}
