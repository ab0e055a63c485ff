//! `critical-point`: a small dense network is led to where its gradient is zero, as provably as doubles allow (experiment E).
//!
//! All of it in `f64`, on one thread, without Candle: a network of some hundred parameters is dominated by what a call to
//! an operation costs. Start reading at [`Network`], which gives loss, gradient, Hessian–vector products and the Hessian;
//! the order of a run is in `run`: the search, then polishing (`polish`, `refine`), then the certificate (`certificate`) and how the run
//! ends by it (`ending`).

use basin_domain::experiment::{CriticalPoint, Search};
use basin_domain::task::TaskSpec;

use crate::fit_function::evenly_spaced;
use crate::{ExperimentError, Run};

mod certificate;
mod checkpoint;
mod derivative_bounds;
mod ending;
mod exact_gradient;
mod hessian;
mod levenberg_marquardt;
mod local_model;
mod measures;
mod minimal_ratio;
mod network;
mod optimizer;
mod point;
mod points;
mod polish;
mod polishing;
mod refine;
mod run;
mod scalar;
mod spectrum;
mod stage;
mod workspace;

#[cfg(test)]
mod tests_of_linear_networks;

pub use network::{LayerLayout, Network};
pub use scalar::Scalar;
pub use workspace::Workspace;

/// Starts or resumes a run of `critical-point`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &CriticalPoint,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    check(parameters).map_err(ExperimentError::InvalidParameters)?;
    let network = network(parameters)?;
    debug_assert_eq!(network.parameter_count() as u64, parameters.parameter_count());
    Ok(Box::new(run::CriticalPointRun::start(spec, parameters.clone(), network, checkpoint)?))
}

/// The network that these parameters describe, with its points.
fn network(parameters: &CriticalPoint) -> Result<Network, ExperimentError> {
    let inputs: Vec<f64> = evenly_spaced(parameters.interval, parameters.points).collect();
    let targets = inputs.iter().map(|&input| parameters.function.at(input)).collect();
    Network::new(&parameters.hidden, parameters.activation, inputs, targets)
}

/// In words what can't be run.
fn check(parameters: &CriticalPoint) -> Result<(), String> {
    let (low, high) = parameters.interval;
    if parameters.points < 2 || !(low < high && low.is_finite() && high.is_finite()) {
        return Err(format!("{} points on [{low}, {high}] are no grid", parameters.points));
    }
    let most = CriticalPoint::MOST_PARAMETERS;
    if let Some(width) = parameters.hidden.iter().find(|&&width| u64::from(width) > most) {
        return Err(format!("a layer of {width} units has more than {most} parameters"));
    }
    let count = parameters.parameter_count();
    if count > most {
        return Err(format!("{count} parameters are too many for an exact Hessian: {most} are the most"));
    }
    let most = parameters.most_points();
    if u64::from(parameters.points) > most {
        let points = parameters.points;
        return Err(format!(
            "{points} points are too many for an exact Hessian of {count} parameters: {most} are the most"
        ));
    }
    let ratio = parameters.minimal_ratio;
    let mut above_zero = vec![
        ("threshold", parameters.threshold),
        ("near_zero", ratio.near_zero),
        ("radius", ratio.radius),
        ("initial_scale", parameters.initial_scale),
    ];
    match parameters.search {
        Search::LevenbergMarquardt => {}
        Search::GradientNorm { learning_rate } => {
            above_zero.push(("learning_rate of the search", learning_rate));
        }
    }
    for (name, number) in above_zero {
        if !(number > 0.0 && number.is_finite()) {
            return Err(format!("the {name} is {number}, which isn't above zero"));
        }
    }
    if !(ratio.positive >= 0.0 && ratio.positive.is_finite()) {
        return Err(format!("an eigenvalue above {} can't be said to be positive", ratio.positive));
    }
    if !(CriticalPoint::LEAST_ZERO..1.0).contains(&parameters.zero) {
        return Err(format!("an eigenvalue of {} of the largest can't be said to be zero", parameters.zero));
    }
    if ratio.samples == 0 {
        return Err("no random points are asked for, so none can be counted".to_owned());
    }
    Ok(())
}
