//! Adam.

use std::collections::BTreeMap;

use basin_math::power;
use candle_core::{Result, Tensor, Var};

use super::parameters::{Parameters, Real, UpdateRule};
use super::{Gradients, Optimizer};

/// Adam with bias correction (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).
pub struct Adam {
    parameters: Parameters<2>,
    steps: u64,
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Adam {
    /// An optimiser before its first step. `weight_decay` is the λ of λθ that is added to the gradient (not decoupled).
    pub fn new(
        parameters: &BTreeMap<String, Var>,
        learning_rate: f64,
        (beta1, beta2): (f64, f64),
        epsilon: f64,
        weight_decay: f64,
    ) -> Result<Self> {
        let parameters = Parameters::new(parameters, ["first_moment", "second_moment"])?;
        Ok(Self { parameters, steps: 0, learning_rate, beta1, beta2, epsilon, weight_decay })
    }
}

impl Optimizer for Adam {
    fn step(&mut self, gradients: &dyn Gradients) -> Result<()> {
        let step = self.steps + 1;
        let rule = AdamRule {
            learning_rate: self.learning_rate / (1.0 - power(self.beta1, step)),
            root_correction: (1.0 - power(self.beta2, step)).sqrt(),
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
        };
        self.parameters.update(gradients, &rule)?;
        self.steps += 1;
        Ok(())
    }

    fn steps(&self) -> u64 {
        self.steps
    }

    fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        self.parameters.state()
    }

    fn restore(&mut self, steps: u64, state: &BTreeMap<String, Tensor>) -> Result<()> {
        self.parameters.restore(state)?;
        self.steps = steps;
        Ok(())
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }
}

/// One step's numbers: α / (1 − β₁ᵗ) and √(1 − β₂ᵗ) are the same for all elements.
struct AdamRule {
    learning_rate: f64,
    root_correction: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl UpdateRule<2> for AdamRule {
    #[inline(always)]
    fn update<T: Real>(&self, parameter: &mut [T], gradient: &[T], [first, second]: [&mut [T]; 2]) {
        let [learning_rate, root_correction, epsilon, weight_decay] =
            [self.learning_rate, self.root_correction, self.epsilon, self.weight_decay].map(T::from_f64);
        let [beta1, beta2, one_minus_beta1, one_minus_beta2] =
            [self.beta1, self.beta2, 1.0 - self.beta1, 1.0 - self.beta2].map(T::from_f64);
        for (((parameter, gradient), first), second) in
            parameter.iter_mut().zip(gradient).zip(first).zip(second)
        {
            let gradient = *gradient + weight_decay * *parameter;
            *first = beta1 * *first + one_minus_beta1 * gradient;
            *second = beta2 * *second + one_minus_beta2 * (gradient * gradient);
            *parameter -= learning_rate * *first / (second.root() / root_correction + epsilon);
        }
    }
}
