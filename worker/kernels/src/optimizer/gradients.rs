//! Where gradients come from.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

use super::clipping::ElementBound;

/// The gradient of one parameter.
#[derive(Debug, Clone, Copy)]
pub enum Gradient<'a> {
    /// A tensor of the parameter's shape.
    Tensor(&'a Tensor),
    /// Its elements, row-major.
    Elements(&'a [f32]),
}

/// The gradients of several parameters.
pub trait Gradients {
    /// The gradient of this one, if it has any.
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>>;

    /// What a step does to each of their elements before it goes along them; [`Gradients::of`] gives them as they were before that.
    fn bound(&self) -> Option<ElementBound> {
        None
    }
}

impl Gradients for GradStore {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.get(parameter).map(Gradient::Tensor)
    }
}
