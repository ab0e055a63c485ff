//! `inverse-square-root`: falls with the root of the step (Vaswani et al. 2017, arXiv 1706.03762, section 5.3).

use serde::{Deserialize, Serialize};

use super::scheduled_step::ScheduledStep;

/// √(W/(s + 1)) after a warm-up of W steps, which it continues without a jump: Vaswani's equation 3, scaled so that its highest value is
/// 1. Without a warm-up, W is 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InverseSquareRoot {}

impl InverseSquareRoot {
    pub(super) fn factor(self, at: ScheduledStep) -> f64 {
        (at.warmup.max(1) as f64 / (at.step + 1) as f64).sqrt()
    }
}
