//! What a setting is: its name, what its text may be, and how that text is checked.

use std::{net::SocketAddr, time::Duration};

use bytesize::ByteSize;
use tracing_subscriber::EnvFilter;

/// One row of the table of settings in `defaults.rs`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Dotted name, `section.key`.
    pub key: &'static str,
    /// Default as text; empty where nothing is the default.
    pub default: &'static str,
    /// Default in profile `cloud`, where that is another one.
    pub cloud: Option<&'static str>,
    /// What the text may be.
    pub kind: Kind,
    /// Short environment variable beside `MILLPOND_SECTION__KEY`.
    pub env: Option<&'static str>,
    /// Command-line flag of `serve`.
    pub flag: Option<&'static str>,
    /// When a change takes effect.
    pub applies: Applies,
    /// Whether `config init` writes it; the rest is for those who look it up.
    pub common: bool,
    /// Meaning, unit and the reason for the default.
    pub why: &'static str,
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// At the next start.
    Restart,
    /// At the next SIGHUP.
    Reload,
}

/// What the text of a setting may be. Bounds are inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text without control characters.
    Text,
    /// As `Text`, never shown, and also read from the file that `…_FILE` names.
    Secret,
    /// A path; relative ones are meant from the working directory.
    Path,
    /// `IP:PORT`.
    Address,
    /// `http://` or `https://`, an authority, and perhaps a path.
    Url,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count(u64, u64),
    /// `unlimited` or a whole number from 1 to this.
    Quota(u64),
    /// Bytes with a unit.
    Size(ByteSize, ByteSize),
    /// `unlimited` or bytes with a unit.
    SizeQuota(ByteSize, ByteSize),
    /// A time span with a unit.
    Span(Duration, Duration),
    /// Several texts: an array in a file, separated by commas elsewhere.
    List,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A level, or a list of `target=level`.
    Filter,
}

impl Setting {
    /// The section, the part before the dot.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }

