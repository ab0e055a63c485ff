//! `linear`: a straight line from the whole learning rate to a share of it.

use serde::{Deserialize, Serialize};

use super::scheduled_step::ScheduledStep;

/// 1 + (f − 1)·t/T over the T steps after the warm-up: PyTorch's `LinearLR` from 1 to f.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// f, from 0 to 1: the factor after the last step.
    pub final_factor: f64,
}

impl Linear {
    pub(super) fn factor(self, at: ScheduledStep) -> f64 {
        1.0 + (self.final_factor - 1.0) * at.share_after_warmup()
    }
}
