//! The gradients of weight and bias.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::{ColumnBlock, register_blocks, row_width};
use super::gathered::{Steps, gathered_tile, tile_rows, with_gathered_tile};
use super::padded::{Margins, PaddedLayout};
use super::shape::Conv2dShape;
use crate::activity;
use crate::aligned_buffer::AlignedBuffer;
use crate::element::Element;
use crate::partition;
use crate::vector::{Dispatch, Kernel, Vector, transpose};

/// Images are cut into at most so many pieces, each with sums of its own.
const PIECES: usize = 16;
/// Weights that the sums of all pieces have together, at most, unless one piece has more.
const PARTIAL_ELEMENTS: usize = 1 << 22;
/// Elements of padded images and of gradients at a time: they stay in the second cache.
const SOURCE_ELEMENTS: usize = 1 << 16;
/// Elements of gradients that are read again and again: they fit the first cache.
const PANEL_ELEMENTS: usize = 6 << 10;
/// Gradients of a bias that are added side by side.
const LANES: usize = 16;

/// Writes the gradient of the weight from the images and the gradients of the outputs.
///
/// The sum over images is cut into pieces, fewer for larger weights; a piece's images are added one after the other, each row by row.
pub(crate) fn weight_gradient<T: Dispatch>(shape: &Conv2dShape, x: &[T], gradient: &[T], weight: &mut [T]) {
    let batch = x.len() / shape.image();
    assert!(x.len() == batch * shape.image() && gradient.len() == batch * shape.result());
    assert_eq!(weight.len(), shape.weights(), "a gradient has its weight's size");
    let blocks = register_blocks::<T>(shape.group_outputs());
    let images = partition::evenly(batch, (PARTIAL_ELEMENTS / shape.weights()).clamp(1, PIECES));
    let channels = partition::evenly(shape.channels, PIECES.div_ceil(images.len()));
    let channel_sums = shape.taps() * row_width(&blocks);
    let mut sums: Vec<AlignedBuffer<T>> =
        images.iter().map(|_| AlignedBuffer::zeros(shape.channels * channel_sums)).collect();
    let mut work = Vec::with_capacity(images.len() * channels.len());
    for (images, sums) in images.iter().zip(&mut sums) {
        let parts = partition::split_mut(sums, &channels, channel_sums);
        work.extend(
            channels.iter().zip(parts).map(|(channels, sums)| (images.clone(), channels.clone(), sums)),
        );
    }
    work.into_par_iter().for_each(|(images, channels, sums)| {
        let x = &x[images.start * shape.image()..images.end * shape.image()];
        let gradient = &gradient[images.start * shape.result()..images.end * shape.result()];
        T::dispatch(WeightGradient { shape, blocks: &blocks, channels, x, gradient, sums });
    });
    let sums = partition::sum(sums);
    let mut rest = weight;
    let mut work = Vec::with_capacity(shape.groups * blocks.len());
    let output = shape.group_channels() * shape.taps();
    for group in 0..shape.groups {
        let sums = &sums[group * shape.group_channels() * channel_sums..];
        for block in &blocks {
            let (weight, after) = std::mem::take(&mut rest).split_at_mut(block.columns.len() * output);
            rest = after;
            work.push(Unpack { shape, block, sums, channel_sums, weight });
        }
    }
    work.into_par_iter().for_each(T::dispatch);
}

/// Writes the gradient of the bias: the sum of each output's gradients, image by image.
pub(crate) fn bias_gradient<T: Dispatch>(shape: &Conv2dShape, gradient: &[T], bias: &mut [T]) {
    bias.par_iter_mut().enumerate().for_each(|(output, bias)| {
        T::dispatch(BiasGradient { shape, output, gradient, bias });
    });
}

/// Plain loops, for the compiler to make use of the path's registers: the lanes are the same on every path.
struct BiasGradient<'a, T> {
    shape: &'a Conv2dShape,
    output: usize,
    gradient: &'a [T],
    bias: &'a mut T,
}

