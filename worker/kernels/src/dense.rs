//! Dense layers, one or many at a time.

use std::ops::Range;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::backprop::apply3;
use crate::element::{Element, Elements, slice, with_float};
use crate::hessian::{Dual, OpContext, SecondOrder, added, shaped};
use crate::matmul::{Matrix, Product};
use crate::vector::{Dispatch, Kernel, Vector};

/// What follows a dense layer's sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// max(0, x).
    Relu,
}

/// A dense layer: `x` `[batch, inputs]`, `weight` `[outputs, inputs]`, `bias` `[outputs]` give `[batch, outputs]`. An `x` of more
/// dimensions is taken as flattened after the first: a map of features needs no reshaping.
///
/// With lanes, many layers of one shape at a time: `weight` `[lanes, outputs, inputs]`, `bias` `[lanes, outputs]`, and `x`
/// `[lanes, batch, inputs]`, or `[batch, inputs]` for all of them, give `[lanes, batch, outputs]`. A lane's result and its
/// gradients have the same bytes as those of the layer alone. `x` gets a gradient only if it depends on a variable, and so do
/// `weight` and `bias` together.
pub fn dense(x: &Tensor, weight: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    let operation = Dense { activation, input_has_gradient: x.track_op() };
    apply3([x.contiguous()?, weight.contiguous()?, bias.contiguous()?], operation)
}

struct Dense {
    activation: Activation,
    input_has_gradient: bool,
}

/// Sizes of a layer, or of `lanes` layers.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    lanes: usize,
    /// Whether all lanes read the same `x`.
    shared: bool,
    batch: usize,
    inputs: usize,
    outputs: usize,
}

impl Sizes {
    /// Those of one layer, whose input is `[batch, inputs]`.
    pub(crate) const fn of_layer(batch: usize, inputs: usize, outputs: usize) -> Self {
        Self { lanes: 1, shared: false, batch, inputs, outputs }
    }

    fn new(x: &Shape, weight: &Shape, bias: &Shape) -> Result<Self> {
        let (lanes, outputs, inputs) = match *weight.dims() {
            [outputs, inputs] => (None, outputs, inputs),
            [lanes, outputs, inputs] => (Some(lanes), outputs, inputs),
            _ => bail!(
                "a dense layer's weight is [outputs, inputs] or [lanes, outputs, inputs], not {weight:?}"
            ),
        };
        let (x_lanes, batch, x_inputs) = match (lanes, x.dims()) {
            (None, [batch, features @ ..]) if !features.is_empty() => {
                (None, *batch, features.iter().product())
            }
            (Some(_), [batch, inputs]) => (None, *batch, *inputs),
            (Some(_), [lanes, batch, inputs]) => (Some(*lanes), *batch, *inputs),
            _ => bail!(
                "a dense layer's input is [batch, inputs] or, with lanes, [lanes, batch, inputs], not {x:?}"
            ),
        };
        let bias_fits = match lanes {
            None => bias.dims() == [outputs],
            Some(lanes) => bias.dims() == [lanes, outputs],
        };
        if x_inputs != inputs || !bias_fits || (x_lanes.is_some() && x_lanes != lanes) || lanes == Some(0) {
            bail!(
                "a dense layer can't take the input {x:?}, the weight {weight:?} and the bias {bias:?} together"
            );
        }
        Ok(Self { lanes: lanes.unwrap_or(1), shared: x_lanes.is_none(), batch, inputs, outputs })
    }

    fn result(&self, weight: &Shape) -> Shape {
        if weight.rank() == 3 {
            Shape::from((self.lanes, self.batch, self.outputs))
        } else {
            Shape::from((self.batch, self.outputs))
        }
    }

    /// A lane's input among all lanes'.
    fn x(&self, lane: usize) -> Range<usize> {
        let lane = if self.shared { 0 } else { lane };
        lane * self.batch * self.inputs..(lane + 1) * self.batch * self.inputs
    }

    fn weight(&self, lane: usize) -> Range<usize> {
        lane * self.outputs * self.inputs..(lane + 1) * self.outputs * self.inputs
    }

    fn bias(&self, lane: usize) -> Range<usize> {
        lane * self.outputs..(lane + 1) * self.outputs
    }

