//! The one place that prints.
//!
//! Data goes to standard output in the form that was asked for; notes, prompts and progress go to
//! standard error. In a JSON form an error is data too.

mod column;
mod form;
mod progress;
mod render;
pub(crate) mod request;

use std::{
    fmt::Display,
    io::{self, BufWriter, IsTerminal as _, Stdout, Write},
};

use serde::Serialize;
use serde_json::Value;

pub(crate) use column::{Column, Kind};
pub(crate) use form::{ColorChoice, Format};
pub(crate) use progress::Progress;
pub(crate) use render::escaped;

use crate::failure::Failure;

/// Where a command's output goes, and in which form.
pub(crate) struct Output {
    sink: BufWriter<Sink>,
    format: Format,
    asked: bool,
    colour: bool,
    quiet: bool,
}

enum Sink {
    Stdout(Stdout),
    #[cfg(test)]
    Memory(std::sync::Arc<std::sync::Mutex<Vec<u8>>>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            #[cfg(test)]
            Self::Memory(memory) => memory.lock().expect("no test panics while writing").write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            #[cfg(test)]
            Self::Memory(_) => Ok(()),
        }
    }
}

impl Output {
    /// Standard output. Without a form it is a table on a terminal and JSON elsewhere.
    pub(crate) fn new(asked: Option<Format>, when: ColorChoice, quiet: bool) -> Self {
        let stdout = io::stdout();
        let colour = when.resolve(&stdout);
        let default = if stdout.is_terminal() { Format::Table } else { Format::Json };
        Self {
            format: asked.unwrap_or(default),
            asked: asked.is_some(),
            colour,
            quiet,
            sink: BufWriter::with_capacity(64 * 1024, Sink::Stdout(stdout)),
        }
    }

    /// For commands that bring records one by one: JSON that nobody asked for is one line for each.
    pub(crate) fn prefer_lines(&mut self) {
        if !self.asked && self.format == Format::Json {
            self.format = Format::Jsonl;
        }
    }

    /// The form in force.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether escape sequences may be used.
    pub(crate) fn colour(&self) -> bool {
        self.colour
    }

    /// Prints a list of things.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(crate) fn list<T: Serialize>(&mut self, items: &[T], columns: &[Column]) -> Result<(), Failure> {
        let items: Vec<Value> = items.iter().map(value).collect();
        let text = render::list(self.format, &items, columns, self.colour);
        self.data(text.as_bytes())
    }

    /// Prints one thing.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(crate) fn item<T: Serialize>(&mut self, item: &T, columns: &[Column]) -> Result<(), Failure> {
        let text = render::item(self.format, &value(item), columns, self.colour);
        self.data(text.as_bytes())
    }

    /// Prints a list inside a thing that was printed before: only a table shows it by itself.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(crate) fn detail<T: Serialize>(&mut self, items: &[T], columns: &[Column]) -> Result<(), Failure> {
        if self.format != Format::Table || items.is_empty() {
            return Ok(());
        }
        self.data(b"\n")?;
        self.list(items, columns)
    }

    /// Writes data as it is, without flushing it.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sink.write_all(bytes).map_err(|error| Failure::of_output(&error))
    }

    /// Hands everything written over to whoever reads it.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.sink.flush().map_err(|error| Failure::of_output(&error))
    }

    /// Tells people what happened.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            say(text);
        }
    }

    /// Tells why the command failed: people always, unless they asked for JSON; programs in JSON.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        let json = matches!(self.format, Format::Json | Format::Jsonl);
        if json {
            let line = render::document(self.format, &failure.json());
            let _ = self.data(line.as_bytes()).and_then(|()| self.flush());
        }
        if !(json && self.asked) {
            say(failure.text());
        }
    }

    /// A progress display on standard error, when somebody looks at it.
    pub(crate) fn progress(&self, bytes: Option<u64>) -> Progress {
        Progress::new(!self.quiet && io::stderr().is_terminal(), bytes)
    }

    /// The same for work that takes a known time.
    pub(crate) fn countdown(&self, time: std::time::Duration) -> Progress {
        Progress::of_time(!self.quiet && io::stderr().is_terminal(), time)
    }
}

/// Asks people something; the answer is typed behind it.
pub(crate) fn prompt(text: impl Display) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}

/// One line on standard error.
fn say(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells why there is no output: the settings that it depends on are wrong.
pub(crate) fn without_output(failure: &Failure) {
    say(failure.text());
}

fn value<T: Serialize>(item: &T) -> Value {
    serde_json::to_value(item).expect("what is printed can be written as JSON")
}

#[cfg(test)]
impl Output {
    /// An output whose data ends up in memory.
    pub(crate) fn memory(format: Format) -> (Self, std::sync::Arc<std::sync::Mutex<Vec<u8>>>) {
        let memory = std::sync::Arc::default();
        let sink = BufWriter::new(Sink::Memory(std::sync::Arc::clone(&memory)));
        (Self { sink, format, asked: true, colour: false, quiet: true }, memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_data_in_json_forms_only() {
        let check = |format: Format, expected: &str| {
            let (mut out, memory) = Output::memory(format);
            out.failure(&Failure::usage("no"));
            let text = String::from_utf8(memory.lock().unwrap().clone()).unwrap();
            assert_eq!(text.contains("\"exit_code\""), !expected.is_empty(), "{format:?}");
            assert!(text.starts_with(expected), "{text}");
        };
        check(Format::Json, "{\n  \"error\": {");
        check(Format::Jsonl, "{\"error\":{");
        check(Format::Table, "");
        check(Format::Tsv, "");
    }

    #[test]
    fn unasked_json_is_lines_where_records_come_one_by_one() {
        let (mut out, _) = Output::memory(Format::Json);
        out.prefer_lines();
        assert_eq!(out.format(), Format::Json);
        out.asked = false;
        out.prefer_lines();
        assert_eq!(out.format(), Format::Jsonl);
    }
}
