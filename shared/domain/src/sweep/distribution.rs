//! How `random` draws a parameter: its distribution, and the values that it can give.

use std::collections::HashMap;

use super::axis::{self, ParameterAxis};
use super::check;
use super::error::LocatedError;
use super::location::Location;
use super::toml_value::{Assignment, Node, TomlValue};
use crate::random::Stream;

/// Whole bounds beyond this can't be told apart as numbers.
const GREATEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// How a parameter is drawn.
#[derive(Debug, Clone)]
pub(super) enum Distribution {
    Uniform(Bounds),
    LogUniform(Bounds),
    Choice(ParameterAxis),
}

impl Distribution {
    /// Whether its values are whole numbers or written down, and no numbers of six digits.
    pub(super) fn is_of_whole_numbers_or_choices(&self) -> bool {
        match self {
            Self::Uniform(bounds) | Self::LogUniform(bounds) => bounds.whole,
            Self::Choice(_) => true,
        }
    }
}

/// The bounds of a distribution, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) at: Location,
    low: f64,
    high: f64,
    /// Both are written as whole numbers, and whole numbers are drawn.
    whole: bool,
}

/// The values of a distribution, each once, by their rank.
#[derive(Debug)]
pub(super) struct DistinctValues<'a> {
    key: &'a str,
    distribution: &'a Distribution,
    /// Of a choice: the rank of every value that is written, and where each rank's is written first.
    ranks: Vec<u64>,
    firsts: Vec<usize>,
}

impl<'a> DistinctValues<'a> {
    /// The values of this distribution of the parameter `key`.
    pub(super) fn of(key: &'a str, distribution: &'a Distribution) -> Self {
        let (mut ranks, mut firsts) = (Vec::new(), Vec::new());
        if let Distribution::Choice(axis) = distribution {
            let mut alike: HashMap<String, Vec<u64>> = HashMap::new();
            for (row, value) in axis.values().iter().enumerate() {
                let known = alike.entry(axis::key(value)).or_default();
                let same = |rank: &&u64| axis::same(&axis.values()[firsts[**rank as usize]], value);
                let rank = known.iter().find(same).copied().unwrap_or_else(|| {
                    firsts.push(row);
                    known.push(firsts.len() as u64 - 1);
                    firsts.len() as u64 - 1
                });
                ranks.push(rank);
            }
        }
        Self { key, distribution, ranks, firsts }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        match self.distribution {
            Distribution::Uniform(bounds) | Distribution::LogUniform(bounds) => bounds.count(),
            Distribution::Choice(_) => self.firsts.len() as u64,
        }
    }

    /// The rank of a value that the distribution draws from `stream`.
    pub(super) fn draw(&self, stream: &mut Stream) -> u64 {
        match self.distribution {
            Distribution::Uniform(bounds) => bounds.rank(bounds.uniform(stream)),
            Distribution::LogUniform(bounds) => bounds.rank(bounds.log_uniform(stream)),
            Distribution::Choice(_) => self.ranks[stream.below(self.ranks.len() as u64) as usize],
        }
    }

    /// The parameter's name.
    pub(super) fn key(&self) -> &'a str {
        self.key
    }

    /// Puts the value of this rank into a point.
    pub(super) fn assign(&self, rank: u64, point: &mut Assignment) {
        match self.distribution {
            Distribution::Uniform(bounds) | Distribution::LogUniform(bounds) => {
                point.insert(self.key.to_owned(), bounds.node(rank));
            }
            Distribution::Choice(axis) => point.extend(axis.values()[self.firsts[rank as usize]].clone()),
        }
    }
}

impl Bounds {
    /// Reads the bounds of the parameter `key`; above zero if they are to be `positive`.
    pub(super) fn read(key: &str, node: &Node, positive: bool) -> Result<Self, LocatedError> {
        let name = super::nearest::shortened(key);
        let number = check::number("a number", |_| true);
        let bounds = check::list_of(2, number)(&format!("`{name}`"), node)?;
        let wrong = |message| {
            Err(LocatedError::new(node.at, message)
                .hint(format!("{name} = [1e-4, 1e-1] draws between the two")))
        };
        let (TomlValue::List(written), &[low, high]) = (&node.value, bounds.as_slice()) else {
            return wrong(format!("`{name}` must be the two bounds of a range, not {node}"));
        };
        let whole = written.iter().all(|bound| matches!(bound.value, TomlValue::Integer(_)));
        if low >= high {
            let error = LocatedError::new(
                node.at,
                format!("the range of `{name}` is empty: {low} is not below {high}"),
            );
            return Err(match low > high {
                true => error.hint(format!("{name} = [{}, {}]", written[1], written[0])),
                false => error.hint(format!("{name} = {} outside `random` is one value for all", written[0])),
            });
        }
        if positive && low <= 0.0 {
            return wrong(format!("the range of `{name}` must be above 0 to be drawn from by its logarithm"));
        }
        if !(high - low).is_finite()
            || whole && (high - low >= GREATEST_WHOLE || high.abs() >= GREATEST_WHOLE)
        {
            return wrong(format!("the range of `{name}` is too wide"));
        }
        Ok(Self { at: node.at, low, high, whole })
    }

