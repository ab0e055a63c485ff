//! The training loop that all kinds share.
//!
//! A run is a sequence of [`TrainingStage`]s: evaluations before the first step, then steps, with evaluations and probes wherever they
//! are due, then the last evaluation. It ends with its budget, or where a rule of its record stops it. Between any two pieces of work the whole state is weights, optimiser,
//! stage and record, and that is what a checkpoint holds.

use std::collections::BTreeMap;

use basin_domain::data::SplitSizes;
use basin_domain::experiment::series::training as series;
use basin_domain::experiment::work::{NetworkWork, TrainingWork};
use basin_domain::experiment::{
    Recording, StopReason, TrainingClock, TrainingSettings, TrainingTime, first_that_holds,
};
use basin_domain::id::TaskId;
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::random::Stream;
use basin_domain::task::TaskSpec;
use basin_domain::time_spent::Activity;
use basin_domain::worker::Progress;
use basin_kernels::LossSums;

use crate::accelerator::PassSums;
use crate::model::Model;
use crate::probes::{self, Measurement};
use crate::pruning::WeightMask;
use crate::tensors::{self, NamedTensors};
use crate::{Advance, Assets, ExperimentError, Finished, Run};

mod around_step;
mod checkpoint;
mod done_share;
mod evaluating;
mod kept;
mod learning_problem;
mod measuring;
mod origin;
mod stage;
pub mod step;
#[cfg(test)]
mod tests;
mod timetable;
mod weight_average;

pub(crate) use checkpoint::SavedSums;
pub use learning_problem::{Batch, LearningProblem, Outputs, TrainingLoss, evaluate};
use origin::{Beginning, Origin};
pub use stage::{Split, TrainingStage, When};
pub use step::Stepper;
use timetable::Timetable;
pub(crate) use weight_average::{WeightAverage, share_of_latest_weights};

/// Examples that one advance evaluates. Landscapes take the same: their sums have the same bytes.
pub(crate) const EVALUATION_CHUNK: usize = 512;

/// The parameters of training that all kinds share.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Examples a batch; the last of an epoch may be smaller.
    pub batch_size: usize,
    /// How long it trains.
    pub budget: TrainingTime,
    /// The seed of the order of examples; the task's if none.
    pub order_seed: Option<u64>,
    /// The optimiser, and what is recorded and measured on the way.
    pub settings: TrainingSettings,
}

/// A run of one problem.
pub struct Training<P> {
    task: TaskId,
    seed: u64,
    schedule: Schedule,
    timetable: Timetable,
    /// What all of it costs, part by part.
    work: TrainingWork,
    /// Where it begins.
    origin: Origin,
    /// The weights that remain, where not all do.
    mask: Option<WeightMask>,
    problem: P,
    model: Model,
    stepper: Stepper,
    stage: TrainingStage,
    /// The order of the examples of an epoch, and the epoch.
    order: Vec<u32>,
    order_of: Option<u32>,
    /// Epochs whose steps are done.
    epoch: u32,
    iteration: u64,
    latest_loss: Option<f64>,
    metrics: Metrics,
    /// Recorded weights, as `<epoch or step>/<parameter>`.
    snapshots: NamedTensors,
    /// States that others may begin with, as `<step>/<tensor>`.
    states: NamedTensors,
    /// The rule that ended training.
    stopped: Option<StopReason>,
    /// The probe under way.
    measurement: Option<Measurement>,
    /// The directions from which probes start that begin where they ended, by the probes' names.
    starts: BTreeMap<String, Vec<f64>>,
}

