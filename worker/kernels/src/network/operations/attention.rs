//! Self-attention without its projections.

use rayon::prelude::*;

use super::chunks::PARALLEL_FROM;
use super::softmax::{softmax_back_rows, softmax_rows};
use crate::matmul::{Matrix, Product};
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, KeptSize, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};

/// Attention by scaled products (Vaswani et al. 2017, arXiv 1706.03762): of queries, keys and values `[positions, width]`, each of
/// `heads` parts of a position's elements for itself, softmax(scale · Q Kᵀ) V. With `is_causal`, a position sees itself and those
/// before it.
///
/// The probabilities are kept, `[batch, heads, positions, positions]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelfAttention {
    /// Positions of a sequence.
    pub positions: usize,
    /// Elements of a position, of all heads.
    pub width: usize,
    /// Heads, which divide the width.
    pub heads: usize,
    /// Whether later positions are hidden.
    pub is_causal: bool,
    /// The factor of the products: 1/√d for heads of d elements, 1/d in μP.
    pub scale: f64,
}

impl SelfAttention {
    const fn head_width(&self) -> usize {
        self.width / self.heads
    }

    const fn example(&self) -> usize {
        self.positions * self.width
    }

    const fn square(&self) -> usize {
        self.positions * self.positions
    }

    /// A head's part of an example.
    fn head<'a, T>(&self, example: &'a [T], head: usize) -> Matrix<'a, T> {
        Matrix::new(&example[head * self.head_width()..], self.width)
    }

    /// Q Kᵀ of a head, or other products of that form.
    fn row_products<T: Float>(&self, rows: Matrix<'_, T>, columns: Matrix<'_, T>, out: &mut [T]) {
        product([self.positions, self.positions, self.head_width()], rows, columns.transposed(), out);
    }

    /// P V of a head, or other products of that form, written or added to the head's part of `into`.
    fn mixed<T: Float>(
        &self,
        shares: Matrix<'_, T>,
        values: Matrix<'_, T>,
        scratch: &mut [T],
        into: &mut [T],
        head: usize,
    ) {
        product([self.positions, self.head_width(), self.positions], shares, values, scratch);
        let rows = into.chunks_exact_mut(self.width).zip(scratch.chunks_exact(self.head_width()));
        for (into, row) in rows {
            into[head * self.head_width()..][..self.head_width()].copy_from_slice(row);
        }
    }

    fn shares<'a, T>(&self, shares: &'a [T]) -> Matrix<'a, T> {
        Matrix::new(shares, self.positions)
    }

    /// The probabilities of one example's heads, and what they mix of the values.
    fn forward_example<T: Float>(&self, [q, k, v]: [&[T]; 3], shares: &mut [T], y: &mut [T]) {
        let mut scratch = vec![T::default(); self.positions * self.head_width()];
        for (head, shares) in shares.chunks_exact_mut(self.square()).enumerate() {
            self.row_products(self.head(q, head), self.head(k, head), shares);
            softmax_rows(shares, self.positions, T::from_f64(self.scale), self.is_causal);
            self.mixed(self.shares(shares), self.head(v, head), &mut scratch, y, head);
        }
    }

    /// With P the probabilities and G the gradient: of the values PᵀG; with D = G Vᵀ and S = scale · P∘(D − Σ P∘D), of the queries S K
    /// and of the keys Sᵀ Q.
    fn back_example<T: Float>(
        &self,
        [q, k, v]: [&[T]; 3],
        shares: &[T],
        gradient: &[T],
        into: [&mut [T]; 3],
    ) {
        let mut scratch = vec![T::default(); self.positions * self.head_width()];
        let mut of_scores = vec![T::default(); self.square()];
        let [of_q, of_k, of_v] = into;
        for (head, shares) in shares.chunks_exact(self.square()).enumerate() {
            let gradient = self.head(gradient, head);
            self.mixed(self.shares(shares).transposed(), gradient, &mut scratch, of_v, head);
            self.row_products(gradient, self.head(v, head), &mut of_scores);
            softmax_back_rows(shares, &mut of_scores, self.positions, T::from_f64(self.scale));
            let of_scores = self.shares(&of_scores);
            self.mixed(of_scores, self.head(k, head), &mut scratch, of_q, head);
            self.mixed(of_scores.transposed(), self.head(q, head), &mut scratch, of_k, head);
        }
    }
}

