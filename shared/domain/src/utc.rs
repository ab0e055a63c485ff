//! Dates for people and files: seconds since the Unix epoch, written as RFC 3339 writes UTC.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// A second in UTC, of the years 1970 to 9999; written `2026-11-24T17:05:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Utc(u64);

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date like 2026-11-24T17:05:00Z")]
pub struct InvalidDate(String);

/// The Unix epoch.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
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

impl fmt::Display for Utc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = EPOCH.checked_add(SignedDuration::from_secs(self.0.cast_signed()));
        write!(formatter, "{}Z", date.expect("its year is at most 9999"))
    }
}

impl FromStr for Utc {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let invalid = || InvalidDate(text.chars().take(40).collect());
        let date: DateTime = text.strip_suffix('Z').and_then(|date| date.parse().ok()).ok_or_else(invalid)?;
        let seconds = date.duration_since(EPOCH).as_secs();
        let read = u64::try_from(seconds).map(Self::from_unix).map_err(|_| invalid())?;
        // Other ways to write a date (no seconds, a leap second, a space, lower case) aren't ours.
        if read.to_string() == text { Ok(read) } else { Err(invalid()) }
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
            "2026-11-24 17:05:00Z",
            "2026-11-24T17:05Z",
            "2026-11-24T17:05:60Z",
            "2026-11-24T17:05:00.5Z",
            "2026-11-24T17:05:00+00:00Z",
            "2026-11-24T17:05:00[UTC]Z",
            "+002026-11-24T17:05:00Z",
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
