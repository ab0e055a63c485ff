//! Whether a measure goes one way with a parameter, or with another measure, across runs.

use basin_domain::claim::{Direction, Selection};
use basin_domain::metrics::Metrics;

use super::finding::{Finding, stated};
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::figures::names;
use crate::left_out::{Reason, finite};
use crate::runs::Run;
use crate::statistics::{Correlation, FEWEST_OF_CORRELATION, rank_correlation};

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
///
/// A run that stands at several values of x, because it is the same computation at all of them, is one pair. It has no
/// single x by right: it stands at the smallest, and where the verdict would be another with all such runs at their
/// largest, the check is undecided.
pub(super) fn decide(runs: &[Run], of: &Selection, wanted: &Wanted<'_>) -> Finding {
    let sample = Sample::of(runs, of, |run, record| of_run(run, record, wanted));
    let members = sample.by_computation();
    let ends: Vec<[(f64, f64); 2]> = sample
        .runs()
        .iter()
        .map(|(run, (x, y))| {
            let others =
                members[&run.computation()].iter().filter_map(|other| of_point(other, wanted.x).ok());
            let (low, high) = others.fold((*x, *x), |(low, high), x| (low.min(x), high.max(x)));
            [(low, *y), (high, *y)]
        })
        .collect();
    let at = |end: usize| ends.iter().map(|pairs| pairs[end]).collect::<Vec<(f64, f64)>>();
    let finding = of_pairs(&at(0), wanted).resting_on(&[sample.basis()]);
    let other = of_pairs(&at(1), wanted).resting_on(&[sample.basis()]);
    if finding.verdict == other.verdict {
        return finding;
    }
    Finding {
        verdict: Verdict::Undecided,
        why: format!(
            "runs that are one at several values of {} stand at the smallest; at the largest, the verdict would be: {}",
            wanted.x,
            other.verdict.words()
        ),
        ..finding
    }
}

fn of_pairs(pairs: &[(f64, f64)], wanted: &Wanted<'_>) -> Finding {
    let what = format!("rank correlation of {} with {}", wanted.y, wanted.x);
    let n = pairs.len();
    let too_few = || {
        let runs = if n == 1 { "run is" } else { "runs are" };
        format!("{n} {runs} too few for a rank correlation: it takes {FEWEST_OF_CORRELATION}")
    };
    match rank_correlation(pairs) {
        None if n < FEWEST_OF_CORRELATION => Finding::undecided(what, too_few()),
        None => Finding::undecided(what, format!("{} or {} doesn't vary", wanted.x, wanted.y)),
        Some(Correlation { estimate, interval }) => {
            let (sign, bound) = match wanted.direction {
                Direction::Rises => (1.0, "above 0"),
                Direction::Falls => (-1.0, "below 0"),
            };
            let measured = format!("{what}: {}; should be {bound}", stated(estimate));
            let finding = Finding::new(measured, estimate, interval, |(low, high)| {
                if sign > 0.0 {
                    Verdict::is_above((low, high), 0.0)
                } else {
                    Verdict::is_above((-high, -low), 0.0)
                }
            });
            let why = match (interval, n) {
                (None, 0..FEWEST_OF_CORRELATION) => too_few(),
                (None, _) => "too many resamples have no rank correlation for an interval".to_owned(),
                (Some(_), _) => finding.why.clone(),
            };
            Finding { why, ..finding }
        }
    }
}

fn of_run(run: &Run, record: &Metrics, wanted: &Wanted<'_>) -> Result<(f64, f64), Reason> {
    if let Some(only_if) = wanted.only_if {
        let is_met = measure(record, only_if).map_err(|_| Reason::UnknownCondition)? == 1.0;
        if !is_met {
            return Err(match only_if {
                "converged" => Reason::NotConverged,
                _ => Reason::ConditionNotMet,
            });
        }
    }
    Ok((of_point(run, wanted.x)?, measure(record, wanted.y)?))
}

/// The place of a completed run: its point's parameter, the number that it records, or a parameter that isn't varied.
fn of_point(run: &Run, x: &str) -> Result<f64, Reason> {
    let varied = run.task.point.get(x).and_then(basin_domain::value::Value::as_f64);
    let recorded = || run.completed().and_then(|record| record.last(x));
    let fixed = || names::value_of(run, x).and_then(|value| value.as_f64());
    finite(varied.or_else(recorded).or_else(fixed).ok_or(Reason::NotRecorded)?)
}
