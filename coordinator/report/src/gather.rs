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

/// Reads the plan of `sweep`: its runs, all of them without a result.
///
/// # Errors
/// If the sweep isn't in the store, or the store can't be reached.
pub(super) async fn planned(store: &Store, sweep: &SweepId) -> Result<GatheredRuns, ReportError> {
    let record = store.read_sweep(sweep).await?;
    let tasks = store.read_tasks(sweep).await?;
    let file = SweepFile::parse(&record.source)?;
    let kinds: Vec<_> = record.source.kinds.iter().cloned().map(Arc::new).collect();
    let contents = DatasetContents::read(store, tasks.iter().map(|task| &task.spec)).await?;
    // A task of two experiments is in the plan twice, under one id: both rows have its result.
    let runs = tasks.into_iter().map(|task| {
        let declaration = kinds.iter().find(|kind| kind.declares(&task.spec.experiment)).cloned();
        let (test_examples, data) = (contents.test_examples(&task.spec), contents.of(&task.spec));
        Run { declaration, test_examples, data, task, state: RunState::Missing }
    });
    let runs = runs.collect();
    Ok(GatheredRuns { sweep: record, file, runs })
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
    let GatheredRuns { sweep, file, runs } = planned(store, sweep).await?;
    let ids: Vec<TaskId> = runs.iter().map(|run| run.task.id).collect();
    let found = store.find_commits(&ids).await?;
    let with_commits = runs.into_iter().map(|run| {
        let id = run.task.id;
        let damage = found.damaged.get(&id).map(|why| damaged(&id, why));
        let failure = status.and_then(|status| status.failures.get(&id)).cloned();
        (found.commits.get(&id).cloned(), damage, failure, run)
    });
    let runs: Vec<Run> = futures::stream::iter(with_commits)
        .map(|(commit, damage, failure, run)| async move {
            let state = match (commit, damage, failure) {
                (Some(commit), _, _) => committed(store, commit).await?,
                (None, Some(error), _) => RunState::Unreadable { error },
                (None, None, Some(failure)) => RunState::Failed(Some(failure)),
                (None, None, None) => RunState::Missing,
            };
            Ok::<Run, StorageError>(Run { state, ..run })
        })
        .buffered(CONCURRENT)
        .try_collect()
        .await?;
    Ok(GatheredRuns { sweep, file, runs })
}

/// That something else is where a task's commit should be.
fn damaged(task: &TaskId, why: &str) -> String {
    format!("`{}` is damaged: {why}", key::commit(task))
}

/// The results of those of `tasks` that have one.
///
/// # Errors
/// If the store can't be reached.
pub(super) async fn read_states(
    store: &Store,
    tasks: &[TaskId],
) -> Result<Vec<(TaskId, RunState)>, StorageError> {
    let found = store.find_commits(tasks).await?;
    let unreadable = found.damaged.iter();
    let unreadable = unreadable.map(|(id, why)| (*id, RunState::Unreadable { error: damaged(id, why) }));
    let unreadable: Vec<(TaskId, RunState)> = unreadable.collect();
    let mut states: Vec<(TaskId, RunState)> = futures::stream::iter(found.commits)
        .map(|(id, commit)| async move { Ok::<_, StorageError>((id, committed(store, commit).await?)) })
        .buffer_unordered(CONCURRENT)
        .try_collect()
        .await?;
    states.extend(unreadable);
    Ok(states)
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
