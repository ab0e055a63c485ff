//! Convolution, ReLU and 2×2 max pooling as one operation.

use candle_core::{Result, Shape};

use crate::conv::{Geometry, Operands, pooled_backward, pooled_forward, pooled_select};
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, KeptSize, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};
use crate::network::second_order::sum;

/// 2×2 max pooling of ReLU of a convolution with same padding and stride 1: images `[channels, height, width]` become
/// `[outputs, height / 2, width / 2]`; an odd last row or column is left out, as PyTorch does. `weight` is `[outputs, channels,
/// kernel, kernel]`, `bias` `[outputs]`. Of equal sums in a window the first gets the gradient.
///
/// The gradient is that of the maxima alone, added window by window: another order than that of the three operations one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvReluPool {
    /// For a batch of one.
    geometry: Geometry,
}

impl ConvReluPool {
    /// The operation on images of `[channels, height, width]`, with an odd `kernel`.
    ///
    /// # Errors
    /// If the kernel is even, an image has less than 2×2 pixels, or something is empty or too large.
    pub fn new([channels, height, width]: [usize; 3], outputs: usize, kernel: usize) -> Result<Self> {
        let x = Shape::from((1, channels, height, width));
        let weight = Shape::from((outputs, channels, kernel, kernel));
        Ok(Self { geometry: Geometry::new(&x, &weight, &Shape::from(outputs))? })
    }

    const fn of(&self, batch: usize) -> Geometry {
        Geometry { batch, ..self.geometry }
    }
}

impl<T: Float> Operation<T> for ConvReluPool {
    fn shapes(&self) -> OpShapes {
        let g = &self.geometry;
        OpShapes {
            inputs: vec![g.image()],
            output: g.pooled(),
            parameters: vec![vec![g.outputs, g.channels, g.kernel, g.kernel], vec![g.outputs]],
            buffers: Vec::new(),
        }
    }

    fn kept(&self, batch: usize) -> KeptSize {
        KeptSize { floats: 0, bytes: batch * self.geometry.pooled() }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        let operands =
            Operands { x: context.inputs[0], weight: context.parameters[0], bias: context.parameters[1] };
        pooled_forward(&self.of(context.pass.batch), operands, y, &mut kept.bytes);
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        let OpGradients { inputs, parameters } = into;
        let parameters = match parameters {
            Some([weight, bias]) => Some((weight.as_mut_slice(), bias.as_mut_slice())),
            _ => None,
        };
        pooled_backward(
            &self.of(context.pass.batch),
            context.inputs[0],
            context.parameters[0],
            gradient,
            &kept.bytes,
            inputs.into_iter().next().flatten(),
            parameters,
        );
    }

    /// Of Ẇ∗x + W∗ẋ + ḃ, the sums at the places of the maxima.
    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let geometry = self.of(context.pass.batch);
        let zeros = vec![T::default(); geometry.outputs];
        let through_x = tangents.inputs[0].map(|x| {
            pooled_select(&geometry, Operands { x, weight: context.parameters[0], bias: &zeros }, &kept.bytes)
        });
        let through_parameters = tangents.parameters[0].map(|weight| {
            let bias = tangents.parameters[1].unwrap_or(&zeros);
            pooled_select(&geometry, Operands { x: context.inputs[0], weight, bias }, &kept.bytes)
        });
        sum(through_x, through_parameters).unwrap_or_default()
    }

    /// The backward pass is linear in what it starts from, in x, and in the weight: each of them moves in turn.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        tangents: &InputTangents<'_, T>,
        result: &Dual<T>,
        wanted: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let geometry = self.of(context.pass.batch);
        let (x, weight) = (context.inputs[0], context.parameters[0]);
        let back = |x: &[T], weight: &[T], gradient: Option<&Vec<T>>, input: bool, parameters: bool| {
            let mut of_x = input.then(|| vec![T::default(); x.len()]);
            let zeros = || (vec![T::default(); weight.len()], vec![T::default(); geometry.outputs]);
            let mut of_parameters = parameters.then(zeros);
            match gradient {
                Some(gradient) if input || parameters => {
                    let into = of_parameters
                        .as_mut()
                        .map(|(weight, bias)| (weight.as_mut_slice(), bias.as_mut_slice()));
                    pooled_backward(&geometry, x, weight, gradient, &kept.bytes, of_x.as_deref_mut(), into);
                    (of_x, of_parameters)
                }
                Some(_) | None => (None, None),
            }
        };
        let wants_x = wanted.inputs[0];
        let gradient = result.gradient.as_ref();
        let (plain, _) = back(x, weight, gradient, wants_x, false);
        let (weight_moves, x_moves) = (tangents.parameters[0], tangents.inputs[0]);
        let (crossed, crossed_parameters) = back(
            x_moves.unwrap_or(x),
            weight_moves.unwrap_or(weight),
            gradient,
            wants_x && weight_moves.is_some(),
            x_moves.is_some(),
        );
        let (direct, direct_parameters) = back(x, weight, result.tangent.as_ref(), wants_x, true);
        let (weights, biases) = direct_parameters.unzip();
        let of_x = Dual { gradient: plain, tangent: sum(direct, crossed) };
        let crossed_weights = crossed_parameters.map(|(weights, _)| weights);
        OpDuals { inputs: vec![of_x], parameters: vec![sum(weights, crossed_weights), biases] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (image, kernel) in [([2, 4, 6], 3), ([3, 5, 4], 1)] {
            Case::random(3, move || Box::new(ConvReluPool::new(image, 4, kernel).unwrap())).check();
        }
    }

    #[test]
    fn images_without_a_window_are_refused() {
        assert!(ConvReluPool::new([3, 1, 8], 4, 3).is_err());
        assert!(ConvReluPool::new([3, 8, 8], 4, 2).is_err(), "an even kernel");
    }
}
