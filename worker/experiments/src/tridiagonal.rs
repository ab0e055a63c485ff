//! Eigenvalues of symmetric tridiagonal matrices by bisection: as many steps as a float has bits, whatever the matrix.

/// A symmetric tridiagonal matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tridiagonal<'a> {
    diagonal: &'a [f64],
    /// The elements beside the diagonal, one fewer.
    off_diagonal: &'a [f64],
}

impl<'a> Tridiagonal<'a> {
    /// The matrix with this diagonal, which isn't empty, and these elements beside it, of which those beyond the matrix are
    /// left out. All of it is finite, and no square of an element overflows.
    pub(crate) fn new(diagonal: &'a [f64], off_diagonal: &'a [f64]) -> Self {
        Self { diagonal, off_diagonal: &off_diagonal[..diagonal.len() - 1] }
    }

    /// The largest eigenvalue, and the magnitude of the last component of its eigenvector, whose length is 1.
    pub(crate) fn largest(self) -> (f64, f64) {
        let count = self.diagonal.len();
        let (_, high) = self.bracket(count - 1);
        // The twisted factorisation (Parlett and Dhillon 1997, "Fernando's solution to Wilkinson's problem"): pivots from both
        // ends meet where the eigenvector is large.
        let (down, mut up) = (self.pivots(high), vec![0.0; count]);
        for index in (0..count).rev() {
            let before = up.get(index + 1).map_or(0.0, |next| self.off_diagonal_square(index) / next);
            up[index] = self.away_from_zero(self.diagonal[index] - high - before);
        }
        let left_over = |index: usize| (down[index] + up[index] - (self.diagonal[index] - high)).abs();
        let twist = (0..count).min_by(|&a, &b| left_over(a).total_cmp(&left_over(b))).unwrap_or(0);
        let mut vector = vec![1.0; count];
        for index in (0..twist).rev() {
            vector[index] = -self.off_diagonal[index] / down[index] * vector[index + 1];
        }
        for index in twist + 1..count {
            vector[index] = -self.off_diagonal[index - 1] / up[index] * vector[index - 1];
        }
        let length = vector.iter().map(|component| component * component).sum::<f64>().sqrt();
        (high, vector[count - 1].abs() / length)
    }

    /// The magnitude that no eigenvalue exceeds (Gershgorin).
    fn radius(self) -> f64 {
        let off_diagonal = |index: usize| self.off_diagonal.get(index).map_or(0.0, |element| element.abs());
        let row = |index: usize| {
            let before = if index == 0 { 0.0 } else { off_diagonal(index - 1) };
            self.diagonal[index].abs() + before + off_diagonal(index)
        };
        (0..self.diagonal.len()).map(row).fold(0.0, f64::max)
    }

    /// Two neighbouring numbers, as far as the matrix' size lets them be told apart, between which the eigenvalue is that has
    /// `index` smaller ones.
    fn bracket(self, index: usize) -> (f64, f64) {
        let radius = self.radius();
        if radius == 0.0 {
            return (0.0, 0.0);
        }
        let reach = radius * (1.0 + 4.0 * f64::EPSILON) + f64::MIN_POSITIVE;
        let (mut low, mut high) = (-reach, reach);
        loop {
            let middle = 0.5 * (low + high);
            if high - low <= f64::EPSILON * radius || middle <= low || middle >= high {
                return (middle, high);
            }
            let below = self.pivots_below(middle);
            (low, high) = if below > index { (low, middle) } else { (middle, high) };
        }
    }

    /// How many eigenvalues are below `at`: as many as the factorisation of T − `at`·I has negative pivots (Sylvester).
    fn pivots_below(self, at: f64) -> usize {
        let mut pivot = 1.0;
        let mut below = 0;
        for (index, element) in self.diagonal.iter().enumerate() {
            let before = if index == 0 { 0.0 } else { self.off_diagonal_square(index - 1) / pivot };
            pivot = self.away_from_zero(element - at - before);
            below += usize::from(pivot < 0.0);
        }
        below
    }

    /// The square of an element beside the diagonal.
    fn off_diagonal_square(self, index: usize) -> f64 {
        self.off_diagonal[index] * self.off_diagonal[index]
    }

    fn pivots(self, at: f64) -> Vec<f64> {
        let mut pivots: Vec<f64> = Vec::with_capacity(self.diagonal.len());
        for (index, element) in self.diagonal.iter().enumerate() {
            let before = pivots.last().map_or(0.0, |pivot| self.off_diagonal_square(index - 1) / pivot);
            pivots.push(self.away_from_zero(element - at - before));
        }
        pivots
    }

    /// A pivot of zero would divide by it: the smallest change of the matrix helps.
    fn away_from_zero(self, pivot: f64) -> f64 {
        let least = 1e-290;
        if pivot.abs() < least { -least } else { pivot }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::random::Stream;
    use nalgebra::DMatrix;

    use super::*;

    /// All eigenvalues, the smallest first.
    fn eigenvalues(matrix: Tridiagonal<'_>) -> Vec<f64> {
        (0..matrix.diagonal.len()).map(|index| matrix.bracket(index).0).collect()
    }

    fn dense(diagonal: &[f64], off_diagonal: &[f64]) -> DMatrix<f64> {
        DMatrix::from_fn(diagonal.len(), diagonal.len(), |row, column| match row.abs_diff(column) {
            0 => diagonal[row],
            1 => off_diagonal[row.min(column)],
            _ => 0.0,
        })
    }

    #[test]
    fn eigenvalues_and_the_last_component_are_those_of_the_dense_matrix() {
        let mut stream = Stream::new(1, "tridiagonal");
        for count in [1, 2, 3, 7, 40] {
            for scale in [1e-12, 1.0, 1e60] {
                let diagonal: Vec<f64> = (0..count).map(|_| scale * stream.normal()).collect();
                let off_diagonal: Vec<f64> = (0..count).map(|_| scale * stream.normal()).collect();
                let eigen = dense(&diagonal, &off_diagonal).symmetric_eigen();
                let mut order: Vec<usize> = (0..count).collect();
                order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
                let matrix = Tridiagonal::new(&diagonal, &off_diagonal);
                for (found, &index) in eigenvalues(matrix).iter().zip(&order) {
                    assert!(
                        (found - eigen.eigenvalues[index]).abs() < 1e-13 * scale * 10.0,
                        "{count} {scale}"
                    );
                }
                let (largest, last) = matrix.largest();
                let index = order[count - 1];
                assert!((largest - eigen.eigenvalues[index]).abs() < 1e-13 * scale * 10.0);
                let expected = eigen.eigenvectors[(count - 1, index)].abs();
                assert!((last - expected).abs() < 1e-10, "{last} {expected} of {count}, {scale}");
            }
        }
    }

    #[test]
    fn matrices_that_fall_apart_have_the_eigenvalues_of_their_parts() {
        let (diagonal, off_diagonal) = ([2.0, 2.0, -1.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0]);
        let found = eigenvalues(Tridiagonal::new(&diagonal, &off_diagonal));
        for (found, expected) in found.iter().zip([-1.0, 0.0, 2.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        assert_eq!(Tridiagonal::new(&diagonal, &off_diagonal).largest().1, 1.0);
        assert!(Tridiagonal::new(&diagonal[..3], &off_diagonal).largest().1 < 1e-12);
        assert_eq!(eigenvalues(Tridiagonal::new(&[0.0; 3], &[0.0; 2])), [0.0; 3]);
    }
}
