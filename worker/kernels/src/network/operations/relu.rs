//! ReLU.

use super::chunks::for_each_two;
use crate::dense::back_through_relu;
use crate::network::operation::{
    Dual, Float, GradientFlow, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};
use crate::vector::{Dispatch, Kernel, Vector};

/// max(0, x), element by element. A NaN stays one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relu {
    /// Elements of an example.
    pub size: usize,
}

impl<T: Float> Operation<T> for Relu {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.size], output: self.size, ..OpShapes::default() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        for_each_two(y, context.inputs[0], |y, x| {
            y.copy_from_slice(x);
            relu(y);
        });
    }

    fn gradient_flow(&self) -> GradientFlow {
        GradientFlow::InPlace
    }

    fn vjp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], gradient: &mut [T], _: OpGradients<'_, T>) {
        mask(y, gradient);
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        let mut tangent = tangents.inputs[0].map(<[T]>::to_vec).unwrap_or_default();
        mask(y, &mut tangent);
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
        OpDuals { inputs: vec![masked(y, result)], parameters: Vec::new() }
    }

    fn is_relu(&self) -> bool {
        true
    }
}

/// Leaves of a dual what ReLU let through, by its results `y`.
pub(super) fn masked<T: Dispatch>(y: &[T], dual: &Dual<T>) -> Dual<T> {
    let mut dual = dual.clone();
    for part in [&mut dual.gradient, &mut dual.tangent].into_iter().flatten() {
        mask(y, part);
    }
    dual
}

/// Leaves of a gradient what ReLU let through, by its results `y`, on all threads.
pub(super) fn mask<T: Dispatch>(y: &[T], gradient: &mut [T]) {
    for_each_two(gradient, y, |gradient, y| back_through_relu(y, gradient));
}

/// max(0, x) in place.
pub(super) fn relu<T: Dispatch>(elements: &mut [T]) {
    T::dispatch(InPlace(elements));
}

/// A plain loop, for the compiler to make use of the path's registers: no element depends on how many it takes at a time.
struct InPlace<'a, T>(&'a mut [T]);

impl<T: Dispatch> Kernel<T> for InPlace<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let zero = T::default();
        for element in self.0 {
            *element = if *element <= zero { zero } else { *element };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        Case::random(3, || Box::new(Relu { size: 7 })).check();
    }
}
