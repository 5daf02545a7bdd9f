//! Failures of the storage itself.

use std::{error::Error, fmt, sync::Arc};

/// What a failure means for the request it met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing was or will be kept.
    Refused,
    /// Nothing was or will be kept: there is no room on the disk. It passes by itself once there is.
    NoSpace,
    /// It may have been kept, at most once.
    Unknown,
    /// Stored bytes are damaged.
    Corrupt,
    /// The engine has stopped and must be opened again.
    Fatal,
}

/// The storage failed. The text is for the log; only that of class `Corrupt`, which names what is damaged and
/// no path, is told to clients too.
#[derive(Clone, Debug)]
pub struct StorageFailure {
    class: Class,
    what: Arc<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StorageFailure {
    /// A failure described by `what` alone.
    pub fn new(class: Class, what: impl Into<Arc<str>>) -> Self {
        Self { class, what: what.into(), source: None }
    }

    /// A failure with its cause.
    pub fn caused_by(
        class: Class,
        what: impl Into<Arc<str>>,
        source: impl Into<Arc<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { class, what: what.into(), source: Some(source.into()) }
    }

    /// What it means for the request it met.
    pub fn class(&self) -> Class {
        self.class
    }
}

impl fmt::Display for StorageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for StorageFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
