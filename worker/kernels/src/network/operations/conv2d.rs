//! Convolution.

use candle_core::Result;

use super::relu::mask;
use crate::conv2d::{Conv2dShape, Correlation, bias_gradient, weight_gradient};
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};
use crate::network::second_order::sum;

/// What a convolution does, apart from the images that it does it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dOptions {
    /// Channels of the result.
    pub outputs: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// From one output to the next, in pixels.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Channels and outputs are cut into so many parts; an output sees its own part's channels.
    pub groups: usize,
    /// Whether it has a bias.
    pub has_bias: bool,
}

/// A convolution (a cross-correlation, as PyTorch's `Conv2d`): images `[channels, height, width]` become `[outputs, (height + 2 padding −
/// kernel) / stride + 1, …]`. `weight` is `[outputs, channels / groups, kernel, kernel]`, `bias` `[outputs]`, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    shape: Conv2dShape,
    has_bias: bool,
    has_relu: bool,
}

impl Conv2d {
    /// A convolution of images of `[channels, height, width]`.
    ///
    /// # Errors
    /// If groups cut channels or outputs unevenly, the kernel is larger than the padded image, or something is zero or too large.
    pub fn new([channels, height, width]: [usize; 3], options: Conv2dOptions) -> Result<Self> {
        let Conv2dOptions { outputs, kernel, stride, padding, groups, has_bias } = options;
        let shape = Conv2dShape { channels, height, width, outputs, kernel, stride, padding, groups };
        Ok(Self { shape: shape.checked()?, has_bias, has_relu: false })
    }

    /// The result's `[outputs, height, width]`.
    pub const fn output(&self) -> [usize; 3] {
        [self.shape.outputs, self.shape.out_height(), self.shape.out_width()]
    }

    /// The sums of a batch, without an activation.
    pub(super) fn sums<T: Float>(&self, batch: usize, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        let mut y = vec![T::default(); batch * self.shape.result()];
        Correlation::forward(&self.shape, weight).run(x, bias, false, &mut y);
        y
    }

    /// The gradients of a batch of images.
    pub(super) fn input_gradients<T: Float>(&self, batch: usize, weight: &[T], gradient: &[T]) -> Vec<T> {
        let mut inputs = vec![T::default(); batch * self.shape.image()];
        Correlation::input_gradient(&self.shape, weight).run(gradient, None, false, &mut inputs);
        inputs
    }

    fn weight_gradients<T: Float>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
        let mut weights = vec![T::default(); self.shape.weights()];
        weight_gradient(&self.shape, x, gradient, &mut weights);
        weights
    }

    /// The gradients of the biases.
    pub(super) fn bias_gradients<T: Float>(&self, gradient: &[T]) -> Vec<T> {
        let mut biases = vec![T::default(); self.shape.outputs];
        bias_gradient(&self.shape, gradient, &mut biases);
        biases
    }

    /// The part of a gradient or a tangent that ReLU lets through.
    fn through<T: Float>(&self, y: &[T], mut gradient: Vec<T>) -> Vec<T> {
        if self.has_relu {
            mask(y, &mut gradient);
        }
        gradient
    }
}

