//! Convolution with filters that aren't trained.

use candle_core::Result;

use super::conv2d::{Conv2d, Conv2dOptions};
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};
use crate::network::second_order::sum;

/// A [`Conv2d`] whose weight `[outputs, channels, kernel, kernel]` is a buffer; its bias `[outputs]` is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedConv2d {
    convolution: Conv2d,
}

impl FixedConv2d {
    /// A convolution of images of `[channels, height, width]` by `outputs` filters of side `kernel`, with stride 1 and no padding.
    ///
    /// # Errors
    /// As for [`Conv2d::new`].
    pub fn new(image: [usize; 3], outputs: usize, kernel: usize) -> Result<Self> {
        let options = Conv2dOptions { outputs, kernel, stride: 1, padding: 0, groups: 1, has_bias: true };
        Ok(Self { convolution: Conv2d::new(image, options)? })
    }

    /// The result's `[outputs, height, width]`.
    const fn output(&self) -> [usize; 3] {
        self.convolution.output()
    }

    /// A value a channel at each place of a batch.
    fn everywhere<T: Float>(&self, batch: usize, values: &[T]) -> Vec<T> {
        let [_, height, width] = self.output();
        let image = values.iter().flat_map(|value| std::iter::repeat_n(*value, height * width));
        let image: Vec<T> = image.collect();
        image.repeat(batch)
    }
}

impl<T: Float> Operation<T> for FixedConv2d {
    fn shapes(&self) -> OpShapes {
        let OpShapes { inputs, output, parameters, .. } = Operation::<T>::shapes(&self.convolution);
        let [weight, bias] = [0, 1].map(|index| parameters[index].clone());
        OpShapes { inputs, output, parameters: vec![bias], buffers: vec![weight] }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        let parameters = [context.buffers[0], context.parameters[0]];
        self.convolution.forward(&OpContext { parameters: &parameters, ..*context }, kept, y);
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        if let Some(bias) = into.parameters.into_iter().flatten().next() {
            bias.copy_from_slice(&self.convolution.bias_gradients(gradient));
        }
        if let Some(input) = into.inputs.into_iter().next().flatten() {
            let (batch, weight) = (context.pass.batch, context.buffers[0]);
            input.copy_from_slice(&self.convolution.input_gradients(batch, weight, gradient));
        }
    }

    /// W∗ẋ + ḃ
    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let (batch, weight) = (context.pass.batch, context.buffers[0]);
        let through_x = tangents.inputs[0].map(|tangent| self.convolution.sums(batch, tangent, weight, None));
        let through_bias = tangents.parameters[0].map(|tangent| self.everywhere(batch, tangent));
        sum(through_x, through_bias).unwrap_or_default()
    }

    /// The backward pass is linear in what it starts from, and nothing else in it moves.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        wanted: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let (batch, weight) = (context.pass.batch, context.buffers[0]);
        let to_x = |gradient: &Option<Vec<T>>| {
            let gradient = gradient.as_deref().filter(|_| wanted.inputs[0]);
            gradient.map(|gradient| self.convolution.input_gradients(batch, weight, gradient))
        };
        let of_x = Dual { gradient: to_x(&result.gradient), tangent: to_x(&result.tangent) };
        let bias = result.tangent.as_deref().map(|tangent| self.convolution.bias_gradients(tangent));
        OpDuals { inputs: vec![of_x], parameters: vec![bias] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (image, outputs, kernel) in [([2, 4, 6], 3, 3), ([3, 5, 4], 24, 2), ([1, 3, 3], 1, 3)] {
            Case::random(3, move || Box::new(FixedConv2d::new(image, outputs, kernel).unwrap())).check();
        }
    }
}
