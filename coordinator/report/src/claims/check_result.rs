//! The result of a check.

use serde::Serialize;

use super::levels::DecisionLevels;
use super::middle;
use super::requirement::Requirement;
use super::verdict::Verdict;
use crate::exclusions::Exclusions;
use crate::statistics::{
    Center, ConfidenceInterval, Design, Improvement, MOST_RUNS, RunsNeeded, fewest_of_bootstrap, runs_needed,
};
use basin_charts::number;

/// A check's measurement, and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CheckResult {
    /// The measurement in words, with the numbers.
    pub(crate) measured: String,
    /// The estimate; none where nothing could be estimated.
    pub(crate) estimate: Option<f64>,
    /// Its interval, by which the check is decided: over seeds, for the examples that the runs were measured on.
    pub(crate) interval: Option<ConfidenceInterval>,
    /// The level of the interval.
    pub(crate) level: f64,
    /// The interval at the same level that has the error by the choice of the test examples, too, where that is known.
    pub(crate) over_test_examples: Option<ConfidenceInterval>,
    /// How many runs it rests on; two numbers where two samples are compared.
    pub(crate) n: Vec<usize>,
    /// How many points these runs are of, where points and not runs are what is independent.
    pub(crate) points: Option<usize>,
    /// The runs that it doesn't rest on, in words: `1 diverged, 2 missing`.
    pub(crate) left_out: String,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Why nothing follows; empty where something does.
    pub(crate) why: String,
    /// What to bear in mind beside the verdict, a sentence each without its full stop.
    pub(crate) cautions: Vec<String>,
    /// The probability that a run of the first sample, or of the point that should be best, is better than one of the other;
    /// where two are compared.
    pub(crate) probability_of_improvement: Option<Improvement>,
    /// How many runs would tell in four of five sweeps, if the estimate is right; points, where points are what is independent.
    pub(crate) runs_needed: RunsNeeded,
    /// The verdict that the estimate alone would give, were it certain.
    #[serde(skip)]
    pub(crate) leaning: Verdict,
}

/// An estimate on the scale on which it is decided.
pub(super) struct Estimate<F> {
    /// The estimate.
    pub(super) value: f64,
    /// Its interval at a level; none where there are too few runs.
    pub(super) interval_at: F,
    /// The scale: files and people have numbers that were taken back from it.
    pub(super) center: Center,
    /// How the runs stand to each other, if it is known what more of them would bring.
    pub(super) design: Option<Design>,
}

/// The runs that a finding rests on, and those that it doesn't.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SampleSummary {
    /// How many it rests on.
    pub(super) n: usize,
    /// How many of the runs in question it doesn't rest on, by the reason.
    pub(super) left_out: Exclusions,
    /// Those of them that are one run, in sentences.
    pub(super) duplicates: Vec<String>,
}

impl SampleSummary {
    fn words(&self) -> String {
        let left_out = Some(self.left_out.words()).filter(|words| !words.is_empty());
        left_out.into_iter().chain(self.duplicates.iter().cloned()).collect::<Vec<_>>().join(", ")
    }

    /// Why the statistic isn't that of all runs in question, if it isn't.
    fn gap(&self) -> Option<String> {
        let undefined = self.left_out.undefined();
        let (without, of) = (undefined.count(), self.n + undefined.count());
        let have = if without == 1 { "has" } else { "have" };
        (without > 0).then(|| format!("{without} of {of} runs {have} no value: {}", undefined.words()))
    }
}

impl CheckResult {
    /// The result that follows from an estimate: it holds by its interval at one level, and is refused by that at another
    /// (see [`DecisionLevels`]). The interval shown is the one that decided. Undecided where there is none.
    pub(super) fn decided<F: Fn(f64) -> Option<ConfidenceInterval>>(
        measured: String,
        estimate: &Estimate<F>,
        levels: DecisionLevels,
        requirement: Requirement,
    ) -> Self {
        let at = |level| {
            (estimate.interval_at)(level).filter(|found| found.low.is_finite() && found.high.is_finite())
        };
        let usual = at(levels.to_hold());
        let verdict = usual.map(|interval| requirement.verdict(interval));
        let (level, interval) = match verdict {
            Some(Verdict::DoesntHold) => (levels.to_refuse(), at(levels.to_refuse())),
            Some(Verdict::Holds | Verdict::Undecided) | None => (levels.to_hold(), usual),
        };
        let verdict = interval.map_or(Verdict::Undecided, |interval| requirement.verdict(interval));
        let leaning = requirement.verdict(ConfidenceInterval::around(estimate.value, 0.0));
        let to_tell = levels.to_show(leaning);
        let needed = estimate.design.and_then(|design| {
            let interval = if to_tell == levels.to_hold() { usual } else { at(to_tell) }?;
            let half = (interval.high - interval.low) / 2.0;
            Some(runs_needed(design, half, requirement.distance(estimate.value), to_tell))
        });
        let needed = needed.unwrap_or_default();
        let why = match (interval, verdict) {
            (None, _) => match estimate.center {
                Center::InterquartileMean { .. } => format!(
                    "an interquartile mean takes {} runs for an interval at {}",
                    fewest_of_bootstrap(level),
                    percent(level)
                ),
                Center::Mean | Center::GeometricMean => NO_INTERVAL.to_owned(),
            },
            (Some(_), Verdict::Undecided) => reaches_over(levels, level) + &in_runs(needed),
            (Some(_), Verdict::Holds | Verdict::DoesntHold) => String::new(),
        };
        let value = middle::unscaled(estimate.center, estimate.value);
        Self {
            measured,
            estimate: Some(value).filter(|value| value.is_finite()),
            interval: interval.map(|interval| middle::unscaled_interval(estimate.center, interval)),
            level,
            over_test_examples: None,
            n: Vec::new(),
            points: None,
            left_out: String::new(),
            verdict,
            why,
            cautions: Vec::new(),
            probability_of_improvement: None,
            runs_needed: needed,
            leaning,
        }
    }

