//! A claim under every combination of the settings of its analysis that it varies.

use std::collections::BTreeMap;

use basin_domain::claim::{Check, Claim, Condition, Middle, Setting};
use serde::Serialize;

use super::check_result::CheckResult;
use super::combination::{self, Choice, Choices};
use super::levels::DecisionLevels;
use super::rule::DecisionRule;
use super::verdict::Verdict;
use super::{Evidence, decide, dependence, reading};
use crate::statistics::{ConfidenceInterval, RunsNeeded};

/// What was found under the settings that a claim varies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct VariedResult {
    /// The names of the settings.
    pub(crate) settings: Vec<String>,
    /// What the verdict depends on; none where all combinations agree.
    pub(crate) depends_on: Option<String>,
    /// The band of each check.
    pub(crate) bands: Vec<Band>,
    /// Every combination, in the order of the file.
    pub(crate) combinations: Vec<CombinationResult>,
}

/// What a check found over all combinations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub(crate) struct Band {
    /// The smallest estimate; none where nothing could be estimated, or where estimates are of different things.
    pub(crate) smallest: Option<f64>,
    /// The largest estimate.
    pub(crate) largest: Option<f64>,
    /// From the lowest end of any interval to the highest.
    pub(crate) interval: Option<ConfidenceInterval>,
}

/// A claim under one combination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CombinationResult {
    /// The value of each setting, in words, in the order of their names.
    pub(crate) values: Vec<String>,
    /// Whether these are the values that the sweep file has without the variation.
    pub(crate) is_own: bool,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// The result of each check.
    pub(crate) checks: Vec<CheckResult>,
}

/// A claim's checks with their verdicts over all combinations, the claim's verdict, and what each combination gave.
pub(super) struct Varied {
    /// The results under the sweep's own settings, each with the verdict that holds under all.
    pub(super) checks: Vec<CheckResult>,
    /// The claim's verdict.
    pub(super) verdict: Verdict,
    /// What the combinations gave.
    pub(super) found: VariedResult,
}

