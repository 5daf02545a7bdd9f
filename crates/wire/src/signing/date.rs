//! `X-Sdk-Date`: the basic format `yyyyMMdd'T'HHmmss'Z'`, UTC (spec/00 §8).

use millpond_model::Timestamp;

/// Length of the text: `20260115T083000Z`.
const LEN: usize = 16;

const MS_PER_DAY: i64 = 86_400_000;

/// A second in time, as signatures write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkDate {
    text: String,
    at: Timestamp,
}

impl SdkDate {
    /// Reads the text; `None` when it is not 8 digits, `T`, 6 digits, `Z`, or names no real second.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; LEN] = text.as_bytes().try_into().ok()?;
        let [y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, min1, min2, s1, s2, b'Z'] = bytes else {
            return None;
        };
        let year = number(&[*y1, *y2, *y3, *y4])?;
        let month = number(&[*m1, *m2]).filter(|month| (1..=12).contains(month))?;
        let day = number(&[*d1, *d2]).filter(|&day| 1 <= day && day <= days_in_month(year, month))?;
        let hour = number(&[*h1, *h2]).filter(|&hour| hour < 24)?;
        let minute = number(&[*min1, *min2]).filter(|&minute| minute < 60)?;
        let second = number(&[*s1, *s2]).filter(|&second| second < 60)?;
        let of_day = ((hour * 60 + minute) * 60 + second) * 1000;
        let at = Timestamp::from_millis(days_from_civil(year, month, day) * MS_PER_DAY + of_day);
        Some(Self { text: text.to_owned(), at })
    }

    /// The second that `at` lies in. Times outside the years 1970 to 9999 are drawn to the nearer
    /// end.
    pub fn of(at: Timestamp) -> Self {
        let millis_max = days_from_civil(10_000, 1, 1) * MS_PER_DAY - 1;
        let seconds = at.as_millis().clamp(0, millis_max) / 1000;
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let text = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
        Self { text, at: Timestamp::from_millis(seconds * 1000) }
    }

    /// The text as it stood in the header.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first eight digits: the date of a scope.
    pub fn day(&self) -> &str {
        self.text.get(..8).unwrap_or_default()
    }

    /// The point in time.
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of one;
/// 146,097 days make 400 of them.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse: year, month, day.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_basic_format_is_read() {
        let check = |text: &str, millis: Option<i64>| {
            assert_eq!(SdkDate::parse(text).map(|date| date.timestamp().as_millis()), millis, "{text:?}");
        };
        check("19700101T000000Z", Some(0));
        check("20260115T083000Z", Some(1_768_465_800_000));
        check("20240229T235959Z", Some(1_709_251_199_000));
        check("20000229T000000Z", Some(951_782_400_000));
        check("20230229T000000Z", None);
        check("19000229T000000Z", None);
        check("20260015T083000Z", None);
        check("20261315T083000Z", None);
        check("20260431T083000Z", None);
        check("20260100T083000Z", None);
        check("20260115T240000Z", None);
        check("20260115T086000Z", None);
        check("20260115T083060Z", None);
        check("2026-01-15T08:30:00Z", None);
        check("20260115T083000z", None);
        check("20260115t083000Z", None);
        check("20260115T083000", None);
        check(" 20260115T083000Z", None);
        check("+0260115T083000Z", None);
        check("2026011５T0830Z", None);
    }

    #[test]
    fn every_day_of_eight_thousand_years_is_written_and_read() {
        let last = days_from_civil(9999, 12, 31);
        for days in 0..=last {
            let at = Timestamp::from_millis(days * MS_PER_DAY + 45_296_000);
            let date = SdkDate::of(at);
            assert_eq!(SdkDate::parse(date.as_str()), Some(date.clone()), "{date:?}");
            assert_eq!(date.timestamp(), at);
        }
        assert_eq!(SdkDate::of(Timestamp::from_millis(i64::MAX)).as_str(), "99991231T235959Z");
        assert_eq!(SdkDate::of(Timestamp::from_millis(-1)).as_str(), "19700101T000000Z");
        assert_eq!(SdkDate::of(Timestamp::from_millis(1_768_465_800_999)).day(), "20260115");
    }
}
