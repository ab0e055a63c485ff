//! Probes: measurements of a model beside its losses.
//!
//! A [`Measurement`] does one probe in small pieces, between any two of which it can be saved (`saved`) and go on elsewhere. Each
//! probe is a file; those of the loss's curvature work on any [`Objective`], in `f64`.

mod lanczos;
mod objective;
mod pass;
mod saved;
mod sensitivity;
mod sharpness;
mod spectrum;
mod vector;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_curvature;
#[cfg(test)]
mod tests_of_saving;

use basin_domain::experiment::{Probe, ProbeSchedule};
use basin_domain::random::Stream;
use candle_core::DType;

use crate::ExperimentError;
use crate::model::Model;
use crate::training::{LearningProblem, Split};

pub use lanczos::{Coefficients, EigenvalueEstimate, Lanczos, QuadratureNode};
pub use objective::{Objective, TrainingObjective};
use pass::ObjectivePass;
pub(crate) use saved::SavedProbe;
pub use sensitivity::{input_gradient_norms, jacobian_norms};
pub use sharpness::{AscentState, SharpnessAscent};
pub use spectrum::density;

/// Examples whose inputs' gradients one piece takes.
const CHUNK: usize = 100;

/// How close the largest eigenvalue must be before the iteration ends early, as a share of it.
const CLOSE: f64 = 1e-4;

/// The most numbers that Lanczos iteration may keep, 1 GiB of them: a direction for each step. A checkpoint holds them too.
const MOST_NUMBERS: u64 = 1 << 27;

/// Refuses probes that would need too much memory of a network with so many parameters.
///
/// # Errors
/// [`ExperimentError::InvalidParameters`], with the way out.
pub fn check(probing: &ProbeSchedule, parameters: usize) -> Result<(), ExperimentError> {
    let parameters = parameters as u64;
    for probe in &probing.probes {
        let steps = match *probe {
            Probe::LargestEigenvalue { steps, .. } | Probe::Spectrum { steps, .. } => u64::from(steps),
            Probe::Sensitivity { .. } | Probe::InputGradient { .. } | Probe::Sharpness { .. } => continue,
        };
        let most = MOST_NUMBERS / parameters.max(1);
        if steps.min(parameters) > most {
            return Err(ExperimentError::InvalidParameters(format!(
                "`{}` would keep a direction of {parameters} numbers for each of {steps} steps, and {MOST_NUMBERS} numbers are \
                 the most: `probe.lanczos_steps` may be {most} at most here, or the network smaller",
                probe.name()
            )));
        }
    }
    Ok(())
}

/// A probe's result.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeResult {
    /// One number.
    Number(f64),
    /// The largest eigenvalue, as far as it is known. NaN if a product wasn't finite.
    Eigenvalue(EigenvalueEstimate),
    /// Values against eigenvalues.
    Density(Vec<(f64, f64)>),
}

/// A probe under way.
pub struct Measurement {
    probe: Probe,
    stage: ProbeState,
}

#[expect(clippy::large_enum_variant, reason = "a run has one of them at a time")]
enum ProbeState {
    /// Means over examples.
    Examples { split: Split, position: usize, end: usize, sum: f64 },
    /// The loss's curvature, on a copy of the model in `f64`, seen from these weights.
    Curvature { model: Model, weights: Vec<f64>, work: CurvatureWork, pass: Option<ObjectivePass> },
}

enum CurvatureWork {
    Ascent(SharpnessAscent),
    Lanczos { seed: u64, vector: u32, iteration: Option<Lanczos>, done: Vec<Vec<QuadratureNode>> },
}

impl Measurement {
    /// Begins to probe `model`, with random vectors from the streams of `seed`.
    ///
    /// # Errors
    /// If the model can't be copied.
    pub fn new<P: LearningProblem>(
        probe: Probe,
        problem: &P,
        model: &Model,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        let over_examples = |examples: Option<u32>| {
            let split = if problem.examples(Split::Test) > 0 { Split::Test } else { Split::Train };
            let end = problem.examples(split).min(examples.map_or(usize::MAX, |examples| examples as usize));
            ProbeState::Examples { split, position: 0, end, sum: 0.0 }
        };
        let curvature = |work: &dyn Fn(&[f64]) -> CurvatureWork| {
            let copy = model.with_dtype(DType::F64)?;
            let weights = copy.flat_parameters()?;
            let work = work(&weights);
            Ok::<_, ExperimentError>(ProbeState::Curvature { model: copy, weights, work, pass: None })
        };
        let stage = match probe {
            Probe::Sensitivity { examples } | Probe::InputGradient { examples } => over_examples(examples),
            Probe::Sharpness { epsilon, steps, .. } => curvature(&|weights| {
                CurvatureWork::Ascent(SharpnessAscent::new(weights.to_vec(), epsilon, steps))
            })?,
            Probe::LargestEigenvalue { .. } | Probe::Spectrum { .. } => {
                curvature(&|_| CurvatureWork::Lanczos { seed, vector: 0, iteration: None, done: Vec::new() })?
            }
        };
        Ok(Self { probe, stage })
    }

