//! Lanczos iteration with full reorthogonalisation (Lanczos 1950; Golub and Van Loan, "Matrix Computations", section 10.3):
//! the extreme eigenvalues of a symmetric matrix, and the nodes and weights of Gauss quadrature over its spectrum, from
//! products with vectors alone.

use nalgebra::{DMatrix, Dyn, SymmetricEigen};

use super::vector;
use crate::tridiagonal::Tridiagonal;

/// Below this share of the largest coefficient, what is left of a new direction is rounding: the space is exhausted.
const EXHAUSTED: f64 = 1e-10;

/// The iteration so far. Memory: one vector a step.
#[derive(Debug, Clone)]
pub struct Lanczos {
    /// Orthonormal directions, of which the last has not been multiplied yet.
    basis: Vec<Vec<f64>>,
    /// The tridiagonal matrix: its diagonal, and the elements beside it.
    diagonal: Vec<f64>,
    off_diagonal: Vec<f64>,
    exhausted: bool,
}

/// All that an iteration goes on from.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficients {
    /// The tridiagonal matrix' diagonal.
    pub diagonal: Vec<f64>,
    /// The elements beside the diagonal.
    pub off_diagonal: Vec<f64>,
    /// Whether further steps would say nothing.
    pub exhausted: bool,
}

/// An eigenvalue of the tridiagonal matrix with the square of its eigenvector's first component: a node of Gauss quadrature
/// with its weight (Golub and Welsch 1969).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuadratureNode {
    /// The eigenvalue.
    pub at: f64,
    /// The weight; all weights add up to 1.
    pub weight: f64,
}

/// The largest eigenvalue of the tridiagonal matrix. That of the matrix itself isn't below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EigenvalueEstimate {
    /// The eigenvalue.
    pub value: f64,
    /// An eigenvalue of the matrix itself is no farther from it than this (Parlett 1980, section 13-2).
    pub residual: f64,
}

impl Lanczos {
    /// Begins with this direction, of any length but zero.
    pub fn new(mut direction: Vec<f64>) -> Self {
        let length = vector::norm(&direction);
        vector::scale(&mut direction, 1.0 / length);
        Self { basis: vec![direction], diagonal: Vec::new(), off_diagonal: Vec::new(), exhausted: false }
    }

    /// Goes on from these orthonormal directions and coefficients; none if they can't belong together.
    pub fn resume(basis: Vec<Vec<f64>>, coefficients: Coefficients) -> Option<Self> {
        let Coefficients { diagonal, off_diagonal, exhausted } = coefficients;
        let fits =
            diagonal.len() == off_diagonal.len() && basis.len() == diagonal.len() + usize::from(!exhausted);
        (fits && !basis.is_empty()).then_some(Self { basis, diagonal, off_diagonal, exhausted })
    }

    /// The state that [`Lanczos::resume`] takes.
    pub fn state(&self) -> (&[Vec<f64>], Coefficients) {
        let (diagonal, off_diagonal) = (self.diagonal.clone(), self.off_diagonal.clone());
        (&self.basis, Coefficients { diagonal, off_diagonal, exhausted: self.exhausted })
    }

    /// The direction with which the matrix is to be multiplied next.
    pub fn direction(&self) -> &[f64] {
        &self.basis[self.basis.len() - 1]
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.diagonal.len()
    }

    /// Whether the directions so far span all that the first one leads to: further steps would say nothing.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Takes the product of the matrix with [`Lanczos::direction`].
    pub fn step(&mut self, mut product: Vec<f64>) {
        let along = vector::dot(&product, self.direction());
        self.diagonal.push(along);
        // Twice is enough (Parlett 1980, section 6-9).
        for _ in 0..2 {
            for direction in &self.basis {
                let part = vector::dot(&product, direction);
                vector::add_scaled(&mut product, -part, direction);
            }
        }
        let left = vector::norm(&product);
        let largest =
            self.diagonal.iter().chain(&self.off_diagonal).fold(0.0, |most: f64, it| most.max(it.abs()));
        self.exhausted = left <= EXHAUSTED * largest || left.is_nan() || self.basis.len() == product.len();
        self.off_diagonal.push(left);
        if !self.exhausted {
            vector::scale(&mut product, 1.0 / left);
            self.basis.push(product);
        }
    }

