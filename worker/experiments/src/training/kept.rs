//! What a run keeps of its training: how it begins, and the weights and states that it leaves to others.

use basin_domain::experiment::Branch;
use basin_domain::experiment::series::training as series;
use basin_domain::metrics::Outcome;
use basin_kernels::LossSums;
use candle_core::{Device, Tensor};

use super::origin::{Beginning, COUNTERS, StateCounters, unusable};
use super::{LearningProblem, Split, Training, TrainingStage, When};
use crate::ExperimentError;
use crate::tensors::NamedTensors;

impl<P: LearningProblem> Training<P> {
    /// Begins with what there is to begin with.
    pub(super) fn begin(&mut self, beginning: Beginning) -> Result<(), ExperimentError> {
        if beginning.has_diverged {
            self.stage = TrainingStage::Ended(Outcome::Diverged { iteration: 0 });
            return Ok(());
        }
        let Beginning { origin, optimizer, average, starts, latest_loss, .. } = beginning;
        self.metrics.record(&series::PARAMETERS, 0.0, self.model.parameter_count() as f64);
        if let Some(mask) = self.mask.as_ref().filter(|_| self.schedule.settings.prune.is_some()) {
            self.metrics.record(&series::REMAINING_WEIGHTS, 0.0, mask.remaining());
        }
        self.iteration = origin.step;
        self.epoch = self.timetable.clock().whole_epochs(origin.step);
        self.latest_loss = latest_loss;
        self.starts = starts;
        if let Some(state) = optimizer {
            let restored = self.stepper.optimizer_mut().restore(origin.optimizer_steps, &state);
            restored.map_err(|error| {
                unusable(Branch::INPUT, format!("the optimiser here is another: {error}"))
            })?;
        }
        if let (Some(average), Some(saved)) = (self.stepper.average_mut(), average) {
            average.restore(origin.average_steps, &self.model, saved)?;
        }
        self.keep_weights()?;
        self.keep_state(origin.sums)?;
        self.stage = match origin.goes_on {
            true => self.after_step(origin.sums)?,
            false => TrainingStage::evaluation(When::Before, Split::Train),
        };
        Ok(())
    }

    /// Keeps the weights, if they are recorded now.
    pub(super) fn keep_weights(&mut self) -> Result<(), ExperimentError> {
        if let Some(place) = self.timetable.snapshot(self.iteration) {
            self.stepper.sync_to_host(&self.model)?;
            for (name, parameter) in self.model.parameters() {
                self.snapshots.insert(format!("{place}/{name}"), parameter.as_tensor().copy()?.detach());
            }
        }
        Ok(())
    }

    /// Keeps the whole state, if it is due now: all that training depends on from here, with the sums since the last recorded point.
    pub(super) fn keep_state(&mut self, sums: LossSums) -> Result<(), ExperimentError> {
        if !self.timetable.keeps_state(self.iteration) {
            return Ok(());
        }
        self.stepper.sync_to_host(&self.model)?;
        let mut state = NamedTensors::new();
        for (name, variable) in self.model.state() {
            state.insert(format!("model/{name}"), variable.as_tensor().copy()?.detach());
        }
        let optimizer = self.stepper.optimizer();
        for (name, tensor) in optimizer.state()? {
            state.insert(format!("optimizer/{name}"), tensor);
        }
        if let Some(average) = self.stepper.average() {
            for (name, tensor) in average.tensors(&self.model)? {
                state.insert(format!("average/{name}"), tensor);
            }
        }
        for (name, start) in &self.starts {
            state.insert(format!("start/{name}"), Tensor::from_slice(start, start.len(), &Device::Cpu)?);
        }
        let counters = StateCounters {
            optimizer_steps: optimizer.steps(),
            average_steps: self.stepper.average().map_or(0, |_| self.average_steps(self.iteration)),
            sums,
            latest_loss: self.latest_loss,
        };
        state.insert(COUNTERS.to_owned(), counters.tensor()?);
        let step = self.iteration;
        self.states.extend(state.into_iter().map(|(name, tensor)| (format!("{step}/{name}"), tensor)));
        Ok(())
    }

    /// The steps that the average of weights has seen after step `step`.
    pub(super) const fn average_steps(&self, step: u64) -> u64 {
        self.origin.average_steps + step.saturating_sub(self.origin.step)
    }

    /// The steps that the optimiser has taken after step `step`.
    pub(super) const fn optimizer_steps(&self, step: u64) -> u64 {
        self.origin.optimizer_steps + step.saturating_sub(self.origin.step)
    }
}
