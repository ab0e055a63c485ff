//! The measures of an experiment: which of them the page shows, and a point's mean of one.

use std::collections::{BTreeMap, BTreeSet};

use basin_charts::number;
use basin_domain::metrics::Axis;
use maud::{Markup, html};

use super::points::Point;
use crate::figures::names;
use crate::page::references;
use crate::results::Results;
use crate::runs::{Run, distinct};
use crate::statistics::{Center, Summary, summarise};

/// The most measures of a table; the files have all.
const MOST: usize = 8;

/// The measures of an experiment's runs.
pub(super) struct Measures {
    /// Those of the table, the most telling first.
    pub(super) shown: Vec<String>,
    /// The others.
    pub(super) left_out: Vec<String>,
}

impl Measures {
    /// Those that claims and figures of this experiment speak of come first, then losses and accuracies. What a run ends with is one
    /// measure, whether it stands as a series or as a number of its own.
    pub(super) fn of(results: &Results, experiment: &str, runs: &[&Run]) -> Self {
        let recorded: BTreeSet<&String> = runs
            .iter()
            .filter_map(|run| run.completed())
            .flat_map(|metrics| metrics.series.iter())
            .filter(|(_, series)| matches!(series.axis, Axis::Epoch | Axis::Iteration | Axis::Once))
            .map(|(name, _)| name)
            .collect();
        let claimed = references::of_claims(&results.claims, experiment);
        let drawn = references::of_figures(&results.figures, experiment);
        let rank = |name: &str| {
            let has = |names: &BTreeSet<&str>| names.iter().any(|other| references::is_same(other, name));
            match (has(&claimed), has(&drawn), names::has_better_end(name, runs)) {
                (true, ..) => 0,
                (_, true, _) => 1,
                (.., true) => 2,
                _ => 3,
            }
        };
        let mut kept: BTreeMap<&str, &str> = BTreeMap::new();
        for name in recorded {
            // The series, where both are there: it is against epochs, so that figures know it.
            let slot = kept.entry(references::quantity(name)).or_insert(name);
            if !name.starts_with(references::FINAL) {
                *slot = name;
            }
        }
        let mut ordered: Vec<String> = kept.into_values().map(str::to_owned).collect();
        ordered.sort_by_cached_key(|name| (rank(name), name.clone()));
        let left_out = ordered.split_off(ordered.len().min(MOST));
        Self { shown: ordered, left_out }
    }
}

/// A point's mean of a measure, over its completed runs.
fn mean(point: &Point<'_>, name: &str) -> Option<Summary> {
    let runs = distinct(point.runs.iter().copied());
    let values = runs.iter().filter_map(|run| run.completed()?.last(name));
    summarise(0.0, &Center::Mean.filter(values), Center::Mean)
}

/// The cell of a measure.
pub(super) fn cell(point: &Point<'_>, name: &str) -> Markup {
    let Some(mean) = mean(point, name) else {
        return html! { td class="gap" { "–" } };
    };
    let half = mean.interval.map(|interval| (interval.high - interval.low) / 2.0);
    html! {
        td class="number" data-value=(mean.value) {
            @match half.filter(|half| half.is_finite()) {
                Some(half) => (plus_minus(mean.value, half)),
                None => (number::significant(mean.value)),
            }
        }
    }
}

/// A mean with half of its interval, both to the second figure of the latter.
fn plus_minus(mean: f64, half: f64) -> String {
    if half == 0.0 {
        return format!("{} ± 0", number::significant(mean));
    }
    let decimals = 1 - half.log10().floor() as i32;
    let is_plain = decimals <= 7 && mean.abs() < 1e7;
    if is_plain {
        let decimals = usize::try_from(decimals).unwrap_or(0);
        return format!("{} ± {}", number::fixed(mean, decimals), number::fixed(half, decimals));
    }
    format!("{} ± {}", number::rounded(mean, 4), number::rounded(half, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_as_many_decimals_as_its_interval_says_something_about() {
        assert_eq!(plus_minus(0.432_19, 0.012_34), "0.432 ± 0.012");
        assert_eq!(plus_minus(12_345.6, 321.0), "12,346 ± 321");
        assert_eq!(plus_minus(3.2e-9, 4.4e-10), "3.2×10⁻⁹ ± 4.4×10⁻¹⁰");
        assert_eq!(plus_minus(1.0, 0.0), "1 ± 0");
    }
}
