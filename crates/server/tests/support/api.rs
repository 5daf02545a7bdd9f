//! Calls of the API, signed by scheme B, with the documented names and nothing else of this project.

use std::{collections::BTreeMap, fs, io, path::Path};

use millpond_engine::{Clock as _, SystemClock};
use millpond_wire::{
    codec::b64,
    signing::{SecretKey, Signer, ToSign},
};
use serde_json::{Value, json};

use super::http::{Answer, Connection};

/// An access key.
#[derive(Clone, Debug)]
pub struct Key {
    pub project: String,
    pub ak: String,
    pub sk: String,
}

impl Key {
    /// The first key of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        let text = fs::read_to_string(data_dir.join("credentials.toml")).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let part = |name: &str| table["key"][0][name].as_str().unwrap().to_owned();
        Self { project: part("project_id"), ak: part("ak"), sk: part("sk") }
    }

    /// A key with these parts.
    pub fn new(project: &str, ak: &str, sk: &str) -> Self {
        Self { project: project.to_owned(), ak: ak.to_owned(), sk: sk.to_owned() }
    }
}

/// Where a record was put, or the code of its refusal.
pub type Placed = Result<(u32, u64), String>;

/// A record to be put.
#[derive(Clone, Debug)]
pub struct NewRecord {
    pub data: String,
    pub partition: Option<u32>,
    pub key: Option<String>,
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub number: u64,
    pub data: String,
}

/// A client of one server with one key. Connects when it has to; after an error the connection is new.
pub struct Client {
    port: u16,
    project: String,
    signer: Option<Signer>,
    connection: Option<Connection>,
    clock: SystemClock,
}

impl Client {
    /// Signs with `key`.
    pub fn new(port: u16, key: &Key) -> Self {
        let signer = Signer::new(&key.ak, SecretKey::new(&*key.sk));
        Self { signer: Some(signer), ..Self::anonymous(port, &key.project) }
    }

    /// Signs nothing.
    pub fn anonymous(port: u16, project: &str) -> Self {
        let (project, clock) = (project.to_owned(), SystemClock::new());
        Self { port, project, signer: None, connection: None, clock }
    }

    /// Calls `/v2/{project}{target}`.
    pub fn call(&mut self, method: &str, target: &str, body: Option<&Value>) -> io::Result<Answer> {
        self.call_with(method, target, body, &[])
    }

