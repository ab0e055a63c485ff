//! The interval of an estimate.

use serde::Serialize;

/// The interval of an estimate. Files have it as its two ends, the lower one first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(into = "(f64, f64)")]
pub(crate) struct ConfidenceInterval {
    /// The lower end.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}

impl ConfidenceInterval {
    /// The interval that reaches `half` below and above an estimate.
    pub(crate) fn around(estimate: f64, half: f64) -> Self {
        Self { low: estimate - half, high: estimate + half }
    }

    /// The interval of what `rising`, a function that never falls, makes of the estimate.
    pub(crate) fn map(self, rising: impl Fn(f64) -> f64) -> Self {
        Self { low: rising(self.low), high: rising(self.high) }
    }

    /// The interval of the estimate with the other sign.
    pub(crate) fn negated(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }
}

impl From<ConfidenceInterval> for (f64, f64) {
    fn from(interval: ConfidenceInterval) -> Self {
        (interval.low, interval.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_written_as_its_two_ends() {
        let interval = ConfidenceInterval::around(1.0, 0.5);
        assert_eq!(serde_json::to_string(&interval).unwrap(), "[0.5,1.5]");
        assert_eq!(serde_json::to_string(&interval.negated()).unwrap(), "[-1.5,-0.5]");
    }
}
