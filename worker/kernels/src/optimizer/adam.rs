//! Adam, with weight decay in the gradient or beside it.

use std::cell::Cell;

use basin_math::power;

use super::elementwise::{ElementwiseRule, MOST_ACCUMULATORS, MOST_CONSTANTS};
use super::number::Number;
use super::rule::StepAt;

/// Adam with bias correction (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1), and AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101,
/// algorithm 2, in PyTorch's form: θ ← (1 − αλ)θ before the step).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamRule {
    /// The step size α.
    pub learning_rate: f64,
    /// The decay β₁ of the first moment.
    pub beta1: f64,
    /// The decay β₂ of the second moment.
    pub beta2: f64,
    /// The ε that is added to the second moment's root.
    pub epsilon: f64,
    /// λ.
    pub weight_decay: f64,
    /// Whether weights decay beside the gradient (AdamW), and not by λθ added to it (Adam).
    pub decoupled: bool,
}

/// βᵗ of both moments, and what they are of.
type Decays = ([f64; 2], u64, [f64; 2]);

thread_local! {
    /// Those of the step that this thread took last: all parameters of a network ask for the same, and of a small one's step taking
    /// powers would be some hundredths.
    static LATEST_DECAYS: Cell<Decays> = const { Cell::new(([1.0; 2], 0, [1.0; 2])) };
}

/// βᵗ of both moments.
fn decays(betas: [f64; 2], number: u64) -> [f64; 2] {
    let (known_betas, known_number, known) = LATEST_DECAYS.get();
    if known_betas == betas && known_number == number {
        return known;
    }
    let decays = betas.map(|beta| power(beta, number));
    LATEST_DECAYS.set((betas, number, decays));
    decays
}

impl ElementwiseRule for AdamRule {
    fn accumulators(&self) -> &'static [&'static str] {
        &["first_moment", "second_moment"]
    }

    /// α / (1 − β₁ᵗ), √(1 − β₂ᵗ), ε, the λ of λθ in the gradient, what is left of a weight before the step, and the moments' shares.
    fn constants(&self, at: StepAt) -> [f64; MOST_CONSTANTS] {
        let Self { beta1, beta2, epsilon, .. } = *self;
        let learning_rate = self.learning_rate * at.learning_rate_factor;
        let weight_decay = if at.decays { self.weight_decay } else { 0.0 };
        let [first, second] = decays([beta1, beta2], at.number);
        let corrected_rate = learning_rate / (1.0 - first);
        let root_correction = (1.0 - second).sqrt();
        let coupled_decay = if self.decoupled { 0.0 } else { weight_decay };
        let kept = if self.decoupled { 1.0 - learning_rate * weight_decay } else { 1.0 };
        [
            corrected_rate,
            root_correction,
            epsilon,
            coupled_decay,
            kept,
            beta1,
            1.0 - beta1,
            beta2,
            1.0 - beta2,
        ]
    }

    #[inline(always)]
    fn update<N: Number>(
        self,
        constants: &[N; MOST_CONSTANTS],
        parameter: N,
        gradient: N,
        [first, second, third]: [N; MOST_ACCUMULATORS],
    ) -> (N, [N; MOST_ACCUMULATORS]) {
        let [
            learning_rate,
            root_correction,
            epsilon,
            weight_decay,
            kept,
            beta1,
            one_minus_beta1,
            beta2,
            one_minus_beta2,
        ] = constants.clone();
        let gradient = gradient + weight_decay * parameter.clone();
        let first = beta1 * first + one_minus_beta1 * gradient.clone();
        let second = beta2 * second + one_minus_beta2 * (gradient.clone() * gradient);
        let moved = kept * parameter
            - learning_rate * first.clone() / (second.clone().root() / root_correction + epsilon);
        (moved, [first, second, third])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decays_of_a_step_are_its_own_whatever_was_asked_before() {
        for number in [1, 1, 2, 1_000, 2] {
            for betas in [[0.9, 0.999], [0.5, 0.999], [0.9, 0.999], [0.0, 0.0]] {
                for _ in 0..2 {
                    assert_eq!(decays(betas, number), betas.map(|beta| power(beta, number)));
                }
            }
        }
    }
}
