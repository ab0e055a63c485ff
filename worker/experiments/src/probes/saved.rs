//! Probes under way as checkpoints hold them: numbers in the state, vectors as tensors `probe/…`.

use basin_domain::experiment::Probe;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{
    AscentState, Coefficients, CurvatureWork, Lanczos, LanczosWork, Measurement, ObjectivePass, ProbeState,
    QuadratureNode, TraceWork,
};
use crate::ExperimentError;
use crate::checkpoint::{Bits, bad};
use crate::model::Model;
use crate::tensors::NamedTensors;
use crate::training::LearningProblem;

/// The numbers of a probe under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
pub(crate) enum SavedProbe {
    /// Means over examples.
    Examples { position: usize, sum: Bits },
    /// Sharpness; without numbers it hasn't begun.
    Ascent { numbers: Option<[Bits; 4]>, steps_left: u32, pass: Option<SavedPass> },
    /// Lanczos iterations.
    Lanczos {
        vector: u32,
        done: Vec<Vec<[Bits; 2]>>,
        iteration: Option<SavedIteration>,
        pass: Option<SavedPass>,
    },
    /// The trace.
    Trace { values: Vec<Bits>, pass: Option<SavedPass> },
}

/// The numbers of a pass over the pieces of an objective; its sum is the tensor `sum`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedPass {
    piece: usize,
    value: Bits,
}

impl SavedPass {
    fn save(
        pass: Option<&ObjectivePass>,
        tensors: &mut NamedTensors,
    ) -> Result<Option<Self>, ExperimentError> {
        let Some(ObjectivePass { piece, value, sum }) = pass else { return Ok(None) };
        tensors.insert("sum".to_owned(), vector(sum)?);
        Ok(Some(Self { piece: *piece, value: (*value).into() }))
    }

    fn resume(
        self,
        tensors: &NamedTensors,
        length: usize,
        pieces: usize,
    ) -> Result<ObjectivePass, ExperimentError> {
        if self.piece >= pieces {
            return Err(bad(format!("the probe is at piece {} of {pieces}", self.piece)));
        }
        Ok(ObjectivePass { piece: self.piece, value: self.value.into(), sum: read(tensors, "sum", length)? })
    }
}

/// The numbers of an iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedIteration {
    diagonal: Vec<Bits>,
    #[serde(rename = "beside")]
    off_diagonal: Vec<Bits>,
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
fn read(tensors: &NamedTensors, name: &str, length: usize) -> Result<Vec<f64>, ExperimentError> {
    let tensor = tensors.get(name).ok_or_else(|| bad(format!("the probe lacks `{name}`")))?;
    let values = tensor.to_vec1::<f64>().map_err(|error| bad(format!("the probe's `{name}`: {error}")))?;
    if values.len() != length {
        return Err(bad(format!("the probe's `{name}` has {} numbers, not {length}", values.len())));
    }
    Ok(values)
}

impl Measurement {
    /// The content of a checkpoint: the numbers, and the vectors by name.
    pub(crate) fn save(&self) -> Result<(SavedProbe, NamedTensors), ExperimentError> {
        let mut tensors = NamedTensors::new();
        let saved = match &self.stage {
            ProbeState::Examples { position, sum, .. } => {
                SavedProbe::Examples { position: *position, sum: (*sum).into() }
            }
            ProbeState::Curvature { work: CurvatureWork::Ascent(ascent), pass, .. } => {
                let pass = SavedPass::save(pass.as_ref(), &mut tensors)?;
                match ascent.reached() {
                    None => SavedProbe::Ascent { numbers: None, steps_left: 0, pass },
                    Some(AscentState { at, gradient, value, first, best, stride, steps_left }) => {
                        tensors.insert("at".to_owned(), vector(at)?);
                        tensors.insert("gradient".to_owned(), vector(gradient)?);
                        let numbers = Some([*value, *first, *best, *stride].map(Bits::from));
                        SavedProbe::Ascent { numbers, steps_left: *steps_left, pass }
                    }
                }
            }
            ProbeState::Curvature {
                work: CurvatureWork::Lanczos(LanczosWork { number, iteration, done, .. }),
                pass,
                ..
            } => {
                let pass = SavedPass::save(pass.as_ref(), &mut tensors)?;
                let node = |node: &QuadratureNode| [node.at, node.weight].map(Bits::from);
                let done = done.iter().map(|nodes| nodes.iter().map(node).collect()).collect();
                let mut saved = None;
                if let Some(lanczos) = iteration {
                    let (basis, Coefficients { diagonal, off_diagonal, exhausted }) = lanczos.state();
                    for (index, direction) in basis.iter().enumerate() {
                        tensors.insert(format!("basis/{index}"), vector(direction)?);
                    }
                    let (diagonal, off_diagonal) = (bits(&diagonal), bits(&off_diagonal));
                    saved = Some(SavedIteration { diagonal, off_diagonal, exhausted });
                }
                SavedProbe::Lanczos { vector: *number, done, iteration: saved, pass }
            }
            ProbeState::Curvature { work: CurvatureWork::Trace(TraceWork { values, .. }), pass, .. } => {
                let pass = SavedPass::save(pass.as_ref(), &mut tensors)?;
                SavedProbe::Trace { values: bits(values), pass }
            }
        };
        Ok((saved, tensors))
    }