impl<T: Float> Operation<T> for Conv2d {
    fn shapes(&self) -> OpShapes {
        let shape = &self.shape;
        let mut parameters = vec![vec![shape.outputs, shape.group_channels(), shape.kernel, shape.kernel]];
        if self.has_bias {
            parameters.push(vec![shape.outputs]);
        }
        OpShapes { inputs: vec![shape.image()], output: shape.result(), parameters, buffers: Vec::new() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        let bias = context.parameters.get(1).copied();
        Correlation::forward(&self.shape, context.parameters[0]).run(
            context.inputs[0],
            bias,
            self.has_relu,
            y,
        );
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        if self.has_relu {
            mask(y, gradient);
        }
        if let Some(parameters) = into.parameters {
            let mut parameters = parameters.iter_mut();
            if let Some(weight) = parameters.next() {
                weight_gradient(&self.shape, context.inputs[0], gradient, weight);
            }
            if let Some(bias) = parameters.next() {
                bias_gradient(&self.shape, gradient, bias);
            }
        }
        if let Some(input) = into.inputs.into_iter().next().flatten() {
            Correlation::input_gradient(&self.shape, context.parameters[0]).run(gradient, None, false, input);
        }
    }

    /// Where ReLU let the sum through: W∗ẋ + Ẇ∗x + ḃ.
    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let (batch, x, weight) = (context.pass.batch, context.inputs[0], context.parameters[0]);
        let through_x = tangents.inputs[0].map(|tangent| self.sums(batch, tangent, weight, None));
        let of_bias = tangents.parameters.get(1).copied().flatten();
        let through_parameters = tangents.parameters[0].map(|tangent| self.sums(batch, x, tangent, of_bias));
        self.through(y, sum(through_x, through_parameters).unwrap_or_default())
    }

    /// The backward pass is linear in what it starts from, in x, and in the weight: each of them moves in turn.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
        result: &Dual<T>,
        wanted: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let (batch, x, weight) = (context.pass.batch, context.inputs[0], context.parameters[0]);
        let through = |gradient: &Option<Vec<T>>| gradient.clone().map(|gradient| self.through(y, gradient));
        let (gradient, gradient_tangent) = (through(&result.gradient), through(&result.tangent));
        let mut of_x = Dual::default();
        if wanted.inputs[0] {
            of_x.gradient = gradient.as_deref().map(|gradient| self.input_gradients(batch, weight, gradient));
            let direct =
                gradient_tangent.as_deref().map(|tangent| self.input_gradients(batch, weight, tangent));
            let crossed = tangents.parameters[0].zip(gradient.as_deref());
            let crossed = crossed.map(|(weight, gradient)| self.input_gradients(batch, weight, gradient));
            of_x.tangent = sum(direct, crossed);
        }
        let direct = gradient_tangent.as_deref().map(|tangent| self.weight_gradients(x, tangent));
        let crossed = tangents.inputs[0].zip(gradient.as_deref());
        let crossed = crossed.map(|(x, gradient)| self.weight_gradients(x, gradient));
        let mut parameters = vec![sum(direct, crossed)];
        if self.has_bias {
            parameters.push(gradient_tangent.as_deref().map(|tangent| self.bias_gradients(tangent)));
        }
        OpDuals { inputs: vec![of_x], parameters }
    }

    fn with_relu(&self) -> Option<Box<dyn Operation<T>>> {
        (!self.has_relu).then(|| Box::new(Self { has_relu: true, ..*self }) as Box<dyn Operation<T>>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    fn options(outputs: usize, kernel: usize, stride: usize, padding: usize, groups: usize) -> Conv2dOptions {
        Conv2dOptions { outputs, kernel, stride, padding, groups, has_bias: true }
    }

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (image, options) in [
            ([2, 4, 6], options(3, 3, 1, 1, 1)),
            ([2, 5, 4], options(3, 2, 1, 0, 1)),
            ([2, 5, 6], options(4, 3, 2, 1, 2)),
            ([3, 4, 4], options(3, 3, 1, 1, 3)),
            ([3, 4, 5], options(6, 3, 2, 1, 3)),
            ([2, 6, 6], options(2, 2, 2, 0, 1)),
            ([3, 5, 5], options(2, 1, 2, 0, 1)),
            ([2, 4, 3], options(2, 1, 1, 0, 1)),
            ([2, 7, 4], options(2, 4, 3, 2, 1)),
            ([1, 3, 3], options(2, 3, 2, 4, 1)),
            ([1, 7, 7], options(2, 2, 3, 0, 1)),
        ] {
            for has_bias in [true, false] {
                let options = Conv2dOptions { has_bias, ..options };
                Case::random(3, move || Box::new(Conv2d::new(image, options).unwrap())).check();
            }
            Case::random(2, move || Conv2d::new(image, options).unwrap().with_relu().unwrap()).check();
        }
    }
}
