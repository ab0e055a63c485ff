//! What pages ask: of the coordinator, or of the store where there is none.

use axum::http::StatusCode;
use basin_coordinator::stored_log;
use basin_domain::error_chain::with_causes;
use basin_domain::id::{SweepId, TaskId};
use basin_proto::v1;
use basin_storage::Store;

use super::common::answered;
use crate::answer::Failure;
use crate::context::{Asked, Shared};
use crate::model::stored_word;

/// How a sweep is doing.
pub(crate) async fn sweep(board: &Shared, asked: &Asked, id: &str) -> Result<v1::GetSweepReply, Failure> {
    if let Some(client) = &asked.visitor.client {
        return answered(client.sweep(id)).await.map_err(not_there);
    }
    let now = board.model.fresh().await;
    let sweep =
        now.sweep(id).cloned().ok_or_else(|| Failure::not_found(format!("there is no sweep `{id}`")))?;
    Ok(v1::GetSweepReply { sweep: Some(sweep), ..v1::GetSweepReply::default() })
}

/// What is refused to somebody who may look isn't there.
fn not_there(failure: Failure) -> Failure {
    match failure.status {
        StatusCode::FORBIDDEN => Failure { status: StatusCode::NOT_FOUND, ..failure },
        _ => failure,
    }
}

/// How a task is doing.
pub(crate) async fn task(
    board: &Shared,
    asked: &Asked,
    sweep: &str,
    task: &str,
) -> Result<v1::GetTaskReply, Failure> {
    if let Some(client) = &asked.visitor.client {
        return answered(client.task(task)).await.map_err(not_there);
    }
    let store = board.model.store().map_err(Failure::unavailable)?;
    let not_found = || Failure::not_found(format!("there is no task `{task}` of `{sweep}`"));
    let sweep = SweepId::new(sweep).map_err(|_| not_found())?;
    let id = task.parse::<TaskId>().map_err(|_| not_found())?;
    let tasks = store.read_tasks(&sweep).await?;
    let found = tasks.into_iter().find(|task| task.id == id).ok_or_else(not_found)?;
    let (outcome, reason) = match store.read_commit(&id).await {
        Ok(Some(commit)) => {
            let (attempt, lease_id) = (commit.attempt.0, commit.lease.to_string());
            let committed = v1::IsCommitted { attempt, lease_id };
            (Some(commit.outcome), Some(v1::Why { reason: Some(v1::why::Reason::IsCommitted(committed)) }))
        }
        Ok(None) => (None, None),
        Err(error) => return Ok(v1::GetTaskReply { why: with_causes(&error), ..reply(&sweep, &found) }),
    };
    let why = "nothing is committed of it".to_owned();
    Ok(v1::GetTaskReply { state: stored_word(outcome).to_owned(), reason, why, ..reply(&sweep, &found) })
}

fn reply(sweep: &SweepId, task: &basin_domain::task::Task) -> v1::GetTaskReply {
    v1::GetTaskReply {
        task_id: task.id.to_string(),
        sweeps: vec![sweep.to_string()],
        names: vec![task.name()],
        spec_json: task.spec.canonical(),
        ..v1::GetTaskReply::default()
    }
}

/// The log of a task.
pub(crate) async fn log(board: &Shared, asked: &Asked, task: &str) -> Result<v1::GetTaskLogReply, Failure> {
    if let Some(client) = &asked.visitor.client {
        return answered(client.task_log(task, 0, 0)).await;
    }
    let store = board.model.store().map_err(Failure::unavailable)?;
    let id = task.parse::<TaskId>().map_err(|error| Failure::not_found(error.to_string()))?;
    stored(&store, &id).await
}

async fn stored(store: &Store, task: &TaskId) -> Result<v1::GetTaskLogReply, Failure> {
    let found = stored_log::newest(store, task).await?;
    let none = v1::GetTaskLogReply { task_id: task.to_string(), ..v1::GetTaskLogReply::default() };
    Ok(match found {
        Some(log) => {
            v1::GetTaskLogReply { attempt: log.attempt.0, first: log.first, lines: log.lines, ..none }
        }
        None => none,
    })
}

/// How tasks are doing that are worked on, the first so many of them with the curves of all that they record; nothing of it where there is
/// no coordinator.
pub(crate) async fn live_series(asked: &Asked, tasks: Vec<String>, curves: u32) -> Vec<v1::LiveTask> {
    match &asked.visitor.client {
        Some(client) => answered(client.live_series(tasks, curves)).await.unwrap_or_default(),
        None => Vec::new(),
    }
}

/// How tasks are doing that are worked on, the first so many of them with their curves; nothing of it where there is no coordinator.
pub(crate) async fn live(asked: &Asked, tasks: Vec<String>, curves: u32) -> Vec<v1::LiveTask> {
    match &asked.visitor.client {
        Some(client) => answered(client.live_tasks(tasks, curves)).await.unwrap_or_default(),
        None => Vec::new(),
    }
}
