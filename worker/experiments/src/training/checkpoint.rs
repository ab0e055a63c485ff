//! Checkpoints: all that the rest of a run depends on, as safetensors.
//!
//! Tensors: `model/<parameter>`, `optimizer/<kind>/<parameter>`, `weights/<epoch>/<parameter>` (recorded so far) and
//! `record/<series>` (`[points, 2]`, `f64`). The note beside them is a digest of everything and the [`State`] as JSON.

use std::collections::BTreeMap;

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::record::{Axis, Outcome, Record, Series};
use basin_kernels::LossSums;
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Part, Problem, Stage, Training, When};
use crate::ExperimentError;
use crate::tensors::{self, Named};

/// Raised whenever the layout changes.
const FORMAT: u32 = 1;

/// The counters of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    format: u32,
    task: TaskId,
    /// The kernels' code path that wrote it: another rounds differently, and the run would end with other bytes.
    code_path: String,
    epoch: u32,
    iteration: u64,
    optimizer_steps: u64,
    latest_loss: Option<Bits>,
    stage: SavedStage,
    axes: BTreeMap<String, Axis>,
}

/// A number as its bits: JSON knows neither NaN nor infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Bits(u64);

/// [`Stage`] as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
enum SavedStage {
    Evaluate { when: When, part: Part, position: usize, sums: SavedSums },
    Train { position: usize, sums: SavedSums },
    Ended { outcome: Outcome },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SavedSums {
    loss: Bits,
    correct: u64,
    count: u64,
}

impl From<LossSums> for SavedSums {
    fn from(sums: LossSums) -> Self {
        Self { loss: Bits(sums.loss.to_bits()), correct: sums.correct, count: sums.count }
    }
}

impl From<SavedSums> for LossSums {
    fn from(sums: SavedSums) -> Self {
        Self { loss: f64::from_bits(sums.loss.0), correct: sums.correct, count: sums.count }
    }
}

impl From<Stage> for SavedStage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Evaluate { when, part, position, sums } => {
                Self::Evaluate { when, part, position, sums: sums.into() }
            }
            Stage::Train { position, sums } => Self::Train { position, sums: sums.into() },
            Stage::Ended(outcome) => Self::Ended { outcome },
        }
    }
}

impl From<SavedStage> for Stage {
    fn from(stage: SavedStage) -> Self {
        match stage {
            SavedStage::Evaluate { when, part, position, sums } => {
                Self::Evaluate { when, part, position, sums: sums.into() }
            }
            SavedStage::Train { position, sums } => Self::Train { position, sums: sums.into() },
            SavedStage::Ended { outcome } => Self::Ended(outcome),
        }
    }
}

fn digest(tensors: &Named, state: &str) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(state.as_bytes());
    tensors::hash(tensors, &mut hasher);
    Digest::from_bytes(*hasher.finalize().as_bytes())
}

fn bad(reason: impl Into<String>) -> ExperimentError {
    ExperimentError::BadCheckpoint(reason.into())
}

fn record_tensors(record: &Record) -> Result<Named, ExperimentError> {
    record
        .series
        .iter()
        .map(|(name, series)| {
            let values: Vec<f64> = series.points.iter().flat_map(|&(x, value)| [x, value]).collect();
            let points = Tensor::from_vec(values, (series.points.len(), 2), &Device::Cpu)?;
            Ok((format!("record/{name}"), points))
        })
        .collect()
}

fn read_record(all: &Named, axes: &BTreeMap<String, Axis>) -> Result<Record, ExperimentError> {
    let mut record = Record::default();
    for (name, points) in tensors::with_prefix(all, "record/") {
        let axis = *axes.get(&name).ok_or_else(|| bad(format!("the series `{name}` has no axis")))?;
        let rows = points.to_vec2::<f64>().map_err(|error| bad(format!("the series `{name}`: {error}")))?;
        if points.dims()[1] != 2 {
            return Err(bad(format!("the series `{name}` has no pairs")));
        }
        record
            .series
            .insert(name, Series { axis, points: rows.iter().map(|row| (row[0], row[1])).collect() });
    }
    Ok(record)
}

