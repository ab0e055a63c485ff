//! Batch normalisation.

use super::channel_maps::{ChannelAffine, ChannelBackward, ChannelMaps};
use super::relu::masked;
use crate::network::operation::{
    Dual, Float, GradientFlow, InputTangents, Kept, KeptSize, Mode, OpContext, OpDuals, OpGradients,
    OpShapes, Operation, WantedDuals,
};

/// Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167) of maps `[channels, height, width]`, or of vectors `[channels]` and
/// sequences of them `[rows, channels]`:
/// y = (x − mean) / √(variance + epsilon) · weight + bias, channel by channel; `weight` and `bias` are `[channels]`. Without a scale
/// `weight` is 1, and `bias` the only parameter.
///
/// In training, mean and variance are those of the batch over examples and places (the variance's divisor is their number). The
/// buffers, `running_mean` and `running_var` `[channels]`, take them in with the share `momentum`; the running variance is the unbiased
/// one. In evaluation mean and variance are the buffers'. All as PyTorch does.
///
/// Sums are taken in `f64`, in one pass over the batch; a second pass writes the result. Backward it is the same: two sums in one
/// pass, and the gradient in another, in the place of the result's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    rows: usize,
    channels: usize,
    area: usize,
    /// The share of a batch in the running statistics.
    pub momentum: f64,
    /// What is added to variances.
    pub epsilon: f64,
    has_scale: bool,
    has_relu: bool,
}

impl BatchNorm {
    /// Normalisation of maps of `channels` × `area` (height × width), with PyTorch's momentum 0.1 and epsilon 10⁻⁵.
    pub const fn of_maps(channels: usize, area: usize) -> Self {
        Self { rows: 1, channels, area, momentum: 0.1, epsilon: 1e-5, has_scale: true, has_relu: false }
    }

    /// Normalisation of `rows` vectors of `channels` elements, with the same settings.
    pub const fn of_rows(rows: usize, channels: usize) -> Self {
        Self { rows, ..Self::of_maps(channels, 1) }
    }

    /// The same with other settings.
    #[must_use]
    pub const fn with_settings(self, momentum: f64, epsilon: f64) -> Self {
        Self { momentum, epsilon, ..self }
    }

    /// The same with `bias` alone.
    #[must_use]
    pub const fn without_scale(self) -> Self {
        Self { has_scale: false, ..self }
    }

    /// The place of `bias` among the parameters: behind `weight`, if there is one.
    fn place_of_bias(&self) -> usize {
        usize::from(self.has_scale)
    }

    const fn maps(&self, batch: usize) -> ChannelMaps {
        ChannelMaps { batch: batch * self.rows, channels: self.channels, area: self.area }
    }

    /// Elements of a channel in a batch.
    const fn count(&self, batch: usize) -> f64 {
        (batch * self.rows * self.area) as f64
    }

    /// Mean and variance of each channel: the batch's, or the running ones.
    fn statistics<T: Float>(&self, context: &OpContext<'_, T>) -> Vec<[f64; 2]> {
        match context.pass.mode {
            Mode::Training { .. } => {
                let count = self.count(context.pass.batch);
                let of = |[sum, squares]: [f64; 2]| {
                    let mean = sum / count;
                    [mean, (squares / count - mean * mean).max(0.0)]
                };
                self.maps(context.pass.batch).moments(context.inputs[0]).into_iter().map(of).collect()
            }
            Mode::Evaluation => {
                let running = context.buffers[0].iter().zip(context.buffers[1]);
                running.map(|(mean, variance)| [mean.to_f64(), variance.to_f64()]).collect()
            }
        }
    }

    /// x̂ at each place.
    fn normalised<T: Float>(&self, x: &[T], kept: &KeptStatistics<'_, T>) -> Vec<T> {
        let mut normalised = Vec::with_capacity(x.len());
        for (index, plane) in x.chunks_exact(self.area).enumerate() {
            let (mean, deviation) =
                (kept.mean[index % self.channels], kept.inverse_deviation[index % self.channels]);
            normalised.extend(plane.iter().map(|x| (*x - mean) * deviation));
        }
        normalised
    }

