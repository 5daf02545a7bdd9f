//! What a load needs before it can begin: a stream, an app, records to read, and all requests.

use std::sync::Arc;

use bytes::Bytes;
use millpond_client::Client;
use millpond_load::{HttpAnswer, Repeat, Talk};
use millpond_model::{AppName, NewRecord, PartitionId, PlacedRecord, Placement, StreamName};
use millpond_wire::v2::{cursors::CursorStart, streams::CreateStreamRequest};

use super::{
    args::{Form, Load, LoadArgs, Shape},
    requests::{self, Maker},
    talk::{Expect, Place, RoundTrip, Same, Walk},
};
use crate::{exit::Exit, failure::Failure, time};

/// Records in each partition that checkpoints are committed for.
const COMMITTED: u32 = 100;

/// Bytes of one request that puts records to be read later.
const SEED_BYTES: usize = 1 << 20;

/// A stream and an app made for a load.
pub(super) struct Stage {
    client: Client,
    pub(super) stream: StreamName,
    app: AppName,
    /// Whether they are to be deleted afterwards.
    own: bool,
}

impl Stage {
    /// Makes the stream, unless one is named, and what the load reads; `shape` then has its partitions.
    ///
    /// # Errors
    /// What the server refuses.
    pub(super) async fn set(client: Client, args: &LoadArgs, shape: &mut Shape) -> Result<Self, Failure> {
        let name =
            format!("millpond-bench-{}-{}", std::process::id(), time::now().as_millis() % 1_000_000_000);
        let named = |_| Failure::new(Exit::Failure, format!("{name} is not a name"));
        let app: AppName = name.parse().map_err(named)?;
        let own = args.stream.is_none();
        let stream = match &args.stream {
            Some(stream) => stream.clone(),
            None => name.parse().map_err(|_| Failure::new(Exit::Failure, format!("{name} is not a name")))?,
        };
        let stage = Self { client, stream, app, own };
        if own {
            let request = CreateStreamRequest {
                stream_name: Some(stage.stream.to_string()),
                partition_count: Some(i64::from(shape.partitions)),
                ..CreateStreamRequest::default()
            };
            stage.client.create_stream(&request).await?;
        } else {
            let described = stage.client.describe_stream(&stage.stream).await?;
            shape.partitions = u32::try_from(described.partitions.len()).unwrap_or(u32::MAX).max(1);
        }
        match shape.load {
            Load::Get => stage.seed(shape.partitions, shape.records, shape.record_bytes).await?,
            Load::Checkpoint => {
                stage.client.create_app(&stage.app).await?;
                stage.seed(shape.partitions, COMMITTED, 1).await?;
            }
            Load::Put | Load::Walk | Load::RoundTrip => {}
        }
        Ok(stage)
    }

    async fn seed(&self, partitions: u32, records: u32, record_bytes: usize) -> Result<(), Failure> {
        let at_once = (SEED_BYTES / record_bytes.max(1)).clamp(1, 1000);
        let record = |seed: u32, partition: u32| PlacedRecord {
            record: NewRecord::of(requests::data(seed.into(), record_bytes)),
            placement: Placement::Partition(PartitionId::new(partition)),
        };
        for partition in 0..partitions {
            let all: Vec<_> = (0..records).map(|seed| record(seed, partition)).collect();
            for some in all.chunks(at_once) {
                let report = self.client.put_records(&self.stream, some).await?;
                if let Some(error) = report.results.iter().find_map(|result| result.as_ref().err()) {
                    return Err(Failure::new(
                        Exit::Failure,
                        format!("a record was refused: {}", error.message),
                    ));
                }
            }
        }
        Ok(())
    }

