//! What an app commits beside a position.

use std::{fmt, str::FromStr, sync::Arc};

use crate::limits::METADATA_CHARS_MAX;

/// Free text that an app commits with its position: at most 1000 characters (spec/06 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata(Arc<str>);

/// More than 1000 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metadata has at most {METADATA_CHARS_MAX} characters")]
pub struct InvalidMetadata;

impl Metadata {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self("".into())
    }
}

impl FromStr for Metadata {
    type Err = InvalidMetadata;

    fn from_str(text: &str) -> Result<Self, InvalidMetadata> {
        if text.len() > METADATA_CHARS_MAX * 4 || text.chars().count() > METADATA_CHARS_MAX {
            return Err(InvalidMetadata);
        }
        Ok(Self(text.into()))
    }
}

/// What a checkpoint stands for; the API knows one kind (spec/06 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckpointType {
    /// The position the app reached.
    #[default]
    LastRead,
}

/// The text is not `LAST_READ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint type: LAST_READ is expected")]
pub struct InvalidCheckpointType;

impl FromStr for CheckpointType {
    type Err = InvalidCheckpointType;

    fn from_str(text: &str) -> Result<Self, InvalidCheckpointType> {
        if text == "LAST_READ" { Ok(Self::LastRead) } else { Err(InvalidCheckpointType) }
    }
}

impl fmt::Display for CheckpointType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastRead => f.write_str("LAST_READ"),
        }
    }
}
