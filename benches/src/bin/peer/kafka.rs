//! Apache Kafka: `Produce` requests with batches made beforehand, acknowledged by all replicas.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use millpond_load::{Step, Talk, Verdict, Violation};

use crate::{STREAMS, Work, data, good};

/// CRC-32C, which protects a batch.
const CRC: crc_fast::CrcAlgorithm = crc_fast::CrcAlgorithm::Crc32Iscsi;

/// Keys and versions of the requests: the oldest that a broker of version 4 takes.
const PRODUCE: (u16, u16) = (0, 3);
const METADATA: (u16, u16) = (3, 4);
const CREATE_TOPICS: (u16, u16) = (19, 2);

struct Kafka {
    work: Work,
    request: Bytes,
    received: Vec<u8>,
}

pub(crate) fn talks(address: SocketAddr, work: Work, flush: bool) -> anyhow::Result<Vec<Box<dyn Talk>>> {
    let topic = if flush { "bench-flush" } else { "bench" };
    create(address, topic, flush)?;
    settle(address, topic)?;
    let talk = |index: usize| Kafka { work, request: produce(topic, work, index), received: Vec::new() };
    Ok((0..work.connections()).map(|index| Box::new(talk(index)) as Box<dyn Talk>).collect())
}

impl Talk for Kafka {
    fn request(&mut self) -> Option<Bytes> {
        self.received.clear();
        Some(self.request.clone())
    }

    fn answer(&mut self, received: &[u8]) -> Result<Step, Violation> {
        self.received.extend_from_slice(received);
        let mut reader = Reader(&self.received);
        let Some(len) = reader.int::<4>() else { return Ok(Step::More) };
        if reader.0.len() < usize::try_from(len).unwrap_or(usize::MAX) {
            return Ok(Step::More);
        }
        let error = first_error(&mut reader).ok_or_else(|| Violation("a short answer".to_owned()))?;
        let verdict = if error == 0 { good(self.work) } else { Verdict::Bad(format!("error code {error}")) };
        Ok(Step::Done { verdict, close: false })
    }
}

/// The first error of an answer to `Produce`, 0 if there is none.
fn first_error(reader: &mut Reader<'_>) -> Option<u64> {
    reader.int::<4>()?;
    for _ in 0..reader.int::<4>()? {
        reader.text()?;
        for _ in 0..reader.int::<4>()? {
            reader.int::<4>()?;
            let error = reader.int::<2>()?;
            if error != 0 {
                return Some(error);
            }
            reader.int::<8>()?;
            reader.int::<8>()?;
        }
    }
    Some(0)
}

fn produce(topic: &str, work: Work, index: usize) -> Bytes {
    let partitions = work.records().min(STREAMS);
    let mut body = vec![0xff, 0xff]; // no transactional id
    put(&mut body, -1, 2); // acknowledged by all replicas
    put(&mut body, 30_000, 4);
    put(&mut body, 1, 4);
    text(&mut body, topic);
    put(&mut body, length(partitions), 4);
    for partition in 0..partitions {
        let records = (0..work.records()).filter(|record| record % partitions == partition);
        let batch = batch(&records.map(|record| data(index * 500 + record)).collect::<Vec<_>>());
        put(&mut body, length((index + partition) % STREAMS), 4);
        put(&mut body, length(batch.len()), 4);
        body.extend_from_slice(&batch);
    }
    request(PRODUCE, &body)
}

/// A batch of version 2.
fn batch(records: &[Vec<u8>]) -> Vec<u8> {
    let mut checked = Vec::new();
    put(&mut checked, 0, 2); // no compression, times of the producer
    put(&mut checked, length(records.len()) - 1, 4);
    put(&mut checked, 1_700_000_000_000, 8);
    put(&mut checked, 1_700_000_000_000, 8);
    put(&mut checked, -1, 8); // no producer id, epoch and sequence
    put(&mut checked, -1, 2);
    put(&mut checked, -1, 4);
    put(&mut checked, length(records.len()), 4);
    for (number, data) in records.iter().enumerate() {
        let mut record = vec![0];
        zigzag(&mut record, 0);
        zigzag(&mut record, length(number));
        zigzag(&mut record, -1); // no key
        zigzag(&mut record, length(data.len()));
        record.extend_from_slice(data);
        zigzag(&mut record, 0); // no headers
        zigzag(&mut checked, length(record.len()));
        checked.extend_from_slice(&record);
    }
    let mut batch = Vec::new();
    put(&mut batch, 0, 8);
    put(&mut batch, length(checked.len()) + 9, 4);
    put(&mut batch, -1, 4);
    batch.push(2);
    let crc = crc_fast::checksum(CRC, &checked);
    put(&mut batch, i64::try_from(crc).unwrap_or_default(), 4);
    batch.extend_from_slice(&checked);
    batch
}

