//! Claims: what a sweep file says of its results, decided from the runs. One file a kind of check, each a pure function of
//! the runs.
//!
//! One rule says how sure a verdict must be ([`levels`]), and no check with fewer than three runs is decided. Runs that
//! can't be measured make a check undecided, with their count and the reason; runs that are one computation count once,
//! and decide nothing between two selections that share them. What the numbers behind a verdict rest on is said beside
//! it ([`cautions`], [`test_examples`]). How the intervals were checked is in `docs/statistics.md`.

mod best;
mod cautions;
mod check_result;
mod correlation;
mod equivalent;
mod greater;
mod levels;
mod middle;
mod output;
mod pair;
mod requirement;
mod sample;
mod single;
mod smooth;
mod test_examples;
#[cfg(test)]
mod tests;
mod together;
mod trend;
mod verdict;
mod within;

use basin_domain::claim::Check;
use serde::Serialize;

use super::projection::{CheckPlace, Distances};
use super::results::Results;
use super::runs::Run;
pub(crate) use check_result::CheckResult;
use levels::DecisionLevels;
pub(crate) use output::{csv, json};
pub use verdict::Verdict;

/// A claim with what was found of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ClaimResult {
    /// The sentence.
    pub(crate) text: String,
    /// Whether it holds: if all its checks do.
    pub(crate) verdict: Verdict,
    /// Whether that is evidence: the sweep's profile isn't one that is too small to say anything.
    pub(crate) evidence: bool,
    /// The result of each check.
    pub(crate) checks: Vec<CheckResult>,
}

/// Judges every claim of a sweep.
pub(crate) fn evaluate(results: &Results) -> Vec<ClaimResult> {
    let claims = results.claims.iter().enumerate().map(|(number, claim)| {
        let levels = DecisionLevels::of_claim(claim.checks.len());
        let of_check = |(place, check)| {
            let distances = results.distances.get(&CheckPlace { claim: number, check: place });
            decide(check, &results.runs, distances, levels)
        };
        let checks: Vec<CheckResult> = claim.checks.iter().enumerate().map(of_check).collect();
        let verdict = Verdict::of_all(checks.iter().map(|result| result.verdict));
        ClaimResult { text: claim.text.clone(), verdict, evidence: results.is_evidence, checks }
    });
    claims.collect()
}

/// The result of a check of a claim that is decided at these levels.
fn decide(check: &Check, runs: &[Run], distances: Option<&Distances>, levels: DecisionLevels) -> CheckResult {
    match check {
        Check::Equivalent { a, b, y, factor } => equivalent::decide(runs, (a, b), y, *factor, levels),
        Check::Greater { a, b, y } => greater::decide(runs, a, b, y, levels),
        Check::Trend { of, y, direction, at_least, until } => {
            let hypothesis =
                trend::Hypothesis { y, direction: *direction, at_least: *at_least, until: until.as_deref() };
            trend::decide(runs, of, &hypothesis, levels)
        }
        Check::Correlation { of, x, y, direction, only_if } => {
            let hypothesis =
                correlation::Hypothesis { x, y, direction: *direction, only_if: only_if.as_deref() };
            correlation::decide(runs, of, &hypothesis, levels)
        }
        Check::Within { of, y, low, high } => within::decide(runs, of, y, (*low, *high), levels),
        Check::Best { of, y, best } => best::decide(runs, of, y, *best, levels),
        Check::Together { at_most, .. } => together::decide(distances, *at_most, levels),
        Check::Smooth { of, y, at_most } => smooth::decide(runs, of, y, *at_most, levels),
    }
}
