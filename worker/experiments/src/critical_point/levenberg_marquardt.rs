//! Levenberg–Marquardt on the equations g(θ) = 0, whose Jacobian is the Hessian H: (H² + λI)δ = −Hg.
//!
//! The damping λ follows Nielsen's rule (Nielsen 1999, "Damping parameter in Marquardt's method", section 3; also Madsen,
//! Nielsen and Tingleff 2004, "Methods for non-linear least squares problems", algorithm 3.16).

use nalgebra::{Cholesky, DMatrix, DVector};

use super::network::Network;
use super::point::Point;
use super::points::add_dots;
use super::workspace::Workspace;

/// The first damping, in largest diagonal elements of H².
const FIRST_DAMPING: f64 = 1e-3;
/// The least damping, in largest diagonal elements of H²: below it, rounding makes H² + λI indefinite.
const LEAST_DAMPING: f64 = 1e-16;
/// The first growth of the damping after a step that is taken.
const FIRST_GROWTH: f64 = 2.0;

/// The outcome of one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepOutcome {
    /// The point is a new one.
    Taken,
    /// ‖g‖ wouldn't be lower at the new point, so it is the old one; the next step is smaller.
    Refused,
    /// No step changes θ: ‖g‖ is stationary, or the damping has grown until steps vanish.
    Stuck,
    /// The Hessian has elements that aren't finite.
    NotFinite,
}

/// The search's state, and the equations at its current point.
#[derive(Debug, Clone)]
pub(super) struct LevenbergMarquardt {
    /// λ; none before the first iteration.
    pub(super) damping: Option<f64>,
    /// The factor of λ when a step is refused.
    pub(super) growth: f64,
    equations: Option<Equations>,
}

/// The equations at the point where the search stands.
#[derive(Debug, Clone)]
struct Equations {
    /// H².
    square: DMatrix<f64>,
    /// Hg.
    right: DVector<f64>,
    /// The largest diagonal element of H².
    largest: f64,
}

impl LevenbergMarquardt {
    /// The search before its first iteration.
    pub(super) fn new() -> Self {
        Self { damping: None, growth: FIRST_GROWTH, equations: None }
    }

    /// One iteration: a step is tried, and taken if it lowers ‖g‖.
    pub(super) fn step(
        &mut self,
        network: &Network,
        workspace: &mut Workspace,
        point: &mut Point,
    ) -> StepOutcome {
        let equations = match self.equations.take() {
            Some(equations) => equations,
            None => {
                point.evaluate(network, workspace);
                let hessian = network.hessian_of(&point.theta, workspace);
                if !hessian.iter().all(|element| element.is_finite()) {
                    return StepOutcome::NotFinite;
                }
                let square = square_of(&hessian);
                let mut right = DVector::zeros(point.gradient.len());
                add_dots(&point.gradient, hessian.as_slice(), right.as_mut_slice());
                let largest = square.diagonal().max();
                Equations { square, right, largest }
            }
        };
        let Equations { square, right, largest } = &equations;
        let least = (LEAST_DAMPING * largest).max(f64::MIN_POSITIVE);
        let damping = self.damping.unwrap_or(FIRST_DAMPING * largest).max(least);
        let mut matrix = square.clone();
        for at in 0..matrix.nrows() {
            matrix[(at, at)] += damping;
        }
        let Some(factors) = Cholesky::new(matrix) else {
            return self.refuse(damping, equations);
        };
        let step = -factors.solve(right);
        let theta: Vec<f64> = point.theta.iter().zip(&step).map(|(theta, step)| theta + step).collect();
        if theta == point.theta {
            return StepOutcome::Stuck;
        }
        let trial = Point::at(network, theta, workspace);
        if trial.is_finite() && trial.norm < point.norm {
            let predicted: f64 =
                step.iter().zip(right).map(|(step, right)| step * (damping * step - right)).sum();
            let gain = (point.norm * point.norm - trial.norm * trial.norm) / predicted;
            let beyond = 2.0 * gain - 1.0;
            self.damping = Some(damping * (1.0 - beyond * beyond * beyond).max(1.0 / 3.0));
            self.growth = FIRST_GROWTH;
            *point = trial;
            return StepOutcome::Taken;
        }
        self.refuse(damping, equations)
    }