    fn is_finite(&self) -> bool {
        self.diagonal.iter().chain(&self.off_diagonal).all(|coefficient| coefficient.is_finite())
    }

    /// An estimate of the largest eigenvalue after at least one step; none if a coefficient isn't finite.
    pub fn largest(&self) -> Option<EigenvalueEstimate> {
        if !self.is_finite() || self.diagonal.is_empty() {
            return None;
        }
        let (value, last) = Tridiagonal::new(&self.diagonal, &self.off_diagonal).largest();
        let beyond = if self.exhausted { 0.0 } else { self.off_diagonal[self.steps() - 1] };
        Some(EigenvalueEstimate { value, residual: beyond * last })
    }

    /// The largest eigenvalues of the tridiagonal matrix, at most so many, the largest first; none if a coefficient isn't finite.
    pub fn top(&self, count: usize) -> Vec<EigenvalueEstimate> {
        let Some((eigen, order)) = self.descending() else { return Vec::new() };
        let beyond = if self.exhausted { 0.0 } else { self.off_diagonal[self.steps() - 1] };
        let estimate = |&index: &usize| EigenvalueEstimate {
            value: eigen.eigenvalues[index],
            residual: (beyond * eigen.eigenvectors[(self.steps() - 1, index)]).abs(),
        };
        order.iter().take(count).map(estimate).collect()
    }

    /// The sum of the Ritz vectors of the largest eigenvalues, at most so many; none if a coefficient isn't finite.
    pub fn top_eigenvectors(&self, count: usize) -> Option<Vec<f64>> {
        let (eigen, order) = self.descending()?;
        let mut sum = vec![0.0; self.basis.first()?.len()];
        for &index in order.iter().take(count) {
            for (step, direction) in self.basis.iter().take(self.steps()).enumerate() {
                vector::add_scaled(&mut sum, eigen.eigenvectors[(step, index)], direction);
            }
        }
        Some(sum)
    }

    /// The eigenvalues and eigenvectors of the tridiagonal matrix, and their places, the largest first.
    fn descending(&self) -> Option<(SymmetricEigen<f64, Dyn>, Vec<usize>)> {
        if !self.is_finite() || self.diagonal.is_empty() {
            return None;
        }
        let eigen = self.tridiagonal().symmetric_eigen();
        let mut order: Vec<usize> = (0..self.steps()).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        Some((eigen, order))
    }

    fn tridiagonal(&self) -> DMatrix<f64> {
        DMatrix::from_fn(self.steps(), self.steps(), |row, column| match row.abs_diff(column) {
            0 => self.diagonal[row],
            1 => self.off_diagonal[row.min(column)],
            _ => 0.0,
        })
    }

