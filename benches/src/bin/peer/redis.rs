//! Redis Streams: `XADD`, pipelined for a batch, and `SET` for positions.

use bytes::Bytes;
use millpond_load::{Step, Talk, Verdict, Violation};

use crate::{STREAMS, Work, data, good};

struct Redis {
    work: Work,
    request: Bytes,
    /// Replies that are still to come.
    missing: usize,
    line: Vec<u8>,
    /// Bytes of a bulk string that are still to come, with its line end.
    bulk: usize,
    error: Option<String>,
}

pub(crate) fn talks(work: Work) -> Vec<Box<dyn Talk>> {
    (0..work.connections())
        .map(|index| {
            let request = request(work, index);
            let (line, bulk, error) = (Vec::new(), 0, None);
            Box::new(Redis { work, request, missing: 0, line, bulk, error }) as Box<dyn Talk>
        })
        .collect()
}

fn request(work: Work, index: usize) -> Bytes {
    let mut request = Vec::new();
    for record in 0..work.records() {
        match work {
            Work::Commit => {
                push(&mut request, &[b"SET", format!("app:{}", index % STREAMS).as_bytes(), b"12345"]);
            }
            Work::Put | Work::Batch => {
                let stream = format!("stream:{}", (index + record) % STREAMS);
                push(&mut request, &[b"XADD", stream.as_bytes(), b"*", b"data", &data(index * 500 + record)]);
            }
        }
    }
    request.into()
}

fn push(request: &mut Vec<u8>, words: &[&[u8]]) {
    request.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
}

impl Talk for Redis {
    fn request(&mut self) -> Option<Bytes> {
        self.missing = self.work.records();
        Some(self.request.clone())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        let mut rest = received;
        while let Some((&byte, behind)) = rest.split_first() {
            if self.bulk > 0 {
                let taken = self.bulk.min(rest.len());
                self.bulk -= taken;
                rest = rest.get(taken..).unwrap_or_default();
                self.missing -= usize::from(self.bulk == 0);
                continue;
            }
            rest = behind;
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            self.end_of_line()?;
        }
        if self.missing > 0 {
            return Ok(Step::More);
        }
        let verdict = self.error.take().map_or_else(|| good(self.work), Verdict::Bad);
        Ok(Step::Done { verdict, close: false })
    }
}

impl Redis {
    fn end_of_line(&mut self) -> Result<(), Violation> {
        let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
        self.line.clear();
        match line.split_at_checked(1) {
            Some(("$", len)) => {
                let len: usize = len.parse().map_err(|_| Violation(line.clone()))?;
                self.bulk = len + 2;
            }
            Some(("+" | ":", _)) => self.missing -= 1,
            Some(("-", error)) => {
                self.missing -= 1;
                self.error.get_or_insert(error.to_owned());
            }
            _ => return Err(Violation(line)),
        }
        Ok(())
    }
}
