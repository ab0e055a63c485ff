//! Directions in weight space.

use basin_domain::random::Stream;
use nalgebra::DMatrix;

use crate::model::Model;

/// A random direction each filter of which has the norm of the solution's filter; zero for biases (Li et al. 2018, arXiv
/// 1712.09913, section 4: dᵢⱼ ← dᵢⱼ/‖dᵢⱼ‖·‖θᵢⱼ‖). A filter is what leads to one output of a layer: `[channels, k, k]` of a
/// convolution, a row of a dense layer. Normal numbers from the streams `<name>/<parameter>` of `seed`.
pub(super) fn filter_normalised(model: &Model, solution: &[f64], seed: u64, name: &str) -> Vec<f64> {
    let mut direction = vec![0.0; solution.len()];
    let mut start = 0;
    for (parameter, var) in model.parameters() {
        let count = var.elem_count();
        if var.rank() > 1 {
            let mut stream = Stream::new(seed, &format!("{name}/{parameter}"));
            let filter = count / var.dims()[0];
            let range = start..start + count;
            let filters = direction[range.clone()].chunks_exact_mut(filter);
            for (direction, solution) in filters.zip(solution[range].chunks_exact(filter)) {
                direction.fill_with(|| stream.normal());
                let length = norm(direction);
                let factor = if length > 0.0 { norm(solution) / length } else { 0.0 };
                direction.iter_mut().for_each(|number| *number *= factor);
            }
        }
        start += count;
    }
    direction
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|number| number * number).sum::<f64>().sqrt()
}

/// The first two principal components of a trajectory, seen from its end.
pub(super) struct Principal {
    /// The directions, of length 1 and orthogonal to each other; zero where the trajectory has no such extent.
    pub(super) directions: [Vec<f64>; 2],
    /// Their shares of the sum of all squared distances from the end.
    pub(super) explained: [f64; 2],
    /// The points of the trajectory along both directions.
    pub(super) scores: Vec<[f64; 2]>,
}

impl Principal {
    /// Whether the trajectory has an extent in two directions.
    pub(super) fn is_plane(&self) -> bool {
        self.explained.iter().all(|share| *share > 0.0)
    }
}

