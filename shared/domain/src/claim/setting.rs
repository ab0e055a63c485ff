//! A value of a setting of a claim's analysis.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::condition::Condition;
use super::middle::Middle;
use super::recomputed::RecomputedMeasure;
use crate::value::Value;

/// A value of a setting of a claim's analysis, in place of the one that the check or the run has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// The level of the interval by which a check holds, in (0, 1); 0.95 where nothing is said.
    Level(f64),
    /// The last value of a series whose x isn't beyond this counts, instead of its last; a series that ends before has none.
    ReadAt(f64),
    /// The mean of this last share of a series' values counts, instead of its last value; 0 is the last alone.
    AverageLast(f64),
    /// A series is replaced by its moving mean over so many values, an odd number, before its trend is looked at.
    Smoothing(u32),
    /// The middle over runs.
    Middle(Middle),
    /// A measure, instead of the one that the check names under this key.
    Measure(MeasureKey, String),
    /// A bound, instead of the one that the check has under this key.
    Bound(BoundKey, f64),
    /// A condition in place of the claim's on the same side of the same measure.
    Condition(Condition),
    /// A threshold of a measure that is computed again.
    Recomputed(RecomputedMeasure, f64),
    /// The point at which this parameter of the check's experiment has this value.
    Parameter(String, Value),
}

impl Setting {
    /// The number that it is, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Level(number)
            | Self::ReadAt(number)
            | Self::AverageLast(number)
            | Self::Bound(_, number)
            | Self::Recomputed(_, number) => Some(*number),
            Self::Smoothing(width) => Some(f64::from(*width)),
            Self::Condition(condition) => Some(condition.bound),
            Self::Parameter(_, value) => value.as_f64(),
            Self::Middle(_) | Self::Measure(..) => None,
        }
    }

    /// The value as people write it.
    pub fn words(&self) -> String {
        match self {
            Self::Middle(middle) => middle.as_str().to_owned(),
            Self::Measure(_, name) => name.clone(),
            Self::Parameter(_, value) => match value.as_f64() {
                Some(number) => in_words(number),
                None => value.to_string(),
            },
            Self::Level(number)
            | Self::ReadAt(number)
            | Self::AverageLast(number)
            | Self::Bound(_, number)
            | Self::Recomputed(_, number) => in_words(*number),
            Self::Smoothing(width) => width.to_string(),
            Self::Condition(condition) => in_words(condition.bound),
        }
    }

    /// Changes what it changes in the check itself; settings of how runs are read leave the check as it is.
    pub fn apply(&self, check: &mut Check) {
        match self {
            Self::Measure(key, name) => {
                if let Some(own) = key.of_mut(check) {
                    own.clone_from(name);
                }
            }
            Self::Bound(key, number) => {
                if let Some(own) = key.of_mut(check) {
                    *own = *number;
                }
            }
            Self::Parameter(name, value) => {
                for selection in check.selections_mut() {
                    if let Some(own) = selection.values.get_mut(name) {
                        own.clone_from(value);
                    }
                }
            }
            Self::Level(_)
            | Self::ReadAt(_)
            | Self::AverageLast(_)
            | Self::Smoothing(_)
            | Self::Middle(_)
            | Self::Condition(_)
            | Self::Recomputed(..) => {}
        }
    }
}

/// A number as a sweep file has it: `1e-8`, `0.05`, `2`.
pub fn in_words(number: f64) -> String {
    const LARGE: f64 = 1e9;
    let (plain, short) = (format!("{number}"), format!("{number:e}"));
    let is_whole = number.fract() == 0.0 && number.abs() < LARGE;
    if is_whole || plain.len() <= short.len() + 1 { plain } else { short }
}

/// A key of a check that names a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureKey {
    /// `x`
    X,
    /// `y`
    Y,
    /// `only_if`
    OnlyIf,
    /// `until`
    Until,
}

impl MeasureKey {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::X, Self::Y, Self::OnlyIf, Self::Until];

    /// The key, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Y => "y",
            Self::OnlyIf => "only_if",
            Self::Until => "until",
        }
    }

    /// The measure that a check names under it.
    pub fn of(self, check: &Check) -> Option<&str> {
        match (self, check) {
            (Self::X, Check::Correlation { x, .. }) => Some(x),
            (Self::OnlyIf, Check::Correlation { only_if, .. }) => only_if.as_deref(),
            (Self::Until, Check::Trend { until, .. }) => until.as_deref(),
            (
                Self::Y,
                Check::Equivalent { y, .. }
                | Check::Greater { y, .. }
                | Check::Trend { y, .. }
                | Check::Correlation { y, .. }
                | Check::Within { y, .. }
                | Check::Best { y, .. }
                | Check::Smooth { y, .. },
            ) => Some(y),
            (Self::X | Self::Y | Self::OnlyIf | Self::Until, _) => None,
        }
    }

    fn of_mut(self, check: &mut Check) -> Option<&mut String> {
        match (self, check) {
            (Self::X, Check::Correlation { x, .. }) => Some(x),
            (Self::OnlyIf, Check::Correlation { only_if, .. }) => only_if.as_mut(),
            (Self::Until, Check::Trend { until, .. }) => until.as_mut(),
            (
                Self::Y,
                Check::Equivalent { y, .. }
                | Check::Greater { y, .. }
                | Check::Trend { y, .. }
                | Check::Correlation { y, .. }
                | Check::Within { y, .. }
                | Check::Best { y, .. }
                | Check::Smooth { y, .. },
            ) => Some(y),
            (Self::X | Self::Y | Self::OnlyIf | Self::Until, _) => None,
        }
    }
}

/// A key of a check that is a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundKey {
    /// `factor`
    Factor,
    /// `at_least`
    AtLeast,
    /// `at_most`
    AtMost,
    /// `low`
    Low,
    /// `high`
    High,
}

impl BoundKey {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Factor, Self::AtLeast, Self::AtMost, Self::Low, Self::High];

    /// The key, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Factor => "factor",
            Self::AtLeast => "at_least",
            Self::AtMost => "at_most",
            Self::Low => "low",
            Self::High => "high",
        }
    }

    /// The bound that a check has under it.
    pub fn of(self, check: &Check) -> Option<f64> {
        self.of_mut(&mut check.clone()).copied()
    }

    fn of_mut(self, check: &mut Check) -> Option<&mut f64> {
        match (self, check) {
            (Self::Factor, Check::Equivalent { factor, .. }) => Some(factor),
            (Self::AtLeast, Check::Trend { at_least, .. }) => Some(at_least),
            (Self::AtMost, Check::Together { at_most, .. } | Check::Smooth { at_most, .. }) => Some(at_most),
            (Self::Low, Check::Within { low, .. }) => Some(low),
            (Self::High, Check::Within { high, .. }) => Some(high),
            (Self::Factor | Self::AtLeast | Self::AtMost | Self::Low | Self::High, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_are_written() {
        let cases = [
            (1e-8, "1e-8"),
            (1e-4, "1e-4"),
            (0.05, "0.05"),
            (2.0, "2"),
            (0.95, "0.95"),
            (20_000.0, "20000"),
            (1.5e-5, "1.5e-5"),
        ];
        for (number, expected) in cases {
            assert_eq!(in_words(number), expected);
        }
    }
}
