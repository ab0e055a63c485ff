//! Branches: runs whose training begins with another run's, and the states that runs keep for them.

use serde::{Deserialize, Serialize};

use super::{DueSteps, Interval, TrainingClock};

/// How a run begins with the training of another, the task's input [`Branch::INPUT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// The step of the other run whose state it begins with; none: the weights that the other run ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Whether the optimiser goes on with its state, and an average of weights with its; without, both begin anew.
    pub optimizer_state: bool,
    /// Whether steps are counted from 0 again, and not from `step` on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restarts_clock: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Branch {
    /// The name of the input whose training is gone on with.
    pub const INPUT: &'static str = "start";

    /// The step at which the run begins, by its own clock.
    pub fn first_step(&self) -> u64 {
        self.step.filter(|_| !self.restarts_clock).unwrap_or(0)
    }

    /// Whether the run goes on as if it had never been another: with the optimiser's state, on the same clock.
    pub fn goes_on(&self) -> bool {
        self.optimizer_state && self.first_step() > 0
    }

    pub(super) fn make_canonical(&mut self) {
        // Step 0 of both clocks is the same; the end of a run has no step on its clock.
        self.restarts_clock &= self.step.is_some_and(|step| step > 0);
    }
}

/// The steps after which a run keeps the whole state of its training: weights, running statistics, the optimiser's state and averages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordedStates {
    /// After these steps, in ascending order; at least one. `{"at":[0,1000]}` in JSON.
    Listed {
        /// The steps.
        at: Vec<u64>,
    },
    /// At the beginning and in this interval.
    Every(Interval),
}

impl RecordedStates {
    /// The most steps that can be listed.
    pub const MOST_LISTED: usize = 1_000;

    /// The steps after which states are kept, of a run with this clock.
    pub fn due(&self, clock: &TrainingClock) -> DueSteps {
        match self {
            Self::Listed { at } => DueSteps::Only(at.clone()),
            Self::Every(interval) => interval.due(clock),
        }
    }

    /// Whether a state is kept after so many steps, where that is known: `clock` is the run's, if it is.
    pub fn contains(&self, step: u64, clock: Option<&TrainingClock>) -> Option<bool> {
        match (self, clock) {
            (Self::Listed { at }, _) => Some(at.contains(&step)),
            (Self::Every(Interval::Steps { steps }), None) => Some(step.is_multiple_of((*steps).max(1))),
            (Self::Every(interval), Some(clock)) => Some(interval.due(clock).contains(step)),
            (Self::Every(Interval::Epochs(_) | Interval::LogSteps { .. }), None) => None,
        }
    }

    /// Whether nothing could be due by it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Listed { at } => at.is_empty(),
            Self::Every(interval) => interval.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::TrainingTime;

    #[test]
    fn a_branch_is_written_in_short() {
        let written = |branch: Branch| serde_json::to_string(&branch).unwrap();
        let branch = Branch { step: Some(1_000), optimizer_state: true, restarts_clock: false };
        assert_eq!(written(branch), r#"{"step":1000,"optimizer_state":true}"#);
        let end = Branch { step: None, optimizer_state: false, restarts_clock: false };
        assert_eq!(written(end), r#"{"optimizer_state":false}"#);
        for branch in [branch, end, Branch { restarts_clock: true, ..branch }] {
            assert_eq!(serde_json::from_str::<Branch>(&written(branch)).unwrap(), branch);
        }
    }

    #[test]
    fn a_branch_begins_at_its_step_unless_its_clock_restarts() {
        let branch = Branch { step: Some(7), optimizer_state: true, restarts_clock: false };
        assert_eq!((branch.first_step(), branch.goes_on()), (7, true));
        let again = Branch { restarts_clock: true, ..branch };
        assert_eq!((again.first_step(), again.goes_on()), (0, false));
        let without = Branch { optimizer_state: false, ..branch };
        assert_eq!((without.first_step(), without.goes_on()), (7, false));
        let end = Branch { step: None, ..without };
        assert_eq!((end.first_step(), end.goes_on()), (0, false));
    }

    #[test]
    fn listed_states_are_kept_at_those_steps_alone() {
        let clock = TrainingClock::new(TrainingTime::Steps(20), 10, 4);
        let steps = |states: RecordedStates| {
            let due = states.due(&clock);
            for step in 0..=20 {
                assert_eq!(
                    states.contains(step, Some(&clock)),
                    Some(due.contains(step)),
                    "{states:?} {step}"
                );
            }
            (0..=20).filter(|step| due.contains(*step)).collect::<Vec<u64>>()
        };
        assert_eq!(steps(RecordedStates::Listed { at: vec![3, 19] }), [3, 19]);
        assert_eq!(steps(RecordedStates::Every(Interval::Epochs(3))), [0, 9, 18]);
        assert_eq!(steps(RecordedStates::Every(Interval::Steps { steps: 8 })), [0, 8, 16]);
        assert_eq!(RecordedStates::Every(Interval::Epochs(3)).contains(9, None), None);
        assert_eq!(RecordedStates::Every(Interval::Steps { steps: 8 }).contains(16, None), Some(true));
    }

    #[test]
    fn states_are_written_as_a_list_or_an_interval() {
        for (states, text) in [
            (RecordedStates::Listed { at: vec![0, 5] }, r#"{"at":[0,5]}"#),
            (RecordedStates::Every(Interval::Epochs(3)), "3"),
            (RecordedStates::Every(Interval::Steps { steps: 8 }), r#"{"steps":8}"#),
        ] {
            assert_eq!(serde_json::to_string(&states).unwrap(), text);
            assert_eq!(serde_json::from_str::<RecordedStates>(text).unwrap(), states);
        }
    }
}
