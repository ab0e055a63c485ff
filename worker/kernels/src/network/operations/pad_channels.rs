//! A shortcut without parameters: fewer pixels, more channels.

use candle_core::{Result, bail};
use rayon::prelude::*;

use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};

/// The shortcut of option A of residual networks (He et al. 2016, arXiv 1512.03385, section 4.2): every `stride`-th pixel of every
/// `stride`-th row, between channels of zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PadChannels {
    image: [usize; 3],
    stride: usize,
    /// Channels of zeros before and after those of the image.
    before: usize,
    after: usize,
}

impl PadChannels {
    /// The shortcut from images of `[channels, height, width]`, with so many channels of zeros before and after them.
    ///
    /// # Errors
    /// If something is zero or too large.
    pub fn new(image: [usize; 3], stride: usize, before: usize, after: usize) -> Result<Self> {
        let [channels, height, width] = image;
        if image.contains(&0) || stride == 0 {
            bail!("a shortcut takes at least one pixel and channel, and a stride of at least 1");
        }
        let outputs = before.checked_add(after).and_then(|zeros| zeros.checked_add(channels));
        let size = outputs.and_then(|outputs| outputs.checked_mul(height)?.checked_mul(width));
        if size.is_none() {
            bail!("a shortcut can't have {before} and {after} channels more than its {channels}");
        }
        Ok(Self { image, stride, before, after })
    }

    /// The result's `[outputs, height, width]`.
    pub const fn output(&self) -> [usize; 3] {
        [
            self.before + self.image[0] + self.after,
            self.image[1].div_ceil(self.stride),
            self.image[2].div_ceil(self.stride),
        ]
    }

    const fn sizes(&self) -> [usize; 2] {
        let ([channels, height, width], [outputs, rows, columns]) = (self.image, self.output());
        [channels * height * width, outputs * rows * columns]
    }

    /// Calls `with` for each row of an example's image and the row of the result that it goes to: where they begin.
    fn for_each_row(&self, mut with: impl FnMut(usize, usize)) {
        let ([channels, height, width], [_, rows, columns]) = (self.image, self.output());
        for channel in 0..channels {
            for row in 0..rows {
                with(
                    (channel * height + row * self.stride) * width,
                    ((self.before + channel) * rows + row) * columns,
                );
            }
        }
    }

    fn pad<T: Float>(&self, x: &[T], y: &mut [T]) {
        let ([from, to], columns) = (self.sizes(), self.output()[2]);
        x.par_chunks(from).zip(y.par_chunks_mut(to)).for_each(|(x, y)| {
            y.fill(T::default());
            self.for_each_row(|from, to| {
                let row = x[from..from + self.image[2]].iter().step_by(self.stride);
                y[to..to + columns].iter_mut().zip(row).for_each(|(y, x)| *y = *x);
            });
        });
    }

    fn cut<T: Float>(&self, gradient: &[T], input: &mut [T]) {
        let ([to, from], columns) = (self.sizes(), self.output()[2]);
        gradient.par_chunks(from).zip(input.par_chunks_mut(to)).for_each(|(gradient, input)| {
            input.fill(T::default());
            self.for_each_row(|to, from| {
                let row = input[to..to + self.image[2]].iter_mut().step_by(self.stride);
                row.zip(&gradient[from..from + columns]).for_each(|(input, gradient)| *input = *gradient);
            });
        });
    }
}

impl<T: Float> Operation<T> for PadChannels {
    fn shapes(&self) -> OpShapes {
        let [input, output] = self.sizes();
        OpShapes { inputs: vec![input], output, ..OpShapes::default() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        self.pad(context.inputs[0], y);
    }

    fn vjp(&self, _: &OpContext<'_, T>, _: &Kept<T>, _: &[T], gradient: &mut [T], into: OpGradients<'_, T>) {
        for input in into.inputs.into_iter().flatten() {
            self.cut(gradient, input);
        }
    }

    fn jvp(&self, _: &OpContext<'_, T>, _: &Kept<T>, y: &[T], tangents: &InputTangents<'_, T>) -> Vec<T> {
        let mut tangent = vec![T::default(); y.len()];
        if let Some(input) = tangents.inputs[0] {
            self.pad(input, &mut tangent);
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
        let cut = |gradient: &Option<Vec<T>>| {
            gradient.as_deref().map(|gradient| {
                let mut input = vec![T::default(); context.inputs[0].len()];
                self.cut(gradient, &mut input);
                input
            })
        };
        let of_input = Dual { gradient: cut(&result.gradient), tangent: cut(&result.tangent) };
        OpDuals { inputs: vec![of_input], parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::operation::{Mode, Pass};
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (image, [stride, before, after]) in
            [([2, 4, 6], [2, 1, 1]), ([2, 5, 3], [2, 1, 2]), ([3, 2, 2], [1, 0, 0])]
        {
            Case::random(2, move || Box::new(PadChannels::new(image, stride, before, after).unwrap()))
                .check();
        }
    }

    #[test]
    fn channels_of_zeros_are_before_and_after_every_second_pixel() {
        let shortcut = PadChannels::new([1, 3, 3], 2, 1, 2).unwrap();
        let x = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        let mut y = [f32::NAN; 16];
        let pass = Pass { batch: 1, mode: Mode::Evaluation };
        let context = OpContext { pass, inputs: &[&x], parameters: &[], buffers: &[] };
        shortcut.forward(&context, &mut Kept::default(), &mut y);
        assert_eq!(y, [0.0, 0.0, 0.0, 0.0, 1.0, 3.0, 7.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(PadChannels::new([4, 2, 2], 0, 2, 2).is_err(), "no stride");
        assert!(PadChannels::new([4, 2, 2], 2, usize::MAX, 2).is_err(), "too many channels");
    }
}
