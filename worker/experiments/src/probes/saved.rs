//! Probes under way as checkpoints hold them: numbers in the state, vectors as tensors `probe/…`.

use basin_domain::experiment::Probe;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Ascent, Coefficients, Lanczos, Measurement, Node, Reached, Stage, Work};
use crate::ExperimentError;
use crate::checkpoint::{Bits, bad};
use crate::model::Model;
use crate::tensors::Named;
use crate::training::Problem;

/// The numbers of a probe under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
pub(crate) enum Saved {
    /// Means over examples.
    Examples { position: usize, sum: Bits },
    /// Sharpness; without numbers it hasn't begun.
    Ascent { numbers: Option<[Bits; 4]>, steps_left: u32 },
    /// Lanczos iterations.
    Lanczos { vector: u32, done: Vec<Vec<[Bits; 3]>>, iteration: Option<SavedIteration> },
}

/// The numbers of an iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedIteration {
    diagonal: Vec<Bits>,
    beside: Vec<Bits>,
    exhausted: bool,
}

fn bits(numbers: &[f64]) -> Vec<Bits> {
    numbers.iter().copied().map(Bits::from).collect()
}

fn numbers(bits: &[Bits]) -> Vec<f64> {
    bits.iter().copied().map(f64::from).collect()
}

fn vector(values: &[f64]) -> Result<Tensor, ExperimentError> {
    Ok(Tensor::from_slice(values, values.len(), &Device::Cpu)?)
}

/// The vector `probe/<name>` of this length.
fn read(tensors: &Named, name: &str, length: usize) -> Result<Vec<f64>, ExperimentError> {
    let tensor = tensors.get(name).ok_or_else(|| bad(format!("the probe lacks `{name}`")))?;
    let values = tensor.to_vec1::<f64>().map_err(|error| bad(format!("the probe's `{name}`: {error}")))?;
    if values.len() != length {
        return Err(bad(format!("the probe's `{name}` has {} numbers, not {length}", values.len())));
    }
    Ok(values)
}

impl Measurement {
    /// What a checkpoint keeps: the numbers, and the vectors by name.
    pub(crate) fn save(&self) -> Result<(Saved, Named), ExperimentError> {
        let mut tensors = Named::new();
        let saved = match &self.stage {
            Stage::Examples { position, sum, .. } => {
                Saved::Examples { position: *position, sum: (*sum).into() }
            }
            Stage::Curvature { work: Work::Ascent(None), .. } => {
                Saved::Ascent { numbers: None, steps_left: 0 }
            }
            Stage::Curvature { work: Work::Ascent(Some(ascent)), .. } => {
                let Reached { at, gradient, numbers, steps_left } = ascent.reached();
                tensors.insert("at".to_owned(), vector(at)?);
                tensors.insert("gradient".to_owned(), vector(gradient)?);
                Saved::Ascent { numbers: Some(numbers.map(Bits::from)), steps_left: *steps_left }
            }
            Stage::Curvature { work: Work::Lanczos { vector: number, iteration, done, .. }, .. } => {
                let node = |node: &Node| [node.at, node.weight, node.residual].map(Bits::from);
                let done = done.iter().map(|nodes| nodes.iter().map(node).collect()).collect();
                let mut saved = None;
                if let Some(lanczos) = iteration {
                    let (basis, Coefficients { diagonal, beside, exhausted }) = lanczos.state();
                    for (index, direction) in basis.iter().enumerate() {
                        tensors.insert(format!("basis/{index}"), vector(direction)?);
                    }
                    let (diagonal, beside) = (bits(&diagonal), bits(&beside));
                    saved = Some(SavedIteration { diagonal, beside, exhausted });
                }
                Saved::Lanczos { vector: *number, done, iteration: saved }
            }
        };
        Ok((saved, tensors))
    }

    /// Goes on from what [`Measurement::save`] gave of the same probe of the same model.
    pub(crate) fn resume<P: Problem>(
        probe: Probe,
        problem: &P,
        model: &Model,
        seed: u64,
        saved: &Saved,
        tensors: &Named,
    ) -> Result<Self, ExperimentError> {
        let mut measurement = Self::new(probe, problem, model, seed)?;
        let length = model.parameter_count();
        match (&mut measurement.stage, saved) {
            (Stage::Examples { position, end, sum, .. }, Saved::Examples { position: at, sum: bits }) => {
                if *at >= *end {
                    return Err(bad(format!("the probe is at example {at} of {end}")));
                }
                (*position, *sum) = (*at, (*bits).into());
            }
            (
                Stage::Curvature { weights, work: Work::Ascent(begun), .. },
                Saved::Ascent { numbers, steps_left },
            ) => {
                if let (Some(numbers), Probe::Sharpness { epsilon, .. }) = (numbers, probe) {
                    let reached = Reached {
                        at: read(tensors, "at", length)?,
                        gradient: read(tensors, "gradient", length)?,
                        numbers: numbers.map(f64::from),
                        steps_left: *steps_left,
                    };
                    *begun = Some(Ascent::resume(weights.clone(), epsilon, reached));
                }
            }
            (
                Stage::Curvature { work: Work::Lanczos { vector, iteration, done, .. }, .. },
                Saved::Lanczos { vector: number, done: nodes, iteration: saved },
            ) => {
                let node = |bits: &[Bits; 3]| {
                    let [at, weight, residual] = bits.map(f64::from);
                    Node { at, weight, residual }
                };
                *vector = *number;
                *done = nodes.iter().map(|nodes| nodes.iter().map(node).collect()).collect();
                if let Some(SavedIteration { diagonal, beside, exhausted }) = saved {
                    let count = diagonal.len() + usize::from(!exhausted);
                    let basis = (0..count).map(|index| read(tensors, &format!("basis/{index}"), length));
                    let (diagonal, beside) = (numbers(diagonal), numbers(beside));
                    let coefficients = Coefficients { diagonal, beside, exhausted: *exhausted };
                    let lanczos = Lanczos::resume(basis.collect::<Result<_, _>>()?, coefficients);
                    *iteration =
                        Some(lanczos.ok_or_else(|| bad("the probe's coefficients contradict each other"))?);
                }
            }
            _ => return Err(bad(format!("it was taken during another probe than {}", probe.name()))),
        }
        Ok(measurement)
    }
}
