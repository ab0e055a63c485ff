//! Whitening of all numbers of an example.

use basin_kernels::network::operations::Dense;
use basin_kernels::network::{Kept, Mode, OpContext, Operation, Pass};
use rayon::prelude::*;

use crate::symmetric_eigen::symmetric_eigen;

/// Rows of the covariance that are summed up together.
const ROWS_OF_A_SUM: usize = 16;

/// Zero-phase whitening (Bell and Sejnowski 1997, Vision Research 37, 3327; Krizhevsky 2009, Learning multiple layers of features from
/// tiny images, appendix A): y = (C + ε·I)^(−½)·(x − μ) with the mean μ and the covariance C of the training examples, whose
/// eigenvectors give the root.
#[derive(Debug)]
pub(crate) struct Zca {
    layer: Dense,
    /// `[numbers, numbers]`
    weight: Vec<f32>,
    /// −(C + ε·I)^(−½)·μ
    bias: Vec<f32>,
}

impl Zca {
    /// The whitening by these examples, `[examples, numbers]`; sums are in `f64`, in the order of the examples.
    pub(crate) fn of(examples: &[f32], numbers: usize, epsilon: f64) -> Self {
        let count = (examples.len() / numbers) as f64;
        let mut mean = vec![0.0; numbers];
        for example in examples.chunks_exact(numbers) {
            mean.iter_mut().zip(example).for_each(|(sum, number)| *sum += f64::from(*number));
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        let pairs = symmetric_eigen(covariance(examples, &mean));
        let scales: Vec<f64> =
            pairs.iter().map(|pair| 1.0 / (pair.value.max(0.0) + epsilon).sqrt()).collect();
        let row = |at: usize| -> Vec<f64> {
            let mut row = vec![0.0; numbers];
            for (pair, scale) in pairs.iter().zip(&scales) {
                let factor = pair.vector[at] * scale;
                row.iter_mut().zip(&pair.vector).for_each(|(sum, component)| *sum += factor * component);
            }
            row
        };
        let rows: Vec<Vec<f64>> = (0..numbers).into_par_iter().map(row).collect();
        let shift = |row: &Vec<f64>| -row.iter().zip(&mean).map(|(weight, mean)| weight * mean).sum::<f64>();
        Self {
            layer: Dense::new(1, numbers, numbers, true),
            bias: rows.iter().map(|row| shift(row) as f32).collect(),
            weight: rows.into_iter().flatten().map(|weight| weight as f32).collect(),
        }
    }

    /// Whitens examples, `[examples, numbers]`: each by itself.
    pub(crate) fn apply(&self, examples: &[f32]) -> Vec<f32> {
        let pass = Pass { batch: examples.len() / self.layer.inputs, mode: Mode::Evaluation };
        let mut whitened = vec![0.0; examples.len()];
        let context =
            OpContext { pass, inputs: &[examples], parameters: &[&self.weight, &self.bias], buffers: &[] };
        self.layer.forward(&context, &mut Kept::default(), &mut whitened);
        whitened
    }
}

/// The covariance by rows, each element a sum over the examples in their order.
fn covariance(examples: &[f32], mean: &[f64]) -> Vec<Vec<f64>> {
    let numbers = mean.len();
    let count = (examples.len() / numbers) as f64;
    let starts: Vec<usize> = (0..numbers).step_by(ROWS_OF_A_SUM).collect();
    // The lower triangle: row i has i + 1 elements.
    let rows: Vec<Vec<Vec<f64>>> = starts
        .into_par_iter()
        .map(|start| {
            let mut rows: Vec<Vec<f64>> =
                (start..(start + ROWS_OF_A_SUM).min(numbers)).map(|row| vec![0.0; row + 1]).collect();
            let mut centred = vec![0.0; numbers];
            for example in examples.chunks_exact(numbers) {
                let differences = example.iter().zip(mean).map(|(number, mean)| f64::from(*number) - mean);
                centred.iter_mut().zip(differences).for_each(|(centred, difference)| *centred = difference);
                for row in &mut rows {
                    let own = centred[row.len() - 1];
                    row.iter_mut().zip(&centred).for_each(|(sum, other)| *sum += own * other);
                }
            }
            rows
        })
        .collect();
    let lower: Vec<Vec<f64>> = rows.into_iter().flatten().collect();
    let element = |row: usize, column: usize| lower[row.max(column)][row.min(column)] / count;
    (0..numbers).map(|row| (0..numbers).map(|column| element(row, column)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use basin_domain::random::Stream;

    use super::*;

    const NUMBERS: usize = 21;

    /// Examples far from zero whose numbers go together.
    fn examples(count: usize) -> Vec<f32> {
        let mut stream = Stream::new(2, "correlated examples");
        let mut examples = Vec::new();
        for _ in 0..count {
            let common = stream.normal();
            examples.extend((0..NUMBERS).map(|at| (3.0 + common * at as f64 * 0.2 + stream.normal()) as f32));
        }
        examples
    }

    #[test]
    fn whitened_examples_have_mean_zero_variance_one_and_no_correlation() {
        let examples = examples(500);
        let whitened = Zca::of(&examples, NUMBERS, 1e-9).apply(&examples);
        let mean = vec![0.0; NUMBERS];
        let moments = covariance(&whitened, &mean);
        for (row, column) in (0..NUMBERS).flat_map(|row| (0..NUMBERS).map(move |column| (row, column))) {
            let expected = f64::from(u8::from(row == column));
            assert!(
                (moments[row][column] - expected).abs() < 1e-4,
                "{row} {column}: {}",
                moments[row][column]
            );
        }
        let sum: f32 = whitened.iter().step_by(NUMBERS).sum();
        assert!((sum / 500.0).abs() < 1e-5);
    }

    #[test]
    fn of_all_whitenings_it_is_the_symmetric_one_and_epsilon_leaves_weak_directions_alone() {
        let examples = examples(300);
        let zca = Zca::of(&examples, NUMBERS, 0.5);
        for (row, column) in (0..NUMBERS).flat_map(|row| (0..NUMBERS).map(move |column| (row, column))) {
            assert!((zca.weight[row * NUMBERS + column] - zca.weight[column * NUMBERS + row]).abs() < 1e-6);
        }
        let constant = Zca::of(&[2.0; 10], 2, 0.25);
        assert_eq!(
            (&constant.weight[..], &constant.bias[..]),
            (&[2.0, 0.0, 0.0, 2.0][..], &[-4.0, -4.0][..])
        );
    }

    #[test]
    fn the_number_of_threads_changes_no_bit_and_every_example_is_whitened_by_itself() {
        let examples = examples(90);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Zca::of(&examples, NUMBERS, 0.1).apply(&examples))
        };
        let all = on(1);
        assert_eq!(all, on(3));
        let zca = Zca::of(&examples, NUMBERS, 0.1);
        let alone = examples.chunks_exact(NUMBERS).flat_map(|example| zca.apply(example));
        assert_eq!(all, alone.collect::<Vec<_>>());
    }
}
