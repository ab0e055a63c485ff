//! `steps`: the learning rate is multiplied by a factor at each milestone.

use serde::{Deserialize, Serialize};

use super::scheduled_step::ScheduledStep;
use crate::experiment::TrainingTime;

/// γ to the power of the number of milestones that lie at or before the step: PyTorch's `MultiStepLR`. Milestones count from the
/// beginning of training, warm-up included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepDecay {
    /// The milestones, in ascending order.
    pub milestones: Vec<TrainingTime>,
    /// γ, above 0.
    pub factor: f64,
}

impl StepDecay {
    pub(super) fn factor(&self, at: ScheduledStep) -> f64 {
        let is_passed = |milestone: &&TrainingTime| milestone.steps(at.steps_an_epoch) <= at.step;
        let passed = self.milestones.iter().filter(is_passed);
        passed.fold(1.0, |product, _| product * self.factor)
    }
}