    /// Nothing follows, for this reason.
    pub(super) fn undecided(measured: String, why: impl Into<String>) -> Self {
        let nothing = Estimate { value: f64::NAN, interval_at: |_| None, center: Center::Mean, design: None };
        let result = Self::decided(measured, &nothing, DecisionLevels::of_claim(1), Requirement::Above(0.0));
        Self { why: why.into(), ..result }
    }

    /// Nothing follows of no run.
    pub(super) fn of_no_runs(measured: String) -> Self {
        Self::undecided(measured, NO_INTERVAL)
    }

    /// The finding with the numbers of its runs, and with those that it doesn't rest on. If there are runs in question
    /// that the statistic isn't defined for, it is undecided: leaving them out would be a choice of runs by their result.
    pub(super) fn over_samples(mut self, bases: &[SampleSummary]) -> Self {
        self.n = bases.iter().map(|basis| basis.n).collect();
        self.left_out =
            joined(bases.iter().map(|basis| Some(basis.words()).filter(|words| !words.is_empty())));
        let gaps = || bases.iter().map(SampleSummary::gap);
        let fewest = self.n.iter().copied().min().unwrap_or(0);
        if gaps().any(|gap| gap.is_some()) {
            self.verdict = Verdict::Undecided;
            self.why = joined(gaps());
        } else if self.why == NO_INTERVAL && fewest < MIN_RUNS {
            self.why = format!("{fewest} runs are too few: it takes {MIN_RUNS}");
            if fewest == 1 {
                self.why = format!("1 run is too few: it takes {MIN_RUNS}");
            }
        }
        self
    }

    /// The same with more to bear in mind.
    pub(super) fn with_cautions(mut self, cautions: impl IntoIterator<Item = String>) -> Self {
        self.cautions.extend(cautions);
        self
    }

    /// Whether the check decided anything.
    pub(super) const fn is_decided(&self) -> bool {
        !matches!(self.verdict, Verdict::Undecided)
    }

    /// The numbers of runs in words: `5`, `5 and 4`.
    pub(crate) fn runs(&self) -> String {
        self.n.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ")
    }

    /// The level in words: `97.50 %`.
    pub(crate) fn level_in_words(&self) -> String {
        percent(self.level)
    }
}

/// The sentences on one sample, or on the first and the second one.
fn joined(of: impl Iterator<Item = Option<String>>) -> String {
    let of: Vec<Option<String>> = of.collect();
    let several = of.len() > 1;
    let said = of.into_iter().zip(["of the first: ", "of the second: "]).filter_map(|(text, which)| {
        let text = text?;
        Some(if several { format!("{which}{text}") } else { text })
    });
    said.collect::<Vec<_>>().join("; ")
}

/// That an interval decides nothing, in words, with its level where that isn't the usual one.
fn reaches_over(levels: DecisionLevels, level: f64) -> String {
    if level == levels.to_hold() {
        return "the interval reaches over the bound".to_owned();
    }
    let ways = levels.ways();
    format!(
        "the interval at {} reaches over the bound: the claim could be refused in {ways} ways",
        percent(level)
    )
}

/// How many runs it would take, in words.
fn in_runs(needed: RunsNeeded) -> String {
    match needed {
        RunsNeeded::Runs(runs) => format!("; if the estimate is right, it takes about {runs} runs to tell"),
        RunsNeeded::TooMany => format!(
            "; if the estimate is right, it takes more than {} runs to tell",
            number::whole(MOST_RUNS as i64)
        ),
        RunsNeeded::Unknown => String::new(),
    }
}

/// A level in words: `95 %`.
pub(super) fn percent(level: f64) -> String {
    format!("{} %", formatted(100.0 * level))
}

/// A number in the sentence of a finding.
pub(super) fn formatted(value: f64) -> String {
    if value.is_nan() { "not defined".to_owned() } else { number::significant(value) }
}

/// The fewest runs that decide anything.
pub(super) const MIN_RUNS: usize = crate::statistics::MIN_RUNS;

/// Why nothing follows without an interval, where no better reason is known.
pub(super) const NO_INTERVAL: &str = "there is no interval";
