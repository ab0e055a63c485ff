//! Dense layers.

mod passes;
mod second_order;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::backprop::apply3;
use crate::element::{Elements, slice, with_float};
use crate::vector::Dispatch;

pub use passes::Activation;
pub(crate) use passes::{
    DenseParameters, DenseShape, back_through_relu, forward, input_gradient, parameter_gradients,
};

/// A dense layer: `x` `[batch, inputs]`, `weight` `[outputs, inputs]`, `bias` `[outputs]` give `[batch, outputs]`. An `x` of more
/// dimensions is taken as flattened after the first: a map of features needs no reshaping. `x` gets a gradient only if
/// it depends on a variable, and so do `weight` and `bias` together.
pub fn dense(x: &Tensor, weight: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    let operation = Dense { activation, input_has_gradient: x.track_op() };
    apply3([x.contiguous()?, weight.contiguous()?, bias.contiguous()?], operation)
}

struct Dense {
    activation: Activation,
    input_has_gradient: bool,
}

/// The layer's sizes, if the shapes of its inputs fit together.
fn shape_of(x: &Shape, weight: &Shape, bias: &Shape) -> Result<DenseShape> {
    let &[outputs, inputs] = weight.dims() else {
        bail!("a dense layer's weight is [outputs, inputs], not {weight:?}");
    };
    let [batch, features @ ..] = x.dims() else {
        bail!("a dense layer's input is [batch, inputs], not {x:?}");
    };
    if features.is_empty() || features.iter().product::<usize>() != inputs || bias.dims() != [outputs] {
        bail!(
            "a dense layer can't take the input {x:?}, the weight {weight:?} and the bias {bias:?} together"
        );
    }
    Ok(DenseShape { batch: *batch, inputs, outputs })
}

impl CustomOp3 for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = shape_of(l1.shape(), l2.shape(), l3.shape())?;
        with_float!(s1.dtype(), self.name(), T => {
            let mut y = vec![T::default(); shape.batch * shape.outputs];
            let parameters = DenseParameters { weight: slice(s2, l2)?, bias: slice(s3, l3)? };
            forward::<T>(shape, slice(s1, l1)?, parameters, self.activation, &mut y);
            Ok((T::to_cpu_storage_owned(y), Shape::from((shape.batch, shape.outputs))))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = shape_of(x.shape(), weight.shape(), bias.shape())?;
        let gradient = gradient.contiguous()?;
        let [x_elements, weight_elements, y_elements, gradient_elements] =
            [x, weight, result, &gradient].map(Elements::of);
        with_float!(x.dtype(), self.name(), T => {
            let through = self.through::<T>(y_elements.as_slice()?, gradient_elements.as_slice()?);
            let (x_slice, weight_slice) = (x_elements.as_slice::<T>()?, weight_elements.as_slice::<T>()?);
            let x_gradient = if self.input_has_gradient {
                Some(Tensor::from_vec(input_gradients(shape, weight_slice, &through), x.shape(), &Device::Cpu)?)
            } else {
                None
            };
            if !weight.track_op() && !bias.track_op() {
                return Ok((x_gradient, None, None));
            }
            let (weights, biases) = gradients_of_parameters(shape, x_slice, &through);
            let weight_gradient = Tensor::from_vec(weights, weight.shape(), &Device::Cpu)?;
            Ok((x_gradient, Some(weight_gradient), Some(Tensor::from_vec(biases, bias.shape(), &Device::Cpu)?)))
        })
    }
}

impl Dense {
    /// The part of a gradient or a tangent that the activation lets through.
    fn through<T: Dispatch>(&self, y: &[T], gradient: &[T]) -> Vec<T> {
        let mut through = gradient.to_vec();
        if self.activation == Activation::Relu {
            back_through_relu(y, &mut through);
        }
        through
    }
}

/// The gradients of the inputs.
fn input_gradients<T: Dispatch>(shape: DenseShape, weight: &[T], gradient: &[T]) -> Vec<T> {
    let mut inputs = vec![T::default(); shape.batch * shape.inputs];
    input_gradient(shape, weight, gradient, &mut inputs);
    inputs
}

/// The gradients of the weights and of the biases.
fn gradients_of_parameters<T: Dispatch>(shape: DenseShape, x: &[T], gradient: &[T]) -> (Vec<T>, Vec<T>) {
    let mut weights = vec![T::default(); shape.outputs * shape.inputs];
    let mut biases = vec![T::default(); shape.outputs];
    parameter_gradients(shape, x, gradient, &mut weights, &mut biases);
    (weights, biases)
}
