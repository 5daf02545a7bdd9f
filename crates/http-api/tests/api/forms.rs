//! The forms of a body: JSON or protobuf, compressed or not (spec/00 §5 and §6, spec/03 §6).

use std::io::Write as _;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use millpond_wire::v2::proto;
use prost::Message as _;
use serde_json::json;

use crate::harness::{Reply, Server, Setup};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Protobuf,
}

const FORMS: [Form; 2] = [Form::Json, Form::Protobuf];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Lz4,
    Snappy,
    Zstd,
    /// Without the header that tells the length.
    ZstdAlone,
    Gzip,
}

const COMPRESSIONS: [Compression; 6] = [
    Compression::None,
    Compression::Lz4,
    Compression::Snappy,
    Compression::Zstd,
    Compression::ZstdAlone,
    Compression::Gzip,
];

type Headers = Vec<(&'static str, String)>;

/// A record, of which both forms can tell everything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sample {
    sequence_number: String,
    data: Vec<u8>,
    key: Option<String>,
    timestamp: i64,
}

impl Form {
    fn content_type(self) -> (&'static str, String) {
        let media_type = match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        };
        ("content-type", format!("{media_type}; charset=utf-8"))
    }

    fn put(self, samples: &[Sample]) -> Vec<u8> {
        match self {
            Self::Json => {
                let record = |sample: &Sample| {
                    json!({
                        "data": STANDARD.encode(&sample.data), "partition_key": sample.key,
                        "timestamp": sample.timestamp,
                    })
                };
                let records: Vec<_> = samples.iter().map(record).collect();
                json!({ "stream_name": "s", "records": records }).to_string().into_bytes()
            }
            Self::Protobuf => {
                let record = |sample: &Sample| proto::PutRecordsRequestEntry {
                    data: sample.data.clone().into(),
                    partition_key: sample.key.clone().unwrap_or_default(),
                    timestamp: Some(sample.timestamp),
                    ..Default::default()
                };
                let records = samples.iter().map(record).collect();
                let stream_name = "s".to_owned();
                proto::PutRecordsRequest { stream_name, records, ..Default::default() }.encode_to_vec()
            }
        }
    }

    /// The sequence numbers of an answer, and how many records were refused.
    fn read_put(self, reply: &Reply) -> (i64, Vec<String>) {
        self.check(reply);
        match self {
            Self::Json => {
                let answer = reply.json();
                let numbers = answer["records"].as_array().unwrap().iter();
                let numbers = numbers.map(|entry| entry["sequence_number"].as_str().unwrap().to_owned());
                (answer["failed_record_count"].as_i64().unwrap(), numbers.collect())
            }
            Self::Protobuf => {
                let answer = proto::PutRecordsResult::decode(reply.body.clone()).unwrap();
                let numbers = answer.records.into_iter().map(|entry| entry.sequence_number.unwrap());
                (answer.failed_record_count.into(), numbers.collect())
            }
        }
    }

    /// The records of an answer, and the next cursor.
    fn read_get(self, reply: &Reply) -> (Vec<Sample>, String) {
        self.check(reply);
        match self {
            Self::Json => {
                let answer = reply.json();
                let samples = answer["records"].as_array().unwrap().iter().map(|entry| Sample {
                    sequence_number: entry["sequence_number"].as_str().unwrap().to_owned(),
                    data: STANDARD.decode(entry["data"].as_str().unwrap()).unwrap(),
                    key: entry["partition_key"].as_str().map(str::to_owned),
                    timestamp: entry["timestamp"].as_i64().unwrap(),
                });
                (samples.collect(), answer["next_partition_cursor"].as_str().unwrap().to_owned())
            }
            Self::Protobuf => {
                let answer = proto::GetRecordsResult::decode(reply.body.clone()).unwrap();
                let samples = answer.records.into_iter().map(|record| Sample {
                    sequence_number: record.sequence_number,
                    data: record.data.to_vec(),
                    key: record.partition_key,
                    timestamp: record.timestamp,
                });
                (samples.collect(), answer.next_partition_cursor)
            }
        }
    }

    fn check(self, reply: &Reply) {
        let expected = match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        };
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, Some(expected)), "{reply:?}");
    }
}

