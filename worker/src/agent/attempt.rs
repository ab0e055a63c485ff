//! One attempt at one task: data, checkpoint, training, artifacts, manifest, commit.
//!
//! Whatever happens on the way, it ends in one of the [`Settlement`]s, and the caller tells the coordinator.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basin_domain::causes;
use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::WorkerId;
use basin_domain::key;
use basin_domain::record::Outcome;
use basin_domain::worker::{Progress, WorkerDescription};
use basin_proto::executor::{Checkpoint, Checkpointed, Finished, Start, Stop, from_executor, to_executor};
use basin_proto::v1;
use basin_storage::{
    AttemptWriter, Commit, CommitMode, CommitOutcome, Ending, Provenance, StorageError, Store,
};
use bytes::Bytes;
use tokio::sync::watch;

use super::cache::DataCache;
use super::child::{Executor, Lane, within};
use super::coordinator::Coordinator;
use super::lease::{Lease, LeasedTask, Wish};
use super::patience::patiently;

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
    pub(super) scratch: &'a Path,
}

/// How the work on a task ended.
pub(super) enum Ended {
    /// The task is settled, as far as this attempt goes.
    Settled(Settlement),
    /// The executor died, and had not yet begun with the task: that says nothing against the task.
    NeverBegan,
}

impl From<Settlement> for Ended {
    fn from(settlement: Settlement) -> Self {
        Self::Settled(settlement)
    }
}

/// What a failure of the store does to an attempt: one that passes is nobody's fault where the lease is given back anyway.
fn storage_failure(lease: &Lease, error: &StorageError) -> Settlement {
    if let StorageError::Corrupt { .. } = error {
        return damaged(causes::in_words(error));
    }
    match *lease.wishes().borrow() {
        Wish::GiveBack(reason) if error.is_transient() => Settlement::Released(reason),
        Wish::GiveBack(_) | Wish::Train | Wish::Abandon => {
            Settlement::Failed(Failure::new(FailureKind::Storage, causes::in_words(error)))
        }
    }
}

