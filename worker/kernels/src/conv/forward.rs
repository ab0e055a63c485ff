//! The forward pass: each sum of a 2×2 window in registers, pooled before it leaves the first cache.
//!
//! An image is copied once into rows with zeros between them; then the outputs of one channel are, as a whole, a sum of shifted
//! runs of that copy, and no matrix of patches is ever made. At most `radius` of a row's sums fall on the zeros between rows
//! and are thrown away, whatever the image's width.

use std::ops::Range;

use super::geometry::Geometry;
use super::pool;
use crate::activity;
use crate::partition;
use crate::tile::{Operands, accumulate_by, with_tile};
use crate::vector::{Kernel, Vector};

/// The outputs of one tile after another: as few tiles as there can be of at most `tile_rows` outputs, about equally high.
#[inline(always)]
fn output_blocks(outputs: usize, tile_rows: usize) -> impl Iterator<Item = Range<usize>> {
    let blocks = outputs.div_ceil(tile_rows);
    (0..blocks).map(move |block| partition::nth(outputs, blocks, block))
}

/// Weights in the order in which tiles of at most `tile_rows` outputs read them: by blocks of outputs, in each `[channel, y, x, output]`.
pub(crate) fn pack_weight<T: Copy + Default>(geometry: &Geometry, weight: &[T], tile_rows: usize) -> Vec<T> {
    let taps = geometry.taps();
    let mut packed = vec![T::default(); weight.len()];
    for outputs in output_blocks(geometry.outputs, tile_rows) {
        let block = outputs.start * taps..outputs.end * taps;
        for (row, weights) in weight[block.clone()].chunks_exact(taps).enumerate() {
            for (packed, weight) in packed[block.clone()].chunks_exact_mut(outputs.len()).zip(weights) {
                packed[row] = *weight;
            }
        }
    }
    packed
}

/// The forward pass of some images on one thread.
pub(crate) struct Forward<'a, T> {
    pub(crate) geometry: Geometry,
    /// The images, `[image, channel, y, x]`.
    pub(crate) x: &'a [T],
    /// The most outputs of a tile, for which the weights were packed.
    pub(crate) tile_rows: usize,
    /// From [`pack_weight`].
    pub(crate) packed_weight: &'a [T],
    pub(crate) bias: &'a [T],
    /// The pooled outputs, `[image, output, y, x]`.
    pub(crate) pooled: &'a mut [T],
    pub(crate) pooling: Pooling<'a>,
}