    /// How many values lie between them.
    fn count(&self) -> u64 {
        if self.whole {
            return (self.high - self.low) as u64 + 1;
        }
        ordinal(self.low).abs_diff(ordinal(self.high)) + 1
    }

    fn uniform(&self, stream: &mut Stream) -> f64 {
        if self.whole {
            return self.low + stream.below((self.high - self.low) as u64 + 1) as f64;
        }
        self.low + (self.high - self.low) * stream.uniform()
    }

    fn log_uniform(&self, stream: &mut Stream) -> f64 {
        let (low, high) = (basin_math::ln(self.low), basin_math::ln(self.high));
        basin_math::exp(low + (high - low) * stream.uniform())
    }

    /// The rank of the value that a drawn number becomes: whole, or rounded to six digits. Logarithms differ between machines
    /// in their last digits, and the same sweep file must give the same tasks on all of them.
    fn rank(&self, drawn: f64) -> u64 {
        if self.whole {
            return (drawn.round().clamp(self.low, self.high) - self.low) as u64;
        }
        let (low, high) = (ordinal(self.low), ordinal(self.high));
        ordinal(drawn).clamp(low, high).abs_diff(low)
    }

    /// The value of this rank.
    fn node(&self, rank: u64) -> Node {
        let value = if self.whole {
            TomlValue::Integer((self.low + rank as f64) as i64)
        } else {
            let number = of_ordinal(ordinal(self.low).saturating_add_unsigned(rank));
            TomlValue::Float(number.clamp(self.low, self.high))
        };
        Node { at: self.at, value }
    }
}

/// The mantissas of six digits with one exponent.
const MANTISSAS: i64 = 900_000;
/// More than the exponents below zero.
const EXPONENTS: i64 = 400;

/// The position of a finite number, rounded to six digits, among all numbers of six digits; zero has 0.
fn ordinal(number: f64) -> i64 {
    let text = format!("{:.5e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').expect("a number with an exponent has one");
    let mantissa: i64 = mantissa.replace('.', "").parse().expect("a mantissa has digits alone");
    let exponent: i64 = exponent.parse().expect("an exponent is a whole number");
    if mantissa == 0 {
        return 0;
    }
    let position = (exponent + EXPONENTS) * MANTISSAS + (mantissa - 100_000) + 1;
    if number < 0.0 { -position } else { position }
}

/// The number of six digits at this position.
fn of_ordinal(ordinal: i64) -> f64 {
    if ordinal == 0 {
        return 0.0;
    }
    let position = ordinal.abs() - 1;
    let (exponent, mantissa) = (position / MANTISSAS - EXPONENTS, position % MANTISSAS + 100_000);
    let number: f64 =
        format!("{mantissa}e{}", exponent - 5).parse().expect("digits with an exponent are a number");
    if ordinal < 0 { -number } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_six_digits_have_places_in_their_order() {
        let numbers = [-1e300, -2.5, -1e-7, 0.0, 1e-300, 0.000132618, 0.1, 0.100001, 0.999999, 1.0, 3e8];
        for pair in numbers.windows(2) {
            assert!(ordinal(pair[0]) < ordinal(pair[1]), "{pair:?}");
        }
        for number in numbers {
            assert_eq!(of_ordinal(ordinal(number)), number);
        }
        assert_eq!(ordinal(0.999999) + 1, ordinal(1.0));
        assert_eq!(ordinal(0.1234564), ordinal(0.123456));
    }

    #[test]
    fn a_range_has_the_values_that_rounding_leaves() {
        let bounds = |low, high, whole| Bounds { at: Location::Line(1), low, high, whole };
        let number = |bounds: Bounds, rank| match bounds.node(rank).value {
            TomlValue::Float(number) => number,
            TomlValue::Integer(number) => number as f64,
            other => panic!("{other:?}"),
        };
        let narrow = bounds(0.1, 0.10001, false);
        assert_eq!(narrow.count(), 11);
        assert_eq!((number(narrow, 0), number(narrow, 1), number(narrow, 10)), (0.1, 0.100001, 0.10001));
        // Both bounds lie between numbers of six digits, and stand for those beyond them.
        let between = bounds(0.123_456_4, 0.123_457_6, false);
        assert_eq!(between.count(), 3);
        assert_eq!(
            (number(between, 0), number(between, 1), number(between, 2)),
            (0.123_456_4, 0.123_457, 0.123_457_6)
        );
        let whole = bounds(-3.0, 3.0, true);
        assert_eq!((whole.count(), number(whole, 0), number(whole, 6)), (7, -3.0, 3.0));
    }
}
