//! The mean over the positions of a sequence.

use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};

/// The mean of a sequence `[positions, width]` over its positions, `[width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanPositions {
    /// Positions of a sequence.
    pub positions: usize,
    /// Elements of a position.
    pub width: usize,
}

impl MeanPositions {
    fn share<T: Float>(&self) -> T {
        T::from_f64(1.0 / self.positions as f64)
    }

    fn means<T: Float>(&self, x: &[T], y: &mut [T]) {
        let share = self.share::<T>();
        for (x, y) in x.chunks_exact(self.positions * self.width).zip(y.chunks_exact_mut(self.width)) {
            y.fill(T::default());
            for position in x.chunks_exact(self.width) {
                for (y, x) in y.iter_mut().zip(position) {
                    *y += *x;
                }
            }
            y.iter_mut().for_each(|y| *y *= share);
        }
    }

    fn spread<T: Float>(&self, gradient: &[T], into: &mut [T]) {
        let share = self.share::<T>();
        let examples = into.chunks_exact_mut(self.positions * self.width);
        for (gradient, into) in gradient.chunks_exact(self.width).zip(examples) {
            for position in into.chunks_exact_mut(self.width) {
                for (into, gradient) in position.iter_mut().zip(gradient) {
                    *into = *gradient * share;
                }
            }
        }
    }
}

impl<T: Float> Operation<T> for MeanPositions {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.positions * self.width], output: self.width, ..OpShapes::default() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        self.means(context.inputs[0], y);
    }

    fn vjp(&self, _: &OpContext<'_, T>, _: &Kept<T>, _: &[T], gradient: &mut [T], into: OpGradients<'_, T>) {
        for input in into.inputs.into_iter().flatten() {
            self.spread(gradient, input);
        }
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        let mut tangent = vec![T::default(); y.len()];
        if let Some(x) = tangents.inputs[0] {
            self.means(x, &mut tangent);
        }
        tangent
    }

    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let spread = |gradient: &Option<Vec<T>>| {
            gradient.as_ref().map(|gradient| {
                let mut into = vec![T::default(); context.inputs[0].len()];
                self.spread(gradient, &mut into);
                into
            })
        };
        let of_x = Dual { gradient: spread(&result.gradient), tangent: spread(&result.tangent) };
        OpDuals { inputs: vec![of_x], parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        Case::random(3, || Box::new(MeanPositions { positions: 4, width: 3 })).check();
    }
}
