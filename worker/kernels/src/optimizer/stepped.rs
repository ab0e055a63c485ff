//! An optimiser: a rule with the parameters that it steps.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};

use super::gradients::Gradients;
use super::parameters::Parameters;
use super::rule::{AdamRule, SgdRule, UpdateRule};

/// An optimiser that holds its parameters and steps them in place.
pub trait Optimizer: Send {
    /// One step for all parameters. Each must have a gradient; without, the step is refused and nothing changes.
    fn step(&mut self, gradients: &dyn Gradients) -> Result<()>;

    /// Steps done so far.
    fn steps(&self) -> u64;

    /// Everything beside parameters and the number of steps that the next step depends on, as `<kind>/<parameter>`.
    fn state(&self) -> Result<BTreeMap<String, Tensor>>;

    /// Goes on from a state of [`Optimizer::state`] after `steps` steps.
    fn restore(&mut self, steps: u64, state: &BTreeMap<String, Tensor>) -> Result<()>;
}

/// A rule with its parameters and their accumulators.
#[expect(private_bounds, reason = "rules are this crate's own")]
pub struct Stepped<R: UpdateRule<N>, const N: usize> {
    rule: R,
    parameters: Parameters<N>,
    steps: u64,
}

/// Adam with bias correction (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).
pub type Adam = Stepped<AdamRule, 2>;

/// Stochastic gradient descent with momentum as PyTorch defines it: v ← μv + g, θ ← θ − αv.
pub type Sgd = Stepped<SgdRule, 1>;

#[expect(private_bounds, reason = "rules are this crate's own")]
impl<R: UpdateRule<N>, const N: usize> Stepped<R, N> {
    /// An optimiser before its first step.
    ///
    /// # Errors
    /// If a parameter is neither of `f32` nor of `f64`.
    pub fn with_rule(parameters: &BTreeMap<String, Var>, rule: R) -> Result<Self> {
        Ok(Self { rule, parameters: Parameters::new(parameters, R::ACCUMULATORS)?, steps: 0 })
    }
}

impl<R: UpdateRule<N>, const N: usize> Optimizer for Stepped<R, N> {
    fn step(&mut self, gradients: &dyn Gradients) -> Result<()> {
        let step = self.rule.at_step(self.steps + 1);
        self.parameters.update::<R>(gradients, &step)?;
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
}

impl Adam {
    /// Adam before its first step.
    ///
    /// # Errors
    /// If a parameter is neither of `f32` nor of `f64`.
    pub fn new(
        parameters: &BTreeMap<String, Var>,
        learning_rate: f64,
        (beta1, beta2): (f64, f64),
        epsilon: f64,
        weight_decay: f64,
    ) -> Result<Self> {
        Self::with_rule(parameters, AdamRule { learning_rate, beta1, beta2, epsilon, weight_decay })
    }
}

impl Sgd {
    /// Stochastic gradient descent before its first step.
    ///
    /// # Errors
    /// If a parameter is neither of `f32` nor of `f64`.
    pub fn new(
        parameters: &BTreeMap<String, Var>,
        learning_rate: f64,
        momentum: f64,
        weight_decay: f64,
    ) -> Result<Self> {
        Self::with_rule(parameters, SgdRule { learning_rate, momentum, weight_decay })
    }
}
