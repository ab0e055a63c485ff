//! An operation's second derivatives: how its result moves with its inputs, and how its gradients move.

use candle_core::{Device, Result, Shape, Tensor, WithDType};

use crate::element::Element;

/// An operation where it was applied, and how its inputs move.
pub(crate) struct OpContext<'a> {
    pub(crate) inputs: &'a [Tensor],
    pub(crate) result: &'a Tensor,
    /// The inputs' derivatives along the direction, contiguous; none where they are zero.
    pub(crate) tangents: &'a [Option<Tensor>],
}

impl OpContext<'_> {
    /// Whether something goes on from the input's gradient: the gradient of a variable is no part of a product.
    pub(crate) fn needs_gradient(&self, input: usize) -> bool {
        self.inputs[input].track_op() && !self.inputs[input].is_variable()
    }

    /// Whether the input's gradient is asked for at all.
    pub(crate) fn needs_tangent(&self, input: usize) -> bool {
        self.inputs[input].track_op()
    }
}

/// A gradient and its derivative along the direction, contiguous; none where they are zero or nobody asks for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dual {
    pub(crate) gradient: Option<Tensor>,
    pub(crate) tangent: Option<Tensor>,
}

/// An operation that has second derivatives.
pub(crate) trait SecondOrder {
    /// The derivative of the result along the inputs' tangents, of which there is at least one.
    fn jvp(&self, context: &OpContext<'_>) -> Result<Tensor>;

    /// For each input, in their order, what the result's gradient and its tangent make of the input's: the gradient where it
    /// leads on, the tangent where it is tracked. Inputs that are never differentiated may be left out at the end.
    fn vjp_jvp(&self, context: &OpContext<'_>, result: &Dual) -> Result<Vec<Dual>>;
}

/// The sum of two vectors that may be missing.
pub(crate) fn added<T: Element>(first: Option<Vec<T>>, second: Option<Vec<T>>) -> Option<Vec<T>> {
    match (first, second) {
        (Some(mut first), Some(second)) => {
            first.iter_mut().zip(second).for_each(|(first, second)| *first += second);
            Some(first)
        }
        (first, second) => first.or(second),
    }
}

/// The vector as a tensor, if there is one.
pub(crate) fn shaped<T: WithDType>(elements: Option<Vec<T>>, shape: &Shape) -> Result<Option<Tensor>> {
    elements.map(|elements| Tensor::from_vec(elements, shape, &Device::Cpu)).transpose()
}
