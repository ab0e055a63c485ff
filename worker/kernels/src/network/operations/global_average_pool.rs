//! Global average pooling.

use rayon::prelude::*;

use super::chunks::CHUNK;
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};
use crate::vector::{Dispatch, Kernel, Vector};

/// Elements that are added side by side, on every path.
const LANES: usize = 16;

/// The mean of each channel (Lin et al. 2013, arXiv 1312.4400, section 3.2): `[channels, plane]` becomes `[channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalAveragePool {
    /// Channels of an example.
    pub channels: usize,
    /// Pixels of a channel.
    pub plane: usize,
}

impl GlobalAveragePool {
    fn means<T: Float>(&self, x: &[T], y: &mut [T]) {
        let (plane, channels) = (self.plane, (CHUNK / self.plane).max(1));
        let results = y.par_chunks_mut(channels);
        x.par_chunks(channels * plane).zip(results).for_each(|(x, y)| T::dispatch(Means { plane, x, y }));
    }

    fn spread<T: Float>(&self, gradient: &[T], input: &mut [T]) {
        let pixels = T::from_f64(self.plane as f64);
        let channels = input.par_chunks_mut(self.plane).with_min_len((CHUNK / self.plane).max(1));
        channels.zip(gradient).for_each(|(input, gradient)| input.fill(*gradient / pixels));
    }
}

impl<T: Float> Operation<T> for GlobalAveragePool {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.channels * self.plane], output: self.channels, ..OpShapes::default() }
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

/// The means of some channels. Plain loops, for the compiler to make use of the path's registers.
struct Means<'a, T> {
    plane: usize,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Dispatch> Kernel<T> for Means<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let pixels = T::from_f64(self.plane as f64);
        for (x, y) in self.x.chunks_exact(self.plane).zip(self.y) {
            let (chunks, rest) = x.as_chunks::<LANES>();
            let mut parts = [T::default(); LANES];
            for chunk in chunks {
                for (part, value) in parts.iter_mut().zip(chunk) {
                    *part += *value;
                }
            }
            let mut sum = T::default();
            for value in parts.iter().chain(rest) {
                sum += *value;
            }
            *y = sum / pixels;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (channels, plane) in [(3, 4), (2, 35), (1, 1)] {
            Case::random(3, move || Box::new(GlobalAveragePool { channels, plane })).check();
        }
    }
}
