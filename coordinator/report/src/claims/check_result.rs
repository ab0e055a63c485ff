//! The result of a check.

use serde::Serialize;

use super::verdict::Verdict;
use crate::exclusions::Exclusions;
use crate::statistics::ConfidenceInterval;
use basin_charts::number;

/// A check's measurement, and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CheckResult {
    /// The measurement in words, with the numbers.
    pub(crate) measured: String,
    /// The estimate; none where nothing could be estimated.
    pub(crate) estimate: Option<f64>,
    /// Its interval.
    pub(crate) interval: Option<ConfidenceInterval>,
    /// How many runs it rests on; two numbers where two samples are compared.
    pub(crate) n: Vec<usize>,
    /// The runs that it doesn't rest on, in words: `1 diverged, 2 missing`.
    pub(crate) left_out: String,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Why nothing follows; empty where something does.
    pub(crate) why: String,
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
    /// The result that follows from an estimate and its interval; undecided without one.
    pub(super) fn new(
        measured: String,
        estimate: f64,
        interval: Option<ConfidenceInterval>,
        verdict: impl Fn(ConfidenceInterval) -> Verdict,
    ) -> Self {
        let interval = interval.filter(|interval| interval.low.is_finite() && interval.high.is_finite());
        let verdict = interval.map_or(Verdict::Undecided, verdict);
        let why = match (interval, verdict) {
            (None, _) => NO_INTERVAL,
            (Some(_), Verdict::Undecided) => "the interval reaches over the bound",
            (Some(_), Verdict::Holds | Verdict::DoesntHold) => "",
        };
        Self {
            measured,
            estimate: Some(estimate).filter(|estimate| estimate.is_finite()),
            interval,
            n: Vec::new(),
            left_out: String::new(),
            verdict,
            why: why.to_owned(),
        }
    }

    /// Nothing follows, for this reason.
    pub(super) fn undecided(measured: String, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..Self::new(measured, f64::NAN, None, |_| Verdict::Undecided) }
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

    /// The numbers of runs in words: `5`, `5 and 4`.
    pub(crate) fn runs(&self) -> String {
        self.n.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ")
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

/// A number in the sentence of a finding.
pub(super) fn formatted(value: f64) -> String {
    if value.is_nan() { "not defined".to_owned() } else { number::significant(value) }
}

/// The fewest runs that decide anything.
pub(super) const MIN_RUNS: usize = crate::statistics::MIN_RUNS;

/// Why nothing follows without an interval, where no better reason is known.
const NO_INTERVAL: &str = "there is no interval";
