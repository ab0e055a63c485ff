//! From the store to what a report is made from.

use std::sync::Arc;

use basin_domain::id::{SweepId, TaskId};
use basin_domain::sweep::SweepFile;
use basin_domain::{error_chain, key};
use basin_storage::{Commit, StorageError, Store, SweepRecord};
use futures::{StreamExt, TryStreamExt};

use super::dataset_contents::DatasetContents;
use super::default_figures;
use super::error::{ReportError, is_of_this_object};
use super::projection;
use super::results::{Results, Status};
use super::runs::{Run, RunState};
use super::stored_numbers;

/// Results that are read at once.
const CONCURRENT: usize = 16;

/// A sweep with its runs.
#[derive(Debug)]
pub(super) struct GatheredRuns {
    /// The sweep.
    pub(super) sweep: SweepRecord,
    /// Its file, read.
    pub(super) file: SweepFile,
    /// Its tasks in plan order, with what is known of them.
    pub(super) runs: Vec<Run>,
}

/// Reads the runs of `sweep`.
///
/// # Errors
/// If the sweep isn't in the store, or the store can't be reached. A single result that is damaged is no error: its run
/// is [`RunState::Unreadable`].
pub(super) async fn gather_runs(
    store: &Store,
    sweep: &SweepId,
    status: Option<&Status>,
) -> Result<GatheredRuns, ReportError> {
    let record = store.read_sweep(sweep).await?;
    let tasks = store.read_tasks(sweep).await?;
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let found = store.find_commits(&ids).await?;
    let file = SweepFile::parse(&record.source)?;
    let kinds: Vec<_> = record.source.kinds.iter().cloned().map(Arc::new).collect();
    let contents = DatasetContents::read(store, tasks.iter().map(|task| &task.spec)).await?;
    // A task of two experiments is in the plan twice, under one id: both rows have its result.
    let with_commits = tasks.into_iter().map(|task| {
        let damage =
            found.damaged.get(&task.id).map(|why| format!("`{}` is damaged: {why}", key::commit(&task.id)));
        let declaration = kinds.iter().find(|kind| kind.declares(&task.spec.experiment)).cloned();
        let (test_examples, data) = (contents.test_examples(&task.spec), contents.of(&task.spec));
        (found.commits.get(&task.id).cloned(), damage, (declaration, test_examples, data), task)
    });
    let runs: Vec<Run> = futures::stream::iter(with_commits)
        .map(|(commit, damage, (declaration, test_examples, data), task)| async move {
            let state = match commit {
                Some(commit) => committed(store, commit).await?,
                None if damage.is_some() => RunState::Unreadable { error: damage.unwrap_or_default() },
                None => match status.and_then(|status| status.failures.get(&task.id)) {
                    Some(failure) => RunState::Failed(failure.clone()),
                    None => RunState::Missing,
                },
            };
            Ok::<Run, StorageError>(Run { declaration, test_examples, data, task, state })
        })
        .buffered(CONCURRENT)
        .try_collect()
        .await?;
    Ok(GatheredRuns { sweep: record, file, runs })
}

/// Reads all that is known of `sweep`.
///
/// # Errors
/// As [`gather_runs`].
pub(super) async fn gather(
    store: &Store,
    sweep: &SweepId,
    status: Option<&Status>,
) -> Result<Results, ReportError> {
    let GatheredRuns { sweep, file, runs } = gather_runs(store, sweep, status).await?;
    let (asked, claims) = (file.figures().to_vec(), file.claims().to_vec());
    let figures = if asked.is_empty() { default_figures::of(&runs, &claims) } else { asked };
    let phase = status.map(|status| status.phase.clone());
    let (projections, distances) = projection::gather(store, &figures, &claims, &runs).await?;
    let stored = stored_numbers::gather(store, &claims, &runs).await?;
    let is_evidence = file.is_evidence();
    Ok(Results { sweep, figures, claims, is_evidence, runs, phase, projections, distances, stored })
}

/// The result of a committed run. What is damaged or gone is a state; a store that doesn't answer is an error.
pub(super) async fn committed(store: &Store, commit: Commit) -> Result<RunState, StorageError> {
    let metrics = match store.read_metrics(&commit).await {
        Ok(metrics) => metrics,
        Err(error) if is_of_this_object(&error) => {
            return Ok(RunState::Unreadable { error: error_chain::with_causes(&error) });
        }
        Err(error) => return Err(error),
    };
    let manifest = match store.read_manifest(&commit).await {
        // A commit of a version without digests is proved by its manifest.
        Ok(manifest) if manifest.commit().is_ok_and(|proved| proved == commit) => Some(Box::new(manifest)),
        Ok(_) => {
            let error = format!("`{}` isn't the commit of its manifest", key::commit(&commit.task));
            return Ok(RunState::Unreadable { error });
        }
        Err(error) if is_of_this_object(&error) => {
            return Ok(RunState::Unreadable { error: error_chain::with_causes(&error) });
        }
        Err(error) => return Err(error),
    };
    Ok(RunState::Committed { metrics, commit, manifest })
}
