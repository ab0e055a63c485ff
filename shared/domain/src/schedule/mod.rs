//! Learning-rate schedules: by which factor each step's learning rate differs from the optimiser's.
//!
//! A schedule is a file: its settings and a pure function of the step. A linear warm-up may come before any that has none of its own.
//! Steps are counted from 0: step s is the one that s steps were done before.

use serde::{Deserialize, Serialize};

use crate::experiment::TrainingTime;

mod cosine;
mod inverse_square_root;
mod linear;
mod one_cycle;
mod scheduled_step;
mod step_decay;
mod warmup;

pub use cosine::Cosine;
pub use inverse_square_root::InverseSquareRoot;
pub use linear::Linear;
pub use one_cycle::{Anneal, OneCycle};
pub use scheduled_step::ScheduledStep;
pub use step_decay::StepDecay;

/// The course of the learning rate after the warm-up.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Shape {
    /// It stays as it is.
    #[default]
    Constant,
    /// A straight line.
    Linear(Linear),
    /// Half a cosine.
    Cosine(Cosine),
    /// Falls at milestones.
    Steps(StepDecay),
    /// Falls with the root of the step.
    InverseSquareRoot(InverseSquareRoot),
    /// Rises and falls once.
    OneCycle(OneCycle),
}

impl Shape {
    /// The names, as the sweep file spells them.
    pub const NAMES: [&'static str; 6] =
        ["constant", "linear", "cosine", "steps", "inverse-square-root", "one-cycle"];

    /// The name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear(_) => "linear",
            Self::Cosine(_) => "cosine",
            Self::Steps(_) => "steps",
            Self::InverseSquareRoot(_) => "inverse-square-root",
            Self::OneCycle(_) => "one-cycle",
        }
    }

    fn factor(&self, at: ScheduledStep) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Linear(shape) => shape.factor(at),
            Self::Cosine(shape) => shape.factor(at),
            Self::Steps(shape) => shape.factor(at),
            Self::InverseSquareRoot(shape) => shape.factor(at),
            Self::OneCycle(shape) => shape.factor(at),
        }
    }
}

/// A learning-rate schedule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LearningRateSchedule {
    /// How long the learning rate rises linearly to the optimiser's before anything else, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<TrainingTime>,
    /// Its course from there.
    pub shape: Shape,
}

impl LearningRateSchedule {
    /// Whether the learning rate is the optimiser's at every step.
    pub fn is_constant(&self) -> bool {
        self.warmup.is_none() && self.shape == Shape::Constant
    }

    /// The factor of the learning rate of the step before which `step` others were done, of `steps` in all: a pure function, with the
    /// same bits on every machine.
    pub fn factor(&self, step: u64, steps: u64, steps_an_epoch: u64) -> f64 {
        let warmup = self.warmup.map_or(0, |warmup| warmup.steps(steps_an_epoch)).min(steps);
        if step < warmup {
            return warmup::factor(step, warmup);
        }
        self.shape.factor(ScheduledStep { step, steps, steps_an_epoch, warmup })
    }

    /// Steps and their factors for a drawing, at most `most` (at least 2) of them, evenly spread; the first and the last step are among
    /// them.
    pub fn points(&self, steps: u64, steps_an_epoch: u64, most: u64) -> Vec<(u64, f64)> {
        let last = steps.saturating_sub(1);
        let count = most.min(steps);
        let step = |index: u64| {
            u64::try_from(u128::from(index) * u128::from(last) / u128::from((count - 1).max(1)))
                .unwrap_or(last)
        };
        (0..count).map(step).map(|step| (step, self.factor(step, steps, steps_an_epoch))).collect()
    }
}
