//! Two selections side by side.

use basin_domain::claim::Selection;

use super::cautions;
use super::check_result::{CheckResult, Estimate, formatted};
use super::levels::DecisionLevels;
use super::middle;
use super::requirement::Requirement;
use super::sample::{Sample, measure};
use super::test_examples::{Shares, in_view_of_test_examples};
use crate::duplicates;
use crate::runs::Run;
use crate::selection::is_selected;
use crate::statistics::{
    Center, Difference, Improvement, LEVEL, difference, improvement, interquartile_difference,
};

/// The difference between the middles of two samples of one point each, paired where they have the same seeds.
pub(super) fn compare(
    a: &Sample<'_, f64>,
    b: &Sample<'_, f64>,
    center: Center,
    level: f64,
) -> Option<Difference> {
    match center {
        Center::Mean | Center::GeometricMean => difference(&by_seed(a), &by_seed(b), level),
        Center::InterquartileMean { .. } => interquartile_difference(&by_seed(a), &by_seed(b), level),
    }
}

/// Two samples of a measure side by side, their values on the scale of its middle.
pub(super) struct Comparison<'a> {
    /// The one.
    pub(super) a: Sample<'a, f64>,
    /// The other.
    pub(super) b: Sample<'a, f64>,
    /// The middle of each.
    pub(super) center: Center,
    /// The measure.
    y: &'a str,
}

impl<'a> Comparison<'a> {
    /// The measure `y` of the runs of two selections, by the middle that `center` chooses for both.
    pub(super) fn of(
        runs: &'a [Run],
        (a, b): (&Selection, &Selection),
        y: &'a str,
        center: impl FnOnce(&[&Run]) -> Center,
    ) -> Self {
        let both: Vec<&Run> = runs.iter().filter(|run| is_selected(run, a) || is_selected(run, b)).collect();
        let center = center(&both);
        let sample = |selection| {
            Sample::of(runs, selection, |_, metrics| middle::scaled(center, measure(metrics, y)?))
        };
        Self { a: sample(a), b: sample(b), center, y }
    }

    /// The probability that a run of the first has a greater value than one of the second; none where they have runs in
    /// common.
    pub(super) fn improvement(&self, level: f64) -> Option<Improvement> {
        match in_common(&self.a, &self.b) {
            Some(_) => None,
            None => improvement(&self.a.values(), &self.b.values(), level),
        }
    }

    /// How the samples compare: undecided where they have runs in common, since no run is evidence for or against itself, or
    /// where a side has no value. `requirement` is what is asked of the difference of the first less the second, or of their
    /// ratio; `bound` says it in words.
    pub(super) fn decide(self, levels: DecisionLevels, requirement: Requirement, bound: &str) -> CheckResult {
        let what = format!("{} of {}", self.center.words(), self.y);
        let result =
            match (in_common(&self.a, &self.b), compare(&self.a, &self.b, self.center, levels.to_hold())) {
                (Some(why), _) => CheckResult::undecided(what, why),
                (None, None) => CheckResult::undecided(what, "a side has no value"),
                (None, Some(found)) => {
                    let mean = |sample: &Sample<'_, f64>| {
                        formatted(middle::unscaled(
                            self.center,
                            sample.middle(self.center).unwrap_or(f64::NAN),
                        ))
                    };
                    let measured = format!(
                        "{what}: {} against {}, {} ({}); should {bound}",
                        mean(&self.a),
                        mean(&self.b),
                        middle::comparison(self.center, found.estimate),
                        found.method.words(),
                    );
                    let estimate = Estimate {
                        value: found.estimate,
                        interval_at: |level| compare(&self.a, &self.b, self.center, level)?.interval,
                        center: self.center,
                        design: Some(found.design),
                    };
                    CheckResult::decided(measured, &estimate, levels, requirement)
                }
            };
        self.with_cautions(result.over_samples(&[self.a.basis(), self.b.basis()]), requirement)
    }

    fn with_cautions(&self, result: CheckResult, requirement: Requirement) -> CheckResult {
        let range = compare(&self.a, &self.b, self.center, LEVEL).and_then(|found| found.range);
        let few = cautions::of_few_runs(&result, self.center, range);
        let apart = [(&self.a, "of the first, "), (&self.b, "of the second, ")]
            .into_iter()
            .filter_map(|(sample, of_what)| cautions::of_runs_apart(sample, self.center, of_what));
        let result = result.with_cautions(few.into_iter().chain(apart));
        let runs: Vec<&Run> = self.a.runs().iter().chain(self.b.runs()).map(|(run, _)| *run).collect();
        match (self.a.middle(self.center), self.b.middle(self.center)) {
            (Some(a), Some(b)) => in_view_of_test_examples(
                result,
                self.y,
                self.center,
                &runs,
                Shares::Difference(a, b),
                requirement,
            ),
            _ => result,
        }
    }
}

/// The runs of two samples that are one run, in words, if any is.
pub(super) fn in_common(a: &Sample<'_, f64>, b: &Sample<'_, f64>) -> Option<String> {
    let of_b = b.computations();
    let shared: Vec<_> = a.computations().into_iter().filter(|one| of_b.contains(one)).collect();
    if shared.is_empty() {
        return None;
    }
    let both = a.selected().iter().chain(b.selected()).copied();
    let runs: Vec<&Run> = both.filter(|run| shared.contains(&run.computation())).collect();
    let named = duplicates::sentences(&runs);
    let (count, runs) = (shared.len(), if shared.len() == 1 { "run" } else { "runs" });
    Some(match named.is_empty() {
        true => format!("both sides are the same point: {count} {runs} in common"),
        false => format!("{count} {runs} in common: {}", named.join(", ")),
    })
}

fn by_seed(sample: &Sample<'_, f64>) -> Vec<(u64, f64)> {
    sample.runs().iter().map(|(run, value)| (run.task.spec.seed, *value)).collect()
}
