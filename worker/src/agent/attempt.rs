//! One attempt at one task: data, checkpoint, training; what it made is delivered in [`super::delivery`].
//!
//! Whatever happens on the way, it ends in one of the [`Settlement`]s, and the caller tells the coordinator.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use basin_domain::digest::Digest;
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
use super::child::{Executor, Lane, Said};
use super::coordinator::Coordinator;
use super::delivery::{Trained, packed};
use super::lease::{Lease, LeasedTask, Wish};
use super::outages::{Outages, Standstill};
use super::preparation::{prepare, restore};
use super::silence::Silence;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Settlement {
    /// The store has a commit of this task, by this attempt or by an earlier one.
    Committed {
        /// The digest of the committed manifest.
        manifest: Digest,
    },
    /// It failed.
    Failed(Failure),
    /// It was given back; its last checkpoint is in the store.
    Released(ReleaseReason),
    /// The lease was lost: nobody is told anything.
    Abandoned,
}

/// What an attempt works with.
pub(super) struct Workplace<'a> {
    pub(super) coordinator: &'a Coordinator,
    pub(super) store: &'a Store,
    pub(super) commits: CommitMode,
    pub(super) cache: &'a DataCache,
    pub(super) worker: &'a WorkerId,
    pub(super) description: &'a WorkerDescription,
    pub(super) checkpoint_every: Duration,
    pub(super) progress_timeout: Duration,
    pub(super) outages: &'a Arc<Outages>,
    pub(super) scratch: &'a Path,
}

/// How the work on a task ended.
pub(super) enum Ended {
    /// It is trained: what it made is to be delivered.
    Trained(Box<Trained>),
    /// The task is settled, as far as this attempt goes.
    Settled(Settlement),
    /// The executor was killed because it hung with another task: that says nothing against this one.
    Interrupted,
    /// The executor died, and had not yet begun with the task: that says nothing against the task.
    NeverBegan,
}

impl From<Settlement> for Ended {
    fn from(settlement: Settlement) -> Self {
        Self::Settled(settlement)
    }
}

/// What a failure of the store does to an attempt. An outage is nobody's fault: it was waited for until the lease had to be
/// given back.
pub(super) fn storage_failure(lease: &Lease, error: &StorageError) -> Settlement {
    if let StorageError::Corrupt { .. } = error {
        return damaged(error_chain::with_causes(error));
    }
    let failed = || Settlement::Failed(Failure::new(FailureKind::Storage, error_chain::with_causes(error)));
    if error.outage().is_none() {
        return failed();
    }
    match *lease.wishes().borrow() {
        Wish::GiveBack(reason) => Settlement::Released(reason),
        Wish::Abandon => Settlement::Abandoned,
        Wish::Train => failed(),
    }
}

