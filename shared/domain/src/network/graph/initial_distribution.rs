//! The distributions that parameters are drawn from.

use crate::random::Stream;

/// The distribution of a parameter's numbers before the first step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum InitialDistribution {
    /// All the same.
    Constant {
        /// The value.
        value: f64,
    },
    /// Uniform in [−bound, bound).
    Uniform {
        /// The bound.
        bound: f64,
    },
    /// Normal around 0.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
    /// The matrix of the first dimension by all others has orthogonal rows, or columns where there are fewer of those, of this
    /// length, uniform over all such (Saxe et al. 2014, arXiv 1312.6120).
    Orthogonal {
        /// The length.
        gain: f64,
    },
    /// Uniform in [−bound, bound), but that the first outputs of each group pass an input each: output i of a group is its input i, by
    /// a 1 in the kernel's middle and zeros elsewhere, as far as there are inputs (`torch.nn.init.dirac_`).
    Dirac {
        /// The bound.
        bound: f64,
        /// Outputs of a group.
        outputs: u32,
    },
}

impl InitialDistribution {
    /// The same, `factor` times as wide.
    #[must_use]
    pub(in crate::network) fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Constant { value } => Self::Constant { value },
            Self::Uniform { bound } => Self::Uniform { bound: bound * factor },
            Self::Normal { deviation } => Self::Normal { deviation: deviation * factor },
            Self::Orthogonal { gain } => Self::Orthogonal { gain: gain * factor },
            Self::Dirac { bound, outputs } => Self::Dirac { bound: bound * factor, outputs },
        }
    }

    /// Numbers for a parameter of this shape, in row-major order.
    pub(super) fn draw(&self, shape: &[u32], stream: &mut Stream) -> Vec<f64> {
        let count: usize = shape.iter().map(|&length| length as usize).product();
        match *self {
            Self::Constant { value } => vec![value; count],
            Self::Uniform { bound } => (0..count).map(|_| (2.0 * stream.uniform() - 1.0) * bound).collect(),
            Self::Normal { deviation } => (0..count).map(|_| stream.normal() * deviation).collect(),
            Self::Orthogonal { gain } => {
                let rows = shape.first().map_or(1, |&rows| rows as usize);
                orthogonal(rows, count / rows.max(1), gain, stream)
            }
            Self::Dirac { bound, outputs } => {
                let mut numbers = Self::Uniform { bound }.draw(shape, stream);
                pass_inputs(&mut numbers, shape, outputs.max(1) as usize);
                numbers
            }
        }
    }
}

/// Lets the first of so many outputs of each group pass an input each, in weights of `[outputs, inputs, …]`.
fn pass_inputs(numbers: &mut [f64], shape: &[u32], outputs_of_group: usize) {
    let inputs = shape.get(1).map_or(1, |&inputs| inputs as usize);
    let kernel = shape.iter().skip(2).map(|&side| side as usize);
    let (size, middle) = kernel.fold((1, 0), |(size, place), side| (size * side, place * side + side / 2));
    for (output, weights) in numbers.chunks_exact_mut((inputs * size).max(1)).enumerate() {
        let input = output % outputs_of_group;
        if input < inputs {
            weights.fill(0.0);
            weights[input * size + middle] = 1.0;
        }
    }
}

/// A matrix of `rows` by `columns` whose shorter dimension is orthogonal: normal vectors, made orthogonal one after the other
/// (modified Gram–Schmidt, twice, so that rounding leaves no trace: Giraud et al. 2005).
fn orthogonal(rows: usize, columns: usize, gain: f64, stream: &mut Stream) -> Vec<f64> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| stream.normal()).collect();
        for _ in 0..2 {
            for known in &vectors {
                let along = dot(known, &vector);
                vector.iter_mut().zip(known).for_each(|(number, known)| *number -= along * known);
            }
        }
        let norm = dot(&vector, &vector).sqrt();
        if norm > 0.0 {
            vector.iter_mut().for_each(|number| *number /= norm);
            vectors.push(vector);
        }
    }
    let at = |row: usize, column: usize| {
        gain * if rows <= columns { vectors[row][column] } else { vectors[column][row] }
    };
    (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(|(r, c)| at(r, c)).collect()
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(distribution: InitialDistribution, shape: &[u32]) -> Vec<f64> {
        distribution.draw(shape, &mut Stream::new(3, "initial/test"))
    }

    #[test]
    fn orthogonal_matrices_have_orthogonal_rows_or_columns_of_the_gain_s_length() {
        for (rows, columns) in [(3_usize, 7_usize), (7, 3), (5, 5), (1, 4), (4, 1)] {
            let shape = [rows as u32, columns as u32];
            let matrix = drawn(InitialDistribution::Orthogonal { gain: 2.0 }, &shape);
            let vectors: Vec<Vec<f64>> = if rows <= columns {
                matrix.chunks(columns).map(<[f64]>::to_vec).collect()
            } else {
                (0..columns)
                    .map(|column| matrix.iter().skip(column).step_by(columns).copied().collect())
                    .collect()
            };
            for (i, one) in vectors.iter().enumerate() {
                for (j, other) in vectors.iter().enumerate() {
                    let expected = if i == j { 4.0 } else { 0.0 };
                    assert!((dot(one, other) - expected).abs() < 1e-12, "{rows}×{columns}");
                }
            }
        }
    }

    #[test]
    fn the_first_outputs_pass_an_input_each_and_the_others_are_drawn() {
        let (uniform, bound) = (InitialDistribution::Uniform { bound: 0.5 }, 0.5);
        let passing = |outputs, shape: &[u32]| drawn(InitialDistribution::Dirac { bound, outputs }, shape);
        let (found, plain) = (passing(5, &[5, 2, 3, 3]), drawn(uniform, &[5, 2, 3, 3]));
        for (output, (weights, plain)) in found.chunks(18).zip(plain.chunks(18)).enumerate() {
            let mut alone = [0.0; 18];
            alone[output % 2 * 9 + 4] = 1.0;
            assert_eq!(weights, if output < 2 { &alone[..] } else { plain }, "output {output}");
        }
        // More inputs than outputs.
        assert_eq!(passing(2, &[2, 3]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        // Two groups of one input and two outputs each.
        let plain = drawn(uniform, &[4, 1, 1, 1]);
        assert_eq!(passing(2, &[4, 1, 1, 1]), [1.0, plain[1], 1.0, plain[3]]);
    }

    #[test]
    fn draws_have_the_moments_of_their_distribution() {
        let moments = |distribution| {
            let numbers = drawn(distribution, &[100, 300]);
            let mean = numbers.iter().sum::<f64>() / 3e4;
            (mean, numbers.iter().map(|number| (number - mean) * (number - mean)).sum::<f64>() / 3e4)
        };
        let (mean, variance) = moments(InitialDistribution::Uniform { bound: 0.3 });
        assert!(mean.abs() < 5e-3 && (variance / 0.03 - 1.0).abs() < 0.02, "{mean} {variance}");
        let (mean, variance) = moments(InitialDistribution::Normal { deviation: 0.5 });
        assert!(mean.abs() < 1e-2 && (variance / 0.25 - 1.0).abs() < 0.03, "{mean} {variance}");
        assert_eq!(moments(InitialDistribution::Constant { value: 1.0 }), (1.0, 0.0));
    }
}
