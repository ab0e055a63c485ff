//! Group normalisation.

use rayon::prelude::*;

use super::chunks::PARALLEL_FROM;
use super::normalised::{Normalised, statistics};
use super::softmax::total;
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, KeptSize, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};
use crate::vector::{Kernel, Vector};

/// Sums that are taken side by side, so that the compiler may keep them in a path's registers without reordering any.
const LANES: usize = 16;

/// Group normalisation (Wu and He 2018, arXiv 1803.08494) of maps `[channels, height, width]`: the channels of an example in `groups`
/// equal parts, each (x − mean) / √(variance + epsilon) with its own mean and variance, times its channel's `weight`, plus its `bias`;
/// both are `[channels]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupNorm {
    /// Groups, which divide the channels.
    pub groups: usize,
    /// Channels.
    pub channels: usize,
    /// Elements of a channel: height × width.
    pub area: usize,
    /// What is added to variances: 10⁻⁵ in PyTorch.
    pub epsilon: f64,
}

impl GroupNorm {
    const fn example(&self) -> usize {
        self.channels * self.area
    }

    /// Elements of a group.
    const fn group(&self) -> usize {
        self.example() / self.groups
    }

    fn normalised<'a, T: Float>(
        &self,
        context: &OpContext<'a, T>,
        kept: &'a Kept<T>,
    ) -> Normalised<'a, T, impl Fn(usize) -> usize> {
        let (channels, area) = (self.channels, self.area);
        let (means, inverse_deviations) = kept.floats.split_at(kept.floats.len() / 2);
        Normalised {
            size: self.group(),
            x: context.inputs[0],
            means,
            inverse_deviations,
            weight: context.parameters[0],
            weight_index: move |index| index / area % channels,
        }
    }
}

impl<T: Float> Operation<T> for GroupNorm {
    fn shapes(&self) -> OpShapes {
        OpShapes {
            inputs: vec![self.example()],
            output: self.example(),
            parameters: vec![vec![self.channels]; 2],
            buffers: Vec::new(),
        }
    }

    fn kept(&self, batch: usize) -> KeptSize {
        KeptSize { floats: 2 * batch * self.groups, bytes: 0 }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        let (weight, bias) = (context.parameters[0], context.parameters[1]);
        let (means, inverses) = kept.floats.split_at_mut(context.pass.batch * self.groups);
        type Parts<'a, T> = ((&'a [T], &'a mut [T]), (&'a mut [T], &'a mut [T]));
        let work = |((x, y), (means, inverses)): Parts<'_, T>| {
            T::dispatch(Forward { norm: self, x, weight, bias, means, inverses, y });
        };
        let (x, size) = (context.inputs[0], self.example());
        if y.len() < PARALLEL_FROM {
            let examples = x.chunks(size).zip(y.chunks_mut(size));
            examples.zip(means.chunks_mut(self.groups).zip(inverses.chunks_mut(self.groups))).for_each(work);
        } else {
            let examples = x.par_chunks(size).zip(y.par_chunks_mut(size));
            let kept = means.par_chunks_mut(self.groups).zip(inverses.par_chunks_mut(self.groups));
            examples.zip(kept).for_each(work);
        }
    }

    /// With h = weight∘g: of x, r · (h − mean(h) − x̂ · mean(h∘x̂)); of the weight Σ g∘x̂, of the bias Σ g, added example by example.
    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        let (x, weight, size) = (context.inputs[0], context.parameters[0], self.example());
        let (means, inverses) = kept.floats.split_at(context.pass.batch * self.groups);
        let mut unwanted = Vec::new();
        let of_x = into.inputs.into_iter().flatten().next().unwrap_or_else(|| {
            unwanted.resize(x.len(), T::default());
            &mut unwanted
        });
        // Of each example and channel, Σ g∘x̂ and Σ g.
        let mut sums = vec![[0.0; 2]; context.pass.batch * self.channels];
        let work = |(example, (into, sums)): (usize, (&mut [T], &mut [[f64; 2]]))| {
            let groups = example * self.groups..(example + 1) * self.groups;
            T::dispatch(Backward {
                norm: self,
                x: &x[example * size..][..size],
                gradient: &gradient[example * size..][..size],
                weight,
                means: &means[groups.clone()],
                inverses: &inverses[groups],
                sums,
                into,
            });
        };
        if gradient.len() < PARALLEL_FROM {
            of_x.chunks_mut(size).zip(sums.chunks_mut(self.channels)).enumerate().for_each(work);
        } else {
            of_x.par_chunks_mut(size).zip(sums.par_chunks_mut(self.channels)).enumerate().for_each(work);
        }
        for (index, parameter) in into.parameters.into_iter().flatten().enumerate() {
            for (channel, into) in parameter.iter_mut().enumerate() {
                let of_channel = sums[channel..].iter().step_by(self.channels);
                *into = T::from_f64(of_channel.map(|sums| sums[index]).sum());
            }
        }
    }

    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        self.normalised(context, kept).jvp(tangents)
    }

    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        tangents: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        self.normalised(context, kept).vjp_jvp(tangents, result)
    }
}

