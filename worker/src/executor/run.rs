//! One task in the executor: from its start to its result, its failure, or its being stopped.

use std::fs;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::key;
use basin_domain::task::TaskSpec;
use basin_domain::worker::Progress;
use basin_experiments::dataset::Dataset;
use basin_experiments::{Advance, Assets, ExperimentError, Run};
use basin_proto::executor::{
    Checkpointed, Failed, Finished, Start, Started, Stopped, from_executor, to_executor,
};

use super::send;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Why a task ended without a result.
enum End {
    Failed(Failure),
    Stopped,
}

impl From<ExperimentError> for End {
    fn from(error: ExperimentError) -> Self {
        Self::Failed(error.failure())
    }
}

/// Files of the scratch folder that can't be written are the machine's fault, not the experiment's.
fn scratch_failure(path: &Path, error: &io::Error) -> End {
    End::Failed(Failure::new(FailureKind::Storage, format!("{}: {error}", path.display())))
}

/// Trains one task and says how it ended. A panic of the experiment is its failure, and the executor goes on.
pub(super) fn run(
    start: &Start,
    inbox: &Receiver<to_executor::Message>,
    output: &mut impl Write,
) -> io::Result<()> {
    let ended = catch_unwind(AssertUnwindSafe(|| train(start, inbox, output)));
    let message = match ended {
        Ok(Ok(finished)) => from_executor::Message::Finished(finished),
        Ok(Err(End::Stopped)) => from_executor::Message::Stopped(Stopped {}),
        Ok(Err(End::Failed(failure))) => failed(failure),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            failed(Failure::new(FailureKind::Experiment, format!("the experiment panicked: {text}")))
        }
    };
    send(output, message)
}

fn failed(failure: Failure) -> from_executor::Message {
    tracing::error!(kind = %failure.kind, error = failure.message, "the task failed");
    from_executor::Message::Failed(Failed {
        kind: failure.kind.as_str().to_owned(),
        message: failure.message,
    })
}

/// The pace of a run: when progress was last told, and how long a step takes.
struct Pace {
    began: Instant,
    first_iteration: u64,
    told: Instant,
}

fn train(
    start: &Start,
    inbox: &Receiver<to_executor::Message>,
    output: &mut impl Write,
) -> Result<Finished, End> {
    let scratch = Path::new(&start.scratch);
    let mut run = prepare(start, output)?;
    let mut pace =
        Pace { began: Instant::now(), first_iteration: run.progress().iteration, told: Instant::now() };
    let every = Duration::from_millis(start.checkpoint_every_ms);
    let mut checkpointed = Instant::now();
    // The step of the last checkpoint: a second one of the same step would say the same.
    let mut kept = None;
    tell(&*run, &pace, output)?;
    loop {
        let advance = run.advance()?;
        if pace.told.elapsed() >= PROGRESS_EVERY || advance == Advance::Done {
            tell(&*run, &pace, output)?;
            pace.told = Instant::now();
        }
        if advance == Advance::Done {
            break;
        }
        if !every.is_zero() && checkpointed.elapsed() >= every {
            checkpoint(&*run, scratch, &mut kept, output)?;
            checkpointed = Instant::now();
        }
        while let Ok(message) = inbox.try_recv() {
            match message {
                to_executor::Message::Checkpoint(_) => {
                    checkpoint(&*run, scratch, &mut kept, output)?;
                    checkpointed = Instant::now();
                }
                to_executor::Message::Stop(_) => return Err(End::Stopped),
                to_executor::Message::Start(other) => {
                    tracing::error!(task = other.task_id, "a second task was refused");
                }
            }
        }
    }
    finish(run, scratch)
}

fn prepare(start: &Start, output: &mut impl Write) -> Result<Box<dyn Run>, End> {
    let invalid = |why: String| End::Failed(Failure::new(FailureKind::InvalidParameters, why));
    let spec: TaskSpec =
        serde_json::from_str(&start.spec_json).map_err(|error| invalid(error.to_string()))?;
    let dataset = match &start.dataset {
        None => None,
        Some(path) => Some(Arc::new(Dataset::open(Path::new(path)).map_err(|error| {
            End::Failed(Failure::new(FailureKind::MissingData, format!("{path}: {error}")))
        })?)),
    };
    let read = |path: &str| fs::read(path).map_err(|error| scratch_failure(Path::new(path), &error));
    let mut assets = Assets { dataset, ..Assets::default() };
    for (name, path) in &start.inputs {
        assets.inputs.insert(name.clone(), read(path)?);
    }
    let checkpoint = start.checkpoint.as_deref().map(read).transpose()?;
    let (run, refused) = match basin_experiments::start(&spec, &assets, checkpoint.as_deref()) {
        Err(ExperimentError::BadCheckpoint(why)) => {
            tracing::warn!(why, "the checkpoint was refused, the run begins anew");
            (basin_experiments::start(&spec, &assets, None)?, Some(why))
        }
        started => (started?, None),
    };
    say(output, from_executor::Message::Started(Started { checkpoint_refused: refused }))?;
    Ok(run)
}

fn say(output: &mut impl Write, message: from_executor::Message) -> Result<(), End> {
    send(output, message).map_err(|_| End::Stopped)
}

fn tell(run: &dyn Run, pace: &Pace, output: &mut impl Write) -> Result<(), End> {
    let at = run.progress();
    let steps = at.iteration.saturating_sub(pace.first_iteration);
    let step_seconds = (steps > 0).then(|| pace.began.elapsed().as_secs_f64() / steps as f64);
    let progress = Progress {
        iteration: at.iteration,
        iterations: at.iterations,
        epoch: at.epoch,
        epochs: at.epochs,
        loss: at.loss,
        step_seconds,
    };
    say(output, from_executor::Message::Progressed(progress.into()))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<String, End> {
    fs::write(path, bytes).map_err(|error| scratch_failure(path, &error))?;
    Ok(path.to_string_lossy().into_owned())
}

fn checkpoint(
    run: &dyn Run,
    scratch: &Path,
    kept: &mut Option<u64>,
    output: &mut impl Write,
) -> Result<(), End> {
    let step = run.progress().iteration;
    if kept.replace(step) == Some(step) {
        return Ok(());
    }
    let path = write_file(&scratch.join(key::checkpoint_name(step)), &run.checkpoint()?)?;
    tracing::info!(step, "checkpoint written");
    say(output, from_executor::Message::Checkpointed(Checkpointed { step, path }))
}

fn finish(run: Box<dyn Run>, scratch: &Path) -> Result<Finished, End> {
    let finished = run.finish()?;
    let metrics = basin_storage::metrics::encode(&finished.record);
    let outcome_json =
        serde_json::to_string(&finished.outcome).expect("an outcome has no maps and no floats");
    Ok(Finished {
        outcome_json,
        metrics_path: write_file(&scratch.join(key::METRICS), &metrics)?,
        result_path: write_file(&scratch.join(key::RESULT), &finished.result)?,
    })
}
