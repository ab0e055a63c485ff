//! Eigenvalues and eigenvectors of small symmetric matrices by Jacobi's rotations: the same steps, and so the same bits, on every
//! machine.

use basin_kernels::activity;

/// Sweeps over all pairs, at most: the off-diagonal part shrinks quadratically, and ten are many.
const MOST_SWEEPS: usize = 50;

/// An eigenvalue with its eigenvector of length 1, whose largest component in magnitude (the first of them) is positive.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EigenPair {
    pub(crate) value: f64,
    pub(crate) vector: Vec<f64>,
}

/// The eigenpairs of a symmetric matrix, given by its rows, the largest eigenvalue first: cyclic Jacobi by rows (Golub and Van Loan
/// 2013, Matrix Computations, section 8.5.3). All elements are finite.
pub(crate) fn symmetric_eigen(mut matrix: Vec<Vec<f64>>) -> Vec<EigenPair> {
    let size = matrix.len();
    let largest = matrix.iter().flatten().fold(0.0_f64, |largest, element| largest.max(element.abs()));
    // Row k becomes the k-th eigenvector.
    let mut vectors: Vec<Vec<f64>> = (0..size).map(|at| unit(size, at)).collect();
    for _ in 0..MOST_SWEEPS {
        let mut is_diagonal = true;
        for p in 0..size {
            activity::tick();
            for q in p + 1..size {
                // Smaller elements are rounding, which rotations would only bring about again.
                if matrix[p][q].abs() > f64::EPSILON * largest {
                    is_diagonal = false;
                    rotate(&mut matrix, &mut vectors, p, q);
                }
            }
        }
        if is_diagonal {
            break;
        }
    }
    let pairs = vectors.into_iter().enumerate();
    let mut pairs: Vec<EigenPair> =
        pairs.map(|(at, vector)| EigenPair { value: matrix[at][at], vector: with_sign(vector) }).collect();
    // The sort is stable: of equal eigenvalues the first stays first.
    pairs.sort_by(|a, b| b.value.total_cmp(&a.value));
    pairs
}

fn unit(size: usize, at: usize) -> Vec<f64> {
    (0..size).map(|index| if index == at { 1.0 } else { 0.0 }).collect()
}

/// Turns the plane of `p` and `q` so that the element between them is 0.
fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    let between = matrix[p][q];
    let tau = (matrix[q][q] - matrix[p][p]) / (2.0 * between);
    // The smaller root of t² + 2τt − 1, so that the angle is at most π/4; 0 where τ² overflows.
    let t = tau.signum() / (tau.abs() + (1.0 + tau * tau).sqrt());
    let cosine = 1.0 / (1.0 + t * t).sqrt();
    let sine = t * cosine;
    matrix[p][p] -= t * between;
    matrix[q][q] += t * between;
    matrix[p][q] = 0.0;
    matrix[q][p] = 0.0;
    for k in (0..matrix.len()).filter(|&k| k != p && k != q) {
        let (with_p, with_q) = (matrix[k][p], matrix[k][q]);
        let (new_p, new_q) = (cosine * with_p - sine * with_q, sine * with_p + cosine * with_q);
        (matrix[k][p], matrix[p][k]) = (new_p, new_p);
        (matrix[k][q], matrix[q][k]) = (new_q, new_q);
    }
    let (before, after) = vectors.split_at_mut(q);
    for (of_p, of_q) in before[p].iter_mut().zip(&mut after[0]) {
        (*of_p, *of_q) = (cosine * *of_p - sine * *of_q, sine * *of_p + cosine * *of_q);
    }
}

fn with_sign(vector: Vec<f64>) -> Vec<f64> {
    let mut largest = 0.0_f64;
    for &component in &vector {
        if component.abs() > largest.abs() {
            largest = component;
        }
    }
    match largest < 0.0 {
        true => vector.into_iter().map(|component| -component).collect(),
        false => vector,
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::random::Stream;
    use nalgebra::DMatrix;

    use super::*;

    fn random(size: usize, scale: f64) -> Vec<Vec<f64>> {
        let mut stream = Stream::new(size as u64, "symmetric eigen");
        let full: Vec<Vec<f64>> =
            (0..size).map(|_| (0..size).map(|_| scale * stream.normal()).collect()).collect();
        (0..size).map(|i| (0..size).map(|j| full[i][j] + full[j][i]).collect()).collect()
    }

    #[test]
    fn eigenvalues_are_those_of_another_implementation_and_vectors_are_orthonormal() {
        for (size, scale) in [(1, 1.0), (2, 1e-9), (3, 1.0), (27, 1e6), (75, 1.0)] {
            let matrix = random(size, scale);
            let dense = DMatrix::from_fn(size, size, |i, j| matrix[i][j]);
            let mut expected: Vec<f64> = dense.symmetric_eigenvalues().iter().copied().collect();
            expected.sort_by(|a, b| b.total_cmp(a));
            let found = symmetric_eigen(matrix.clone());
            for (at, (pair, expected)) in found.iter().zip(&expected).enumerate() {
                assert!((pair.value - expected).abs() < 1e-12 * scale * size as f64, "{size} {at}");
                for (row, component) in matrix.iter().zip(&pair.vector) {
                    let image: f64 = row.iter().zip(&pair.vector).map(|(a, b)| a * b).sum();
                    assert!((image - pair.value * component).abs() < 1e-12 * scale * size as f64);
                }
                for (other, second) in found.iter().enumerate() {
                    let product: f64 = pair.vector.iter().zip(&second.vector).map(|(a, b)| a * b).sum();
                    assert!((product - f64::from(u8::from(at == other))).abs() < 1e-13);
                }
            }
        }
    }

    #[test]
    fn the_largest_component_of_every_vector_is_positive() {
        for pair in symmetric_eigen(random(12, 1.0)) {
            let largest = pair.vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
            assert!(largest.unwrap() > 0.0);
        }
    }

    #[test]
    fn matrices_without_a_unique_answer_still_have_one() {
        let value = |matrix| symmetric_eigen(matrix).into_iter().map(|pair| pair.value).collect::<Vec<_>>();
        assert_eq!(value(vec![vec![0.0; 3]; 3]), [0.0; 3]);
        let ones = symmetric_eigen(vec![vec![1.0; 4]; 4]);
        assert!((ones[0].value - 4.0).abs() < 1e-14 && ones[1].value.abs() < 1e-14);
        assert!(ones[0].vector.iter().all(|component| (component - 0.5).abs() < 1e-14));
        assert_eq!(symmetric_eigen(vec![vec![2.0, 0.0], vec![0.0, 3.0]])[0].vector, [0.0, 1.0]);
    }
}