// Plain loops, for the compiler to make use of the path's registers: no element, and no lane of a sum, depends on how many it takes
// at a time.

/// One example.
struct Forward<'a, T> {
    norm: &'a GroupNorm,
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    means: &'a mut [T],
    inverses: &'a mut [T],
    y: &'a mut [T],
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let (group, area) = (self.norm.group(), self.norm.area);
        let groups = self.x.chunks_exact(group).zip(self.y.chunks_exact_mut(group));
        for (index, (x, y)) in groups.enumerate() {
            let sums = products(x, x);
            let (mean, inverse) = statistics(sums, group, self.norm.epsilon);
            (self.means[index], self.inverses[index]) = (mean, inverse);
            for (channel, (x, y)) in x.chunks_exact(area).zip(y.chunks_exact_mut(area)).enumerate() {
                let channel = index * (group / area) + channel;
                let scale = inverse * self.weight[channel];
                let bias = self.bias[channel];
                for (y, x) in y.iter_mut().zip(x) {
                    *y = (*x - mean) * scale + bias;
                }
            }
        }
    }
}

/// Σ a and Σ a∘b, in `f64`.
#[inline(always)]
fn products<T: Float>(a: &[T], b: &[T]) -> [f64; 2] {
    let [mut sums, mut products] = [[0.0; LANES]; 2];
    let ((whole_a, rest_a), (whole_b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in whole_a.iter().zip(whole_b) {
        add(a, b, &mut sums, &mut products);
    }
    add(rest_a, rest_b, &mut sums, &mut products);
    [total(sums), total(products)]
}

#[inline(always)]
fn add<T: Float>(a: &[T], b: &[T], sums: &mut [f64; LANES], products: &mut [f64; LANES]) {
    for ((sum, product), (a, b)) in sums.iter_mut().zip(products).zip(a.iter().zip(b)) {
        let a = a.to_f64();
        *sum += a;
        *product += a * b.to_f64();
    }
}

/// One example.
struct Backward<'a, T> {
    norm: &'a GroupNorm,
    x: &'a [T],
    gradient: &'a [T],
    weight: &'a [T],
    means: &'a [T],
    inverses: &'a [T],
    /// Of each channel, Σ g∘x̂ and Σ g.
    sums: &'a mut [[f64; 2]],
    into: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let (group, area) = (self.norm.group(), self.norm.area);
        let per_group = group / area;
        for index in 0..self.norm.groups {
            let (mean, inverse) = (self.means[index], self.inverses[index]);
            let (mut constant, mut along) = (0.0, 0.0);
            for channel in index * per_group..(index + 1) * per_group {
                let plane = channel * area..(channel + 1) * area;
                let [sum, with_x] = products(&self.gradient[plane.clone()], &self.x[plane]);
                let normalised = (with_x - mean.to_f64() * sum) * inverse.to_f64();
                self.sums[channel] = [normalised, sum];
                constant += self.weight[channel].to_f64() * sum;
                along += self.weight[channel].to_f64() * normalised;
            }
            let share = inverse.to_f64() / group as f64;
            let constant = T::from_f64(-share * constant);
            let along = T::from_f64(-share * along * inverse.to_f64());
            for channel in index * per_group..(index + 1) * per_group {
                let plane = channel * area..(channel + 1) * area;
                let scale = inverse * self.weight[channel];
                let elements = self.x[plane.clone()].iter().zip(&self.gradient[plane.clone()]);
                for ((x, gradient), into) in elements.zip(&mut self.into[plane]) {
                    *into = (*x - mean) * along + (*gradient * scale + constant);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::same_bytes::{TRAINING, check_same_bytes, singles};
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (groups, channels, area) in [(2, 4, 3), (1, 3, 19), (3, 3, 4)] {
            Case::random(2, move || Box::new(GroupNorm { groups, channels, area, epsilon: 1e-5 })).check();
        }
    }

    #[test]
    fn it_has_the_same_bytes_on_each_path_and_any_number_of_threads() {
        for (groups, channels, area) in [(4, 16, 64), (3, 9, 49)] {
            let batch = 150_000 / (channels * area) + 1;
            let norm = GroupNorm { groups, channels, area, epsilon: 1e-5 };
            check_same_bytes(&singles(1, batch * channels * area), TRAINING, || Box::new(norm));
        }
    }
}
