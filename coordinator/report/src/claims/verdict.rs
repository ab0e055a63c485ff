//! Whether a claim holds.

use serde::Serialize;

use crate::statistics::ConfidenceInterval;

/// The verdict on a claim, or on one of its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The claim is seen, with its whole interval.
    #[serde(rename = "holds")]
    Holds,
    /// The contrary is seen, with its whole interval.
    #[serde(rename = "doesn't hold")]
    DoesntHold,
    /// The runs don't tell.
    #[serde(rename = "undecided")]
    Undecided,
}

impl Verdict {
    /// The verdict in words, as it stands in files.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesntHold => "doesn't hold",
            Self::Undecided => "undecided",
        }
    }

    /// The verdict of a claim with these verdicts of its checks: it holds if all do, and doesn't if one doesn't. A claim
    /// of no check is undecided.
    pub(super) fn of_all(verdicts: impl Iterator<Item = Self>) -> Self {
        verdicts
            .reduce(|all, one| match (all, one) {
                (Self::DoesntHold, _) | (_, Self::DoesntHold) => Self::DoesntHold,
                (Self::Holds, Self::Holds) => Self::Holds,
                (Self::Undecided, Self::Holds | Self::Undecided) | (Self::Holds, Self::Undecided) => {
                    Self::Undecided
                }
            })
            .unwrap_or(Self::Undecided)
    }

    /// Whether a number with this interval is above `bound`.
    pub(super) fn is_above(interval: ConfidenceInterval, bound: f64) -> Self {
        if interval.low > bound {
            Self::Holds
        } else if interval.high < bound {
            Self::DoesntHold
        } else {
            Self::Undecided
        }
    }

    /// Whether a number with this interval is at most `bound`.
    pub(super) fn is_at_most(interval: ConfidenceInterval, bound: f64) -> Self {
        if interval.high <= bound {
            Self::Holds
        } else if interval.low > bound {
            Self::DoesntHold
        } else {
            Self::Undecided
        }
    }

    /// Whether a number with this interval lies between two bounds, which are part of it.
    pub(super) fn is_within(interval: ConfidenceInterval, low: f64, high: f64) -> Self {
        if interval.low >= low && interval.high <= high {
            Self::Holds
        } else if interval.high < low || interval.low > high {
            Self::DoesntHold
        } else {
            Self::Undecided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{DoesntHold, Holds, Undecided};
    use super::*;

    #[test]
    fn a_claim_holds_if_all_its_checks_do_and_doesnt_if_one_doesnt() {
        let all = |verdicts: &[Verdict]| Verdict::of_all(verdicts.iter().copied());
        assert_eq!(all(&[Holds, Holds]), Holds);
        assert_eq!(all(&[Holds, Undecided]), Undecided);
        assert_eq!(all(&[Undecided, Holds, DoesntHold]), DoesntHold);
        assert_eq!(all(&[DoesntHold, Undecided, Holds]), DoesntHold);
        assert_eq!(all(&[]), Undecided);
    }

    const fn interval(low: f64, high: f64) -> ConfidenceInterval {
        ConfidenceInterval { low, high }
    }

    #[test]
    fn an_interval_over_the_bound_decides_nothing() {
        assert_eq!(Verdict::is_above(interval(0.1, 1.0), 0.0), Holds);
        assert_eq!(Verdict::is_above(interval(-1.0, -0.1), 0.0), DoesntHold);
        assert_eq!(Verdict::is_above(interval(0.0, 1.0), 0.0), Undecided);
        assert_eq!(Verdict::is_at_most(interval(0.1, 0.5), 0.5), Holds);
        assert_eq!(Verdict::is_at_most(interval(0.4, 0.6), 0.5), Undecided);
        assert_eq!(Verdict::is_within(interval(0.1, 0.2), 0.1, 0.2), Holds);
        assert_eq!(Verdict::is_within(interval(0.0, 0.2), 0.1, 0.2), Undecided);
        assert_eq!(Verdict::is_within(interval(0.3, 0.4), 0.1, 0.2), DoesntHold);
    }
}
