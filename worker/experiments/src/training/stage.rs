//! Where a run stands.

pub use basin_domain::experiment::series::Split;
use basin_domain::metrics::Outcome;
use basin_kernels::LossSums;
use serde::{Deserialize, Serialize};

/// When an evaluation takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Before the first step.
    Before,
    /// At a recorded point.
    #[serde(rename = "epoch")]
    Recorded,
    /// After everything else.
    After,
}

/// The next thing that a run does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrainingStage {
    /// It evaluates the model, piece by piece.
    Evaluate {
        /// When in the run.
        when: When,
        /// Over which examples.
        split: Split,
        /// The examples that are done.
        position: usize,
        /// Their sums.
        sums: LossSums,
    },
    /// It evaluates the averaged weights, piece by piece.
    EvaluateAverage {
        /// Over which examples.
        split: Split,
        /// The examples that are done.
        position: usize,
        /// Their sums.
        sums: LossSums,
    },
    /// It trains, step by step.
    Train {
        /// The examples of the epoch that are done.
        position: usize,
        /// The sums since the last recorded point.
        sums: LossSums,
    },
    /// It probes the model.
    Probe {
        /// The probe's place in the schedule.
        index: usize,
        /// The sums since the last recorded point, of the steps before it.
        sums: LossSums,
    },
    /// It is at its end.
    Ended(Outcome),
}

impl TrainingStage {
    /// An evaluation at its start.
    pub fn evaluation(when: When, split: Split) -> Self {
        Self::Evaluate { when, split, position: 0, sums: LossSums::default() }
    }
}
