//! Passes over maps `[batch, channels, area]`, channel by channel.

use rayon::prelude::*;

use super::chunks::{PARALLEL_FROM, for_each_group};
use crate::element::Element;
use crate::partition;
use crate::vector::{Dispatch, Kernel, Vector};

/// Sums that are taken side by side, so that the compiler may keep them in a path's registers without reordering any.
const LANES: usize = 16;
/// Elements that one thread sums, at least.
const PIECE: usize = 1 << 15;
/// The most pieces of a sum.
const MOST_PIECES: usize = 16;

/// The sizes of maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChannelMaps {
    pub(super) batch: usize,
    pub(super) channels: usize,
    /// Elements of a channel of an example; 1 for vectors.
    pub(super) area: usize,
}

/// x · scale + shift, a pair for each channel, and whether ReLU follows.
#[derive(Clone, Copy)]
pub(super) struct ChannelAffine<'a, T> {
    pub(super) scale: &'a [T],
    pub(super) shift: &'a [T],
    pub(super) has_relu: bool,
}

/// The gradient that comes back to x: (x − mean) · along + (gradient · scale + constant), where [`ChannelAffine`] let the gradient
/// through.
#[derive(Clone, Copy)]
pub(super) struct ChannelBackward<'a, T> {
    pub(super) mean: &'a [T],
    pub(super) along: &'a [T],
    pub(super) scale: &'a [T],
    pub(super) constant: &'a [T],
}

impl ChannelMaps {
    const fn example(self) -> usize {
        self.channels * self.area
    }

    /// Of each channel, the sums of x and of x², in `f64`.
    pub(super) fn moments<T: Dispatch>(self, x: &[T]) -> Vec<[f64; 2]> {
        self.sums(|start, end, lanes| T::dispatch(Moments { maps: self, x: &x[start..end], lanes }))
    }

    /// Of each channel, the sums of what came through of the gradient and of its product with x, in `f64`.
    pub(super) fn gradient_moments<T: Dispatch>(
        self,
        x: &[T],
        gradient: &[T],
        affine: ChannelAffine<'_, T>,
    ) -> Vec<[f64; 2]> {
        self.sums(|start, end, lanes| {
            let (x, gradient) = (&x[start..end], &gradient[start..end]);
            T::dispatch(GradientMoments { maps: self, x, gradient, affine, lanes });
        })
    }

    /// Sums over pieces of the batch, each from its first element to its last, added in the order of the pieces.
    fn sums(self, add: impl Fn(usize, usize, &mut [Lanes]) + Sync) -> Vec<[f64; 2]> {
        let elements = self.batch * self.example();
        let pieces = partition::evenly(self.batch, (elements / PIECE).clamp(1, MOST_PIECES));
        let work = |piece: &std::ops::Range<usize>| {
            let mut lanes = vec![[[0.0; LANES]; 2]; self.lanes()];
            add(piece.start * self.example(), piece.end * self.example(), &mut lanes);
            lanes
        };
        let parts: Vec<Vec<Lanes>> = if elements < PARALLEL_FROM {
            pieces.iter().map(work).collect()
        } else {
            pieces.par_iter().map(work).collect()
        };
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_default();
        for part in parts {
            for (total, part) in
                total.as_flattened_mut().as_flattened_mut().iter_mut().zip(part.as_flattened().as_flattened())
            {
                *total += part;
            }
        }
        if self.area == 1 {
            return (0..self.channels).map(|c| [0, 1].map(|sum| total[c / LANES][sum][c % LANES])).collect();
        }
        total.iter().map(|lanes| lanes.map(|lanes| lanes.iter().sum())).collect()
    }

    /// Lanes of all sums: a channel's own where it has an area, else one for each channel.
    const fn lanes(self) -> usize {
        if self.area == 1 { self.channels.div_ceil(LANES) } else { self.channels }
    }