    /// The pieces of a pass; none in a probe that makes no passes.
    fn pieces<P: LearningProblem>(&self, problem: &P) -> usize {
        match &self.stage {
            ProbeState::Examples { .. } => 0,
            ProbeState::Curvature { model, .. } => {
                TrainingObjective::new(problem, model, training_examples(&self.probe)).pieces()
            }
        }
    }

    /// Does a piece of the work; gives the result at the end.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn advance<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
    ) -> Result<Option<ProbeResult>, ExperimentError> {
        match &mut self.stage {
            ProbeState::Examples { split, position, end, sum } => {
                let stop = (*position + CHUNK).min(*end);
                let positions: Vec<u32> = (*position as u32..stop as u32).collect();
                let batch = problem.batch(*split, &positions, model.dtype())?;
                *sum += match self.probe {
                    Probe::InputGradient { .. } => input_gradient_norms(problem, model, &batch)?,
                    Probe::Sensitivity { .. }
                    | Probe::Sharpness { .. }
                    | Probe::LargestEigenvalue { .. }
                    | Probe::Spectrum { .. } => jacobian_norms::<P>(model, &batch)?,
                };
                *position = stop;
                Ok((stop == *end).then(|| ProbeResult::Number(*sum / *end as f64)))
            }
            ProbeState::Curvature { model, weights, work, pass } => {
                let objective = TrainingObjective::new(problem, model, training_examples(&self.probe));
                work.advance(&self.probe, &objective, weights, pass)
            }
        }
    }
}

/// How many training examples a probe of the loss's curvature looks at.
fn training_examples(probe: &Probe) -> u32 {
    match *probe {
        Probe::Sharpness { examples, .. }
        | Probe::LargestEigenvalue { examples, .. }
        | Probe::Spectrum { examples, .. } => examples,
        Probe::Sensitivity { .. } | Probe::InputGradient { .. } => 0,
    }
}

impl CurvatureWork {
    /// Does a piece of a pass, and at its end what the pass was for.
    fn advance(
        &mut self,
        probe: &Probe,
        objective: &impl Objective,
        weights: &[f64],
        under_way: &mut Option<ObjectivePass>,
    ) -> Result<Option<ProbeResult>, ExperimentError> {
        let pass = under_way.get_or_insert_with(|| ObjectivePass::new(objective.dimension()));
        match self {
            Self::Ascent(ascent) => {
                let Some(place) = ascent.place() else {
                    return Ok(Some(ProbeResult::Number(ascent.sharpness())));
                };
                if pass.gradient(objective, &place)?
                    && let Some(ObjectivePass { value, sum, .. }) = under_way.take()
                {
                    ascent.step(value, sum);
                }
                let is_done = under_way.is_none() && ascent.place().is_none();
                Ok(is_done.then(|| ProbeResult::Number(ascent.sharpness())))
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
                if !pass.hessian_vector(objective, weights, lanczos.direction())? {
                    return Ok(None);
                }
                if let Some(ObjectivePass { sum, .. }) = under_way.take() {
                    lanczos.step(sum);
                }
                let enough = lanczos.steps() >= steps as usize || lanczos.is_exhausted();
                if matches!(probe, Probe::LargestEigenvalue { .. }) {
                    let unknown = EigenvalueEstimate { value: f64::NAN, residual: f64::NAN };
                    let largest = lanczos.largest().unwrap_or(unknown);
                    let is_close = largest.residual <= CLOSE * largest.value.abs();
                    return Ok((enough || is_close).then_some(ProbeResult::Eigenvalue(largest)));
                }
                if enough {
                    done.push(lanczos.nodes());
                    (*iteration, *vector) = (None, *vector + 1);
                }
                Ok((*vector >= vectors).then(|| ProbeResult::Density(density(done))))
            }
        }
    }
}

/// A random direction: normal in every coordinate, so that all directions are equally likely.
fn random_direction(seed: u64, number: u32, dimension: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, &format!("probe/vector/{number}"));
    (0..dimension).map(|_| stream.normal()).collect()
}