/// The principal components of θ₀ − θₙ, …, θₙ₋₁ − θₙ (Li et al. 2018, section 7.2), through the Gram matrix of these
/// differences: its size is that of the trajectory, not of the weights. The sign of a component is such that the score with
/// the greatest magnitude is positive.
pub(super) fn principal(mut trajectory: Vec<Vec<f64>>, end: &[f64]) -> Principal {
    for point in &mut trajectory {
        point.iter_mut().zip(end).for_each(|(at, end)| *at -= end);
    }
    let differences = trajectory;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let count = differences.len();
    let gram = DMatrix::from_fn(count, count, |row, column| {
        let (first, second) = (row.min(column), row.max(column));
        dot(&differences[first], &differences[second])
    });
    let total: f64 = (0..count).map(|index| gram[(index, index)]).sum();
    let eigen = gram.symmetric_eigen();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let mut directions = [vec![0.0; end.len()], vec![0.0; end.len()]];
    let mut explained = [0.0; 2];
    for (rank, &index) in order.iter().take(2).enumerate() {
        let value = eigen.eigenvalues[index];
        if value <= 1e-12 * total || value.is_nan() {
            continue;
        }
        let vector: Vec<f64> = (0..count).map(|row| eigen.eigenvectors[(row, index)]).collect();
        let greatest =
            vector.iter().fold(0.0, |most: f64, entry| if entry.abs() > most.abs() { *entry } else { most });
        let scale = greatest.signum() / value.sqrt();
        for (difference, share) in differences.iter().zip(&vector) {
            for (direction, number) in directions[rank].iter_mut().zip(difference) {
                *direction += scale * share * number;
            }
        }
        explained[rank] = value / total;
    }
    let scores = differences
        .iter()
        .map(|difference| [dot(difference, &directions[0]), dot(difference, &directions[1])])
        .collect();
    Principal { directions, explained, scores }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::ConvNet;

    use super::*;

    #[test]
    fn each_filter_of_a_random_direction_has_the_norm_of_the_solutions() {
        let net = ConvNet { conv: vec![3, 4], kernel: 3, dense: vec![5] };
        let model = Model::conv_net(&net, [2, 8, 8], 3, 9).unwrap();
        let solution = model.flat_parameters().unwrap();
        let direction = filter_normalised(&model, &solution, 3, "surface/alpha");
        let other = filter_normalised(&model, &solution, 3, "surface/beta");
        assert_ne!(direction, other);
        assert_eq!(direction, filter_normalised(&model, &solution, 3, "surface/alpha"));
        let mut start = 0;
        for (name, var) in model.parameters() {
            let end = start + var.elem_count();
            if name.ends_with(".bias") {
                assert!(direction[start..end].iter().all(|number| *number == 0.0), "{name}");
            } else {
                let filter = var.elem_count() / var.dims()[0];
                let filters = direction[start..end].chunks(filter).zip(solution[start..end].chunks(filter));
                for (direction, solution) in filters {
                    assert!((norm(direction) / norm(solution) - 1.0).abs() < 1e-12, "{name}");
                }
            }
            start = end;
        }
        assert_eq!(start, solution.len());
    }

    #[test]
    fn principal_components_are_those_of_the_covariance() {
        let mut stream = Stream::new(1, "trajectory");
        let trajectory: Vec<Vec<f64>> = (0..9)
            .map(|step| {
                let along = 8.0 - f64::from(step);
                (0..6).map(|i| along * [3.0, 1.0, 0.0, -2.0, 0.5, 0.0][i] + 0.5 * stream.normal()).collect()
            })
            .collect();
        let end = vec![0.25; 6];
        let found = principal(trajectory.clone(), &end);
        let m = DMatrix::from_fn(9, 6, |row, column| trajectory[row][column] - end[column]);
        let dense = (m.transpose() * &m).symmetric_eigen();
        let mut values: Vec<f64> = dense.eigenvalues.iter().copied().collect();
        values.sort_by(|a, b| b.total_cmp(a));
        let total: f64 = values.iter().sum();
        for rank in 0..2 {
            assert!((found.explained[rank] - values[rank] / total).abs() < 1e-10);
            assert!((norm(&found.directions[rank]) - 1.0).abs() < 1e-10);
            let squares: f64 = found.scores.iter().map(|score| score[rank].powi(2)).sum();
            assert!((squares / values[rank] - 1.0).abs() < 1e-9);
            let most = found
                .scores
                .iter()
                .map(|score| score[rank])
                .fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            assert!(most > 0.0);
        }
        let across: f64 = found.directions[0].iter().zip(&found.directions[1]).map(|(a, b)| a * b).sum();
        assert!(across.abs() < 1e-10);
    }

    #[test]
    fn a_trajectory_that_stays_where_it_ends_has_no_directions() {
        let found = principal(vec![vec![1.0; 4], vec![1.0; 4]], &[1.0; 4]);
        assert!(!found.is_plane());
        assert_eq!((found.explained, found.scores), ([0.0; 2], vec![[0.0; 2]; 2]));
    }

    #[test]
    fn a_trajectory_on_a_line_spans_no_plane() {
        let on_a_line = |at: f64| vec![3.0 * at, -at, 0.1 * at, 0.0];
        let found = principal(vec![on_a_line(1.0), on_a_line(0.25), on_a_line(-0.5)], &[0.0; 4]);
        assert!(!found.is_plane() && (found.explained[0] - 1.0).abs() < 1e-12 && found.explained[1] == 0.0);
        assert!(!principal(vec![vec![f64::NAN; 4], vec![1.0; 4]], &[0.0; 4]).is_plane());
        assert!(principal(vec![vec![1.0, 0.0], vec![1.0, 1.0]], &[0.0; 2]).is_plane());
    }
}