/// Judges a claim, the `number`th of the sweep, under every combination of its settings. A check that has no part in some of
/// them is decided once for all of their values.
pub(super) fn judge(number: usize, claim: &Claim, evidence: &Evidence<'_>) -> Varied {
    let of = |variation| Choices::of(variation, claim, evidence.runs);
    let choices: Vec<Choices<'_>> = claim.analysis.vary.iter().map(of).collect();
    let all = combination::all(&choices);
    let mut known: Vec<BTreeMap<Vec<usize>, CheckResult>> = vec![BTreeMap::new(); claim.checks.len()];
    let mut combinations = Vec::new();
    for places in &all {
        let mut checks = Vec::new();
        for ((place, check), known) in claim.checks.iter().enumerate().zip(&mut known) {
            let chosen: Vec<(usize, &Choice<'_>)> = choices
                .iter()
                .zip(places)
                .filter(|(setting, _)| setting.variation.is_of(check))
                .filter_map(|(setting, &value)| Some((value, setting.values.get(value)?)))
                .collect();
            let key = chosen.iter().map(|(value, _)| *value).collect();
            let found = known.entry(key).or_insert_with(|| {
                let settings: Vec<&Setting> =
                    chosen.iter().filter_map(|(_, choice)| choice.setting).collect();
                decided(claim, check, &settings, (number, place), evidence)
            });
            checks.push(found.clone());
        }
        let values = choices.iter().zip(places).filter_map(|(setting, &value)| setting.values.get(value));
        let is_own = values.clone().all(|choice| choice.is_own);
        let values = values.map(|choice| choice.words.clone()).collect();
        let verdict = Verdict::of_all(checks.iter().map(|check| check.verdict));
        combinations.push(CombinationResult { values, is_own, verdict, checks });
    }
    let agreed = |verdict: &dyn Fn(&CombinationResult) -> Verdict| {
        let verdicts: Vec<(Vec<usize>, Verdict)> =
            all.iter().cloned().zip(combinations.iter().map(verdict)).collect();
        dependence::agreed(&choices, &verdicts)
    };
    let (verdict, depends_on) = agreed(&|combination| combination.verdict);
    let own = combinations.iter().find(|combination| combination.is_own).or(combinations.first());
    let checks: Vec<CheckResult> = own.map_or_else(Vec::new, |own| own.checks.clone());
    let of_check = |(place, check): (usize, CheckResult)| {
        let (verdict, depends_on) = agreed(&|combination| {
            combination.checks.get(place).map_or(Verdict::Undecided, |check| check.verdict)
        });
        let why = depends_on.unwrap_or_else(|| check.why.clone());
        let of_all = combinations.iter().filter_map(|combination| combination.checks.get(place));
        let runs_needed =
            of_all.clone().map(|check| check.runs_needed).reduce(RunsNeeded::max).unwrap_or_default();
        let leans_alike = of_all.clone().all(|other| other.leaning == check.leaning);
        let leaning = if leans_alike { check.leaning } else { Verdict::Undecided };
        CheckResult { verdict, why, runs_needed, leaning, ..check }
    };
    let checks = checks.into_iter().enumerate().map(of_check).collect();
    let bands = claim.checks.iter().enumerate().map(|(place, check)| {
        let found = combinations.iter().filter_map(|combination| combination.checks.get(place));
        let found: Vec<&CheckResult> = found.collect();
        if are_comparable(check, &choices) { Band::of(&found) } else { Band::default() }
    });
    let found = VariedResult {
        settings: choices.iter().map(|setting| setting.variation.name.clone()).collect(),
        depends_on,
        bands: bands.collect(),
        combinations,
    };
    Varied { checks, verdict, found }
}

/// The result of a check with these settings in place of its own; it stands at `at`, the claim's and its own place.
fn decided(
    claim: &Claim,
    check: &Check,
    settings: &[&Setting],
    at: (usize, usize),
    evidence: &Evidence<'_>,
) -> CheckResult {
    let mut check = check.clone();
    let mut only_where: Vec<Condition> = claim.analysis.only_where.clone();
    let mut levels = DecisionLevels::of_claim(claim.checks.len());
    let mut middle = claim.analysis.middle;
    for setting in settings {
        setting.apply(&mut check);
        match setting {
            Setting::Level(level) => levels = levels.at(*level),
            Setting::Middle(chosen) => middle = Some(*chosen),
            Setting::Condition(chosen) => {
                let same = |own: &&mut Condition| own.measure == chosen.measure && own.side == chosen.side;
                only_where.iter_mut().filter(same).for_each(|own| own.bound = chosen.bound);
            }
            Setting::ReadAt(_)
            | Setting::AverageLast(_)
            | Setting::Smoothing(_)
            | Setting::Measure(..)
            | Setting::Bound(..)
            | Setting::Recomputed(..)
            | Setting::Parameter(..) => {}
        }
    }
    let runs = reading::read(evidence.runs, &check, settings, evidence.stored);
    let rule = DecisionRule { levels, middle, only_where: &only_where };
    decide(&check, &runs, evidence.distances_of(at), rule)
}

/// Whether the estimates of all combinations are of one thing and on one scale.
fn are_comparable(check: &Check, choices: &[Choices<'_>]) -> bool {
    let reads_values = check.has_a_middle() || matches!(check, Check::Equivalent { .. });
    let is_of = choices.iter().filter(|setting| setting.variation.is_of(check));
    let mut settings = is_of.flat_map(|setting| &setting.variation.settings);
    !settings.any(|setting| match setting {
        Setting::Measure(..) => reads_values,
        Setting::Middle(Middle::GeometricMean) => !matches!(check, Check::Within { .. }),
        Setting::Middle(Middle::Mean | Middle::Iqm)
        | Setting::Level(_)
        | Setting::ReadAt(_)
        | Setting::AverageLast(_)
        | Setting::Smoothing(_)
        | Setting::Bound(..)
        | Setting::Condition(_)
        | Setting::Recomputed(..)
        | Setting::Parameter(..) => false,
    })
}

impl Band {
    /// The band of these results.
    fn of(found: &[&CheckResult]) -> Self {
        let estimates = || found.iter().filter_map(|check| check.estimate);
        let intervals = found.iter().filter_map(|check| check.interval);
        Self {
            smallest: estimates().reduce(f64::min),
            largest: estimates().reduce(f64::max),
            interval: intervals.reduce(|all, one| ConfidenceInterval {
                low: all.low.min(one.low),
                high: all.high.max(one.high),
            }),
        }
    }
}