impl Compression {
    fn encode(self, body: Vec<u8>) -> (Vec<u8>, Headers) {
        let length = body.len().to_string();
        let encoding = |name: &str| ("content-encoding", name.to_owned());
        match self {
            Self::None => (body, vec![]),
            Self::Lz4 => (
                lz4_flex::block::compress(&body),
                vec![encoding("lz4"), ("x-dis-lz4-content-length", length)],
            ),
            Self::Snappy => {
                (snap::raw::Encoder::new().compress_vec(&body).unwrap(), vec![encoding("snappy")])
            }
            Self::Zstd => (
                zstd::bulk::compress(&body, 3).unwrap(),
                vec![encoding("zstd"), ("x-dis-zstd-content-length", length)],
            ),
            Self::ZstdAlone => (zstd::stream::encode_all(&body[..], 3).unwrap(), vec![encoding("zstd")]),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&body).unwrap();
                (encoder.finish().unwrap(), vec![encoding("gzip")])
            }
        }
    }
}

async fn send(server: &Server, what: &str, headers: &Headers, body: Vec<u8>) -> Reply {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.call(what, &headers, Body::from(body)).await
}

async fn put(server: &Server, form: Form, compression: Compression, samples: &[Sample]) -> Reply {
    let (body, mut headers) = compression.encode(form.put(samples));
    headers.push(form.content_type());
    send(server, "POST /v2/p1/records", &headers, body).await
}

async fn open(setup: Setup) -> Server {
    let server = setup.open().await;
    let reply = server.p1("POST /v2/p1/streams", &json!({ "stream_name": "s", "partition_count": 1 })).await;
    assert_eq!(reply.status, 201);
    server
}

#[tokio::test]
async fn what_is_written_in_one_form_is_read_in_every_form() {
    let server = open(Setup::anonymous()).await;
    let mut written = Vec::new();
    for form in FORMS {
        for compression in COMPRESSIONS {
            let first = written.len();
            let sample = |number: usize, data: &[u8], key: Option<String>| Sample {
                sequence_number: (first + number).to_string(),
                data: data.to_vec(),
                key,
                timestamp: 1_600_000_000_000 + i64::try_from(first + number).unwrap(),
            };
            let name = format!("{form:?} {compression:?}");
            let samples = [
                sample(0, name.as_bytes(), Some(format!("key of {name}"))),
                sample(1, &(0..=255).collect::<Vec<u8>>().repeat(20), None),
                sample(2, b"", Some("\"ключ\"".to_owned())),
            ];
            let reply = put(&server, form, compression, &samples).await;
            let numbers = samples.iter().map(|sample| sample.sequence_number.clone()).collect();
            assert_eq!(form.read_put(&reply), (0, numbers), "{name}");
            written.extend(samples);
        }
    }
    for form in FORMS {
        let cursor = server.p1("GET /v2/p1/cursors?stream-name=s&partition-id=0", &json!(null)).await.json();
        let mut cursor = cursor["partition_cursor"].as_str().unwrap().to_owned();
        let mut read = Vec::new();
        for _ in 0..4 {
            let what = format!("GET /v2/p1/records?limit=10&partition-cursor={cursor}");
            let reply = send(&server, &what, &vec![form.content_type()], Vec::new()).await;
            let (samples, next) = form.read_get(&reply);
            read.extend(samples);
            cursor = next;
        }
        assert_eq!(read, written, "{form:?}");
        let what = format!("GET /v2/p1/records?partition-cursor={cursor}");
        let end = send(&server, &what, &vec![form.content_type()], Vec::new()).await;
        assert_eq!(form.read_get(&end).0, [], "{form:?}");
    }
}

/// Every call may be compressed, and none but those of records is protobuf.
#[tokio::test]
async fn other_calls_are_json_whatever_they_say() {
    let server = open(Setup::anonymous()).await;
    for (i, compression) in COMPRESSIONS.into_iter().enumerate() {
        let app = json!({ "app_name": format!("app{i}") });
        let (body, mut headers) = compression.encode(app.to_string().into_bytes());
        headers.push(Form::Protobuf.content_type());
        let reply = send(&server, "POST /v2/p1/apps", &headers, body).await;
        assert_eq!(reply.status, 201, "{compression:?}: {reply:?}");
    }
    let reply = send(&server, "GET /v2/p1/apps", &vec![Form::Protobuf.content_type()], Vec::new()).await;
    Form::Json.check(&reply);
    assert_eq!(reply.json()["total_number"], COMPRESSIONS.len());
}

