//! What a run that trains batch by batch costs, and how much of that is done wherever it stands.

use super::probe_work::probe_work;
use super::{NetworkWork, WorkSeconds};
use crate::data::SplitSizes;
use crate::experiment::{DueSteps, Interval, Probe, TrainingClock, TrainingSettings};

/// Seconds a weight that is kept: copied, and in the end digested and written.
const KEPT_WEIGHT: f64 = 5e-9;

/// The work of a run that trains batch by batch: an evaluation, steps with what is recorded and probed between them, the last evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingWork {
    /// The step that it begins with.
    first: u64,
    /// The step that it ends with.
    last: u64,
    records: DueSteps,
    probes: Option<DueSteps>,
    keeps: Option<DueSteps>,
    /// The evaluation before the first step.
    before: WorkSeconds,
    /// A step, in the mean.
    step: WorkSeconds,
    /// The evaluations of a recorded point.
    recorded: WorkSeconds,
    /// Weights that are kept.
    kept: WorkSeconds,
    /// Each probe, and whether it measures at the end alone.
    each_probe: Vec<(WorkSeconds, bool)>,
    /// The evaluation after everything else.
    after: WorkSeconds,
}

/// What a run still has to do at the step where it stands, before the next one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepRest {
    /// Nothing.
    Nothing,
    /// Evaluations, of which this share is done, and the probes that are due.
    Evaluations {
        /// From 0 to 1.
        done: f64,
    },
    /// The probes from this one on that are due.
    Probes {
        /// The place of the probe under way.
        index: usize,
        /// The share of it that is done, from 0 to 1.
        done: f64,
    },
    /// The evaluation after everything else, of which this share is done.
    LastEvaluation {
        /// From 0 to 1.
        done: f64,
    },
}

impl TrainingWork {
    /// The work of a run with these settings and this clock, over so many examples. `evaluates_training`: the training loss of a recorded
    /// point is evaluated; otherwise it is the mean over the steps, and evaluated at the beginning and at the end.
    pub fn new(
        network: &NetworkWork,
        settings: &TrainingSettings,
        clock: TrainingClock,
        examples: SplitSizes,
        evaluates_training: bool,
    ) -> Self {
        let due = |interval: Interval| interval.due(&clock);
        let (train, test) =
            (network.evaluation(examples.train as f64), network.evaluation(examples.test as f64));
        let average = match settings.optimizer.average {
            None => WorkSeconds::default(),
            Some(_) if examples.test > 0 => test,
            Some(_) => train,
        };
        let batch = examples.train as f64 / clock.steps_an_epoch().max(1) as f64;
        let probe = |probe: &Probe| (probe_work(probe, network, examples), probe.is_at_the_end());
        let kept = network.parameters() * KEPT_WEIGHT;
        let nothing = WorkSeconds::default();
        let (at_points, after) = if evaluates_training { (train, nothing) } else { (nothing, train) };
        Self {
            first: settings.first_step().min(clock.steps()),
            last: clock.steps(),
            records: due(settings.record.every),
            probes: settings.probes.every.map(due),
            keeps: settings.record.weights_every.map(due),
            before: train + test + average,
            step: network.step(batch, &settings.optimizer),
            recorded: at_points + test + average,
            kept: WorkSeconds { elements: kept, ..WorkSeconds::default() },
            each_probe: settings.probes.probes.iter().map(probe).collect(),
            after,
        }
    }

    /// All of it.
    pub fn total(&self) -> WorkSeconds {
        self.done(self.last, StepRest::Nothing)
    }

    /// What is done after so many steps, where this is left before the next one.
    pub fn done(&self, step: u64, rest: StepRest) -> WorkSeconds {
        let step = step.max(self.first).min(self.last);
        // Both ends are recorded: the beginning is counted by itself, and the end if it isn't due anyway.
        let is_unlisted_end = step == self.last && step > self.first && !self.records.contains(step);
        let records = self.records.times_between(self.first, step).saturating_add(u64::from(is_unlisted_end));
        let times = |due: &Option<DueSteps>, until: u64| match due {
            None => 0,
            Some(due) => {
                due.times_between(self.first, until).saturating_add(u64::from(due.contains(self.first)))
            }
        };
        // At the end all probes measure, at other steps those that may.
        let before_the_end = times(&self.probes, step.min(self.last.saturating_sub(1)));
        let rounds = if step > self.first || step < self.last { before_the_end } else { 0 };
        let mut done = self.before
            + self.step * ((step - self.first) as f64)
            + self.recorded * (records as f64)
            + self.kept * (times(&self.keeps, step) as f64)
            + self.probes_from(0, false) * (rounds as f64);
        if step == self.last {
            done += self.probes_from(0, true) + self.after;
        }
        done - self.left(step, rest)
    }

    /// The share of it that is done there.
    pub fn share(&self, step: u64, rest: StepRest) -> f64 {
        let share = self.done(step, rest).total() / self.total().total();
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// What is left at a step, of what belongs to it.
    fn left(&self, step: u64, rest: StepRest) -> WorkSeconds {
        let is_last = step == self.last;
        let after = if is_last { self.after } else { WorkSeconds::default() };
        let is_due = is_last || self.probes.as_ref().is_some_and(|due| due.contains(step));
        let probes_from = |index: usize| match is_due {
            true => self.probes_from(index, is_last),
            false => WorkSeconds::default(),
        };
        match rest {
            StepRest::Nothing => WorkSeconds::default(),
            StepRest::Evaluations { done } => {
                let evaluations = if step == self.first { self.before } else { self.recorded };
                evaluations * (1.0 - done) + probes_from(0) + after
            }
            StepRest::Probes { index, done } => {
                let under_way = self.each_probe.get(index).map_or_else(WorkSeconds::default, |probe| probe.0);
                under_way * (1.0 - done) + probes_from(index + 1) + after
            }
            StepRest::LastEvaluation { done } => self.after * (1.0 - done),
        }
    }

    /// The probes from this one on; those that measure at the end alone only `at_the_end`.
    fn probes_from(&self, index: usize, at_the_end: bool) -> WorkSeconds {
        let probes = self.each_probe.iter().skip(index);
        probes.filter(|(_, only_at_the_end)| at_the_end || !only_at_the_end).map(|(work, _)| *work).sum()
    }
}
