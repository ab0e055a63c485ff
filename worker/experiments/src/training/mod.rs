//! The training loop that all kinds share.
//!
//! A run is a sequence of [`TrainingStage`]s: evaluations before the first epoch, then epoch by epoch its steps and the
//! evaluations and probes behind it, then the last evaluation. Between any two pieces of work the whole state is weights, optimiser,
//! stage and record, and that is what a checkpoint holds.

use std::collections::BTreeMap;

use basin_domain::experiment::series::probe::LARGEST_EIGENVALUE_RESIDUAL;
use basin_domain::experiment::series::training as series;
use basin_domain::experiment::{Probe, ProbeSchedule, Recording};
use basin_domain::id::TaskId;
use basin_domain::metrics::{Metrics, Outcome, Series};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_domain::task::TaskSpec;
use basin_kernels::LossSums;

use crate::accelerator::{Accelerator, PassSums};
use crate::model::Model;
use crate::probes::{self, EigenvalueEstimate, Measurement, ProbeResult};
use crate::tensors::{self, NamedTensors};
use crate::{Advance, ExperimentError, Finished, Progress, Run};

mod checkpoint;
mod learning_problem;
mod stage;
pub mod step;
#[cfg(test)]
mod tests;

pub(crate) use checkpoint::SavedSums;
pub use learning_problem::{Batch, LearningProblem, Outputs, TrainingLoss, evaluate};
pub use stage::{Split, TrainingStage, When};
pub use step::Stepper;

/// Examples that one advance evaluates. Landscapes take the same: their sums have the same bytes.
pub(crate) const EVALUATION_CHUNK: usize = 512;

/// The parameters of training that all kinds share.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Examples a batch; the last of an epoch may be smaller.
    pub batch_size: usize,
    /// Passes over the training examples.
    pub epochs: u32,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The recorded series.
    pub recording: Recording,
    /// The probes, and when they are due.
    pub probes: ProbeSchedule,
}

/// A run of one problem.
pub struct Training<P> {
    task: TaskId,
    seed: u64,
    schedule: Schedule,
    problem: P,
    model: Model,
    stepper: Stepper,
    stage: TrainingStage,
    /// The order of the current epoch's examples.
    order: Vec<u32>,
    /// Epochs whose steps are done.
    epoch: u32,
    iteration: u64,
    latest_loss: Option<f64>,
    metrics: Metrics,
    /// Recorded weights, as `<epoch>/<parameter>`.
    snapshots: NamedTensors,
    /// The probe under way.
    measurement: Option<Measurement>,
}

