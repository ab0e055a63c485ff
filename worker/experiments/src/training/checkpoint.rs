//! Checkpoints of the training loop.
//!
//! Tensors: `model/<parameter or buffer>`, `optimizer/<kind>/<parameter>`, `average/<parameter>` if weights are averaged,
//! `weights/<epoch or step>/<parameter>` and `states/<step>/…` (recorded so far), what a probe under way keeps, `probe/…`, and where one starts that begins
//! where it ended, `start/<probe>`; the [`TrainingState`] and the record beside them, with the digest of [`crate::checkpoint`].

use basin_domain::experiment::StopReason;
use basin_domain::metrics::Outcome;
use basin_kernels::LossSums;
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{LearningProblem, Split, Training, TrainingStage, When};
use crate::ExperimentError;
use crate::checkpoint::{self, Bits, bad};
use crate::probes::{Measurement, SavedProbe};
use crate::tensors::{self, NamedTensors};

/// Raised whenever the layout changes.
pub(super) const FORMAT: u32 = 2;

/// The counters of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TrainingState {
    pub(super) epoch: u32,
    pub(super) iteration: u64,
    pub(super) optimizer_steps: u64,
    pub(super) latest_loss: Option<Bits>,
    pub(super) stage: SavedTrainingStage,
    /// The probe under way.
    #[serde(default)]
    pub(super) measurement: Option<SavedProbe>,
    /// The rule that ended training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stopped: Option<StopReason>,
}

/// [`TrainingStage`] as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub(super) enum SavedTrainingStage {
    Evaluate {
        when: When,
        #[serde(rename = "part")]
        split: Split,
        position: usize,
        sums: SavedSums,
    },
    EvaluateAverage {
        #[serde(rename = "part")]
        split: Split,
        position: usize,
        sums: SavedSums,
    },
    Train {
        position: usize,
        sums: SavedSums,
    },
    Probe {
        index: usize,
        #[serde(default, skip_serializing_if = "SavedSums::is_empty")]
        sums: SavedSums,
    },
    Ended {
        outcome: Outcome,
    },
}

/// [`LossSums`] as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SavedSums {
    pub(super) loss: Bits,
    pub(super) correct: u64,
    pub(super) count: u64,
}

