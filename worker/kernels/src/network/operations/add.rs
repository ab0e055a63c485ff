//! The sum of two results: a residual connection.

use super::chunks::for_each_three;
use super::relu::{mask, masked, relu};
use crate::network::operation::{
    Dual, Float, GradientFlow, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};
use crate::network::second_order::sum;

/// The sum of two values of one size, element by element (He et al. 2016, arXiv 1512.03385: a residual connection).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Add {
    size: usize,
    has_relu: bool,
}

impl Add {
    /// The sum of two values of so many elements an example.
    pub const fn new(size: usize) -> Self {
        Self { size, has_relu: false }
    }
}

impl<T: Float> Operation<T> for Add {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.size; 2], output: self.size, ..OpShapes::default() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        for_each_three(y, context.inputs[0], context.inputs[1], |y, first, second| {
            for ((y, first), second) in y.iter_mut().zip(first).zip(second) {
                *y = *first;
                *y += *second;
            }
            if self.has_relu {
                relu(y);
            }
        });
    }

    fn gradient_flow(&self) -> GradientFlow {
        GradientFlow::InPlace
    }

    fn vjp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], gradient: &mut [T], _: OpGradients<'_, T>) {
        if self.has_relu {
            mask(y, gradient);
        }
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        let [first, second] = [0, 1].map(|index: usize| tangents.inputs[index].map(<[T]>::to_vec));
        let mut tangent = sum(first, second).unwrap_or_default();
        if self.has_relu {
            mask(y, &mut tangent);
        }
        tangent
    }

    fn vjp_jvp(
        &self,
        _: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let dual = if self.has_relu { masked(y, result) } else { result.clone() };
        OpDuals { inputs: vec![dual.clone(), dual], parameters: Vec::new() }
    }

    fn with_relu(&self) -> Option<Box<dyn Operation<T>>> {
        (!self.has_relu).then(|| Box::new(Self { has_relu: true, ..*self }) as Box<dyn Operation<T>>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        Case::random(3, || Box::new(Add::new(5))).check();
        Case::random(3, || Operation::<f64>::with_relu(&Add::new(5)).unwrap()).check();
    }
}
