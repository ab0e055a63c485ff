//! Stochastic gradient descent.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};

use super::parameters::{Parameters, Real, UpdateRule};
use super::{Gradients, Optimizer};

/// Stochastic gradient descent with momentum as PyTorch defines it: v ← μv + g, θ ← θ − αv.
pub struct Sgd {
    parameters: Parameters<1>,
    steps: u64,
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
}

impl Sgd {
    /// An optimiser before its first step. `weight_decay` is the λ of λθ that is added to the gradient.
    pub fn new(
        parameters: &BTreeMap<String, Var>,
        learning_rate: f64,
        momentum: f64,
        weight_decay: f64,
    ) -> Result<Self> {
        Ok(Self {
            parameters: Parameters::new(parameters, ["velocity"])?,
            steps: 0,
            learning_rate,
            momentum,
            weight_decay,
        })
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, gradients: &dyn Gradients) -> Result<()> {
        let rule = SgdRule {
            learning_rate: self.learning_rate,
            momentum: self.momentum,
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

struct SgdRule {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
}

impl UpdateRule<1> for SgdRule {
    #[inline(always)]
    fn update<T: Real>(&self, parameter: &mut [T], gradient: &[T], [velocity]: [&mut [T]; 1]) {
        let [learning_rate, momentum, weight_decay] =
            [self.learning_rate, self.momentum, self.weight_decay].map(T::from_f64);
        for ((parameter, gradient), velocity) in parameter.iter_mut().zip(gradient).zip(velocity) {
            *velocity = momentum * *velocity + (*gradient + weight_decay * *parameter);
            *parameter -= learning_rate * *velocity;
        }
    }
}
