//! The passes of a batch: images cut into pieces, a thread a piece.

use std::ops::Range;

use rayon::prelude::*;

use super::backward::{Backward, InputGradient, ParameterGradients};
use super::blocked_layout::BlockedLayout;
use super::forward::{self, Forward, Pooling};
use super::geometry::Geometry;
use crate::aligned_buffer::AlignedBuffer;
use crate::partition;
use crate::vector::Dispatch;

/// Images are cut into at most so many pieces; each has a partial gradient of the weights.
pub(super) const PARTITIONS: usize = 16;

/// The images `[batch, channels, y, x]`, the weight `[outputs, channels, kernel, kernel]` and the bias `[outputs]`.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) weight: &'a [T],
    pub(crate) bias: &'a [T],
}

/// Writes the pooled outputs and the places of the maxima.
pub(crate) fn forward_into<T: Dispatch>(
    geometry: &Geometry,
    operands: Operands<'_, T>,
    pooled: &mut [T],
    argmax: &mut [u8],
) {
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let argmax_pieces = partition::split_mut(argmax, &images, geometry.pooled());
    pool(geometry, operands, argmax_pieces.into_iter().map(Pooling::Max).collect(), pooled);
}

/// The sums at the places of another pass's maxima; zero where there are none.
pub(crate) fn select<T: Dispatch>(geometry: &Geometry, operands: Operands<'_, T>, argmax: &[u8]) -> Vec<T> {
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let of = |images: &Range<usize>| {
        Pooling::Of(&argmax[images.start * geometry.pooled()..images.end * geometry.pooled()])
    };
    let mut selected = vec![T::default(); geometry.batch * geometry.pooled()];
    pool(geometry, operands, images.iter().map(of).collect(), &mut selected);
    selected
}

/// The convolution, one result a window; as many poolings as pieces.
fn pool<T: Dispatch>(
    geometry: &Geometry,
    Operands { x, weight, bias }: Operands<'_, T>,
    poolings: Vec<Pooling<'_>>,
    pooled: &mut [T],
) {
    let tile_rows = T::registers().tile_rows;
    let packed_weight = forward::pack_weight(geometry, weight, tile_rows);
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let pooled_pieces = partition::split_mut(pooled, &images, geometry.pooled());
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
}

/// Writes the gradients that are asked for: of the images, and of weight and bias.
pub(crate) fn backward_into<T: Dispatch>(
    geometry: &Geometry,
    x: &[T],
    weight: &[T],
    gradient: &[T],
    argmax: &[u8],
    input: Option<&mut [T]>,
    parameters: Option<(&mut [T], &mut [T])>,
) {
    let (wants_input, wants_parameters) = (input.is_some(), parameters.is_some());
    let blocks = BlockedLayout::new(*geometry, T::registers().width);
    let packed_weight = if wants_input { blocks.pack_weight(weight) } else { Vec::new() };
    let images = partition::evenly(geometry.batch, PARTITIONS);
    let per_image = if wants_input { geometry.image() } else { 0 };
    let input_pieces = partition::split_mut(input.unwrap_or_default(), &images, per_image);
    let work: Vec<_> = images.into_iter().zip(input_pieces).collect();
    let partial: Vec<(AlignedBuffer<T>, Vec<T>)> = work
        .into_par_iter()
        .map(|(images, input)| {
            let (weights, biases) =
                if wants_parameters { (blocks.weight_elements, geometry.outputs) } else { (0, 0) };
            let mut weight = AlignedBuffer::zeros(weights);
            let mut bias = vec![T::default(); biases];
            let pooled = images.start * geometry.pooled()..images.end * geometry.pooled();
            T::dispatch(Backward {
                geometry: *geometry,
                blocks: &blocks,
                x: &x[images.start * geometry.image()..images.end * geometry.image()],
                gradient: &gradient[pooled.clone()],
                argmax: &argmax[pooled],
                input: wants_input
                    .then_some(InputGradient { packed_weight: &packed_weight, gradient: input }),
                parameters: wants_parameters
                    .then_some(ParameterGradients { weight: &mut weight, bias: &mut bias }),
            });
            (weight, bias)
        })
        .collect();
    if let Some((of_weight, of_bias)) = parameters {
        let (weights, biases): (Vec<_>, Vec<_>) = partial.into_iter().unzip();
        blocks.unpack_weight_into(&partition::sum(weights), of_weight);
        of_bias.copy_from_slice(&partition::sum(biases));
    }
}
