//! The training loop that all kinds share, and what a kind tells it.
//!
//! A run is a sequence of [`Stage`]s: evaluations before the first epoch, then epoch by epoch its steps and the
//! evaluations behind it, then the last evaluation. Between any two pieces of work the whole state is weights, optimiser,
//! stage and record, and that is what a checkpoint holds.

use std::collections::BTreeMap;
use std::ops::Range;

use basin_domain::experiment::Recording;
use basin_domain::id::TaskId;
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_domain::record::{Axis, Outcome, Record};
use basin_domain::task::TaskSpec;
use basin_kernels::LossSums;
use basin_kernels::optimizer::Optimizer as OptimizerState;
use candle_core::Tensor;

use crate::model::Model;
use crate::tensors::{self, Named};
use crate::{Advance, ExperimentError, Finished, Progress, Run};

mod checkpoint;
mod stage;
pub mod step;

pub use stage::{Part, Stage, When};

/// Examples that one advance evaluates.
const EVALUATION_CHUNK: usize = 512;

/// What the series `train_loss` (and `train_accuracy`) of a kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingLoss {
    /// The mean over the epoch's batches, each before its step: costs nothing. The point at epoch 0 and the single numbers
    /// `final_train_loss` and `final_train_accuracy` are evaluated exactly.
    RunningMean,
    /// Evaluated over all training examples after each epoch.
    Evaluated,
}

/// What a kind of experiment trains: its examples and its loss.
pub trait Problem {
    /// How its training loss is measured.
    const TRAINING_LOSS: TrainingLoss;
    /// Whether its answers are right or wrong.
    const HAS_ACCURACY: bool;

    /// The number of examples of a part; a problem without test examples has none of that part.
    fn examples(&self, part: Part) -> usize;

    /// The mean loss over a batch of training examples, to be differentiated, and the batch's sums.
    ///
    /// # Errors
    /// If an operation fails.
    fn loss(&self, model: &Model, batch: &[u32]) -> Result<(Tensor, LossSums), ExperimentError>;

    /// The sums over some examples of a part.
    ///
    /// # Errors
    /// If an operation fails.
    fn evaluate(&self, model: &Model, part: Part, range: Range<usize>) -> Result<LossSums, ExperimentError>;

    /// Measures what is measured once, of the trained model.
    ///
    /// # Errors
    /// If an operation fails.
    fn conclude(&self, model: &Model, record: &mut Record) -> Result<(), ExperimentError>;
}

/// The parameters of training that all kinds share.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Examples a batch; the last of an epoch may be smaller.
    pub batch_size: usize,
    /// Passes over the training examples.
    pub epochs: u32,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// What is recorded.
    pub record: Recording,
}

/// A run of one problem.
pub struct Training<P> {
    task: TaskId,
    seed: u64,
    schedule: Schedule,
    problem: P,
    model: Model,
    optimizer: Box<dyn OptimizerState>,
    stage: Stage,
    /// The order of the current epoch's examples.
    order: Vec<u32>,
    /// Epochs whose steps are done.
    epoch: u32,
    iteration: u64,
    latest_loss: Option<f64>,
    record: Record,
    /// Recorded weights, as `<epoch>/<parameter>`.
    snapshots: Named,
}

