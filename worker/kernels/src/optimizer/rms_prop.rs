//! RMSprop.

use super::elementwise::{ElementwiseRule, MOST_ACCUMULATORS, MOST_CONSTANTS};
use super::number::Number;
use super::rule::StepAt;

/// RMSprop (Hinton 2012, Neural Networks for Machine Learning, lecture 6e) as PyTorch defines it (`torch.optim.RMSprop`): g ← g + λθ;
/// s ← ρs + (1 − ρ)g²; the step is g / (√s + ε), or if centred g / (√(s − m²) + ε) with the mean m ← ρm + (1 − ρ)g (Graves 2013, arXiv
/// 1308.0850, section 4.2, but for where ε is added); v ← μv + step; θ ← θ − αv. A difference s − m² that rounding brings below zero is
/// zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsPropRule {
    /// The step size α.
    pub learning_rate: f64,
    /// The decay ρ of the means.
    pub rho: f64,
    /// The ε that is added to the root.
    pub epsilon: f64,
    /// The share μ of the velocity that is kept; without, there is none.
    pub momentum: f64,
    /// Whether the gradient's variance scales the step, and not its mean square.
    pub centered: bool,
    /// The λ of λθ that is added to the gradient.
    pub weight_decay: f64,
}

impl ElementwiseRule for RmsPropRule {
    fn accumulators(&self) -> &'static [&'static str] {
        match (self.momentum == 0.0, self.centered) {
            (true, false) => &["mean_square"],
            (true, true) => &["mean_square", "mean"],
            (false, false) => &["mean_square", "velocity"],
            (false, true) => &["mean_square", "mean", "velocity"],
        }
    }

    /// α, ρ, 1 − ρ, ε, μ, λ.
    fn constants(&self, at: StepAt) -> [f64; MOST_CONSTANTS] {
        let learning_rate = self.learning_rate * at.learning_rate_factor;
        let weight_decay = if at.decays { self.weight_decay } else { 0.0 };
        let Self { rho, epsilon, momentum, .. } = *self;
        [learning_rate, rho, 1.0 - rho, epsilon, momentum, weight_decay, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn update<N: Number>(
        self,
        constants: &[N; MOST_CONSTANTS],
        parameter: N,
        gradient: N,
        [square, second, third]: [N; MOST_ACCUMULATORS],
    ) -> (N, [N; MOST_ACCUMULATORS]) {
        let [learning_rate, rho, one_minus_rho, epsilon, momentum, weight_decay, ..] = constants.clone();
        let gradient = gradient + weight_decay * parameter.clone();
        let square = rho.clone() * square + one_minus_rho.clone() * (gradient.clone() * gradient.clone());
        // The accumulators behind the mean square: the mean if it is centred, then the velocity if there is momentum.
        if self.centered {
            let mean = rho * second + one_minus_rho * gradient.clone();
            let variance = (square.clone() - mean.clone() * mean.clone()).at_least_zero();
            let scaled = gradient / (variance.root() + epsilon);
            if self.momentum == 0.0 {
                return (parameter - learning_rate * scaled, [square, mean, third]);
            }
            let velocity = momentum * third + scaled;
            return (parameter - learning_rate * velocity.clone(), [square, mean, velocity]);
        }
        let scaled = gradient / (square.clone().root() + epsilon);
        if self.momentum == 0.0 {
            return (parameter - learning_rate * scaled, [square, second, third]);
        }
        let velocity = momentum * second + scaled;
        (parameter - learning_rate * velocity.clone(), [square, velocity, third])
    }
}
