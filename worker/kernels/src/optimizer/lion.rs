//! Lion.

use super::elementwise::{ElementwiseRule, MOST_ACCUMULATORS, MOST_CONSTANTS};
use super::number::Number;
use super::rule::StepAt;

/// Lion (Chen et al. 2023, arXiv 2302.06675, algorithm 2): θ ← (1 − αλ)θ − α sign(β₁m + (1 − β₁)g), then m ← β₂m + (1 − β₂)g. The sign of
/// zero is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LionRule {
    /// The step size α.
    pub learning_rate: f64,
    /// The share β₁ of the momentum in the step's direction.
    pub beta1: f64,
    /// The decay β₂ of the momentum.
    pub beta2: f64,
    /// The λ of the decoupled weight decay.
    pub weight_decay: f64,
}

impl ElementwiseRule for LionRule {
    fn accumulators(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    /// α, what is left of a weight before the step, and the momentum's shares in the step's direction and afterwards.
    fn constants(&self, at: StepAt) -> [f64; MOST_CONSTANTS] {
        let Self { beta1, beta2, .. } = *self;
        let learning_rate = self.learning_rate * at.learning_rate_factor;
        let weight_decay = if at.decays { self.weight_decay } else { 0.0 };
        let kept = 1.0 - learning_rate * weight_decay;
        [learning_rate, kept, beta1, 1.0 - beta1, beta2, 1.0 - beta2, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn update<N: Number>(
        self,
        constants: &[N; MOST_CONSTANTS],
        parameter: N,
        gradient: N,
        [momentum, second, third]: [N; MOST_ACCUMULATORS],
    ) -> (N, [N; MOST_ACCUMULATORS]) {
        let [learning_rate, kept, beta1, one_minus_beta1, beta2, one_minus_beta2, ..] = constants.clone();
        let direction = beta1 * momentum.clone() + one_minus_beta1 * gradient.clone();
        let moved = kept * parameter - learning_rate.with_sign_of(direction);
        (moved, [beta2 * momentum + one_minus_beta2 * gradient, second, third])
    }
}
