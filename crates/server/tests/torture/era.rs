//! One data directory: its server, its rounds, its end.

use std::{fs, io, path::PathBuf, process::Command, thread, time::Duration};

use millpond_engine::{Clock as _, SystemClock};
use rustix::process::Signal;

use super::{
    check::{check, told},
    history::{APPS, History},
    interrupt,
    load::load,
    options::Options,
    phase::Phase,
    place::{Kind, Place},
    support::{
        api::{Client, Key},
        random::Random,
        server::{Ended, Server},
    },
    totals::Totals,
};

/// Starts in a hundred that are killed too.
const KILLED_STARTS: u32 = 30;
/// Lines that a start logs, at most, before it is killed.
const START_LINES_MAX: u32 = 12;
/// How long a start runs, at most, that is killed at a moment.
const START_MS_MAX: u32 = 120;
/// From the signal to the end of the process.
const STOP_MAX: Duration = Duration::from_secs(10);
/// Small files, so that journal and segments roll.
const SMALL: &str = "--set storage.journal_file_bytes=1MiB --set storage.segment_bytes=1MiB";

/// A data directory in use.
pub struct Era<'a> {
    pub options: &'a Options,
    pub directory: PathBuf,
    pub random: Random,
    pub place: Place,
    pub history: History,
    pub server: Option<Server>,
    pub key: Option<Key>,
    pub totals: &'a mut Totals,
    pub clock: SystemClock,
    settings: &'static str,
    logs: u32,
    /// The last end was without a warning.
    was_killed: bool,
}

impl<'a> Era<'a> {
    /// A new data directory below the directory of the run.
    pub fn new(options: &'a Options, seed: u64, kinds: &[Kind], totals: &'a mut Totals) -> io::Result<Self> {
        let mut random = Random::new(seed);
        let kind = choose(kinds, &mut random);
        let settings = if kind.is_small() || random.percent(70) { SMALL } else { "" };
        let names = (0..).map(|number| options.directory.join(format!("{seed}-{number}")));
        let free = |path: &PathBuf| !path.try_exists().unwrap_or(true);
        let directory = { names }.find(free).expect("there is always another number");
        fs::create_dir_all(&directory)?;
        let place = Place::new(kind, &directory)?;
        totals.directories += 1;
        Ok(Self {
            options,
            directory,
            random,
            place,
            history: History::new(),
            server: None,
            key: None,
            totals,
            clock: SystemClock::new(),
            settings,
            logs: 0,
            was_killed: false,
        })
    }

    /// The first start, rounds until there are enough or time is up, and a last check.
    pub fn run(&mut self, is_over: impl Fn() -> bool) {
        if self.random.percent(KILLED_STARTS) {
            self.kill_start();
        }
        self.start();
        self.prepare();
        let rounds = 4 + self.random.below(8);
        for number in 0..rounds {
            if is_over() && number > 0 {
                break;
            }
            let round = self.choose();
            self.round(round);
        }
        self.stop_idle();
        self.start();
        self.check();
        self.stop_idle();
    }

    /// Ends the era well: nothing of it is kept.
    pub fn finish(self) -> io::Result<()> {
        let [records, commits, scalings] = self.history.acknowledged();
        self.totals.records += records;
        self.totals.commits += commits;
        self.totals.scalings += scalings;
        self.totals.streams += self.history.namings.load(std::sync::atomic::Ordering::SeqCst);
        drop(self.server);
        self.place.unmount()?;
        fs::remove_dir_all(&self.directory)
    }

    /// Keeps the data, the logs and the history for inspection; where they are.
    pub fn keep(mut self) -> PathBuf {
        if let Some(server) = self.server.take() {
            self.log(&server.kill());
        }
        let kept = fs::write(self.directory.join("history.txt"), told(&self.history))
            .and_then(|()| self.place.keep())
            .and_then(|()| self.place.unmount());
        if let Err(error) = kept {
            eprintln!("not everything could be kept: {error}");
        }
        eprintln!("the data: {}", self.place.kept().display());
        self.directory.clone()
    }

