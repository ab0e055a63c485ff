//! Levenberg–Marquardt on the equations g(θ) = 0, whose Jacobian is the Hessian H: (H² + λI)δ = −Hg.
//!
//! The damping λ follows Nielsen's rule (Nielsen 1999, "Damping parameter in Marquardt's method", section 3; also Madsen,
//! Nielsen and Tingleff 2004, "Methods for non-linear least squares problems", algorithm 3.16).

use nalgebra::{Cholesky, DMatrix, DVector};

use super::network::Network;
use super::point::Point;
use super::workspace::Workspace;

/// The first damping, in largest diagonal elements of H².
const FIRST_DAMPING: f64 = 1e-3;
/// The least damping, in largest diagonal elements of H²: below it, rounding makes H² + λI indefinite.
const LEAST_DAMPING: f64 = 1e-16;
/// The first growth of the damping after a step that is taken.
const FIRST_GROWTH: f64 = 2.0;

/// What one iteration came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The point is a new one.
    Taken,
    /// ‖g‖ wouldn't be lower at the new point, so it is the old one; the next step is smaller.
    Refused,
    /// No step changes θ: ‖g‖ is stationary, or the damping has grown until steps vanish.
    Stuck,
    /// The Hessian has elements that aren't finite.
    NotFinite,
}

/// The search's state, and what it knows of the point where it stands.
#[derive(Debug, Clone)]
pub(super) struct LevenbergMarquardt {
    /// λ; none before the first iteration.
    pub(super) damping: Option<f64>,
    /// What λ is multiplied by when a step is refused.
    pub(super) growth: f64,
    equations: Option<Equations>,
}

/// H², Hg and the largest diagonal element of H², of the point where the search stands.
type Equations = (DMatrix<f64>, DVector<f64>, f64);

impl LevenbergMarquardt {
    /// The search before its first iteration.
    pub(super) fn new() -> Self {
        Self { damping: None, growth: FIRST_GROWTH, equations: None }
    }

    /// One iteration: a step is tried, and taken if it lowers ‖g‖.
    pub(super) fn step(&mut self, network: &Network, workspace: &mut Workspace, point: &mut Point) -> Step {
        let (square, right, largest) = match self.equations.take() {
            Some(equations) => equations,
            None => {
                point.evaluate(network, workspace);
                let hessian = network.hessian_of(&point.theta, workspace);
                if !hessian.iter().all(|element| element.is_finite()) {
                    return Step::NotFinite;
                }
                let square = &hessian * &hessian;
                let right = &hessian * DVector::from_column_slice(&point.gradient);
                let largest = square.diagonal().max();
                (square, right, largest)
            }
        };
        let least = (LEAST_DAMPING * largest).max(f64::MIN_POSITIVE);
        let damping = self.damping.unwrap_or(FIRST_DAMPING * largest).max(least);
        let mut matrix = square.clone();
        for at in 0..matrix.nrows() {
            matrix[(at, at)] += damping;
        }
        let Some(factors) = Cholesky::new(matrix) else {
            return self.refuse(damping, (square, right, largest));
        };
        let step = -factors.solve(&right);
        let theta: Vec<f64> = point.theta.iter().zip(&step).map(|(theta, step)| theta + step).collect();
        if theta == point.theta {
            return Step::Stuck;
        }
        let trial = Point::at(network, theta, workspace);
        if trial.is_finite() && trial.norm < point.norm {
            let predicted: f64 =
                step.iter().zip(&right).map(|(step, right)| step * (damping * step - right)).sum();
            let gain = (point.norm * point.norm - trial.norm * trial.norm) / predicted;
            self.damping = Some(damping * (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0));
            self.growth = FIRST_GROWTH;
            *point = trial;
            return Step::Taken;
        }
        self.refuse(damping, (square, right, largest))
    }

    /// Goes on from the same equations with more damping.
    fn refuse(&mut self, damping: f64, equations: Equations) -> Step {
        let damping = damping * self.growth;
        self.damping = Some(damping);
        self.growth *= 2.0;
        self.equations = Some(equations);
        if damping.is_finite() { Step::Refused } else { Step::Stuck }
    }
}