    /// The same, with further headers, unsigned.
    pub fn call_with(
        &mut self,
        method: &str,
        target: &str,
        body: Option<&Value>,
        further: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let target = format!("/v2/{}{target}", self.project);
        let body = body.map(Value::to_string).unwrap_or_default();
        let content_type = (!body.is_empty()).then_some("application/json");
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.port)?,
        };
        let to_sign =
            ToSign { method, target: &target, host: &connection.host, content_type, body: body.as_bytes() };
        let signed = self.signer.as_ref().map(|signer| signer.sign(&to_sign, self.clock.now()));
        let signed = signed.unwrap_or_default();
        let mut headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, &**value)).collect();
        headers.extend(content_type.map(|value| ("content-type", value)));
        headers.extend(further);
        let answer = connection.request(method, &target, &headers, body.as_bytes())?;
        if answer.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    /// Calls, and expects success.
    pub fn must(&mut self, method: &str, target: &str, body: Option<&Value>) -> Value {
        let answer = self.call(method, target, body).unwrap();
        assert!(answer.status < 300, "{method} {target}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// Creates a stream.
    pub fn create_stream(&mut self, name: &str, partitions: u32) {
        self.must("POST", "/streams", Some(&json!({"stream_name": name, "partition_count": partitions})));
    }

    /// Creates an app.
    pub fn create_app(&mut self, name: &str) {
        self.must("POST", "/apps", Some(&json!({"app_name": name})));
    }

    /// Names of all streams.
    pub fn streams(&mut self) -> Vec<String> {
        let listed = self.must("GET", "/streams?limit=100", None);
        assert_eq!(listed["has_more_streams"], false, "more streams than a page has");
        let names = listed["stream_names"].as_array().unwrap();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Puts records. `Ok(Err)` is the answer to a request that failed as a whole.
    pub fn put(&mut self, stream: &str, records: &[NewRecord]) -> io::Result<Result<Vec<Placed>, Answer>> {
        self.put_with_text(stream, records).map(|(placed, _)| placed)
    }

    /// The same, with the text of the answer.
    pub fn put_with_text(
        &mut self,
        stream: &str,
        records: &[NewRecord],
    ) -> io::Result<(Result<Vec<Placed>, Answer>, String)> {
        let entry = |record: &NewRecord| {
            let mut entry = json!({"data": b64::encode(record.data.as_bytes())});
            if let Some(partition) = record.partition {
                entry["partition_id"] = partition.to_string().into();
            }
            if let Some(key) = &record.key {
                entry["partition_key"] = key.as_str().into();
            }
            entry
        };
        let records: Vec<Value> = records.iter().map(entry).collect();
        let body = json!({"stream_name": stream, "records": records});
        let answer = self.call("POST", "/records", Some(&body))?;
        let text = answer.text().to_owned();
        if answer.status != 200 {
            return Ok((Err(answer), text));
        }
        let json = answer.json();
        let entries = json["records"].as_array().unwrap();
        assert_eq!(entries.len(), records.len(), "one entry per record: {json}");
        Ok((Ok(entries.iter().map(placed).collect()), text))
    }

    /// Puts one record, and expects success; its number.
    pub fn put_one(&mut self, stream: &str, partition: u32, data: &str) -> u64 {
        let record = NewRecord { data: data.to_owned(), partition: Some(partition), key: None };
        let placed = self.put(stream, &[record]).unwrap().unwrap();
        placed[0].as_ref().unwrap().1
    }

    /// A cursor at a number.
    pub fn cursor(&mut self, stream: &str, partition: u32, number: u64) -> io::Result<String> {
        let target = format!(
            "/cursors?stream-name={stream}&partition-id={partition}\
             &cursor-type=AT_SEQUENCE_NUMBER&starting-sequence-number={number}"
        );
        let answer = self.call("GET", &target, None)?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Ok(answer.json()["partition_cursor"].as_str().unwrap().to_owned())
    }

    /// What a cursor shows, and the next cursor.
    pub fn read(&mut self, cursor: &str) -> io::Result<(Vec<Stored>, String)> {
        let answer = self.call("GET", &format!("/records?partition-cursor={cursor}"), None)?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Ok((records(&answer), answer.json()["next_partition_cursor"].as_str().unwrap().to_owned()))
    }

    /// Everything in a partition, which must be as long as the server says.
    pub fn read_partition(&mut self, stream: &str, partition: u32) -> Vec<Stored> {
        let mut cursor = self.cursor(stream, partition, 0).unwrap();
        let mut all = Vec::new();
        loop {
            let (records, next) = self.read(&cursor).unwrap();
            if records.is_empty() {
                break;
            }
            all.extend(records);
            cursor = next;
        }
        let described = self.must("GET", &format!("/streams/{stream}"), None);
        let range = &described["partitions"][partition as usize]["sequence_number_range"];
        assert_eq!(*range, format!("[0 : {}]", all.len()), "partition {partition}");
        all
    }

    /// Everything in a stream.
    pub fn read_stream(&mut self, stream: &str, partitions: u32) -> BTreeMap<u32, Vec<Stored>> {
        (0..partitions).map(|partition| (partition, self.read_partition(stream, partition))).collect()
    }

    /// Commits a checkpoint.
    pub fn commit(
        &mut self,
        (app, stream, partition): (&str, &str, u32),
        number: u64,
        note: &str,
    ) -> io::Result<Answer> {
        let body = json!({
            "stream_name": stream, "app_name": app, "partition_id": partition.to_string(),
            "sequence_number": number.to_string(), "metadata": note, "checkpoint_type": "LAST_READ",
        });
        self.call("POST", "/checkpoints", Some(&body))
    }

    /// The checkpoint, if there is one: its number and its note.
    pub fn checkpoint(&mut self, (app, stream, partition): (&str, &str, u32)) -> Option<(u64, String)> {
        let target = format!(
            "/checkpoints?stream_name={stream}&app_name={app}&partition_id={partition}&checkpoint_type=LAST_READ"
        );
        let found = self.must("GET", &target, None);
        let number = found["sequence_number"].as_str().unwrap().parse().ok()?;
        Some((number, found["metadata"].as_str().unwrap().to_owned()))
    }
}

/// The records in the answer to a read.
pub fn records(answer: &Answer) -> Vec<Stored> {
    answer.json()["records"].as_array().unwrap().iter().map(stored).collect()
}

/// `shardId-0000000007` or `7`.
pub fn partition_index(text: &str) -> u32 {
    text.trim_start_matches("shardId-").parse().unwrap()
}

fn placed(entry: &Value) -> Placed {
    match entry["error_code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok((
            partition_index(entry["partition_id"].as_str().unwrap()),
            entry["sequence_number"].as_str().unwrap().parse().unwrap(),
        )),
    }
}

fn stored(record: &Value) -> Stored {
    let data = b64::decode(record["data"].as_str().unwrap(), usize::MAX).unwrap();
    let data = String::from_utf8(data.to_vec()).unwrap();
    if let Some(key) = record["partition_key"].as_str() {
        assert!(data.starts_with(key), "the key {key} belongs to another record than {data}");
    }
    Stored { number: record["sequence_number"].as_str().unwrap().parse().unwrap(), data }
}
