//! Convolution, ReLU and 2×2 max pooling as one operation.

mod accumulate_runs;
mod backward;
mod blocked_layout;
mod forward;
mod geometry;
mod pool;
mod sparse_gradient;

use std::ops::Range;
use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use self::backward::{Backward, InputGradient, ParameterGradients};
use self::blocked_layout::BlockedLayout;
use self::forward::{Forward, Pooling};
use self::geometry::Geometry;
use crate::aligned_buffer::AlignedBuffer;
use crate::backprop::apply3;
use crate::element::{Elements, slice, with_float};
use crate::partition;
use crate::second_order::{Dual, OpContext, SecondOrder, added, shaped};
use crate::vector::Dispatch;

/// Images are cut into at most so many pieces; each has a partial gradient of the weights.
const PARTITIONS: usize = 16;

/// 2×2 max pooling of ReLU of a convolution with same padding and stride 1.
///
/// `x` is `[batch, channels, height, width]`, `weight` is `[outputs, channels, kernel, kernel]` with an odd kernel, `bias` is
/// `[outputs]`; the result is `[batch, outputs, height / 2, width / 2]`: an odd last row or column is left out, as PyTorch
/// does. Of equal sums in a window the first gets the gradient. `x` gets a gradient only if it depends on a variable, and so do
/// `weight` and `bias` together.
pub fn conv_relu_pool(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let operation = ConvReluPool {
        wanted: Wanted { input: x.track_op(), parameters: weight.track_op() || bias.track_op() },
        argmax: OnceLock::new(),
    };
    apply3([x.contiguous()?, weight.contiguous()?, bias.contiguous()?], operation)
}

/// The gradients that are asked for.
#[derive(Clone, Copy)]
struct Wanted {
    input: bool,
    parameters: bool,
}

struct ConvReluPool {
    wanted: Wanted,
    /// The place of each window's maximum: kept by the forward pass for the backward pass.
    argmax: OnceLock<Vec<u8>>,
}

