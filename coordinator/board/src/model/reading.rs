//! Reading what a sweep's tasks came to, beside the looks at how they are.

use std::sync::Arc;

use basin_domain::failure::Failure;
use basin_domain::id::TaskId;
use basin_proto::v1;

use super::results::TasksNow;
use super::{Model, SweepModel};

/// Begins to read what a sweep's tasks came to, if nobody does yet.
pub(super) fn read_results(model: &Arc<Model>, sweep: &Arc<SweepModel>) {
    let Ok(store) = model.store() else { return };
    let (model, sweep) = (Arc::clone(model), Arc::clone(sweep));
    let runtime = tokio::runtime::Handle::current();
    // On a thread of its own: much of it is no waiting.
    tokio::task::spawn_blocking(move || {
        let now = model.now();
        let failed = now.replies.get(&sweep.id).map(|reply| failures(reply)).unwrap_or_default();
        let committed = sweep.committed();
        let tasks = TasksNow { committed: &committed, failed: &failed, list: sweep.list() };
        let refreshed = sweep.results.refresh(&store, &sweep.id, &tasks, &model.latencies);
        for topic in runtime.block_on(refreshed) {
            model.changes.note(&sweep.id, topic);
        }
    });
}

/// The failed tasks that an answer names.
fn failures(reply: &v1::GetSweepReply) -> Vec<(TaskId, Failure)> {
    let known = |task: &v1::FailedTask| {
        let kind = v1::FailureKind::domain(task.kind_code, &task.kind)?;
        Some((task.task_id.parse().ok()?, Failure::new(kind, &task.message)))
    };
    reply.failed.iter().filter_map(known).collect()
}
