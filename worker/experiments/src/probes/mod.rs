//! Probes: what is measured of a model beside its losses.
//!
//! A [`Measurement`] does one probe in small pieces, between any two of which it can be saved (`saved`) and go on elsewhere. Each
//! probe is a file; those of the loss's curvature work on any [`Objective`], in `f64`.

mod lanczos;
mod objective;
mod saved;
mod sensitivity;
mod sharpness;
mod spectrum;
mod vector;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use basin_domain::experiment::Probe;
use basin_domain::random::Stream;
use candle_core::DType;

use crate::ExperimentError;
use crate::model::Model;
use crate::training::{Part, Problem};

pub use lanczos::{Coefficients, Lanczos, Node};
pub use objective::{Objective, TrainingObjective};
pub(crate) use saved::Saved;
pub use sensitivity::{input_gradient_norms, jacobian_norms};
pub use sharpness::{Ascent, Reached};
pub use spectrum::density;

/// Examples whose inputs' gradients one piece takes.
const CHUNK: usize = 100;

/// How close the largest eigenvalue must be before the iteration ends early, as a share of it.
const CLOSE: f64 = 1e-4;

/// What a probe found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// One number.
    Number(f64),
    /// Values against eigenvalues.
    Density(Vec<(f64, f64)>),
}

/// A probe under way.
pub struct Measurement {
    probe: Probe,
    stage: Stage,
}

enum Stage {
    /// Means over examples.
    Examples { part: Part, position: usize, end: usize, sum: f64 },
    /// The loss's curvature, on a copy of the model in `f64`, seen from these weights.
    Curvature { model: Model, weights: Vec<f64>, work: Work },
}

enum Work {
    Ascent(Option<Ascent>),
    Lanczos { seed: u64, vector: u32, iteration: Option<Lanczos>, done: Vec<Vec<Node>> },
}

impl Measurement {
    /// Begins to probe `model`, with random vectors from the streams of `seed`.
    ///
    /// # Errors
    /// If the model can't be copied.
    pub fn new<P: Problem>(
        probe: Probe,
        problem: &P,
        model: &Model,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        let over_examples = |examples: Option<u32>| {
            let part = if problem.examples(Part::Test) > 0 { Part::Test } else { Part::Train };
            let end = problem.examples(part).min(examples.map_or(usize::MAX, |examples| examples as usize));
            Stage::Examples { part, position: 0, end, sum: 0.0 }
        };
        let curvature = |work: Work| {
            let copy = model.with_dtype(DType::F64)?;
            let weights = copy.flat_parameters()?;
            Ok::<_, ExperimentError>(Stage::Curvature { model: copy, weights, work })
        };
        let stage = match probe {
            Probe::Sensitivity { examples } | Probe::InputGradient { examples } => over_examples(examples),
            Probe::Sharpness { .. } => curvature(Work::Ascent(None))?,
            Probe::LargestEigenvalue { .. } | Probe::Spectrum { .. } => {
                curvature(Work::Lanczos { seed, vector: 0, iteration: None, done: Vec::new() })?
            }
        };
        Ok(Self { probe, stage })
    }

    /// Does a piece of the work; gives what was found at the end.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn advance<P: Problem>(
        &mut self,
        problem: &P,
        model: &Model,
    ) -> Result<Option<Found>, ExperimentError> {
        match &mut self.stage {
            Stage::Examples { part, position, end, sum } => {
                let stop = (*position + CHUNK).min(*end);
                let positions: Vec<u32> = (*position as u32..stop as u32).collect();
                let batch = problem.batch(*part, &positions, model.dtype())?;
                *sum += match self.probe {
                    Probe::InputGradient { .. } => input_gradient_norms(problem, model, &batch)?,
                    Probe::Sensitivity { .. }
                    | Probe::Sharpness { .. }
                    | Probe::LargestEigenvalue { .. }
                    | Probe::Spectrum { .. } => jacobian_norms::<P>(model, &batch)?,
                };
                *position = stop;
                Ok((stop == *end).then(|| Found::Number(*sum / *end as f64)))
            }
            Stage::Curvature { model, weights, work } => {
                let examples = match self.probe {
                    Probe::Sharpness { examples, .. }
                    | Probe::LargestEigenvalue { examples, .. }
                    | Probe::Spectrum { examples, .. } => examples,
                    Probe::Sensitivity { .. } | Probe::InputGradient { .. } => 0,
                };
                let objective = TrainingObjective::new(problem, model, examples);
                work.advance(&self.probe, &objective, weights)
            }
        }
    }
}

impl Work {
    fn advance(
        &mut self,
        probe: &Probe,
        objective: &impl Objective,
        weights: &[f64],
    ) -> Result<Option<Found>, ExperimentError> {
        match self {
            Self::Ascent(Some(ascent)) => {
                let goes_on = ascent.step(objective)?;
                Ok((!goes_on).then(|| Found::Number(ascent.sharpness())))
            }
            Self::Ascent(begun) => {
                let (epsilon, steps) = match *probe {
                    Probe::Sharpness { epsilon, steps, .. } => (epsilon, steps),
                    _ => (0.0, 0),
                };
                *begun = Some(Ascent::new(objective, weights.to_vec(), epsilon, steps)?);
                Ok(None)
            }
            Self::Lanczos { seed, vector, iteration, done } => {
                let (steps, vectors) = match *probe {
                    Probe::Spectrum { steps, vectors, .. } => (steps, vectors),
                    Probe::LargestEigenvalue { steps, .. } => (steps, 1),
                    Probe::Sensitivity { .. } | Probe::InputGradient { .. } | Probe::Sharpness { .. } => {
                        (0, 0)
                    }
                };
                let lanczos = iteration.get_or_insert_with(|| {
                    Lanczos::new(random_direction(*seed, *vector, objective.dimension()))
                });
                lanczos.step(objective.hessian_vector(weights, lanczos.direction())?);
                let enough = lanczos.steps() >= steps as usize || lanczos.is_exhausted();
                if matches!(probe, Probe::LargestEigenvalue { .. }) {
                    let nodes = lanczos.nodes();
                    let Some(largest) = nodes.last() else { return Ok(Some(Found::Number(f64::NAN))) };
                    let is_close = largest.residual <= CLOSE * largest.at.abs();
                    return Ok((enough || is_close).then_some(Found::Number(largest.at)));
                }
                if enough {
                    done.push(lanczos.nodes());
                    (*iteration, *vector) = (None, *vector + 1);
                }
                Ok((*vector >= vectors).then(|| Found::Density(density(done))))
            }
        }
    }
}

/// A random direction: normal in every coordinate, so that all directions are equally likely.
fn random_direction(seed: u64, number: u32, dimension: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, &format!("probe/vector/{number}"));
    (0..dimension).map(|_| stream.normal()).collect()
}