    /// How the weight moves, if there is one.
    fn weight_tangent<'a, T>(&self, tangents: &InputTangents<'a, T>) -> Option<&'a [T]> {
        if self.has_scale { tangents.parameters[0] } else { None }
    }

    /// Each channel's factor times the values.
    fn scaled<T: Float>(&self, values: &[T], factor: impl Fn(usize) -> T) -> Vec<T> {
        let mut scaled = Vec::with_capacity(values.len());
        for (index, plane) in values.chunks_exact(self.area).enumerate() {
            let factor = factor(index % self.channels);
            scaled.extend(plane.iter().map(|value| *value * factor));
        }
        scaled
    }

    /// Each channel's sum of products.
    fn channel_sums<T: Float>(&self, first: &[T], second: impl Fn(usize) -> T) -> Vec<f64> {
        let mut sums = vec![0.0; self.channels];
        for (index, value) in first.iter().enumerate() {
            sums[index / self.area % self.channels] += value.to_f64() * second(index).to_f64();
        }
        sums
    }
}

/// What a forward pass keeps of each channel.
struct KeptStatistics<'a, T> {
    mean: &'a [T],
    variance: &'a [T],
    inverse_deviation: &'a [T],
    scale: &'a [T],
    shift: &'a [T],
}

/// Numbers of a channel that are kept.
const KEPT: usize = 5;

impl<'a, T> KeptStatistics<'a, T> {
    fn of(kept: &'a Kept<T>) -> Self {
        let part = |index: usize| {
            let channels = kept.floats.len() / KEPT;
            &kept.floats[index * channels..][..channels]
        };
        let [mean, variance, inverse_deviation, scale, shift] = [0, 1, 2, 3, 4].map(part);
        Self { mean, variance, inverse_deviation, scale, shift }
    }
}

impl<T: Float> Operation<T> for BatchNorm {
    fn shapes(&self) -> OpShapes {
        OpShapes {
            inputs: vec![self.rows * self.channels * self.area],
            output: self.rows * self.channels * self.area,
            parameters: vec![vec![self.channels]; 1 + self.place_of_bias()],
            buffers: vec![vec![self.channels]; 2],
        }
    }

    fn kept(&self, _: usize) -> KeptSize {
        KeptSize { floats: KEPT * self.channels, bytes: 0 }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        let weight = self.has_scale.then(|| context.parameters[0]);
        let bias = context.parameters[self.place_of_bias()];
        for (channel, [mean, variance]) in self.statistics(context).into_iter().enumerate() {
            let inverse = 1.0 / (variance + self.epsilon).sqrt();
            let factor = weight.map_or(1.0, |weight| weight[channel].to_f64());
            let scale = T::from_f64(factor * inverse);
            let shift = bias[channel].to_f64() - mean * scale.to_f64();
            let values =
                [T::from_f64(mean), T::from_f64(variance), T::from_f64(inverse), scale, T::from_f64(shift)];
            for (index, value) in values.into_iter().enumerate() {
                kept.floats[index * self.channels + channel] = value;
            }
        }
        let KeptStatistics { scale, shift, .. } = KeptStatistics::of(kept);
        let affine = ChannelAffine { scale, shift, has_relu: self.has_relu };
        self.maps(context.pass.batch).transform(context.inputs[0], affine, y);
    }

    fn updated_buffers(&self, context: &OpContext<'_, T>, kept: &Kept<T>) -> Option<Vec<Vec<T>>> {
        let count = self.count(context.pass.batch);
        let unbiased = count / (count - 1.0).max(1.0);
        let statistics = KeptStatistics::of(kept);
        let moved = |running: &[T], batch: &[T], factor: f64| {
            let step = |(running, batch): (&T, &T)| {
                let kept = (1.0 - self.momentum) * running.to_f64();
                T::from_f64(kept + self.momentum * (batch.to_f64() * factor))
            };
            running.iter().zip(batch).map(step).collect()
        };
        Some(vec![
            moved(context.buffers[0], statistics.mean, 1.0),
            moved(context.buffers[1], statistics.variance, unbiased),
        ])
    }

    fn gradient_flow(&self) -> GradientFlow {
        GradientFlow::InPlace
    }

