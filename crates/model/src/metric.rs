//! What is measured of streams and partitions (spec/11 §2).

/// One measured quantity; each has one value a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Bytes of data written.
    PutBytes,
    /// Bytes of data read.
    GetBytes,
    /// Records written.
    PutRecords,
    /// Records read.
    GetRecords,
    /// Mean time of a put request, in milliseconds.
    PutLatency,
    /// Mean time of a get request, in milliseconds.
    GetLatency,
    /// Put requests that succeeded.
    PutRequests,
    /// Get requests that succeeded.
    GetRequests,
    /// Put requests refused because there was too much to do.
    PutThrottled,
    /// Get requests refused because there was too much to do.
    GetThrottled,
}

impl Metric {
    /// Whether it is measured of each partition, and not only of the stream as a whole.
    pub const fn is_of_partitions(self) -> bool {
        match self {
            Self::PutBytes | Self::GetBytes | Self::PutRecords | Self::GetRecords => true,
            Self::PutLatency
            | Self::GetLatency
            | Self::PutRequests
            | Self::GetRequests
            | Self::PutThrottled
            | Self::GetThrottled => false,
        }
    }
}

/// A minute since 1970-01-01T00:00:00Z: the step of every metric (spec/11 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(u32);

impl Minute {
    /// Seconds of a minute.
    pub const SECONDS: i64 = 60;

    /// From its number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The minute a time lies in; the first or the last one there is for times outside.
    pub fn of(time: crate::Timestamp) -> Self {
        Self::containing(time.as_millis().div_euclid(1000))
    }

    /// The minute in which the second of that number lies, with the same bounds.
    pub fn containing(second: i64) -> Self {
        Self(u32::try_from(second.div_euclid(Self::SECONDS).max(0)).unwrap_or(u32::MAX))
    }

    /// The first minute that begins at that second or later, with the same bounds.
    pub fn not_before(second: i64) -> Self {
        let floor = second.div_euclid(Self::SECONDS);
        let up = i64::from(second.rem_euclid(Self::SECONDS) != 0);
        Self(u32::try_from(floor.saturating_add(up).max(0)).unwrap_or(u32::MAX))
    }

    /// The second it begins with.
    pub fn first_second(self) -> i64 {
        i64::from(self.0) * Self::SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn minutes_are_numbered_from_the_epoch() {
        let check = |millis: i64, minute: u32| {
            assert_eq!(Minute::of(Timestamp::from_millis(millis)).number(), minute, "{millis}");
        };
        check(0, 0);
        check(59_999, 0);
        check(60_000, 1);
        check(-1, 0);
        check(i64::MIN, 0);
        check(i64::MAX, u32::MAX);
        assert_eq!(Minute::not_before(60), Minute::new(1));
        assert_eq!(Minute::not_before(61), Minute::new(2));
        assert_eq!(Minute::not_before(-1), Minute::new(0));
        assert_eq!(Minute::not_before(i64::MAX), Minute::new(u32::MAX));
        assert_eq!(Minute::new(2).first_second(), 120);
    }
}
