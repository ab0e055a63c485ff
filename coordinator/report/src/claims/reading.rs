//! How a combination of settings reads the runs that a check looks at: each setting is a change of what a run measured.

use std::borrow::Cow;

use basin_domain::claim::{Check, MeasureKey, RecomputedMeasure, Setting};
use basin_domain::experiment::series::critical_point::{FINAL_GRADIENT_NORM, POLISH_ITERATIONS};
use basin_domain::experiment::series::training::GRADIENT_NORM;
use basin_domain::metrics::{Axis, Metrics, Series};

use crate::runs::{Run, RunState};
use crate::stored_numbers::{StoredNumbers, StoredNumbersByTask};

/// The runs as a check reads them with these settings: those of its experiments, with what they measured changed; all runs as they
/// are, where no setting changes that.
///
/// What a run can't give for a setting (a series that ends before, a result that can't be read) it has not recorded.
pub(super) fn read<'r>(
    runs: &'r [Run],
    check: &Check,
    settings: &[&Setting],
    stored: &StoredNumbersByTask,
) -> Cow<'r, [Run]> {
    let changes: Vec<&Setting> =
        settings.iter().copied().filter(|setting| order(setting).is_some()).collect();
    if changes.is_empty() {
        return Cow::Borrowed(runs);
    }
    let mut changes = changes;
    changes.sort_by_key(|setting| order(setting));
    let experiments: Vec<_> = check.selections().into_iter().map(|selection| &selection.experiment).collect();
    let of_check = runs.iter().filter(|run| experiments.contains(&&run.task.experiment));
    let read = of_check.map(|run| {
        let mut run = run.clone();
        let numbers = stored.get(&run.task.id);
        if let RunState::Committed { metrics, .. } = &mut run.state {
            for change in &changes {
                apply(change, check, metrics, numbers);
            }
        }
        run
    });
    Cow::Owned(read.collect())
}

/// The place of a setting among those that change what a run measured: a series is cut before its end is averaged. None of a
/// setting that changes nothing of that.
const fn order(setting: &Setting) -> Option<u8> {
    match setting {
        Setting::Recomputed(..) => Some(0),
        Setting::ReadAt(_) => Some(1),
        Setting::AverageLast(_) => Some(2),
        Setting::Smoothing(_) => Some(3),
        Setting::Level(_)
        | Setting::Middle(_)
        | Setting::Measure(..)
        | Setting::Bound(..)
        | Setting::Condition(_)
        | Setting::Parameter(..) => None,
    }
}

fn apply(setting: &Setting, check: &Check, metrics: &mut Metrics, stored: Option<&StoredNumbers>) {
    match setting {
        Setting::ReadAt(x) => for_each_series(check, metrics, |series| cut(series, *x)),
        Setting::AverageLast(share) => for_each_series(check, metrics, |series| average_end(series, *share)),
        Setting::Smoothing(width) => smooth(check, metrics, *width),
        Setting::Recomputed(measure, threshold) => recompute(*measure, *threshold, metrics, stored),
        Setting::Level(_)
        | Setting::Middle(_)
        | Setting::Measure(..)
        | Setting::Bound(..)
        | Setting::Condition(_)
        | Setting::Parameter(..) => {}
    }
}

/// Changes each series that the check compares; one that `change` gives nothing of is taken out.
fn for_each_series(check: &Check, metrics: &mut Metrics, change: impl Fn(Series) -> Option<Series>) {
    for name in [MeasureKey::X, MeasureKey::Y].into_iter().filter_map(|key| key.of(check)) {
        if metrics.series.get(name).is_none_or(|series| series.axis == Axis::Once) {
            continue;
        }
        if let Some(changed) = metrics.series.remove(name).and_then(&change) {
            metrics.series.insert(name.to_owned(), changed);
        }
    }
}

/// The series up to x; none of one that ends before.
fn cut(mut series: Series, x: f64) -> Option<Series> {
    let end = series.points.last()?.0;
    series.points.retain(|(at, _)| *at <= x);
    (end >= x && !series.points.is_empty()).then_some(series)
}

/// The series with the mean of this last share of its values, of one at least, in place of the last.
fn average_end(mut series: Series, share: f64) -> Option<Series> {
    let n = series.points.len();
    let count = ((share * n as f64).ceil() as usize).clamp(1, n.max(1));
    let mean = series.points.iter().rev().take(count).map(|(_, value)| value).sum::<f64>() / count as f64;
    series.points.last_mut()?.1 = mean;
    Some(series)
}

/// The moving mean over `width` values in place of the series that the check follows: of fewer at its ends. Values beyond the end
/// up to which the check looks have no part in it.
fn smooth(check: &Check, metrics: &mut Metrics, width: u32) {
    let end = match MeasureKey::Until.of(check) {
        Some(until) => metrics.last(until),
        None => None,
    };
    let Some(series) = MeasureKey::Y.of(check).and_then(|name| metrics.series.get_mut(name)) else { return };
    series.points.retain(|(x, _)| end.is_none_or(|end| *x <= end));
    let reach = (width / 2) as usize;
    let values: Vec<f64> = series.points.iter().map(|(_, value)| *value).collect();
    for (place, point) in series.points.iter_mut().enumerate() {
        let near = &values[place.saturating_sub(reach)..(place + reach + 1).min(values.len())];
        point.1 = near.iter().sum::<f64>() / near.len() as f64;
    }
}

/// The gradient's norm where the search ended, from the norms of all iterations: what came after isn't the search's. A run without
/// them ended with its search.
fn norm_of_search(metrics: &Metrics) -> Option<f64> {
    let Some(series) = metrics.series.get(GRADIENT_NORM.name) else {
        return metrics.last(FINAL_GRADIENT_NORM.name);
    };
    let end = series.points.last()?.0 - metrics.last(POLISH_ITERATIONS.name).unwrap_or(0.0);
    series.points.iter().rev().find(|(x, _)| *x <= end).map(|(_, norm)| *norm)
}

/// Computes a measure again with another threshold, from what the run stored.
fn recompute(
    measure: RecomputedMeasure,
    threshold: f64,
    metrics: &mut Metrics,
    stored: Option<&StoredNumbers>,
) {
    let share = |numbers: &[f64], counts: &dyn Fn(f64) -> bool| {
        let counted = numbers.iter().filter(|&&number| counts(number)).count();
        (!numbers.is_empty()).then(|| counted as f64 / numbers.len() as f64)
    };
    let found = match measure {
        RecomputedMeasure::PositiveEigenvalues => {
            stored.and_then(|stored| share(&stored.eigenvalues, &|eigenvalue| eigenvalue > threshold))
        }
        RecomputedMeasure::WeightsNearZero => {
            stored.and_then(|stored| share(&stored.weights, &|weight| weight.abs() < threshold))
        }
        RecomputedMeasure::Converged => norm_of_search(metrics).map(|norm| f64::from(norm < threshold)),
    };
    match found {
        Some(number) => metrics.set(measure.measure(), number),
        None => drop(metrics.series.remove(measure.measure())),
    }
}