    fn command(&self, further: &str) -> Command {
        let mut command = Command::new(&self.options.binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--port-file", "port", "--data-dir"]);
        command.arg(self.place.data());
        command.args(self.settings.split_whitespace()).args(further.split_whitespace());
        command.current_dir(&self.directory).env_clear().env("HOME", &self.directory);
        command
    }

    fn spawn(&self, further: &str) -> Server {
        let server = Server::spawn(self.command(further));
        interrupt::running(server.pid());
        server
    }

    /// Starts the server and waits until it is ready.
    pub fn start(&mut self) {
        let begun = self.clock.monotonic();
        self.server = Some(self.spawn(""));
        if let Some(server) = &mut self.server {
            server.wait_for("\"ready\"");
        }
        let took = self.clock.monotonic().saturating_sub(begun);
        if self.was_killed {
            self.totals.slowest_start = self.totals.slowest_start.max(took);
        } else {
            let recovered = self.running().log().contains("recovered");
            assert!(!recovered, "a clean stop leaves nothing to recover:\n{}", self.running().log());
        }
        self.key.get_or_insert_with(|| Key::of(&self.place.data()));
    }

    /// Starts again after an end without a warning; often the start is ended so as well.
    pub fn restart(&mut self) {
        while self.random.percent(KILLED_STARTS) {
            self.kill_start();
            if self.place.kind.can_be_cut() && self.random.percent(30) {
                self.totals.power_cuts += 1;
                self.place.cut().expect("the power is cut");
                self.remount();
            }
        }
        self.start();
    }

    /// A start that is killed after some lines of its log, or some time.
    fn kill_start(&mut self) {
        let server = self.spawn("--log-level debug");
        if self.random.percent(50) {
            server.wait_for_lines(self.random.below(START_LINES_MAX) as usize);
        } else {
            thread::sleep(Duration::from_millis(self.random.below(START_MS_MAX).into()));
        }
        let ended = server.kill();
        self.log(&ended);
        assert_eq!(ended.code, None, "a start ended by itself:\n{}", ended.log);
        self.totals.killed_starts += 1;
        self.was_killed = true;
    }

    pub fn running(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    pub fn client(&self) -> Client {
        Client::new(self.running().port(), self.key.as_ref().expect("the server has started"))
    }

    fn prepare(&self) {
        let mut client = self.client();
        for stream in &self.history.lasting {
            let partitions = stream.active.load(std::sync::atomic::Ordering::SeqCst);
            client.create_stream(&stream.name, partitions);
            stream.settle(partitions, self.history.tick());
        }
        for app in APPS {
            client.create_app(app);
        }
        client.must("GET", "/apps", None);
    }

    /// Compares everything.
    pub fn check(&mut self) {
        check(&mut self.client(), &self.history);
        self.totals.checks += 1;
    }

    /// The process has ended: writes its log down.
    pub fn ended(&mut self, is_killed: bool) -> Ended {
        let ended = self.server.take().expect("the server ran").end();
        self.log(&ended);
        self.history.settle();
        self.was_killed = is_killed;
        ended
    }

    fn log(&mut self, ended: &Ended) {
        self.logs += 1;
        let path = self.directory.join(format!("server-{}.log", self.logs));
        // A log that is missing is no violation.
        let _ = fs::write(path, format!("{}\nended with {:?}\n", ended.log, ended.code));
    }

    /// Runs the load and `meanwhile`.
    pub fn load<T>(&mut self, phase: &Phase, meanwhile: impl FnOnce(&Server, &Place, &History) -> T) -> T {
        let server = self.server.as_ref().expect("the server runs");
        let key = self.key.as_ref().expect("the server has started");
        let (history, place) = (&self.history, &self.place);
        load((history, phase), (server.port(), key), &mut self.random, || meanwhile(server, place, history))
    }

    /// After the power was cut.
    pub fn remount(&mut self) {
        self.place.unmount().expect("the file system is unmounted");
        self.place.mount().expect("the file system is mounted again");
    }

    /// The server was asked to stop, and did.
    pub fn stopped(&mut self, took: Duration) {
        let ended = self.ended(false);
        assert_eq!(ended.code, Some(0), "a server that is asked to stop ends with 0:\n{}", ended.log);
        assert!(took <= STOP_MAX, "it took {took:?} to stop:\n{}", ended.log);
        self.totals.slowest_stop = self.totals.slowest_stop.max(took);
    }

    fn stop_idle(&mut self) {
        let phase = Phase::new(false);
        let took = stop(&phase, self.running(), &self.clock);
        self.stopped(took);
    }
}

/// A place: power cuts are tried as often as all others together.
fn choose(kinds: &[Kind], random: &mut Random) -> Kind {
    let such: fn(&Kind) -> bool = match random.below(4) {
        0 => |kind| *kind == Kind::Plain,
        1 => |kind| kind.is_small(),
        _ => |kind| kind.can_be_cut(),
    };
    let such: Vec<Kind> = kinds.iter().copied().filter(such).collect();
    let kinds = if such.is_empty() { kinds } else { &such };
    kinds[random.below(kinds.len() as u32) as usize]
}

/// Asks a server to stop and waits; how long it took.
pub fn stop(phase: &Phase, server: &Server, clock: &SystemClock) -> Duration {
    phase.let_die();
    let begun = clock.monotonic();
    server.signal(Signal::TERM);
    server.wait_until_ended();
    clock.monotonic().saturating_sub(begun)
}
