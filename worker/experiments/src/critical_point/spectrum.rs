//! The Hessian in its own basis.

use nalgebra::DMatrix;

use super::points::{add_dots, add_scaled, dot};
use crate::symmetric_eigen::{EigenPair, symmetric_eigen};

/// The eigenpairs of a Hessian, the smallest eigenvalue first.
#[derive(Debug, Clone)]
pub(super) struct Spectrum {
    pairs: Vec<EigenPair>,
    /// The largest magnitude of an eigenvalue.
    norm: f64,
}

impl Spectrum {
    /// The eigenpairs of this matrix, whose elements are finite.
    pub(super) fn of(hessian: &DMatrix<f64>) -> Self {
        let mut pairs = symmetric_eigen(rows(hessian));
        pairs.reverse();
        let norm = pairs.iter().fold(0.0_f64, |norm, pair| norm.max(pair.value.abs()));
        Self { pairs, norm }
    }

    /// The eigenvalues, the smallest first.
    pub(super) fn values(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.pairs.iter().map(|pair| pair.value)
    }

    /// ‖H‖₂.
    pub(super) const fn norm(&self) -> f64 {
        self.norm
    }

    /// The magnitude below which an eigenvalue is rounding.
    pub(super) fn rounding(&self) -> f64 {
        4.0 * (self.pairs.len() as f64 + 16.0) * f64::EPSILON * self.norm
    }

    /// A vector's coordinates along the eigenvectors.
    pub(super) fn coordinates(&self, vector: &[f64]) -> Vec<f64> {
        self.pairs.iter().map(|pair| dot(&pair.vector, vector)).collect()
    }

    /// The vector of these coordinates.
    pub(super) fn vector(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.pairs.len()];
        for (pair, &coordinate) in self.pairs.iter().zip(coordinates) {
            if coordinate != 0.0 {
                add_scaled(&mut sum, coordinate, &pair.vector);
            }
        }
        sum
    }

    /// The most by which an eigenvalue here differs from the matrix' own: ‖HQ − QΛ‖ + 2‖H‖‖QᵀQ − I‖, by Weyl's inequality and since the
    /// orthogonal matrix nearest to Q is within ‖QᵀQ − I‖ of it; with what rounding may have hidden of both.
    pub(super) fn error(&self, hessian: &DMatrix<f64>) -> f64 {
        let count = self.pairs.len();
        let (mut residual, mut skewed) = (0.0, 0.0);
        let mut image = vec![0.0; count];
        for (at, pair) in self.pairs.iter().enumerate() {
            basin_kernels::activity::tick();
            image.fill(0.0);
            add_dots(&pair.vector, hessian.as_slice(), &mut image);
            for (image, component) in image.iter().zip(&pair.vector) {
                let off = image - pair.value * component;
                residual += off * off;
            }
            for (other, second) in self.pairs.iter().enumerate() {
                let off = dot(&pair.vector, &second.vector) - if at == other { 1.0 } else { 0.0 };
                skewed += off * off;
            }
        }
        let size = hessian.iter().map(|element| element * element).sum::<f64>().sqrt();
        residual.sqrt() + 2.0 * size * skewed.sqrt() + 4.0 * count as f64 * f64::EPSILON * size
    }
}

/// A symmetric matrix by its rows, which are its columns.
fn rows(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.as_slice().chunks_exact(matrix.nrows()).map(<[f64]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use basin_domain::random::Stream;

    use super::*;

    fn random(size: usize) -> DMatrix<f64> {
        let mut stream = Stream::new(size as u64, "spectrum");
        let full = DMatrix::from_fn(size, size, |_, _| stream.normal());
        &full + full.transpose()
    }

    #[test]
    fn coordinates_and_vectors_are_two_forms_of_one_thing() {
        let (matrix, mut stream) = (random(7), Stream::new(1, "vector"));
        let spectrum = Spectrum::of(&matrix);
        let vector: Vec<f64> = (0..7).map(|_| stream.normal()).collect();
        let again = spectrum.vector(&spectrum.coordinates(&vector));
        assert!(vector.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-13));
        assert!(spectrum.values().collect::<Vec<_>>().is_sorted());
        let most = spectrum.values().fold(0.0_f64, |most, value| most.max(value.abs()));
        assert_eq!(spectrum.norm(), most);
    }

    #[test]
    fn the_error_is_that_of_rounding_and_grows_with_a_wrong_eigenvalue() {
        let matrix = random(20);
        let mut spectrum = Spectrum::of(&matrix);
        let error = spectrum.error(&matrix);
        assert!(error > 1e-15 && error < 1e-11, "{error}");
        spectrum.pairs[3].value += 1e-6;
        assert!(spectrum.error(&matrix) >= 1e-6);
        spectrum.pairs[3].value -= 1e-6;
        spectrum.pairs[5].vector[0] += 1e-7;
        assert!(spectrum.error(&matrix) > 1e-8);
    }
}
