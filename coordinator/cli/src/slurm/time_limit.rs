//! Spans of time as Slurm writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time as Slurm writes it: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`,
/// `days-hours:minutes`, `days-hours:minutes:seconds` (sbatch's manual, `--time`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLimit(Duration);

/// It is no such span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("give a time as Slurm writes it: 90 (minutes), 1:30:00, 2-00:00:00")]
pub(crate) struct NoTimeLimit;

/// The longest that makes sense: ten years.
const LONGEST: u64 = 10 * 365 * 86_400;

impl TimeLimit {
    /// The span.
    pub(crate) const fn span(self) -> Duration {
        self.0
    }
}

impl FromStr for TimeLimit {
    type Err = NoTimeLimit;

    fn from_str(text: &str) -> Result<Self, NoTimeLimit> {
        let number = |text: &str| match text.len() {
            1..=9 if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse::<u64>().map_err(|_| NoTimeLimit)
            }
            _ => Err(NoTimeLimit),
        };
        let (days, rest) = match text.split_once('-') {
            Some((days, rest)) => (Some(number(days)?), rest),
            None => (None, text),
        };
        let parts = rest.split(':').map(number).collect::<Result<Vec<_>, _>>()?;
        let seconds = match (days, parts.as_slice()) {
            (None, [minutes]) => minutes * 60,
            (None, [minutes, seconds]) => minutes * 60 + seconds,
            (None, [hours, minutes, seconds]) => hours * 3_600 + minutes * 60 + seconds,
            (Some(days), [hours]) => days * 86_400 + hours * 3_600,
            (Some(days), [hours, minutes]) => days * 86_400 + hours * 3_600 + minutes * 60,
            (Some(days), [hours, minutes, seconds]) => days * 86_400 + hours * 3_600 + minutes * 60 + seconds,
            (_, _) => return Err(NoTimeLimit),
        };
        if seconds > LONGEST { Err(NoTimeLimit) } else { Ok(Self(Duration::from_secs(seconds))) }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        write!(f, "{days}-{hours:02}:{minutes:02}:{:02}", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        text.parse::<TimeLimit>().ok().map(|limit| limit.span().as_secs())
    }

    #[test]
    fn a_time_is_read_as_slurm_reads_it() {
        assert_eq!(seconds("90"), Some(5_400));
        assert_eq!(seconds("1:30"), Some(90));
        assert_eq!(seconds("1:30:00"), Some(5_400));
        assert_eq!(seconds("2-12"), Some(216_000));
        assert_eq!(seconds("2-12:30"), Some(217_800));
        assert_eq!(seconds("2-12:30:05"), Some(217_805));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "1h",
            "-1",
            "1-",
            "1:2:3:4",
            "1-2:3:4:5",
            "UNLIMITED",
            "9999999999",
            "9-9-9",
            " 1",
            "999999999",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_written_with_all_its_parts() {
        assert_eq!("90".parse::<TimeLimit>().unwrap().to_string(), "0-01:30:00");
        assert_eq!("2-12:30:05".parse::<TimeLimit>().unwrap().to_string(), "2-12:30:05");
    }
}
