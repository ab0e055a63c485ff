//! The forecast: the share that is done, and the time that is left.

use super::expected_work::ExpectedWork;
use super::factors::{Factor, Measured};
use super::makespan::{OpenTask, makespan};
use super::work_tally::{ExperimentTally, WorkTally};

/// While anything is to come, no more than this share is done.
const MOST_DONE: f64 = 0.999;

/// What is left of a sweep, as far as it can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The share of the work that is done: below 1 as long as anything is to come.
    pub done_share: f64,
    /// The time until nothing more happens by itself; none where too little was seen, or the sweep doesn't go on.
    pub left: Option<TimeLeft>,
    /// The experiments, in the order of the sweep.
    pub experiments: Vec<ExperimentForecast>,
}

/// Seconds that are left, within a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeLeft {
    /// The likeliest.
    pub seconds: f64,
    /// The lower end: about one in six ends sooner.
    pub least: f64,
    /// The upper end.
    pub most: f64,
}

/// The work of an experiment, in seconds of one slot.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentForecast {
    /// Its name.
    pub name: String,
    /// Of all of its tasks.
    pub work: f64,
    /// Of those that are settled, and of the done parts of those that run.
    pub done: f64,
    /// What was measured, if anything was and the expectation is of seconds.
    pub measured: Option<MeasuredWork>,
}

/// Work that was measured, in seconds of one slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredWork {
    /// What it took.
    pub seconds: f64,
    /// What it was expected to take.
    pub expected: f64,
}

impl WorkTally {
    /// The forecast, if so many slots work on it, and it goes on: it isn't paused or cancelled.
    pub fn forecast(&self, expected: &ExpectedWork, slots: Option<u32>, goes_on: bool) -> Forecast {
        let factors = self.factors(expected.is_of_these_workers);
        let experiments = self.experiment_forecasts(&factors);
        let (all, done) =
            experiments.iter().fold((0.0, 0.0), |(all, done), it| (all + it.work, done + it.done));
        if self.open.is_empty() {
            let left = Some(TimeLeft { seconds: 0.0, least: 0.0, most: 0.0 });
            return Forecast { done_share: 1.0, left, experiments };
        }
        let done_share = (done / all).clamp(0.0, MOST_DONE);
        let left = slots.filter(|slots| *slots > 0 && goes_on).and_then(|slots| self.left(&factors, slots));
        Forecast { done_share, left, experiments }
    }

    fn experiment_forecasts(&self, factors: &[Option<Factor>]) -> Vec<ExperimentForecast> {
        let of_one = |((tally, factor), measured): ((&ExperimentTally, &Option<Factor>), Measured)| {
            // Of what nothing is known a task counts as a second.
            let value = factor.map_or(1.0, |factor| factor.value);
            let Measured { seconds, amount } = measured;
            let measured = MeasuredWork { seconds, expected: amount };
            ExperimentForecast {
                name: tally.name.clone(),
                work: tally.all * value,
                done: tally.done * value,
                measured: (seconds > 0.0 && amount > 0.0 && !tally.is_relative).then_some(measured),
            }
        };
        self.experiments.iter().zip(factors).zip(self.measured()).map(of_one).collect()
    }

    fn left(&self, factors: &[Option<Factor>], slots: u32) -> Option<TimeLeft> {
        let mut tasks = Vec::with_capacity(self.open.len());
        // The seconds that are uncertain: experiments are wrong together, when all are wrong in the same way.
        let (mut all, mut uncertain) = (0.0, 0.0);
        for open in &self.open {
            let Factor { value, spread } = factors[open.experiment]?;
            let seconds = open.amount * value;
            all += seconds;
            uncertain += seconds * spread;
            tasks.push(OpenTask { id: open.id, seconds, inputs: open.inputs.clone() });
        }
        // What runs went on since its progress was told.
        let lag = self.lag.0 / f64::from(self.lag.1.max(1));
        let seconds = (makespan(&tasks, slots) - lag).max(0.0);
        let spread = if all > 0.0 { uncertain / all } else { 0.0 };
        Some(TimeLeft { seconds, least: seconds * (1.0 - spread).max(0.0), most: seconds * (1.0 + spread) })
    }
}
