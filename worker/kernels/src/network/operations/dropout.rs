//! Dropout.

use rayon::prelude::*;

use super::chunks::{PARALLEL_FROM, for_each_two};
use super::philox::{BLOCK, philox_blocks};
use crate::network::operation::{
    Dual, Float, GradientFlow, InputTangents, Kept, KeptSize, Mode, OpContext, OpDuals, OpGradients,
    OpShapes, Operation, WantedDuals,
};
use crate::vector::{Kernel, Vector};

/// Dropout (Srivastava et al. 2014): in training each element is zero with the given probability and else divided by what is left of
/// one; in evaluation it is what it was.
///
/// The mask follows from the layer's key, the step, the example's place in the batch and the element's place in the example alone, by
/// Philox4x32-10: the key is the layer's, a counter is `[four elements, example, step's lower half, step's upper half]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Elements of an example.
    pub size: usize,
    /// The probability of zero, at least 0 and below 1.
    pub probability: f64,
    /// What the layer's masks are drawn by.
    pub key: u64,
}

impl Dropout {
    /// Elements whose random word is below it are left out.
    fn threshold(&self) -> u32 {
        (self.probability * 4_294_967_296.0) as u32
    }

    /// For a batch of a step 1 for each element that stays, 0 for others, `[batch, size]`: for whoever computes elsewhere with the same draws.
    pub fn mask(&self, step: u64, batch: usize) -> Vec<u8> {
        let mut mask = vec![0; batch * self.size];
        self.fill_mask::<f32>(step, &mut mask);
        mask
    }

    /// Writes 1 for each element that stays, 0 for others.
    fn fill_mask<T: Float>(&self, step: u64, mask: &mut [u8]) {
        let [key, step] = [self.key, step].map(|word| [word as u32, (word >> 32) as u32]);
        let fill = |(example, mask): (usize, &mut [u8])| {
            let counter = [example as u32, step[0], step[1]];
            T::dispatch(FillMask { threshold: self.threshold(), counter, key, mask });
        };
        if mask.len() < PARALLEL_FROM {
            mask.chunks_mut(self.size).enumerate().for_each(fill);
        } else {
            mask.par_chunks_mut(self.size).enumerate().for_each(fill);
        }
    }

    /// Multiplies by mask and factor, in training.
    fn apply<T: Float>(&self, mode: Mode, mask: &[u8], values: &mut [T]) {
        if mode == Mode::Evaluation {
            return;
        }
        let factor = T::from_f64(1.0 / (1.0 - self.probability));
        let drop = |values: &mut [T], mask: &[u8]| T::dispatch(Apply { factor, mask, values });
        if values.len() < PARALLEL_FROM {
            return drop(values, mask);
        }
        let size = self.size;
        values.par_chunks_mut(size).zip(mask.par_chunks(size)).for_each(|(values, mask)| drop(values, mask));
    }
}

/// The mask of an example.
struct FillMask<'a> {
    threshold: u32,
    counter: [u32; 3],
    key: [u32; 2],
    mask: &'a mut [u8],
}

impl<T: Float> Kernel<T> for FillMask<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        for (index, mask) in self.mask.chunks_mut(BLOCK).enumerate() {
            let words = philox_blocks((index * BLOCK / 4) as u32, self.counter, self.key);
            for (mask, word) in mask.iter_mut().zip(words.as_flattened()) {
                *mask = u8::from(*word >= self.threshold);
            }
        }
    }
}

/// A plain loop, for the compiler to make use of the path's registers.
struct Apply<'a, T> {
    factor: T,
    mask: &'a [u8],
    values: &'a mut [T],
}

impl<T: Float> Kernel<T> for Apply<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        for (value, mask) in self.values.iter_mut().zip(self.mask) {
            let scaled = *value * self.factor;
            *value = if *mask == 0 { T::default() } else { scaled };
        }
    }
}

impl<T: Float> Operation<T> for Dropout {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.size], output: self.size, ..OpShapes::default() }
    }

    fn kept(&self, batch: usize) -> KeptSize {
        KeptSize { floats: 0, bytes: batch * self.size }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        if let Mode::Training { step, .. } = context.pass.mode {
            self.fill_mask::<T>(step, &mut kept.bytes);
        }
        for_each_two(y, context.inputs[0], |y, x| y.copy_from_slice(x));
        self.apply(context.pass.mode, &kept.bytes, y);
    }

    fn gradient_flow(&self) -> GradientFlow {
        GradientFlow::InPlace
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        _: OpGradients<'_, T>,
    ) {
        self.apply(context.pass.mode, &kept.bytes, gradient);
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, _: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        tangents.inputs[0].map(<[T]>::to_vec).unwrap_or_default()
    }

    fn vjp_jvp(
        &self,
        _: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        OpDuals { inputs: vec![result.clone()], parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::same_bytes::{TRAINING, check_same_bytes, singles};
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        let case = Case::random(3, || Box::new(Dropout { size: 70, probability: 0.4, key: 5 }));
        case.check_gradients(TRAINING);
        case.check();
    }

    #[test]
    fn it_has_the_same_bytes_on_each_path_and_any_number_of_threads() {
        let dropout = Dropout { size: 101, probability: 0.25, key: 1 << 40 };
        check_same_bytes(&singles(1, 1000 * 101), TRAINING, || Box::new(dropout));
    }

    #[test]
    fn so_many_elements_are_left_out_and_others_each_step_and_example_and_layer() {
        let mask = |probability: f64, key: u64, step: u64| {
            let mut mask = vec![0; 2 * 10_000];
            Dropout { size: 10_000, probability, key }.fill_mask::<f32>(step, &mut mask);
            mask
        };
        let first = mask(0.3, 7, 0);
        let kept = first.iter().map(|kept| f64::from(*kept)).sum::<f64>() / 20_000.0;
        assert!((kept - 0.7).abs() < 0.015, "{kept}");
        assert_eq!(first, mask(0.3, 7, 0));
        for other in [mask(0.3, 8, 0), mask(0.3, 7, 1), mask(0.3, 7, 1 << 32), mask(0.3, 7 + (1 << 32), 0)] {
            let equal = first.iter().zip(other).filter(|(first, other)| *first == other).count();
            assert!((equal as f64 / 20_000.0 - 0.58).abs() < 0.02, "{equal}");
        }
        assert_ne!(first[..10_000], first[10_000..]);
        assert!(mask(0.0, 7, 0).iter().all(|kept| *kept == 1));
    }
}
