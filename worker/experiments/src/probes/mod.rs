//! Probes: measurements of a model beside its losses.
//!
//! A [`Measurement`] does one probe in small pieces, between any two of which it can be saved (`saved`) and go on elsewhere. Each
//! probe is a file; those of the loss's curvature work on any [`Objective`], in `f64`.

mod lanczos;
mod lanczos_work;
mod objective;
mod pass;
mod saved;
mod sensitivity;
mod sharpness;
mod spectrum;
mod test_augmentation;
mod trace;
mod vector;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_curvature;
#[cfg(test)]
mod tests_of_eigenvalues;
#[cfg(test)]
mod tests_of_saving;

use std::collections::BTreeMap;
use std::ops::Range;

use basin_domain::experiment::{Probe, ProbeSchedule};
use candle_core::DType;

use crate::ExperimentError;
use crate::model::Model;
use crate::training::{LearningProblem, Split};

pub use lanczos::{Coefficients, EigenvalueEstimate, Lanczos, QuadratureNode};
use lanczos_work::LanczosWork;
#[cfg(test)]
use lanczos_work::random_direction;
use objective::Compiled;
pub use objective::{Objective, TrainingObjective};
use pass::ObjectivePass;
pub(crate) use saved::SavedProbe;
pub use sensitivity::{input_gradient_norms, jacobian_norms};
pub use sharpness::{AscentState, SharpnessAscent};
pub use spectrum::density;
use test_augmentation::right_answers;
pub use trace::TraceEstimate;
use trace::TraceWork;

/// Examples whose inputs' gradients one piece takes.
const CHUNK: usize = 100;

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
            Probe::LargestEigenvalue { steps, .. }
            | Probe::TopEigenvalues { steps, .. }
            | Probe::LayerEigenvalues { steps, .. }
            | Probe::LayerSpectra { steps, .. }
            | Probe::Spectrum { steps, .. } => u64::from(steps),
            Probe::Sensitivity { .. }
            | Probe::InputGradient { .. }
            | Probe::TestAugmentation { .. }
            | Probe::Sharpness { .. }
            | Probe::Trace { .. } => continue,
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
    /// The largest eigenvalue, as far as it is known, with a direction of its eigenvector if the next measurement starts from it. NaN if
    /// a product wasn't finite.
    Eigenvalue(EigenvalueEstimate, Option<Vec<f64>>),
    /// The largest eigenvalues that were found, the largest first, with the sum of their eigenvectors likewise.
    TopEigenvalues(Vec<EigenvalueEstimate>, Option<Vec<f64>>),
    /// A trace.
    Trace(TraceEstimate),
    /// A number a layer.
    OfLayers(Vec<f64>),
    /// Values against eigenvalues, of each layer.
    DensitiesOfLayers(Vec<Vec<(f64, f64)>>),
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
    Curvature {
        model: Model,
        weights: Vec<f64>,
        work: CurvatureWork,
        pass: Option<ObjectivePass>,
        /// The copy, compiled by the first piece.
        compiled: Option<Compiled>,
    },
}

enum CurvatureWork {
    Ascent(SharpnessAscent),
    Lanczos(LanczosWork),
    Trace(TraceWork),
}

