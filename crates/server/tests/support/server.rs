//! A server process: its start, its log, its end.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::PATIENCE;

/// The usual server: data in `data`, the port in the file `port`.
pub const SERVE: &str = "serve --data-dir data --listen 127.0.0.1:0 --port-file port";

/// The program, in a directory of its own and without this machine's configuration.
pub fn millpond(directory: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millpond"));
    command.args(arguments.split_whitespace()).current_dir(directory).env_clear().env("HOME", directory);
    command
}

/// What a process writes, gathered by a thread, so that the process never waits for its reader.
#[derive(Default)]
struct Written {
    lines: Mutex<(Vec<String>, bool)>,
    changed: Condvar,
}

impl Written {
    fn gather(from: impl Read + Send + 'static) -> Arc<Self> {
        let written = Arc::new(Self::default());
        let gathered = Arc::clone(&written);
        thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                gathered.lines.lock().0.push(String::from_utf8_lossy(&line).into_owned());
                gathered.changed.notify_all();
            }
            gathered.lines.lock().1 = true;
            gathered.changed.notify_all();
        });
        written
    }

    /// Waits until `found` returns something, which it may not after the end.
    fn wait<T>(&self, what: &str, mut found: impl FnMut(&[String], bool) -> Option<T>) -> T {
        let mut guard = self.lines.lock();
        loop {
            if let Some(value) = found(&guard.0, guard.1) {
                return value;
            }
            assert!(!guard.1, "the process ended before {what}:\n{}", guard.0.join("\n"));
            let late = self.changed.wait_for(&mut guard, PATIENCE).timed_out();
            assert!(!late, "waited too long for {what}:\n{}", guard.0.join("\n"));
        }
    }

    fn text(&self) -> String {
        self.lines.lock().0.join("\n")
    }
}

/// A process; killed when the test ends early.
pub struct Server {
    child: Child,
    directory: PathBuf,
    log: Arc<Written>,
    page: Arc<Written>,
    /// Lines of the log that were waited for.
    read: usize,
}

/// How a process ended.
pub struct Ended {
    /// `None` after a signal that it did not handle.
    pub code: Option<i32>,
    /// Its whole log.
    pub log: String,
    /// All that it wrote to standard output.
    pub page: String,
}

impl Server {
    /// Starts a process; does not wait for anything.
    pub fn spawn(mut command: Command) -> Self {
        let directory = command.get_current_dir().unwrap().to_owned();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Written::gather(child.stderr.take().unwrap());
        let page = Written::gather(child.stdout.take().unwrap());
        Self { child, directory, log, page, read: 0 }
    }

    /// Starts a server and waits until it is ready.
    pub fn start(command: Command) -> Self {
        let mut server = Self::spawn(command);
        server.wait_for("\"ready\"");
        server
    }

    /// Starts the usual server.
    pub fn serve(directory: &Path) -> Self {
        Self::start(millpond(directory, SERVE))
    }

    /// Waits for the next line of the log that contains `text`; returns it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let read = &mut self.read;
        self.log.wait(text, |lines, _| {
            let at = *read + lines[*read..].iter().position(|line| line.contains(text))?;
            *read = at + 1;
            Some(lines[at].clone())
        })
    }

    /// Waits until the log has so many lines, or ends, or the server is ready.
    pub fn wait_for_lines(&self, count: usize) {
        self.log.wait("more lines", |lines, ended| {
            let enough = ended || lines.len() >= count || lines.iter().any(|line| line.contains("\"ready\""));
            enough.then_some(())
        });
    }

    /// Waits until standard output contains `text`; returns all of it so far.
    pub fn wait_for_page(&self, text: &str) -> String {
        self.page
            .wait(text, |lines, _| lines.iter().any(|line| line.contains(text)).then(|| lines.join("\n")))
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The port in the port file.
    pub fn port(&self) -> u16 {
        let text = fs::read_to_string(self.directory.join("port")).unwrap();
        text.strip_suffix('\n').expect("the port and a newline").parse().unwrap()
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn process(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.process(), signal).unwrap();
    }

    /// Freezes the process: when this returns, no thread of it runs until `SIGCONT`.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let (_, status) = waitpid(Some(self.process()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "the process ended: {status:?}");
    }

    /// Ends the process without a warning, wherever it is.
    pub fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.end()
    }

    /// Asks the server to stop, and waits for its end.
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.end()
    }

    /// Waits until the process has ended.
    pub fn wait_until_ended(&self) {
        self.log.wait("its end", |_, ended| ended.then_some(()));
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ended {
        self.wait_until_ended();
        let code = self.child.wait().unwrap().code();
        self.page.wait("its end", |_, ended| ended.then_some(()));
        Ended { code, log: self.log.text(), page: self.page.text() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every file below a directory with its bytes: two of them are equal when nothing was changed.
pub fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}
