//! Progress of long input, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the display changes by itself.
const TICK: Duration = Duration::from_millis(200);

/// A line that shows how far a command is; invisible when nobody looks.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// For input of this many bytes, when that is known.
    pub(super) fn new(visible: bool, bytes: Option<u64>) -> Self {
        if !visible {
            return Self(ProgressBar::hidden());
        }
        let template = match bytes {
            Some(_) => "{bar:30} {bytes}/{total_bytes} {msg} eta {eta}",
            None => "{spinner} {bytes} {msg} {elapsed}",
        };
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// For work that takes a known time.
    pub(super) fn of_time(visible: bool, time: Duration) -> Self {
        if !visible {
            return Self(ProgressBar::hidden());
        }
        let length = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// So much of the time has passed.
    pub(crate) fn pass(&self, time: Duration, message: String) {
        self.0.set_position(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self.0.set_message(message);
    }

    /// So much of the input is done.
    pub(crate) fn advance(&self, bytes: u64, records: u64) {
        self.0.inc(bytes);
        self.0.set_message(format!("{records} records"));
    }

    /// Takes the display away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
