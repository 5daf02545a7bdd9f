//! The state as rows of a table, for engines that keep it on disk.

use millpond_model::{AppId, CheckpointType, PartitionId, StreamId, TaskId};

use crate::{
    CheckpointKey, MetricsKey, State, TaskKey,
    encoding::{DecodeError, decode_group, encode_group, rows as twin, task},
    metrics,
};

/// The key of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// What exists once.
    Meta,
    /// The commands applied a short while ago.
    Recent,
    /// A stream.
    Stream(StreamId),
    /// An app.
    App(AppId),
    /// A checkpoint.
    Checkpoint(CheckpointKey),
    /// The consumer group of an app.
    Group(AppId),
    /// A transfer task.
    Task(TaskKey),
    /// What was measured in an hour.
    Metrics(MetricsKey),
}

impl RowKey {
    /// The key in bytes: a letter, then the parts at their fixed lengths.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Meta => b"m".to_vec(),
            Self::Recent => b"r".to_vec(),
            Self::Stream(id) => [b"s".as_slice(), id.as_bytes()].concat(),
            Self::App(id) => [b"a".as_slice(), id.as_bytes()].concat(),
            Self::Group(id) => [b"g".as_slice(), id.as_bytes()].concat(),
            Self::Task(key) => [b"t".as_slice(), key.stream.as_bytes(), key.task.as_bytes()].concat(),
            Self::Checkpoint(key) => [
                b"c".as_slice(),
                key.app.as_bytes(),
                key.stream.as_bytes(),
                &key.partition.index().to_le_bytes(),
                &[match key.kind {
                    CheckpointType::LastRead => 1,
                }],
            ]
            .concat(),
            Self::Metrics(key) => {
                let hour = key.hour.to_le_bytes();
                let partition = key.partition.map(|partition| partition.index().to_le_bytes());
                let partition = partition.as_ref().map(<[u8; 4]>::as_slice).unwrap_or_default();
                [b"n".as_slice(), &hour, key.stream.as_bytes(), partition].concat()
            }
        }
    }

    /// Reads a key.
    ///
    /// # Errors
    /// `DecodeError` when the bytes are no key this version knows.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bad = DecodeError::new("row key");
        let (kind, rest) = bytes.split_first().ok_or(bad)?;
        match (kind, rest.len()) {
            (b'm', 0) => Ok(Self::Meta),
            (b'r', 0) => Ok(Self::Recent),
            (b's', _) => StreamId::from_bytes(rest).map(Self::Stream).map_err(|_| bad),
            (b'a', _) => AppId::from_bytes(rest).map(Self::App).map_err(|_| bad),
            (b'g', _) => AppId::from_bytes(rest).map(Self::Group).map_err(|_| bad),
            (b'c', 45) => {
                let (app, rest) = rest.split_at(20);
                let (stream, rest) = rest.split_at(20);
                let (partition, kind) = rest.split_first_chunk::<4>().ok_or(bad)?;
                Ok(Self::Checkpoint(CheckpointKey {
                    app: AppId::from_bytes(app).map_err(|_| bad)?,
                    stream: StreamId::from_bytes(stream).map_err(|_| bad)?,
                    partition: PartitionId::new(u32::from_le_bytes(*partition)),
                    kind: if kind == [1] { CheckpointType::LastRead } else { return Err(bad) },
                }))
            }
            (b'n', 24 | 28) => {
                let (hour, rest) = rest.split_first_chunk::<4>().ok_or(bad)?;
                let (stream, partition) = rest.split_at(20);
                let partition = partition.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
                Ok(Self::Metrics(MetricsKey {
                    hour: u32::from_le_bytes(*hour),
                    stream: StreamId::from_bytes(stream).map_err(|_| bad)?,
                    partition: partition.map(PartitionId::new),
                }))
            }
            (b't', 39) => {
                let (stream, task) = rest.split_at(20);
                Ok(Self::Task(TaskKey {
                    stream: StreamId::from_bytes(stream).map_err(|_| bad)?,
                    task: TaskId::from_bytes(task).map_err(|_| bad)?,
                }))
            }
            _ => Err(bad),
        }
    }
}

