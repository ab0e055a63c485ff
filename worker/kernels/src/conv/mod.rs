//! Convolution, ReLU and 2×2 max pooling as one operation.

mod backward;
mod blocks;
mod entries;
mod forward;
mod geometry;
mod pool;
mod run;

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use self::backward::{Backward, InputGradient, ParameterGradients};
use self::blocks::Blocks;
use self::forward::Forward;
use self::geometry::Geometry;
use crate::backprop::apply3;
use crate::element::{Elements, slice, with_float};
use crate::pieces;
use crate::scratch::Scratch;
use crate::vector::Dispatch;

/// Images are cut into at most so many pieces; each has a partial gradient of the weights.
const PIECES: usize = 16;

/// 2×2 max pooling of ReLU of a convolution with same padding and stride 1.
///
/// `x` is `[batch, channels, height, width]`, `weight` is `[outputs, channels, kernel, kernel]` with an odd kernel, `bias` is
/// `[outputs]`; the result is `[batch, outputs, height / 2, width / 2]`: an odd last row or column is left out, as PyTorch
/// does. Of equal sums in a window the first gets the gradient. `x` gets a gradient only if it depends on a variable, and so do
/// `weight` and `bias` together.
pub fn conv_relu_pool(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let operation = ConvReluPool {
        wanted: Wanted { input: x.track_op(), parameters: weight.track_op() || bias.track_op() },
        winners: OnceLock::new(),
    };
    apply3([x.contiguous()?, weight.contiguous()?, bias.contiguous()?], operation)
}

/// Which gradients are asked for.
#[derive(Clone, Copy)]
struct Wanted {
    input: bool,
    parameters: bool,
}

struct ConvReluPool {
    wanted: Wanted,
    /// Which sum of each window won: kept by the forward pass for the backward pass.
    winners: OnceLock<Vec<u8>>,
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
            let (pooled, winners) = forward::<T>(&geometry, slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            // A second call would be another forward pass of the same operation; Candle makes none.
            let _ = self.winners.set(winners);
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
        let Some(winners) = self.winners.get() else {
            bail!("{} has no forward pass to go back through", self.name());
        };
        let gradient = gradient.contiguous()?;
        let [x_elements, weight_elements, gradient_elements] = [x, weight, &gradient].map(Elements::of);
        with_float!(x.dtype(), self.name(), T => {
            let gradients = backward::<T>(
                &geometry,
                x_elements.as_slice()?,
                weight_elements.as_slice()?,
                gradient_elements.as_slice()?,
                winners,
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

fn forward<T: Dispatch>(geometry: &Geometry, x: &[T], weight: &[T], bias: &[T]) -> (Vec<T>, Vec<u8>) {
    let packed_weight = forward::pack_weight(geometry, weight);
    let mut pooled = vec![T::default(); geometry.batch * geometry.pooled()];
    let mut winners = vec![0_u8; pooled.len()];
    let images = pieces::evenly(geometry.batch, PIECES);
    let pooled_pieces = pieces::split_mut(&mut pooled, &images, geometry.pooled());
    let winner_pieces = pieces::split_mut(&mut winners, &images, geometry.pooled());
    let work: Vec<_> = images.into_iter().zip(pooled_pieces).zip(winner_pieces).collect();
    work.into_par_iter().for_each(|((images, pooled), winners)| {
        let x = &x[images.start * geometry.image()..images.end * geometry.image()];
        T::dispatch(Forward { geometry: *geometry, x, packed_weight: &packed_weight, bias, pooled, winners });
    });
    (pooled, winners)
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
    winners: &[u8],
    wanted: Wanted,
) -> Gradients<T> {
    let blocks = Blocks::new(*geometry, T::vector_width());
    let packed_weight = if wanted.input { blocks.pack_weight(weight) } else { Vec::new() };
    let images = pieces::evenly(geometry.batch, PIECES);
    let mut input = vec![T::default(); if wanted.input { x.len() } else { 0 }];
    let per_image = if wanted.input { geometry.image() } else { 0 };
    let input_pieces = pieces::split_mut(&mut input, &images, per_image);
    let work: Vec<_> = images.into_iter().zip(input_pieces).collect();
    let partial: Vec<(Scratch<T>, Vec<T>)> = work
        .into_par_iter()
        .map(|(images, input)| {
            let (weights, biases) =
                if wanted.parameters { (blocks.weight_elements, geometry.outputs) } else { (0, 0) };
            let mut weight = Scratch::zeros(weights);
            let mut bias = vec![T::default(); biases];
            let pooled = images.start * geometry.pooled()..images.end * geometry.pooled();
            T::dispatch(Backward {
                geometry: *geometry,
                blocks: &blocks,
                x: &x[images.start * geometry.image()..images.end * geometry.image()],
                gradient: &gradient[pooled.clone()],
                winners: &winners[pooled],
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
        wanted.parameters.then(|| (blocks.unpack_weight(&pieces::sum(weights)), pieces::sum(biases)));
    Gradients { input: wanted.input.then_some(input), parameters }
}
