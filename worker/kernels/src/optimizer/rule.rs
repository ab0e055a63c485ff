//! The arithmetic of optimisers, once for all who step: over tensors, and over flat vectors.

use candle_core::{Result, Tensor};

use super::clipping::ElementBound;
use super::elementwise::{self, ElementwiseRule, step_elementwise};

/// The position of a step in training, and the parameter's treatment in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepAt {
    /// The step's number, from 1 on.
    pub number: u64,
    /// The step's learning rate as a factor of that of the settings.
    pub learning_rate_factor: f64,
    /// Whether the parameter's weights decay.
    pub decays: bool,
}

/// The parameters that weight decay covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightDecayOn {
    /// All of them.
    #[default]
    All,
    /// Weights alone: not biases and the scales and shifts of normalisation.
    Weights,
}

/// What holds for one parameter alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParameterOptions {
    /// The parameter's step size as a factor of that of the others.
    pub learning_rate_factor: f64,
    /// Whether it is a weight, and no bias, scale or shift.
    pub is_weight: bool,
    /// Whether rules see it as one vector, whatever its dimensions are: a rule for matrices leaves it to its rule for the others.
    pub is_flat: bool,
}

impl ParameterOptions {
    /// Those of a parameter of which its dimensions alone are known: weights have two or more.
    pub const fn of_dims(dims: &[usize]) -> Self {
        Self { learning_rate_factor: 1.0, is_weight: dims.len() > 1, is_flat: false }
    }

    /// The dimensions in which rules see a parameter of these.
    pub fn seen_by_rules(self, dims: &[usize]) -> Vec<usize> {
        if self.is_flat { vec![dims.iter().product()] } else { dims.to_vec() }
    }
}

impl WeightDecayOn {
    /// Whether a parameter decays that is a weight, or is none.
    pub const fn covers(self, is_weight: bool) -> bool {
        match self {
            Self::All => true,
            Self::Weights => is_weight,
        }
    }
}

/// A rule with its settings: it moves one parameter at a time, with accumulators of the parameter's size.
pub trait Rule: Send + Sync {
    /// The names of the accumulators of a parameter of these dimensions.
    fn accumulators(&self, dims: &[usize]) -> &'static [&'static str];

    /// Moves a parameter of these dimensions (row-major) along its gradient, and its accumulators.
    fn step_f32(
        &self,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f32],
        gradient: &[f32],
        accumulators: &mut [Vec<f32>],
    );

    /// As [`Rule::step_f32`].
    fn step_f64(
        &self,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f64],
        gradient: &[f64],
        accumulators: &mut [Vec<f64>],
    );

    /// As [`Rule::step_f32`], along a gradient whose elements are brought within a bound first.
    fn step_f32_within(
        &self,
        bound: ElementBound,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f32],
        gradient: &[f32],
        accumulators: &mut [Vec<f32>],
    ) {
        self.step_f32(at, dims, parameter, &bound.bounded(gradient), accumulators);
    }

    /// As [`Rule::step_f32_within`].
    fn step_f64_within(
        &self,
        bound: ElementBound,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f64],
        gradient: &[f64],
        accumulators: &mut [Vec<f64>],
    ) {
        self.step_f64(at, dims, parameter, &bound.bounded(gradient), accumulators);
    }

    /// The same on any device: the parameter and its accumulators after the step, of the parameter's shape. With several steps each is that
    /// of a row of the parameter: of one of several networks that are stepped together, of which only the rules of single elements know.
    ///
    /// # Errors
    /// If the tensors don't have one shape, or the device fails.
    fn step_tensors(
        &self,
        at: &[StepAt],
        parameter: &Tensor,
        gradient: &Tensor,
        accumulators: &[Tensor],
    ) -> Result<(Tensor, Vec<Tensor>)>;
}

impl<R: ElementwiseRule> Rule for R {
    fn accumulators(&self, _: &[usize]) -> &'static [&'static str] {
        ElementwiseRule::accumulators(self)
    }

    fn step_f32(
        &self,
        at: StepAt,
        _: &[usize],
        parameter: &mut [f32],
        gradient: &[f32],
        accumulators: &mut [Vec<f32>],
    ) {
        step_elementwise::<f32, R>(*self, at, None, parameter, gradient, accumulators);
    }

    fn step_f64(
        &self,
        at: StepAt,
        _: &[usize],
        parameter: &mut [f64],
        gradient: &[f64],
        accumulators: &mut [Vec<f64>],
    ) {
        step_elementwise::<f64, R>(*self, at, None, parameter, gradient, accumulators);
    }

    fn step_f32_within(
        &self,
        bound: ElementBound,
        at: StepAt,
        _: &[usize],
        parameter: &mut [f32],
        gradient: &[f32],
        accumulators: &mut [Vec<f32>],
    ) {
        step_elementwise::<f32, R>(*self, at, Some(bound), parameter, gradient, accumulators);
    }

    fn step_f64_within(
        &self,
        bound: ElementBound,
        at: StepAt,
        _: &[usize],
        parameter: &mut [f64],
        gradient: &[f64],
        accumulators: &mut [Vec<f64>],
    ) {
        step_elementwise::<f64, R>(*self, at, Some(bound), parameter, gradient, accumulators);
    }

    fn step_tensors(
        &self,
        at: &[StepAt],
        parameter: &Tensor,
        gradient: &Tensor,
        accumulators: &[Tensor],
    ) -> Result<(Tensor, Vec<Tensor>)> {
        elementwise::step_tensors(*self, at, parameter, gradient, accumulators)
    }
}

impl Rule for Box<dyn Rule> {
    fn accumulators(&self, dims: &[usize]) -> &'static [&'static str] {
        self.as_ref().accumulators(dims)
    }

    fn step_f32(
        &self,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f32],
        gradient: &[f32],
        accumulators: &mut [Vec<f32>],
    ) {
        self.as_ref().step_f32(at, dims, parameter, gradient, accumulators);
    }

    fn step_f64(
        &self,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f64],
        gradient: &[f64],
        accumulators: &mut [Vec<f64>],
    ) {
        self.as_ref().step_f64(at, dims, parameter, gradient, accumulators);
    }

    fn step_f32_within(
        &self,
        bound: ElementBound,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f32],
        gradient: &[f32],
        accumulators: &mut [Vec<f32>],
    ) {
        self.as_ref().step_f32_within(bound, at, dims, parameter, gradient, accumulators);
    }

    fn step_f64_within(
        &self,
        bound: ElementBound,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f64],
        gradient: &[f64],
        accumulators: &mut [Vec<f64>],
    ) {
        self.as_ref().step_f64_within(bound, at, dims, parameter, gradient, accumulators);
    }

    fn step_tensors(
        &self,
        at: &[StepAt],
        parameter: &Tensor,
        gradient: &Tensor,
        accumulators: &[Tensor],
    ) -> Result<(Tensor, Vec<Tensor>)> {
        self.as_ref().step_tensors(at, parameter, gradient, accumulators)
    }
}
