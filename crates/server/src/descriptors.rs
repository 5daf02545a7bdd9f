//! How many descriptors the process may have, and what they are for.
//!
//! ```text
//!   limit ── a quarter: segments that stay open ── a few: journal, view, logs, sockets ── the rest: connections
//! ```
//!
//! Shared out at the start, so that neither readers of many partitions nor many clients can take what the
//! others need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// For the journal, the view, logs, the listener, and what is opened for a moment.
const OTHERS: usize = 64;

/// Most segments and indexes that stay open; more make nothing faster.
const FILES_MAX: usize = 1024;
const FILES_MIN: usize = 16;

/// Fewer connections than this are of no use.
const CONNECTIONS_MIN: usize = 16;

/// The shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// Segments and indexes that stay open.
    pub files: usize,
    /// Connections at a time.
    pub connections: usize,
}

impl Descriptors {
    /// Raises the process's limit as far as it may, and shares it out. Fewer connections than `wanted` are
    /// told in the log.
    pub fn share(wanted: usize) -> Self {
        let limit = raise();
        let shares = Self::of(limit, wanted);
        if shares.connections < wanted {
            warn!(
                connections_max = shares.connections,
                open_files_limit = limit,
                "fewer connections than server.connections_max: raise the limit of open files (ulimit -n, LimitNOFILE)"
            );
        }
        shares
    }

    fn of(limit: usize, wanted: usize) -> Self {
        let files = (limit / 4).clamp(FILES_MIN, FILES_MAX);
        let rest = limit.saturating_sub(files + OTHERS).max(CONNECTIONS_MIN);
        Self { files, connections: wanted.min(rest) }
    }
}

/// The limit in force, raised from the soft one to the hard one where the system lets us.
fn raise() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    // None is no limit.
    let limit = if raised { maximum } else { current };
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gets_a_share() {
        let cases = [
            (usize::MAX, 10_000, (1024, 10_000)),
            (1_048_576, 10_000, (1024, 10_000)),
            (4096, 10_000, (1024, 3008)),
            (1024, 10_000, (256, 704)),
            (1024, 100, (256, 100)),
            (256, 10_000, (64, 128)),
            (96, 10_000, (24, 16)),
            (0, 10_000, (16, 16)),
        ];
        for (limit, wanted, (files, connections)) in cases {
            assert_eq!(Descriptors::of(limit, wanted), Descriptors { files, connections }, "{limit}");
        }
    }
}
