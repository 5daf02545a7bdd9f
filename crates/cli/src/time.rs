//! Times and durations as people write them.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{civil, tz::TimeZone};
use millpond_model::Timestamp;

/// The present.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// A duration such as `15m` or `1h 30m`.
///
/// # Errors
/// Text that is none.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a time such as 500ms, 30s, 15m, 2h or 7d is expected".to_owned())
}

/// A point in time: absolute, or before the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// This one.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl When {
    /// The point itself.
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.minus(ago),
        }
    }
}

/// The text is neither a time nor a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidWhen;

impl fmt::Display for InvalidWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a time such as 2026-11-22T10:00+01:00, 2026-11-22T10:00 (local) or 15m (ago) is expected",
        )
    }
}

impl std::error::Error for InvalidWhen {}

impl FromStr for When {
    type Err = InvalidWhen;

    fn from_str(text: &str) -> Result<Self, InvalidWhen> {
        parse(text, &TimeZone::system())
    }
}

/// Text with an offset or `Z` is exact; without one it is a time, or the beginning of a day, in `zone`.
fn parse(text: &str, zone: &TimeZone) -> Result<When, InvalidWhen> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(When::Ago(ago));
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(When::At(Timestamp::from_millis(at.as_millisecond())));
    }
    let local = text.parse::<civil::DateTime>().map_err(|_| InvalidWhen)?;
    let at = local.to_zoned(zone.clone()).map_err(|_| InvalidWhen)?;
    Ok(When::At(Timestamp::from_millis(at.timestamp().as_millisecond())))
}

/// RFC 3339 with milliseconds and the offset of this machine's zone.
pub(crate) fn local(millis: i64) -> String {
    shown(millis, &TimeZone::system())
}

/// RFC 3339 with milliseconds, in UTC.
pub(crate) fn utc(millis: i64) -> String {
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        Err(_) => millis.to_string(),
    }
}

fn shown(millis: i64, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
        Err(_) => millis.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plus_one() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(1))
    }

    #[test]
    fn times_and_durations_are_read() {
        let at = |millis| Ok(When::At(Timestamp::from_millis(millis)));
        let check = |text: &str, expected: Result<When, InvalidWhen>| {
            assert_eq!(parse(text, &plus_one()), expected, "{text}");
        };
        check("2026-11-22T10:00:00Z", at(1_795_341_600_000));
        check("2026-11-22T11:00+01:00", at(1_795_341_600_000));
        check("2026-11-22T11:00", at(1_795_341_600_000));
        check("2026-11-22 11:00:00.5", at(1_795_341_600_500));
        check("2026-11-22", at(1_795_302_000_000));
        check("15m", Ok(When::Ago(Duration::from_mins(15))));
        check("1h 30m", Ok(When::Ago(Duration::from_mins(90))));
        for text in ["", "yesterday", "12", "2026-13-01", "15 parsecs"] {
            check(text, Err(InvalidWhen));
        }
        let now = Timestamp::from_millis(10_000);
        assert_eq!(When::Ago(Duration::from_secs(4)).resolve(now).as_millis(), 6000);
        assert_eq!(When::At(now).resolve(Timestamp::from_millis(0)), now);
    }

    #[test]
    fn times_are_shown_with_their_offset() {
        assert_eq!(shown(1_795_341_600_500, &plus_one()), "2026-11-22T11:00:00.500+01:00");
        assert_eq!(utc(1_795_341_600_000), "2026-11-22T10:00:00.000Z");
        assert_eq!(utc(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("50ms"), Ok(Duration::from_millis(50)));
        assert!(duration("50").is_err() && duration("soon").is_err());
    }
}