/// a · b.
fn product<T: Float>(sizes: [usize; 3], a: Matrix<'_, T>, b: Matrix<'_, T>, out: &mut [T]) {
    Product { sizes, a, b, bias: None, relu: false }.compute(out);
}

/// One example's part of each operand.
fn of_example<T>(operands: [&[T]; 3], example: usize, size: usize) -> [&[T]; 3] {
    operands.map(|operand| &operand[example * size..][..size])
}

impl<T: Float> Operation<T> for SelfAttention {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.example(); 3], output: self.example(), ..OpShapes::default() }
    }

    fn kept(&self, batch: usize) -> KeptSize {
        KeptSize { floats: batch * self.heads * self.square(), bytes: 0 }
    }

    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]) {
        let operands = [context.inputs[0], context.inputs[1], context.inputs[2]];
        let work = |(example, (y, shares)): (usize, (&mut [T], &mut [T]))| {
            self.forward_example(of_example(operands, example, self.example()), shares, y);
        };
        let shares = self.heads * self.square();
        if y.len() < PARALLEL_FROM {
            y.chunks_mut(self.example()).zip(kept.floats.chunks_mut(shares)).enumerate().for_each(work);
        } else {
            y.par_chunks_mut(self.example())
                .zip(kept.floats.par_chunks_mut(shares))
                .enumerate()
                .for_each(work);
        }
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        let operands = [context.inputs[0], context.inputs[1], context.inputs[2]];
        let mut unwanted: Vec<Vec<T>> = Vec::new();
        let missing = into.inputs.iter().filter(|input| input.is_none()).count();
        unwanted.resize_with(missing, || vec![T::default(); gradient.len()]);
        let mut unwanted = unwanted.iter_mut();
        let [mut of_q, mut of_k, mut of_v]: [&mut [T]; 3] = [&mut [], &mut [], &mut []];
        for (slot, input) in [&mut of_q, &mut of_k, &mut of_v].into_iter().zip(into.inputs) {
            *slot = input.or_else(|| unwanted.next().map(Vec::as_mut_slice)).unwrap_or_default();
        }
        let (size, shares) = (self.example(), self.heads * self.square());
        type Parts<'a, T> = ((&'a mut [T], &'a mut [T]), (&'a mut [T], (&'a [T], &'a [T])));
        let work = |(example, ((of_q, of_k), (of_v, (gradient, shares)))): (usize, Parts<'_, T>)| {
            self.back_example(of_example(operands, example, size), shares, gradient, [of_q, of_k, of_v]);
        };
        if gradient.len() < PARALLEL_FROM {
            let read = gradient.chunks(size).zip(kept.floats.chunks(shares));
            let written = of_q.chunks_mut(size).zip(of_k.chunks_mut(size));
            written.zip(of_v.chunks_mut(size).zip(read)).enumerate().for_each(work);
        } else {
            let read = gradient.par_chunks(size).zip(kept.floats.par_chunks(shares));
            let written = of_q.par_chunks_mut(size).zip(of_k.par_chunks_mut(size));
            written.zip(of_v.par_chunks_mut(size).zip(read)).enumerate().for_each(work);
        }
    }

    /// With Ṡ = scale · (Q̇ Kᵀ + Q K̇ᵀ) and Ṗ = P∘(Ṡ − Σ P∘Ṡ): Ṗ V + P V̇.
    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let (operands, moving) = (Moving::operands(context), Moving::of(tangents, y.len()));
        let mut tangent = vec![T::default(); y.len()];
        let mut scratch = vec![T::default(); self.positions * self.head_width()];
        let mut more = vec![T::default(); self.example()];
        for (example, into) in tangent.chunks_exact_mut(self.example()).enumerate() {
            let still = of_example(operands, example, self.example());
            let moving = moving.example(example, self.example());
            for head in 0..self.heads {
                let shares = self.example_shares(kept, example, head);
                let moved = self.moved_shares(still, moving, shares, head);
                self.mixed(self.shares(&moved), self.head(still[2], head), &mut scratch, into, head);
                self.mixed(self.shares(shares), self.head(moving[2], head), &mut scratch, &mut more, head);
            }
            add(into, &more);
        }
        tangent
    }

    /// The derivative of [`SelfAttention::back_example`], factor by factor.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let (operands, moving) = (Moving::operands(context), Moving::of(tangents, y.len()));
        let zeros = vec![T::default(); y.len()];
        let gradient = result.gradient.as_deref().unwrap_or(&zeros);
        let moving_gradient = result.tangent.as_deref().unwrap_or(&zeros);
        let size = self.example();
        let mut gradients = [0; 3].map(|_| vec![T::default(); y.len()]);
        let mut moved = [0; 3].map(|_| vec![T::default(); y.len()]);
        for example in 0..context.pass.batch {
            let range = example * size..(example + 1) * size;
            let (still, moving) = (of_example(operands, example, size), moving.example(example, size));
            let gradient_of = [&gradient[range.clone()], &moving_gradient[range.clone()]];
            let shares = &kept.floats[example * self.heads * self.square()..][..self.heads * self.square()];
            let into = gradients.each_mut().map(|part| &mut part[range.clone()]);
            self.back_example(still, shares, gradient_of[0], into);
            let into = moved.each_mut().map(|part| &mut part[range.clone()]);
            self.moved_back_example(still, moving, shares, gradient_of, into);
        }
        let duals = gradients.into_iter().zip(moved);
        OpDuals {
            inputs: duals
                .map(|(gradient, tangent)| Dual { gradient: Some(gradient), tangent: Some(tangent) })
                .collect(),
            parameters: Vec::new(),
        }
    }
}

