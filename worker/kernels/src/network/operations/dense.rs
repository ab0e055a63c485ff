//! A dense layer.

use crate::dense::{
    Activation, DenseParameters, DenseShape, back_through_relu, forward, input_gradient, parameter_gradients,
};
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};
use crate::network::second_order::sum;
use crate::vector::Dispatch;

/// A dense layer over each row of an example: y = Wx + b, with `weight` `[outputs, inputs]` and `bias` `[outputs]`, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dense {
    /// Rows of an example: 1 for a vector, the positions of a sequence.
    pub rows: usize,
    /// Elements of a row.
    pub inputs: usize,
    /// Elements of a row of the result.
    pub outputs: usize,
    /// Whether it has a bias.
    pub has_bias: bool,
    activation: Activation,
}

impl Dense {
    /// A dense layer of these sizes.
    pub const fn new(rows: usize, inputs: usize, outputs: usize, has_bias: bool) -> Self {
        Self { rows, inputs, outputs, has_bias, activation: Activation::Identity }
    }

    const fn shape(&self, batch: usize) -> DenseShape {
        DenseShape { batch: batch * self.rows, inputs: self.inputs, outputs: self.outputs }
    }

    /// The part of a gradient or a tangent that the activation lets through.
    fn through<T: Dispatch>(&self, y: &[T], mut gradient: Vec<T>) -> Vec<T> {
        self.mask(y, &mut gradient);
        gradient
    }

    fn mask<T: Dispatch>(&self, y: &[T], gradient: &mut [T]) {
        if self.activation == Activation::Relu {
            back_through_relu(y, gradient);
        }
    }

    /// The sums of a batch without an activation.
    fn sums<T: Dispatch>(&self, batch: usize, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        let mut y = vec![T::default(); batch * self.rows * self.outputs];
        forward(self.shape(batch), x, DenseParameters { weight, bias }, Activation::Identity, &mut y);
        y
    }

    fn input_gradients<T: Dispatch>(&self, batch: usize, weight: &[T], gradient: &[T]) -> Vec<T> {
        let mut inputs = vec![T::default(); batch * self.rows * self.inputs];
        input_gradient(self.shape(batch), weight, gradient, &mut inputs);
        inputs
    }

    fn parameter_gradients<T: Dispatch>(&self, batch: usize, x: &[T], gradient: &[T]) -> (Vec<T>, Vec<T>) {
        let mut weights = vec![T::default(); self.outputs * self.inputs];
        let mut biases = vec![T::default(); if self.has_bias { self.outputs } else { 0 }];
        parameter_gradients(self.shape(batch), x, gradient, &mut weights, &mut biases);
        (weights, biases)
    }
}

impl<T: Float> Operation<T> for Dense {
    fn shapes(&self) -> OpShapes {
        let mut parameters = vec![vec![self.outputs, self.inputs]];
        if self.has_bias {
            parameters.push(vec![self.outputs]);
        }
        OpShapes {
            inputs: vec![self.rows * self.inputs],
            output: self.rows * self.outputs,
            parameters,
            buffers: Vec::new(),
        }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        let parameters =
            DenseParameters { weight: context.parameters[0], bias: context.parameters.get(1).copied() };
        forward(self.shape(context.pass.batch), context.inputs[0], parameters, self.activation, y);
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        let shape = self.shape(context.pass.batch);
        self.mask(y, gradient);
        if let Some([weights, biases @ ..]) = into.parameters {
            let biases = biases.first_mut().map_or(&mut [][..], Vec::as_mut_slice);
            parameter_gradients(shape, context.inputs[0], gradient, weights, biases);
        }
        if let Some(input) = into.inputs.into_iter().next().flatten() {
            input_gradient(shape, context.parameters[0], gradient, input);
        }
    }

    /// Where ReLU let the sum through: ẋWᵀ + xẆᵀ + ḃ.
    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let (batch, x, weight) = (context.pass.batch, context.inputs[0], context.parameters[0]);
        let zeros = vec![T::default(); if self.has_bias { self.outputs } else { 0 }];
        let with_bias = |bias| self.has_bias.then_some(bias);
        let through_x =
            tangents.inputs[0].map(|tangent| self.sums(batch, tangent, weight, with_bias(zeros.as_slice())));
        let of_bias = tangents.parameters.get(1).copied().flatten().unwrap_or(&zeros);
        let through_parameters =
            tangents.parameters[0].map(|tangent| self.sums(batch, x, tangent, with_bias(of_bias)));
        self.through(y, sum(through_x, through_parameters).unwrap_or_default())
    }

    /// With G the gradient where ReLU let it through, and Ġ its tangent: of x, ĠW + GẆ; of the weight, Ġᵀx + Gᵀẋ; of the bias, the
    /// sums of Ġ.
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
        let direct = gradient_tangent.as_deref().map(|tangent| self.parameter_gradients(batch, x, tangent));
        let (direct, biases) = direct.unzip();
        let crossed = tangents.inputs[0].zip(gradient.as_deref());
        let crossed = crossed.map(|(x, gradient)| self.parameter_gradients(batch, x, gradient).0);
        let mut parameters = vec![sum(direct, crossed)];
        if self.has_bias {
            parameters.push(biases);
        }
        OpDuals { inputs: vec![of_x], parameters }
    }

    fn with_relu(&self) -> Option<Box<dyn Operation<T>>> {
        match self.activation {
            Activation::Identity => Some(Box::new(Self { activation: Activation::Relu, ..*self })),
            Activation::Relu => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (rows, has_bias) in [(1, true), (1, false), (3, true)] {
            Case::random(4, move || Box::new(Dense::new(rows, 5, 3, has_bias))).check();
            Case::random(4, move || Dense::new(rows, 5, 3, has_bias).with_relu().unwrap()).check();
        }
    }
}
