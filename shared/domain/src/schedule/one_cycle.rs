//! `one-cycle`: the learning rate rises from a share of its peak, and falls to a much smaller one (Smith and Topin 2018, arXiv
//! 1708.07120).

use serde::{Deserialize, Serialize};

use super::scheduled_step::ScheduledStep;

/// The curve between two ends of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anneal {
    /// Half a cosine.
    Cosine,
    /// A straight line.
    Linear,
}

/// Two phases, as PyTorch's `OneCycleLR` has them (`three_phase` false): of T steps the first leads from the initial factor at step 0
/// to 1 at p·T − 1, the second from there to the final factor at T − 1. Momentum stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OneCycle {
    /// p, above 0 and below 1: PyTorch's `pct_start`.
    pub peak: f64,
    /// The factor at the first step, above 0 and at most 1: 1 / PyTorch's `div_factor`.
    pub initial_factor: f64,
    /// The factor at the last step, from 0 to 1: that of the first step / PyTorch's `final_div_factor`.
    pub final_factor: f64,
    /// The curve of both phases.
    pub anneal: Anneal,
}

impl OneCycle {
    pub(super) fn factor(self, at: ScheduledStep) -> f64 {
        let (steps, step) = (at.steps as f64, at.step as f64);
        let (peak, last) = (self.peak * steps - 1.0, steps - 1.0);
        // Phases that are shorter than a step are passed at once.
        if step <= peak {
            return self.between(self.initial_factor, 1.0, if peak > 0.0 { step / peak } else { 1.0 });
        }
        let share = if last > peak { (step - peak) / (last - peak) } else { 1.0 };
        self.between(1.0, self.final_factor, share)
    }

    fn between(self, start: f64, end: f64, share: f64) -> f64 {
        match self.anneal {
            Anneal::Cosine => {
                end + (start - end) * 0.5 * (1.0 + basin_math::cos(std::f64::consts::PI * share))
            }
            Anneal::Linear => start + (end - start) * share,
        }
    }
}