impl State {
    /// The present value of a row; `None` when there is none, so that a stored one is to be removed.
    pub fn row(&self, key: &RowKey) -> Option<Vec<u8>> {
        match key {
            RowKey::Meta => Some(twin::encode_meta(&self.meta)),
            RowKey::Recent => Some(twin::encode_recent(&self.recent)),
            RowKey::Stream(id) => self.streams.get(id).map(twin::encode_stream),
            RowKey::App(id) => self.apps.get(id).map(twin::encode_app),
            RowKey::Group(id) => self.groups.get(id).map(encode_group),
            RowKey::Checkpoint(key) => self.checkpoints.get(key).map(twin::encode_checkpoint),
            RowKey::Task(key) => self.tasks.get(key).map(task::encode_task),
            RowKey::Metrics(key) => self.metrics.block(key).map(<[u8]>::to_vec),
        }
    }

    /// The keys of all rows there are.
    pub fn row_keys(&self) -> impl Iterator<Item = RowKey> {
        [RowKey::Meta, RowKey::Recent]
            .into_iter()
            .chain(self.streams.keys().map(|&id| RowKey::Stream(id)))
            .chain(self.apps.keys().map(|&id| RowKey::App(id)))
            .chain(self.groups.keys().map(|&id| RowKey::Group(id)))
            .chain(self.checkpoints.keys().map(|&key| RowKey::Checkpoint(key)))
            .chain(self.tasks.keys().map(|&key| RowKey::Task(key)))
            .chain(self.metrics.keys().map(RowKey::Metrics))
    }

    /// Puts a state together from its rows, in any order. No rows give the empty state.
    ///
    /// # Errors
    /// `DecodeError` when a row cannot be read, or belongs to something that has no row.
    pub fn from_rows<E: From<DecodeError>>(
        rows: impl IntoIterator<Item = Result<(Vec<u8>, Vec<u8>), E>>,
    ) -> Result<Self, E> {
        let mut state = Self::default();
        for row in rows {
            let (key, value) = row?;
            match RowKey::decode(&key)? {
                RowKey::Meta => state.meta = twin::decode_meta(&value)?,
                RowKey::Recent => state.recent = twin::decode_recent(&value)?,
                RowKey::Stream(id) => state.insert_stream(twin::decode_stream(id, &value)?),
                RowKey::App(id) => state.insert_app(twin::decode_app(id, &value)?),
                RowKey::Group(id) => drop(state.groups.insert(id, decode_group(&value)?)),
                RowKey::Checkpoint(key) => state.insert_checkpoint(key, twin::decode_checkpoint(&value)?),
                RowKey::Task(key) => {
                    state.tasks.insert(key, task::decode_task(key, &value)?);
                }
                RowKey::Metrics(key) => state.metrics.insert(key, metrics::block(&value)?),
            }
        }
        if !state.tasks.keys().all(|key| state.streams.contains_key(&key.stream)) {
            return Err(DecodeError::new("transfer task of an unknown stream").into());
        }
        let whole = |key: &CheckpointKey| {
            state.apps.contains_key(&key.app) && state.streams.contains_key(&key.stream)
        };
        if !state.metrics.streams().all(|stream| state.streams.contains_key(&stream)) {
            return Err(DecodeError::new("metrics of an unknown stream").into());
        }
        if !state.groups.keys().all(|app| state.apps.contains_key(app)) {
            return Err(DecodeError::new("group of an unknown app").into());
        }
        if state.checkpoints.keys().all(whole) {
            Ok(state)
        } else {
            Err(DecodeError::new("checkpoint of an unknown app or stream").into())
        }
    }
}
