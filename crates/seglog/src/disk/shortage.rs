//! Failures that pass by themselves: there was too little of something.

use std::{error::Error, io};

use rustix::io::Errno;

/// A sync failed: what it covered may be lost although a later one succeeds. Never a shortage, whatever
/// the system called it.
#[derive(Debug, thiserror::Error)]
#[error("the sync failed")]
pub struct SyncFailed(#[source] pub io::Error);

impl SyncFailed {
    /// Marks the failure of a sync.
    pub fn mark(error: io::Error) -> io::Error {
        io::Error::other(Self(error))
    }
}

/// Whether the failure says that room, descriptors or memory ran out: nothing stored was harmed, and the
/// same work may succeed later. Looks at everything that caused the error.
pub fn is_shortage(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<SyncFailed>() {
            return false;
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            match io.get_ref() {
                // What an error was made of is not among its causes.
                Some(inner) => return is_shortage(inner),
                None => return is_short(io),
            }
        }
        next = error.source();
    }
    false
}

fn is_short(error: &io::Error) -> bool {
    use io::ErrorKind::{OutOfMemory, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | OutOfMemory)
        || matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::SegmentError;

    #[test]
    fn a_shortage_is_told_from_a_failure() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let of_system = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        let cases: [(io::Error, bool); 9] = [
            (full(), true),
            (of_system(Errno::NOSPC), true),
            (of_system(Errno::DQUOT), true),
            (of_system(Errno::MFILE), true),
            (of_system(Errno::IO), false),
            (io::Error::other("full"), false),
            (io::Error::other(SegmentError::Io(full())), true),
            (SyncFailed::mark(full()), false),
            (io::Error::other(SegmentError::Io(SyncFailed::mark(full()))), false),
        ];
        for (error, expected) in cases {
            assert_eq!(is_shortage(&error), expected, "{error:?}");
        }
    }
}
