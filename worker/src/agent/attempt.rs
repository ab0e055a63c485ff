//! One attempt at one task: data, checkpoint, training; what it made is delivered in [`super::commit`].
//!
//! Whatever happens on the way, it ends in one of the [`AttemptOutcome`]s, and the caller tells the coordinator.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::memory_use::MemoryUse;
use basin_domain::task::LeasedTask;
use basin_domain::time_spent::TimeSpent;
use basin_proto::executor::{Checkpoint, Start, Stop, from_executor, to_executor};
use basin_storage::{AttemptWriter, Provenance, StorageError};
use basin_traces::{Part, Span};
use tokio::sync::watch;

use super::attempt_context::AttemptContext;
use super::checkpoints::Checkpoints;
use super::clock;
use super::commit::{TrainedTask, compressed_log};
use super::executor_end::ExecutorEnd;
use super::executor_process::{Executor, Lane};
use super::executor_times::ExecutorTimes;
use super::lease_handle::LeaseHandle;
use super::outage_waits::OutageGuard;
use super::platform::Platform;
use super::predicted_memory::predicted_memory;
use super::preparation::{RestoredCheckpoint, prepare, restore};
use super::reactor::{AttemptOutcome, Directive};
use super::run_trace::RunTrace;
use super::training::{Action, End, Event, Training};

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

fn unix_ms(platform: &dyn Platform) -> u64 {
    u64::try_from(platform.unix_time().as_millis()).unwrap_or(u64::MAX)
}

/// Works on one task of a lease until it is trained, or settled without that.
pub(super) async fn train(
    context: &AttemptContext<'_>,
    lease: &LeaseHandle,
    task: &LeasedTask,
    executor: &Arc<Executor>,
) -> TrainOutcome {
    let started_unix_ms = unix_ms(context.platform);
    let mut spent = TimeSpent::default();
    let preparing = Span::child(Part::Agent, "agent.prepare");
    let prepared = preparing.follow(prepare(context, lease, task, &mut spent)).await;
    drop(preparing);
    let (start, resumed) = match prepared {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome.into(),
    };
    let mut directives = lease.directives();
    if let Directive::GiveBack(reason) = *directives.borrow_and_update() {
        return AttemptOutcome::Released(reason).into();
    }
    let writer = AttemptWriter::new(context.store.clone(), task.id, task.attempt, lease.id.clone());
    let memory_before = executor.peak_memory();
    let mut lane = executor.lane(&task.id);
    lane.tell(task.id, context.logs);
    let mut training = Training::new(resumed, context.progress_timeout, clock::now());
    let mut times = ExecutorTimes::told(clock::now());
    // The task as it is begun, and begun again.
    let mut start = start;
    let mut run = RunTrace::default();
    let mut guard: Option<OutageGuard> = None;
    let mut checkpoints = Checkpoints::new(&writer, context.scratch);
    let mut actions = VecDeque::from([Action::StartAgain]);
    let finished = loop {
        let Some(action) = actions.pop_front() else {
            let (event, at) =
                next_event(&mut lane, &mut checkpoints, &mut directives, &training, executor).await;
            if let Event::Heard(message) = &event {
                times.hear(message, at);
                run.hear(message);
                // That it progressed is told with how far it is, which what it records stands beside.
                let is_told = matches!(
                    message,
                    from_executor::Message::Progressed(_) | from_executor::Message::Recorded(_)
                );
                if !is_told {
                    lease.note_activity(task.id);
                }
            }
            actions.extend(training.handle(event, at));
            continue;
        };
        let message = match action {
            Action::StartAgain => {
                times = ExecutorTimes::told(clock::now());
                run = RunTrace::begin();
                to_executor::Message::Start(Start { traceparent: run.traceparent(), ..start.clone() })
            }
            Action::RequestCheckpoint => to_executor::Message::Checkpoint(Checkpoint {}),
            Action::RequestStop => to_executor::Message::Stop(Stop {}),
            Action::Restore(refused) => {
                let restored = match restore(context, lease, task, &refused).await {
                    Ok(restored) => restored,
                    Err(outcome) => return outcome.into(),
                };
                let location = restored.map(|RestoredCheckpoint { file, digest, location }| {
                    start.checkpoint = Some(file);
                    start.checkpoint_digest = Some(digest.to_string());
                    start.checkpoint_number = location.number;
                    location
                });
                actions.extend(training.handle(Event::Restored(location), clock::now()));
                continue;
            }
            Action::NoteBegun => {
                lane.begin();
                continue;
            }
            Action::StoreCheckpoint(checkpointed) => {
                checkpoints.push(checkpointed);
                continue;
            }
            Action::NoteProgress(progress) => {
                context.logs.note_progress(&task.id, &progress);
                lease.note_progress(task.id, progress);
                continue;
            }
            Action::NoteRecorded(series) => {
                context.logs.note_recorded(&task.id, &series);
                continue;
            }
            Action::NoteTrained => {
                lease.note_trained(task.id);
                continue;
            }
            Action::NoteOutage { outage, holds_result } => {
                let (what, message) = (outage.kind.description(), &outage.message);
                context.logs.say(&task.id, &format!("waits: {what} ({message})"));
                context.outages.note(&mut guard, outage, holds_result);
                continue;
            }
            Action::EndOutage => {
                guard = None;
                continue;
            }
            Action::End(End::Finished(finished)) => break finished,
            Action::End(end) => {
                run.note_end(&end);
                drop(run);
                if !matches!(end, End::Failed(_)) {
                    checkpoints.finish().await;
                }
                return ended(end, &writer, &lane, executor).await;
            }
        };
        if let Err(error) = lane.send(message).await {
            tracing::debug!(task = %task.id, %error, "the executor could not be told");
            actions.clear();
            actions.extend(training.handle(Event::Died { was_hung: executor.was_hung() }, clock::now()));
        }
    };
    drop(run);
    // A write that is under way may end, unless it is known that it can't: nobody needs it any more.
    if guard.is_none() {
        checkpoints.finish_under_way().await;
    }
    drop(checkpoints);
    spent.add_all(times.spent(&finished.spent_json));
    let lanes = u32::try_from(lease.lanes).unwrap_or(u32::MAX);
    let memory = memory_before.zip(executor.peak_memory()).map(|(before, peak)| {
        let device = &context.description.device;
        MemoryUse { before, peak, predicted: predicted_memory(task, start.dataset.as_deref(), device, lanes) }
    });
    let provenance = Provenance {
        host: context.description.host.clone(),
        device: context.description.device.clone(),
        code_path: context.description.code_path.clone(),
        threads: context.description.threads,
        basin_version: context.description.version.clone(),
        started_unix_ms,
        finished_unix_ms: unix_ms(context.platform),
        resumed_from_step: training.resumed_from_step(),
        steps: training.steps(),
        step_seconds: training.step_seconds(),
        lanes,
        spent,
        memory,
    };
    lease.note_trained(task.id);
    context.logs.say(&task.id, "trained; its result goes into the store");
    lane.log_caught_up().await;
    let log = lane.log();
    TrainOutcome::Trained(Box::new(TrainedTask::new(writer, finished, provenance, log)))
}