    /// The name within the section.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    /// The long environment variable, `MILLPOND_SECTION__KEY`.
    pub fn long_env(&self) -> String {
        format!("MILLPOND_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// Whether a value is never shown.
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// The value as text, from a value of a TOML file.
    ///
    /// # Errors
    /// What is expected instead, when the TOML type does not fit.
    pub fn text_of(&self, value: &toml::Value) -> Result<String, String> {
        match (self.kind, value) {
            (Kind::Flag, toml::Value::Boolean(flag)) => Some(flag.to_string()),
            (Kind::Count(..) | Kind::Quota(_), toml::Value::Integer(number)) => Some(number.to_string()),
            (Kind::List, toml::Value::Array(array)) => {
                array.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>().map(|items| items.join(","))
            }
            (Kind::Flag | Kind::Count(..) | Kind::List, _) => None,
            (_, toml::Value::String(text)) => Some(text.clone()),
            _ => None,
        }
        .ok_or_else(|| self.kind.expected())
    }

    /// Checks a value. Empty text means "not set" wherever that is the default.
    ///
    /// # Errors
    /// What is expected instead. The value itself is not repeated, it may be a secret.
    pub fn check(&self, text: &str) -> Result<(), String> {
        if text.is_empty() && self.default.is_empty() {
            return Ok(());
        }
        let fits = match self.kind {
            Kind::Text | Kind::Secret | Kind::Path => !text.is_empty() && !text.chars().any(char::is_control),
            Kind::Address => text.parse::<SocketAddr>().is_ok(),
            Kind::Url => url(text).is_some(),
            Kind::Flag => text.parse::<bool>().is_ok(),
            Kind::Count(min, max) => text.parse().is_ok_and(|n| (min..=max).contains(&n)),
            Kind::Quota(max) => quota(text).is_some_and(|quota| quota.is_none_or(|n| n <= max)),
            Kind::Size(min, max) => size(text).is_some_and(|size| (min..=max).contains(&size)),
            Kind::SizeQuota(min, max) => {
                let fits = |bytes| (min.as_u64()..=max.as_u64()).contains(&bytes);
                size_quota(text).is_some_and(|quota| quota.is_none_or(fits))
            }
            Kind::Span(min, max) => span(text).is_some_and(|span| (min..=max).contains(&span)),
            Kind::List => text.split(',').all(|item| !item.trim().is_empty()),
            Kind::Choice(words) => words.contains(&text),
            Kind::Filter => EnvFilter::try_new(text).is_ok(),
        };
        if fits { Ok(()) } else { Err(self.kind.expected()) }
    }
}

impl Kind {
    /// What the text may be, for people.
    pub fn expected(self) -> String {
        match self {
            Self::Text | Self::Secret => "a text in one line".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Address => "an address such as \"127.0.0.1:7347\"".to_owned(),
            Self::Url => "a URL such as \"https://dis.example.com\", without query".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Count(min, max) => format!("a whole number from {min} to {max}"),
            Self::Quota(ANY_NUMBER) => "\"unlimited\" or a whole number from 1".to_owned(),
            Self::Quota(max) => format!("\"unlimited\" or a whole number from 1 to {max}"),
            Self::Size(min, max) => {
                format!("a size with its unit, from \"{}\" to \"{}\"", show_size(min), show_size(max))
            }
            Self::SizeQuota(min, max) => {
                format!("\"unlimited\" or {}", Self::Size(min, max).expected())
            }
            Self::Span(min, max) => {
                let show = humantime::format_duration;
                format!("a time span with its unit, from \"{}\" to \"{}\"", show(min), show(max))
            }
            Self::List => "a list of texts".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Filter => "a level (error, warn, info, debug, trace) or a list of target=level".to_owned(),
        }
    }
}

/// The bound of a number that has none for people: what counts them has 32 bits.
pub(super) const ANY_NUMBER: u64 = u32::MAX as u64;

/// A size without a space, as it is written in a file.
fn show_size(size: ByteSize) -> String {
    size.display().iec().to_string().replace(".0 ", "").replace(' ', "")
}

/// Bytes with a unit; a bare number is refused, because nobody can tell what it counts.
pub(super) fn size(text: &str) -> Option<ByteSize> {
    text.ends_with(|last: char| last.is_ascii_alphabetic()).then(|| text.parse().ok()).flatten()
}

/// A time span with a unit.
pub(super) fn span(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

/// A URL of a server, without a slash at its end.
pub(super) fn url(text: &str) -> Option<String> {
    let parsed: http::Uri = text.parse().ok()?;
    let is_web = matches!(parsed.scheme_str(), Some("http" | "https"));
    let authority = parsed.authority()?;
    let is_plain = !authority.as_str().contains('@') && !authority.host().is_empty();
    let is_bare = parsed.query().is_none() && !text.contains('#');
    (is_web && is_plain && is_bare).then(|| text.trim_end_matches('/').to_owned())
}

/// `None`: not a quota. `Some(None)`: unlimited.
#[expect(clippy::option_option, reason = "the two questions are asked apart: is it a quota, does it limit")]
pub(super) fn quota(text: &str) -> Option<Option<u64>> {
    match text {
        "unlimited" => Some(None),
        number => number.parse().ok().filter(|&n| n > 0).map(Some),
    }
}

/// `None`: not a size. `Some(None)`: unlimited.
#[expect(clippy::option_option, reason = "the two questions are asked apart: is it a size, does it limit")]
pub(super) fn size_quota(text: &str) -> Option<Option<u64>> {
    match text {
        "unlimited" => Some(None),
        bytes => size(bytes).map(|size| Some(size.as_u64())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, text: &str, fits: bool) {
        let setting = Setting {
            key: "a.b",
            default: "x",
            cloud: None,
            kind,
            env: None,
            flag: None,
            applies: Applies::Restart,
            common: false,
            why: "",
        };
        assert_eq!(setting.check(text).is_ok(), fits, "{kind:?} {text:?}");
    }

    #[test]
    fn sizes_and_spans_need_a_unit() {
        let sizes = Kind::Size(ByteSize::kib(1), ByteSize::gib(1));
        for (text, fits) in [("64MiB", true), ("1 KiB", true), ("64", false), ("", false), ("2GiB", false)] {
            check(sizes, text, fits);
        }
        let spans = Kind::Span(Duration::ZERO, Duration::from_hours(1));
        for (text, fits) in
            [("5m", true), ("0s", true), ("1h", true), ("5", false), ("2h", false), ("m", false)]
        {
            check(spans, text, fits);
        }
    }

    #[test]
    fn other_kinds_accept_only_their_own() {
        check(Kind::Address, "127.0.0.1:0", true);
        check(Kind::Address, "[::1]:7347", true);
        check(Kind::Address, "localhost:7347", false);
        for (text, fits) in [
            ("http://127.0.0.1:7347", true),
            ("https://dis.example.com/base/", true),
            ("dis.example.com", false),
            ("ftp://dis.example.com", false),
            ("https://", false),
            ("https://user@dis.example.com", false),
            ("https://dis.example.com/?a=b", false),
            ("https://dis.example.com/#a", false),
        ] {
            check(Kind::Url, text, fits);
        }
        check(Kind::Count(1, 9), "10", false);
        check(Kind::Count(1, 9), "9", true);
        check(Kind::Quota(9), "unlimited", true);
        check(Kind::Quota(9), "0", false);
        check(Kind::Quota(9), "9", true);
        check(Kind::Quota(9), "10", false);
        let sizes = Kind::SizeQuota(ByteSize::kib(1), ByteSize::mib(1));
        check(sizes, "unlimited", true);
        check(sizes, "1MiB", true);
        check(sizes, "2MiB", false);
        check(sizes, "1024", false);
        check(Kind::Flag, "yes", false);
        check(Kind::Choice(&["sync"]), "os", false);
        check(Kind::List, "a,,b", false);
        check(Kind::Filter, "info,millpond=debug", true);
        check(Kind::Filter, "loud=very", false);
        check(Kind::Text, "two\nlines", false);
    }

    #[test]
    fn bounds_read_as_they_are_written() {
        let sizes = Kind::Size(ByteSize::kib(64), ByteSize::gib(1));
        assert_eq!(sizes.expected(), "a size with its unit, from \"64KiB\" to \"1GiB\"");
    }
}
