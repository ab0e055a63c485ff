//! How often something happens in training: every so many epochs or steps, or at logarithmically spaced steps.

use serde::{Deserialize, Serialize};

use super::TrainingClock;

/// How often something happens. In JSON a number is of epochs; the others are `{"steps":100}` and `{"log_steps":20}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Interval {
    /// Every so many epochs, at least 1.
    Epochs(u32),
    /// Every so many steps.
    Steps {
        /// At least 1.
        steps: u64,
    },
    /// At so many steps whose logarithms lie evenly from the first to the last step; those that fall on one step are one.
    LogSteps {
        /// At least 1: then the last step alone.
        log_steps: u32,
    },
}

impl Default for Interval {
    /// Every epoch.
    fn default() -> Self {
        Self::Epochs(1)
    }
}

impl Interval {
    /// The most logarithmically spaced steps.
    pub const MOST_LOG_STEPS: u32 = 10_000;

    /// Whether it is the interval where none is given: every epoch.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it counts steps, so that what happens is named by its step.
    pub const fn counts_steps(self) -> bool {
        match self {
            Self::Epochs(_) => false,
            Self::Steps { .. } | Self::LogSteps { .. } => true,
        }
    }

    /// Whether it is no interval: every zero epochs or steps.
    pub const fn is_empty(self) -> bool {
        match self {
            Self::Epochs(every) => every == 0,
            Self::Steps { steps } => steps == 0,
            Self::LogSteps { log_steps } => log_steps == 0,
        }
    }

    /// The steps after which it is due, of a run with this clock.
    pub fn due(self, clock: &TrainingClock) -> DueSteps {
        match self {
            Self::Epochs(every) => DueSteps::Every(clock.steps_an_epoch().saturating_mul(u64::from(every))),
            Self::Steps { steps } => DueSteps::Every(steps),
            Self::LogSteps { log_steps } => DueSteps::Listed(logarithmic(log_steps, clock.steps())),
        }
    }

    /// How often it is due before the end of training, the beginning included, where the file alone tells: not for steps against
    /// epochs.
    pub fn times_before_the_end(self, budget: super::TrainingTime) -> Option<u64> {
        use super::TrainingTime::{Epochs, Steps};
        match (self, budget) {
            _ if self.is_empty() => None,
            (Self::Epochs(every), Epochs(epochs)) => Some(u64::from(epochs.div_ceil(every))),
            (Self::Steps { steps: every }, Steps(steps)) => Some(steps.div_ceil(every)),
            (Self::LogSteps { log_steps }, Steps(steps)) => {
                let listed = logarithmic(log_steps, steps);
                Some(1 + listed.iter().filter(|step| **step < steps).count() as u64)
            }
            (Self::LogSteps { .. } | Self::Steps { .. }, Epochs(_)) | (Self::Epochs(_), Steps(_)) => None,
        }
    }
}

/// The steps after which something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueSteps {
    /// At the beginning and every so many steps.
    Every(u64),
    /// At the beginning and after these steps, in ascending order.
    Listed(Vec<u64>),
    /// After these steps alone, in ascending order.
    Only(Vec<u64>),
}

impl DueSteps {
    /// Whether it is due after so many steps.
    pub fn contains(&self, step: u64) -> bool {
        match self {
            Self::Every(every) => step.is_multiple_of(*every),
            Self::Listed(steps) => step == 0 || steps.binary_search(&step).is_ok(),
            Self::Only(steps) => steps.binary_search(&step).is_ok(),
        }
    }

    /// How often it is due after step `first`, up to step `last`.
    pub fn times_between(&self, first: u64, last: u64) -> u64 {
        let until = |step: u64| match self {
            Self::Every(every) => step / every.max(&1),
            Self::Listed(steps) | Self::Only(steps) => steps.partition_point(|listed| *listed <= step) as u64,
        };
        until(last).saturating_sub(until(first))
    }

    /// The last step at which it was due before `step`, which isn't 0; 0 if there was none.
    pub fn last_before(&self, step: u64) -> u64 {
        let before = step.saturating_sub(1);
        match self {
            Self::Every(every) => before - before % every.max(&1),
            Self::Listed(steps) | Self::Only(steps) => {
                let passed = steps.partition_point(|listed| *listed <= before);
                passed.checked_sub(1).map_or(0, |index| steps[index])
            }
        }
    }
}

/// So many steps from 1 to `last` whose logarithms lie evenly, each rounded to the nearest; the last alone if one is asked for.
fn logarithmic(count: u32, last: u64) -> Vec<u64> {
    if last == 0 {
        return Vec::new();
    }
    let whole = basin_math::ln(last as f64);
    let mut steps: Vec<u64> = (0..count)
        .map(|index| {
            if index + 1 == count {
                return last;
            }
            let share = f64::from(index) / f64::from(count - 1);
            (basin_math::exp(whole * share).round() as u64).clamp(1, last)
        })
        .collect();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::super::TrainingTime;
    use super::*;

    #[test]
    fn logarithmic_steps_go_from_the_first_to_the_last_and_none_is_twice() {
        assert_eq!(logarithmic(4, 1_000), [1, 10, 100, 1_000]);
        assert_eq!(logarithmic(7, 8), [1, 2, 3, 4, 6, 8]);
        assert_eq!(logarithmic(1, 50), [50]);
        assert_eq!(logarithmic(5, 1), [1]);
        assert_eq!(logarithmic(5, 0), [0; 0]);
        for last in [2, 17, 999, 123_456] {
            let steps = logarithmic(50, last);
            assert!(steps.is_sorted_by(|a, b| a < b) && steps[0] == 1 && steps[steps.len() - 1] == last);
        }
    }

    #[test]
    fn what_is_due_last_is_found_again() {
        let clock = TrainingClock::new(TrainingTime::Steps(20), 10, 4);
        for interval in
            [Interval::Epochs(2), Interval::Steps { steps: 5 }, Interval::LogSteps { log_steps: 6 }]
        {
            let due = interval.due(&clock);
            for step in 1..=20 {
                let expected = (0..step).rev().find(|step| due.contains(*step)).unwrap();
                assert_eq!(due.last_before(step), expected, "{interval:?} {step}");
            }
            for (first, last) in [(0, 20), (3, 17), (5, 5), (7, 6)] {
                let times = (first + 1..=last).filter(|step| due.contains(*step)).count() as u64;
                assert_eq!(due.times_between(first, last), times, "{interval:?} {first} {last}");
            }
            let times = (0..20).filter(|step| due.contains(*step)).count() as u64;
            let told = interval.times_before_the_end(TrainingTime::Steps(20));
            assert!(told.is_none_or(|told| told == times), "{interval:?} {told:?} {times}");
        }
    }

    #[test]
    fn epochs_are_written_as_they_always_were() {
        let written = |interval: Interval| serde_json::to_string(&interval).unwrap();
        assert_eq!(written(Interval::Epochs(3)), "3");
        assert_eq!(written(Interval::Steps { steps: 100 }), r#"{"steps":100}"#);
        assert_eq!(written(Interval::LogSteps { log_steps: 20 }), r#"{"log_steps":20}"#);
        for interval in
            [Interval::Epochs(3), Interval::Steps { steps: 9 }, Interval::LogSteps { log_steps: 2 }]
        {
            assert_eq!(serde_json::from_str::<Interval>(&written(interval)).unwrap(), interval);
        }
    }
}
