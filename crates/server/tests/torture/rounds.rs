//! What happens to a server under load.

use std::time::Duration;

use millpond_engine::SystemClock;
use rustix::process::Signal;

use super::{
    era::{Era, stop},
    interrupt,
    phase::Phase,
};

/// Acknowledged requests of a round, at most, before something happens.
const REQUESTS_MAX: u32 = 400;
/// How long a round may be when the server is slow.
const ROUND_MAX: Duration = Duration::from_secs(4);

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    Kill,
    Cut,
    Full,
    Stop,
    Pause,
}

impl Era<'_> {
    /// What happens next, by what the place can do.
    pub fn choose(&mut self) -> Round {
        let dice = self.random.below(100);
        let kind = self.place.kind;
        match dice {
            0..10 => Round::Stop,
            10..20 => Round::Pause,
            20..70 if kind.can_be_cut() => Round::Cut,
            20..70 if kind.is_small() => Round::Full,
            _ => Round::Kill,
        }
    }

    /// One round; the server runs before and after it.
    pub fn round(&mut self, round: Round) {
        match round {
            Round::Kill => self.kill_under_load(),
            Round::Cut => self.cut_under_load(),
            Round::Full => self.fill_under_load(),
            Round::Stop => self.stop_under_load(),
            Round::Pause => self.pause_under_load(),
        }
        self.check();
        interrupt::progress(&format!("{round:?} on {:?}", self.place.kind));
    }

    fn phase(&self) -> Phase {
        Phase::new(self.place.kind.is_small())
    }

    /// When something happens: after so many acknowledged requests, and so long after them.
    fn moment(&mut self) -> (u64, Duration) {
        let most = if self.random.percent(15) { 5 } else { REQUESTS_MAX };
        (self.random.below(most).into(), Duration::from_micros(self.random.below(30_000).into()))
    }

    fn kill_under_load(&mut self) {
        let (phase, (requests, delay)) = (self.phase(), self.moment());
        self.load(&phase, |server, _, _| {
            phase.wait(ROUND_MAX, requests);
            phase.pause(delay);
            phase.let_die();
            server.signal(Signal::KILL);
            server.wait_until_ended();
        });
        let ended = self.ended(true);
        assert_eq!(ended.code, None, "the server ended by itself:\n{}", ended.log);
        self.totals.kills += 1;
        self.restart();
    }

    fn cut_under_load(&mut self) {
        let (phase, (requests, delay)) = (self.phase(), self.moment());
        let is_left_alone = self.random.percent(40);
        let longer = Duration::from_millis(self.random.below(300).into());
        self.load(&phase, |server, place, _| {
            phase.wait(ROUND_MAX, requests);
            phase.pause(delay);
            phase.let_die();
            place.cut().expect("the power is cut");
            // What is acknowledged from now on must not be.
            if !is_left_alone {
                phase.pause(longer);
                server.signal(Signal::KILL);
            }
            server.wait_until_ended();
        });
        let ended = self.ended(true);
        let expected = if is_left_alone { Some(4) } else { ended.code.filter(|code| *code == 4) };
        assert_eq!(ended.code, expected, "a server whose disk fails ends with 4:\n{}", ended.log);
        self.totals.power_cuts += 1;
        self.remount();
        self.restart();
    }

    fn stop_under_load(&mut self) {
        let (phase, (requests, delay)) = (self.phase(), self.moment());
        let clock = SystemClock::new();
        let took = self.load(&phase, |server, _, _| {
            phase.wait(ROUND_MAX, requests);
            phase.pause(delay);
            stop(&phase, server, &clock)
        });
        self.stopped(took);
        self.totals.stops += 1;
        self.start();
    }

    fn pause_under_load(&mut self) {
        let (phase, (requests, delay)) = (self.phase(), self.moment());
        let length = Duration::from_millis(200 + u64::from(self.random.below(4000)));
        self.load(&phase, |server, _, _| {
            phase.wait(ROUND_MAX, requests);
            phase.pause(delay);
            server.freeze();
            phase.pause(length);
            server.signal(Signal::CONT);
            phase.wait(ROUND_MAX, 50);
        });
        self.totals.pauses += 1;
    }
}
