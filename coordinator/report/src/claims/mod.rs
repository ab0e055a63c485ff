//! Claims: what a sweep file says of its results, decided from the runs. One file a kind of check, each a pure function of
//! the runs.
//!
//! One rule says how sure a verdict must be ([`levels`]), and no check with fewer than three runs is decided. Runs that
//! can't be measured make a check undecided, with their count and the reason; runs that are one computation count once,
//! and decide nothing between two selections that share them. What the numbers behind a verdict rest on is said beside
//! it ([`cautions`], [`test_examples`]). How the intervals were checked is in `docs/statistics.md`.
//!
//! A claim that varies settings of its analysis is judged under every combination of them ([`varied`]): each changes the check, the
//! rule by which that is decided, or how runs are read ([`reading`]), so that the checks themselves know nothing of it.

mod best;
mod cautions;
mod check_result;
mod combination;
mod correlation;
mod dependence;
mod equivalent;
mod fewest;
mod greater;
mod levels;
mod middle;
mod output;
mod pair;
mod reading;
mod requirement;
mod rule;
mod sample;
mod single;
mod smooth;
mod test_examples;
#[cfg(test)]
mod tests;
mod together;
mod trend;
mod varied;
mod verdict;
mod within;

use basin_domain::claim::{Check, Claim};
use serde::Serialize;

use super::projection::{CheckPlace, Distances, DistancesByCheck};
use super::results::Results;
use super::runs::Run;
use super::stored_numbers::StoredNumbersByTask;
pub(crate) use check_result::CheckResult;
pub(crate) use fewest::fewest;
use levels::DecisionLevels;
pub(crate) use output::{csv, json};
use rule::DecisionRule;
pub(crate) use varied::{Band, CombinationResult, VariedResult};
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
    /// The result of each check; under the sweep's own settings, with the verdict that holds under all, where the claim varies some.
    pub(crate) checks: Vec<CheckResult>,
    /// What was found under the settings that it varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) varied: Option<VariedResult>,
}

impl ClaimResult {
    /// What the verdict depends on, if it depends on a setting that the claim varies.
    pub(crate) fn depends_on(&self) -> Option<&str> {
        self.varied.as_ref()?.depends_on.as_deref()
    }
}

/// What claims are judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence<'a> {
    /// The runs.
    pub(crate) runs: &'a [Run],
    /// The distances of recorded weights that checks look at.
    pub(crate) distances: &'a DistancesByCheck,
    /// The numbers of results from which measures are computed again.
    pub(crate) stored: &'a StoredNumbersByTask,
}

impl<'a> Evidence<'a> {
    /// The distances that the check at this place, the claim's and its own, looks at.
    fn distances_of(&self, (claim, check): (usize, usize)) -> Option<&'a Distances> {
        self.distances.get(&CheckPlace { claim, check })
    }
}

/// Judges every claim of a sweep.
pub(crate) fn evaluate(results: &Results) -> Vec<ClaimResult> {
    let evidence = Evidence { runs: &results.runs, distances: &results.distances, stored: &results.stored };
    judge_all(&results.claims, &evidence, results.is_evidence)
}

/// Judges these claims.
pub(crate) fn judge_all(claims: &[Claim], evidence: &Evidence<'_>, is_evidence: bool) -> Vec<ClaimResult> {
    let judged = claims.iter().enumerate().map(|(number, claim)| {
        let text = claim.text.clone();
        if !claim.analysis.vary.is_empty() {
            let found = varied::judge(number, claim, evidence);
            let (verdict, checks) = (found.verdict, found.checks);
            return ClaimResult { text, verdict, evidence: is_evidence, checks, varied: Some(found.found) };
        }
        let rule = DecisionRule {
            levels: DecisionLevels::of_claim(claim.checks.len()),
            middle: claim.analysis.middle,
            only_where: &claim.analysis.only_where,
        };
        let of_check =
            |(place, check)| decide(check, evidence.runs, evidence.distances_of((number, place)), rule);
        let checks: Vec<CheckResult> = claim.checks.iter().enumerate().map(of_check).collect();
        let verdict = Verdict::of_all(checks.iter().map(|result| result.verdict));
        ClaimResult { text, verdict, evidence: is_evidence, checks, varied: None }
    });
    judged.collect()
}

/// The result of a check of a claim that is decided by this rule.
fn decide(check: &Check, runs: &[Run], distances: Option<&Distances>, rule: DecisionRule<'_>) -> CheckResult {
    let levels = rule.levels;
    match check {
        Check::Equivalent { a, b, y, factor } => equivalent::decide(runs, (a, b), y, *factor, levels),
        Check::Greater { a, b, y } => greater::decide(runs, a, b, y, rule),
        Check::Trend { of, y, direction, at_least, until } => {
            let hypothesis =
                trend::Hypothesis { y, direction: *direction, at_least: *at_least, until: until.as_deref() };
            trend::decide(runs, of, &hypothesis, levels)
        }
        Check::Correlation { of, x, y, direction, only_if } => {
            let hypothesis =
                correlation::Hypothesis { x, y, direction: *direction, only_if: only_if.as_deref() };
            correlation::decide(runs, of, &hypothesis, rule)
        }
        Check::Within { of, y, low, high } => within::decide(runs, of, y, (*low, *high), rule),
        Check::Best { of, y, best } => best::decide(runs, of, y, *best, rule),
        Check::Together { at_most, .. } => together::decide(distances, *at_most, levels),
        Check::Smooth { of, y, at_most } => smooth::decide(runs, of, y, *at_most, levels),
    }
}
