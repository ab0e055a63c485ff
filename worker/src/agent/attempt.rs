//! One attempt at one task: data, checkpoint, training; what it made is delivered in [`super::commit`].
//!
//! Whatever happens on the way, it ends in one of the [`AttemptOutcome`]s, and the caller tells the coordinator.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use basin_domain::error_chain;
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::WorkerId;
use basin_domain::key;
use basin_domain::outage::{Outage, OutageKind};
use basin_domain::worker::{Progress, WorkerDescription};
use basin_proto::executor::{Checkpoint, Start, Stop, from_executor, to_executor};
use basin_storage::{AttemptWriter, CommitMode, Provenance, StorageError, Store};
use tokio::sync::watch;

use super::cache::DataCache;
use super::checkpoints::Checkpoints;
use super::commit::{TrainedTask, compressed_log};
use super::coordinator::Coordinator;
use super::executor_process::{Executor, Lane, TimedMessage};
use super::lease_handle::LeaseHandle;
use super::outage_waits::{OutageGuard, OutageWaits};
use super::preparation::{prepare, restore};
use super::progress_deadline::ProgressDeadline;
use super::reactor::{AttemptOutcome, Directive, LeasedTask};

/// The parts that an attempt works with.
pub(super) struct AttemptContext<'a> {
    pub(super) coordinator: &'a Coordinator,
    pub(super) store: &'a Store,
    pub(super) commits: CommitMode,
    pub(super) cache: &'a DataCache,
    pub(super) worker: &'a WorkerId,
    pub(super) description: &'a WorkerDescription,
    pub(super) checkpoint_every: Duration,
    pub(super) progress_timeout: Duration,
    pub(super) outages: &'a Arc<OutageWaits>,
    pub(super) scratch: &'a Path,
}

/// How the work on a task ended.
pub(super) enum TrainOutcome {
    /// It is trained: what it made is to be delivered.
    Trained(Box<TrainedTask>),
    /// The task is settled, as far as this attempt goes.
    Settled(AttemptOutcome),
    /// The executor was killed because it hung with another task: that says nothing against this one.
    Interrupted,
    /// The executor died, and had not yet begun with the task: that says nothing against the task.
    NeverBegan,
}

impl From<AttemptOutcome> for TrainOutcome {
    fn from(outcome: AttemptOutcome) -> Self {
        Self::Settled(outcome)
    }
}

/// What a failure of the store does to an attempt. An outage is nobody's fault: it was waited for until the lease had to be
/// given back.
pub(super) fn storage_failure(lease: &LeaseHandle, error: &StorageError) -> AttemptOutcome {
    if let StorageError::Corrupt { .. } = error {
        return damaged(error_chain::with_causes(error));
    }
    let failed =
        || AttemptOutcome::Failed(Failure::new(FailureKind::Storage, error_chain::with_causes(error)));
    if error.outage().is_none() {
        return failed();
    }
    match lease.directive() {
        Directive::GiveBack(reason) => AttemptOutcome::Released(reason),
        Directive::Abandon => AttemptOutcome::Abandoned,
        Directive::Train => failed(),
    }
}

