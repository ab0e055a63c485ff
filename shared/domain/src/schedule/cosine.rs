//! `cosine`: half a period of a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5, without restarts).

use serde::{Deserialize, Serialize};

use super::scheduled_step::ScheduledStep;

/// f + (1 − f)·(1 + cos(πt/T))/2 over the T steps after the warm-up: PyTorch's `CosineAnnealingLR` with `T_max` = T.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cosine {
    /// f, from 0 to 1: the factor after the last step.
    pub final_factor: f64,
}

impl Cosine {
    pub(super) fn factor(self, at: ScheduledStep) -> f64 {
        let wave = 0.5 * (1.0 + basin_math::cos(std::f64::consts::PI * at.share_after_warmup()));
        self.final_factor + (1.0 - self.final_factor) * wave
    }
}