    /// With r = 1/√(variance + epsilon), x̂ = (x − mean)·r and N elements a channel: of the bias Σg, of the weight Σg·x̂, of x
    /// weight · r · (g − Σg / N − x̂ · Σg·x̂ / N), in evaluation weight · r · g.
    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        let (maps, x) = (self.maps(context.pass.batch), context.inputs[0]);
        let KeptStatistics { mean, inverse_deviation, scale, shift, .. } = KeptStatistics::of(kept);
        let affine = ChannelAffine { scale, shift, has_relu: self.has_relu };
        let is_training = matches!(context.pass.mode, Mode::Training { .. });
        let [mut along, mut constant] = [0, 1].map(|_| vec![T::default(); self.channels]);
        if into.parameters.is_some() || is_training {
            let count = self.count(context.pass.batch);
            let sums = maps.gradient_moments(x, gradient, affine);
            let mut parameters = into.parameters;
            for (channel, [of_gradient, with_x]) in sums.into_iter().enumerate() {
                let inverse = inverse_deviation[channel].to_f64();
                let with_normalised = (with_x - mean[channel].to_f64() * of_gradient) * inverse;
                if let Some(parameters) = &mut parameters {
                    if self.has_scale {
                        parameters[0][channel] = T::from_f64(with_normalised);
                    }
                    parameters[self.place_of_bias()][channel] = T::from_f64(of_gradient);
                }
                if is_training {
                    let scale = scale[channel].to_f64() / count;
                    along[channel] = T::from_f64(-scale * inverse * with_normalised);
                    constant[channel] = T::from_f64(-scale * of_gradient);
                }
            }
        }
        let back = ChannelBackward { mean, along: &along, scale, constant: &constant };
        maps.transform_back(x, affine, back, gradient);
    }

    /// Where ReLU let the sum through: weight · r · ẋ + the weight's tangent · x̂ + the bias's.
    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let statistics = KeptStatistics::of(kept);
        let mut tangent = match tangents.inputs[0] {
            Some(x) => self.scaled(x, |channel| statistics.scale[channel]),
            None => vec![T::default(); y.len()],
        };
        if let Some(weight) = self.weight_tangent(tangents) {
            let normalised = self.normalised(context.inputs[0], &statistics);
            for (tangent, more) in tangent.iter_mut().zip(self.scaled(&normalised, |channel| weight[channel]))
            {
                *tangent += more;
            }
        }
        if let Some(bias) = tangents.parameters[self.place_of_bias()] {
            for (index, tangent) in tangent.iter_mut().enumerate() {
                *tangent += bias[index / self.area % self.channels];
            }
        }
        let dual = Dual { gradient: None, tangent: Some(tangent) };
        let dual = if self.has_relu { masked(y, &dual) } else { dual };
        dual.tangent.unwrap_or_default()
    }

    /// With G the gradient where ReLU let it through and Ġ its tangent: of x, weight · r · Ġ + the weight's tangent · r · G; of the
    /// weight, Σ Ġ·x̂ + G·ẋ·r; of the bias, ΣĠ.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
        result: &Dual<T>,
        wanted: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let statistics = KeptStatistics::of(kept);
        let result = if self.has_relu { masked(y, result) } else { result.clone() };
        let (gradient, moving) = (result.gradient.as_deref(), result.tangent.as_deref());
        let scaled = |values: Option<&[T]>| {
            values.map(|values| self.scaled(values, |channel| statistics.scale[channel]))
        };
        let mut of_x = Dual::default();
        if wanted.inputs[0] {
            let crossed = gradient.zip(self.weight_tangent(tangents)).map(|(gradient, weight)| {
                self.scaled(gradient, |channel| weight[channel] * statistics.inverse_deviation[channel])
            });
            of_x = Dual {
                gradient: scaled(gradient),
                tangent: crate::network::second_order::sum(scaled(moving), crossed),
            };
        }
        let mut of_weight = vec![0.0; self.channels];
        let mut of_bias = vec![0.0; self.channels];
        if let Some(moving) = moving {
            if self.has_scale {
                let normalised = self.normalised(context.inputs[0], &statistics);
                of_weight = self.channel_sums(moving, |index| normalised[index]);
            }
            of_bias = self.channel_sums(moving, |_| T::from_f64(1.0));
        }
        if let Some((gradient, x)) = gradient.zip(tangents.inputs[0]).filter(|_| self.has_scale) {
            let crossed = self.channel_sums(gradient, |index| x[index]);
            for ((sum, more), inverse) in of_weight.iter_mut().zip(crossed).zip(statistics.inverse_deviation)
            {
                *sum += more * inverse.to_f64();
            }
        }
        let rounded = |sums: Vec<f64>| Some(sums.into_iter().map(T::from_f64).collect());
        let of_weight = self.has_scale.then(|| rounded(of_weight));
        let parameters = of_weight.into_iter().chain([rounded(of_bias)]).collect();
        OpDuals { inputs: vec![of_x], parameters }
    }

    fn with_relu(&self) -> Option<Box<dyn Operation<T>>> {
        (!self.has_relu).then(|| Box::new(Self { has_relu: true, ..*self }) as Box<dyn Operation<T>>)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor, Var};

    use super::*;
    use crate::network::backward::Wanted;
    use crate::network::builder::ProgramBuilder;
    use crate::network::same_bytes::{TRAINING, check_fused_relu, check_same_bytes, singles};
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass_in_training_and_in_evaluation() {
        let of_maps =
            [(3, 4), (2, 19), (5, 1), (18, 1)].map(|(channels, area)| BatchNorm::of_maps(channels, area));
        let norms = of_maps.into_iter().chain([BatchNorm::of_rows(3, 4)]);
        for norm in norms.flat_map(|norm| [norm, norm.without_scale()]) {
            for has_relu in [false, true] {
                let case = Case::random(4, move || Box::new(BatchNorm { has_relu, ..norm }));
                case.check_gradients(TRAINING);
                case.check();
            }
        }
    }

    #[test]
    fn it_has_the_same_bytes_on_each_path_and_any_number_of_threads_and_with_relu() {
        for (batch, channels, area) in [(70, 16, 64), (9, 5, 1681), (3000, 37, 1), (5, 3, 7)] {
            let input = singles(1, batch * channels * area);
            for mode in [TRAINING, Mode::Evaluation] {
                let norm = BatchNorm::of_maps(channels, area);
                for norm in [norm, norm.without_scale()] {
                    check_same_bytes(&input, mode, move || Box::new(norm));
                    check_fused_relu(&input, mode, move || Box::new(norm));
                }
            }
        }
    }

    /// The bits of outputs, of the gradients of input and bias, and of the running statistics.
    fn bits_of_passes(norm: BatchNorm, mode: Mode) -> Vec<Vec<u32>> {
        let (batch, channels, size) = (9, norm.channels, norm.channels * norm.area);
        let variable = |values: Vec<f32>| Var::from_vec(values, channels, &Device::Cpu).unwrap();
        let bias = variable(singles(2, channels));
        let weight = norm.has_scale.then(|| variable(vec![1.0; channels]));
        let parameters = weight.into_iter().chain([bias.clone()]).collect();
        let buffers = vec![variable(singles(3, channels)), variable(vec![0.7; channels])];
        let mut builder = ProgramBuilder::<f32>::new(size);
        builder.add(Box::new(norm), &[builder.input()], parameters, buffers.clone()).unwrap();
        let mut program = builder.build().unwrap();
        let input = Tensor::from_vec(singles(1, batch * size), (batch, size), &Device::Cpu).unwrap();
        let outputs = program.forward(&input, mode).unwrap().to_vec();
        let wanted = Wanted { input: true, parameters: true };
        let of_input = program.backward(&singles(4, outputs.len()), wanted).unwrap().unwrap();
        let of_bias = program.parameter_gradient(&bias).unwrap().to_vec();
        let running = buffers.iter().map(|buffer| buffer.to_vec1::<f32>().unwrap());
        let all = [outputs, of_input, of_bias].into_iter().chain(running);
        all.map(|values| values.into_iter().map(f32::to_bits).collect()).collect()
    }

    #[test]
    fn without_a_scale_it_has_the_bytes_of_scales_that_are_held_at_one() {
        for norm in [BatchNorm::of_maps(5, 49), BatchNorm::of_maps(3, 1).with_settings(0.4, 1e-12)] {
            for mode in [TRAINING, Mode::Evaluation] {
                let (held, without) =
                    (bits_of_passes(norm, mode), bits_of_passes(norm.without_scale(), mode));
                assert!(held == without, "{norm:?}, {mode:?}");
            }
        }
    }
}
