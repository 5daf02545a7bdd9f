//! The file that tells the port of a ready server.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Removes what an earlier server left, so that nobody takes its port for ours.
pub(crate) fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes the port and a newline, in one step: a reader sees all of it or no file.
pub(crate) fn write(path: &Path, port: u16) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    fs::write(&temporary, format!("{port}\n"))?;
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_replaces_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("port");
        clear(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        clear(&path).unwrap();
        assert!(!path.try_exists().unwrap());
        write(&path, 7347).unwrap();
        write(&path, 7348).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "7348\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