impl Measurement {
    /// Begins to probe `model`, with random vectors from the streams of `seed`; an iteration that may start from what the measurement
    /// before found has it as `start`.
    ///
    /// # Errors
    /// If the model can't be copied.
    pub fn new<P: LearningProblem>(
        probe: Probe,
        problem: &P,
        model: &Model,
        seed: u64,
        start: Option<&[f64]>,
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
            let (pass, compiled) = (None, None);
            Ok::<_, ExperimentError>(ProbeState::Curvature { model: copy, weights, work, pass, compiled })
        };
        let stage = match probe {
            Probe::Sensitivity { examples }
            | Probe::InputGradient { examples }
            | Probe::TestAugmentation { examples, .. } => over_examples(examples),
            Probe::Sharpness { epsilon, steps, .. } => curvature(&|weights| {
                CurvatureWork::Ascent(SharpnessAscent::new(weights.to_vec(), epsilon, steps))
            })?,
            Probe::Trace { .. } => {
                curvature(&|_| CurvatureWork::Trace(TraceWork { seed, values: Vec::new() }))?
            }
            Probe::LargestEigenvalue { .. } | Probe::TopEigenvalues { .. } | Probe::Spectrum { .. } => {
                let start = start.map(<[f64]>::to_vec);
                curvature(&|_| CurvatureWork::Lanczos(LanczosWork::new(seed, start.clone(), Vec::new())))?
            }
            Probe::LayerEigenvalues { .. } | Probe::LayerSpectra { .. } => {
                let layers = layer_places(model)?;
                curvature(&|_| CurvatureWork::Lanczos(LanczosWork::new(seed, None, layers.clone())))?
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

    /// The share of it that is done, if it makes so many passes: those that end early jump to their end.
    pub(crate) fn share<P: LearningProblem>(&self, problem: &P, passes: u64) -> f64 {
        match &self.stage {
            ProbeState::Examples { position, end, .. } => *position as f64 / (*end).max(1) as f64,
            ProbeState::Curvature { work, pass, .. } => {
                let pieces = self.pieces(problem).max(1) as f64;
                let under_way = pass.as_ref().map_or(0.0, |pass| pass.piece as f64 / pieces);
                ((work.passes(&self.probe) as f64 + under_way) / passes.max(1) as f64).min(1.0)
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
                    Probe::InputGradient { .. } => input_gradient_norms(problem, model, *split, &batch)?,
                    Probe::TestAugmentation { shift, .. } => right_answers(model, &batch, shift)?,
                    _ => jacobian_norms(model, &batch, problem.outputs())?,
                };
                *position = stop;
                Ok((stop == *end).then(|| ProbeResult::Number(*sum / *end as f64)))
            }
            ProbeState::Curvature { model, weights, work, pass, compiled } => {
                let objective = TrainingObjective::new(problem, model, training_examples(&self.probe))
                    .with_compiled(compiled.take());
                let found = work.advance(&self.probe, &objective, weights, pass);
                *compiled = objective.into_compiled();
                found
            }
        }
    }
}

/// How many training examples a probe of the loss's curvature looks at.
fn training_examples(probe: &Probe) -> u32 {
    match *probe {
        Probe::Sharpness { examples, .. }
        | Probe::LargestEigenvalue { examples, .. }
        | Probe::TopEigenvalues { examples, .. }
        | Probe::Trace { examples, .. }
        | Probe::LayerEigenvalues { examples, .. }
        | Probe::LayerSpectra { examples, .. }
        | Probe::Spectrum { examples, .. } => examples,
        Probe::Sensitivity { .. } | Probe::InputGradient { .. } | Probe::TestAugmentation { .. } => 0,
    }
}

impl CurvatureWork {
    /// The passes that are done.
    fn passes(&self, probe: &Probe) -> u64 {
        match self {
            Self::Ascent(ascent) => ascent.points(),
            Self::Lanczos(work) => work.products(probe),
            Self::Trace(work) => work.values.len() as u64,
        }
    }

    /// Does a piece of a pass, and at its end what the pass was for.
    fn advance(
        &mut self,
        probe: &Probe,
        objective: &impl Objective,
        weights: &[f64],
        under_way: &mut Option<ObjectivePass>,
    ) -> Result<Option<ProbeResult>, ExperimentError> {
        match self {
            Self::Ascent(ascent) => {
                let pass = under_way.get_or_insert_with(|| ObjectivePass::new(objective.dimension()));
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
            Self::Lanczos(work) => work.advance(probe, objective, weights, under_way),
            Self::Trace(work) => {
                let vectors = if let Probe::Trace { vectors, .. } = *probe { vectors } else { 0 };
                let estimate = work.advance(vectors, objective, weights, under_way)?;
                Ok(estimate.map(ProbeResult::Trace))
            }
        }
    }
}

/// Where the parameters of each layer lie in the vector of all, the layers in the network's order; of the first
/// [`Probe::MOST_LAYERS`]. A layer's parameters have its name before their last dot.
fn layer_places(model: &Model) -> Result<Vec<Vec<Range<usize>>>, ExperimentError> {
    let mut start = 0;
    let mut places = BTreeMap::new();
    for (name, parameter) in model.parameters() {
        let end = start + parameter.elem_count();
        places.insert(name.as_str(), start..end);
        start = end;
    }
    let mut layers: Vec<(&str, Vec<Range<usize>>)> = Vec::new();
    for parameter in model.in_order()? {
        let layer = parameter.rsplit_once('.').map_or(parameter, |(layer, _)| layer);
        let place = places[parameter].clone();
        match layers.iter_mut().find(|(known, _)| *known == layer) {
            Some((_, ranges)) => ranges.push(place),
            None => layers.push((layer, vec![place])),
        }
    }
    Ok(layers.into_iter().map(|(_, ranges)| ranges).take(Probe::MOST_LAYERS).collect())
}
