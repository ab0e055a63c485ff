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
}

impl Activation {
    /// Every activation.
    pub const ALL: [Self; 2] = [Self::Tanh, Self::Relu];

    /// The activation as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Relu => "relu",
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
}

impl CriticalPoint {
    /// The kind's name.
    pub const KIND: &'static str = "critical-point";
    /// The kind's version.
    pub const VERSION: u32 = 3;
    /// The most parameters: the Hessian is exact, and its eigenvalues cost their third power.
    pub const MOST_PARAMETERS: u64 = 2_000;
    /// The most products of points and the square of parameters: so many are summed for a Hessian, without a chance to interrupt
    /// them. It is a matter of seconds.
    pub const MOST_PRODUCTS: u64 = 1 << 34;

    /// The names of the series that a run records: both against iterations, from 0, where training begins; those of the
    /// search are counted on from the last step on the loss.
    pub fn series(&self) -> Vec<&'static str> {
        names(&[series::LOSS, training::GRADIENT_NORM])
    }

    /// The names of the single numbers that a run records. `converged` is 1 if ‖g‖₂ got below the threshold, else 0;
    /// `trained_iterations` counts the steps on the loss, `search_iterations` those of the search.
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