impl CustomOp3 for ConvReluPool {
    fn name(&self) -> &'static str {
        "conv_relu_pool"
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
        let geometry = Geometry::new(l1.shape(), l2.shape(), l3.shape())?;
        let shape = Shape::from((geometry.batch, geometry.outputs, geometry.height / 2, geometry.width / 2));
        with_float!(s1.dtype(), self.name(), T => {
            let (pooled, argmax) = forward::<T>(&geometry, slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            // A second call would be another forward pass of the same operation; Candle makes none.
            let _ = self.argmax.set(argmax);
            Ok((T::to_cpu_storage_owned(pooled), shape))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let geometry = Geometry::new(x.shape(), weight.shape(), bias.shape())?;
        let argmax = self.argmax()?;
        let gradient = gradient.contiguous()?;
        let [x_elements, weight_elements, gradient_elements] = [x, weight, &gradient].map(Elements::of);
        with_float!(x.dtype(), self.name(), T => {
            let gradients = backward::<T>(
                &geometry,
                x_elements.as_slice()?,
                weight_elements.as_slice()?,
                gradient_elements.as_slice()?,
                argmax,
                self.wanted,
            );
            let x_gradient = gradients.input.map(|input| Tensor::from_vec(input, x.shape(), &Device::Cpu)).transpose()?;
            let Some((weights, biases)) = gradients.parameters else {
                return Ok((x_gradient, None, None));
            };
            let weight_gradient = Tensor::from_vec(weights, weight.shape(), &Device::Cpu)?;
            let bias_gradient = Tensor::from_vec(biases, bias.shape(), &Device::Cpu)?;
            Ok((x_gradient, Some(weight_gradient), Some(bias_gradient)))
        })
    }
}

impl SecondOrder for ConvReluPool {
    /// Of Ẇ∗x + W∗ẋ + ḃ, the sums at the places of the maxima.
    fn jvp(&self, context: &OpContext<'_>) -> Result<Tensor> {
        let ([x, weight, bias], [x_tangent, weight_tangent, bias_tangent]) =
            (context.inputs, context.tangents)
        else {
            unreachable!("a convolution has three inputs");
        };
        let geometry = Geometry::new(x.shape(), weight.shape(), bias.shape())?;
        let argmax = self.argmax()?;
        let [x_elements, weight_elements] = [x, weight].map(Elements::of);
        let [x_tangent, weight_tangent, bias_tangent] =
            [x_tangent, weight_tangent, bias_tangent].map(|tangent| tangent.as_ref().map(Elements::of));
        with_float!(x.dtype(), self.name(), T => {
            let zeros = vec![T::default(); bias.elem_count()];
            let through_x = match &x_tangent {
                Some(tangent) => {
                    Some(select::<T>(&geometry, tangent.as_slice()?, weight_elements.as_slice()?, &zeros, argmax))
                }
                None => None,
            };
            let none = vec![T::default(); if weight_tangent.is_none() { weight.elem_count() } else { 0 }];
            let through_parameters = if weight_tangent.is_some() || bias_tangent.is_some() {
                let weight = weight_tangent.as_ref().map_or(Ok(none.as_slice()), |tangent| tangent.as_slice())?;
                let bias = bias_tangent.as_ref().map_or(Ok(zeros.as_slice()), |tangent| tangent.as_slice())?;
                Some(select::<T>(&geometry, x_elements.as_slice()?, weight, bias, argmax))
            } else {
                None
            };
            let tangent = added(through_x, through_parameters).unwrap_or_default();
            Tensor::from_vec(tangent, context.result.shape(), &Device::Cpu)
        })
    }

    /// The backward pass is linear in what it starts from, in x, and in the weight: each of them moves in turn.
    fn vjp_jvp(&self, context: &OpContext<'_>, result: &Dual) -> Result<Vec<Dual>> {
        let ([x, weight, bias], [x_tangent, weight_tangent, _]) = (context.inputs, context.tangents) else {
            unreachable!("a convolution has three inputs");
        };
        let geometry = Geometry::new(x.shape(), weight.shape(), bias.shape())?;
        let argmax = self.argmax()?;
        let [x_elements, weight_elements] = [x, weight].map(Elements::of);
        let [x_tangent, weight_tangent, gradient, gradient_tangent] =
            [x_tangent, weight_tangent, &result.gradient, &result.tangent]
                .map(|tensor| tensor.as_ref().map(Elements::of));
        let parameters = context.needs_tangent(1) || context.needs_tangent(2);
        with_float!(x.dtype(), self.name(), T => {
            let (x_slice, weight_slice) = (x_elements.as_slice::<T>()?, weight_elements.as_slice::<T>()?);
            let back = |x: &[T], weight: &[T], gradient: &Option<Elements<'_>>, wanted: Wanted| {
                Ok::<_, candle_core::Error>(match gradient {
                    Some(gradient) if wanted.input || wanted.parameters => {
                        backward::<T>(&geometry, x, weight, gradient.as_slice()?, argmax, wanted)
                    }
                    _ => Gradients { input: None, parameters: None },
                })
            };
            let plain = back(
                x_slice,
                weight_slice,
                &gradient,
                Wanted { input: context.needs_gradient(0), parameters: context.needs_gradient(1) || context.needs_gradient(2) },
            )?;
            let crossed = back(
                x_tangent.as_ref().map_or(Ok(x_slice), |tangent| tangent.as_slice())?,
                weight_tangent.as_ref().map_or(Ok(weight_slice), |tangent| tangent.as_slice())?,
                &gradient,
                Wanted {
                    input: context.needs_tangent(0) && weight_tangent.is_some(),
                    parameters: parameters && x_tangent.is_some(),
                },
            )?;
            let direct = Wanted { input: context.needs_tangent(0), parameters };
            let direct = back(x_slice, weight_slice, &gradient_tangent, direct)?;
            let (weights, biases) = plain.parameters.unzip();
            let (weight_tangents, bias_tangents) = direct.parameters.unzip();
            let crossed_weights = crossed.parameters.map(|(weights, _)| weights);
            let pair = |gradient, tangent, like: &Tensor| {
                let (gradient, tangent) = (shaped(gradient, like.shape())?, shaped(tangent, like.shape())?);
                Ok::<_, candle_core::Error>(Dual { gradient, tangent })
            };
            Ok(vec![
                pair(plain.input, added(direct.input, crossed.input), x)?,
                pair(weights, added(weight_tangents, crossed_weights), weight)?,
                pair(biases, bias_tangents, bias)?,
            ])
        })
    }
}

impl ConvReluPool {
    fn argmax(&self) -> Result<&[u8]> {
        match self.argmax.get() {
            Some(argmax) => Ok(argmax),
            None => bail!("{} has no forward pass to go back through", self.name()),
        }
    }
}

fn forward<T: Dispatch>(geometry: &Geometry, x: &[T], weight: &[T], bias: &[T]) -> (Vec<T>, Vec<u8>) {
    let mut argmax = vec![0_u8; geometry.batch * geometry.pooled()];
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let argmax_pieces = partition::split_mut(&mut argmax, &images, geometry.pooled());
    let pooled = pool(geometry, x, weight, bias, argmax_pieces.into_iter().map(Pooling::Max).collect());
    (pooled, argmax)
}

/// The sums at the places of another pass's maxima; zero where there are none.
fn select<T: Dispatch>(geometry: &Geometry, x: &[T], weight: &[T], bias: &[T], argmax: &[u8]) -> Vec<T> {
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let of = |images: &Range<usize>| {
        Pooling::Of(&argmax[images.start * geometry.pooled()..images.end * geometry.pooled()])
    };
    pool(geometry, x, weight, bias, images.iter().map(of).collect())
}

/// The convolution, one result a window; as many poolings as pieces.
fn pool<T: Dispatch>(
    geometry: &Geometry,
    x: &[T],
    weight: &[T],
    bias: &[T],
    poolings: Vec<Pooling<'_>>,
) -> Vec<T> {
    let tile_rows = T::registers().tile_rows;
    let packed_weight = forward::pack_weight(geometry, weight, tile_rows);
    let mut pooled = vec![T::default(); geometry.batch * geometry.pooled()];
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let pooled_pieces = partition::split_mut(&mut pooled, &images, geometry.pooled());
    let work: Vec<_> = images.into_iter().zip(pooled_pieces).zip(poolings).collect();
    work.into_par_iter().for_each(|((images, pooled), pooling)| {
        let x = &x[images.start * geometry.image()..images.end * geometry.image()];
        T::dispatch(Forward {
            geometry: *geometry,
            x,
            tile_rows,
            packed_weight: &packed_weight,
            bias,
            pooled,
            pooling,
        });
    });
    pooled
}

struct Gradients<T> {
    input: Option<Vec<T>>,
    /// Of weight and bias.
    parameters: Option<(Vec<T>, Vec<T>)>,
}

fn backward<T: Dispatch>(
    geometry: &Geometry,
    x: &[T],
    weight: &[T],
    gradient: &[T],
    argmax: &[u8],
    wanted: Wanted,
) -> Gradients<T> {
    let blocks = BlockedLayout::new(*geometry, T::registers().width);
    let packed_weight = if wanted.input { blocks.pack_weight(weight) } else { Vec::new() };
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let mut input = vec![T::default(); if wanted.input { x.len() } else { 0 }];
    let per_image = if wanted.input { geometry.image() } else { 0 };
    let input_pieces = partition::split_mut(&mut input, &images, per_image);
    let work: Vec<_> = images.into_iter().zip(input_pieces).collect();
    let partial: Vec<(AlignedBuffer<T>, Vec<T>)> = work
        .into_par_iter()
        .map(|(images, input)| {
            let (weights, biases) =
                if wanted.parameters { (blocks.weight_elements, geometry.outputs) } else { (0, 0) };
            let mut weight = AlignedBuffer::zeros(weights);
            let mut bias = vec![T::default(); biases];
            let pooled = images.start * geometry.pooled()..images.end * geometry.pooled();
            T::dispatch(Backward {
                geometry: *geometry,
                blocks: &blocks,
                x: &x[images.start * geometry.image()..images.end * geometry.image()],
                gradient: &gradient[pooled.clone()],
                argmax: &argmax[pooled],
                input: wanted
                    .input
                    .then_some(InputGradient { packed_weight: &packed_weight, gradient: input }),
                parameters: wanted
                    .parameters
                    .then_some(ParameterGradients { weight: &mut weight, bias: &mut bias }),
            });
            (weight, bias)
        })
        .collect();
    let (weights, biases): (Vec<_>, Vec<_>) = partial.into_iter().unzip();
    let parameters =
        wanted.parameters.then(|| (blocks.unpack_weight(&partition::sum(weights)), partition::sum(biases)));
    Gradients { input: wanted.input.then_some(input), parameters }
}
