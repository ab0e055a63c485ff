//! Stochastic gradient descent.

use super::elementwise::{ElementwiseRule, MOST_ACCUMULATORS, MOST_CONSTANTS};
use super::number::Number;
use super::rule::StepAt;

/// Stochastic gradient descent with momentum as PyTorch defines it (`torch.optim.SGD`): g ← g + λθ; v ← μv + (1 − τ)g, of the first step
/// v ← g; θ ← θ − αv, or θ ← θ − α(g + μv) by Nesterov (Sutskever et al. 2013).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdRule {
    /// The step size α.
    pub learning_rate: f64,
    /// The share μ of the velocity that is kept.
    pub momentum: f64,
    /// The share τ of the gradient that doesn't enter the velocity, from the second step on, and only with momentum.
    pub dampening: f64,
    /// Whether the step looks ahead along the velocity.
    pub nesterov: bool,
    /// The λ of λθ that is added to the gradient.
    pub weight_decay: f64,
}

impl ElementwiseRule for SgdRule {
    fn accumulators(&self) -> &'static [&'static str] {
        &["velocity"]
    }

    /// α, μ, λ, and the share of the gradient that enters the velocity.
    fn constants(&self, at: StepAt) -> [f64; MOST_CONSTANTS] {
        let learning_rate = self.learning_rate * at.learning_rate_factor;
        let weight_decay = if at.decays { self.weight_decay } else { 0.0 };
        let entering = if at.number == 1 || self.momentum == 0.0 { 1.0 } else { 1.0 - self.dampening };
        [learning_rate, self.momentum, weight_decay, entering, 0.0, 0.0, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn update<N: Number>(
        self,
        constants: &[N; MOST_CONSTANTS],
        parameter: N,
        gradient: N,
        [velocity, second, third]: [N; MOST_ACCUMULATORS],
    ) -> (N, [N; MOST_ACCUMULATORS]) {
        let [learning_rate, momentum, weight_decay, entering, ..] = constants.clone();
        let gradient = gradient + weight_decay * parameter.clone();
        let velocity = momentum.clone() * velocity + entering * gradient.clone();
        let direction = if self.nesterov { gradient + momentum * velocity.clone() } else { velocity.clone() };
        (parameter - learning_rate * direction, [velocity, second, third])
    }
}
