//! Claims: what a sweep file says of its results, decided from the runs. One file a kind of check, each a pure function of
//! the runs.
//!
//! Every interval is at 95 %, and no check with fewer than three runs is decided. Runs that can't be measured make a check
//! undecided, with their count and the reason; runs that are one computation count once, and decide nothing between
//! two selections that share them.

mod best;
mod check_result;
mod correlation;
mod equivalent;
mod greater;
mod output;
mod pair;
mod sample;
mod smooth;
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
pub(crate) use output::{csv, json};
pub use verdict::Verdict;

/// A claim with what was found of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ClaimResult {
    /// The sentence.
    pub(crate) text: String,
    /// Whether it holds: if all its checks do.
    pub(crate) verdict: Verdict,
    /// The result of each check.
    pub(crate) checks: Vec<CheckResult>,
}

/// Judges every claim of a sweep.
pub(crate) fn evaluate(results: &Results) -> Vec<ClaimResult> {
    let results = results.claims.iter().enumerate().map(|(number, claim)| {
        let checks: Vec<CheckResult> = claim
            .checks
            .iter()
            .enumerate()
            .map(|(place, check)| {
                decide(
                    check,
                    &results.runs,
                    results.distances.get(&CheckPlace { claim: number, check: place }),
                )
            })
            .collect();
        let verdict = Verdict::of_all(checks.iter().map(|result| result.verdict));
        ClaimResult { text: claim.text.clone(), verdict, checks }
    });
    results.collect()
}

/// The result of a check.
fn decide(check: &Check, runs: &[Run], distances: Option<&Distances>) -> CheckResult {
    match check {
        Check::Equivalent { a, b, y, factor } => equivalent::decide(runs, a, b, y, *factor),
        Check::Greater { a, b, y } => greater::decide(runs, a, b, y),
        Check::Trend { of, y, direction, at_least, until } => {
            trend::decide(runs, of, y, *direction, *at_least, until.as_deref())
        }
        Check::Correlation { of, x, y, direction, only_if } => {
            let hypothesis =
                correlation::Hypothesis { x, y, direction: *direction, only_if: only_if.as_deref() };
            correlation::decide(runs, of, &hypothesis)
        }
        Check::Within { of, y, low, high } => within::decide(runs, of, y, *low, *high),
        Check::Best { of, y, best } => best::decide(runs, of, y, *best),
        Check::Together { at_most, .. } => together::decide(distances, *at_most),
        Check::Smooth { of, y, at_most } => smooth::decide(runs, of, y, *at_most),
    }
}