    /// Goes on from what [`Measurement::save`] gave of the same probe of the same model.
    pub(crate) fn resume<P: LearningProblem>(
        probe: Probe,
        problem: &P,
        model: &Model,
        seed: u64,
        start: Option<&[f64]>,
        saved: &SavedProbe,
        tensors: &NamedTensors,
    ) -> Result<Self, ExperimentError> {
        let mut measurement = Self::new(probe, problem, model, seed, start)?;
        let length = model.parameter_count();
        let pieces = measurement.pieces(problem);
        match (&mut measurement.stage, saved) {
            (
                ProbeState::Examples { position, end, sum, .. },
                SavedProbe::Examples { position: at, sum: bits },
            ) => {
                if *at >= *end {
                    return Err(bad(format!("the probe is at example {at} of {end}")));
                }
                (*position, *sum) = (*at, (*bits).into());
            }
            (
                ProbeState::Curvature { work: CurvatureWork::Ascent(ascent), pass, .. },
                SavedProbe::Ascent { numbers, steps_left, pass: saved },
            ) => {
                if let Some(numbers) = numbers {
                    let [value, first, best, stride] = numbers.map(f64::from);
                    let reached = AscentState {
                        at: read(tensors, "at", length)?,
                        gradient: read(tensors, "gradient", length)?,
                        value,
                        first,
                        best,
                        stride,
                        steps_left: *steps_left,
                    };
                    *ascent = ascent.clone().resume(reached);
                }
                *pass = saved.map(|saved| saved.resume(tensors, length, pieces)).transpose()?;
            }
            (
                ProbeState::Curvature { work: CurvatureWork::Lanczos(work), pass, .. },
                SavedProbe::Lanczos { vector: number, done: nodes, iteration: saved, pass: saved_pass },
            ) => {
                let node = |bits: &[Bits; 2]| {
                    let [at, weight] = bits.map(f64::from);
                    QuadratureNode { at, weight }
                };
                if !work.layers.is_empty() && *number as usize >= work.layers.len() {
                    return Err(bad(format!("the probe is at layer {number} of {}", work.layers.len())));
                }
                work.number = *number;
                work.done = nodes.iter().map(|nodes| nodes.iter().map(node).collect()).collect();
                if let Some(SavedIteration { diagonal, off_diagonal, exhausted }) = saved {
                    let count = diagonal.len() + usize::from(!exhausted);
                    let basis = (0..count)
                        .map(|index| read(tensors, &format!("basis/{index}"), work.dimension(length)));
                    let (diagonal, off_diagonal) = (numbers(diagonal), numbers(off_diagonal));
                    let coefficients = Coefficients { diagonal, off_diagonal, exhausted: *exhausted };
                    let lanczos = Lanczos::resume(basis.collect::<Result<_, _>>()?, coefficients);
                    work.iteration =
                        Some(lanczos.ok_or_else(|| bad("the probe's coefficients contradict each other"))?);
                }
                *pass = saved_pass.map(|saved| saved.resume(tensors, length, pieces)).transpose()?;
            }
            (
                ProbeState::Curvature { work: CurvatureWork::Trace(work), pass, .. },
                SavedProbe::Trace { values, pass: saved },
            ) => {
                work.values = numbers(values);
                *pass = saved.map(|saved| saved.resume(tensors, length, pieces)).transpose()?;
            }
            _ => return Err(bad(format!("it was taken during another probe than {}", probe.name()))),
        }
        Ok(measurement)
    }
}
