//! Logs: for people on a terminal, JSON otherwise; to standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use crate::config::{Log, LogFormat};

/// The log of the process; its level can be changed.
pub struct Logging(reload::Handle<EnvFilter, Registry>);

/// What of standard error decides the shape of a line.
#[derive(Clone, Copy)]
struct Terminal {
    is_one: bool,
    colour: bool,
}

/// Starts logging; once per process.
///
/// # Errors
/// The level is not a filter, or the process logs already.
pub fn start(log: &Log) -> anyhow::Result<Logging> {
    let is_one = io::stderr().is_terminal();
    let colour = is_one && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    let lines = lines(log.format, Terminal { is_one, colour }, io::stderr);
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(Logging(handle))
}

impl Logging {
    /// Changes the level.
    ///
    /// # Errors
    /// `level` is not a filter; the old one stays.
    pub fn set_level(&self, level: &str) -> anyhow::Result<()> {
        Ok(self.0.reload(filter(level)?)?)
    }
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    Ok(EnvFilter::try_new(level)?)
}

fn lines<S, W>(format: LogFormat, terminal: Terminal, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let json = match format {
        LogFormat::Auto => !terminal.is_one,
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    let layer = fmt::layer().with_writer(writer);
    if json { layer.json().flatten_event(true).boxed() } else { layer.with_ansi(terminal.colour).boxed() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing::subscriber::with_default;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_terminal_decides_unless_the_format_is_set() {
        let check = |format, is_one, json: bool| {
            let written = Lines::default();
            let make = written.clone();
            let layer = lines(format, Terminal { is_one, colour: false }, move || make.clone());
            with_default(tracing_subscriber::registry().with(layer), || {
                tracing::info!(port = 7347, "listening");
            });
            let text = String::from_utf8(written.0.lock().clone()).unwrap();
            let parsed = serde_json::from_str::<serde_json::Value>(&text);
            assert_eq!(parsed.is_ok(), json, "{text}");
            assert!(text.contains("listening") && text.contains("7347"), "{text}");
        };
        check(LogFormat::Auto, true, false);
        check(LogFormat::Auto, false, true);
        check(LogFormat::Human, false, false);
        check(LogFormat::Json, true, true);
    }

    #[test]
    fn the_level_can_be_changed() {
        let (layer, handle) = reload::Layer::<EnvFilter, Registry>::new(filter("warn").unwrap());
        let logging = Logging(handle);
        with_default(tracing_subscriber::registry().with(layer), || {
            assert!(!tracing::enabled!(tracing::Level::DEBUG));
            logging.set_level("debug").unwrap();
            assert!(tracing::enabled!(tracing::Level::DEBUG));
            assert!(logging.set_level("loud=very").is_err());
            assert!(tracing::enabled!(tracing::Level::DEBUG), "the old level stays");
        });
    }
}