/// What is in the store isn't what was committed there: another attempt would find the same.
fn damaged(why: String) -> Settlement {
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

/// Works on one task of a lease until it is settled.
pub(super) async fn work(
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
    if let Err(error) = lane.send(to_executor::Message::Start(start)).await {
        return crashed(&writer, &lane, executor, &error, &heard).await;
    }
    let finished = loop {
        let message = tokio::select! {
            biased;
            wish = changed(&mut wishes) => ask_for_leave(&lane, wish).await,
            message = lane.next() => message.map(Some),
        };
        match message {
            Err(error) => return crashed(&writer, &lane, executor, &error, &heard).await,
            Ok(None) => {}
            Ok(Some(from_executor::Message::Finished(finished))) => break finished,
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
                let settlement = match *lease.wishes().borrow() {
                    Wish::GiveBack(reason) => Settlement::Released(reason),
                    Wish::Train => Settlement::Released(ReleaseReason::Stopped),
                    Wish::Abandon => Settlement::Abandoned,
                };
                return settlement.into();
            }
            Ok(Some(from_executor::Message::Progressed(progressed))) => {
                heard.last = progressed.into();
                heard.first_step.get_or_insert(heard.last.iteration);
                lease.note(task.id, heard.last);
            }
            Ok(Some(from_executor::Message::Checkpointed(checkpointed))) => {
                if let Err(error) = keep_checkpoint(&writer, place.scratch, &checkpointed).await {
                    // The run goes on: a checkpoint that isn't kept costs time only if something else fails too.
                    let number = checkpointed.number;
                    tracing::warn!(task = %task.id, number, %error, "a checkpoint could not be kept");
                }
            }
            Ok(Some(from_executor::Message::Started(started))) => {
                heard.began = true;
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
    keep_log(&writer, &lane).await;
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
    commit(place, lease, &writer, &finished, provenance).await.into()
}

/// The next change of what is wanted. Pends for ever once nothing can change any more.
async fn changed(wishes: &mut watch::Receiver<Wish>) -> Wish {
    if wishes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *wishes.borrow_and_update()
}

/// Asks the executor for a last checkpoint and its leave.
async fn ask_for_leave(lane: &Lane, wish: Wish) -> io::Result<Option<from_executor::Message>> {
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
    let how = executor.autopsy().await;
    if !heard.began {
        return Ended::NeverBegan;
    }
    let words = lane.last_words();
    let words = if words.is_empty() { String::new() } else { format!("; its last words:\n{words}") };
    keep_log(writer, lane).await;
    Settlement::Failed(Failure::new(FailureKind::Crashed, format!("{error} ({how}){words}"))).into()
}

/// Gathers what the executor needs; the newest valid checkpoint among it. If the task is committed already (by an attempt
/// whose lease ended before it could tell), that is the end.
async fn prepare(
    place: &Workplace<'_>,
    lease: &Lease,
    task: &LeasedTask,
) -> Result<(Start, Option<CheckpointPlace>), Settlement> {
    let failed = |error| storage_failure(lease, &error);
    if let Some(commit) = patiently(lease, || place.store.read_commit(&task.id)).await.map_err(failed)? {
        return Err(Settlement::Committed { manifest: commit.manifest });
    }
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let dataset = match &task.spec.data {
        None => None,
        Some(dataset) => Some(text(&place.cache.path(dataset, lease).await.map_err(Settlement::Failed)?)),
    };
    let local = |path: &Path, error: io::Error| {
        Settlement::Failed(Failure::new(FailureKind::Storage, format!("{}: {error}", path.display())))
    };
    let mut inputs = std::collections::HashMap::new();
    for (position, (name, input)) in task.spec.inputs.iter().enumerate() {
        let commit = patiently(lease, || place.store.read_commit(input)).await.map_err(failed)?;
        let commit = commit.ok_or_else(|| damaged(format!("input {name} ({input}) has no commit")))?;
        let bytes = patiently(lease, || place.store.read_result(&commit)).await;
        let bytes = bytes.map_err(|error| match error {
            StorageError::NotFound { .. } => damaged(causes::in_words(&error)),
            error => failed(error),
        })?;
        let path = place.scratch.join(format!("input-{position}.safetensors"));
        tokio::fs::write(&path, &bytes).await.map_err(|error| local(&path, error))?;
        inputs.insert(name.clone(), text(&path));
    }
    let (checkpoint, resumed) = restore(place, lease, task, &[]).await?.unzip();
    let checkpoint_number = resumed.as_ref().map_or(0, |(_, number)| *number);
    let start = Start {
        spec_json: task.spec.canonical(),
        scratch: text(place.scratch),
        dataset,
        inputs,
        checkpoint,
        checkpoint_number,
        checkpoint_every_ms: u64::try_from(place.checkpoint_every.as_millis()).unwrap_or(u64::MAX),
    };
    Ok((start, resumed))
}

/// Where a checkpoint lies: the folder of the attempt that wrote it, and its number.
type CheckpointPlace = (String, u64);

/// The newest checkpoint that can be read and that the executor hasn't refused, as a file; none if there is none.
async fn restore(
    place: &Workplace<'_>,
    lease: &Lease,
    task: &LeasedTask,
    refused: &[CheckpointPlace],
) -> Result<Option<(String, CheckpointPlace)>, Settlement> {
    let stored = patiently(lease, || place.store.newest_checkpoint_but(&task.id, refused)).await;
    let Some(stored) = stored.map_err(|error| storage_failure(lease, &error))? else { return Ok(None) };
    let path = place.scratch.join("resume.safetensors");
    tokio::fs::write(&path, &stored.bytes).await.map_err(|error| {
        Settlement::Failed(Failure::new(FailureKind::Storage, format!("{}: {error}", path.display())))
    })?;
    tracing::info!(task = %task.id, number = stored.number, "checkpoint restored");
    Ok(Some((path.to_string_lossy().into_owned(), (stored.folder, stored.number))))
}

async fn keep_checkpoint(writer: &AttemptWriter, scratch: &Path, told: &Checkpointed) -> anyhow::Result<()> {
    let path = within(scratch, &told.path)?;
    writer.put_checkpoint_file(told.number, &path).await?;
    tokio::fs::remove_file(&path).await?;
    Ok(())
}

async fn keep_log(writer: &AttemptWriter, lane: &Lane) {
    let log = lane.log();
    let kept = match zstd::encode_all(log.as_bytes(), 3) {
        Ok(packed) => {
            writer.put_artifact(key::LOG, Bytes::from(packed)).await.map(|_| ()).map_err(|e| e.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "the log could not be kept");
    }
}

/// Uploads the results, then the manifest, then commits.
async fn commit(
    place: &Workplace<'_>,
    lease: &Lease,
    writer: &AttemptWriter,
    finished: &Finished,
    provenance: Provenance,
) -> Settlement {
    let crashed = |why: String| Settlement::Failed(Failure::new(FailureKind::Crashed, why));
    let outcome: Outcome = match finished.outcome_json.parse() {
        Ok(outcome) => outcome,
        Err(error) => return crashed(format!("the executor's outcome: {error}")),
    };
    for (name, path) in [(key::METRICS, &finished.metrics_path), (key::RESULT, &finished.result_path)] {
        let path = match within(place.scratch, path) {
            Ok(path) => path,
            Err(error) => return crashed(error.to_string()),
        };
        if let Err(error) = patiently(lease, || writer.put_artifact_file(name, &path)).await {
            return storage_failure(lease, &error);
        }
    }
    let ending = Ending { worker: place.worker.clone(), outcome, provenance };
    let manifest = patiently(lease, || writer.finish(ending.clone())).await;
    let commit = match manifest.and_then(|manifest| manifest.commit()) {
        Ok(commit) => commit,
        Err(error) => return storage_failure(lease, &error),
    };
    // Fenced twice: no commit is begun after the lease's end, and one that is late all the same meets `Create`.
    if lease.is_abandoned() {
        return Settlement::Abandoned;
    }
    let committed = match place.commits {
        CommitMode::Conditional => match patiently(lease, || place.store.commit(&commit)).await {
            Ok(outcome) => outcome,
            // It was there, and was withdrawn since: this attempt is over.
            Err(error @ StorageError::Withdrawn { .. }) => {
                tracing::warn!(task = %commit.task, %error, "this attempt's commit was withdrawn");
                return Settlement::Abandoned;
            }
            Err(error) => return storage_failure(lease, &error),
        },
        CommitMode::Serialised => match ask_to_commit(place, &commit).await {
            Ok(outcome) => outcome,
            Err(settlement) => return settlement,
        },
    };
    let manifest = match committed {
        CommitOutcome::Committed => commit.manifest,
        CommitOutcome::Superseded(other) => {
            tracing::warn!(task = %commit.task, by = %other.lease, "superseded by another attempt's commit");
            other.manifest
        }
    };
    if let Err(error) = place.store.remove_checkpoints(&commit.task).await {
        tracing::debug!(task = %commit.task, %error, "checkpoints of a committed task were left");
    }
    Settlement::Committed { manifest }
}

/// Lets the coordinator commit, which alone writes commits to this store.
async fn ask_to_commit(place: &Workplace<'_>, commit: &Commit) -> Result<CommitOutcome, Settlement> {
    let failed = |why: String| Settlement::Failed(Failure::new(FailureKind::Storage, why));
    let commit_json = String::from_utf8(commit.to_bytes()).expect("JSON is text");
    let counts = match place.coordinator.commit(&v1::CommitRequest { commit_json }).await {
        Ok(counts) => counts,
        // The lease ended before the coordinator chose.
        Err(status) if status.code() == tonic::Code::FailedPrecondition => {
            tracing::warn!(task = %commit.task, %status, "the coordinator does not commit this attempt");
            return Err(Settlement::Abandoned);
        }
        Err(status) => return Err(failed(format!("the coordinator could not commit: {}", status.message()))),
    };
    match Commit::from_bytes(counts.as_bytes()) {
        Ok(counts) if counts == *commit => Ok(CommitOutcome::Committed),
        Ok(other) => Ok(CommitOutcome::Superseded(other)),
        Err(error) => Err(failed(format!("the coordinator's answer is no commit: {error}"))),
    }
}
