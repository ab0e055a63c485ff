//! The vectors of tokens.

use rayon::prelude::*;

use super::chunks::{PARALLEL_FROM, for_each_group};
use crate::network::operation::{
    Dual, Float, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation, WantedDuals,
};
use crate::partition;

/// The most pieces that a gradient is cut into.
const MOST_PIECES: usize = 16;

/// Tokens `[positions]` become their rows of `weight` `[vocabulary, width]`, `[positions, width]`; with learned positions, the row of
/// the position in a second parameter `[positions, width]` is added.
///
/// Tokens are floats that hold whole numbers below the vocabulary's size, which a data set is checked for; a larger one counts as the
/// last. They have no gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedding {
    /// Tokens of an example.
    pub positions: usize,
    /// Tokens that there are.
    pub vocabulary: usize,
    /// Elements of a token's vector.
    pub width: usize,
    /// Whether positions have vectors too.
    pub has_positions: bool,
}

impl Embedding {
    fn token<T: Float>(&self, token: T) -> usize {
        (token.to_f64() as usize).min(self.vocabulary - 1)
    }

    fn rows<T: Float>(&self, tokens: &[T], weight: Option<&[T]>, positions: Option<&[T]>, y: &mut [T]) {
        for_each_group(y, self.width, |first, y| {
            for (row, y) in y.chunks_exact_mut(self.width).enumerate() {
                let row = first + row;
                match weight {
                    Some(weight) => {
                        y.copy_from_slice(&weight[self.token(tokens[row]) * self.width..][..self.width]);
                    }
                    None => y.fill(T::default()),
                }
                if let Some(positions) = positions {
                    let position = &positions[row % self.positions * self.width..][..self.width];
                    for (y, position) in y.iter_mut().zip(position) {
                        *y += *position;
                    }
                }
            }
        });
    }

    /// Adds up the rows of a gradient by `index`: each sum in the order of the rows, so that pieces of the sums are independent.
    fn scatter<T: Float>(&self, gradient: &[T], into: &mut [T], index: impl Fn(usize) -> usize + Sync) {
        let ranges = partition::evenly(into.len() / self.width, MOST_PIECES);
        let add = |(range, into): (&std::ops::Range<usize>, &mut [T])| {
            into.fill(T::default());
            for (row, gradient) in gradient.chunks_exact(self.width).enumerate() {
                let index = index(row);
                if range.contains(&index) {
                    let sums = &mut into[(index - range.start) * self.width..][..self.width];
                    for (sum, gradient) in sums.iter_mut().zip(gradient) {
                        *sum += *gradient;
                    }
                }
            }
        };
        if gradient.len() < PARALLEL_FROM {
            let count = into.len() / self.width;
            add((&(0..count), into));
        } else {
            let pieces = partition::split_mut(into, &ranges, self.width);
            ranges.par_iter().zip(pieces).for_each(add);
        }
    }

    fn parameter_gradients<T: Float>(&self, tokens: &[T], gradient: &[T], into: &mut [Vec<T>]) {
        self.scatter(gradient, &mut into[0], |row| self.token(tokens[row]));
        if let Some(positions) = into.get_mut(1) {
            self.scatter(gradient, positions, |row| row % self.positions);
        }
    }
}

impl<T: Float> Operation<T> for Embedding {
    fn shapes(&self) -> OpShapes {
        let mut parameters = vec![vec![self.vocabulary, self.width]];
        if self.has_positions {
            parameters.push(vec![self.positions, self.width]);
        }
        OpShapes {
            inputs: vec![self.positions],
            output: self.positions * self.width,
            parameters,
            buffers: Vec::new(),
        }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        let positions = context.parameters.get(1).copied();
        self.rows(context.inputs[0], Some(context.parameters[0]), positions, y);
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    ) {
        if let Some(parameters) = into.parameters {
            self.parameter_gradients(context.inputs[0], gradient, parameters);
        }
        for input in into.inputs.into_iter().flatten() {
            input.fill(T::default());
        }
    }

    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let mut tangent = vec![T::default(); y.len()];
        let positions = tangents.parameters.get(1).copied().flatten();
        self.rows(context.inputs[0], tangents.parameters[0], positions, &mut tangent);
        tangent
    }

    /// It is linear in its parameters: what moves is the gradient alone.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        _: &[T],
        _: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let sizes = context.parameters.iter().map(|parameter| parameter.len());
        let parameters = match &result.tangent {
            Some(tangent) => {
                let mut sums: Vec<Vec<T>> = sizes.map(|size| vec![T::default(); size]).collect();
                self.parameter_gradients(context.inputs[0], tangent, &mut sums);
                sums.into_iter().map(Some).collect()
            }
            None => sizes.map(|_| None).collect(),
        };
        OpDuals { inputs: vec![Dual::default()], parameters }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::same_bytes::{TRAINING, check_same_bytes};
    use crate::network::testing::{Case, check_hessian, numbers};
    use crate::network::{ProgramBuilder, operations::Dense};
    use candle_core::{Device, Tensor, Var};

    fn tokens(count: usize, vocabulary: usize) -> Vec<f64> {
        (0..count).map(|index| (index * index * 7 % 11 % vocabulary) as f64).collect()
    }

    #[test]
    fn its_derivatives_are_those_of_its_forward_pass() {
        for has_positions in [false, true] {
            let embedding = Embedding { positions: 4, vocabulary: 5, width: 3, has_positions };
            let mut case = Case::random(3, move || Box::new(embedding));
            case.input = tokens(12, 5);
            case.has_input_gradient = false;
            case.check_gradients(TRAINING);
            let variable = |key: u64, shape: &[usize]| {
                let values = numbers(key, shape.iter().product());
                Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
            };
            let mut builder = ProgramBuilder::new(4);
            let mut parameters = vec![variable(1, &[5, 3])];
            if has_positions {
                parameters.push(variable(2, &[4, 3]));
            }
            let embedded = builder.add(Box::new(embedding), &[builder.input()], parameters, vec![]).unwrap();
            let dense = Box::new(Dense::new(1, 12, 2, true));
            let parameters = vec![variable(3, &[2, 12]), variable(4, &[2])];
            builder.add(dense, &[embedded], parameters, vec![]).unwrap();
            check_hessian(builder.build().unwrap(), &tokens(12, 5), 3);
        }
    }

    #[test]
    fn it_has_the_same_bytes_on_each_path_and_any_number_of_threads() {
        let input: Vec<f32> = tokens(500 * 6, 11).into_iter().map(|token| token as f32).collect();
        let embedding = Embedding { positions: 6, vocabulary: 97, width: 33, has_positions: true };
        check_same_bytes(&input, TRAINING, || Box::new(embedding));
    }

    #[test]
    fn a_token_beyond_the_vocabulary_counts_as_the_last() {
        let embedding = Embedding { positions: 1, vocabulary: 3, width: 2, has_positions: false };
        let mut rows = [0.0_f32; 8];
        embedding.rows(&[0.0, 2.0, 3.0, 1e30], Some(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), None, &mut rows);
        assert_eq!(rows, [1.0, 2.0, 5.0, 6.0, 5.0, 6.0, 5.0, 6.0]);
    }
}