/// The next change of the directive. Pends for ever once nothing can change any more.
async fn changed(directives: &mut watch::Receiver<Directive>) -> Directive {
    if directives.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *directives.borrow_and_update()
}

/// The next thing that happens to a task that trains, and when it did. Cancel-safe.
async fn next_event(
    lane: &mut Lane,
    checkpoints: &mut Checkpoints<'_>,
    directives: &mut watch::Receiver<Directive>,
    training: &Training,
    executor: &Executor,
) -> (Event, Instant) {
    tokio::select! {
        biased;
        directive = changed(directives) => (Event::Directed(directive), clock::now()),
        message = lane.next() => match message {
            Ok((at, message)) => (Event::Heard(message), at),
            Err(_) => (Event::Died { was_hung: executor.was_hung() }, clock::now()),
        },
        (number, kept) = checkpoints.kept() => {
            if let Err(error) = &kept {
                // The run goes on: a checkpoint that isn't kept costs time only if something else fails too.
                tracing::warn!(number, %error, "a checkpoint could not be kept");
            }
            // No more work is taken, though, while the store doesn't take what this one makes.
            let outage = kept.err().and_then(|error| error.downcast_ref::<StorageError>()?.outage());
            (Event::CheckpointStored(outage), clock::now())
        }
        () = tokio::time::sleep(training.check_interval()) => {
            executor.observe_memory();
            let (others_train, last_message_at) = (executor.is_training(), executor.last_message_at());
            (Event::Checked { others_train, last_message_at }, clock::now())
        }
    }
}

/// Ends a training that made nothing: what is left of the executor is killed, and the log kept where it explains something.
async fn ended(end: End, writer: &AttemptWriter, lane: &Lane, executor: &Executor) -> TrainOutcome {
    match end {
        // It is delivered instead.
        End::Finished(_) | End::Interrupted => TrainOutcome::Interrupted,
        End::Released(reason) => AttemptOutcome::Released(reason).into(),
        End::Abandoned => AttemptOutcome::Abandoned.into(),
        End::Failed(failure) => {
            keep_log(writer, lane).await;
            AttemptOutcome::Failed(failure).into()
        }
        End::Hung(failure) => {
            executor.kill_as_hung().await;
            keep_log(writer, lane).await;
            AttemptOutcome::Failed(failure).into()
        }
        End::NeverBegan { hangs: true } => {
            executor.kill_as_hung().await;
            TrainOutcome::NeverBegan
        }
        End::NeverBegan { hangs: false } => {
            executor.exit_status().await;
            TrainOutcome::NeverBegan
        }
        End::Crashed => {
            let ExecutorEnd { text: how, is_out_of_memory } = executor.exit_status().await;
            let kind = if is_out_of_memory { FailureKind::OutOfMemory } else { FailureKind::Crashed };
            let words = lane.log_tail();
            let words = if words.is_empty() { String::new() } else { format!("; its last words:\n{words}") };
            keep_log(writer, lane).await;
            AttemptOutcome::Failed(Failure::new(kind, format!("the executor died ({how}){words}"))).into()
        }
    }
}

async fn keep_log(writer: &AttemptWriter, lane: &Lane) {
    lane.log_caught_up().await;
    if let Some(packed) = compressed_log(&lane.log())
        && let Err(error) = writer.put_log(packed).await
    {
        tracing::warn!(%error, "the log could not be kept");
    }
}