impl SavedSums {
    const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl From<LossSums> for SavedSums {
    fn from(sums: LossSums) -> Self {
        Self { loss: sums.loss.into(), correct: sums.correct, count: sums.count }
    }
}

impl From<SavedSums> for LossSums {
    fn from(sums: SavedSums) -> Self {
        Self { loss: sums.loss.into(), correct: sums.correct, count: sums.count }
    }
}

impl From<TrainingStage> for SavedTrainingStage {
    fn from(stage: TrainingStage) -> Self {
        match stage {
            TrainingStage::Evaluate { when, split, position, sums } => {
                Self::Evaluate { when, split, position, sums: sums.into() }
            }
            TrainingStage::EvaluateAverage { split, position, sums } => {
                Self::EvaluateAverage { split, position, sums: sums.into() }
            }
            TrainingStage::Train { position, sums } => Self::Train { position, sums: sums.into() },
            TrainingStage::Probe { index, sums } => Self::Probe { index, sums: sums.into() },
            TrainingStage::Ended(outcome) => Self::Ended { outcome },
        }
    }
}

impl From<SavedTrainingStage> for TrainingStage {
    fn from(stage: SavedTrainingStage) -> Self {
        match stage {
            SavedTrainingStage::Evaluate { when, split, position, sums } => {
                Self::Evaluate { when, split, position, sums: sums.into() }
            }
            SavedTrainingStage::EvaluateAverage { split, position, sums } => {
                Self::EvaluateAverage { split, position, sums: sums.into() }
            }
            SavedTrainingStage::Train { position, sums } => Self::Train { position, sums: sums.into() },
            SavedTrainingStage::Probe { index, sums } => Self::Probe { index, sums: sums.into() },
            SavedTrainingStage::Ended { outcome } => Self::Ended(outcome),
        }
    }
}

impl<P: LearningProblem> Training<P> {
    pub(super) fn save(&self) -> Result<Vec<u8>, ExperimentError> {
        let mut all = NamedTensors::new();
        for (name, variable) in self.model.state() {
            all.insert(format!("model/{name}"), variable.as_detached_tensor());
        }
        for (name, tensor) in self.stepper.optimizer().state()? {
            all.insert(format!("optimizer/{name}"), tensor);
        }
        for (name, tensor) in &self.snapshots {
            all.insert(format!("weights/{name}"), tensor.clone());
        }
        for (name, tensor) in &self.states {
            all.insert(format!("states/{name}"), tensor.clone());
        }
        if let Some(average) = self.stepper.average() {
            let averaged = average.tensors(&self.model)?.into_iter();
            all.extend(averaged.map(|(name, tensor)| (format!("average/{name}"), tensor)));
        }
        for (name, start) in &self.starts {
            all.insert(format!("start/{name}"), Tensor::from_slice(start, start.len(), &Device::Cpu)?);
        }
        let mut measurement = None;
        if let Some(under_way) = &self.measurement {
            let (saved, tensors) = under_way.save()?;
            all.extend(tensors.into_iter().map(|(name, tensor)| (format!("probe/{name}"), tensor)));
            measurement = Some(saved);
        }
        let state = TrainingState {
            epoch: self.epoch,
            iteration: self.iteration,
            optimizer_steps: self.stepper.optimizer().steps(),
            latest_loss: self.latest_loss.map(Bits::from),
            stage: self.stage.into(),
            measurement,
            stopped: self.stopped,
        };
        checkpoint::encode(self.task, FORMAT, &state, all, &self.metrics)
    }

    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), ExperimentError> {
        let opened = checkpoint::open::<TrainingState>(bytes, self.task, FORMAT)?;
        let (state, all) = (opened.state, opened.tensors);
        self.restore_weights(tensors::with_prefix(&all, "model/"))?;
        self.stepper
            .optimizer_mut()
            .restore(state.optimizer_steps, &tensors::with_prefix(&all, "optimizer/"))
            .map_err(|error| bad(error.to_string()))?;
        let average_steps = self.average_steps(state.iteration);
        if let Some(average) = self.stepper.average_mut() {
            average.restore(average_steps, &self.model, tensors::with_prefix(&all, "average/"))?;
        }
        self.metrics = opened.metrics;
        self.snapshots = tensors::with_prefix(&all, "weights/");
        self.states = tensors::with_prefix(&all, "states/");
        self.epoch = state.epoch;
        self.iteration = state.iteration;
        self.latest_loss = state.latest_loss.map(f64::from);
        self.stopped = state.stopped;
        self.stage = state.stage.into();
        for (name, start) in tensors::with_prefix(&all, "start/") {
            let numbers =
                start.to_vec1::<f64>().map_err(|error| bad(format!("the start of `{name}`: {error}")))?;
            if numbers.len() != self.model.parameter_count() {
                return Err(bad(format!("the start of `{name}` has {} numbers", numbers.len())));
            }
            self.starts.insert(name, numbers);
        }
        self.check_position()?;
        if let (TrainingStage::Probe { index, .. }, Some(saved)) = (self.stage, &state.measurement) {
            let probe = self.schedule.settings.probes.probes[index];
            let tensors = tensors::with_prefix(&all, "probe/");
            let start = self.starts.get(probe.name()).map(Vec::as_slice);
            let measurement =
                Measurement::resume(probe, &self.problem, &self.model, self.seed, start, saved, &tensors)?;
            self.measurement = Some(measurement);
        }
        Ok(())
    }

    fn restore_weights(&self, mut saved: NamedTensors) -> Result<(), ExperimentError> {
        for (name, parameter) in self.model.state() {
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
        let clock = *self.timetable.clock();
        let terms = self.problem.terms() as u64;
        let carried = if self.timetable.has_recorded(self.iteration) { 0 } else { self.origin.sums.count };
        let since_recorded = self.timetable.examples_since_recorded(self.iteration);
        let since_recorded = since_recorded.saturating_mul(terms).saturating_add(carried);
        let (position, count, sums, expected) = match self.stage {
            TrainingStage::Evaluate { split, position, sums, .. }
            | TrainingStage::EvaluateAverage { split, position, sums } => {
                (position, self.problem.examples(split), sums, (position as u64).saturating_mul(terms))
            }
            TrainingStage::Train { position, sums } => {
                (position, self.problem.examples(Split::Train), sums, since_recorded)
            }
            TrainingStage::Probe { index, sums } => {
                (index, self.schedule.settings.probes.probes.len(), sums, since_recorded)
            }
            TrainingStage::Ended(_) => return Ok(()),
        };
        let is_at_its_step = match self.stage {
            TrainingStage::Train { position, .. } => {
                position as u64 == clock.position(self.iteration) && !self.is_at_the_end()
            }
            TrainingStage::Evaluate { .. }
            | TrainingStage::EvaluateAverage { .. }
            | TrainingStage::Probe { .. }
            | TrainingStage::Ended(_) => true,
        };
        let fits = position < count
            && sums.count == expected
            && sums.correct <= sums.count
            && (self.origin.step..=clock.steps()).contains(&self.iteration)
            && self.epoch == clock.whole_epochs(self.iteration)
            && is_at_its_step
            && self.stepper.optimizer().steps() == self.optimizer_steps(self.iteration);
        if fits {
            // Not before: an epoch that isn't one of the run's has no order.
            if let TrainingStage::Train { .. } = self.stage {
                self.draw_order();
            }
            return Ok(());
        }
        Err(bad(format!(
            "its counters contradict each other: example {position} of {count}, step {}, epoch {}",
            self.iteration, self.epoch
        )))
    }
}