/// How queries, keys and values move, zeros where they don't.
struct Moving<'a, T> {
    parts: [Option<&'a [T]>; 3],
    zeros: Vec<T>,
}

impl<'a, T: Float> Moving<'a, T> {
    fn of(tangents: &InputTangents<'a, T>, size: usize) -> Self {
        Self { parts: [0, 1, 2].map(|index: usize| tangents.inputs[index]), zeros: vec![T::default(); size] }
    }

    fn operands(context: &OpContext<'a, T>) -> [&'a [T]; 3] {
        [context.inputs[0], context.inputs[1], context.inputs[2]]
    }

    fn example(&self, example: usize, size: usize) -> [&[T]; 3] {
        of_example(self.parts.map(|part| part.unwrap_or(&self.zeros)), example, size)
    }
}

impl SelfAttention {
    fn example_shares<'a, T>(&self, kept: &'a Kept<T>, example: usize, head: usize) -> &'a [T] {
        &kept.floats[(example * self.heads + head) * self.square()..][..self.square()]
    }

    /// Ṗ of a head.
    fn moved_shares<T: Float>(
        &self,
        still: [&[T]; 3],
        moving: [&[T]; 3],
        shares: &[T],
        head: usize,
    ) -> Vec<T> {
        let [mut scores, mut more] = [0; 2].map(|_| vec![T::default(); self.square()]);
        self.row_products(self.head(moving[0], head), self.head(still[1], head), &mut scores);
        self.row_products(self.head(still[0], head), self.head(moving[1], head), &mut more);
        add(&mut scores, &more);
        softmax_back_rows(shares, &mut scores, self.positions, T::from_f64(self.scale));
        scores
    }

    /// With ρ = Σ P∘D of a row: of the values ṖᵀG + PᵀĠ, and with Ḋ = Ġ Vᵀ + G V̇ᵀ and Ṡ = scale · (Ṗ∘(D − ρ) + P∘(Ḋ − ρ̇)), of the
    /// queries Ṡ K + S K̇ and of the keys Ṡᵀ Q + Sᵀ Q̇.
    fn moved_back_example<T: Float>(
        &self,
        still: [&[T]; 3],
        moving: [&[T]; 3],
        shares: &[T],
        [gradient, moving_gradient]: [&[T]; 2],
        [of_q, of_k, of_v]: [&mut [T]; 3],
    ) {
        let scale = T::from_f64(self.scale);
        let square = || vec![T::default(); self.square()];
        let mut scratch = vec![T::default(); self.positions * self.head_width()];
        let mut more = [0; 3].map(|_| vec![T::default(); self.example()]);
        for (head, shares) in shares.chunks_exact(self.square()).enumerate() {
            let [q, k, v] = still.map(|part| self.head(part, head));
            let [moving_q, moving_k, moving_v] = moving.map(|part| self.head(part, head));
            let (gradient, moving_gradient) = (self.head(gradient, head), self.head(moving_gradient, head));
            let moved_shares = self.moved_shares(still, moving, shares, head);
            let [mut along, mut moved_along, mut crossed] = [square(), square(), square()];
            self.row_products(gradient, v, &mut along);
            self.row_products(moving_gradient, v, &mut moved_along);
            self.row_products(gradient, moving_v, &mut crossed);
            add(&mut moved_along, &crossed);
            let mut moved_scores = moved_along;
            let width = self.positions;
            let rows = moved_scores.chunks_exact_mut(width).zip(along.chunks_exact(width));
            let probabilities = shares.chunks_exact(width).zip(moved_shares.chunks_exact(width));
            for ((moved, along), (shares, moved_shares)) in rows.zip(probabilities) {
                let (mut mean, mut moved_mean) = (T::default(), T::default());
                for index in 0..width {
                    mean += shares[index] * along[index];
                    moved_mean += moved_shares[index] * along[index] + shares[index] * moved[index];
                }
                for index in 0..width {
                    let direct = shares[index] * (moved[index] - moved_mean);
                    moved[index] = scale * (moved_shares[index] * (along[index] - mean) + direct);
                }
            }
            softmax_back_rows(shares, &mut along, width, scale);
            let [shares, moved_shares, scores, moved_scores] =
                [shares, &moved_shares, &along, &moved_scores].map(|part| self.shares(part));
            self.mixed(moved_shares.transposed(), gradient, &mut scratch, of_v, head);
            self.mixed(shares.transposed(), moving_gradient, &mut scratch, &mut more[2], head);
            self.mixed(moved_scores, k, &mut scratch, of_q, head);
            self.mixed(scores, moving_k, &mut scratch, &mut more[0], head);
            self.mixed(moved_scores.transposed(), q, &mut scratch, of_k, head);
            self.mixed(scores.transposed(), moving_q, &mut scratch, &mut more[1], head);
        }
        for (into, more) in [of_q, of_k, of_v].into_iter().zip(&more) {
            add(into, more);
        }
    }
}

fn add<T: Float>(into: &mut [T], more: &[T]) {
    into.iter_mut().zip(more).for_each(|(into, more)| *into += *more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::same_bytes::{TRAINING, check_same_bytes, singles};
    use crate::network::testing::Case;

    fn attention(positions: usize, width: usize, heads: usize, is_causal: bool) -> SelfAttention {
        SelfAttention { positions, width, heads, is_causal, scale: 0.6 }
    }

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for is_causal in [false, true] {
            Case::random(2, move || Box::new(attention(4, 6, 2, is_causal))).check();
            Case::random(2, move || Box::new(attention(3, 5, 1, is_causal))).check();
        }
    }

    #[test]
    fn it_has_the_same_bytes_on_each_path_and_any_number_of_threads() {
        for (positions, width, heads) in [(5, 32, 4), (19, 24, 2), (70, 33, 1)] {
            let batch = 70_000 / (positions * width) + 1;
            let input: Vec<f32> =
                singles(1, batch * positions * width).into_iter().map(|x| 3.0 * x).collect();
            check_same_bytes(&input, TRAINING, || Box::new(attention(positions, width, heads, true)));
        }
    }
}