    fn y(&self, lane: usize) -> Range<usize> {
        lane * self.batch * self.outputs..(lane + 1) * self.batch * self.outputs
    }
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
        let sizes = Sizes::new(l1.shape(), l2.shape(), l3.shape())?;
        with_float!(s1.dtype(), self.name(), T => {
            let mut y = vec![T::default(); sizes.lanes * sizes.batch * sizes.outputs];
            forward::<T>(sizes, slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?, self.activation, &mut y);
            Ok((T::to_cpu_storage_owned(y), sizes.result(l2.shape())))
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
        let sizes = Sizes::new(x.shape(), weight.shape(), bias.shape())?;
        let gradient = gradient.contiguous()?;
        let [x_elements, weight_elements, y_elements, gradient_elements] =
            [x, weight, result, &gradient].map(Elements::of);
        with_float!(x.dtype(), self.name(), T => {
            let through = self.through::<T>(y_elements.as_slice()?, gradient_elements.as_slice()?);
            let (x_slice, weight_slice) = (x_elements.as_slice::<T>()?, weight_elements.as_slice::<T>()?);
            let x_gradient = if self.input_has_gradient {
                Some(Tensor::from_vec(input_gradients(sizes, weight_slice, &through), x.shape(), &Device::Cpu)?)
            } else {
                None
            };
            if !weight.track_op() && !bias.track_op() {
                return Ok((x_gradient, None, None));
            }
            let (weights, biases) = gradients_of_parameters(sizes, x_slice, &through);
            let weight_gradient = Tensor::from_vec(weights, weight.shape(), &Device::Cpu)?;
            Ok((x_gradient, Some(weight_gradient), Some(Tensor::from_vec(biases, bias.shape(), &Device::Cpu)?)))
        })
    }
}

impl SecondOrder for Dense {
    /// Where ReLU let the sum through: ẋWᵀ + xẆᵀ + ḃ.
    fn jvp(&self, context: &OpContext<'_>) -> Result<Tensor> {
        let ([x, weight, bias], [x_tangent, weight_tangent, bias_tangent]) =
            (context.inputs, context.tangents)
        else {
            unreachable!("a dense layer has three inputs");
        };
        let sizes = Sizes::new(x.shape(), weight.shape(), bias.shape())?;
        let [x_elements, weight_elements, y_elements] = [x, weight, context.result].map(Elements::of);
        let [x_tangent, weight_tangent, bias_tangent] =
            [x_tangent, weight_tangent, bias_tangent].map(|tangent| tangent.as_ref().map(Elements::of));
        with_float!(x.dtype(), self.name(), T => {
            let zeros = vec![T::default(); bias.elem_count()];
            let through_x = match &x_tangent {
                Some(tangent) => Some(outputs::<T>(sizes, tangent.as_slice()?, weight_elements.as_slice()?, &zeros)),
                None => None,
            };
            let bias = bias_tangent.as_ref().map_or(Ok(zeros.as_slice()), |tangent| tangent.as_slice())?;
            let through_parameters = match &weight_tangent {
                Some(tangent) => Some(outputs::<T>(sizes, x_elements.as_slice()?, tangent.as_slice()?, bias)),
                None if bias_tangent.is_some() => {
                    let none = vec![T::default(); weight.elem_count()];
                    Some(outputs::<T>(sizes, x_elements.as_slice()?, &none, bias))
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
        let sizes = Sizes::new(x.shape(), weight.shape(), bias.shape())?;
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
            let (gradient, moved) = (through(&gradient)?, through(&gradient_tangent)?);
            let x_tangent = x_tangent.as_ref().map(|tangent| tangent.as_slice::<T>()).transpose()?;
            let weight_tangent = weight_tangent.as_ref().map(|tangent| tangent.as_slice::<T>()).transpose()?;
            let (mut of_x, mut of_weight, mut of_bias) = (Dual::default(), Dual::default(), Dual::default());
            if context.needs_gradient(0) {
                let plain = gradient.as_deref().map(|gradient| input_gradients(sizes, weight_slice, gradient));
                of_x.gradient = shaped(plain, x.shape())?;
            }
            if context.needs_tangent(0) {
                let straight = moved.as_deref().map(|moved| input_gradients(sizes, weight_slice, moved));
                let turned = weight_tangent.zip(gradient.as_deref());
                let turned = turned.map(|(weight, gradient)| input_gradients(sizes, weight, gradient));
                of_x.tangent = shaped(added(straight, turned), x.shape())?;
            }
            if context.needs_gradient(1) || context.needs_gradient(2) {
                let (weights, biases) =
                    gradient.as_deref().map(|gradient| gradients_of_parameters(sizes, x_slice, gradient)).unzip();
                of_weight.gradient = shaped(weights, weight.shape())?;
                of_bias.gradient = shaped(biases, bias.shape())?;
            }
            if context.needs_tangent(1) || context.needs_tangent(2) {
                let (straight, biases) =
                    moved.as_deref().map(|moved| gradients_of_parameters(sizes, x_slice, moved)).unzip();
                let turned = x_tangent.zip(gradient.as_deref());
                let turned = turned.map(|(x, gradient)| gradients_of_parameters(sizes, x, gradient).0);
                of_weight.tangent = shaped(added(straight, turned), weight.shape())?;
                of_bias.tangent = shaped(biases, bias.shape())?;
            }
            Ok(vec![of_x, of_weight, of_bias])
        })
    }
}

impl Dense {
    /// What the activation lets through of a gradient or a tangent.
    fn through<T: Dispatch>(&self, y: &[T], gradient: &[T]) -> Vec<T> {
        let mut through = gradient.to_vec();
        if self.activation == Activation::Relu {
            back_through_relu(y, &mut through);
        }
        through
    }
}

/// The layer's outputs without an activation.
fn outputs<T: Dispatch>(sizes: Sizes, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let mut y = vec![T::default(); sizes.lanes * sizes.batch * sizes.outputs];
    forward(sizes, x, weight, bias, Activation::Identity, &mut y);
    y
}

/// The gradients of the inputs, lanes that read the same ones added up.
fn input_gradients<T: Dispatch>(sizes: Sizes, weight: &[T], gradient: &[T]) -> Vec<T> {
    let mut inputs = vec![T::default(); sizes.lanes * sizes.batch * sizes.inputs];
    input_gradient(sizes, weight, gradient, &mut inputs);
    add_lanes(sizes, &mut inputs);
    inputs
}

/// The gradients of the weights and of the biases.
fn gradients_of_parameters<T: Dispatch>(sizes: Sizes, x: &[T], gradient: &[T]) -> (Vec<T>, Vec<T>) {
    let mut weights = vec![T::default(); sizes.lanes * sizes.outputs * sizes.inputs];
    let mut biases = vec![T::default(); sizes.lanes * sizes.outputs];
    parameter_gradients(sizes, x, gradient, &mut weights, &mut biases);
    (weights, biases)
}

/// Writes the layer's outputs to `y`.
pub(crate) fn forward<T: Dispatch>(
    sizes: Sizes,
    x: &[T],
    weight: &[T],
    bias: &[T],
    activation: Activation,
    y: &mut [T],
) {
    for_each_lane(y, sizes.batch * sizes.outputs, |lane, y| {
        let product = Product {
            sizes: [sizes.batch, sizes.outputs, sizes.inputs],
            a: Matrix::new(&x[sizes.x(lane)], sizes.inputs),
            b: Matrix::new(&weight[sizes.weight(lane)], sizes.inputs).transposed(),
            bias: Some(&bias[sizes.bias(lane)]),
            relu: activation == Activation::Relu,
        };
        product.compute(y);
    });
}

/// Leaves of a gradient what ReLU let through, by its results `y`.
pub(crate) fn back_through_relu<T: Dispatch>(y: &[T], gradient: &mut [T]) {
    T::dispatch(BackThroughRelu { y, gradient });
}

/// Writes the gradients of the weights and of the biases.
pub(crate) fn parameter_gradients<T: Dispatch>(
    sizes: Sizes,
    x: &[T],
    gradient: &[T],
    weights: &mut [T],
    biases: &mut [T],
) {
    for_each_lane(weights, sizes.outputs * sizes.inputs, |lane, weights| {
        let product = Product {
            sizes: [sizes.outputs, sizes.inputs, sizes.batch],
            a: Matrix::new(&gradient[sizes.y(lane)], sizes.outputs).transposed(),
            b: Matrix::new(&x[sizes.x(lane)], sizes.inputs),
            bias: None,
            relu: false,
        };
        product.compute(weights);
    });
    for (lane, biases) in biases.chunks_exact_mut(sizes.outputs.max(1)).enumerate() {
        T::dispatch(AddRows { rows: &gradient[sizes.y(lane)], sums: biases });
    }
}

/// Writes the gradients of the inputs, each lane's for itself.
pub(crate) fn input_gradient<T: Dispatch>(sizes: Sizes, weight: &[T], gradient: &[T], inputs: &mut [T]) {
    for_each_lane(inputs, sizes.batch * sizes.inputs, |lane, inputs| {
        let product = Product {
            sizes: [sizes.batch, sizes.inputs, sizes.outputs],
            a: Matrix::new(&gradient[sizes.y(lane)], sizes.outputs),
            b: Matrix::new(&weight[sizes.weight(lane)], sizes.inputs),
            bias: None,
            relu: false,
        };
        product.compute(inputs);
    });
}

/// Where all lanes read the same inputs, these get the sum of the lanes' gradients.
fn add_lanes<T: Dispatch>(sizes: Sizes, inputs: &mut Vec<T>) {
    if !sizes.shared || sizes.lanes < 2 {
        return;
    }
    let (total, rest) = inputs.split_at_mut(sizes.batch * sizes.inputs);
    for lane in rest.chunks_exact(total.len().max(1)) {
        for (total, value) in total.iter_mut().zip(lane) {
            *total += *value;
        }
    }
    inputs.truncate(sizes.batch * sizes.inputs);
}

/// Plain loops, for the compiler to make use of the path's registers: no element depends on how many it takes at a time.
struct BackThroughRelu<'a, T> {
    y: &'a [T],
    gradient: &'a mut [T],
}

impl<T: Element> Kernel<T> for BackThroughRelu<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let zero = T::default();
        for (gradient, y) in self.gradient.iter_mut().zip(self.y) {
            *gradient = if *y <= zero { zero } else { *gradient };
        }
    }
}

/// The sums of columns, in the order of the rows.
struct AddRows<'a, T> {
    rows: &'a [T],
    sums: &'a mut [T],
}

impl<T: Element> Kernel<T> for AddRows<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        self.sums.fill(T::default());
        for row in self.rows.chunks_exact(self.sums.len()) {
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += *value;
            }
        }
    }
}

/// Runs `work` for each lane's part of `out`: on this thread if there is one lane, so that the product can use all of them.
fn for_each_lane<T: Dispatch>(out: &mut [T], each: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if each == 0 || out.len() == each {
        return work(0, out);
    }
    out.par_chunks_mut(each).enumerate().for_each(|(lane, out)| work(lane, out));
}
