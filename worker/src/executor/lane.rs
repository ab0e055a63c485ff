//! One task in the executor: from its start to its result, its failure, or its being stopped.

#[cfg(test)]
pub(super) mod tests;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use basin_domain::experiment::Experiment;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::key;
use basin_domain::task::TaskSpec;
use basin_domain::time_spent::{Activity, TimeSpent};
use basin_domain::worker::Progress;
use basin_experiments::dataset::Dataset;
use basin_experiments::{Advance, Assets, ExperimentError, Run};
use basin_proto::executor::{
    Checkpointed, Failed, Finished, Hindered, Start, Started, Stopped, from_executor,
};
use basin_storage::is_local_outage;

use super::agent_channel::AgentChannel;
use super::example_rate::ExampleRate;
use super::log_pacing::LogPacing;
use super::recorded_series::RecordedSeries;
use super::scratch_file::{self, ScratchFile};
use super::stages::Stages;
use super::thread_pool::LaneSignals;
use super::trainer::Trainer;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// The pause before a file that could not be written is tried again; it doubles with each further try.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The end of a slice of a lane's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slice {
    /// There is more to do.
    TimeUp,
    /// The agent was told how the task ended.
    Ended,
}

/// A task, before it begins and while it trains.
pub(super) struct Lane {
    task: String,
    start: Start,
    trainer: Arc<Trainer>,
    training: Option<Training>,
    signals: LaneSignals,
    /// When what was done, if it is traced.
    stages: Option<Stages>,
}

/// A task that has begun.
struct Training {
    run: Box<dyn Run>,
    began: Instant,
    first_iteration: u64,
    reported: Instant,
    /// A checkpoint was asked for: the agent wants to go on from where the run stops.
    is_wanted: bool,
    /// There is progress that wasn't told yet.
    is_unreported: bool,
    rate: ExampleRate,
    recorded: RecordedSeries,
    log: LogPacing,
    checkpointed: Instant,
    /// Pieces of work that are done since the task's very beginning, whoever did them: they number its checkpoints, since a probe may
    /// take long in which no step is done.
    advances: u64,
    /// The number of the last checkpoint: a second one of the same place would say the same.
    kept: Option<u64>,
    spent: TimeSpent,
}

impl Training {
    /// Says in the log how far it is, where that is due.
    fn log_progress(&mut self) {
        let at = self.run.progress();
        if self.log.is_due(&at, Instant::now()) {
            let Progress { iteration, iterations, epoch, epochs, loss, .. } = at;
            tracing::info!(step = iteration, steps = iterations, epoch, epochs, loss, "trained");
        }
    }
}

/// Why a task ended without a result.
enum LaneEnd {
    Failed(Failure),
    Stopped,
    /// The agent is gone.
    Disconnected(io::Error),
}

impl From<ExperimentError> for LaneEnd {
    fn from(error: ExperimentError) -> Self {
        Self::Failed(error.failure())
    }
}

/// Files of the scratch folder that can't be written are the machine's fault, not the experiment's.
fn scratch_failure(path: &Path, error: &io::Error) -> LaneEnd {
    LaneEnd::Failed(Failure::new(FailureKind::Storage, format!("{}: {error}", path.display())))
}

impl Lane {
    /// A task that waits for its turn.
    pub(super) fn new(task: String, start: Start, trainer: Arc<Trainer>) -> Self {
        let stages = start.traceparent.as_ref().map(|_| Stages::new(Instant::now()));
        Self { task, start, trainer, training: None, signals: LaneSignals::default(), stages }
    }

    /// The task's id.
    pub(super) fn task(&self) -> &str {
        &self.task
    }

    /// Whether a thread has trained it.
    pub(super) const fn has_begun(&self) -> bool {
        self.training.is_some()
    }

    /// Signals that came while it waits.
    pub(super) const fn signals_mut(&mut self) -> &mut LaneSignals {
        &mut self.signals
    }