    /// Writes x · scale + shift, after ReLU if it follows, to `y`.
    pub(super) fn transform<T: Dispatch>(self, x: &[T], affine: ChannelAffine<'_, T>, y: &mut [T]) {
        let size = self.example();
        for_each_group(y, size, |first, y| {
            let x = &x[first * size..][..y.len()];
            T::dispatch(Transform { maps: self, x, affine, y });
        });
    }

    /// Turns a gradient of [`ChannelMaps::transform`]'s results into what comes back of it to x.
    pub(super) fn transform_back<T: Dispatch>(
        self,
        x: &[T],
        affine: ChannelAffine<'_, T>,
        back: ChannelBackward<'_, T>,
        gradient: &mut [T],
    ) {
        let size = self.example();
        for_each_group(gradient, size, |first, gradient| {
            let x = &x[first * size..][..gradient.len()];
            T::dispatch(TransformBack { maps: self, x, affine, back, gradient });
        });
    }
}

/// Two sums, each in lanes.
type Lanes = [[f64; LANES]; 2];

// Plain loops, for the compiler to make use of the path's registers: no element, and no lane of a sum, depends on how many it takes
// at a time. They call no closures, which would not be compiled for the path.

struct Moments<'a, T> {
    maps: ChannelMaps,
    x: &'a [T],
    lanes: &'a mut [Lanes],
}

impl<T: Element> Kernel<T> for Moments<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        // A row of a vector's elements falls on lanes as a channel's plane does.
        let rows = self.maps.area == 1;
        let plane = if rows { self.maps.channels } else { self.maps.area };
        for (index, x) in self.x.chunks_exact(plane).enumerate() {
            let (whole, rest) = x.as_chunks::<LANES>();
            let first = if rows { 0 } else { index % self.maps.channels };
            for (chunk, x) in whole.iter().enumerate() {
                add_moments(x, &mut self.lanes[first + if rows { chunk } else { 0 }]);
            }
            if !rest.is_empty() {
                add_moments(rest, &mut self.lanes[first + if rows { whole.len() } else { 0 }]);
            }
        }
    }
}

#[inline(always)]
fn add_moments<T: Element>(x: &[T], [sums, squares]: &mut Lanes) {
    for ((sum, square), x) in sums.iter_mut().zip(squares).zip(x) {
        let x = x.to_f64();
        *sum += x;
        *square += x * x;
    }
}

struct GradientMoments<'a, T> {
    maps: ChannelMaps,
    x: &'a [T],
    gradient: &'a [T],
    affine: ChannelAffine<'a, T>,
    lanes: &'a mut [Lanes],
}

impl<T: Element> Kernel<T> for GradientMoments<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Self { maps, affine, .. } = self;
        if maps.area == 1 {
            for (x, gradient) in
                self.x.chunks_exact(maps.channels).zip(self.gradient.chunks_exact(maps.channels))
            {
                let columns = x.chunks(LANES).zip(gradient.chunks(LANES));
                let affines = affine.scale.chunks(LANES).zip(affine.shift.chunks(LANES));
                for (((x, gradient), (scale, shift)), [sums, products]) in
                    columns.zip(affines).zip(self.lanes.iter_mut())
                {
                    let elements = x.iter().zip(gradient).zip(scale.iter().zip(shift));
                    for (((x, gradient), (scale, shift)), (sum, product)) in
                        elements.zip(sums.iter_mut().zip(products))
                    {
                        let gradient = through(*gradient, *x, *scale, *shift, affine.has_relu).to_f64();
                        *sum += gradient;
                        *product += gradient * x.to_f64();
                    }
                }
            }
            return;
        }
        for (index, (x, gradient)) in
            self.x.chunks_exact(maps.area).zip(self.gradient.chunks_exact(maps.area)).enumerate()
        {
            let channel = index % maps.channels;
            let (scale, shift) = (affine.scale[channel], affine.shift[channel]);
            let lanes = &mut self.lanes[channel];
            let (x, x_rest) = x.as_chunks::<LANES>();
            let (gradient, gradient_rest) = gradient.as_chunks::<LANES>();
            if affine.has_relu {
                for (x, gradient) in x.iter().zip(gradient) {
                    add_products(x, gradient, scale, shift, true, lanes);
                }
            } else {
                for (x, gradient) in x.iter().zip(gradient) {
                    add_products(x, gradient, scale, shift, false, lanes);
                }
            }
            add_products(x_rest, gradient_rest, scale, shift, affine.has_relu, lanes);
        }
    }
}

