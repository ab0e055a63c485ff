//! An optimiser: a rule with the parameters that it steps.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};

use super::adam::AdamRule;
use super::gradients::Gradients;
use super::parameters::Parameters;
use super::rule::{ParameterOptions, Rule, WeightDecayOn};
use super::sgd::SgdRule;

/// An optimiser that holds its parameters and steps them in place.
pub trait Optimizer: Send {
    /// One step for all parameters, whose learning rate is `learning_rate_factor` times that of the settings (a schedule's factor; 1 of a
    /// constant rate). Each parameter must have a gradient; without, the step is refused and nothing changes.
    fn step(&mut self, learning_rate_factor: f64, gradients: &dyn Gradients) -> Result<()>;

    /// Steps done so far.
    fn steps(&self) -> u64;

    /// Everything beside parameters and the number of steps that the next step depends on, as `<kind>/<parameter>`.
    fn state(&self) -> Result<BTreeMap<String, Tensor>>;

    /// Goes on from a state of [`Optimizer::state`] after `steps` steps.
    fn restore(&mut self, steps: u64, state: &BTreeMap<String, Tensor>) -> Result<()>;
}

/// A rule with its parameters and their accumulators.
pub struct Stepped<R> {
    rule: R,
    weight_decay_on: WeightDecayOn,
    parameters: Parameters,
    steps: u64,
}

/// Adam with bias correction (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).
pub type Adam = Stepped<AdamRule>;

/// Stochastic gradient descent with momentum as PyTorch defines it: v ← μv + g, θ ← θ − αv.
pub type Sgd = Stepped<SgdRule>;

impl<R: Rule> Stepped<R> {
    /// An optimiser before its first step, whose weight decay covers all parameters.
    ///
    /// # Errors
    /// If a parameter is neither of `f32` nor of `f64`.
    pub fn with_rule(parameters: &BTreeMap<String, Var>, rule: R) -> Result<Self> {
        let parameters = Parameters::new(parameters, &rule)?;
        Ok(Self { rule, weight_decay_on: WeightDecayOn::All, parameters, steps: 0 })
    }

    /// The same with weight decay on these parameters.
    #[must_use]
    pub fn with_weight_decay_on(self, weight_decay_on: WeightDecayOn) -> Self {
        Self { weight_decay_on, ..self }
    }

    /// The same with options of their own for parameters of these names. Before the first step: accumulators may begin anew.
    #[must_use]
    pub fn with_parameter_options(mut self, options: &BTreeMap<String, ParameterOptions>) -> Self {
        self.parameters.set_options(options, &self.rule);
        self
    }
}

impl<R: Rule> Optimizer for Stepped<R> {
    fn step(&mut self, learning_rate_factor: f64, gradients: &dyn Gradients) -> Result<()> {
        self.parameters.update(
            &self.rule,
            self.steps + 1,
            learning_rate_factor,
            self.weight_decay_on,
            gradients,
        )?;
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
        let rule = AdamRule { learning_rate, beta1, beta2, epsilon, weight_decay, decoupled: false };
        Self::with_rule(parameters, rule)
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
        let rule = SgdRule { learning_rate, momentum, dampening: 0.0, nesterov: false, weight_decay };
        Self::with_rule(parameters, rule)
    }
}
