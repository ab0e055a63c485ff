//! `critical-point`: a small dense network is led to where its gradient is almost zero (experiment E).

use serde::{Deserialize, Serialize};

use super::fit_function;
use super::function::Function;
use super::series::{SeriesDeclaration, critical_point as series, names, training};
use crate::metrics::Axis;
use crate::optimizer::Optimizer;

/// The function that follows the sum of a hidden layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// tanh: smooth, so that gradient and Hessian exist everywhere.
    Tanh,
    /// max(0, x); its second derivative counts as 0 everywhere.
    Relu,
    /// x: the saddles of such a network are known (Baldi and Hornik 1989).
    Linear,
}

impl Activation {
    /// Every activation.
    pub const ALL: [Self; 3] = [Self::Tanh, Self::Relu, Self::Linear];

    /// The activation as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Linear => "linear",
        }
    }
}

/// How a point with a small gradient is searched for, once the loss has been trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Search {
    /// Levenberg–Marquardt on the equations g(θ) = 0, whose Jacobian is H: (H² + λI)δ = −Hg (Marquardt 1963).
    LevenbergMarquardt,
    /// Adam on ‖g‖², whose gradient is 2Hg.
    GradientNorm {
        /// Adam's step size, above zero.
        learning_rate: f64,
    },
}

/// The place on the way down the loss where the search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchStart {
    /// After the last step on the loss.
    #[default]
    Last,
    /// After a number of steps from none to all, which the run's seed draws. Training goes on to its end all the same.
    Random,
}

impl SearchStart {
    /// Every place.
    pub const ALL: [Self; 2] = [Self::Last, Self::Random];

    /// The place as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Random => "random",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    const fn is_last(&self) -> bool {
        matches!(self, Self::Last)
    }
}

/// How far the point that the search found is led on, to where it is critical to double precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polish {
    /// Iterations of each attempt at most; none leaves the point as the search found it.
    pub iterations: u32,
    /// Further attempts at most, from elsewhere, where an attempt ends at no critical point.
    pub restarts: u32,
}

impl Default for Polish {
    fn default() -> Self {
        Self { iterations: 200, restarts: 4 }
    }
}

impl Polish {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Search {
    /// The methods' names, as the sweep file spells them.
    pub const METHODS: [&'static str; 2] = ["levenberg-marquardt", "gradient-norm"];
}

/// The settings of the three definitions of the minimal ratio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MinimalRatio {
    /// τ: a weight below it in magnitude is near zero. Above zero.
    pub near_zero: f64,
    /// ε: an eigenvalue of the Hessian above it is positive. Not negative.
    pub positive: f64,
    /// The distance from θ of the random points. Above zero.
    pub radius: f64,
    /// How many random points, at least 1.
    pub samples: u32,
}

/// The parameters of `critical-point`: mean squared error over evenly spaced points of an interval, all in `f64`, every step
/// on all points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriticalPoint {
    /// The function that is fitted.
    pub function: Function,
    /// The widths of the hidden layers; input and output have width 1.
    pub hidden: Vec<u32>,
    /// The activation of the hidden layers.
    pub activation: Activation,
    /// The interval's ends, both included.
    pub interval: (f64, f64),
    /// The number of training points, at least 2.
    pub points: u32,
    /// Steps on the loss.
    pub epochs: u32,
    /// The optimiser of the loss.
    pub optimizer: Optimizer,
    /// How the search goes on from there.
    pub search: Search,
    /// The search has converged once ‖g‖₂ is below it. Above zero.
    pub threshold: f64,
    /// Iterations of the search at most.
    pub iterations: u32,
    /// The definitions of the minimal ratio.
    pub minimal_ratio: MinimalRatio,
    /// A factor of all parameters before the first step. Above zero.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub initial_scale: f64,
    /// Where the search begins.
    #[serde(default, skip_serializing_if = "SearchStart::is_last")]
    pub start: SearchStart,
    /// How the point is polished.
    #[serde(default, skip_serializing_if = "Polish::is_default")]
    pub polish: Polish,
    /// An eigenvalue whose magnitude is at most this share of the largest counts as zero. Between 10⁻¹² and 1.
    #[serde(default = "default_zero", skip_serializing_if = "is_default_zero")]
    pub zero: f64,
}

const fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_one(factor: &f64) -> bool {
    *factor == 1.0
}

const fn default_zero() -> f64 {
    CriticalPoint::ZERO
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_default_zero(zero: &f64) -> bool {
    *zero == CriticalPoint::ZERO
}

impl CriticalPoint {
    /// The kind's name.
    pub const KIND: &'static str = "critical-point";
    /// The kind's version.
    pub const VERSION: u32 = 4;
    /// The share of the largest eigenvalue's magnitude up to which others count as zero, unless another is given.
    pub const ZERO: f64 = 1e-10;
    /// The least such share: below, eigenvalues are rounding.
    pub const LEAST_ZERO: f64 = 1e-12;
    /// The most parameters: the Hessian is exact, and its eigenvalues cost their third power.
    pub const MOST_PARAMETERS: u64 = 2_000;
    /// The most products of points and the square of parameters: so many are summed for a Hessian, without a chance to interrupt
    /// them. It is a matter of seconds.
    pub const MOST_PRODUCTS: u64 = 1 << 34;

    /// The names of the series that a run records: both against iterations, from 0, where training begins; those of the
    /// search and of polishing are counted on from the last step on the loss.
    pub fn series(&self) -> Vec<&'static str> {
        names(&[series::LOSS, training::GRADIENT_NORM])
    }

    /// The names of the single numbers that a run records. `converged` is 1 if the search got ‖g‖₂ below the threshold, `certified` if
    /// there is provably a critical point near the one where the run ended, else 0; of [`series::ENDINGS`] one is 1, the others 0.
    /// `trained_iterations` counts the steps on the loss, `search_iterations` those of the search, `polish_iterations` those after it.
    pub fn numbers(&self) -> Vec<&'static str> {
        let is_number = |declared: &&SeriesDeclaration| declared.axis == Axis::Once;
        series::DECLARED.iter().filter(is_number).map(|declared| declared.name).collect()
    }

    /// The most points over which the Hessian of a network of this size is taken.
    pub fn most_points(&self) -> u64 {
        let parameters = self.parameter_count();
        Self::MOST_PRODUCTS / parameters.saturating_mul(parameters).max(1)
    }

    /// The number of trainable parameters.
    pub fn parameter_count(&self) -> u64 {
        fit_function::dense_parameter_count(1, &self.hidden)
    }
}