fn create(address: SocketAddr, topic: &str, flush: bool) -> anyhow::Result<()> {
    let mut body = Vec::new();
    put(&mut body, 1, 4);
    text(&mut body, topic);
    put(&mut body, length(STREAMS), 4);
    put(&mut body, 1, 2);
    put(&mut body, 0, 4); // no assignments
    put(&mut body, i64::from(flush), 4);
    if flush {
        text(&mut body, "flush.messages");
        text(&mut body, "1");
    }
    put(&mut body, 30_000, 4);
    body.push(0);
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    let answer = ask(&mut socket, &request(CREATE_TOPICS, &body))?;
    let mut reader = Reader(&answer);
    let error = (|| {
        reader.int::<4>()?; // correlation
        reader.int::<4>()?; // throttle
        reader.int::<4>()?;
        reader.text()?;
        reader.int::<2>()
    })();
    // 36: it exists already.
    ensure!(matches!(error, Some(0 | 36)), "the topic was refused: {error:?}");
    for _ in 0..100 {
        let mut body = Vec::new();
        put(&mut body, 1, 4);
        text(&mut body, topic);
        body.push(0);
        let answer = ask(&mut socket, &request(METADATA, &body))?;
        // Error 5 of a partition says that it has no leader yet.
        if leaders(&answer).context("the metadata cannot be read")? == STREAMS {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("the partitions get no leader")
}

/// Waits until every partition takes a batch: a broker knows its leaders a moment before it is one.
fn settle(address: SocketAddr, topic: &str) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut error = None;
    for _ in 0..100 {
        let answer = ask(&mut socket, &produce(topic, Work::Batch, 0))?;
        error = first_error(&mut Reader(&answer));
        if error == Some(0) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("the topic takes no batch: {error:?}")
}

/// How many partitions have a leader.
fn leaders(answer: &[u8]) -> Option<usize> {
    let mut reader = Reader(answer);
    reader.int::<4>()?; // correlation
    reader.int::<4>()?; // throttle
    for _ in 0..reader.int::<4>()? {
        reader.int::<4>()?;
        reader.text()?;
        reader.int::<4>()?;
        reader.text()?; // rack
    }
    reader.text()?; // cluster
    reader.int::<4>()?; // controller
    let mut found = 0;
    for _ in 0..reader.int::<4>()? {
        reader.int::<2>()?;
        reader.text()?;
        reader.int::<1>()?;
        for _ in 0..reader.int::<4>()? {
            found += usize::from(reader.int::<2>()? == 0);
            reader.int::<4>()?;
            reader.int::<4>()?;
            for _ in 0..2 {
                for _ in 0..reader.int::<4>()? {
                    reader.int::<4>()?;
                }
            }
        }
    }
    Some(found)
}

fn ask(socket: &mut TcpStream, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    socket.write_all(request)?;
    let mut len = [0; 4];
    socket.read_exact(&mut len)?;
    let mut answer = vec![0; usize::try_from(Reader(&len).int::<4>().unwrap_or_default())?];
    socket.read_exact(&mut answer)?;
    Ok(answer)
}

/// A request with its head: length, key, version, correlation, client.
fn request((key, version): (u16, u16), body: &[u8]) -> Bytes {
    let mut head = Vec::new();
    put(&mut head, key.into(), 2);
    put(&mut head, version.into(), 2);
    put(&mut head, 1, 4);
    text(&mut head, "bench");
    let mut request = Vec::new();
    put(&mut request, length(head.len() + body.len()), 4);
    request.extend_from_slice(&head);
    request.extend_from_slice(body);
    request.into()
}

fn length(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// The lowest `bytes` bytes of a number, the highest of them first.
fn put(out: &mut Vec<u8>, value: i64, bytes: u32) {
    out.extend((0..bytes).rev().map(|byte| u8::try_from(value >> (8 * byte) & 0xff).unwrap_or_default()));
}

fn text(out: &mut Vec<u8>, text: &str) {
    put(out, length(text.len()), 2);
    out.extend_from_slice(text.as_bytes());
}

fn zigzag(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap_or_default());
}

/// Numbers with the highest byte first, and texts behind their length.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn int<const BYTES: usize>(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_at_checked(BYTES)?;
        self.0 = rest;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn text(&mut self) -> Option<()> {
        let len = self.int::<2>()?;
        let len = if len == 0xffff { 0 } else { usize::try_from(len).ok()? };
        self.0 = self.0.get(len..)?;
        Some(())
    }
}