impl<T: Element> Kernel<T> for BiasGradient<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let plane = self.shape.out_plane();
        let mut parts = [T::default(); LANES];
        for image in self.gradient.chunks_exact(self.shape.result()) {
            let (chunks, rest) = image[self.output * plane..][..plane].as_chunks::<LANES>();
            for chunk in chunks {
                for (part, value) in parts.iter_mut().zip(chunk) {
                    *part += *value;
                }
            }
            for (part, value) in parts.iter_mut().zip(rest) {
                *part += *value;
            }
        }
        let mut sum = T::default();
        for part in parts {
            sum += part;
        }
        *self.bias = sum;
    }
}

/// Some images' part of the gradient of the weights of some channels, on one thread.
struct WeightGradient<'a, T> {
    shape: &'a Conv2dShape,
    blocks: &'a [ColumnBlock],
    channels: Range<usize>,
    x: &'a [T],
    gradient: &'a [T],
    /// `[channel, block, tap, column]`; added to.
    sums: &'a mut [T],
}

impl<T: Element> Kernel<T> for WeightGradient<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Self { shape, blocks, channels, .. } = self;
        let p = shape.padding;
        let margins = Margins { top: p, bottom: p, left: p, right: p };
        let source = PaddedLayout::new(channels.len(), [shape.height, shape.width], margins);
        let (row, places) = (row_width(blocks), shape.out_plane());
        let images = self.x.len() / shape.image();
        let at_once = (SOURCE_ELEMENTS / (source.image() + places * row)).clamp(1, images);
        let mut padded = AlignedBuffer::zeros(at_once * source.image());
        let mut columns = AlignedBuffer::zeros(at_once * places * row);
        let taps: Vec<usize> =
            (0..shape.taps()).map(|tap| tap / shape.kernel * source.pitch + tap % shape.kernel).collect();
        let parts =
            self.x.chunks(at_once * shape.image()).zip(self.gradient.chunks(at_once * shape.result()));
        for (x, gradient) in parts {
            let images = x.len() / shape.image();
            (0..images).for_each(|_| activity::tick());
            for (image, padded) in x.chunks_exact(shape.image()).zip(padded.chunks_exact_mut(source.image()))
            {
                let seen = channels.start * shape.plane()..channels.end * shape.plane();
                source.pad(&image[seen], padded);
            }
            let mut first = channels.start;
            while first < channels.end {
                let group = first / shape.group_channels();
                let end = channels.end.min((group + 1) * shape.group_channels());
                for block in blocks {
                    let columns =
                        &mut columns[at_once * places * block.start..][..images * places * block.width];
                    let output = group * shape.group_outputs() + block.columns.start;
                    for (gradient, columns) in gradient
                        .chunks_exact(shape.result())
                        .zip(columns.chunks_exact_mut(places * block.width))
                    {
                        let gradient = &gradient[output * places..][..block.columns.len() * places];
                        // SAFETY: the CPU has V's instructions (the caller's contract); the block's outputs have `places` gradients
                        // each, and there are as many rows of `width` to write to.
                        unsafe {
                            transpose::<V>(
                                (block.columns.len(), places),
                                gradient.as_ptr(),
                                places,
                                columns.as_mut_ptr(),
                                block.width,
                            );
                        }
                    }
                    let product = Product { shape, source, block, row, taps: &taps };
                    let own = first - channels.start..end - channels.start;
                    // SAFETY: the CPU has V's instructions (the caller's contract).
                    unsafe { product.add::<V>(own, images, &padded, columns, self.sums) };
                }
                first = end;
            }
        }
    }
}

/// A product of images and the gradients of a block of outputs.
struct Product<'a> {
    shape: &'a Conv2dShape,
    source: PaddedLayout,
    block: &'a ColumnBlock,
    /// Columns of all blocks.
    row: usize,
    /// Where a kernel's taps lie in a padded image.
    taps: &'a [usize],
}