impl<P: Problem> Training<P> {
    /// Starts to train `model`, or goes on from a checkpoint of the same task.
    ///
    /// # Errors
    /// If the schedule can't be followed, or the checkpoint can't be used.
    pub fn start(
        spec: &TaskSpec,
        schedule: Schedule,
        problem: P,
        model: Model,
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, ExperimentError> {
        if schedule.batch_size == 0 {
            return Err(ExperimentError::InvalidParameters("a batch needs at least one example".to_owned()));
        }
        if schedule.record.weights_every == Some(0) {
            let reason = "weights can be recorded every epoch at most, not every 0 epochs".to_owned();
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let optimizer = step::optimizer(&schedule.optimizer, model.parameters())?;
        let mut training = Self {
            task: spec.id(),
            seed: spec.seed,
            schedule,
            problem,
            model,
            optimizer,
            stage: Stage::evaluation(When::Before, Part::Train),
            order: Vec::new(),
            epoch: 0,
            iteration: 0,
            latest_loss: None,
            record: Record::default(),
            snapshots: Named::new(),
        };
        match checkpoint {
            Some(bytes) => training.restore(bytes)?,
            None => {
                training.record.set("parameters", training.model.parameter_count() as f64);
                training.keep_weights()?;
            }
        }
        Ok(training)
    }

    fn batches(&self) -> u64 {
        self.problem.examples(Part::Train).div_ceil(self.schedule.batch_size) as u64
    }

    /// The order in which the epoch after the current one sees its examples: drawn by (seed, epoch) alone.
    ///
    /// If one batch takes them all, their order has no meaning, and they stay as they are.
    fn draw_order(&mut self) {
        let count = self.problem.examples(Part::Train);
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
        if self.schedule.record.weights_every.is_some_and(|every| self.epoch.is_multiple_of(every)) {
            for (name, parameter) in self.model.parameters() {
                self.snapshots
                    .insert(format!("{}/{name}", self.epoch), parameter.as_tensor().copy()?.detach());
            }
        }
        Ok(())
    }

    fn train(&mut self, position: usize, mut sums: LossSums) -> Result<Stage, ExperimentError> {
        let end = (position + self.schedule.batch_size).min(self.order.len());
        let (loss, batch) = self.problem.loss(&self.model, &self.order[position..end])?;
        let mean = batch.loss / batch.count as f64;
        self.latest_loss = Some(mean);
        let norm = step::step(&self.model, self.optimizer.as_mut(), &loss)?;
        self.iteration += 1;
        if self.schedule.record.gradient_norm {
            self.record.push("loss", Axis::Iteration, self.iteration as f64, mean);
            self.record.push("gradient_norm", Axis::Iteration, self.iteration as f64, norm);
        }
        if !(mean.is_finite() && norm.is_finite()) {
            return Ok(Stage::Ended(Outcome::Diverged { iteration: self.iteration }));
        }
        sums += batch;
        if end < self.order.len() {
            return Ok(Stage::Train { position: end, sums });
        }
        self.epoch += 1;
        self.keep_weights()?;
        match P::TRAINING_LOSS {
            TrainingLoss::RunningMean => {
                self.push_means(Part::Train, sums);
                self.after_training_loss(When::Epoch)
            }
            TrainingLoss::Evaluated => Ok(Stage::evaluation(When::Epoch, Part::Train)),
        }
    }

    fn evaluate(
        &mut self,
        when: When,
        part: Part,
        position: usize,
        mut sums: LossSums,
    ) -> Result<Stage, ExperimentError> {
        let count = self.problem.examples(part);
        let end = (position + EVALUATION_CHUNK).min(count);
        sums += self.problem.evaluate(&self.model, part, position..end)?;
        if end < count {
            return Ok(Stage::Evaluate { when, part, position: end, sums });
        }
        match when {
            When::Before | When::Epoch => self.push_means(part, sums),
            When::After => self.set_final(sums),
        }
        if !sums.loss.is_finite() {
            return Ok(Stage::Ended(Outcome::Diverged { iteration: self.iteration }));
        }
        match (when, part) {
            (When::After, _) => self.conclude(),
            (When::Before | When::Epoch, Part::Train) => self.after_training_loss(when),
            (When::Before | When::Epoch, Part::Test) => self.next_epoch(),
        }
    }

    fn after_training_loss(&mut self, when: When) -> Result<Stage, ExperimentError> {
        if self.problem.examples(Part::Test) > 0 {
            Ok(Stage::evaluation(when, Part::Test))
        } else {
            self.next_epoch()
        }
    }

    fn next_epoch(&mut self) -> Result<Stage, ExperimentError> {
        if self.epoch < self.schedule.epochs {
            self.draw_order();
            return Ok(Stage::Train { position: 0, sums: LossSums::default() });
        }
        match P::TRAINING_LOSS {
            TrainingLoss::RunningMean => Ok(Stage::evaluation(When::After, Part::Train)),
            TrainingLoss::Evaluated => {
                if let Some(last) = self.record.last("train_loss") {
                    self.record.set("final_train_loss", last);
                }
                self.conclude()
            }
        }
    }

    fn conclude(&mut self) -> Result<Stage, ExperimentError> {
        self.problem.conclude(&self.model, &mut self.record)?;
        Ok(Stage::Ended(Outcome::Completed))
    }

    fn push_means(&mut self, part: Part, sums: LossSums) {
        let epoch = f64::from(self.epoch);
        let (loss, accuracy) = (sums.loss / sums.count as f64, sums.correct as f64 / sums.count as f64);
        self.record.push(&format!("{}_loss", part.as_str()), Axis::Epoch, epoch, loss);
        if P::HAS_ACCURACY {
            self.record.push(&format!("{}_accuracy", part.as_str()), Axis::Epoch, epoch, accuracy);
        }
    }

    fn set_final(&mut self, sums: LossSums) {
        self.record.set("final_train_loss", sums.loss / sums.count as f64);
        if P::HAS_ACCURACY {
            self.record.set("final_train_accuracy", sums.correct as f64 / sums.count as f64);
        }
    }
}

impl<P: Problem> Run for Training<P> {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        self.stage = match self.stage {
            Stage::Evaluate { when, part, position, sums } => self.evaluate(when, part, position, sums)?,
            Stage::Train { position, sums } => self.train(position, sums)?,
            Stage::Ended(outcome) => Stage::Ended(outcome),
        };
        Ok(match self.stage {
            Stage::Ended(_) => Advance::Done,
            Stage::Evaluate { .. } | Stage::Train { .. } => Advance::More,
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

    fn checkpoint(&self) -> Result<Vec<u8>, ExperimentError> {
        self.save()
    }

    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError> {
        let Stage::Ended(outcome) = self.stage else { return Err(ExperimentError::NotDone) };
        let mut results: Named = BTreeMap::new();
        for (name, parameter) in self.model.parameters() {
            results.insert(format!("model/{name}"), parameter.as_detached_tensor());
        }
        for (name, snapshot) in &self.snapshots {
            results.insert(format!("weights/{name}"), snapshot.clone());
        }
        let result = tensors::serialize(&results, None)?;
        Ok(Finished { outcome, record: self.record, result })
    }
}