impl<P: LearningProblem> Training<P> {
    /// Starts to train `model`, on a device if there is one, or goes on from a checkpoint of the same task.
    ///
    /// # Errors
    /// If the schedule can't be followed, or the checkpoint can't be used.
    pub fn start(
        spec: &TaskSpec,
        schedule: Schedule,
        problem: P,
        model: Model,
        accelerator: Option<&Accelerator>,
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, ExperimentError> {
        if schedule.batch_size == 0 {
            return Err(ExperimentError::InvalidParameters("a batch needs at least one example".to_owned()));
        }
        if schedule.recording.weights_every == Some(0) {
            let reason = "weights can be recorded every epoch at most, not every 0 epochs".to_owned();
            return Err(ExperimentError::InvalidParameters(reason));
        }
        probes::check(&schedule.probes, model.parameter_count())?;
        let stepper = Stepper::new::<P>(&schedule.optimizer, &model, accelerator)?;
        let mut training = Self {
            task: spec.id(),
            seed: spec.seed,
            schedule,
            problem,
            model,
            stepper,
            stage: TrainingStage::evaluation(When::Before, Split::Train),
            order: Vec::new(),
            epoch: 0,
            iteration: 0,
            latest_loss: None,
            metrics: Metrics::default(),
            snapshots: NamedTensors::new(),
            measurement: None,
        };
        match checkpoint {
            Some(bytes) => training.restore(bytes)?,
            None => {
                training.metrics.record(&series::PARAMETERS, 0.0, training.model.parameter_count() as f64);
                training.keep_weights()?;
            }
        }
        Ok(training)
    }

    fn batches(&self) -> u64 {
        self.problem.examples(Split::Train).div_ceil(self.schedule.batch_size) as u64
    }

    /// The order in which the epoch after the current one sees its examples: drawn by (seed, epoch) alone.
    ///
    /// If one batch takes them all, their order has no meaning, and they stay as they are.
    fn draw_order(&mut self) {
        let count = self.problem.examples(Split::Train);
        if self.order.len() != count || self.schedule.batch_size < count {
            self.order = (0..count as u32).collect();
        }
        if self.schedule.batch_size < count {
            let name = format!("epoch/{}/order", self.epoch + 1);
            Stream::new(self.seed, &name).shuffle(&mut self.order);
        }
    }

    /// Keeps the weights, if the current epoch is one at which they are recorded.
    fn keep_weights(&mut self) -> Result<(), ExperimentError> {
        if self.schedule.recording.weights_every.is_some_and(|every| self.epoch.is_multiple_of(every)) {
            self.stepper.sync_to_host(&self.model)?;
            for (name, parameter) in self.model.parameters() {
                self.snapshots
                    .insert(format!("{}/{name}", self.epoch), parameter.as_tensor().copy()?.detach());
            }
        }
        Ok(())
    }

    fn train(&mut self, position: usize, mut sums: LossSums) -> Result<TrainingStage, ExperimentError> {
        let end = (position + self.schedule.batch_size).min(self.order.len());
        let next = &self.order[end..(end + self.schedule.batch_size).min(self.order.len())];
        let PassSums { sums: batch, gradient_norm: norm } =
            self.stepper.step(&self.problem, &self.model, &self.order[position..end], next)?;
        let norm = finite_or_nan(norm);
        let mean = batch.loss / batch.count as f64;
        self.latest_loss = Some(mean);
        self.iteration += 1;
        if self.schedule.recording.gradient_norm {
            self.metrics.record(&series::BATCH_LOSS, self.iteration as f64, mean);
            self.metrics.record(&series::GRADIENT_NORM, self.iteration as f64, norm);
        }
        if !(mean.is_finite() && norm.is_finite()) {
            return Ok(TrainingStage::Ended(Outcome::Diverged { iteration: self.iteration }));
        }
        sums += batch;
        if end < self.order.len() {
            return Ok(TrainingStage::Train { position: end, sums });
        }
        self.epoch += 1;
        self.keep_weights()?;
        match P::TRAINING_LOSS {
            TrainingLoss::RunningMean => {
                self.push_means(Split::Train, sums);
                self.after_training_loss(When::Epoch)
            }
            TrainingLoss::Evaluated => Ok(TrainingStage::evaluation(When::Epoch, Split::Train)),
        }
    }

    fn evaluate(
        &mut self,
        when: When,
        split: Split,
        position: usize,
        mut sums: LossSums,
    ) -> Result<TrainingStage, ExperimentError> {
        let count = self.problem.examples(split);
        let end = (position + EVALUATION_CHUNK).min(count);
        let positions: Vec<u32> = (position as u32..(end + EVALUATION_CHUNK).min(count) as u32).collect();
        let (positions, next) = positions.split_at(end - position);
        sums += self.stepper.evaluate(&self.problem, &self.model, split, positions, next)?;
        if end < count {
            return Ok(TrainingStage::Evaluate { when, split, position: end, sums });
        }
        match when {
            When::Before | When::Epoch => self.push_means(split, sums),
            When::After => self.set_final(sums),
        }
        if !sums.loss.is_finite() {
            return Ok(TrainingStage::Ended(Outcome::Diverged { iteration: self.iteration }));
        }
        match (when, split) {
            (When::After, _) => self.conclude(),
            (When::Before | When::Epoch, Split::Train) => self.after_training_loss(when),
            (When::Before | When::Epoch, Split::Test) => self.probe_from(0),
        }
    }

    fn after_training_loss(&mut self, when: When) -> Result<TrainingStage, ExperimentError> {
        if self.problem.examples(Split::Test) > 0 {
            Ok(TrainingStage::evaluation(when, Split::Test))
        } else {
            self.probe_from(0)
        }
    }

    /// The next probe that is due, from this one on; the next epoch if none is.
    fn probe_from(&mut self, first: usize) -> Result<TrainingStage, ExperimentError> {
        let is_last = self.epoch == self.schedule.epochs;
        let is_between = self.schedule.probes.every.is_some_and(|every| self.epoch.is_multiple_of(every));
        let is_due = |probe: &Probe| is_last || is_between && !matches!(probe, Probe::Spectrum { .. });
        let mut probes = self.schedule.probes.probes.iter().enumerate().skip(first);
        match probes.find(|(_, probe)| is_due(probe)) {
            Some((index, _)) => Ok(TrainingStage::Probe { index }),
            None => self.next_epoch(),
        }
    }

    fn probe(&mut self, index: usize) -> Result<TrainingStage, ExperimentError> {
        let probe = self.schedule.probes.probes[index];
        let measurement = match &mut self.measurement {
            Some(measurement) => measurement,
            None => {
                self.stepper.sync_to_host(&self.model)?;
                let measurement = Measurement::new(probe, &self.problem, &self.model, self.seed)?;
                self.measurement.insert(measurement)
            }
        };
        let Some(found) = measurement.advance(&self.problem, &self.model)? else {
            return Ok(TrainingStage::Probe { index });
        };
        self.measurement = None;
        match found {
            ProbeResult::Number(value) => {
                let value = finite_or_nan(value);
                self.metrics.record(&probe.declaration(), f64::from(self.epoch), value);
            }
            ProbeResult::Eigenvalue(EigenvalueEstimate { value, residual }) => {
                let epoch = f64::from(self.epoch);
                self.metrics.record(&probe.declaration(), epoch, value);
                self.metrics.record(&LARGEST_EIGENVALUE_RESIDUAL, epoch, residual);
            }
            ProbeResult::Density(points) => {
                let declared = probe.declaration();
                let series = Series { axis: declared.axis, points };
                self.metrics.series.insert(declared.name.to_owned(), series);
            }
        }
        self.probe_from(index + 1)
    }

    fn next_epoch(&mut self) -> Result<TrainingStage, ExperimentError> {
        if self.epoch < self.schedule.epochs {
            self.draw_order();
            return Ok(TrainingStage::Train { position: 0, sums: LossSums::default() });
        }
        match P::TRAINING_LOSS {
            TrainingLoss::RunningMean => Ok(TrainingStage::evaluation(When::After, Split::Train)),
            TrainingLoss::Evaluated => {
                if let Some(last) = self.metrics.last(series::TRAIN_LOSS.name) {
                    self.metrics.record(&series::FINAL_TRAIN_LOSS, 0.0, last);
                }
                self.conclude()
            }
        }
    }

    fn conclude(&mut self) -> Result<TrainingStage, ExperimentError> {
        self.stepper.sync_to_host(&self.model)?;
        self.problem.conclude(&self.model, &mut self.metrics)?;
        Ok(TrainingStage::Ended(Outcome::Completed))
    }

    fn push_means(&mut self, split: Split, sums: LossSums) {
        let epoch = f64::from(self.epoch);
        let (loss, accuracy) = (sums.loss / sums.count as f64, sums.correct as f64 / sums.count as f64);
        self.metrics.record(&series::loss_on(split), epoch, loss);
        if P::HAS_ACCURACY {
            self.metrics.record(&series::accuracy_on(split), epoch, accuracy);
        }
    }

    fn set_final(&mut self, sums: LossSums) {
        self.metrics.record(&series::FINAL_TRAIN_LOSS, 0.0, sums.loss / sums.count as f64);
        if P::HAS_ACCURACY {
            self.metrics.record(&series::FINAL_TRAIN_ACCURACY, 0.0, sums.correct as f64 / sums.count as f64);
        }
    }
}

/// A number that was added up from gradients. Where one of them isn't finite, how many others it spoils depends on the registers'
/// width, and so would whether the sum is infinite or no number.
fn finite_or_nan(sum: f64) -> f64 {
    if sum.is_finite() { sum } else { f64::NAN }
}

impl<P: LearningProblem> Run for Training<P> {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        self.stage = match self.stage {
            TrainingStage::Evaluate { when, split, position, sums } => {
                self.evaluate(when, split, position, sums)?
            }
            TrainingStage::Train { position, sums } => self.train(position, sums)?,
            TrainingStage::Probe { index } => self.probe(index)?,
            TrainingStage::Ended(outcome) => TrainingStage::Ended(outcome),
        };
        Ok(match self.stage {
            TrainingStage::Ended(_) => Advance::Done,
            TrainingStage::Evaluate { .. } | TrainingStage::Train { .. } | TrainingStage::Probe { .. } => {
                Advance::More
            }
        })
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.iteration,
            iterations: self.batches() * u64::from(self.schedule.epochs),
            epoch: self.epoch,
            epochs: self.schedule.epochs,
            loss: self.latest_loss,
        }
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        self.stepper.sync_to_host(&self.model)?;
        self.save()
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, ExperimentError> {
        let TrainingStage::Ended(outcome) = self.stage else { return Err(ExperimentError::NotDone) };
        self.stepper.sync_to_host(&self.model)?;
        let mut results: NamedTensors = BTreeMap::new();
        for (name, parameter) in self.model.parameters() {
            results.insert(format!("model/{name}"), parameter.as_detached_tensor());
        }
        for (name, snapshot) in &self.snapshots {
            results.insert(format!("weights/{name}"), snapshot.clone());
        }
        let result = tensors::serialize_results(results, outcome)?;
        Ok(Finished { outcome, metrics: self.metrics, result })
    }
}
