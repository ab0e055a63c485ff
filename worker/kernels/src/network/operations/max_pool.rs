//! Max pooling.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::pool_geometry::Windows;
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, KeptSize, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};
use crate::vector::{Dispatch, Kernel, Vector};

/// The largest element of each window, channel by channel, as PyTorch's `MaxPool2d`: padding counts for nothing. Of equal ones the first
/// gets the gradient; a NaN is larger than everything, so that a run that diverged is seen to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool {
    windows: Windows,
}

impl MaxPool {
    /// Pooling of images of `[channels, height, width]` by windows of `side` × `side` pixels, `stride` apart, `padding` of them outside the
    /// image on each side.
    ///
    /// # Errors
    /// If a window is larger than the padded image or than 16 × 16 pixels, the padding more than half of it, or something is zero.
    pub fn new(
        [channels, height, width]: [usize; 3],
        side: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        if side > 16 {
            bail!("max pooling takes windows of at most 16×16 pixels, not {side}×{side}");
        }
        Ok(Self { windows: Windows { channels, height, width, side, stride, padding }.checked()? })
    }

    /// The result's `[channels, height, width]`.
    pub const fn output(&self) -> [usize; 3] {
        [self.windows.channels, self.windows.out_height(), self.windows.out_width()]
    }

    /// The elements of `x` at the places of the maxima.
    fn select<T: Float>(&self, x: &[T], places: &[u8]) -> Vec<T> {
        let w = &self.windows;
        let mut y = vec![T::default(); places.len()];
        let planes = x.par_chunks(w.plane()).zip(places.par_chunks(w.out_plane()));
        y.par_chunks_mut(w.out_plane()).zip(planes).for_each(|(y, (x, places))| {
            for (index, (y, place)) in y.iter_mut().zip(places).enumerate() {
                *y = x[self.pixel(index, *place)];
            }
        });
        y
    }

    /// The pixel at a window's place.
    fn pixel(&self, window: usize, place: u8) -> usize {
        let w = &self.windows;
        let (y, x) = (window / w.out_width(), window % w.out_width());
        let (row, column) = (usize::from(place) / w.side, usize::from(place) % w.side);
        (y * w.stride + row - w.padding) * w.width + x * w.stride + column - w.padding
    }

    /// Gives each maximum the gradient of its window.
    fn spread<T: Float>(&self, gradient: &[T], places: &[u8], input: &mut [T]) {
        let w = &self.windows;
        let planes = gradient.par_chunks(w.out_plane()).zip(places.par_chunks(w.out_plane()));
        input.par_chunks_mut(w.plane()).zip(planes).with_min_len(w.planes_at_once()).for_each(
            |(input, (gradient, places))| {
                input.fill(T::default());
                let rows = gradient.chunks_exact(w.out_width()).zip(places.chunks_exact(w.out_width()));
                for (y, (gradient, places)) in rows.enumerate() {
                    for (x, (gradient, place)) in gradient.iter().zip(places).enumerate() {
                        input[self.pixel(y * w.out_width() + x, *place)] += *gradient;
                    }
                }
            },
        );
    }
}

impl<T: Float> Operation<T> for MaxPool {
    fn shapes(&self) -> OpShapes {
        let w = &self.windows;
        OpShapes {
            inputs: vec![w.channels * w.plane()],
            output: w.channels * w.out_plane(),
            ..OpShapes::default()
        }
    }

    fn kept(&self, batch: usize) -> KeptSize {
        KeptSize { floats: 0, bytes: batch * self.windows.channels * self.windows.out_plane() }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        let w = self.windows;
        let at_once = w.planes_at_once();
        let results = y.par_chunks_mut(at_once * w.out_plane());
        let places = kept.bytes.par_chunks_mut(at_once * w.out_plane());
        context.inputs[0].par_chunks(at_once * w.plane()).zip(results).zip(places).for_each(
            |((x, y), places)| {
                T::dispatch(Maxima { windows: w, x, y, places });
            },
        );
    }

    fn vjp(
        &self,
        _: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        for input in into.inputs.into_iter().flatten() {
            self.spread(gradient, &kept.bytes, input);
        }
    }

    fn jvp(&self, _: &OpContext<'_, T>, kept: &Kept<T>, _: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        tangents.inputs[0].map(|tangent| self.select(tangent, &kept.bytes)).unwrap_or_default()
    }

    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let spread = |gradient: &Option<Vec<T>>| {
            gradient.as_deref().map(|gradient| {
                let mut input = vec![T::default(); context.inputs[0].len()];
                self.spread(gradient, &kept.bytes, &mut input);
                input
            })
        };
        let of_input = Dual { gradient: spread(&result.gradient), tangent: spread(&result.tangent) };
        OpDuals { inputs: vec![of_input], parameters: Vec::new() }
    }
}

