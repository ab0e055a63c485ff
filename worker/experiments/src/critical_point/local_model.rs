//! The gradient near a point, to first order: g + Hδ, in the Hessian's own basis.

use super::spectrum::Spectrum;

/// Iterations that find the damping of a step of a given length: each doubles the digits, or nearly.
const MOST_ITERATIONS: usize = 50;

/// g and H at a point, by the eigenvectors of H. Directions whose eigenvalues are rounding are left alone: along them the loss is flat,
/// as far as H can tell (a shift within a symmetry, a unit that does nothing).
#[derive(Debug, Clone)]
pub(super) struct LocalModel {
    eigenvalues: Vec<f64>,
    /// Qᵀg.
    gradient: Vec<f64>,
    /// The magnitude up to which an eigenvalue is rounding.
    rounding: f64,
}

/// A step with what the model says of it.
#[derive(Debug, Clone)]
pub(super) struct ModelStep {
    /// Along the eigenvectors.
    pub(super) coordinates: Vec<f64>,
    /// ‖δ‖.
    pub(super) length: f64,
    /// ‖g + Hδ‖ / ‖g‖.
    pub(super) left: f64,
}

impl LocalModel {
    /// The model of a gradient at the point whose Hessian this is the spectrum of.
    pub(super) fn of(spectrum: &Spectrum, gradient: &[f64]) -> Self {
        Self {
            eigenvalues: spectrum.values().collect(),
            gradient: spectrum.coordinates(gradient),
            rounding: spectrum.rounding(),
        }
    }

    /// Newton's step, −H⁺g.
    pub(super) fn newton(&self) -> ModelStep {
        self.damped(0.0)
    }

    /// The step no longer than `radius` that leaves least of the gradient.
    pub(super) fn within(&self, radius: f64) -> ModelStep {
        let mut damping = 0.0;
        for _ in 0..MOST_ITERATIONS {
            let (mut squares, mut slope) = (0.0, 0.0);
            for (step, weight) in self.steps(damping) {
                squares += step * step;
                slope += step * step / weight;
            }
            let length = squares.sqrt();
            if length <= 1.001 * radius || slope == 0.0 {
                break;
            }
            // Newton's method on 1/‖δ‖ (Moré and Sorensen 1983, "Computing a trust region step"): it comes from below.
            damping += (length - radius) / radius * (squares / slope);
        }
        let mut step = self.damped(damping);
        if step.length > radius {
            let factor = radius / step.length;
            step.coordinates.iter_mut().for_each(|coordinate| *coordinate *= factor);
            step = self.step(step.coordinates);
        }
        step
    }

    /// Of each direction that counts: the step −λc/(λ² + μ), and λ² + μ.
    fn steps(&self, damping: f64) -> impl Iterator<Item = (f64, f64)> + '_ {
        let all = self.eigenvalues.iter().zip(&self.gradient);
        all.filter(|(eigenvalue, _)| eigenvalue.abs() > self.rounding).map(move |(eigenvalue, slope)| {
            let weight = eigenvalue * eigenvalue + damping;
            (-eigenvalue * slope / weight, weight)
        })
    }

    /// (H² + μ)⁻¹(−Hg), as far as H isn't rounding.
    fn damped(&self, damping: f64) -> ModelStep {
        let mut steps = self.steps(damping);
        let coordinates = self.eigenvalues.iter().map(|eigenvalue| {
            if eigenvalue.abs() > self.rounding { steps.next().map_or(0.0, |step| step.0) } else { 0.0 }
        });
        self.step(coordinates.collect())
    }

    fn step(&self, coordinates: Vec<f64>) -> ModelStep {
        let (mut squares, mut left, mut all) = (0.0, 0.0, 0.0);
        for ((coordinate, eigenvalue), slope) in coordinates.iter().zip(&self.eigenvalues).zip(&self.gradient)
        {
            squares += coordinate * coordinate;
            let rest = slope + eigenvalue * coordinate;
            left += rest * rest;
            all += slope * slope;
        }
        let left = if all == 0.0 { 0.0 } else { (left / all).sqrt() };
        ModelStep { coordinates, length: squares.sqrt(), left }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;

    fn model(eigenvalues: &[f64], gradient: &[f64]) -> (Spectrum, LocalModel) {
        let spectrum =
            Spectrum::of(&DMatrix::from_diagonal(&nalgebra::DVector::from_column_slice(eigenvalues)));
        let model = LocalModel::of(&spectrum, gradient);
        (spectrum, model)
    }

    #[test]
    fn newtons_step_leaves_nothing_but_what_lies_in_flat_directions() {
        let (spectrum, of) = model(&[4.0, -2.0, 0.0], &[2.0, 1.0, 1.0]);
        let step = of.newton();
        assert_eq!(spectrum.vector(&step.coordinates), [-0.5, 0.5, 0.0]);
        assert!((step.left - (1.0_f64 / 6.0).sqrt()).abs() < 1e-15, "{step:?}");
        assert_eq!(of.within(1.0).coordinates, step.coordinates);
    }

    #[test]
    fn a_bounded_step_is_as_long_as_it_may_be_and_leaves_less_than_any_other() {
        let (_, of) = model(&[3.0, -1.0, 0.01], &[1.0, 2.0, 0.5]);
        for radius in [1e-6, 0.1, 1.0] {
            let step = of.within(radius);
            assert!(step.length <= radius * (1.0 + 1e-12) && step.length > 0.998 * radius, "{step:?}");
            for turn in 0..3 {
                let mut other = step.coordinates.clone();
                other[turn] += 0.1 * radius;
                let length = other.iter().map(|it| it * it).sum::<f64>().sqrt();
                other.iter_mut().for_each(|it| *it *= radius / length);
                assert!(of.step(other).left >= step.left - 1e-4 * radius);
            }
        }
    }

    #[test]
    fn where_the_gradient_is_flat_no_step_helps() {
        let (_, of) = model(&[1.0, 1e-18], &[0.0, 1.0]);
        assert_eq!((of.newton().length, of.newton().left), (0.0, 1.0));
        let (_, of) = model(&[0.0, 0.0], &[0.0, 1.0]);
        assert_eq!((of.within(1.0).length, of.within(1.0).left), (0.0, 1.0));
    }
}