impl<P: LearningProblem> Training<P> {
    /// Starts to train `model`, on a device if there is one, or goes on from a checkpoint of the same task. Networks of which weights are
    /// held at zero are trained on the processor.
    ///
    /// # Errors
    /// If the schedule can't be followed, or the checkpoint or the result of a run that is read can't be used.
    pub fn start(
        spec: &TaskSpec,
        schedule: Schedule,
        problem: P,
        model: Model,
        assets: &Assets,
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, ExperimentError> {
        if schedule.batch_size == 0 {
            return Err(ExperimentError::InvalidParameters("a batch needs at least one example".to_owned()));
        }
        let Recording { every, weights_every, .. } = schedule.settings.record;
        if [Some(every), weights_every, schedule.settings.probes.every]
            .iter()
            .flatten()
            .any(|every| every.is_empty())
        {
            let reason = "something is due every 0 epochs or steps".to_owned();
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let clock = TrainingClock::new(
            schedule.budget,
            problem.examples(Split::Train) as u64,
            schedule.batch_size as u64,
        );
        let mut beginning = Beginning::read(&schedule.settings, &model, spec.seed, assets)?;
        let (origin, mask) = (beginning.origin, beginning.mask.take());
        if origin.step > 0 && origin.step >= clock.steps() {
            let (first, steps) = (origin.step, clock.steps());
            let reason = format!("training begins at step {first}, and its budget ends with step {steps}");
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let timetable = Timetable::new(clock, &schedule.settings, origin.step);
        let [train, test] = [Split::Train, Split::Test].map(|split| problem.examples(split) as u64);
        let evaluates_training = P::TRAINING_LOSS == TrainingLoss::Evaluated;
        let work = TrainingWork::new(
            &NetworkWork::of(model.graph()),
            &schedule.settings,
            clock,
            SplitSizes { train, test },
            evaluates_training,
        );
        probes::check(&schedule.settings.probes, model.parameter_count())?;
        let accelerator = assets.accelerator.as_ref().filter(|_| mask.is_none());
        let mut stepper = Stepper::new(&schedule.settings.optimizer, &model, accelerator)?;
        if let Some(mask) = &mask {
            stepper.hold_at_zero(mask.of_model(&model)?);
        }
        let mut training = Self {
            task: spec.id(),
            seed: spec.seed,
            schedule,
            timetable,
            work,
            origin,
            mask,
            problem,
            model,
            stepper,
            stage: TrainingStage::evaluation(When::Before, Split::Train),
            order: Vec::new(),
            order_of: None,
            epoch: 0,
            iteration: 0,
            latest_loss: None,
            metrics: Metrics::default(),
            snapshots: NamedTensors::new(),
            states: NamedTensors::new(),
            stopped: None,
            measurement: None,
            starts: BTreeMap::new(),
        };
        match checkpoint {
            Some(bytes) => training.restore(bytes)?,
            None => training.begin(beginning)?,
        }
        Ok(training)
    }

    /// The order in which the epoch under way sees its examples: drawn by (seed, epoch) alone.
    ///
    /// If one batch takes them all, their order has no meaning, and they stay as they are.
    fn draw_order(&mut self) {
        if self.order_of == Some(self.epoch) {
            return;
        }
        self.order_of = Some(self.epoch);
        let count = self.problem.examples(Split::Train);
        if self.order.len() != count || self.schedule.batch_size < count {
            self.order = (0..count as u32).collect();
        }
        if self.schedule.batch_size < count {
            let name = format!("epoch/{}/order", self.epoch + 1);
            let seed = self.schedule.order_seed.unwrap_or(self.seed);
            Stream::new(seed, &name).shuffle(&mut self.order);
        }
    }

    /// The factor of the learning rate of the step with this number, from 1 on.
    fn learning_rate_factor(&self, number: u64) -> f64 {
        let clock = self.timetable.clock();
        self.schedule.settings.schedule.factor(number - 1, clock.steps(), clock.steps_an_epoch())
    }

    fn train(&mut self, position: usize, mut sums: LossSums) -> Result<TrainingStage, ExperimentError> {
        let end = (position + self.schedule.batch_size).min(self.order.len());
        let next = &self.order[end..(end + self.schedule.batch_size).min(self.order.len())];
        let factor = self.learning_rate_factor(self.iteration + 1);
        let PassSums { sums: batch, gradient_norm: norm } = self.stepper.step(
            &self.problem,
            &self.model,
            self.epoch + 1,
            factor,
            &self.order[position..end],
            next,
        )?;
        let norm = finite_or_nan(norm);
        let mean = batch.loss / batch.count as f64;
        self.latest_loss = Some(mean);
        self.iteration += 1;
        if self.schedule.settings.record.gradient_norm {
            self.metrics.record(&series::BATCH_LOSS, self.iteration as f64, mean);
            self.metrics.record(&series::GRADIENT_NORM, self.iteration as f64, norm);
        }
        if !(mean.is_finite() && norm.is_finite()) {
            return Ok(TrainingStage::Ended(Outcome::Diverged { iteration: self.iteration }));
        }
        let seen = self.average_steps(self.iteration);
        self.stepper.average_in(seen, &self.model)?;
        sums += batch;
        self.epoch += u32::from(end == self.order.len());
        self.keep_weights()?;
        self.keep_state(sums)?;
        self.after_step(sums)
    }

    /// What follows a step, with the sums since the last recorded point.
    fn after_step(&mut self, sums: LossSums) -> Result<TrainingStage, ExperimentError> {
        if self.timetable.records(self.iteration) {
            return match P::TRAINING_LOSS {
                TrainingLoss::RunningMean => {
                    self.push_means(Split::Train, sums);
                    self.after_training_loss(When::Recorded)
                }
                TrainingLoss::Evaluated => Ok(TrainingStage::evaluation(When::Recorded, Split::Train)),
            };
        }
        if self.timetable.probes(self.iteration) {
            return self.probe_from(0, sums);
        }
        Ok(self.next_step(sums))
    }

    /// At a recorded point, all losses and accuracies known: asks the rules whether training ends here.
    fn after_recording(&mut self) -> Result<TrainingStage, ExperimentError> {
        if !self.schedule.settings.schedule.is_constant() {
            let factor = self.learning_rate_factor(self.iteration.max(1));
            self.record(&series::LEARNING_RATE, self.schedule.settings.optimizer.learning_rate() * factor);
        }
        if self.iteration < self.timetable.clock().steps() {
            self.stopped = first_that_holds(&self.schedule.settings.stop, &self.metrics);
        }
        self.probe_from(0, LossSums::default())
    }

    fn is_at_the_end(&self) -> bool {
        self.stopped.is_some() || self.iteration == self.timetable.clock().steps()
    }

    /// The step that follows, with the sums since the last recorded point.
    fn next_step(&mut self, sums: LossSums) -> TrainingStage {
        self.draw_order();
        let position = self.timetable.clock().position(self.iteration) as usize;
        TrainingStage::Train { position, sums }
    }

    fn after_last_probe(&mut self) -> Result<TrainingStage, ExperimentError> {
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
        let iteration = self.iteration;
        let outcome = self.stopped.map_or(Outcome::Completed, |rule| Outcome::Stopped { iteration, rule });
        Ok(TrainingStage::Ended(outcome))
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
            TrainingStage::EvaluateAverage { split, position, sums } => {
                self.evaluate_average(split, position, sums)?
            }
            TrainingStage::Probe { index, sums } => self.probe(index, sums)?,
            TrainingStage::Ended(outcome) => TrainingStage::Ended(outcome),
        };
        Ok(match self.stage {
            TrainingStage::Ended(_) => Advance::Done,
            TrainingStage::Evaluate { .. }
            | TrainingStage::EvaluateAverage { .. }
            | TrainingStage::Train { .. }
            | TrainingStage::Probe { .. } => Advance::More,
        })
    }

    fn activity(&self) -> Activity {
        match self.stage {
            TrainingStage::Evaluate { .. } | TrainingStage::EvaluateAverage { .. } => Activity::Evaluation,
            TrainingStage::Probe { index, .. } => {
                Activity::Probe(self.schedule.settings.probes.probes[index].name())
            }
            TrainingStage::Train { .. } | TrainingStage::Ended(_) => Activity::Training,
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.iteration,
            iterations: self.timetable.clock().steps(),
            epoch: self.epoch,
            epochs: self.timetable.clock().epochs(),
            loss: self.latest_loss,
            done_share: Some(self.done_share()),
            ..Progress::default()
        }
    }

    fn metrics(&self) -> Option<&Metrics> {
        Some(&self.metrics)
    }

    fn examples(&self) -> Option<u64> {
        Some(self.timetable.clock().examples_seen(self.iteration))
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        self.stepper.sync_to_host(&self.model)?;
        self.save()
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, ExperimentError> {
        let TrainingStage::Ended(outcome) = self.stage else { return Err(ExperimentError::NotDone) };
        self.stepper.sync_to_host(&self.model)?;
        let mut results: NamedTensors = BTreeMap::new();
        for (name, variable) in self.model.state() {
            results.insert(format!("model/{name}"), variable.as_detached_tensor());
        }
        if let Some(average) = self.stepper.average() {
            let averaged = average.tensors(&self.model)?.into_iter();
            results.extend(averaged.map(|(name, tensor)| (format!("average/{name}"), tensor)));
        }
        for (name, snapshot) in &self.snapshots {
            results.insert(format!("weights/{name}"), snapshot.clone());
        }
        for (name, tensor) in &self.states {
            results.insert(format!("states/{name}"), tensor.clone());
        }
        if let Some(mask) = &self.mask {
            let mask = mask.tensors(&self.model)?.into_iter();
            results.extend(mask.map(|(name, tensor)| (format!("mask/{name}"), tensor)));
        }
        let result = tensors::serialize_results(results, outcome)?;
        Ok(Finished { outcome, metrics: self.metrics, result })
    }
}
