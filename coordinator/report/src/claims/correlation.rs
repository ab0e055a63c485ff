//! Whether a measure goes one way with a parameter, or with another measure, across runs.

use basin_domain::claim::{Condition, Direction, Selection};
use basin_domain::experiment::series::critical_point::{CERTIFIED, CONVERGED};
use basin_domain::metrics::Metrics;

use super::check_result::{CheckResult, Estimate, formatted};
use super::levels::DecisionLevels;
use super::requirement::Requirement;
use super::rule::DecisionRule;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::duplicates;
use crate::endings;
use crate::exclusions::{ExclusionReason, finite};
use crate::figures::names;
use crate::runs::Run;
use crate::statistics::{Center, MIN_PAIRS_OF_INTERVAL, Pair, RankCorrelation, pairs_of_correlation};

/// Two quantities that should go together.
pub(super) struct Hypothesis<'a> {
    /// A parameter, or a measure.
    pub(super) x: &'a str,
    /// The measure.
    pub(super) y: &'a str,
    /// The way that y goes as x rises.
    pub(super) direction: Direction,
    /// A single number: only runs in which it is 1 count.
    pub(super) only_if: Option<&'a str>,
}

/// The rank correlation across runs, against 0. Runs of one point are one pair where there are several points (see
/// [`RankCorrelation`]).
///
/// A run that stands at several values of x, because it is the same computation at all of them, is one run. It has no
/// single x by right: it stands at the smallest, and where the verdict would be another with all such runs at their
/// largest, the check is undecided.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    hypothesis: &Hypothesis<'_>,
    rule: DecisionRule<'_>,
) -> CheckResult {
    let sample = Sample::of(runs, of, |run, metrics| of_run(run, metrics, hypothesis, rule.only_where));
    let members = sample.by_computation();
    let ends: Vec<[Pair<String>; 2]> = sample
        .runs()
        .iter()
        .map(|(run, (x, y))| {
            let others =
                members[&run.computation()].iter().filter_map(|other| of_point(other, hypothesis.x).ok());
            let (low, high) = others.fold((*x, *x), |(low, high), x| (low.min(x), high.max(x)));
            [low, high].map(|x| Pair { point: duplicates::point(run), x, y: *y })
        })
        .collect();
    let at = |end: usize| {
        let pairs: Vec<Pair<String>> = ends.iter().map(|pairs| pairs[end].clone()).collect();
        of_pairs(&RankCorrelation::of(&pairs), hypothesis, rule.levels).over_samples(&[sample.basis()])
    };
    let (result, other) = (at(0), at(1));
    if result.verdict == other.verdict {
        return result;
    }
    CheckResult {
        verdict: Verdict::Undecided,
        why: format!(
            "runs that are one at several values of {} stand at the smallest; at the largest, the verdict would be: {}",
            hypothesis.x,
            other.verdict.words()
        ),
        ..result
    }
}

fn of_pairs(found: &RankCorrelation, hypothesis: &Hypothesis<'_>, levels: DecisionLevels) -> CheckResult {
    let Hypothesis { x, y, .. } = hypothesis;
    let (n, of_points) = (found.pairs(), found.points());
    let what = match of_points {
        None => format!("rank correlation of {y} with {x}"),
        Some(points) => {
            format!("rank correlation of {y} with {x} over {points} points, by the mean ranks of their runs")
        }
    };
    let too_few = || match (of_points, n) {
        (Some(_), _) => format!(
            "{n} points are too few for a rank correlation, however many runs each has: it takes {MIN_PAIRS_OF_INTERVAL}"
        ),
        (None, 1) => format!("1 run is too few for a rank correlation: it takes {MIN_PAIRS_OF_INTERVAL}"),
        (None, _) => format!("{n} runs are too few for a rank correlation: it takes {MIN_PAIRS_OF_INTERVAL}"),
    };
    let result = match found.estimate() {
        None if n < MIN_PAIRS_OF_INTERVAL => CheckResult::undecided(what, too_few()),
        None => CheckResult::undecided(what, format!("{x} or {y} doesn't vary")),
        Some(value) => {
            let (requirement, bound) = match hypothesis.direction {
                Direction::Rises => (Requirement::Above(0.0), "above 0"),
                Direction::Falls => (Requirement::Below(0.0), "below 0"),
            };
            let measured = format!("{what}: {}; should be {bound}", formatted(value));
            let estimate = Estimate {
                value,
                interval_at: |level| found.interval(level),
                center: Center::Mean,
                design: None,
            };
            let result = CheckResult::decided(measured, &estimate, levels, requirement);
            let runs_needed = pairs_of_correlation(value, levels.to_show(result.leaning));
            let result = CheckResult { runs_needed, ..result };
            let why = match (result.interval, n) {
                (None, 0..MIN_PAIRS_OF_INTERVAL) => too_few(),
                (None, _) => "too many resamples have no rank correlation for an interval".to_owned(),
                (Some(_), _) => result.why.clone(),
            };
            CheckResult { why, ..result }
        }
    };
    CheckResult { points: of_points, ..result }
}

fn of_run(
    run: &Run,
    metrics: &Metrics,
    hypothesis: &Hypothesis<'_>,
    only_where: &[Condition],
) -> Result<(f64, f64), ExclusionReason> {
    for condition in only_where {
        let measured = measure(metrics, &condition.measure).map_err(|_| ExclusionReason::UnknownCondition)?;
        if !condition.is_met(measured) {
            return Err(ExclusionReason::BeyondCondition);
        }
    }
    if let Some(only_if) = hypothesis.only_if {
        let is_met = measure(metrics, only_if).map_err(|_| ExclusionReason::UnknownCondition)? == 1.0;
        if !is_met {
            return Err(match only_if {
                name if name == CONVERGED.name => ExclusionReason::NotConverged,
                name if name == CERTIFIED.name => ExclusionReason::NotCertified(
                    endings::of(metrics).map_or("not certified", |(_, words)| words),
                ),
                _ => ExclusionReason::ConditionNotMet,
            });
        }
    }
    Ok((of_point(run, hypothesis.x)?, measure(metrics, hypothesis.y)?))
}

/// The place of a completed run: its point's parameter, the number that it records, or a parameter that isn't varied.
fn of_point(run: &Run, x: &str) -> Result<f64, ExclusionReason> {
    let varied = run.task.point.get(x).and_then(basin_domain::value::Value::as_f64);
    let recorded = || run.completed().and_then(|metrics| metrics.last(x));
    let fixed = || names::value_of(run, x).and_then(|value| value.as_f64());
    finite(varied.or_else(recorded).or_else(fixed).ok_or(ExclusionReason::NotRecorded)?)
}
