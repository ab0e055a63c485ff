//! Whether a measure goes one way with a parameter, or with another measure, across runs.

use basin_domain::claim::{Direction, Selection};
use basin_domain::record::Record;

use super::finding::Finding;
use super::sample::{NOT_FINITE, Sample, measure};
use super::verdict::Verdict;
use crate::report::chart::number::significant;
use crate::report::figures::names;
use crate::report::runs::Run;
use crate::report::statistics::{Correlation, FEWEST_OF_CORRELATION, rank_correlation};

/// What should go with what.
pub(super) struct Wanted<'a> {
    /// A parameter, or a measure.
    pub(super) x: &'a str,
    /// The measure.
    pub(super) y: &'a str,
    /// Which way y goes as x rises.
    pub(super) direction: Direction,
    /// A single number: only runs in which it is 1 count.
    pub(super) only_if: Option<&'a str>,
}

/// The rank correlation across runs, against 0.
pub(super) fn decide(runs: &[Run], of: &Selection, wanted: &Wanted<'_>) -> Finding {
    let sample = Sample::of(runs, of, |run, record| of_run(run, record, wanted));
    let pairs: Vec<(f64, f64)> = sample.runs.iter().map(|(_, pair)| *pair).collect();
    let what = format!("rank correlation of {} with {}", wanted.y, wanted.x);
    let n = pairs.len();
    let finding = match rank_correlation(&pairs) {
        None => Finding::undecided(what, format!("{} or {} doesn't vary", wanted.x, wanted.y)),
        Some(Correlation { estimate, interval }) => {
            let (sign, bound) = match wanted.direction {
                Direction::Rises => (1.0, "above 0"),
                Direction::Falls => (-1.0, "below 0"),
            };
            let measured = format!("{what}: {}; should be {bound}", significant(estimate));
            let finding = Finding::new(measured, estimate, interval, |(low, high)| {
                if sign > 0.0 {
                    Verdict::is_above((low, high), 0.0)
                } else {
                    Verdict::is_above((-high, -low), 0.0)
                }
            });
            let why = match (interval, n) {
                (None, 0..FEWEST_OF_CORRELATION) => {
                    format!("{n} runs are too few for a rank correlation: it takes {FEWEST_OF_CORRELATION}")
                }
                (None, _) => "too many resamples have no rank correlation for an interval".to_owned(),
                (Some(_), _) => finding.why.clone(),
            };
            Finding { why, ..finding }
        }
    };
    finding.of_runs(&[n], sample.left_out())
}

fn of_run(run: &Run, record: &Record, wanted: &Wanted<'_>) -> Result<(f64, f64), &'static str> {
    if let Some(only_if) = wanted.only_if
        && record.last(only_if) != Some(1.0)
    {
        return Err(if only_if == "converged" { "not converged" } else { "in which the condition isn't 1" });
    }
    let varied = run.task.point.get(wanted.x).and_then(basin_domain::value::Value::as_f64);
    let x = match varied.or_else(|| record.last(wanted.x)) {
        Some(x) => x,
        None => names::value_of(run, wanted.x).and_then(|value| value.as_f64()).ok_or(NOT_FINITE)?,
    };
    let y = measure(record, wanted.y)?;
    if x.is_finite() { Ok((x, y)) } else { Err(NOT_FINITE) }
}
