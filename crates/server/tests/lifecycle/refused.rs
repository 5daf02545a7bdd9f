//! Starts that must be refused: they say why, and change nothing.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use rustix::process::Signal;

use super::support::{
    api::{Client, Key},
    server::{Ended, SERVE, Server, millpond, snapshot},
};

/// The last line of a log: what the user is told.
fn told(ended: &Ended) -> &str {
    ended.log.lines().find(|line| line.starts_with("millpond: ")).unwrap_or_else(|| panic!("{}", ended.log))
}

#[test]
fn a_second_server_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serve(dir.path());
    let key = Key::of(&dir.path().join("data"));
    let mut client = Client::new(server.port(), &key);
    client.create_stream("s", 1);
    client.put_one("s", 0, "first");
    // While the first server is frozen, whatever changes was changed by the second one.
    server.freeze();
    let before = snapshot(dir.path());
    for arguments in [SERVE.to_owned(), SERVE.replace("serve", "dev")] {
        let refused = Server::spawn(millpond(dir.path(), &arguments)).end();
        assert_eq!(refused.code, Some(1), "{}", refused.log);
        let told = told(&refused);
        assert!(told.contains("in use") && told.contains(&format!("pid={}", server.pid())), "{told}");
    }
    let after = snapshot(dir.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "a refused start changed a file");
    server.signal(Signal::CONT);
    assert_eq!(client.put_one("s", 0, "second"), 1);
    assert_eq!(server.stop().code, Some(0));
}

/// What may be done to a file.
enum Damage {
    /// All of it is something else.
    Replace(&'static [u8]),
    /// The second half is gone.
    Halve,
    /// Every byte from an offset on is inverted.
    Invert(usize),
    /// It is gone.
    Remove,
}

impl Damage {
    fn apply(&self, path: &Path) {
        match *self {
            Self::Replace(bytes) => fs::write(path, bytes).unwrap(),
            Self::Halve => {
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(file.metadata().unwrap().len() / 2).unwrap();
            }
            Self::Invert(from) => {
                let bytes: Vec<u8> = fs::read(path).unwrap().into_iter().map(|byte| !byte).collect();
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.write_all_at(&bytes[from..], from as u64).unwrap();
            }
            Self::Remove => fs::remove_file(path).unwrap(),
        }
    }
}

/// The first file below `directory` with this ending.
fn find(directory: &Path, ending: &str) -> PathBuf {
    let found = snapshot(directory).into_keys().find(|path| path.to_string_lossy().ends_with(ending));
    found.unwrap_or_else(|| panic!("no {ending} below {}", directory.display()))
}

/// Nothing of a directory that was stopped cleanly may be missing or damaged without notice, and a
/// refused start leaves everything as it found it.
#[test]
fn a_damaged_directory_is_refused_with_code_3() {
    let made = tempfile::tempdir().unwrap();
    let server = Server::serve(made.path());
    let key = Key::of(&made.path().join("data"));
    let mut client = Client::new(server.port(), &key);
    client.create_stream("s", 1);
    (0..10).for_each(|number| assert_eq!(client.put_one("s", 0, &format!("record {number}")), number));
    assert_eq!(server.stop().code, Some(0));
    let files = snapshot(made.path());

    let check = |ending: &str, damage: &Damage, message: &str| {
        let dir = tempfile::tempdir().unwrap();
        for (path, bytes) in &files {
            let copy = dir.path().join(path.strip_prefix(made.path()).unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::write(copy, bytes).unwrap();
        }
        damage.apply(&find(dir.path(), ending));
        fs::remove_file(dir.path().join("port")).unwrap();
        let before = snapshot(dir.path());
        let refused = Server::spawn(millpond(dir.path(), SERVE)).end();
        assert_eq!(refused.code, Some(3), "{ending}: {}", refused.log);
        let told = told(&refused);
        assert!(told.contains(message), "{ending}: {told}");
        let after = snapshot(dir.path());
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{ending}");
        // The lock names its last holder, and a sound view notes that it was opened.
        let may_change =
            |path: &Path| path.ends_with("LOCK") || (path.ends_with("state.redb") && !path.ends_with(ending));
        for (path, bytes) in before.iter().filter(|(path, _)| !may_change(path)) {
            assert!(after[path] == *bytes, "{ending}: {} was changed", path.display());
        }
    };
    check("FORMAT", &Damage::Replace(b"something else"), "FORMAT");
    check("FORMAT", &Damage::Halve, "FORMAT");
    check("FORMAT", &Damage::Invert(31), "FORMAT");
    check("FORMAT", &Damage::Remove, "FORMAT");
    check("state.redb", &Damage::Replace(b"something else"), "state.redb");
    check("state.redb", &Damage::Replace(b""), "state.redb");
    check("state.redb", &Damage::Halve, "state.redb");
    check("state.redb", &Damage::Invert(0), "state.redb");
    check("state.redb", &Damage::Remove, "state.redb");
}
