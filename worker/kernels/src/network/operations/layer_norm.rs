//! Layer normalisation.

use rayon::prelude::*;

use super::chunks::PARALLEL_FROM;
use super::normalised::{Normalised, statistics};
use super::softmax::total;
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, KeptSize, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};
use crate::partition;
use crate::vector::{Kernel, Vector};

/// Sums that are taken side by side, so that the compiler may keep them in a path's registers without reordering any.
const LANES: usize = 16;
/// Elements whose gradients one thread adds up, at least.
const PIECE: usize = 1 << 15;
/// The most pieces of such a sum.
const MOST_PIECES: usize = 16;

/// Layer normalisation (Ba et al. 2016, arXiv 1607.06450): each of an example's `rows` parts of the shape `shape` becomes
/// (x − mean) / √(variance + epsilon) · weight + bias with its own mean and variance; `weight` and `bias` have the shape.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// Parts of an example: 1, or the positions of a sequence.
    pub rows: usize,
    /// The shape of a part.
    pub shape: Vec<usize>,
    /// What is added to variances: 10⁻⁵ in PyTorch.
    pub epsilon: f64,
}

impl LayerNorm {
    fn width(&self) -> usize {
        self.shape.iter().product()
    }

    fn normalised<'a, T: Float>(
        &self,
        context: &OpContext<'a, T>,
        kept: &'a Kept<T>,
    ) -> Normalised<'a, T, impl Fn(usize) -> usize> {
        let width = self.width();
        let (means, inverse_deviations) = kept.floats.split_at(kept.floats.len() / 2);
        Normalised {
            size: width,
            x: context.inputs[0],
            means,
            inverse_deviations,
            weight: context.parameters[0],
            weight_index: move |index| index % width,
        }
    }
}

impl<T: Float> Operation<T> for LayerNorm {
    fn shapes(&self) -> OpShapes {
        let size = self.rows * self.width();
        OpShapes {
            inputs: vec![size],
            output: size,
            parameters: vec![self.shape.clone(); 2],
            buffers: Vec::new(),
        }
    }

    fn kept(&self, batch: usize) -> KeptSize {
        KeptSize { floats: 2 * batch * self.rows, bytes: 0 }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        let (width, x) = (self.width(), context.inputs[0]);
        let (weight, bias) = (context.parameters[0], context.parameters[1]);
        let (means, inverses) = kept.floats.split_at_mut(context.pass.batch * self.rows);
        type Parts<'a, T> = ((&'a [T], &'a mut [T]), (&'a mut [T], &'a mut [T]));
        let work = |((x, y), (means, inverses)): Parts<'_, T>| {
            T::dispatch(Forward { width, epsilon: self.epsilon, x, weight, bias, means, inverses, y });
        };
        if y.len() < PARALLEL_FROM {
            return work(((x, y), (means, inverses)));
        }
        let rows = (PIECE / width).max(1);
        let parts = x.par_chunks(rows * width).zip(y.par_chunks_mut(rows * width));
        parts.zip(means.par_chunks_mut(rows).zip(inverses.par_chunks_mut(rows))).for_each(work);
    }

    /// With h = weight∘g: of x, r · (h − mean(h) − x̂ · mean(h∘x̂)); of the weight Σ g∘x̂, of the bias Σ g.
    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        let (width, x, weight) = (self.width(), context.inputs[0], context.parameters[0]);
        let count = context.pass.batch * self.rows;
        let (means, inverses) = kept.floats.split_at(count);
        let ranges = partition::evenly(count, (gradient.len() / PIECE).clamp(1, MOST_PIECES));
        let mut unwanted = Vec::new();
        let of_x = into.inputs.into_iter().flatten().next().unwrap_or_else(|| {
            unwanted.resize(x.len(), T::default());
            &mut unwanted
        });
        let parts = partition::split_mut(of_x, &ranges, width);
        let work = |(range, into): (&std::ops::Range<usize>, &mut [T])| {
            let elements = range.start * width..range.end * width;
            let mut sums = vec![0.0; 2 * width];
            T::dispatch(Backward {
                width,
                x: &x[elements.clone()],
                gradient: &gradient[elements],
                weight,
                means: &means[range.clone()],
                inverses: &inverses[range.clone()],
                sums: &mut sums,
                into,
            });
            sums
        };
        let sums: Vec<Vec<f64>> = if gradient.len() < PARALLEL_FROM {
            ranges.iter().zip(parts).map(work).collect()
        } else {
            ranges.par_iter().zip(parts).map(work).collect()
        };
        if let Some(parameters) = into.parameters {
            let total = partition::sum(sums);
            for (into, sums) in parameters.iter_mut().zip(total.chunks_exact(width)) {
                into.iter_mut().zip(sums).for_each(|(into, sum)| *into = T::from_f64(*sum));
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

struct Forward<'a, T> {
    width: usize,
    epsilon: f64,
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
        let rows = self.x.chunks_exact(self.width).zip(self.y.chunks_exact_mut(self.width));
        for ((x, y), (mean, inverse)) in rows.zip(self.means.iter_mut().zip(self.inverses)) {
            let [mut sums, mut squares] = [[0.0; LANES]; 2];
            let (whole, rest) = x.as_chunks::<LANES>();
            for x in whole {
                add(x, &mut sums, &mut squares);
            }
            add(rest, &mut sums, &mut squares);
            (*mean, *inverse) = statistics([total(sums), total(squares)], self.width, self.epsilon);
            let (mean, inverse) = (*mean, *inverse);
            for ((y, x), (weight, bias)) in y.iter_mut().zip(x).zip(self.weight.iter().zip(self.bias)) {
                *y = (*x - mean) * inverse * *weight + *bias;
            }
        }
    }
}

