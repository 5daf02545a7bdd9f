//! Telling a running server that its keys have changed.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
    process::{Pid, Signal, kill_process},
};

/// The file that a server locks for as long as it uses the directory; `pid=<n>` on its first line.
const LOCK: &str = "LOCK";

/// Asks the server on `data_dir`, if there is one, to read its keys again. Returns whether there is.
///
/// # Errors
/// The lock file cannot be read, or the server may not be signalled by this user.
pub fn notify_server(data_dir: &Path) -> io::Result<bool> {
    let Some(pid) = holder(data_dir)? else { return Ok(false) };
    match kill_process(pid, Signal::HUP) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether nobody holds `data_dir`. When that cannot be told, somebody does.
pub fn is_free(data_dir: &Path) -> bool {
    matches!(holder(data_dir), Ok(None))
}

/// The process that holds the directory. The text alone proves nothing, it survives a crash: only
/// a lock that cannot be shared shows that somebody is there.
fn holder(data_dir: &Path) -> io::Result<Option<Pid>> {
    let mut file = match File::open(data_dir.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => return Ok(None),
        Err(Errno::WOULDBLOCK) => {}
        Err(errno) => return Err(errno.into()),
    }
    let mut text = String::new();
    file.by_ref().take(4096).read_to_string(&mut text)?;
    let number = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("pid="))
        .and_then(|pid| pid.trim().parse().ok());
    let pid = number.filter(|&number: &i32| number > 0).and_then(Pid::from_raw);
    pid.map(Some).ok_or_else(|| io::Error::other(format!("{LOCK} is held, but names no process")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_held_lock_names_a_server() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder(dir.path()).unwrap(), None, "no lock file");
        let path = dir.path().join(LOCK);
        fs::write(&path, "pid=4711\nsince=now\n").unwrap();
        assert_eq!(holder(dir.path()).unwrap(), None, "left over from a crash");
        assert!(is_free(dir.path()));
        let held = File::open(&path).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        assert_eq!(holder(dir.path()).unwrap(), Pid::from_raw(4711));
        assert!(!is_free(dir.path()));
        fs::write(&path, "pid=-1\n").unwrap();
        assert!(holder(dir.path()).is_err(), "never a process group");
    }
}