impl Product<'_> {
    /// Adds the product over the images to the sums of some channels.
    ///
    /// # Safety
    /// The CPU has V's instructions.
    #[inline(always)]
    unsafe fn add<V: Vector>(
        &self,
        channels: Range<usize>,
        images: usize,
        padded: &[V::Element],
        columns: &[V::Element],
        sums: &mut [V::Element],
    ) {
        let Self { shape, source, block, row, taps } = self;
        let (width, out_width, out_height) = (block.width, shape.out_width(), shape.out_height());
        let places = out_width * out_height;
        let row_offset = |row: usize| {
            let (channel, tap) = (channels.start + row / taps.len(), row % taps.len());
            (
                channel * source.plane + taps[tap],
                channel * taps.len() * self.row + block.start * taps.len() + tap * width,
            )
        };
        let rows: Vec<(usize, usize)> = (0..channels.len() * taps.len()).map(row_offset).collect();
        let last = (images - 1) * source.image()
            + (out_height - 1) * shape.stride * source.pitch
            + (out_width - 1) * shape.stride;
        // What the loops below reach.
        assert!(rows.iter().all(|(from, to)| from + last < padded.len() && to + width <= sums.len()));
        assert!(columns.len() >= images * places * width && *row >= width);
        let panel = (PANEL_ELEMENTS / width).max(1);
        let panel_images = (panel / places).clamp(1, images);
        let panel_rows = if panel_images > 1 { out_height } else { (panel / out_width).clamp(1, out_height) };
        let tiles = rows.len().div_ceil(tile_rows::<V>(width / V::WIDTH));
        for image in (0..images).step_by(panel_images) {
            for y in (0..out_height).step_by(panel_rows) {
                let counts = [panel_images.min(images - image), panel_rows.min(out_height - y), out_width];
                let strides =
                    [source.image(), shape.stride * source.pitch, shape.stride].map(usize::cast_signed);
                let steps = Steps { counts, strides };
                let from = padded[image * source.image() + y * shape.stride * source.pitch..].as_ptr();
                let b = columns[(image * places + y * out_width) * width..].as_ptr();
                let to = sums.as_mut_ptr();
                for tile in 0..tiles {
                    let rows = &rows[partition::nth(rows.len(), tiles, tile)];
                    // SAFETY: the CPU has V's instructions (the caller's contract); rows, columns and sums are as long as the steps
                    // reach (asserted).
                    unsafe {
                        with_gathered_tile!(V, rows.len(), width / V::WIDTH, |R, N| {
                            let to: [*mut V::Element; R] =
                                std::array::from_fn(|row| to.wrapping_add(rows[row].1));
                            let rows: [*const V::Element; R] =
                                std::array::from_fn(|row| from.wrapping_add(rows[row].0));
                            gathered_tile::<V, R, N>(
                                &rows,
                                steps,
                                b,
                                to.map(<*mut V::Element>::cast_const),
                                to,
                            );
                        });
                    }
                }
            }
        }
    }
}

/// Brings the sums of a block of outputs into the weight's order.
struct Unpack<'a, T> {
    shape: &'a Conv2dShape,
    block: &'a ColumnBlock,
    /// From the first channel of the group on.
    sums: &'a [T],
    channel_sums: usize,
    /// Of the block's outputs, `[output, channel, tap]`.
    weight: &'a mut [T],
}

impl<T: Element> Kernel<T> for Unpack<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Self { shape, block, sums, channel_sums, weight } = self;
        let (taps, channels) = (shape.taps(), shape.group_channels());
        assert_eq!(weight.len(), block.columns.len() * channels * taps);
        for channel in 0..channels {
            let from = &sums[channel * channel_sums + block.start * taps..][..taps * block.width];
            // SAFETY: the CPU has V's instructions (the caller's contract); `taps` rows of a block's columns go to as many outputs, each
            // with `taps` weights of the channel.
            unsafe {
                let to = weight.as_mut_ptr().add(channel * taps);
                transpose::<V>((taps, block.columns.len()), from.as_ptr(), block.width, to, channels * taps);
            }
        }
    }
}