#[inline(always)]
fn add<T: Float>(x: &[T], sums: &mut [f64; LANES], squares: &mut [f64; LANES]) {
    for ((sum, square), x) in sums.iter_mut().zip(squares).zip(x) {
        let x = x.to_f64();
        *sum += x;
        *square += x * x;
    }
}

struct Backward<'a, T> {
    width: usize,
    x: &'a [T],
    gradient: &'a [T],
    weight: &'a [T],
    means: &'a [T],
    inverses: &'a [T],
    /// Of the weights, then of the biases.
    sums: &'a mut [f64],
    into: &'a mut [T],
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let (of_weight, of_bias) = self.sums.split_at_mut(self.width);
        let rows = self.x.chunks_exact(self.width).zip(self.gradient.chunks_exact(self.width));
        let rows = rows.zip(self.into.chunks_exact_mut(self.width));
        for (((x, gradient), into), (mean, inverse)) in rows.zip(self.means.iter().zip(self.inverses)) {
            let (mean, inverse) = (*mean, *inverse);
            let [mut sums, mut products] = [[0.0; LANES]; 2];
            let moments = [mean, inverse];
            let ((x_whole, x_rest), (g_whole, g_rest)) =
                (x.as_chunks::<LANES>(), gradient.as_chunks::<LANES>());
            let (weight_whole, weight_rest) = self.weight.as_chunks::<LANES>();
            let (of_weight_whole, of_weight_rest) = of_weight.as_chunks_mut::<LANES>();
            let (of_bias_whole, of_bias_rest) = of_bias.as_chunks_mut::<LANES>();
            let operands = x_whole.iter().zip(g_whole).zip(weight_whole);
            for (((x, g), weight), (of_weight, of_bias)) in
                operands.zip(of_weight_whole.iter_mut().zip(of_bias_whole))
            {
                add_gradients(moments, x, g, weight, of_weight, of_bias, &mut sums, &mut products);
            }
            add_gradients(
                moments,
                x_rest,
                g_rest,
                weight_rest,
                of_weight_rest,
                of_bias_rest,
                &mut sums,
                &mut products,
            );
            let share = 1.0 / self.width as f64;
            let (constant, along) = (T::from_f64(total(sums) * share), T::from_f64(total(products) * share));
            let elements = x.iter().zip(gradient).zip(self.weight).zip(into);
            for (((x, gradient), weight), into) in elements {
                let normalised = (*x - mean) * inverse;
                *into = inverse * (*gradient * *weight - constant - normalised * along);
            }
        }
    }
}

/// Adds a row's part to the sums over rows, and to the row's own sums of w∘g and w∘g∘x̂.
#[inline(always)]
#[expect(
    clippy::too_many_arguments,
    reason = "slices of one length, of which the compiler must see the length"
)]
fn add_gradients<T: Float>(
    [mean, inverse]: [T; 2],
    x: &[T],
    gradient: &[T],
    weight: &[T],
    of_weight: &mut [f64],
    of_bias: &mut [f64],
    sums: &mut [f64; LANES],
    products: &mut [f64; LANES],
) {
    let operands = x.iter().zip(gradient).zip(weight);
    let added = of_weight.iter_mut().zip(of_bias).zip(sums.iter_mut().zip(products));
    for (((x, gradient), weight), ((of_weight, of_bias), (sum, product))) in operands.zip(added) {
        let normalised = ((*x - mean) * inverse).to_f64();
        let along = gradient.to_f64();
        let weighted = along * weight.to_f64();
        *sum += weighted;
        *product += weighted * normalised;
        *of_weight += along * normalised;
        *of_bias += along;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::same_bytes::{TRAINING, check_same_bytes, singles};
    use crate::network::testing::Case;

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for (rows, shape) in [(1, vec![2, 2, 3]), (3, vec![5]), (2, vec![19])] {
            Case::random(2, move || Box::new(LayerNorm { rows, shape: shape.clone(), epsilon: 1e-5 }))
                .check();
        }
    }

    #[test]
    fn it_has_the_same_bytes_on_each_path_and_any_number_of_threads() {
        for (rows, width) in [(5, 128), (3, 37), (1, 700)] {
            let batch = 150_000 / (rows * width) + 1;
            let norm = LayerNorm { rows, shape: vec![width], epsilon: 1e-5 };
            check_same_bytes(&singles(1, batch * rows * width), TRAINING, || Box::new(norm.clone()));
        }
    }
}
