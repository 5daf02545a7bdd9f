//! Progress of long work, for a person who waits.

use std::{io::IsTerminal as _, time::Duration};

use bytesize::ByteSize;
use millpond_engine::{Clock, SystemClock};
use millpond_engine_local::check::Progress;

use crate::output;

/// How often the line changes.
const PERIOD: Duration = Duration::from_millis(250);

/// A line on standard error that changes while the work goes on; nothing when that is no terminal.
pub(super) struct Meter {
    clock: SystemClock,
    shown: Option<Duration>,
    is_terminal: bool,
}

impl Meter {
    pub(super) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { clock: SystemClock::new(), shown: None, is_terminal }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        let now = self.clock.monotonic();
        if !self.is_terminal || now.saturating_sub(self.shown.unwrap_or_default()) < PERIOD {
            return;
        }
        self.shown = Some(now);
        output::progress(line(progress));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.shown.is_some() {
            output::progress("");
        }
    }
}

fn line(Progress { doing, done_bytes, total_bytes }: Progress) -> String {
    let percent = done_bytes.saturating_mul(100).checked_div(total_bytes).unwrap_or(0).min(100);
    format!("{doing}: {} of {} ({percent} %)", ByteSize(done_bytes), ByteSize(total_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_bytes_and_percent() {
        let progress = Progress { doing: "copying", done_bytes: 1 << 20, total_bytes: 4 << 20 };
        assert_eq!(line(progress), "copying: 1.0 MiB of 4.0 MiB (25 %)");
        let nothing = Progress { doing: "copying", done_bytes: 0, total_bytes: 0 };
        assert_eq!(line(nothing), "copying: 0 B of 0 B (0 %)");
    }
}