    /// One talk for each connection.
    ///
    /// # Errors
    /// There is no cursor to begin with.
    pub(super) async fn talks(
        &self,
        maker: &Maker,
        args: &LoadArgs,
        shape: &Shape,
    ) -> Result<Vec<Box<dyn Talk>>, Failure> {
        let mut talks: Vec<Box<dyn Talk>> = Vec::new();
        match shape.load {
            Load::Put => {
                let requests = maker.puts(self.stream.as_str(), shape, args.by);
                return Ok(same(requests, shape, Expect::AllPut(args.form)));
            }
            Load::Checkpoint => {
                let (stream, app) = (self.stream.as_str(), self.app.as_str());
                let requests = maker.commits(stream, app, shape.partitions, COMMITTED.into());
                return Ok(same(requests, shape, Expect::Status(201)));
            }
            Load::Get => {
                let mut requests = Vec::new();
                for partition in 0..shape.partitions {
                    let cursor = self.cursor(partition, CursorStart::TrimHorizon).await?;
                    requests.push(maker.get(&cursor, shape.records));
                }
                return Ok(same(requests, shape, Expect::Body(shape.records as usize * shape.record_bytes)));
            }
            Load::Walk => {
                for partition in 0..shape.connections.min(shape.partitions) {
                    let place =
                        self.place(maker, args.form, shape, partition, CursorStart::TrimHorizon).await?;
                    let (record_bytes, answer) = (shape.record_bytes as u64, HttpAnswer::default());
                    talks.push(Box::new(Walk { place, record_bytes, at_end: false, answer }));
                }
            }
            Load::RoundTrip => {
                for partition in 0..shape.connections {
                    let place = self.place(maker, args.form, shape, partition, CursorStart::Latest).await?;
                    talks.push(Box::new(RoundTrip {
                        put: maker.put_into(self.stream.as_str(), shape, partition),
                        expect: Expect::AllPut(args.form),
                        place,
                        records: shape.records.into(),
                        payload_bytes: u64::from(shape.records) * shape.record_bytes as u64,
                        missing: 0,
                        reading: false,
                        answer: HttpAnswer::default(),
                    }));
                }
            }
        }
        Ok(talks)
    }

    async fn cursor(&self, partition: u32, start: CursorStart) -> Result<String, Failure> {
        Ok(self.client.get_cursor(&self.stream, PartitionId::new(partition), start).await?)
    }

    async fn place(
        &self,
        maker: &Maker,
        form: Form,
        shape: &Shape,
        partition: u32,
        start: CursorStart,
    ) -> Result<Place, Failure> {
        let cursor = self.cursor(partition, start).await?;
        let place = Place::new(maker.clone(), form, shape.records, cursor);
        place.map_err(|violation| Failure::new(Exit::Failure, violation.to_string()))
    }

    /// Deletes what was made.
    ///
    /// # Errors
    /// What the server refuses.
    pub(super) async fn clear(&self, load: Load) -> Result<(), Failure> {
        if self.own {
            self.client.delete_stream(&self.stream).await?;
        }
        if load == Load::Checkpoint {
            self.client.delete_app(&self.app).await?;
        }
        Ok(())
    }
}

/// The same requests on all connections, each from another one on.
pub(super) fn same(requests: Vec<Bytes>, shape: &Shape, expect: Expect) -> Vec<Box<dyn Talk>> {
    let requests: Arc<[Bytes]> = requests.into();
    let (records, connections) = (u64::from(shape.records), shape.connections as usize);
    let record_bytes = if shape.load == Load::Checkpoint { 0 } else { shape.record_bytes as u64 };
    let talk = |index: usize| Same {
        requests: Repeat::new(Arc::clone(&requests), index * requests.len() / connections),
        expect,
        records,
        payload_bytes: records * record_bytes,
        answer: HttpAnswer::default(),
    };
    (0..connections).map(|index| Box::new(talk(index)) as Box<dyn Talk>).collect()
}

/// What the load would say to our server, for one that is something else.
pub(super) fn reference(
    maker: &Maker,
    args: &LoadArgs,
    shape: &Shape,
) -> Result<Vec<Box<dyn Talk>>, Failure> {
    let stream = "millpond-bench";
    let requests = match shape.load {
        Load::Put => maker.puts(stream, shape, args.by),
        Load::Get => vec![maker.get("cursor", shape.records)],
        Load::Checkpoint => maker.commits(stream, stream, shape.partitions, COMMITTED.into()),
        Load::Walk | Load::RoundTrip => {
            return Err(Failure::usage("--reference takes put, get and checkpoint"));
        }
    };
    Ok(same(requests, shape, Expect::Success))
}
