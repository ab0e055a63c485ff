//! A constant factor.

use super::chunks::for_each_two;
use crate::network::operation::{
    Dual, Float, GradientFlow, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};

/// factor · x, with a factor that isn't trained: the output multiplier of μP (Yang et al. 2022, arXiv 2203.03466).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Elements of an example.
    pub size: usize,
    /// The factor.
    pub factor: f64,
}

impl Scale {
    fn scale<T: Float>(&self, values: &mut [T]) {
        let factor = T::from_f64(self.factor);
        values.iter_mut().for_each(|value| *value *= factor);
    }
}

impl<T: Float> Operation<T> for Scale {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.size], output: self.size, ..OpShapes::default() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        for_each_two(y, context.inputs[0], |y, x| {
            y.copy_from_slice(x);
            self.scale(y);
        });
    }

    fn gradient_flow(&self) -> GradientFlow {
        GradientFlow::InPlace
    }

    fn vjp(&self, _: &OpContext<'_, T>, _: &Kept<T>, _: &[T], gradient: &mut [T], _: OpGradients<'_, T>) {
        self.scale(gradient);
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, _: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        let mut tangent = tangents.inputs[0].map(<[T]>::to_vec).unwrap_or_default();
        self.scale(&mut tangent);
        tangent
    }

    fn vjp_jvp(
        &self,
        _: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let mut of_x = result.clone();
        for part in [&mut of_x.gradient, &mut of_x.tangent].into_iter().flatten() {
            self.scale(part);
        }
        OpDuals { inputs: vec![of_x], parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        Case::random(3, || Box::new(Scale { size: 7, factor: -0.3 })).check();
    }
}