/// The sum of each window that is its result.
pub(crate) enum Pooling<'a> {
    /// The largest, or zero; its place is written here.
    Max(&'a mut [u8]),
    /// The one that was the largest in another pass, also where it is negative.
    Of(&'a [u8]),
}

impl<T: crate::element::Element> Kernel<T> for Forward<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        assert!(self.tile_rows == V::TILE_ROWS, "the code path changed in the middle of an operation");
        let g = self.geometry;
        let sums = (g.height / 2 * 2 * g.pitch()).div_ceil(V::WIDTH);
        let plane = sums * V::WIDTH + 2 * g.radius() * (g.pitch() + 1);
        let mut padded = vec![T::default(); g.channels * plane];
        let mut outputs = vec![T::default(); V::TILE_ROWS * sums * V::WIDTH];
        let Self { pooled, mut pooling, .. } = self;
        for (index, image) in self.x.chunks_exact(g.image()).enumerate() {
            activity::tick();
            pad(&g, image, &mut padded, plane);
            let mut start = index * g.pooled();
            for block in output_blocks(g.outputs, V::TILE_ROWS) {
                let weight = &self.packed_weight[block.start * g.taps()..block.end * g.taps()];
                let bias = &self.bias[block];
                // SAFETY: the CPU has V's instructions (the caller's contract); the planes were made for `sums` registers.
                unsafe { convolve::<V>(&g, &padded, plane, weight, bias, &mut outputs, sums) };
                for plane in outputs.chunks_exact(sums * V::WIDTH).take(bias.len()) {
                    let windows = start..start + g.windows();
                    start = windows.end;
                    match &mut pooling {
                        // SAFETY: as above.
                        Pooling::Max(argmax) => unsafe {
                            pool::pool_plane::<V>(
                                &g,
                                plane,
                                &mut pooled[windows.clone()],
                                &mut argmax[windows],
                            );
                        },
                        Pooling::Of(argmax) => {
                            pool::select_plane(&g, plane, &mut pooled[windows.clone()], &argmax[windows]);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn pad<T: Copy>(g: &Geometry, image: &[T], padded: &mut [T], plane: usize) {
    for (channel, padded) in image.chunks_exact(g.height * g.width).zip(padded.chunks_exact_mut(plane)) {
        // The last row of an odd height is outside all windows, but inside the kernels' reach.
        for (y, row) in channel.chunks_exact(g.width).enumerate() {
            let start = (y + g.radius()) * g.pitch() + g.radius();
            if let Some(to) = padded.get_mut(start..start + g.width) {
                to.copy_from_slice(row);
            }
        }
    }
}

/// All sums of up to `TILE_ROWS` outputs: `[output, sums × WIDTH]`.
///
/// # Safety
/// The CPU has V's instructions, and `padded` has, for each channel, `plane` elements: `sums × WIDTH` and the kernel's reach.
#[inline(always)]
unsafe fn convolve<V: Vector>(
    g: &Geometry,
    padded: &[V::Element],
    plane: usize,
    weight: &[V::Element],
    bias: &[V::Element],
    outputs: &mut [V::Element],
    sums: usize,
) {
    let rows = bias.len();
    debug_assert!(
        weight.len() == rows * g.taps()
            && padded.len() == g.channels * plane
            && outputs.len() >= rows * sums * V::WIDTH
    );
    let tiles = sums.div_ceil(V::TILE_VECTORS);
    for index in 0..tiles {
        let (first, last) = (index * sums / tiles, (index + 1) * sums / tiles);
        let operands = Operands {
            a: weight.as_ptr(),
            a_row: 1,
            a_step: rows,
            b: padded[first * V::WIDTH..].as_ptr(),
            counts: [g.channels, g.kernel, g.kernel],
            strides: [plane, g.pitch(), 1],
        };
        let to = outputs[first * V::WIDTH..].as_mut_ptr();
        // SAFETY: the CPU has V's instructions (the caller's contract). A plane holds `sums` registers beyond the kernel's reach of
        // 2 × radius rows and columns, and this tile ends before register `last` ≤ `sums`; `outputs` has `sums` registers for
        // each row, of which `bias` has one element each.
        unsafe {
            macro_rules! tiles {
                ($side:literal) => {
                    with_tile!(V, rows, last - first, |R, N| tile::<V, R, N, $side>(
                        operands,
                        bias.as_ptr(),
                        to,
                        sums * V::WIDTH
                    ))
                };
            }
            // The usual side of kernels is known to the compiler.
            if g.kernel == 3 { tiles!(3) } else { tiles!(0) }
        }
    }
}

/// One tile: R outputs, each N registers that start as its bias; outputs are `row` elements apart at `to`.
///
/// # Safety
/// The CPU has V's instructions; `operands` reach only what is readable, `bias` has R elements, and the tile fits at `to`.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const N: usize, const SIDE: usize>(
    operands: Operands<V::Element>,
    bias: *const V::Element,
    to: *mut V::Element,
    row: usize,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [[V::splat(V::Element::default()); N]; R];
        for (index, sums) in sums.iter_mut().enumerate() {
            *sums = [V::splat(*bias.add(index)); N];
        }
        accumulate_by::<V, R, N, SIDE>(operands, &mut sums);
        for (index, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                sum.store(to.add(index * row + vector * V::WIDTH));
            }
        }
    }
}