#[inline(always)]
fn add_products<T: Element>(
    x: &[T],
    gradient: &[T],
    scale: T,
    shift: T,
    has_relu: bool,
    [sums, products]: &mut Lanes,
) {
    for ((sum, product), (x, gradient)) in sums.iter_mut().zip(products).zip(x.iter().zip(gradient)) {
        let gradient = through(*gradient, *x, scale, shift, has_relu).to_f64();
        *sum += gradient;
        *product += gradient * x.to_f64();
    }
}

/// What ReLU, if there is one, lets through of a gradient.
#[inline(always)]
fn through<T: Element>(gradient: T, x: T, scale: T, shift: T, has_relu: bool) -> T {
    if has_relu && x * scale + shift <= T::default() { T::default() } else { gradient }
}

struct Transform<'a, T> {
    maps: ChannelMaps,
    x: &'a [T],
    affine: ChannelAffine<'a, T>,
    y: &'a mut [T],
}

impl<T: Element> Kernel<T> for Transform<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Self { maps, affine: ChannelAffine { scale, shift, has_relu }, .. } = self;
        if maps.area == 1 {
            for (x, y) in self.x.chunks_exact(maps.channels).zip(self.y.chunks_exact_mut(maps.channels)) {
                for ((y, x), (scale, shift)) in y.iter_mut().zip(x).zip(scale.iter().zip(shift)) {
                    *y = transformed(*x, *scale, *shift, has_relu);
                }
            }
            return;
        }
        for (index, (x, y)) in
            self.x.chunks_exact(maps.area).zip(self.y.chunks_exact_mut(maps.area)).enumerate()
        {
            let channel = index % maps.channels;
            let (scale, shift) = (scale[channel], shift[channel]);
            if has_relu {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = transformed(*x, scale, shift, true);
                }
            } else {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = transformed(*x, scale, shift, false);
                }
            }
        }
    }
}

#[inline(always)]
fn transformed<T: Element>(x: T, scale: T, shift: T, has_relu: bool) -> T {
    let y = x * scale + shift;
    if has_relu && y <= T::default() { T::default() } else { y }
}

struct TransformBack<'a, T> {
    maps: ChannelMaps,
    x: &'a [T],
    affine: ChannelAffine<'a, T>,
    back: ChannelBackward<'a, T>,
    gradient: &'a mut [T],
}

impl<T: Element> Kernel<T> for TransformBack<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Self { maps, affine, back, .. } = self;
        if maps.area == 1 {
            let width = maps.channels;
            for (x, gradient) in self.x.chunks_exact(width).zip(self.gradient.chunks_exact_mut(width)) {
                for (c, (x, gradient)) in x.iter().zip(gradient).enumerate() {
                    let seen = through(*gradient, *x, affine.scale[c], affine.shift[c], affine.has_relu);
                    *gradient =
                        (*x - back.mean[c]) * back.along[c] + (seen * back.scale[c] + back.constant[c]);
                }
            }
            return;
        }
        let planes = self.x.chunks_exact(maps.area).zip(self.gradient.chunks_exact_mut(maps.area));
        for (index, (x, gradient)) in planes.enumerate() {
            let c = index % maps.channels;
            let (scale, shift) = (affine.scale[c], affine.shift[c]);
            let (mean, along, factor, constant) =
                (back.mean[c], back.along[c], back.scale[c], back.constant[c]);
            if affine.has_relu {
                for (x, gradient) in x.iter().zip(gradient) {
                    let seen = through(*gradient, *x, scale, shift, true);
                    *gradient = (*x - mean) * along + (seen * factor + constant);
                }
            } else {
                for (x, gradient) in x.iter().zip(gradient) {
                    *gradient = (*x - mean) * along + (*gradient * factor + constant);
                }
            }
        }
    }
}
