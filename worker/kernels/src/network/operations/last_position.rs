//! The last position of a sequence.

use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};

/// The last position of a sequence `[positions, width]`, `[width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastPosition {
    /// Positions of a sequence.
    pub positions: usize,
    /// Elements of a position.
    pub width: usize,
}

impl LastPosition {
    fn last<T: Float>(&self, x: &[T], y: &mut [T]) {
        for (x, y) in x.chunks_exact(self.positions * self.width).zip(y.chunks_exact_mut(self.width)) {
            y.copy_from_slice(&x[(self.positions - 1) * self.width..]);
        }
    }

    fn behind_zeros<T: Float>(&self, gradient: &[T], into: &mut [T]) {
        let examples = into.chunks_exact_mut(self.positions * self.width);
        for (gradient, into) in gradient.chunks_exact(self.width).zip(examples) {
            let (before, last) = into.split_at_mut((self.positions - 1) * self.width);
            before.fill(T::default());
            last.copy_from_slice(gradient);
        }
    }
}

impl<T: Float> Operation<T> for LastPosition {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.positions * self.width], output: self.width, ..OpShapes::default() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        self.last(context.inputs[0], y);
    }

    fn vjp(&self, _: &OpContext<'_, T>, _: &Kept<T>, _: &[T], gradient: &mut [T], into: OpGradients<'_, T>) {
        for input in into.inputs.into_iter().flatten() {
            self.behind_zeros(gradient, input);
        }
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        let mut tangent = vec![T::default(); y.len()];
        if let Some(x) = tangents.inputs[0] {
            self.last(x, &mut tangent);
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
        let back = |gradient: &Option<Vec<T>>| {
            gradient.as_ref().map(|gradient| {
                let mut into = vec![T::default(); context.inputs[0].len()];
                self.behind_zeros(gradient, &mut into);
                into
            })
        };
        let of_x = Dual { gradient: back(&result.gradient), tangent: back(&result.tangent) };
        OpDuals { inputs: vec![of_x], parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        Case::random(3, || Box::new(LastPosition { positions: 4, width: 3 })).check();
    }
}