/// The request for an app of the compression's name, with blanks behind it.
fn padded(compression: Compression, length: usize) -> Vec<u8> {
    let app = json!({ "app_name": format!("app{compression:?}") }).to_string();
    format!("{app:length$}").into_bytes()
}

/// The limit counts after decompression, and a bomb meets it.
#[tokio::test]
async fn decompressed_bodies_have_the_same_limit() {
    let mut setup = Setup::anonymous();
    setup.settings.body_bytes_max = 1000;
    let server = open(setup).await;
    for compression in COMPRESSIONS {
        for (length, status) in [(1000, 201), (1001, 413), (50_000, 413)] {
            let (body, headers) = compression.encode(padded(compression, length));
            let reply = send(&server, "POST /v2/p1/apps", &headers, body).await;
            assert_eq!(reply.status, status, "{compression:?} {length}: {reply:?}");
        }
    }
}

/// Received and decoded bytes are both paid for, and given back.
#[tokio::test]
async fn decompressed_bodies_need_room() {
    let mut setup = Setup::anonymous();
    setup.settings.buffered_bytes_max = 10_000;
    let server = open(setup).await;
    for compression in COMPRESSIONS.into_iter().filter(|&compression| compression != Compression::None) {
        for (length, status) in [(4_000, 201), (9_999, 503), (4_000, 400)] {
            let (body, headers) = compression.encode(padded(compression, length));
            let reply = send(&server, "POST /v2/p1/apps", &headers, body).await;
            assert_eq!(reply.status, status, "{compression:?} {length}: {reply:?}");
            if status == 503 {
                assert_eq!((reply.code().as_str(), reply.header("retry-after")), ("DIS.4305", Some("1")));
            }
        }
    }
}

/// A record of two bytes is not as cheap as it looks.
#[tokio::test]
async fn many_small_records_need_room() {
    let mut setup = Setup::anonymous();
    setup.settings.buffered_bytes_max = 512 * 100;
    let server = open(setup).await;
    let empty = Sample { sequence_number: String::new(), data: Vec::new(), key: None, timestamp: 0 };
    for form in FORMS {
        let taken = put(&server, form, Compression::None, &vec![empty.clone(); 100]).await;
        assert_eq!(form.read_put(&taken).1.len(), 100);
        let refused = put(&server, form, Compression::None, &vec![empty.clone(); 101]).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (413, "DIS.4200"));
        let message = "Invalid request. [Invalid records. Expected: at most 100 at a time.]";
        assert_eq!(refused.json()["message"], message);
    }
}

/// Nothing is decoded for whom nobody knows.
#[tokio::test]
async fn credentials_come_before_the_body() {
    let server = Setup::default().open().await;
    for headers in [[("content-encoding", "br")], [("content-type", "application/x-protobuf")]] {
        let reply = server.call("POST /v2/p1/records", &headers, "nonsense").await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (401, "DIS.4101"));
    }
}

#[tokio::test]
async fn hostile_messages_are_refused() {
    let server = open(Setup::anonymous()).await;
    let bodies: [&[u8]; 9] = [
        b"\x0a\x01s\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x0a\x01s\x12\x06\x1a\xff\xff\xff\xff\x07",
        b"\x0a\x01s\x12\x02\x18\x01",
        b"\x08\x01",
        b"\x0a\x02\xc3\x28\x12\x00",
        b"\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\x00\x00\x00\x00",
        b"\x0a\x01s\x12\x05\x22\x03x\x00\xff",
        b"\x0a\x01s\x12\x04\x22\x02xy",
    ];
    let mut bodies: Vec<Bytes> = bodies.into_iter().map(Bytes::from_static).collect();
    bodies.push(Bytes::from(vec![0x33; 1_000_000]));
    for body in bodies {
        for compression in COMPRESSIONS {
            let (body, mut headers) = compression.encode(body.to_vec());
            headers.push(Form::Protobuf.content_type());
            let reply = send(&server, "POST /v2/p1/records", &headers, body).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "DIS.4200"), "{reply:?}");
            assert!(reply.body.len() < 1000, "{reply:?}");
        }
    }
}