    /// The nodes in ascending order; none if a coefficient isn't finite.
    pub fn nodes(&self) -> Vec<QuadratureNode> {
        let steps = self.steps();
        if !self.is_finite() {
            return Vec::new();
        }
        let eigen = self.tridiagonal().symmetric_eigen();
        let mut nodes: Vec<QuadratureNode> = (0..steps)
            .map(|index| QuadratureNode {
                at: eigen.eigenvalues[index],
                weight: eigen.eigenvectors[(0, index)] * eigen.eigenvectors[(0, index)],
            })
            .collect();
        nodes.sort_by(|a, b| a.at.total_cmp(&b.at));
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(eigenvalues: &[f64], steps: usize) -> Lanczos {
        let mut lanczos = Lanczos::new(vec![1.0; eigenvalues.len()]);
        for _ in 0..steps {
            if lanczos.is_exhausted() {
                break;
            }
            let product = lanczos.direction().iter().zip(eigenvalues).map(|(x, value)| x * value).collect();
            lanczos.step(product);
        }
        lanczos
    }

    #[test]
    fn all_eigenvalues_of_a_small_matrix_are_found() {
        let eigenvalues = [-2.0, -0.5, 0.0, 1.0, 3.0, 10.0];
        let lanczos = run(&eigenvalues, 20);
        assert_eq!(lanczos.steps(), 6);
        for (node, eigenvalue) in lanczos.nodes().iter().zip(eigenvalues) {
            assert!((node.at - eigenvalue).abs() < 1e-9, "{node:?} {eigenvalue}");
            assert!((node.weight - 1.0 / 6.0).abs() < 1e-9, "{node:?}");
        }
    }

    #[test]
    fn repeated_eigenvalues_are_one_node_with_their_weight() {
        let nodes = run(&[0.0, 0.0, 0.0, 5.0], 10).nodes();
        assert_eq!(nodes.len(), 2);
        assert!((nodes[0].weight - 0.75).abs() < 1e-12 && (nodes[1].at - 5.0).abs() < 1e-12);
    }

    #[test]
    fn extremes_of_a_large_matrix_are_found_in_few_steps_and_the_residual_bounds_their_error() {
        let eigenvalues: Vec<f64> = (0..2_000).map(|index| f64::from(index) / 2_000.0).chain([4.0]).collect();
        for steps in 1..20 {
            let largest = run(&eigenvalues, steps).largest().unwrap();
            let nearest = eigenvalues.iter().map(|at| (at - largest.value).abs()).fold(f64::MAX, f64::min);
            assert!(nearest <= largest.residual + 1e-12 && largest.value <= 4.0 + 1e-12, "{largest:?}");
        }
        let lanczos = run(&eigenvalues, 20);
        let (nodes, largest) = (lanczos.nodes(), lanczos.largest().unwrap());
        assert!((largest.value - 4.0).abs() < 1e-6 && largest.residual < 1e-3, "{largest:?}");
        assert!((nodes[nodes.len() - 1].at - largest.value).abs() < 1e-12);
        let weights: f64 = nodes.iter().map(|node| node.weight).sum();
        assert!((weights - 1.0).abs() < 1e-10);
    }

    #[test]
    fn the_largest_eigenvalues_and_the_sum_of_their_vectors_are_found() {
        let eigenvalues: Vec<f64> =
            (0..300).map(|index| f64::from(index) / 300.0).chain([4.0, 9.0, 6.0]).collect();
        let lanczos = run(&eigenvalues, 30);
        let top = lanczos.top(3);
        for (found, expected) in top.iter().zip([9.0, 6.0, 4.0]) {
            assert!((found.value - expected).abs() < 1e-8 && found.residual < 1e-3, "{found:?}");
        }
        assert_eq!(lanczos.top(100).len(), 30);
        let sum = lanczos.top_eigenvectors(3).unwrap();
        // Unit vectors, but for their signs.
        assert!(sum[..300].iter().all(|part| part.abs() < 1e-4), "{sum:?}");
        assert!(sum[300..].iter().all(|part| (part.abs() - 1.0).abs() < 1e-6), "{sum:?}");
        assert_eq!(lanczos.largest().unwrap().value.to_bits() >> 8, top[0].value.to_bits() >> 8);
    }

    #[test]
    fn a_zero_matrix_ends_at_once() {
        let lanczos = run(&[0.0; 5], 10);
        assert_eq!((lanczos.steps(), lanczos.nodes()[0].at), (1, 0.0));
        let largest = lanczos.largest().unwrap();
        assert!(largest.value.abs() < 1e-300 && largest.residual == 0.0, "{largest:?}");
    }

    #[test]
    fn a_matrix_that_is_not_finite_gives_no_nodes() {
        let mut lanczos = Lanczos::new(vec![1.0; 3]);
        lanczos.step(vec![f64::NAN; 3]);
        assert!(lanczos.nodes().is_empty() && lanczos.largest().is_none() && lanczos.is_exhausted());
    }
}
