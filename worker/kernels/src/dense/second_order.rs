//! A dense layer's second derivatives.

use candle_core::{CustomOp3, Device, Result, Tensor};

use super::passes::{Activation, DenseParameters, DenseShape, forward};
use super::{Dense, gradients_of_parameters, input_gradients, shape_of};
use crate::element::{Elements, with_float};
use crate::second_order::{Dual, OpContext, SecondOrder, added, shaped};
use crate::vector::Dispatch;

impl SecondOrder for Dense {
    /// Where ReLU let the sum through: ẋWᵀ + xẆᵀ + ḃ.
    fn jvp(&self, context: &OpContext<'_>) -> Result<Tensor> {
        let ([x, weight, bias], [x_tangent, weight_tangent, bias_tangent]) =
            (context.inputs, context.tangents)
        else {
            unreachable!("a dense layer has three inputs");
        };
        let shape = shape_of(x.shape(), weight.shape(), bias.shape())?;
        let [x_elements, weight_elements, y_elements] = [x, weight, context.result].map(Elements::of);
        let [x_tangent, weight_tangent, bias_tangent] =
            [x_tangent, weight_tangent, bias_tangent].map(|tangent| tangent.as_ref().map(Elements::of));
        with_float!(x.dtype(), self.name(), T => {
            let zeros = vec![T::default(); bias.elem_count()];
            let through_x = match &x_tangent {
                Some(tangent) => Some(outputs::<T>(shape, tangent.as_slice()?, weight_elements.as_slice()?, &zeros)),
                None => None,
            };
            let bias = bias_tangent.as_ref().map_or(Ok(zeros.as_slice()), |tangent| tangent.as_slice())?;
            let through_parameters = match &weight_tangent {
                Some(tangent) => Some(outputs::<T>(shape, x_elements.as_slice()?, tangent.as_slice()?, bias)),
                None if bias_tangent.is_some() => {
                    let none = vec![T::default(); weight.elem_count()];
                    Some(outputs::<T>(shape, x_elements.as_slice()?, &none, bias))
                }
                None => None,
            };
            let tangent = added(through_x, through_parameters).unwrap_or_default();
            let tangent = self.through::<T>(y_elements.as_slice()?, &tangent);
            Tensor::from_vec(tangent, context.result.shape(), &Device::Cpu)
        })
    }

    /// With G the gradient where ReLU let it through, and Ġ its tangent: of x, ĠW + GẆ; of the weight, Ġᵀx + Gᵀẋ; of the bias, the
    /// sums of Ġ.
    fn vjp_jvp(&self, context: &OpContext<'_>, result: &Dual) -> Result<Vec<Dual>> {
        let ([x, weight, bias], [x_tangent, weight_tangent, _]) = (context.inputs, context.tangents) else {
            unreachable!("a dense layer has three inputs");
        };
        let shape = shape_of(x.shape(), weight.shape(), bias.shape())?;
        let [x_elements, weight_elements, y_elements] = [x, weight, context.result].map(Elements::of);
        let [x_tangent, weight_tangent, gradient, gradient_tangent] =
            [x_tangent, weight_tangent, &result.gradient, &result.tangent]
                .map(|tensor| tensor.as_ref().map(Elements::of));
        with_float!(x.dtype(), self.name(), T => {
            let (x_slice, weight_slice) = (x_elements.as_slice::<T>()?, weight_elements.as_slice::<T>()?);
            let y = y_elements.as_slice::<T>()?;
            let through = |gradient: &Option<Elements<'_>>| match gradient {
                Some(gradient) => Ok(Some(self.through::<T>(y, gradient.as_slice()?))),
                None => Ok::<_, candle_core::Error>(None),
            };
            let (gradient, gradient_tangent) = (through(&gradient)?, through(&gradient_tangent)?);
            let x_tangent = x_tangent.as_ref().map(|tangent| tangent.as_slice::<T>()).transpose()?;
            let weight_tangent = weight_tangent.as_ref().map(|tangent| tangent.as_slice::<T>()).transpose()?;
            let (mut of_x, mut of_weight, mut of_bias) = (Dual::default(), Dual::default(), Dual::default());
            if context.needs_gradient(0) {
                let plain = gradient.as_deref().map(|gradient| input_gradients(shape, weight_slice, gradient));
                of_x.gradient = shaped(plain, x.shape())?;
            }
            if context.needs_tangent(0) {
                let direct = gradient_tangent.as_deref().map(|gradient_tangent| input_gradients(shape, weight_slice, gradient_tangent));
                let crossed = weight_tangent.zip(gradient.as_deref());
                let crossed = crossed.map(|(weight, gradient)| input_gradients(shape, weight, gradient));
                of_x.tangent = shaped(added(direct, crossed), x.shape())?;
            }
            if context.needs_gradient(1) || context.needs_gradient(2) {
                let (weights, biases) =
                    gradient.as_deref().map(|gradient| gradients_of_parameters(shape, x_slice, gradient)).unzip();
                of_weight.gradient = shaped(weights, weight.shape())?;
                of_bias.gradient = shaped(biases, bias.shape())?;
            }
            if context.needs_tangent(1) || context.needs_tangent(2) {
                let (direct, biases) =
                    gradient_tangent.as_deref().map(|gradient_tangent| gradients_of_parameters(shape, x_slice, gradient_tangent)).unzip();
                let crossed = x_tangent.zip(gradient.as_deref());
                let crossed = crossed.map(|(x, gradient)| gradients_of_parameters(shape, x, gradient).0);
                of_weight.tangent = shaped(added(direct, crossed), weight.shape())?;
                of_bias.tangent = shaped(biases, bias.shape())?;
            }
            Ok(vec![of_x, of_weight, of_bias])
        })
    }
}

/// The layer's outputs without an activation.
fn outputs<T: Dispatch>(shape: DenseShape, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let mut y = vec![T::default(); shape.batch * shape.outputs];
    forward(shape, x, DenseParameters { weight, bias }, Activation::Identity, &mut y);
    y
}
