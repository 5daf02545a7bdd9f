//! Running other programs.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context;

use crate::{output, tally::Tally, time, workspace};

/// A command line about to run; what it prints goes to our own output.
pub struct Run {
    command: Command,
    is_tree: bool,
}

impl Run {
    /// `program`, to be run in `directory` without standard input.
    pub fn new(program: impl AsRef<OsStr>, directory: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(directory).stdin(Stdio::null());
        Self { command, is_tree: false }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: &[S]) -> Self {
        self.command.args(args);
        self
    }

    /// Adds `--locked` in CI. At the desk the lock file may follow a manifest just edited.
    pub fn locked_in_ci(self) -> Self {
        if workspace::in_ci() { self.args(&["--locked"]) } else { self }
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes an environment variable away.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Takes every environment variable away whose name begins with `prefix`.
    pub fn env_remove_prefix(mut self, prefix: &str) -> Self {
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with(prefix) {
                self.command.env_remove(name);
            }
        }
        self
    }

    /// Runs to the end; true when the program exited with 0.
    ///
    /// # Errors
    /// The program could not be started.
    pub fn success(mut self) -> anyhow::Result<bool> {
        let status = self
            .command
            .status()
            .with_context(|| format!("cannot start {}", self.command.get_program().display()))?;
        Ok(status.success())
    }

    /// Runs to the end as one check that passes with exit code 0.
    ///
    /// # Errors
    /// The program could not be started.
    pub fn gate(self) -> anyhow::Result<Tally> {
        Ok(Tally::gate(self.success()?))
    }

    /// Runs to the end, shows each line of standard output to `see` and prints it.
    ///
    /// # Errors
    /// The program could not be started, or its output could not be read.
    pub fn each_line(mut self, mut see: impl FnMut(&str)) -> anyhow::Result<ExitStatus> {
        let mut child = self.command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("the output was to be piped")?;
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            see(&line);
            output::say(&line);
        }
        Ok(child.wait()?)
    }

    /// Runs without showing anything; standard output when the program exited with 0 in UTF-8, else none.
    /// A program that cannot be started counts as one that failed.
    pub fn quiet_output(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
    }

    /// Makes the program and all that it starts one tree, a process group of their own, that ends
    /// together. An interrupt from the terminal does not reach them, hence only what runs for a limited
    /// time is started so.
    pub fn tree(mut self) -> Self {
        self.command.process_group(0);
        self.is_tree = true;
        self
    }

    /// Starts in the background with both outputs in the file `log`.
    ///
    /// # Errors
    /// The file could not be made, or the program could not be started.
    pub fn spawn_logged(self, log: &Path) -> anyhow::Result<Background> {
        let out = create(log)?;
        let err = out.try_clone()?;
        self.spawn(out, err)
    }

    /// Starts in the background with standard output in the file `out` and the other one in `err`.
    ///
    /// # Errors
    /// A file could not be made, or the program could not be started.
    pub fn spawn_split(self, out: &Path, err: &Path) -> anyhow::Result<Background> {
        let (out, err) = (create(out)?, create(err)?);
        self.spawn(out, err)
    }

    fn spawn(mut self, out: File, err: File) -> anyhow::Result<Background> {
        let child = self.command.stdout(out).stderr(err).spawn();
        let child =
            child.with_context(|| format!("cannot start {}", self.command.get_program().display()))?;
        Ok(Background { child, is_tree: self.is_tree })
    }
}

fn create(log: &Path) -> anyhow::Result<File> {
    File::create(log).with_context(|| format!("cannot write {}", log.display()))
}

/// A program running in the background; killed when dropped before its end.
pub struct Background {
    child: Child,
    /// What it started is killed with it, and also what is left of that after its end.
    is_tree: bool,
}

impl Background {
    /// Exit status once the program has ended, none while it runs.
    ///
    /// # Errors
    /// The operating system refused to tell.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for the end; none when the program still runs after `limit`.
    ///
    /// # Errors
    /// The operating system refused to tell.
    pub fn wait(&mut self, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
        time::poll(limit, || self.ended())
    }

    /// Asks the program to end (SIGTERM).
    ///
    /// # Errors
    /// The program is no longer there.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        Ok(rustix::process::kill_process(pid, rustix::process::Signal::TERM)?)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // All fail only when there is nothing left to end, which is what is wanted.
        if self.is_tree {
            let group = rustix::process::Pid::from_child(&self.child);
            let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Run {
        Run::new("sh", Path::new(".")).args(&["-c", script])
    }

    #[test]
    fn output_is_seen_line_by_line_with_the_exit_status() {
        let mut lines = Vec::new();
        let status = sh("echo one; echo two; exit 3").each_line(|line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn quiet_output_is_none_when_the_program_fails_or_is_missing() {
        assert_eq!(sh("echo hello").quiet_output().as_deref(), Some("hello\n"));
        assert_eq!(sh("echo hello; exit 1").quiet_output(), None);
        assert_eq!(Run::new("no-such-program-anywhere", Path::new(".")).quiet_output(), None);
    }

    #[test]
    fn a_background_program_ends_when_asked() {
        let log = std::env::temp_dir().join(format!("xtask-background-{}", std::process::id()));
        let mut program = sh("exec sleep 60").spawn_logged(&log).unwrap();
        assert!(program.ended().unwrap().is_none());
        program.terminate().unwrap();
        let status = program.wait(Duration::from_secs(30)).unwrap();
        std::fs::remove_file(&log).unwrap();
        assert!(!status.expect("the program was asked to end").success());
    }

    #[test]
    fn a_tree_ends_with_what_it_started() {
        let folder = std::env::temp_dir().join(format!("xtask-tree-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (out, err) = (folder.join("out"), folder.join("err"));
        let tree = sh("sleep 60 & echo $!; wait").tree().spawn_split(&out, &err).unwrap();
        let inner = time::poll(Duration::from_secs(30), || {
            Ok(std::fs::read_to_string(&out)?.trim().parse::<i32>().ok())
        });
        let inner = rustix::process::Pid::from_raw(inner.unwrap().unwrap()).unwrap();
        drop(tree);
        let ended = time::poll(Duration::from_secs(30), || {
            // A process that nobody has waited for yet is a zombie, for which the name of its program is gone.
            let command = std::fs::read(format!("/proc/{}/cmdline", inner.as_raw_nonzero()));
            Ok(command.map_or(true, |command| command.is_empty()).then_some(()))
        });
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(ended.unwrap(), Some(()));
    }

    #[test]
    fn variables_are_taken_away_by_their_prefix() {
        let listed =
            |run: Run| run.quiet_output().unwrap().lines().filter(|line| line.starts_with("CARGO_")).count();
        assert!(listed(sh("env")) > 0);
        assert_eq!(listed(sh("env").env_remove_prefix("CARGO_")), 0);
    }
}