/// What is in the store isn't what was committed there: another attempt would find the same.
pub(super) fn damaged(why: String) -> Settlement {
    Settlement::Failed(Failure::new(FailureKind::Damaged, why))
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What was heard of a task that trains.
#[derive(Default)]
struct Heard {
    began: bool,
    /// Whether the checkpoint that it should go on from could not be used.
    began_anew: bool,
    /// The step that it began at.
    first_step: Option<u64>,
    last: Progress,
}

/// Works on one task of a lease until it is trained, or settled without that.
pub(super) async fn train(
    place: &Workplace<'_>,
    lease: &Lease,
    task: &LeasedTask,
    executor: &Arc<Executor>,
) -> Ended {
    let started_unix_ms = unix_ms();
    let (start, mut resumed) = match prepare(place, lease, task).await {
        Ok(prepared) => prepared,
        Err(settlement) => return settlement.into(),
    };
    let mut wishes = lease.wishes();
    if let Wish::GiveBack(reason) = *wishes.borrow_and_update() {
        return Settlement::Released(reason).into();
    }
    let again = start.clone();
    let mut refused = Vec::new();
    // With an older checkpoint, once the executor has let go of the run that it began without.
    let mut older: Option<Start> = None;
    let writer = AttemptWriter::new(place.store.clone(), task.id, task.attempt, lease.id.clone());
    let mut lane = executor.lane(&task.id);
    let mut heard = Heard::default();
    let mut silence = Silence::new(place.progress_timeout, Instant::now());
    // Set while something that the task can do without can't be written.
    let mut standstill: Option<Standstill> = None;
    let mut checkpoints = Checkpoints::new(&writer, place.scratch);
    if let Err(error) = lane.send(to_executor::Message::Start(start)).await {
        return crashed(&writer, &lane, executor, &error, &heard).await;
    }
    let finished = loop {
        let said = tokio::select! {
            biased;
            wish = changed(&mut wishes) => ask_for_leave(&lane, wish).await,
            said = lane.next() => said.map(Some),
            (number, kept) = checkpoints.kept() => {
                if let Err(error) = &kept {
                    // The run goes on: a checkpoint that isn't kept costs time only if something else fails too.
                    tracing::warn!(task = %task.id, number, %error, "a checkpoint could not be kept");
                }
                // No more work is taken, though, while the store doesn't take what this one makes.
                let outage = kept.err().and_then(|error| error.downcast_ref::<StorageError>()?.outage());
                match outage {
                    None => standstill = None,
                    Some(outage) => note(place, &mut standstill, outage, false),
                }
                Ok(None)
            }
            () = tokio::time::sleep(silence.pause()) => {
                let at_its_turn = heard.began || !executor.is_training();
                if !heard.began {
                    silence.heard(executor.last_spoke());
                }
                if let Some(silent) = silence.look(Instant::now()).filter(|_| at_its_turn) {
                    checkpoints.finish().await;
                    return hung(&writer, &lane, executor, &heard, (silent, silence.limit())).await;
                }
                Ok(None)
            }
        };
        let message = match said {
            Ok(Some((at, message))) => {
                silence.heard(at);
                lease.note_heard(task.id, at);
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
                note(place, &mut standstill, Outage::new(OutageKind::LocalDisk, hindered.why), true);
                lease.note_trained(task.id);
            }
            Ok(Some(from_executor::Message::Failed(failed))) => {
                let failure = basin_proto::convert::failure(&failed.kind, failed.message)
                    .unwrap_or_else(|error| Failure::new(FailureKind::Crashed, error.to_string()));
                keep_log(&writer, &lane).await;
                return Settlement::Failed(failure).into();
            }
            Ok(Some(from_executor::Message::Stopped(_)))
                if older.is_some() && *lease.wishes().borrow() == Wish::Train =>
            {
                heard = Heard { began: true, ..Heard::default() };
                if let Some(start) = older.take()
                    && let Err(error) = lane.send(to_executor::Message::Start(start)).await
                {
                    return crashed(&writer, &lane, executor, &error, &heard).await;
                }
            }
            Ok(Some(from_executor::Message::Stopped(_))) => {
                checkpoints.finish().await;
                let settlement = match *lease.wishes().borrow() {
                    Wish::GiveBack(reason) => Settlement::Released(reason),
                    Wish::Train => Settlement::Released(ReleaseReason::Stopped),
                    Wish::Abandon => Settlement::Abandoned,
                };
                return settlement.into();
            }
            Ok(Some(from_executor::Message::Progressed(progressed))) => {
                heard.last = progressed.into();
                silence.note_step(heard.last.step_seconds);
                heard.first_step.get_or_insert(heard.last.iteration);
                lease.note(task.id, heard.last);
            }
            Ok(Some(from_executor::Message::Checkpointed(checkpointed))) => checkpoints.push(checkpointed),
            Ok(Some(from_executor::Message::Started(started))) => {
                heard.began = true;
                lane.begin();
                if let Some(why) = started.checkpoint_refused {
                    tracing::warn!(task = %task.id, why, "a checkpoint was refused, the run began anew");
                    heard.began_anew = true;
                    refused.extend(resumed.take());
                    match restore(place, lease, task, &refused).await {
                        Ok(Some((path, from))) => {
                            let (checkpoint, checkpoint_number) = (Some(path), from.1);
                            older = Some(Start { checkpoint, checkpoint_number, ..again.clone() });
                            resumed = Some(from);
                            if let Err(error) = lane.send(to_executor::Message::Stop(Stop {})).await {
                                return crashed(&writer, &lane, executor, &error, &heard).await;
                            }
                        }
                        Ok(None) => {}
                        Err(settlement) => return settlement.into(),
                    }
                }
            }
            Ok(Some(from_executor::Message::Ready(_))) => {}
        }
    };
    // What is being written is let be written, unless it is known that nothing can be: nobody needs it any more.
    if standstill.is_none() {
        checkpoints.finish_under_way().await;
    }
    drop(checkpoints);
    let provenance = Provenance {
        host: place.description.host.clone(),
        device: place.description.device.clone(),
        code_path: place.description.code_path.clone(),
        threads: place.description.threads,
        basin_version: place.description.version.clone(),
        started_unix_ms,
        finished_unix_ms: unix_ms(),
        resumed_from_step: heard.first_step.filter(|_| resumed.is_some() && !heard.began_anew),
        steps: heard.last.iteration.saturating_sub(heard.first_step.unwrap_or(0)),
        step_seconds: heard.last.step_seconds,
        lanes: u32::try_from(lease.tasks.len()).unwrap_or(u32::MAX),
    };
    lease.note_trained(task.id);
    let log = lane.log();
    Ended::Trained(Box::new(Trained::new(writer, finished, provenance, log)))
}

/// An outage was met, or goes on.
fn note(place: &Workplace<'_>, standstill: &mut Option<Standstill>, outage: Outage, holds_result: bool) {
    match standstill {
        Some(standstill) => standstill.update(outage),
        None => *standstill = Some(place.outages.begin(outage, holds_result)),
    }
}

/// The next change of what is wanted. Pends for ever once nothing can change any more.
async fn changed(wishes: &mut watch::Receiver<Wish>) -> Wish {
    if wishes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *wishes.borrow_and_update()
}

/// Asks the executor for a last checkpoint and its leave.
async fn ask_for_leave(lane: &Lane, wish: Wish) -> io::Result<Option<Said>> {
    if let Wish::GiveBack(_) = wish {
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
    heard: &Heard,
) -> Ended {
    if executor.was_hung() {
        return Ended::Interrupted;
    }
    let how = executor.autopsy().await;
    if !heard.began {
        return Ended::NeverBegan;
    }
    let words = lane.last_words();
    let words = if words.is_empty() { String::new() } else { format!("; its last words:\n{words}") };
    keep_log(writer, lane).await;
    Settlement::Failed(Failure::new(FailureKind::Crashed, format!("{error} ({how}){words}"))).into()
}

/// Kills an executor that shows no progress. If it never came to any task, that says nothing against this one.
async fn hung(
    writer: &AttemptWriter,
    lane: &Lane,
    executor: &Executor,
    heard: &Heard,
    (silent, limit): (Duration, Duration),
) -> Ended {
    executor.kill_as_hung().await;
    if !heard.began {
        return Ended::NeverBegan;
    }
    keep_log(writer, lane).await;
    let Progress { iteration, iterations, epoch, epochs, .. } = heard.last;
    let message = format!(
        "no progress for {:.0} s, where {:.0} s were allowed, and the executor was killed; it was at step {iteration} of \
         {iterations}, epoch {epoch} of {epochs}",
        silent.as_secs_f64(),
        limit.as_secs_f64()
    );
    Settlement::Failed(Failure::new(FailureKind::Hung, message)).into()
}

async fn keep_log(writer: &AttemptWriter, lane: &Lane) {
    if let Some(packed) = packed(&lane.log())
        && let Err(error) = writer.put_artifact(key::LOG, packed).await
    {
        tracing::warn!(%error, "the log could not be kept");
    }
}
