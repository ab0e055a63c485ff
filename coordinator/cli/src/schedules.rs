//! The learning rates that a sweep's runs will have, step by step, as `basin plan` shows them.

use std::collections::{BTreeMap, BTreeSet};

use basin_coordinator::launch::PreparedSweep;
use basin_domain::experiment::{Experiment, TrainingClock};
use basin_domain::optimizer::Optimizer;
use basin_domain::schedule::LearningRateSchedule;
use basin_domain::task::Task;
use basin_domain::value::Value;
use serde_json::json;

/// The most points whose schedules are told.
const MOST_SCHEDULES: usize = 200;

/// The most steps of a schedule that are told.
const MOST_STEPS: u64 = 101;

/// The schedule of a point of an experiment.
pub(super) struct PlannedSchedule<'a> {
    experiment: &'a str,
    point: &'a BTreeMap<String, Value>,
    schedule: &'a LearningRateSchedule,
    learning_rate: f64,
    clock: TrainingClock,
}

/// The schedules of distinct points.
pub(super) struct PlannedSchedules<'a> {
    schedules: Vec<PlannedSchedule<'a>>,
    /// Further points whose schedules aren't told.
    left_out: usize,
}

impl<'a> PlannedSchedules<'a> {
    /// The schedules of the points that train batch by batch, where the number of training examples is known.
    pub(super) fn of(prepared: &'a PreparedSweep) -> Self {
        let mut met = BTreeSet::new();
        let distinct = prepared.plan.runs().filter(|task| met.insert((&task.experiment, task.spec.shape())));
        let mut schedules: Vec<_> = distinct.filter_map(|task| planned(prepared, task)).collect();
        let left_out = schedules.len().saturating_sub(MOST_SCHEDULES);
        schedules.truncate(MOST_SCHEDULES);
        Self { schedules, left_out }
    }

    /// For programs: steps with the learning rate of each.
    pub(super) fn json(&self) -> serde_json::Value {
        let value = |it: &PlannedSchedule<'_>| {
            let points = it.points(if it.schedule.is_constant() { 2 } else { MOST_STEPS });
            json!({ "experiment": it.experiment, "point": it.point, "schedule": it.schedule.shape.name(),
                "steps": it.clock.steps(), "steps_an_epoch": it.clock.steps_an_epoch(), "learning_rate": points })
        };
        self.schedules.iter().map(value).collect()
    }

    /// How many points' schedules aren't told.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// For people: a line for each of those that aren't constant, the same words once an experiment.
    pub(super) fn text(&self) -> String {
        let mut told = BTreeSet::new();
        let lines = self.schedules.iter().filter(|it| !it.schedule.is_constant()).map(PlannedSchedule::line);
        lines.filter(|line| told.insert(line.clone())).map(|line| format!("\n{line}")).collect()
    }
}

impl PlannedSchedule<'_> {
    fn points(&self, most: u64) -> Vec<(u64, f64)> {
        let points = self.schedule.points(self.clock.steps(), self.clock.steps_an_epoch(), most);
        points.into_iter().map(|(step, factor)| (step, self.learning_rate * factor)).collect()
    }

    /// `images: cosine over 7820 steps, learning rate 0.0002 at first, 0.1 at most, 0.001 at last`
    fn line(&self) -> String {
        let points = self.points(MOST_STEPS);
        let rate = |point: Option<&(u64, f64)>| significant(point.map_or(0.0, |point| point.1));
        let most = points.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let warmup = if self.schedule.warmup.is_some() { " after a warm-up" } else { "" };
        format!(
            "{}: {}{warmup} over {} steps, learning rate {} at first, {} at most, {} at last",
            self.experiment,
            self.schedule.shape.name(),
            self.clock.steps(),
            rate(points.first()),
            rate(most),
            rate(points.last())
        )
    }
}

/// A number with four digits.
fn significant(number: f64) -> String {
    let rounded: f64 = format!("{number:.3e}").parse().unwrap_or(number);
    if (1e-4..1e6).contains(&rounded.abs()) || rounded == 0.0 {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

fn planned<'a>(prepared: &'a PreparedSweep, task: &'a Task) -> Option<PlannedSchedule<'a>> {
    let experiment = &task.spec.experiment;
    let sizes = task.spec.data.as_ref().and_then(|data| prepared.examples.get(&data.digest).copied());
    Some(PlannedSchedule {
        experiment: task.experiment.as_str(),
        point: &task.point,
        schedule: experiment.schedule()?,
        learning_rate: optimizer(experiment)?.learning_rate(),
        clock: experiment.clock(sizes)?,
    })
}

const fn optimizer(experiment: &Experiment) -> Option<&Optimizer> {
    match experiment {
        Experiment::FitFunction(it) => Some(&it.training.optimizer),
        Experiment::Classify(it) => Some(&it.training.optimizer),
        Experiment::Regress(it) => Some(&it.training.optimizer),
        Experiment::CriticalPoint(_)
        | Experiment::Interpolate(_)
        | Experiment::Surface(_)
        | Experiment::Command(_)
        | Experiment::Custom(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::significant;

    #[test]
    fn learning_rates_have_four_digits() {
        for (number, text) in [
            (0.1, "0.1"),
            (0.0001234567, "0.0001235"),
            (4e-7, "4e-7"),
            (1.0 / 3.0 * 1e-5, "3.333e-6"),
            (0.0, "0"),
            (2.0, "2"),
        ] {
            assert_eq!(significant(number), text);
        }
    }
}
