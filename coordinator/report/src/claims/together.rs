//! Whether runs that differ in their seed end in a similar region of weight space.

use std::collections::BTreeSet;

use super::cautions;
use super::check_result::{CheckResult, Estimate, SampleSummary, formatted};
use super::levels::DecisionLevels;
use super::requirement::Requirement;
use super::verdict::Verdict;
use crate::projection::Distances;
use crate::statistics::{Center, Design, jackknife_interval};

/// The mean distance between the runs' ends as a share of the mean distance from a run's first to its last weights, against
/// the bound. Its interval is that of the jackknife over runs, computed from logarithms: a distance between two runs is left
/// out with either of them.
pub(super) fn decide(distances: Option<&Distances>, at_most: f64, levels: DecisionLevels) -> CheckResult {
    const WHAT: &str = "mean distance between the last weights of two runs, as a share of that from a run's first to its last";
    let Some(distances) = distances else {
        return CheckResult::undecided(WHAT.to_owned(), "no weights could be read")
            .over_samples(&[SampleSummary::default()]);
    };
    let seeds: BTreeSet<u64> = distances.first_to_last.iter().map(|run| run.seed).collect();
    let result = match logarithm(distances, None) {
        None => CheckResult::undecided(WHAT.to_owned(), "the distances have no ratio"),
        Some(all) => {
            let without: Option<Vec<f64>> =
                seeds.iter().map(|&seed| logarithm(distances, Some(seed))).collect();
            let measured =
                format!("{WHAT}: {}; should be at most {}", formatted(all.exp()), formatted(at_most));
            let estimate = Estimate {
                value: all,
                interval_at: |level| jackknife_interval(all, without.as_ref()?, level),
                center: Center::GeometricMean,
                design: Some(Design::OneSample { runs: seeds.len() }),
            };
            CheckResult::decided(measured, &estimate, levels, Requirement::AtMost(at_most.ln()))
        }
    };
    let found = result.over_samples(&[SampleSummary { n: seeds.len(), ..SampleSummary::default() }]);
    let few = cautions::of_few_runs(&found, Center::GeometricMean, None);
    let found = found.with_cautions(few);
    if distances.left_out.is_empty() {
        return found;
    }
    let (without, of) = (distances.left_out.len(), seeds.len() + distances.left_out.len());
    let (have, left_out) = (if without == 1 { "has" } else { "have" }, distances.left_out.join(", "));
    let why = format!("{without} of {of} runs {have} no distances: {left_out}");
    CheckResult { verdict: Verdict::Undecided, why, left_out, ..found }
}

/// The logarithm of the ratio, without the runs of one seed; None where it has no finite one.
fn logarithm(distances: &Distances, without: Option<u64>) -> Option<f64> {
    let stays = |seed: u64| Some(seed) != without;
    let between = distances.between_last.iter().filter(|pair| stays(pair.a) && stays(pair.b));
    let first_to_last = distances.first_to_last.iter().filter(|run| stays(run.seed));
    let ratio = mean(between.map(|pair| pair.distance)) / mean(first_to_last.map(|run| run.distance));
    Some(ratio.ln()).filter(|logarithm| logarithm.is_finite())
}

fn mean(distances: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = distances.fold((0.0, 0), |(sum, n), distance| (sum + distance, n + 1));
    sum / f64::from(n)
}
