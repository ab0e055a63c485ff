//! What a check found.

use serde::Serialize;

use super::verdict::Verdict;

/// What a check measured, and what follows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// What was measured, in words, with the numbers.
    pub(crate) measured: String,
    /// What was estimated; none where nothing could be.
    pub(crate) estimate: Option<f64>,
    /// Its interval, lower end first.
    pub(crate) interval: Option<(f64, f64)>,
    /// How many runs it rests on; two numbers where two samples are compared.
    pub(crate) n: Vec<usize>,
    /// The runs that it doesn't rest on, in words: `1 diverged, 2 missing`.
    pub(crate) left_out: String,
    /// What follows.
    pub(crate) verdict: Verdict,
    /// Why nothing follows; empty where something does.
    pub(crate) why: String,
}

impl Finding {
    /// What follows from an estimate and its interval; undecided without one.
    pub(super) fn new(
        measured: String,
        estimate: f64,
        interval: Option<(f64, f64)>,
        verdict: impl Fn((f64, f64)) -> Verdict,
    ) -> Self {
        let interval = interval.filter(|(low, high)| low.is_finite() && high.is_finite());
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

    /// The finding with the numbers of its runs, and with those that it doesn't rest on.
    pub(super) fn of_runs(mut self, n: &[usize], left_out: String) -> Self {
        self.n = n.to_vec();
        self.left_out = left_out;
        let fewest = n.iter().copied().min().unwrap_or(0);
        if self.why == NO_INTERVAL && fewest < TOO_FEW {
            self.why = format!("{fewest} runs are too few: it takes {TOO_FEW}");
            if fewest == 1 {
                self.why = format!("1 run is too few: it takes {TOO_FEW}");
            }
        }
        self
    }

    /// The numbers of runs in words: `5`, `5 and 4`.
    pub(crate) fn runs(&self) -> String {
        self.n.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ")
    }
}

/// The fewest runs that decide anything.
pub(super) const TOO_FEW: usize = crate::report::statistics::FEWEST;

/// Why nothing follows without an interval, where no better reason is known.
const NO_INTERVAL: &str = "there is no interval";