/// The maxima of some planes. Plain loops, for the compiler to make use of the path's registers.
struct Maxima<'a, T> {
    windows: Windows,
    x: &'a [T],
    y: &'a mut [T],
    places: &'a mut [u8],
}

impl<T: Dispatch> Kernel<T> for Maxima<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let w = self.windows;
        let (out_width, lowest) = (w.out_width(), T::from_f64(f64::NEG_INFINITY));
        let planes = self.y.chunks_exact_mut(w.out_plane()).zip(self.places.chunks_exact_mut(w.out_plane()));
        for (x, (y, places)) in self.x.chunks_exact(w.plane()).zip(planes) {
            let rows = y.chunks_exact_mut(out_width).zip(places.chunks_exact_mut(out_width));
            for (at, (best, places)) in rows.enumerate() {
                best.fill(lowest);
                let first_row = w.padding.saturating_sub(at * w.stride) * w.side;
                for (window, place) in places.iter_mut().enumerate() {
                    *place = (first_row + w.padding.saturating_sub(window * w.stride)) as u8;
                }
                for place in 0..w.side * w.side {
                    let Some(row) = w.row(at, place / w.side) else { continue };
                    let (windows, first) = w.columns(place % w.side);
                    let row = &x[row * w.width..][first.min(w.width)..w.width];
                    let (best, places) = (&mut best[windows.clone()], &mut places[windows]);
                    let values = row.iter().step_by(w.stride);
                    for ((best, held), value) in best.iter_mut().zip(places).zip(values) {
                        let wins = *value > *best || value.is_nan();
                        *best = if wins { *value } else { *best };
                        *held = if wins { place as u8 } else { *held };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::network::operation::{Mode, Pass};
    use crate::network::testing::Case;

    /// Results and the gradient of the input, for a gradient of ones.
    fn pooled(pool: MaxPool, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let OpShapes { inputs, output, .. } = Operation::<f32>::shapes(&pool);
        let pass = Pass { batch: x.len() / inputs[0], mode: Mode::Evaluation };
        let context = OpContext { pass, inputs: &[x], parameters: &[], buffers: &[] };
        let mut kept = Kept { floats: Vec::new(), bytes: vec![0; output * pass.batch] };
        let (mut y, mut gradient) = (vec![0.0; output * pass.batch], vec![f32::NAN; x.len()]);
        pool.forward(&context, &mut kept, &mut y);
        let mut ones = vec![1.0; y.len()];
        let into = OpGradients { inputs: smallvec![Some(&mut gradient[..])], parameters: None };
        pool.vjp(&context, &kept, &y, &mut ones, into);
        (y, gradient)
    }

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
            Case::random(2, move || Box::new(MaxPool::new(image, side, stride, padding).unwrap())).check();
        }
    }

    #[test]
    fn of_equal_elements_the_first_gets_the_gradient_and_padding_never_does() {
        let pool = MaxPool::new([1, 2, 4], 2, 2, 0).unwrap();
        let (y, gradient) = pooled(pool, &[1.0, 1.0, -3.0, -2.0, 1.0, 1.0, -2.0, -2.0]);
        assert_eq!((y, gradient), (vec![1.0, -2.0], vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]));
        let pool = MaxPool::new([1, 2, 2], 3, 2, 1).unwrap();
        assert_eq!(
            pooled(pool, &[f32::NEG_INFINITY; 4]),
            (vec![f32::NEG_INFINITY], vec![1.0, 0.0, 0.0, 0.0])
        );
    }

    #[test]
    fn a_nan_is_larger_than_everything() {
        let pool = MaxPool::new([1, 2, 2], 2, 2, 0).unwrap();
        for place in 0..4 {
            let mut x = [1.0, f32::INFINITY, 2.0, f32::INFINITY];
            x[place] = f32::NAN;
            let (y, gradient) = pooled(pool, &x);
            assert!(y[0].is_nan() && gradient[place] == 1.0);
        }
    }

    #[test]
    fn windows_that_do_not_fit_are_refused() {
        for [side, stride, padding] in [[0, 1, 0], [2, 0, 0], [5, 1, 0], [3, 1, 2], [17, 17, 8]] {
            assert!(MaxPool::new([3, 4, 4], side, stride, padding).is_err(), "{side} {stride} {padding}");
        }
    }
}
