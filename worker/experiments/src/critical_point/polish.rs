//! Polishing: a trust-region method on the equations g(θ) = 0 that comes to rest where no digit is left to gain, or where none can be
//! gained.
//!
//! A step is that of [`LocalModel::within`]: Newton's where it is short enough, by the pseudo-inverse, else the damped one of the trust
//! region's length (Moré and Sorensen 1983; Conn, Gould and Toint 2000, "Trust-region methods", chapter 7). It is taken if it lowers ‖g‖.
//! In the eigenbasis H isn't squared, as it is in Levenberg and Marquardt's equations: eigenvalues down to 10⁻¹³ of the largest count.

use super::local_model::LocalModel;
use super::network::Network;
use super::point::Point;
use super::points::norm;
use super::spectrum::Spectrum;
use super::workspace::Workspace;

/// The first radius, in lengths of θ.
const FIRST_RADIUS: f64 = 0.1;
/// A step that gains less than this share of what the model promised is refused.
const LEAST_GAIN: f64 = 1e-4;
/// ‖g‖ this many times smaller than ‖H‖‖θ‖ is as small as one may hope for in doubles: 2^−46.
const SETTLED: f64 = 1.0 / ((1_u64 << 46) as f64);
/// A model that promises to lower ‖g‖ by less than this share promises nothing.
const LEAST_PROMISE: f64 = 1e-9;
/// A radius this many times shorter than θ moves nothing: 2^−48.
const LEAST_RADIUS: f64 = 1.0 / ((1_u64 << 48) as f64);
/// So many iterations have to halve ‖g‖.
const WINDOW: u32 = 50;

/// The outcome of one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolishOutcome {
    /// The point is a new one.
    Taken,
    /// ‖g‖ wouldn't be lower at the new point, so it is the old one; the next step is shorter.
    Refused,
    /// ‖g‖ is zero but for rounding.
    Settled,
    /// ‖g‖ isn't zero, and doesn't fall any more, or hardly.
    Stalled,
    /// The Hessian has elements that aren't finite.
    NotFinite,
}

/// The state of polishing, and the model at its current point.
#[derive(Debug, Clone, Default)]
pub(super) struct Polisher {
    /// The trust region's radius; none before the first iteration.
    pub(super) radius: Option<f64>,
    /// The iterations since ‖g‖ was noted, and that ‖g‖.
    pub(super) window: (u32, f64),
    model: Option<(Spectrum, LocalModel)>,
}

impl Polisher {
    /// One iteration: a step is tried, and taken if it lowers ‖g‖.
    pub(super) fn step(
        &mut self,
        network: &Network,
        workspace: &mut Workspace,
        point: &mut Point,
    ) -> PolishOutcome {
        let Some((spectrum, model)) = self.model.take().or_else(|| model_at(network, workspace, point))
        else {
            return PolishOutcome::NotFinite;
        };
        let size = norm(&point.theta);
        if point.norm <= SETTLED * spectrum.norm() * size {
            return PolishOutcome::Settled;
        }
        let (iterations, noted) = self.window;
        if iterations == 0 {
            self.window = (1, point.norm);
        } else if iterations < WINDOW {
            self.window.0 += 1;
        } else if point.norm > 0.5 * noted {
            return PolishOutcome::Stalled;
        } else {
            self.window = (1, point.norm);
        }
        let radius = self.radius.unwrap_or_else(|| FIRST_RADIUS * size.max(0.1));
        let step = model.within(radius);
        let promise = 1.0 - step.left;
        if promise <= LEAST_PROMISE || promise.is_nan() || radius < LEAST_RADIUS * size {
            return PolishOutcome::Stalled;
        }
        let direction = spectrum.vector(&step.coordinates);
        let theta: Vec<f64> = point.theta.iter().zip(&direction).map(|(theta, step)| theta + step).collect();
        let trial = Point::at(network, theta, workspace);
        let gain = if trial.is_finite() { 1.0 - trial.norm / point.norm } else { f64::NEG_INFINITY };
        self.radius = Some(if gain < 0.25 * promise {
            0.25 * step.length
        } else if gain > 0.75 * promise && step.length > 0.99 * radius {
            2.0 * radius
        } else {
            radius
        });
        if gain > LEAST_GAIN * promise {
            *point = trial;
            return PolishOutcome::Taken;
        }
        self.model = Some((spectrum, model));
        PolishOutcome::Refused
    }
}

/// The spectrum of the Hessian at a point, with the model of its gradient; none if an element isn't finite.
fn model_at(
    network: &Network,
    workspace: &mut Workspace,
    point: &mut Point,
) -> Option<(Spectrum, LocalModel)> {
    let (_, spectrum) = point.curvature(network, workspace)?;
    let model = LocalModel::of(&spectrum, &point.gradient);
    Some((spectrum, model))
}
