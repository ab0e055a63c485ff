//! Average pooling.

use candle_core::Result;
use rayon::prelude::*;

use super::pool_geometry::Windows;
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};
use crate::vector::{Dispatch, Kernel, Vector};

/// The mean of each window, channel by channel, as PyTorch's `AvgPool2d`: zeros of the padding count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AveragePool {
    windows: Windows,
}

impl AveragePool {
    /// Pooling of images of `[channels, height, width]` by windows of `side` × `side` pixels, `stride` apart, with `padding` zeros on
    /// each side of the image.
    ///
    /// # Errors
    /// If a window is larger than the padded image, the padding more than half of it, or something is zero.
    pub fn new(
        [channels, height, width]: [usize; 3],
        side: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        Ok(Self { windows: Windows { channels, height, width, side, stride, padding }.checked()? })
    }

    /// The result's `[channels, height, width]`.
    pub const fn output(&self) -> [usize; 3] {
        [self.windows.channels, self.windows.out_height(), self.windows.out_width()]
    }

    fn means<T: Float>(&self, x: &[T], y: &mut [T]) {
        let w = self.windows;
        let at_once = w.planes_at_once();
        let results = y.par_chunks_mut(at_once * w.out_plane());
        x.par_chunks(at_once * w.plane())
            .zip(results)
            .for_each(|(x, y)| T::dispatch(Means { windows: w, x, y }));
    }

    fn spread<T: Float>(&self, gradient: &[T], input: &mut [T]) {
        let w = self.windows;
        let at_once = w.planes_at_once();
        let results = input.par_chunks_mut(at_once * w.plane());
        gradient
            .par_chunks(at_once * w.out_plane())
            .zip(results)
            .for_each(|(gradient, input)| T::dispatch(Spread { windows: w, gradient, input }));
    }
}

impl<T: Float> Operation<T> for AveragePool {
    fn shapes(&self) -> OpShapes {
        let w = &self.windows;
        OpShapes {
            inputs: vec![w.channels * w.plane()],
            output: w.channels * w.out_plane(),
            ..OpShapes::default()
        }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        self.means(context.inputs[0], y);
    }

    fn vjp(&self, _: &OpContext<'_, T>, _: &Kept<T>, _: &[T], gradient: &mut [T], into: OpGradients<'_, T>) {
        for input in into.inputs.into_iter().flatten() {
            self.spread(gradient, input);
        }
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        let mut tangent = vec![T::default(); y.len()];
        if let Some(input) = tangents.inputs[0] {
            self.means(input, &mut tangent);
        }
        tangent
    }

    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let spread = |gradient: &Option<Vec<T>>| {
            gradient.as_deref().map(|gradient| {
                let mut input = vec![T::default(); context.inputs[0].len()];
                self.spread(gradient, &mut input);
                input
            })
        };
        let of_input = Dual { gradient: spread(&result.gradient), tangent: spread(&result.tangent) };
        OpDuals { inputs: vec![of_input], parameters: Vec::new() }
    }
}

/// The means of some planes. Plain loops, for the compiler to make use of the path's registers.
struct Means<'a, T> {
    windows: Windows,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Dispatch> Kernel<T> for Means<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let w = self.windows;
        let count = T::from_f64((w.side * w.side) as f64);
        for (x, y) in self.x.chunks_exact(w.plane()).zip(self.y.chunks_exact_mut(w.out_plane())) {
            for (at, sums) in y.chunks_exact_mut(w.out_width()).enumerate() {
                sums.fill(T::default());
                for place in 0..w.side * w.side {
                    let Some(row) = w.row(at, place / w.side) else { continue };
                    let (windows, first) = w.columns(place % w.side);
                    let row = &x[row * w.width..][first.min(w.width)..w.width];
                    for (sum, value) in sums[windows].iter_mut().zip(row.iter().step_by(w.stride)) {
                        *sum += *value;
                    }
                }
                for sum in sums {
                    *sum /= count;
                }
            }
        }
    }
}

/// The gradients of some planes: each pixel gets its windows' shares, in the order of windows.
struct Spread<'a, T> {
    windows: Windows,
    gradient: &'a [T],
    input: &'a mut [T],
}

impl<T: Dispatch> Kernel<T> for Spread<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let w = self.windows;
        let count = T::from_f64((w.side * w.side) as f64);
        let mut shares = vec![T::default(); w.out_width()];
        let planes = self.gradient.chunks_exact(w.out_plane());
        for (gradient, input) in planes.zip(self.input.chunks_exact_mut(w.plane())) {
            input.fill(T::default());
            for (at, gradient) in gradient.chunks_exact(w.out_width()).enumerate() {
                for (share, gradient) in shares.iter_mut().zip(gradient) {
                    *share = *gradient / count;
                }
                // Of the windows of a row the last column of a pixel belongs to the first window that has it.
                for place in (0..w.side * w.side).rev() {
                    let Some(row) = w.row(at, place / w.side) else { continue };
                    let (windows, first) = w.columns(place % w.side);
                    let row = &mut input[row * w.width..(row + 1) * w.width][first.min(w.width)..];
                    for (pixel, share) in row.iter_mut().step_by(w.stride).zip(&shares[windows]) {
                        *pixel += *share;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (image, [side, stride, padding]) in [
            ([2, 4, 6], [2, 2, 0]),
            ([2, 5, 7], [2, 2, 0]),
            ([1, 6, 5], [3, 2, 1]),
            ([2, 4, 5], [3, 1, 1]),
            ([1, 7, 7], [2, 3, 1]),
            ([1, 4, 4], [4, 4, 2]),
        ] {
            Case::random(2, move || Box::new(AveragePool::new(image, side, stride, padding).unwrap()))
                .check();
        }
    }

    #[test]
    fn windows_that_do_not_fit_are_refused() {
        for [side, stride, padding] in [[0, 1, 0], [2, 0, 0], [5, 1, 0], [3, 1, 2]] {
            assert!(AveragePool::new([3, 4, 4], side, stride, padding).is_err(), "{side} {stride} {padding}");
        }
    }
}