/// What is in the store isn't what was committed there: another attempt would find the same.
pub(super) fn damaged(why: String) -> AttemptOutcome {
    AttemptOutcome::Failed(Failure::new(FailureKind::Damaged, why))
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The state of a task that trains, as its executor reports it.
#[derive(Default)]
struct TrainingState {
    began: bool,
    /// Whether the checkpoint that it should go on from could not be used.
    began_anew: bool,
    /// The step that it began at.
    first_step: Option<u64>,
    last: Progress,
}

/// Works on one task of a lease until it is trained, or settled without that.
pub(super) async fn train(
    context: &AttemptContext<'_>,
    lease: &LeaseHandle,
    task: &LeasedTask,
    executor: &Arc<Executor>,
) -> TrainOutcome {
    let started_unix_ms = unix_ms();
    let (start, mut resumed) = match prepare(context, lease, task).await {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome.into(),
    };
    let mut directives = lease.directives();
    if let Directive::GiveBack(reason) = *directives.borrow_and_update() {
        return AttemptOutcome::Released(reason).into();
    }
    let again = start.clone();
    let mut refused = Vec::new();
    // With an older checkpoint, once the executor has let go of the run that it began without.
    let mut older: Option<Start> = None;
    let writer = AttemptWriter::new(context.store.clone(), task.id, task.attempt, lease.id.clone());
    let mut lane = executor.lane(&task.id);
    let mut heard = TrainingState::default();
    let mut deadline = ProgressDeadline::new(context.progress_timeout, Instant::now());
    // Set while something that the task can do without can't be written.
    let mut guard: Option<OutageGuard> = None;
    let mut checkpoints = Checkpoints::new(&writer, context.scratch);
    if let Err(error) = lane.send(to_executor::Message::Start(start)).await {
        return crashed(&writer, &lane, executor, &error, &heard).await;
    }
    let finished = loop {
        let said = tokio::select! {
            biased;
            directive = changed(&mut directives) => request_checkpoint_and_stop(&lane, directive).await,
            said = lane.next() => said.map(Some),
            (number, kept) = checkpoints.kept() => {
                if let Err(error) = &kept {
                    // The run goes on: a checkpoint that isn't kept costs time only if something else fails too.
                    tracing::warn!(task = %task.id, number, %error, "a checkpoint could not be kept");
                }
                // No more work is taken, though, while the store doesn't take what this one makes.
                let outage = kept.err().and_then(|error| error.downcast_ref::<StorageError>()?.outage());
                match outage {
                    None => guard = None,
                    Some(outage) => note(context, &mut guard, outage, false),
                }
                Ok(None)
            }
            () = tokio::time::sleep(deadline.check_interval()) => {
                let at_its_turn = heard.began || !executor.is_training();
                if !heard.began {
                    deadline.progressed(executor.last_message_at());
                }
                if let Some(silent) = deadline.check(Instant::now()).filter(|_| at_its_turn) {
                    checkpoints.finish().await;
                    return hung(&writer, &lane, executor, &heard, (silent, deadline.limit())).await;
                }
                Ok(None)
            }
        };
        let message = match said {
            Ok(Some((at, message))) => {
                deadline.progressed(at);
                lease.note_activity(task.id);
                Ok(Some(message))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match message {
            Err(error) => {
                checkpoints.finish().await;
                return crashed(&writer, &lane, executor, &error, &heard).await;
            }
            Ok(None) => {}
            Ok(Some(from_executor::Message::Finished(finished))) => break finished,
            Ok(Some(from_executor::Message::Working(_))) => {}
            Ok(Some(from_executor::Message::Hindered(hindered))) => {
                note(context, &mut guard, Outage::new(OutageKind::LocalDisk, hindered.why), true);
                lease.note_trained(task.id);
            }
            Ok(Some(from_executor::Message::Failed(failed))) => {
                let failure = basin_proto::convert::failure(failed.kind_code, &failed.kind, failed.message)
                    .unwrap_or_else(|error| Failure::new(FailureKind::Crashed, error.to_string()));
                keep_log(&writer, &lane).await;
                return AttemptOutcome::Failed(failure).into();
            }
            Ok(Some(from_executor::Message::Stopped(_)))
                if older.is_some() && lease.directive() == Directive::Train =>
            {
                heard = TrainingState { began: true, ..TrainingState::default() };
                if let Some(start) = older.take()
                    && let Err(error) = lane.send(to_executor::Message::Start(start)).await
                {
                    return crashed(&writer, &lane, executor, &error, &heard).await;
                }
            }
            Ok(Some(from_executor::Message::Stopped(_))) => {
                checkpoints.finish().await;
                let outcome = match lease.directive() {
                    Directive::GiveBack(reason) => AttemptOutcome::Released(reason),
                    Directive::Train => AttemptOutcome::Released(ReleaseReason::Stopped),
                    Directive::Abandon => AttemptOutcome::Abandoned,
                };
                return outcome.into();
            }
            Ok(Some(from_executor::Message::Progressed(progressed))) => {
                heard.last = progressed.into();
                deadline.note_step(heard.last.step_seconds);
                heard.first_step.get_or_insert(heard.last.iteration);
                lease.note_progress(task.id, heard.last);
            }
            Ok(Some(from_executor::Message::Checkpointed(checkpointed))) => checkpoints.push(checkpointed),
            Ok(Some(from_executor::Message::Started(started))) => {
                heard.began = true;
                lane.begin();
                if let Some(why) = started.checkpoint_refused {
                    tracing::warn!(task = %task.id, why, "a checkpoint was refused, the run began anew");
                    heard.began_anew = true;
                    refused.extend(resumed.take());
                    match restore(context, lease, task, &refused).await {
                        Ok(Some((path, from))) => {
                            let (checkpoint, checkpoint_number) = (Some(path), from.1);
                            older = Some(Start { checkpoint, checkpoint_number, ..again.clone() });
                            resumed = Some(from);
                            if let Err(error) = lane.send(to_executor::Message::Stop(Stop {})).await {
                                return crashed(&writer, &lane, executor, &error, &heard).await;
                            }
                        }
                        Ok(None) => {}
                        Err(outcome) => return outcome.into(),
                    }
                }
            }
            Ok(Some(from_executor::Message::Ready(_))) => {}
        }
    };
    // What is being written is let be written, unless it is known that nothing can be: nobody needs it any more.
    if guard.is_none() {
        checkpoints.finish_under_way().await;
    }
    drop(checkpoints);
    let provenance = Provenance {
        host: context.description.host.clone(),
        device: context.description.device.clone(),
        code_path: context.description.code_path.clone(),
        threads: context.description.threads,
        basin_version: context.description.version.clone(),
        started_unix_ms,
        finished_unix_ms: unix_ms(),
        resumed_from_step: heard.first_step.filter(|_| resumed.is_some() && !heard.began_anew),
        steps: heard.last.iteration.saturating_sub(heard.first_step.unwrap_or(0)),
        step_seconds: heard.last.step_seconds,
        lanes: u32::try_from(lease.lanes).unwrap_or(u32::MAX),
    };
    lease.note_trained(task.id);
    let log = lane.log();
    TrainOutcome::Trained(Box::new(TrainedTask::new(writer, finished, provenance, log)))
}

/// An outage was met, or goes on.
fn note(context: &AttemptContext<'_>, guard: &mut Option<OutageGuard>, outage: Outage, holds_result: bool) {
    match guard {
        Some(guard) => guard.update(outage),
        None => *guard = Some(context.outages.begin(outage, holds_result)),
    }
}

/// The next change of the directive. Pends for ever once nothing can change any more.
async fn changed(directives: &mut watch::Receiver<Directive>) -> Directive {
    if directives.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *directives.borrow_and_update()
}

/// Asks the executor for a last checkpoint and its leave.
async fn request_checkpoint_and_stop(lane: &Lane, directive: Directive) -> io::Result<Option<TimedMessage>> {
    if let Directive::GiveBack(_) = directive {
        lane.send(to_executor::Message::Checkpoint(Checkpoint {})).await?;
        lane.send(to_executor::Message::Stop(Stop {})).await?;
    }
    Ok(None)
}

async fn crashed(
    writer: &AttemptWriter,
    lane: &Lane,
    executor: &Executor,
    error: &io::Error,
    heard: &TrainingState,
) -> TrainOutcome {
    if executor.was_hung() {
        return TrainOutcome::Interrupted;
    }
    let how = executor.exit_status().await;
    if !heard.began {
        return TrainOutcome::NeverBegan;
    }
    let words = lane.log_tail();
    let words = if words.is_empty() { String::new() } else { format!("; its last words:\n{words}") };
    keep_log(writer, lane).await;
    AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, format!("{error} ({how}){words}"))).into()
}

/// Kills an executor that shows no progress. If it never came to any task, that says nothing against this one.
async fn hung(
    writer: &AttemptWriter,
    lane: &Lane,
    executor: &Executor,
    heard: &TrainingState,
    (silent, limit): (Duration, Duration),
) -> TrainOutcome {
    executor.kill_as_hung().await;
    if !heard.began {
        return TrainOutcome::NeverBegan;
    }
    keep_log(writer, lane).await;
    let Progress { iteration, iterations, epoch, epochs, .. } = heard.last;
    let message = format!(
        "no progress for {:.0} s, where {:.0} s were allowed, and the executor was killed; it was at step {iteration} of \
         {iterations}, epoch {epoch} of {epochs}",
        silent.as_secs_f64(),
        limit.as_secs_f64()
    );
    AttemptOutcome::Failed(Failure::new(FailureKind::Hung, message)).into()
}

async fn keep_log(writer: &AttemptWriter, lane: &Lane) {
    if let Some(packed) = compressed_log(&lane.log())
        && let Err(error) = writer.put_artifact(key::LOG, packed).await
    {
        tracing::warn!(%error, "the log could not be kept");
    }
}