    /// Trains for about as long as `time`. A panic of the experiment is its failure, and other lanes go on.
    ///
    /// # Errors
    /// If the agent doesn't hear any more.
    pub(super) fn work(
        &mut self,
        time: Duration,
        signals: impl Fn() -> LaneSignals,
        channel: &AgentChannel<'_>,
    ) -> io::Result<Slice> {
        let _log = tracing::info_span!("lane", task = self.task).entered();
        let worked = catch_unwind(AssertUnwindSafe(|| self.train(time, signals, channel)));
        let message = match worked {
            Ok(Ok(None)) => return Ok(Slice::TimeUp),
            Ok(Ok(Some(finished))) => from_executor::Message::Finished(finished),
            Ok(Err(LaneEnd::Stopped)) => from_executor::Message::Stopped(Stopped {}),
            Ok(Err(LaneEnd::Failed(failure))) => failed(failure),
            Ok(Err(LaneEnd::Disconnected(error))) => return Err(error),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
                failed(Failure::new(FailureKind::Experiment, format!("the experiment panicked: {text}")))
            }
        };
        if let Some(stages) = self.stages.take() {
            channel.send(&self.task, from_executor::Message::Traced(stages.traced(Instant::now())))?;
        }
        channel.send(&self.task, message)?;
        Ok(Slice::Ended)
    }

    /// Adds what has just ended to what the task spent time on.
    fn note_spent(&mut self, spent: &mut TimeSpent, activity: Activity, began: Instant) {
        let took = began.elapsed();
        spent.add(activity, took);
        if let Some(stages) = &mut self.stages {
            stages.add(activity, began, took);
        }
    }

    fn train(
        &mut self,
        time: Duration,
        signals: impl Fn() -> LaneSignals,
        channel: &AgentChannel<'_>,
    ) -> Result<Option<Finished>, LaneEnd> {
        let slice = Instant::now();
        let mut training = match self.training.take() {
            Some(training) => training,
            None => self.begin(channel)?,
        };
        let every = Duration::from_millis(self.start.checkpoint_every_ms);
        loop {
            let LaneSignals { checkpoint, stop } = signals();
            training.is_wanted |= checkpoint;
            let has_more = stop && training.run.stop(Duration::from_millis(self.start.stop_within_ms))?;
            if has_more {
                training.advances = training.advances.saturating_add(1);
            }
            if checkpoint
                || has_more && training.is_wanted
                || !every.is_zero() && training.checkpointed.elapsed() >= every
            {
                let began = Instant::now();
                self.checkpoint(&mut training, channel)?;
                self.note_spent(&mut training.spent, Activity::Checkpoints, began);
            }
            if stop {
                return Err(LaneEnd::Stopped);
            }
            let (activity, began) = (training.run.activity(), Instant::now());
            let advance = training.run.advance()?;
            self.note_spent(&mut training.spent, activity, began);
            if advance != Advance::Waiting {
                training.advances = training.advances.saturating_add(1);
                training.is_unreported = true;
            }
            let is_due = training.reported.elapsed() >= PROGRESS_EVERY || advance == Advance::Done;
            if is_due && std::mem::take(&mut training.is_unreported) {
                training.reported = Instant::now();
                self.report_progress(&mut training, channel)?;
                training.log_progress();
            }
            if advance == Advance::Done {
                tracing::info!(seconds = training.began.elapsed().as_secs(), "training ended");
                return self.finish(training, &signals, channel).map(Some);
            }
            if slice.elapsed() >= time {
                self.training = Some(training);
                return Ok(None);
            }
        }
    }

    fn begin(&mut self, channel: &AgentChannel<'_>) -> Result<Training, LaneEnd> {
        let began = Instant::now();
        let (run, refused) = prepare(&self.start, &self.trainer)?;
        let mut spent = TimeSpent::default();
        self.note_spent(&mut spent, Activity::Load, began);
        self.send(channel, from_executor::Message::Started(Started { checkpoint_refused: refused }))?;
        let now = Instant::now();
        let mut training = Training {
            began: now,
            first_iteration: run.progress().iteration,
            reported: now,
            is_wanted: false,
            is_unreported: false,
            rate: ExampleRate::new(run.examples().unwrap_or(0), now),
            recorded: RecordedSeries::default(),
            log: LogPacing::new(now),
            checkpointed: now,
            advances: self.start.checkpoint_number,
            kept: None,
            spent,
            run,
        };
        self.report_progress(&mut training, channel)?;
        let Progress { iteration, iterations, epochs, .. } = training.run.progress();
        tracing::info!(step = iteration, steps = iterations, epochs, "training began");
        Ok(training)
    }

    fn send(&self, channel: &AgentChannel<'_>, message: from_executor::Message) -> Result<(), LaneEnd> {
        channel.send(&self.task, message).map_err(LaneEnd::Disconnected)
    }

    fn report_progress(&self, training: &mut Training, channel: &AgentChannel<'_>) -> Result<(), LaneEnd> {
        let at = training.run.progress();
        let steps = at.iteration.saturating_sub(training.first_iteration);
        let step_seconds = (steps > 0).then(|| training.began.elapsed().as_secs_f64() / steps as f64);
        let examples = training.run.examples();
        let examples_per_second =
            examples.and_then(|examples| training.rate.update(examples, Instant::now()));
        let progress = Progress { step_seconds, examples_per_second, ..at };
        self.send(channel, from_executor::Message::Progressed(progress.into()))?;
        match training.recorded.news(&*training.run) {
            Some(recorded) => self.send(channel, from_executor::Message::Recorded(recorded)),
            None => Ok(()),
        }
    }

    fn checkpoint(&self, training: &mut Training, channel: &AgentChannel<'_>) -> Result<(), LaneEnd> {
        if !training.run.has_news() {
            return Ok(());
        }
        training.checkpointed = Instant::now();
        let number = training.advances;
        if training.kept.replace(number) == Some(number) {
            return Ok(());
        }
        let path = Path::new(&self.start.scratch).join(key::checkpoint_name(number));
        let ScratchFile { path, digest } = match scratch_file::write(&path, &training.run.checkpoint()?) {
            Ok(written) => written,
            // The run goes on: a checkpoint that isn't kept costs time only if something else fails too.
            Err(error) if is_local_outage(error.kind()) => {
                tracing::warn!(number, %error, "a checkpoint could not be written");
                training.kept = None;
                return Ok(());
            }
            Err(error) => return Err(scratch_failure(&path, &error)),
        };
        tracing::info!(number, step = training.run.progress().iteration, "checkpoint written");
        let checkpointed = Checkpointed { number, path, digest: Some(digest) };
        self.send(channel, from_executor::Message::Checkpointed(checkpointed))
    }
}