    /// Goes on from the same equations with more damping.
    fn refuse(&mut self, damping: f64, equations: Equations) -> StepOutcome {
        let damping = damping * self.growth;
        self.damping = Some(damping);
        self.growth *= 2.0;
        self.equations = Some(equations);
        if damping.is_finite() { StepOutcome::Refused } else { StepOutcome::Stuck }
    }
}

/// The square of a symmetric matrix, symmetric to the last bit. It is summed in one order, where a product of matrices is
/// summed in that which suits the processor.
fn square_of(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let count = matrix.nrows();
    let mut square = DMatrix::zeros(count, count);
    let (columns, sums) = (matrix.as_slice(), square.as_mut_slice());
    for at in 0..count {
        let column = &columns[at * count..(at + 1) * count];
        add_dots(column, &columns[at * count..], &mut sums[at * count + at..(at + 1) * count]);
    }
    square.fill_upper_triangle_with_lower_triangle();
    square
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::Activation;

    use super::*;

    fn network() -> Network {
        let inputs: Vec<f64> = (0..20).map(|index| f64::from(index) * 0.3 - 3.0).collect();
        let targets = inputs.iter().map(|x| x.sin()).collect();
        Network::new(&[5], Activation::Tanh, inputs, targets).unwrap()
    }

    #[test]
    fn the_square_is_the_product_of_the_matrix_with_itself() {
        let network = network();
        let hessian = network.hessian(&network.initial(1));
        let (square, product) = (square_of(&hessian), &hessian * &hessian);
        assert_eq!(square, square.transpose());
        assert!((square - product).amax() < 1e-13);
    }

    #[test]
    fn a_step_that_would_raise_the_gradient_norm_leaves_the_point_and_the_next_is_shorter() {
        let network = network();
        let mut workspace = Workspace::new(&network);
        let (mut refused, mut taken) = (0, 0);
        for seed in 0..20 {
            let mut point = Point::at(&network, network.initial(seed), &mut workspace);
            let mut search = LevenbergMarquardt::new();
            for _ in 0..40 {
                let (before, damping) = (point.clone(), search.damping);
                match search.step(&network, &mut workspace, &mut point) {
                    StepOutcome::Taken => {
                        assert!(point.norm < before.norm);
                        taken += 1;
                    }
                    StepOutcome::Refused => {
                        assert_eq!((&point.theta, point.norm), (&before.theta, before.norm));
                        assert!(search.damping > damping);
                        refused += 1;
                    }
                    StepOutcome::Stuck => break,
                    StepOutcome::NotFinite => panic!("seed {seed}"),
                }
            }
        }
        assert!(taken > 100 && refused > 10, "{taken} taken, {refused} refused");
    }

    /// Where all is zero, so is the gradient; and where the Hessian is zero too, no step changes anything.
    #[test]
    fn where_no_step_changes_anything_the_search_is_stuck() {
        let inputs = vec![-1.0, 1.0];
        let network = Network::new(&[2], Activation::Relu, inputs, vec![1.0, 1.0]).unwrap();
        // Both units are dead at both points, and only the bias of the output is off.
        let theta = vec![0.0, 0.0, -1.0, -1.0, 1.0, 1.0, 1.0];
        let mut workspace = Workspace::new(&network);
        let mut point = Point::at(&network, theta.clone(), &mut workspace);
        assert_eq!(point.norm, 0.0);
        assert_eq!(LevenbergMarquardt::new().step(&network, &mut workspace, &mut point), StepOutcome::Stuck);
        assert_eq!(point.theta, theta);
    }
}
