//! The needs of an executor before it can train a task: data, inputs, and the newest checkpoint that can be read.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use basin_domain::digest::Digest;
use basin_domain::experiment::Experiment;
use basin_domain::task::LeasedTask;
use basin_domain::time_spent::{Activity, TimeSpent};
use basin_domain::{error_chain, key};
use basin_proto::executor::Start;
use basin_storage::{Artifact, CheckpointLocation, Commit, StorageError, Store};

use super::attempt_context::AttemptContext;
use super::cache::DataError;
use super::clock;
use super::lease_handle::LeaseHandle;
use super::outage_retry::OutageRetry;
use super::reactor::AttemptOutcome;
use super::storage_failure::{damaged, storage_failure};

/// A checkpoint as a file of the scratch folder.
pub(super) struct RestoredCheckpoint {
    /// The file.
    pub(super) file: String,
    /// Its digest.
    pub(super) digest: Digest,
    /// Where it lies in the store.
    pub(super) location: CheckpointLocation,
}

/// Gathers what the executor needs; the newest valid checkpoint among it. If the task is committed already (by an attempt
/// whose lease ended before it could tell), that is the end. The time that it takes is added to `spent`.
pub(super) async fn prepare(
    context: &AttemptContext<'_>,
    lease: &LeaseHandle,
    task: &LeasedTask,
    spent: &mut TimeSpent,
) -> Result<(Start, Option<CheckpointLocation>), AttemptOutcome> {
    let failed = |error| storage_failure(lease, &error);
    let retry = OutageRetry::while_leased(lease, context.outages);
    if let Some(commit) = retry.call(|| context.store.read_commit(&task.id)).await.map_err(failed)? {
        return Err(AttemptOutcome::Committed { manifest: commit.manifest });
    }
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let began = clock::now();
    let dataset = match &task.spec.data {
        None => None,
        Some(dataset) => match context.cache.path(dataset, task.spec.experiment.recipe(), lease).await {
            Ok(path) => Some(text(&path)),
            Err(DataError::Outage(error)) => return Err(failed(error)),
            Err(DataError::Missing(failure)) => return Err(AttemptOutcome::Failed(failure)),
        },
    };
    if dataset.is_some() {
        spent.add(Activity::Data, clock::now() - began);
    }
    let began = clock::now();
    let (mut inputs, mut input_digests) = (HashMap::new(), HashMap::new());
    for (position, (name, input)) in task.spec.inputs.iter().enumerate() {
        let commit = retry.call(|| context.store.read_commit(input)).await.map_err(failed)?;
        let commit = commit.ok_or_else(|| damaged(format!("input {name} ({input}) has no commit")))?;
        let folder = context.scratch.join(format!("input-{position}"));
        let fetched =
            retry.call(|| fetch_input(context.store, &commit, &task.spec.experiment, &folder)).await;
        let digest = fetched.map_err(|error| match error {
            StorageError::NotFound { .. } => damaged(error_chain::with_causes(&error)),
            error => failed(error),
        })?;
        input_digests.extend(digest.map(|digest| (name.clone(), digest.to_string())));
        inputs.insert(name.clone(), text(&folder));
    }
    if !inputs.is_empty() {
        spent.add(Activity::Inputs, clock::now() - began);
    }
    let began = clock::now();
    let restored = restore(context, lease, task, &[]).await?;
    spent.add(Activity::Restore, clock::now() - began);
    let checkpoint_digest = restored.as_ref().map(|restored| restored.digest.to_string());
    let (checkpoint, resumed) = restored.map(|restored| (restored.file, restored.location)).unzip();
    let checkpoint_number = resumed.as_ref().map_or(0, |location| location.number);
    let start = Start {
        spec_json: task.spec.canonical(),
        scratch: text(context.scratch),
        dataset,
        inputs,
        checkpoint,
        checkpoint_number,
        checkpoint_every_ms: milliseconds(context.checkpoint_every),
        // So that the last checkpoint can be uploaded within the grace as well.
        stop_within_ms: milliseconds(context.grace * 3 / 4),
        traceparent: None,
        checkpoint_digest,
        input_digests,
    };
    Ok((start, resumed))
}

/// Fetches into a folder what a task of this experiment reads of one that is committed: its result, and for a program, which may read
/// what it likes, all of its artifacts but the log. Gives the result's digest.
async fn fetch_input(
    store: &Store,
    commit: &Commit,
    experiment: &Experiment,
    folder: &Path,
) -> Result<Option<Digest>, StorageError> {
    let made = tokio::fs::create_dir_all(folder).await;
    made.map_err(|source| StorageError::File { path: folder.to_owned(), source })?;
    let manifest = store.read_manifest(commit).await?;
    let mut digest = None;
    for Artifact { name, contents } in &manifest.artifacts {
        if name == key::RESULT {
            digest = Some(contents.digest);
        }
        if name == key::RESULT || experiment.command().is_some() && name != key::LOG {
            store.fetch_artifact(&manifest, name, &folder.join(name)).await?;
        }
    }
    Ok(digest)
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The newest checkpoint that can be read and that the executor hasn't refused, as a file; none if there is none.
pub(super) async fn restore(
    context: &AttemptContext<'_>,
    lease: &LeaseHandle,
    task: &LeasedTask,
    refused: &[CheckpointLocation],
) -> Result<Option<RestoredCheckpoint>, AttemptOutcome> {
    let failed = |error| storage_failure(lease, &error);
    let retry = OutageRetry::while_leased(lease, context.outages);
    let stored = retry.call(|| context.store.newest_checkpoint_except(&task.id, refused)).await;
    let Some(stored) = stored.map_err(failed)? else { return Ok(None) };
    let path = context.scratch.join("resume.safetensors");
    retry.call(|| write(&path, &stored.bytes)).await.map_err(failed)?;
    tracing::info!(task = %task.id, number = stored.number, "checkpoint restored");
    context.logs.say(&task.id, &format!("checkpoint {} restored", stored.number));
    Ok(Some(RestoredCheckpoint {
        file: path.to_string_lossy().into_owned(),
        digest: Digest::of(&stored.bytes),
        location: CheckpointLocation { folder: stored.folder, number: stored.number },
    }))
}

/// Writes a file of the scratch folder.
async fn write(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let written = tokio::fs::write(path, bytes).await;
    written.map_err(|source| StorageError::File { path: path.to_owned(), source })
}
