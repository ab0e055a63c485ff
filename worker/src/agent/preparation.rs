//! What an executor needs before it can train a task: data, inputs, and the newest checkpoint that can be read.

use std::path::Path;

use basin_domain::error_chain;
use basin_proto::executor::Start;
use basin_storage::StorageError;

use super::attempt::{Settlement, Workplace, damaged, storage_failure};
use super::cache::NoData;
use super::lease::{Lease, LeasedTask};
use super::patience::Patience;

/// Gathers what the executor needs; the newest valid checkpoint among it. If the task is committed already (by an attempt
/// whose lease ended before it could tell), that is the end.
pub(super) async fn prepare(
    place: &Workplace<'_>,
    lease: &Lease,
    task: &LeasedTask,
) -> Result<(Start, Option<CheckpointPlace>), Settlement> {
    let failed = |error| storage_failure(lease, &error);
    let patience = Patience::while_leased(lease, place.outages);
    if let Some(commit) = patience.call(|| place.store.read_commit(&task.id)).await.map_err(failed)? {
        return Err(Settlement::Committed { manifest: commit.manifest });
    }
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let dataset = match &task.spec.data {
        None => None,
        Some(dataset) => match place.cache.path(dataset, lease).await {
            Ok(path) => Some(text(&path)),
            Err(NoData::Outage(error)) => return Err(failed(error)),
            Err(NoData::Missing(failure)) => return Err(Settlement::Failed(failure)),
        },
    };
    let mut inputs = std::collections::HashMap::new();
    for (position, (name, input)) in task.spec.inputs.iter().enumerate() {
        let commit = patience.call(|| place.store.read_commit(input)).await.map_err(failed)?;
        let commit = commit.ok_or_else(|| damaged(format!("input {name} ({input}) has no commit")))?;
        let bytes = patience.call(|| place.store.read_result(&commit)).await;
        let bytes = bytes.map_err(|error| match error {
            StorageError::NotFound { .. } => damaged(error_chain::with_causes(&error)),
            error => failed(error),
        })?;
        let path = place.scratch.join(format!("input-{position}.safetensors"));
        patience.call(|| write(&path, &bytes)).await.map_err(failed)?;
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
pub(super) type CheckpointPlace = (String, u64);

/// The newest checkpoint that can be read and that the executor hasn't refused, as a file; none if there is none.
pub(super) async fn restore(
    place: &Workplace<'_>,
    lease: &Lease,
    task: &LeasedTask,
    refused: &[CheckpointPlace],
) -> Result<Option<(String, CheckpointPlace)>, Settlement> {
    let failed = |error| storage_failure(lease, &error);
    let patience = Patience::while_leased(lease, place.outages);
    let stored = patience.call(|| place.store.newest_checkpoint_except(&task.id, refused)).await;
    let Some(stored) = stored.map_err(failed)? else { return Ok(None) };
    let path = place.scratch.join("resume.safetensors");
    patience.call(|| write(&path, &stored.bytes)).await.map_err(failed)?;
    tracing::info!(task = %task.id, number = stored.number, "checkpoint restored");
    Ok(Some((path.to_string_lossy().into_owned(), (stored.folder, stored.number))))
}

/// Writes a file of the scratch folder.
async fn write(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let written = tokio::fs::write(path, bytes).await;
    written.map_err(|source| StorageError::File { path: path.to_owned(), source })
}
