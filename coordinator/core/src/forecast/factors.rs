//! How much longer tasks take than was expected.

use super::work_tally::WorkTally;

/// Own measurements count against what is known of other experiments as if so many tasks had confirmed that: a task says more of its like
/// than all others do.
const PRIOR_TASKS: f64 = 0.25;
/// The weight of the expectation in what is known of all, where it was measured on these workers: half a task's.
const PRIOR_EXPERIMENTS: f64 = 0.5;
/// Less than this share of a task says nothing yet.
const LEAST_EVIDENCE: f64 = 0.05;
/// How far the factor of an experiment is usually from what others let expect, as a share of it: where the expectation was measured on
/// these workers, and elsewhere.
const USUAL_SPREAD: [f64; 2] = [0.25, 0.5];
/// The spread that remains however much was seen.
const LEAST_SPREAD: f64 = 0.05;

/// The seconds that a unit of an experiment's expected work takes, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factor {
    pub(super) value: f64,
    /// A standard deviation, as a share of the value.
    pub(super) spread: f64,
}

/// What was measured of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Measured {
    /// The seconds that slots were taken for it.
    pub(super) seconds: f64,
    /// The amount that was done meanwhile.
    pub(super) amount: f64,
}

impl WorkTally {
    /// What was measured, by experiment.
    pub(super) fn measured(&self) -> Vec<Measured> {
        let mut measured = vec![Measured::default(); self.experiments.len()];
        for lease in self.leases.values() {
            measured[lease.experiment].seconds += (lease.until - lease.started).as_secs_f64();
            measured[lease.experiment].amount += lease.amount;
        }
        measured
    }

    /// The factor of each experiment; none of one of which nothing is known, and too little was seen.
    ///
    /// An experiment's own measurements count as soon as there are any. What they leave open is taken from the others: the geometric mean of
    /// their factors, in which no experiment has more than one voice, so that many short tasks of one don't decide for all.
    pub(super) fn factors(&self, is_of_these_workers: bool) -> Vec<Option<Factor>> {
        let measured = self.measured();
        // In tasks of the experiment.
        let evidence: Vec<f64> = self
            .experiments
            .iter()
            .zip(&measured)
            .map(|(experiment, measured)| measured.amount / experiment.mean())
            .collect();
        let says_something = |at: usize| {
            evidence[at] >= LEAST_EVIDENCE && measured[at].seconds > 0.0 && measured[at].amount > 0.0
        };
        let (mut voices, mut sum) = if is_of_these_workers { (PRIOR_EXPERIMENTS, 0.0) } else { (0.0, 0.0) };
        for (at, experiment) in self.experiments.iter().enumerate() {
            if !experiment.is_relative && says_something(at) {
                let voice = evidence[at].min(1.0);
                voices += voice;
                sum += voice * (measured[at].seconds / measured[at].amount).ln();
            }
        }
        let of_all = (voices > 0.0).then(|| (sum / voices).exp());
        let usual = USUAL_SPREAD[usize::from(!is_of_these_workers)];
        let factor = |at: usize| {
            let experiment = &self.experiments[at];
            let own = says_something(at).then(|| measured[at].seconds / measured[at].amount);
            let from_others = of_all.filter(|_| !experiment.is_relative).or(own)?;
            let prior = PRIOR_TASKS * experiment.mean();
            let Measured { seconds, amount } = if own.is_some() { measured[at] } else { Measured::default() };
            let value = (seconds + prior * from_others) / (amount + prior);
            let seen = if own.is_some() { evidence[at] } else { 0.0 };
            let spread = usual / (1.0 + seen / PRIOR_TASKS).sqrt();
            Some(Factor { value, spread: spread.max(LEAST_SPREAD) })
        };
        (0..self.experiments.len()).map(factor).collect()
    }
}
