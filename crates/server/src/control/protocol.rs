//! Requests and answers on the control socket.

use std::path::PathBuf;

use millpond_engine_local::{
    backup::{BackupError, Manifest},
    check::Progress,
};
use serde::{Deserialize, Serialize};

/// Bytes that a line may have.
pub(super) const LINE_BYTES_MAX: u64 = 64 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Copy everything to an empty directory.
    Backup {
        /// Where to; absolute.
        to: PathBuf,
        /// Whether the access keys are copied too.
        with_credentials: bool,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// How far it has come; more follows.
    Progress {
        /// How far.
        progress: Step,
    },
    /// It is done.
    Done {
        /// What was done.
        done: Done,
    },
    /// It failed.
    Error {
        /// Why.
        error: String,
        /// Whether stored bytes are damaged.
        damaged: bool,
    },
}

/// How far something has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    doing: String,
    done_bytes: u64,
    total_bytes: u64,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    pub(crate) position: u64,
}

impl From<&Manifest> for Done {
    fn from(manifest: &Manifest) -> Self {
        let files = manifest.files.len() as u64;
        Self { files, bytes: manifest.bytes(), records: manifest.records, position: manifest.position }
    }
}

impl From<Progress> for Step {
    fn from(Progress { doing, done_bytes, total_bytes }: Progress) -> Self {
        Self { doing: doing.to_owned(), done_bytes, total_bytes }
    }
}

impl Step {
    /// For the meter, which knows one thing that is being done.
    pub(crate) fn progress(&self) -> Progress {
        Progress { doing: "backup", done_bytes: self.done_bytes, total_bytes: self.total_bytes }
    }
}

impl Answer {
    pub(super) fn refusal(error: &BackupError) -> Self {
        let mut text = error.to_string();
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        Self::Error { error: text, damaged: error.is_damage() }
    }

    /// As a line.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\",\"damaged\":false}}"))
            + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back() {
        let request = Request::Backup { to: "/b".into(), with_credentials: true };
        let line = r#"{"command":"backup","to":"/b","with_credentials":true}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
        assert_eq!(serde_json::from_str::<Request>(line).unwrap(), request);
        let progress = Progress { doing: "x", done_bytes: 1, total_bytes: 2 };
        for answer in [
            Answer::Progress { progress: progress.into() },
            Answer::Done { done: Done { files: 1, bytes: 2, records: 3, position: 4 } },
            Answer::Error { error: "no".into(), damaged: true },
        ] {
            assert_eq!(serde_json::from_str::<Answer>(&answer.line()).unwrap(), answer);
        }
    }
}
