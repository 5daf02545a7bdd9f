//! Failures of ours: what the client is told, and what it is not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use millpond_engine::{
    AdminError, Append, AppendError, Appended, Class, Clock, Engine, LogConfig, ManualClock, Page, ReadError,
    ReadLimit, RecordLog, StorageFailure, memory::MemoryEngine,
};
use millpond_model::{Bounds, PartitionRef, SequenceNumber, StreamId, Timestamp};
use serde_json::json;

use crate::harness::{Setup, request};

const SECRET_WORDS: &str = "disk /dev/sda1 is on fire";

/// A log whose partitions can neither be written nor read.
struct Burning(Arc<dyn RecordLog>, Class);

impl Burning {
    /// The engine in memory with such a log, whose failures are of one of the `CLASSES`.
    fn engine<const CLASS: usize>(clock: Arc<dyn Clock>) -> Engine {
        let memory = MemoryEngine::engine(clock);
        Engine { records: Arc::new(Self(memory.records, CLASSES[CLASS])), state: memory.state }
    }

    fn failure(&self) -> StorageFailure {
        StorageFailure::new(self.1, SECRET_WORDS)
    }
}

const CLASSES: [Class; 5] = [Class::Fatal, Class::Unknown, Class::Refused, Class::NoSpace, Class::Corrupt];

#[async_trait]
impl RecordLog for Burning {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let fail =
            |(i, _)| Err(if i == 0 { AppendError::Storage(self.failure()) } else { AppendError::Overloaded });
        batches.into_iter().enumerate().map(fail).collect()
    }

    async fn read(
        &self,
        _: PartitionRef,
        _: SequenceNumber,
        _: ReadLimit,
        _: Duration,
    ) -> Result<Page, ReadError> {
        Err(ReadError::Storage(self.failure()))
    }

    async fn bounds(&self, of: PartitionRef) -> Result<Bounds, ReadError> {
        self.0.bounds(of).await
    }

    async fn find_time(&self, _: PartitionRef, _: Timestamp) -> Result<SequenceNumber, ReadError> {
        Err(ReadError::Storage(self.failure()))
    }

    async fn create(&self, stream: StreamId, partitions: u32, config: LogConfig) -> Result<(), AdminError> {
        self.0.create(stream, partitions, config).await
    }

    async fn add_partitions(&self, _: StreamId, _: u32) -> Result<(), AdminError> {
        Err(AdminError::Storage(self.failure()))
    }

    async fn configure(&self, stream: StreamId, config: LogConfig) -> Result<(), AdminError> {
        self.0.configure(stream, config).await
    }

    async fn trim(&self, of: PartitionRef, before: SequenceNumber) -> Result<(), AdminError> {
        self.0.trim(of, before).await
    }

    async fn drop_stream(&self, stream: StreamId) -> Result<(), AdminError> {
        self.0.drop_stream(stream).await
    }

    async fn streams(&self) -> Result<Vec<StreamId>, AdminError> {
        self.0.streams().await
    }
}