impl<P: Problem> Training<P> {
    pub(super) fn save(&self) -> Result<Vec<u8>, ExperimentError> {
        let mut all = record_tensors(&self.record)?;
        for (name, parameter) in self.model.parameters() {
            all.insert(format!("model/{name}"), parameter.as_detached_tensor());
        }
        for (name, tensor) in self.optimizer.state()? {
            all.insert(format!("optimizer/{name}"), tensor);
        }
        for (name, tensor) in &self.snapshots {
            all.insert(format!("weights/{name}"), tensor.clone());
        }
        let state = State {
            format: FORMAT,
            task: self.task,
            code_path: basin_kernels::code_path().to_owned(),
            epoch: self.epoch,
            iteration: self.iteration,
            optimizer_steps: self.optimizer.steps(),
            latest_loss: self.latest_loss.map(|loss| Bits(loss.to_bits())),
            stage: self.stage.into(),
            axes: self.record.series.iter().map(|(name, series)| (name.clone(), series.axis)).collect(),
        };
        let state = serde_json::to_string(&state).expect("a state has text keys and whole numbers only");
        tensors::serialize(&all, Some(format!("{}{state}", digest(&all, &state))))
    }

    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), ExperimentError> {
        let (all, note) = tensors::deserialize(bytes).map_err(bad)?;
        let (expected, text) = note.split_at_checked(64).ok_or_else(|| bad("it carries no state"))?;
        if expected != digest(&all, text).to_string() {
            return Err(bad("its content doesn't have its digest"));
        }
        let state: State = serde_json::from_str(text).map_err(|error| bad(format!("its state: {error}")))?;
        if state.format != FORMAT {
            return Err(bad(format!("its format is version {}, not {FORMAT}", state.format)));
        }
        if state.task != self.task {
            return Err(bad(format!("it is of task {}, not {}", state.task.short(), self.task.short())));
        }
        let code_path = basin_kernels::code_path();
        if state.code_path != code_path {
            return Err(bad(format!(
                "it was written by the code path {} and this is {code_path}: the run would end with other bytes",
                state.code_path
            )));
        }
        self.restore_weights(tensors::with_prefix(&all, "model/"))?;
        self.optimizer
            .restore(state.optimizer_steps, &tensors::with_prefix(&all, "optimizer/"))
            .map_err(|error| bad(error.to_string()))?;
        self.record = read_record(&all, &state.axes)?;
        self.snapshots = tensors::with_prefix(&all, "weights/");
        self.epoch = state.epoch;
        self.iteration = state.iteration;
        self.latest_loss = state.latest_loss.map(|Bits(bits)| f64::from_bits(bits));
        self.stage = state.stage.into();
        self.check_position()
    }

    fn restore_weights(&self, mut saved: Named) -> Result<(), ExperimentError> {
        for (name, parameter) in self.model.parameters() {
            let tensor = saved.remove(name).ok_or_else(|| bad(format!("it lacks the parameter `{name}`")))?;
            if tensor.dims() != parameter.dims() || tensor.dtype() != DType::F32 {
                return Err(bad(format!("the parameter `{name}` has the shape {:?}", tensor.dims())));
            }
            parameter.set(&tensor)?;
        }
        match saved.keys().next() {
            None => Ok(()),
            Some(name) => Err(bad(format!("there is no parameter `{name}`"))),
        }
    }

    /// Whether stage, sums and counters fit together; also draws the order of an epoch that the run is in the middle of.
    fn check_position(&mut self) -> Result<(), ExperimentError> {
        let (position, count, sums, steps) = match self.stage {
            Stage::Evaluate { part, position, sums, .. } => (position, self.problem.examples(part), sums, 0),
            Stage::Train { position, sums } => {
                self.draw_order();
                (position, self.order.len(), sums, position.div_ceil(self.schedule.batch_size) as u64)
            }
            Stage::Ended(_) => return Ok(()),
        };
        let fits = position < count
            && sums.count == position as u64
            && sums.correct <= sums.count
            && self.epoch <= self.schedule.epochs
            && self.iteration == u64::from(self.epoch) * self.batches() + steps
            && self.optimizer.steps() == self.iteration;
        if fits {
            return Ok(());
        }
        Err(bad(format!(
            "its counters contradict each other: example {position} of {count}, step {}, epoch {}",
            self.iteration, self.epoch
        )))
    }
}
