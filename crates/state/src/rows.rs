//! The state as rows of a table, for engines that keep it on disk.

use millpond_model::{AppId, CheckpointType, PartitionId, StreamId};

use crate::{
    CheckpointKey, State,
    encoding::{DecodeError, rows as twin},
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
}

impl RowKey {
    /// The key in bytes: a letter, then the parts at their fixed lengths.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Meta => b"m".to_vec(),
            Self::Recent => b"r".to_vec(),
            Self::Stream(id) => [b"s".as_slice(), id.as_bytes()].concat(),
            Self::App(id) => [b"a".as_slice(), id.as_bytes()].concat(),
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
            RowKey::Checkpoint(key) => self.checkpoints.get(key).map(twin::encode_checkpoint),
        }
    }

    /// The keys of all rows there are.
    pub fn row_keys(&self) -> impl Iterator<Item = RowKey> {
        [RowKey::Meta, RowKey::Recent]
            .into_iter()
            .chain(self.streams.keys().map(|&id| RowKey::Stream(id)))
            .chain(self.apps.keys().map(|&id| RowKey::App(id)))
            .chain(self.checkpoints.keys().map(|&key| RowKey::Checkpoint(key)))
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
                RowKey::Checkpoint(key) => state.insert_checkpoint(key, twin::decode_checkpoint(&value)?),
            }
        }
        let whole = |key: &CheckpointKey| {
            state.apps.contains_key(&key.app) && state.streams.contains_key(&key.stream)
        };
        if state.checkpoints.keys().all(whole) {
            Ok(state)
        } else {
            Err(DecodeError::new("checkpoint of an unknown app or stream").into())
        }
    }
}