#[tokio::test]
async fn the_storage_keeps_its_words_to_itself() {
    let server = Setup { engine: Burning::engine::<0>, ..Setup::anonymous() }.open().await;
    server.p1("POST /v2/p1/streams", &json!({ "stream_name": "s", "partition_count": 2 })).await;
    let records = json!([{ "data": "YQ==", "partition_id": "0" }, { "data": "YQ==", "partition_id": "1" }]);
    let put = server.p1("POST /v2/p1/records", &json!({ "stream_name": "s", "records": records })).await;
    // Both are codes after which stock producers send the record again.
    assert_eq!(
        put.json(),
        json!({ "failed_record_count": 2, "records": [
            { "error_code": "DIS.5250", "error_message": "The partition is not available. Please try again later." },
            { "error_code": "DIS.4303", "error_message": "Exceeded traffic control limit." },
        ] })
    );
    let cursor = server.p1("GET /v2/p1/cursors?stream-name=s&partition-id=0", &json!(null)).await.json();
    let read =
        format!("GET /v2/p1/records?partition-cursor={}", cursor["partition_cursor"].as_str().unwrap());
    let by_time =
        "GET /v2/p1/cursors?stream-name=s&partition-id=0&cursor-type=AT_TIMESTAMP&timestamp=1700000000000";
    for what in [read.as_str(), by_time] {
        let reply = server.p1(what, &json!(null)).await;
        assert_eq!(reply.status.as_u16(), 500, "{what}");
        assert_eq!(reply.json()["message"], "System error.");
        assert_eq!(reply.code(), "DIS.5000");
    }
    let text = server.call("GET /metrics", &[], Body::empty()).await.body;
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        r#"millpond_record_errors_total{code="DIS.5250"} 1"#,
        r#"millpond_throttled_total{reason="storage"} 1"#,
        r#"millpond_requests_total{op="get_records",code="DIS.5000"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// Whatever failed: it is never put down to the client, who would take it for refused and not ask again.
#[tokio::test]
async fn no_failure_of_the_storage_is_the_clients_fault() {
    let engines = [
        Burning::engine::<0>,
        Burning::engine::<1>,
        Burning::engine::<2>,
        Burning::engine::<3>,
        Burning::engine::<4>,
    ];
    for (class, engine) in CLASSES.into_iter().zip(engines) {
        let server = Setup { engine, ..Setup::anonymous() }.open().await;
        server.p1("POST /v2/p1/streams", &json!({ "stream_name": "s", "partition_count": 1 })).await;
        let by_time = "GET /v2/p1/cursors?stream-name=s&partition-id=0&cursor-type=AT_TIMESTAMP&timestamp=1700000000000";
        let more = json!({ "stream_name": "s", "target_partition_count": 2 });
        for (what, body) in [(by_time, &json!(null)), ("PUT /v2/p1/streams/s", &more)] {
            let reply = server.p1(what, body).await;
            assert_eq!(reply.status.as_u16(), 500, "{class:?}: {what}: {}", reply.json());
            assert!(reply.code().starts_with("DIS.5"), "{class:?}: {what}: {}", reply.code());
        }
        let records = json!([{ "data": "YQ==", "partition_id": "0" }]);
        let put = server.p1("POST /v2/p1/records", &json!({ "stream_name": "s", "records": records })).await;
        assert_eq!(put.json()["records"][0]["error_code"], "DIS.5250", "{class:?}");
    }
}

static TIME_IS_OUT_OF_JOINT: AtomicBool = AtomicBool::new(false);

/// A clock that panics on demand: the nearest thing to a bug in a handler.
struct BrokenClock(Arc<ManualClock>);

impl Clock for BrokenClock {
    fn now(&self) -> Timestamp {
        assert!(!TIME_IS_OUT_OF_JOINT.load(Ordering::SeqCst), "a bug");
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

#[tokio::test]
async fn a_panic_is_answered_and_leaves_nothing_behind() {
    let mut setup = Setup { clock: |manual| Arc::new(BrokenClock(manual)), ..Setup::anonymous() };
    setup.settings.requests_max = 1;
    let server = setup.open().await;
    TIME_IS_OUT_OF_JOINT.store(true, Ordering::SeqCst);
    let reply = server.p1("GET /v2/p1/streams", &json!(null)).await;
    TIME_IS_OUT_OF_JOINT.store(false, Ordering::SeqCst);
    assert_eq!((reply.status.as_u16(), &*reply.code()), (500, "DIS.5000"));
    assert_eq!(reply.json()["message"], "System error.");
    let reply = server.p1("GET /v2/p1/streams", &json!(null)).await;
    assert_eq!(reply.status.as_u16(), 200, "the place of the request that panicked is free again");
}

/// A body that breaks off after its first piece.
fn broken() -> Body {
    let piece = Ok(Frame::data(Bytes::from_static(b"{\"app_name\":")));
    let frames = [piece, Err(std::io::Error::other("the client has gone"))];
    Body::new(StreamBody::new(futures::stream::iter(frames)))
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    let server = Setup::anonymous().open().await;
    let reply = server.send(request("POST /v2/p1/apps", &[], broken())).await;
    assert_eq!((reply.status.as_u16(), &*reply.code()), (400, "DIS.4200"));
    assert_eq!(reply.json()["message"], "Invalid request. [The body could not be read to its end]");
}

/// A body that tells when it was read to its end.
fn observed(read: &Arc<AtomicBool>) -> Body {
    let read = Arc::clone(read);
    let pieces = (0..3).map(move |i| {
        read.store(i == 2, Ordering::SeqCst);
        Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"piece")))
    });
    Body::new(StreamBody::new(futures::stream::iter(pieces)))
}

#[tokio::test]
async fn a_refused_body_is_taken_off_the_wire() {
    let server = Setup::default().open().await;
    for (headers, expected) in [(&[][..], true), (&[("expect", "100-continue")][..], false)] {
        let read = Arc::new(AtomicBool::new(false));
        let reply = server.send(request("POST /v2/p1/apps", headers, observed(&read))).await;
        assert_eq!(reply.code(), "DIS.4101");
        // What the answer left to do runs before this task goes on: there is one thread.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(read.load(Ordering::SeqCst), expected, "{headers:?}");
    }
}