impl Lane {
    /// Writes what the run made. A disk that is full is waited for: what was trained isn't thrown away for it.
    fn finish(
        &mut self,
        training: Training,
        signals: &impl Fn() -> LaneSignals,
        channel: &AgentChannel<'_>,
    ) -> Result<Finished, LaneEnd> {
        let began = Instant::now();
        let Training { mut run, mut spent, .. } = training;
        let scratch = Path::new(&self.start.scratch);
        let outputs = run.outputs()?.into_iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let finished = run.finish()?;
        let metrics = basin_storage::metrics::encode(&finished.metrics);
        let keep =
            |name: &str, bytes: &[u8]| self.write_until_stopped(&scratch.join(name), bytes, signals, channel);
        let (metrics, result) = (keep(key::METRICS, &metrics)?, keep(key::RESULT, &finished.result)?);
        self.note_spent(&mut spent, Activity::Results, began);
        Ok(Finished {
            outcome_json: finished.outcome.to_json(),
            metrics_path: metrics.path,
            metrics_digest: Some(metrics.digest),
            result_path: result.path,
            result_digest: Some(result.digest),
            output_paths: outputs,
            spent_json: serde_json::to_string(&spent).expect("activities have names of text"),
        })
    }

    fn write_until_stopped(
        &self,
        path: &Path,
        bytes: &[u8],
        signals: &impl Fn() -> LaneSignals,
        channel: &AgentChannel<'_>,
    ) -> Result<ScratchFile, LaneEnd> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match scratch_file::write(path, bytes) {
                Ok(written) => return Ok(written),
                Err(error) if is_local_outage(error.kind()) => error,
                Err(error) => return Err(scratch_failure(path, &error)),
            };
            let why = format!("{}: {error}", path.display());
            self.send(channel, from_executor::Message::Hindered(Hindered { why }))?;
            if signals().stop {
                return Err(LaneEnd::Stopped);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn failed(failure: Failure) -> from_executor::Message {
    tracing::error!(kind = %failure.kind, error = failure.message, "the task failed");
    from_executor::Message::Failed(Failed {
        kind: failure.kind.as_str().to_owned(),
        kind_code: basin_proto::v1::FailureKind::from(failure.kind).into(),
        message: failure.message,
    })
}

/// The run, from its beginning or from its checkpoint; and why the checkpoint was refused, if it was.
fn prepare(start: &Start, trainer: &Trainer) -> Result<(Box<dyn Run>, Option<String>), LaneEnd> {
    let invalid = |why: String| LaneEnd::Failed(Failure::new(FailureKind::InvalidParameters, why));
    let spec: TaskSpec =
        serde_json::from_str(&start.spec_json).map_err(|error| invalid(error.to_string()))?;
    let dataset = match &start.dataset {
        None => None,
        Some(path) => Some(Arc::new(Dataset::open(Path::new(path)).map_err(|error| {
            LaneEnd::Failed(Failure::new(FailureKind::MissingData, format!("{path}: {error}")))
        })?)),
    };
    let mut assets = Assets { dataset, accelerator: trainer.accelerator.clone(), ..Assets::default() };
    // A program reads them itself.
    if spec.experiment.command().is_none() {
        for (name, folder) in &start.inputs {
            let path = Path::new(folder).join(key::RESULT);
            let digest = start.input_digests.get(name).map(String::as_str);
            let result = scratch_file::read(&path, digest).map_err(|error| scratch_failure(&path, &error))?;
            assets.inputs.insert(name.clone(), result);
        }
    }
    let checkpoint = read_checkpoint(start);
    let begin = |checkpoint: Option<&[u8]>| {
        if let Experiment::Command(command) = &spec.experiment {
            return trainer.start_program(&spec, command, start, checkpoint);
        }
        trainer.kinds.start(&spec, &assets, checkpoint)
    };
    let checkpoint = match checkpoint {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            tracing::warn!(%error, "the checkpoint was refused, the run begins anew");
            return Ok((begin(None)?, Some(error.to_string())));
        }
        Err(error) => {
            let path = start.checkpoint.as_deref().unwrap_or_default();
            return Err(scratch_failure(Path::new(path), &error));
        }
        Ok(checkpoint) => checkpoint,
    };
    match begin(checkpoint.as_deref()) {
        Err(ExperimentError::BadCheckpoint(why)) => {
            tracing::warn!(why, "the checkpoint was refused, the run begins anew");
            Ok((begin(None)?, Some(why)))
        }
        started => Ok((started?, None)),
    }
}

/// The checkpoint to go on from, if there is one.
fn read_checkpoint(start: &Start) -> io::Result<Option<Vec<u8>>> {
    let digest = start.checkpoint_digest.as_deref();
    start.checkpoint.as_deref().map(|path| scratch_file::read(Path::new(path), digest)).transpose()
}
