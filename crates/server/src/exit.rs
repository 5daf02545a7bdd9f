//! How the program ends.

use std::process::ExitCode;

use millpond_engine_local::{OpenError, backup::BackupError, repair::RepairError};

use crate::{config::Problems, control::Refused, keys::KeysError};

/// Exit codes; part of the command line's contract, shown by `millpond --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; for a server: drained and stopped.
    Ok = 0,
    /// Failed for another reason than those below, or forced to stop by a second signal.
    Failure = 1,
    /// Wrong arguments or configuration.
    Usage = 2,
    /// What was asked for does not exist, or the data is damaged.
    NotFoundOrDamaged = 3,
    /// The storage failed while the server ran.
    StorageFailed = 4,
}

/// The table of exit codes for the help text.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done; a server drained and stopped
  1  failed, or forced to stop by a second signal
  2  wrong arguments or configuration
  3  not found, or the data is damaged
  4  the storage failed";

impl Exit {
    /// The code for an error, by the first cause that says more than that it failed.
    pub fn of(error: &anyhow::Error) -> Self {
        let known = error.chain().find_map(|cause| {
            if cause.is::<Problems>() {
                Some(Self::Usage)
            } else if let Some(open) = cause.downcast_ref::<OpenError>() {
                Some(if open.is_damage() { Self::NotFoundOrDamaged } else { Self::Failure })
            } else if let Some(repair) = cause.downcast_ref::<RepairError>() {
                Some(if repair.is_damage() { Self::NotFoundOrDamaged } else { Self::Failure })
            } else if let Some(backup) = cause.downcast_ref::<BackupError>() {
                Some(if backup.is_damage() { Self::NotFoundOrDamaged } else { Self::Failure })
            } else if let Some(refused) = cause.downcast_ref::<Refused>() {
                Some(if refused.is_damage { Self::NotFoundOrDamaged } else { Self::Failure })
            } else {
                cause.downcast_ref().map(|keys: &KeysError| match keys {
                    KeysError::Unknown { .. } => Self::NotFoundOrDamaged,
                    KeysError::Invalid { .. } | KeysError::Duplicate { .. } => Self::Usage,
                    KeysError::Io { .. } | KeysError::Random(_) => Self::Failure,
                })
            }
        });
        known.unwrap_or(Self::Failure)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn errors_keep_their_code_under_any_context() {
        let check = |error: Result<(), anyhow::Error>, exit: Exit| {
            assert_eq!(Exit::of(&error.context("while starting").unwrap_err()), exit);
        };
        check(Err(Problems(vec![]).into()), Exit::Usage);
        check(Err(KeysError::Unknown { ak: "a".into(), path: "p".into() }.into()), Exit::NotFoundOrDamaged);
        check(Err(anyhow::anyhow!("other")), Exit::Failure);
    }
}
