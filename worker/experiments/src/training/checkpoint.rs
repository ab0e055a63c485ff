//! Checkpoints of the training loop.
//!
//! Tensors: `model/<parameter>`, `optimizer/<kind>/<parameter>`, `weights/<epoch>/<parameter>` (recorded so far) and what a
//! probe under way keeps, `probe/…`; the [`TrainingState`] and the record beside them, with the digest of [`crate::checkpoint`].

use basin_domain::metrics::Outcome;
use basin_kernels::LossSums;
use candle_core::DType;
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
    Train {
        position: usize,
        sums: SavedSums,
    },
    Probe {
        index: usize,
    },
    Ended {
        outcome: Outcome,
    },
}

/// [`LossSums`] as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedSums {
    pub(super) loss: Bits,
    pub(super) correct: u64,
    pub(super) count: u64,
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
            TrainingStage::Train { position, sums } => Self::Train { position, sums: sums.into() },
            TrainingStage::Probe { index } => Self::Probe { index },
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
            SavedTrainingStage::Train { position, sums } => Self::Train { position, sums: sums.into() },
            SavedTrainingStage::Probe { index } => Self::Probe { index },
            SavedTrainingStage::Ended { outcome } => Self::Ended(outcome),
        }
    }
}

impl<P: LearningProblem> Training<P> {
    pub(super) fn save(&self) -> Result<Vec<u8>, ExperimentError> {
        let mut all = NamedTensors::new();
        for (name, parameter) in self.model.parameters() {
            all.insert(format!("model/{name}"), parameter.as_detached_tensor());
        }
        for (name, tensor) in self.stepper.optimizer().state()? {
            all.insert(format!("optimizer/{name}"), tensor);
        }
        for (name, tensor) in &self.snapshots {
            all.insert(format!("weights/{name}"), tensor.clone());
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
        self.metrics = opened.metrics;
        self.snapshots = tensors::with_prefix(&all, "weights/");
        self.epoch = state.epoch;
        self.iteration = state.iteration;
        self.latest_loss = state.latest_loss.map(f64::from);
        self.stage = state.stage.into();
        self.check_position()?;
        if let (TrainingStage::Probe { index }, Some(saved)) = (self.stage, &state.measurement) {
            let probe = self.schedule.probes.probes[index];
            let tensors = tensors::with_prefix(&all, "probe/");
            let measurement =
                Measurement::resume(probe, &self.problem, &self.model, self.seed, saved, &tensors)?;
            self.measurement = Some(measurement);
        }
        Ok(())
    }

    fn restore_weights(&self, mut saved: NamedTensors) -> Result<(), ExperimentError> {
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
            TrainingStage::Evaluate { split, position, sums, .. } => {
                (position, self.problem.examples(split), sums, 0)
            }
            TrainingStage::Train { position, sums } => {
                self.draw_order();
                (position, self.order.len(), sums, position.div_ceil(self.schedule.batch_size) as u64)
            }
            TrainingStage::Probe { index } => (
                index,
                self.schedule.probes.probes.len(),
                LossSums { count: index as u64, ..LossSums::default() },
                0,
            ),
            TrainingStage::Ended(_) => return Ok(()),
        };
        let fits = position < count
            && sums.count == position as u64
            && sums.correct <= sums.count
            && self.epoch <= self.schedule.epochs
            && self.iteration == u64::from(self.epoch) * self.batches() + steps
            && self.stepper.optimizer().steps() == self.iteration;
        if fits {
            return Ok(());
        }
        Err(bad(format!(
            "its counters contradict each other: example {position} of {count}, step {}, epoch {}",
            self.iteration, self.epoch
        )))
    }
}
