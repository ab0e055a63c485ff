//! Dates for people and files: seconds since the Unix epoch, written as RFC 3339 writes UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A second in UTC, of the years 1970 to 9999; written `2026-11-24T17:05:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Utc(u64);

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date like 2026-11-24T17:05:00Z")]
pub struct InvalidDate(String);

const DAY: u64 = 86_400;
/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

impl Utc {
    /// So many seconds after the Unix epoch; what is beyond the year 9999 is its last second.
    pub fn from_unix(seconds: u64) -> Self {
        Self(seconds.min(LAST))
    }

    /// Seconds since the Unix epoch.
    pub const fn unix(self) -> u64 {
        self.0
    }
}

/// The days from 1970-01-01 to a day of the proleptic Gregorian calendar (Fliegel and Van Flandern 1968,
/// Communications of the ACM 11, 657).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shift = (month - 14) / 12;
    let julian = (1461 * (year + 4800 + shift)) / 4 + (367 * (month - 2 - 12 * shift)) / 12
        - (3 * ((year + 4900 + shift) / 100)) / 4
        + day
        - 32_075;
    julian - 2_440_588
}

/// Year, month and day so many days after 1970-01-01; the inverse of [`days`], of the same source.
fn date(days: i64) -> (i64, i64, i64) {
    let l = days + 2_440_588 + 68_569;
    let n = 4 * l / 146_097;
    let l = l - (146_097 * n + 3) / 4;
    let i = 4_000 * (l + 1) / 1_461_001;
    let l = l - 1_461 * i / 4 + 31;
    let j = 80 * l / 2_447;
    let day = l - 2_447 * j / 80;
    let l = j / 11;
    (100 * (n - 49) + i + l, j + 2 - 12 * l, day)
}

impl fmt::Display for Utc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date((self.0 / DAY).cast_signed());
        let second = self.0 % DAY;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for Utc {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let bad = || InvalidDate(text.chars().take(40).collect());
        let number = |from: usize, to: usize| {
            let digits = text.get(from..to).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
            digits.and_then(|digits| digits.parse::<u32>().ok()).map(i64::from)
        };
        let parts =
            (number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19));
        let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = parts else {
            return Err(bad());
        };
        let seconds = days(year, month, day) * DAY.cast_signed() + hour * 3_600 + minute * 60 + second;
        let read = u64::try_from(seconds).map(Self::from_unix).map_err(|_| bad())?;
        // What isn't written as it was read, has a wrong month, a wrong dash, or anything else.
        if read.to_string() == text { Ok(read) } else { Err(bad()) }
    }
}

impl TryFrom<String> for Utc {
    type Error = InvalidDate;

    fn try_from(text: String) -> Result<Self, InvalidDate> {
        text.parse()
    }
}

impl From<Utc> for String {
    fn from(utc: Utc) -> Self {
        utc.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_seconds_have_their_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Utc::from_unix(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Utc::from_unix(seconds)));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-31T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T17:05:00+01:00",
            "1969-12-31T23:59:59Z",
            "2026-11-24t17:05:00z",
        ] {
            assert!(text.parse::<Utc>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_survives_its_text(seconds in 0..=LAST) {
            let utc = Utc::from_unix(seconds);
            prop_assert_eq!(utc.to_string().parse(), Ok(utc));
        }

        #[test]
        fn no_text_panics(text in ".{0,30}", digits in "[0-9-]{10}T[0-9:]{8}Z") {
            let _ = text.parse::<Utc>();
            let _ = digits.parse::<Utc>();
        }
    }
}
