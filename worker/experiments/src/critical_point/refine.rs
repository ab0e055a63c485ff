//! The last steps: Newton's, with a gradient of twice the precision.
//!
//! Where ‖g‖ is zero but for rounding, it says nothing about directions of small eigenvalues. Newton's step does: its length is the
//! distance to the zero, to first order, in all directions alike (the natural level function of Deuflhard 2011, "Newton methods for
//! nonlinear problems", section 3.1.3).

use super::exact_gradient::ExactGradient;
use super::local_model::LocalModel;
use super::network::Network;
use super::point::Point;
use super::points::norm;
use super::workspace::Workspace;

/// Newton's next step has to be this many times shorter for this one to be taken.
const CONTRACTION: f64 = 0.5;
/// A step this many times shorter than θ is below θ's own rounding: 2^−53.
const LEAST_STEP: f64 = 1.0 / ((1_u64 << 53) as f64);

/// The outcome of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefineOutcome {
    /// The point is a new one.
    Taken,
    /// θ is as near to the zero as doubles are, or Newton's steps don't lead to one.
    Done,
    /// The Hessian has elements that aren't finite.
    NotFinite,
}

/// One step of Newton's method by the pseudo-inverse, taken if the next would be shorter.
pub(super) fn refine(
    network: &Network,
    workspace: &mut Workspace,
    exact: &mut ExactGradient,
    point: &mut Point,
) -> RefineOutcome {
    let Some((_, spectrum)) = point.curvature(network, workspace) else {
        return RefineOutcome::NotFinite;
    };
    let step_at = |theta: &[f64], exact: &mut ExactGradient| {
        LocalModel::of(&spectrum, &exact.at(network, theta)).newton()
    };
    let step = step_at(&point.theta, exact);
    let direction = spectrum.vector(&step.coordinates);
    let theta: Vec<f64> = point.theta.iter().zip(&direction).map(|(theta, step)| theta + step).collect();
    if step.length <= LEAST_STEP * norm(&point.theta) || theta == point.theta {
        return RefineOutcome::Done;
    }
    let next = step_at(&theta, exact);
    let trial = Point::at(network, theta, workspace);
    if next.length <= CONTRACTION * step.length && trial.is_finite() {
        *point = trial;
        return RefineOutcome::Taken;
    }
    RefineOutcome::Done
}
